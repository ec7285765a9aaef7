//! The bytes of a frame (RFC 6455 §5). The header is tungstenite's; what its message layer would do beyond that is
//! not wanted here: it answers a Close by itself, where the Worker has the word, and holds a whole message before
//! anybody can say that it is too much.

use std::io::Cursor;

use bytes::{BufMut, Bytes, BytesMut};
use switchyard_runtime::Close;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

/// Payload bytes of a control frame, at most.
pub const MOST_CONTROL: usize = 125;
/// … of which a Close's reason may have so many.
const MOST_REASON: usize = MOST_CONTROL - 2;

/// Which side of the connection is ours. What a client sends is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Server,
    Client,
}

/// What a peer did that it must not; the code of the Close that it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub code: u16,
    pub why: String,
}

impl Wrong {
    pub fn protocol(why: impl Into<String>) -> Self {
        Self { code: 1002, why: why.into() }
    }
}

/// A frame's header, checked by itself, and the length of its payload.
#[derive(Debug)]
pub struct Head {
    pub opcode: OpCode,
    pub is_final: bool,
    pub mask: Option<[u8; 4]>,
    pub length: u64,
}

/// The header at the beginning of what has come, which is taken away; `None`: it is not all here.
///
/// # Errors
/// [`Wrong`].
pub fn head(bytes: &mut BytesMut) -> Result<Option<Head>, Wrong> {
    let mut cursor = Cursor::new(&bytes[..]);
    let parsed = FrameHeader::parse(&mut cursor).map_err(|error| match error {
        Error::Protocol(ProtocolError::InvalidOpcode(opcode)) => Wrong::protocol(format!("Unknown opcode {opcode}")),
        other => Wrong::protocol(other.to_string()),
    })?;
    let Some((header, length)) = parsed else { return Ok(None) };
    let taken = usize::try_from(cursor.position()).unwrap_or(usize::MAX).min(bytes.len());
    let _ = bytes.split_to(taken);
    if header.rsv1 {
        return Err(Wrong::protocol(
            "Received a WebSocket frame whose compression bit was set, but the compression extension was not \
             negotiated for this connection.",
        ));
    }
    if header.rsv2 || header.rsv3 {
        return Err(Wrong::protocol("Received frame had RSV bits 2 or 3 set"));
    }
    if matches!(header.opcode, OpCode::Control(_)) {
        if !header.is_final {
            return Err(Wrong::protocol("Received fragmented control frame"));
        }
        if length > MOST_CONTROL as u64 {
            return Err(Wrong::protocol("Received a control frame that is too long"));
        }
    }
    Ok(Some(Head { opcode: header.opcode, is_final: header.is_final, mask: header.mask, length }))
}

