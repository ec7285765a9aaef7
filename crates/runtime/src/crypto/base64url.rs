//! The encoding of JWK's fields. Keys pass through it here, where no function of the script's can look on.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Args, Output, Refused};

/// Written without padding; read with or without it, stray bits ignored.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub fn encode(bytes: &[u8]) -> String {
    BASE64URL.encode(bytes)
}

/// Either alphabet, white space anywhere.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let strange = |byte: u8| matches!(byte, b'+' | b'/') || byte.is_ascii_whitespace();
    if !text.bytes().any(strange) {
        return BASE64URL.decode(text).ok();
    }
    let plain = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let plain: Vec<u8> = plain
        .map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            byte => byte,
        })
        .collect();
    BASE64URL.decode(plain).ok()
}

/// bytes → text.
pub fn encode_value(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let text = encode(args.bytes()?);
    out.values().text(&text);
    Ok(())
}

/// text, message where it is none → bytes.
pub fn decode_value(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (text, message) = (args.text_or_null()?, args.text()?);
    let bytes = text.and_then(decode).ok_or_else(|| Refused::data(message))?;
    out.put(&bytes)
}
