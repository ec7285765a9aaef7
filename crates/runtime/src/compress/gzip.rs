//! What gzip puts around a deflated stream (RFC 1952): a header with parts that nobody reads, and a checksum behind it.

use flate2::Crc;

/// The header of what is compressed here: no name, no time, made on Unix, as zlib writes it.
pub const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

const FLAG_HEADER_CRC: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// The checksum and the length, as they stand at the end.
pub fn trailer(crc: &Crc) -> Vec<u8> {
    let mut trailer = crc.sum().to_le_bytes().to_vec();
    trailer.extend_from_slice(&crc.amount().to_le_bytes());
    trailer
}

/// A header that comes in pieces.
#[derive(Default)]
pub struct Header {
    part: Part,
    /// The fixed bytes, then the two of a length or a checksum, as far as they came.
    fixed: Vec<u8>,
    flags: u8,
    crc: Crc,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Fixed,
    ExtraLength,
    Extra(u16),
    Name,
    Comment,
    Checksum,
    Whole,
}

impl Header {
    pub fn is_whole(&self) -> bool {
        self.part == Part::Whole
    }

    /// Takes what belongs to the header; how many bytes those were. `None`: it is none.
    pub fn push(&mut self, input: &[u8]) -> Option<usize> {
        for (at, byte) in input.iter().enumerate() {
            if self.is_whole() {
                return Some(at);
            }
            self.byte(*byte)?;
        }
        Some(input.len())
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        if self.part != Part::Checksum {
            self.crc.update(&[byte]);
        }
        match self.part {
            Part::Fixed => {
                self.fixed.push(byte);
                let at = self.fixed.len() - 1;
                // What is wrong is said as soon as it is seen.
                if at < 3 && byte != HEADER[at] || at == 3 && byte & RESERVED != 0 {
                    return None;
                }
                if self.fixed.len() == HEADER.len() {
                    self.flags = self.fixed[3];
                    self.fixed.clear();
                    self.part = self.after(FLAG_EXTRA);
                }
            }
            Part::ExtraLength => {
                self.fixed.push(byte);
                if let [low, high] = self.fixed[..] {
                    let length = u16::from_le_bytes([low, high]);
                    self.fixed.clear();
                    self.part = if length == 0 { self.after(FLAG_NAME) } else { Part::Extra(length) };
                }
            }
            Part::Extra(left) => self.part = if left == 1 { self.after(FLAG_NAME) } else { Part::Extra(left - 1) },
            Part::Name if byte == 0 => self.part = self.after(FLAG_COMMENT),
            Part::Comment if byte == 0 => self.part = self.after(FLAG_HEADER_CRC),
            Part::Name | Part::Comment | Part::Whole => {}
            Part::Checksum => {
                self.fixed.push(byte);
                if let [low, high] = self.fixed[..] {
                    if [low, high] != self.crc.sum().to_le_bytes()[..2] {
                        return None;
                    }
                    self.part = Part::Whole;
                }
            }
        }
        Some(())
    }

    /// The first part that is there, from the one of that flag on.
    fn after(&self, flag: u8) -> Part {
        let order = [
            (FLAG_EXTRA, Part::ExtraLength),
            (FLAG_NAME, Part::Name),
            (FLAG_COMMENT, Part::Comment),
            (FLAG_HEADER_CRC, Part::Checksum),
        ];
        let from = order.iter().position(|(of, _)| *of == flag).unwrap_or(order.len());
        order[from..].iter().find(|(of, _)| self.flags & of != 0).map_or(Part::Whole, |(_, part)| *part)
    }
}
