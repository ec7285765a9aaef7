//! Short random texts: request ids, references in error messages, tokens, and draws between versions.

use std::cell::Cell;

use http::HeaderValue;

/// A uniform number. Fast and unpredictable enough for ids and for sharing requests between two
/// versions; not for secrets ([`token`]).
pub fn draw() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(u64::from_le_bytes(secret()));
    }
    STATE.with(|state| {
        // SplitMix64.
        let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// Writes bytes as hex digits, two each; `text` has room for just these.
pub fn write_hex(text: &mut [u8], bytes: &[u8]) {
    for (digits, byte) in text.chunks_exact_mut(2).zip(bytes) {
        for (digit, four) in digits.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = four + if four < 10 { b'0' } else { b'a' - 10 };
        }
    }
}

/// A request's id: 16 hex digits.
pub fn ray() -> HeaderValue {
    let mut text = [0; 16];
    write_hex(&mut text, &draw().to_be_bytes());
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// 24 of `0-9a-v`, as errors without details carry.
pub fn reference() -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let numbers = [draw(), draw()];
    (0..24).map(|index| char::from(DIGITS[(numbers[index / 12] >> (5 * (index % 12)) & 31) as usize])).collect()
}

/// An API token: 40 of `A-Za-z0-9`, 238 bits from the operating system.
pub fn token() -> String {
    const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(40);
    while text.len() < 40 {
        // Bytes above the last multiple of 62 would favour some digits.
        let bytes: [u8; 32] = secret();
        let fair = bytes.into_iter().filter(|byte| *byte < 248);
        text.extend(fair.map(|byte| char::from(DIGITS[usize::from(byte % 62)])).take(40 - text.len()));
    }
    text
}

/// Bytes from the operating system.
pub fn secret<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "without randomness no key, token or id can be made: the process must not go on"
    )]
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_form() {
        let ray = ray();
        assert!(ray.len() == 16 && ray.as_bytes().iter().all(u8::is_ascii_hexdigit));
        let mut text = [0; 32];
        write_hex(&mut text, &0x0123_4567_89ab_cdef_0000_0000_0000_000f_u128.to_be_bytes());
        assert_eq!(&text, b"0123456789abcdef000000000000000f");
        assert_eq!(reference().len(), 24);
        let token = token();
        assert!(token.len() == 40 && token.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(token, super::token());
        assert_ne!(draw(), draw());
    }
}