/// Takes the mask away, or puts it on: of bytes that stand `at` in their payload.
pub fn mask(bytes: &mut [u8], key: [u8; 4], at: usize) {
    let mut turned = key;
    turned.rotate_left(at % 4);
    let wide =
        u64::from_ne_bytes([turned[0], turned[1], turned[2], turned[3], turned[0], turned[1], turned[2], turned[3]]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(turned.iter().cycle()) {
        *byte ^= key;
    }
}

/// Writes a frame's header; the key that its payload is masked with, if it is.
pub fn write_head(role: Role, opcode: OpCode, length: usize, out: &mut BytesMut) -> Option<[u8; 4]> {
    let key = (role == Role::Client).then(|| {
        let mut key = [0; 4];
        // It protects proxies from scripts that choose their bytes; not random it would still be valid.
        let _ = aws_lc_rs::rand::fill(&mut key);
        key
    });
    let header = FrameHeader { is_final: true, rsv1: false, rsv2: false, rsv3: false, opcode, mask: key };
    // Writing to memory does not fail.
    let _ = header.format(length as u64, &mut out.writer());
    key
}

/// Writes part of a payload, which stands `at` in it.
pub fn write_part(part: &[u8], key: Option<[u8; 4]>, at: usize, out: &mut BytesMut) {
    let begins = out.len();
    out.put_slice(part);
    if let Some(key) = key {
        mask(&mut out[begins..], key, at);
    }
}

/// Writes a whole frame.
pub fn write(role: Role, opcode: OpCode, payload: &[u8], out: &mut BytesMut) {
    let key = write_head(role, opcode, payload.len(), out);
    write_part(payload, key, 0, out);
}

/// A Close's payload.
pub fn close_payload(close: &Close) -> Bytes {
    let Some(code) = close.code else { return Bytes::new() };
    let reason = &close.reason[..close.reason.floor_char_boundary(MOST_REASON)];
    let mut payload = BytesMut::with_capacity(2 + reason.len());
    payload.put_u16(code);
    payload.put_slice(reason.as_bytes());
    payload.freeze()
}

/// What a Close's payload says. Codes are the Worker's to judge.
///
/// # Errors
/// It is cut off.
pub fn read_close(payload: &[u8]) -> Result<Close, Wrong> {
    match payload.split_first_chunk::<2>() {
        Some((code, reason)) => {
            Ok(Close { code: Some(u16::from_be_bytes(*code)), reason: String::from_utf8_lossy(reason).into_owned() })
        }
        None if payload.is_empty() => Ok(Close::default()),
        None => Err(Wrong::protocol("Received a Close frame whose code is cut off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data};

    #[test]
    fn frames_survive_the_way_there_and_back() {
        for role in [Role::Server, Role::Client] {
            for length in [0, 1, 7, 125, 126, 65_535, 65_536] {
                let payload: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
                let mut bytes = BytesMut::new();
                write(role, OpCode::Data(Data::Binary), &payload, &mut bytes);
                let whole = bytes.clone();
                let read = head(&mut bytes).unwrap().unwrap();
                assert_eq!((read.length, read.is_final), (length as u64, true));
                assert_eq!(read.mask.is_some(), role == Role::Client);
                let header = whole.len() - bytes.len();
                for cut in 0..header {
                    assert!(head(&mut BytesMut::from(&whole[..cut])).unwrap().is_none(), "{cut} of {header}");
                }
                // In pieces, as they come.
                let mut came = bytes.to_vec();
                if let Some(key) = read.mask {
                    let middle = came.len() / 3;
                    mask(&mut came[..middle], key, 0);
                    mask(&mut came[middle..], key, middle);
                }
                assert!(came == payload, "{role:?} {length}");
            }
        }
    }

    #[test]
    fn what_is_no_frame_is_named() {
        let wrong = |bytes: &[u8]| head(&mut BytesMut::from(bytes)).unwrap_err().why;
        assert_eq!(wrong(&[0x83, 0]), "Unknown opcode 3");
        assert_eq!(wrong(&[0x8b, 0]), "Unknown opcode 11");
        assert!(wrong(&[0xc1, 0]).starts_with("Received a WebSocket frame whose compression bit"));
        assert!(wrong(&[0xa1, 0]).contains("RSV bits 2 or 3"));
        assert_eq!(wrong(&[0x09, 0]), "Received fragmented control frame");
        assert_eq!(wrong(&[0x89, 126, 0, 126]), "Received a control frame that is too long");
        let mut bytes = BytesMut::new();
        write(Role::Server, OpCode::Control(Control::Close), &[1; 125], &mut bytes);
        assert_eq!(head(&mut bytes).unwrap().unwrap().length, 125);
    }

    #[test]
    fn a_close_is_read_as_it_was_written() {
        let close = Close { code: Some(4321), reason: "é".repeat(100) };
        let payload = close_payload(&close);
        assert_eq!(payload.len(), 2 + 122);
        let read = read_close(&payload).unwrap();
        assert_eq!((read.code, read.reason), (Some(4321), "é".repeat(61)));
        assert_eq!(read_close(&[]).unwrap(), Close::default());
        assert_eq!(read_close(&[3]).unwrap_err().code, 1002);
        assert_eq!(close_payload(&Close { code: None, reason: "lost".into() }), Bytes::new());
    }
}
