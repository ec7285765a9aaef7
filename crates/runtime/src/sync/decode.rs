//! `TextDecoder` for any label. No decoder lives on the host, so nothing crosses a freeze: what a stream
//! needs between two calls is bytes in the guest, namely those from the last point at which a fresh
//! decoder gives the same text for what follows. Every call costs what its own bytes cost.

use encoding_rs::{Decoder, DecoderResult, Encoding, ISO_2022_JP, UTF_16BE, UTF_16LE};
use switchyard_js::abi::{Malformed, Reader, Writer};

use super::MAX_DECODE;

/// The first byte of a state: the start, where a byte order mark may stand, has been passed …
const STARTED: u8 = 1;
/// … and the three bytes after it are no input but the escape sequence of the mode that goes on.
const IN_MODE: u8 = 2;
/// The longest sequence that a multi-byte encoding leaves unfinished.
const UNFINISHED: usize = 3;

/// Answers DECODE; `false`: malformed (fatal), too long, or an unknown label.
pub fn decode(mut values: Reader<'_>, write: &mut Writer<'_>) -> Result<bool, Malformed> {
    let (label, bytes) = (values.text()?, values.bytes()?);
    let (fatal, ignore_bom) = (values.bool()?, values.bool()?);
    let state = values.value()?.as_bytes().unwrap_or_default();
    let stream = values.bool()?;
    let Some(encoding) = Encoding::for_label_no_replacement(label.as_bytes()) else { return Ok(false) };
    if bytes.len() + state.len() > MAX_DECODE {
        return Ok(false);
    }
    let (flags, kept) = state.split_first().map_or((0, state), |(flags, kept)| (*flags, kept));
    let input = [kept, bytes].concat();
    let started = flags & STARTED != 0;
    let decoder = if ignore_bom || started {
        encoding.new_decoder_without_bom_handling()
    } else {
        encoding.new_decoder_with_bom_removal()
    };
    let piece = Piece { decoder, text: String::new(), fatal };
    let decoded = if !stream {
        let input = if flags & IN_MODE != 0 { japanese::without_idle_mode(&input) } else { &input };
        piece.all(input).map(|text| (text, Vec::new()))
    } else if encoding == ISO_2022_JP {
        japanese::decode(piece, &input, flags)
    } else {
        piece.certain(encoding, &input).map(|(text, certain)| {
            let left = [&[if started || certain > 0 { STARTED } else { 0 }], &input[certain..]].concat();
            (text, left)
        })
    };
    Ok(decoded.is_some_and(|(text, left)| {
        write.text(&text).bytes(&left);
        true
    }))
}

/// One call's decoding.
struct Piece {
    decoder: Decoder,
    text: String,
    fatal: bool,
}

impl Piece {
    /// Decodes more; `None`: malformed, and that is fatal.
    fn push(&mut self, input: &[u8], last: bool) -> Option<()> {
        self.text.reserve(self.decoder.max_utf8_buffer_length(input.len())?);
        if self.fatal {
            let (result, _) = self.decoder.decode_to_string_without_replacement(input, &mut self.text, last);
            (result == DecoderResult::InputEmpty).then_some(())
        } else {
            let _ = self.decoder.decode_to_string(input, &mut self.text, last);
            Some(())
        }
    }

    fn all(mut self, input: &[u8]) -> Option<String> {
        self.push(input, true)?;
        Some(self.text)
    }

    /// The text of all that is certain whatever follows, and how many bytes that is.
    fn certain(mut self, encoding: &'static Encoding, input: &[u8]) -> Option<(String, usize)> {
        if encoding == UTF_16LE || encoding == UTF_16BE {
            let certain = whole_utf16(input, usize::from(encoding == UTF_16LE));
            // A first half at its end has another first half after it: it is alone for certain.
            self.push(&input[..certain], true)?;
            return Some((self.text, certain));
        }
        let most = input.len().saturating_sub(UNFINISHED);
        let (mut text, mut certain) = (0, 0);
        for (from, to) in std::iter::once((0, most)).chain((most..input.len()).map(|at| (at, at + 1))) {
            self.push(&input[from..to], false)?;
            if self.decoder.latin1_byte_compatible_up_to(&[]).is_some() {
                (text, certain) = (self.text.len(), to); // nothing is unfinished here
            }
        }
        self.text.truncate(text);
        Some((self.text, certain))
    }
}

/// Bytes of whole characters: no half unit and no first half of a pair at the end.
fn whole_utf16(input: &[u8], high_byte: usize) -> usize {
    let whole = input.len() & !1;
    match input[..whole].last_chunk::<2>() {
        Some(unit) if (0xd8..0xdc).contains(&unit[high_byte]) => whole - 2,
        _ => whole,
    }
}

/// ISO-2022-JP, the one encoding with modes that last.
mod japanese {
    use super::{IN_MODE, Piece, STARTED};

    const ESCAPE: u8 = 0x1b;

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Within {
        Nothing,
        Pair,
        Escape,
        EscapeWith(u8),
    }

    /// The decoder of the Encoding Standard, as far as it says where it stands.
    struct Place {
        /// The escape sequence of the mode.
        mode: [u8; 3],
        within: Within,
        /// An escape sequence came, and nothing after it.
        idle: bool,
    }

    const ASCII: [u8; 3] = [ESCAPE, b'(', b'B'];

    impl Place {
        fn is_pairs(&self) -> bool {
            self.mode[1] == b'$'
        }

        fn step(&mut self, byte: u8) {
            match self.within {
                Within::Nothing | Within::Pair if byte == ESCAPE => self.within = Within::Escape,
                Within::Nothing => {
                    self.idle = false;
                    if self.is_pairs() && (0x21..=0x7e).contains(&byte) {
                        self.within = Within::Pair;
                    }
                }
                Within::Pair => self.within = Within::Nothing,
                Within::Escape if matches!(byte, b'$' | b'(') => self.within = Within::EscapeWith(byte),
                Within::Escape => {
                    (self.within, self.idle) = (Within::Nothing, false);
                    self.step(byte);
                }
                Within::EscapeWith(first) => {
                    self.within = Within::Nothing;
                    if is_mode(first, byte) {
                        (self.mode, self.idle) = ([ESCAPE, first, byte], true);
                    } else {
                        self.idle = false;
                        self.step(first);
                        self.step(byte);
                    }
                }
            }
        }
    }

    fn is_mode(first: u8, second: u8) -> bool {
        matches!((first, second), (b'(', b'B' | b'J' | b'I') | (b'$', b'@' | b'B'))
    }

    /// Input that begins with a mode's escape: without it where a real one follows at once, since two in
    /// a row would be an error.
    pub fn without_idle_mode(input: &[u8]) -> &[u8] {
        match input.get(3..) {
            Some(rest @ [ESCAPE, first, second, ..]) if is_mode(*first, *second) => rest,
            _ => input,
        }
    }

    /// Text and state.
    pub fn decode(mut piece: Piece, input: &[u8], flags: u8) -> Option<(String, Vec<u8>)> {
        let in_mode = flags & IN_MODE != 0;
        let (mode, skip) = match input.first_chunk::<3>() {
            Some(mode) if in_mode => (*mode, 3),
            _ => (ASCII, 0),
        };
        let mut place = Place { mode, within: Within::Nothing, idle: false };
        let (mut certain, mut mode_then) = (skip, mode);
        for (at, byte) in input.iter().enumerate().skip(skip) {
            place.step(*byte);
            if place.within == Within::Nothing && !place.idle {
                (certain, mode_then) = (at + 1, place.mode);
            }
        }
        if certain > skip {
            let decoded = &input[..certain];
            piece.push(if in_mode { without_idle_mode(decoded) } else { decoded }, false)?;
        }
        let mut left = vec![if flags & STARTED != 0 || certain > 0 { STARTED } else { 0 }];
        if mode_then != ASCII {
            left[0] |= IN_MODE;
            left.extend_from_slice(&mode_then);
        }
        left.extend_from_slice(&input[certain..]);
        Some((piece.text, left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of parts, and the longest state between them.
    fn in_parts<'a>(label: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> (String, usize) {
        let (mut text, mut state, mut longest) = (String::new(), Vec::new(), 0);
        let mut parts = parts.into_iter().peekable();
        while let Some(part) = parts.next() {
            let mut question = Vec::new();
            let mut write = Writer::new(&mut question);
            write.text(label).bytes(part).bool(false).bool(false).bytes(&state).bool(parts.peek().is_some());
            let mut answer = Vec::new();
            assert!(decode(Reader::new(&question), &mut Writer::new(&mut answer)).unwrap());
            let mut values = Reader::new(&answer);
            text += values.text().unwrap();
            state = values.bytes().unwrap().to_vec();
            longest = longest.max(state.len());
        }
        (text, longest)
    }

    fn whole(label: &str, bytes: &[u8]) -> String {
        Encoding::for_label(label.as_bytes()).unwrap().decode_with_bom_removal(bytes).0.into_owned()
    }

    const LABELS: [&str; 11] = [
        "utf-8",
        "shift_jis",
        "gb18030",
        "gbk",
        "big5",
        "euc-kr",
        "euc-jp",
        "iso-2022-jp",
        "utf-16le",
        "utf-16be",
        "windows-1252",
    ];

    #[test]
    fn pieces_give_the_text_of_the_whole() {
        for label in LABELS {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            let text = "a日本語テキスト 中文𠮷x한국어 é b";
            let bytes = match label {
                "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                _ => encoding.encode(text).0.into_owned(),
            };
            for cut in 0..=bytes.len() {
                assert_eq!(
                    in_parts(label, [&bytes[..cut], &bytes[cut..]]).0,
                    whole(label, &bytes),
                    "{label} cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn any_bytes_in_any_pieces_give_the_text_of_the_whole() {
        let mut state = 7u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        let odd = [
            0x1b, b'(', b'$', b'B', b'J', b'I', b'@', 0x24, 0x21, 0x81, 0x30, 0xef, 0xbb, 0xbf, 0xd8, 0xff, 0xe3, 0x8f,
        ];
        for label in LABELS {
            for _ in 0..3_000 {
                let len = random() % 24;
                let bytes: Vec<u8> = (0..len)
                    .map(|_| if random() % 3 > 0 { odd[random() as usize % odd.len()] } else { random() })
                    .collect();
                let (mut parts, mut from) = (Vec::new(), 0);
                while from < bytes.len() {
                    let to = (from + 1 + random() as usize % 4).min(bytes.len());
                    parts.push(&bytes[from..to]);
                    from = to;
                }
                parts.push(&[]);
                assert_eq!(in_parts(label, parts).0, whole(label, &bytes), "{label} {bytes:02x?}");
            }
        }
    }

    #[test]
    fn a_stream_keeps_no_more_than_what_is_unfinished() {
        for label in LABELS {
            let bytes = Encoding::for_label(label.as_bytes()).unwrap().encode(&"日本".repeat(5_000)).0.into_owned();
            let (text, longest) = in_parts(label, bytes.chunks(7));
            assert_eq!(text, whole(label, &bytes));
            assert!(longest <= 16, "{label} kept {longest} bytes");
        }
    }
}
