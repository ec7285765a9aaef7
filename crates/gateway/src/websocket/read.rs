//! From a connection's bytes to whole messages. A message takes memory as its bytes come, not as its header
//! promises, and is counted for the Worker it is for from the first step on.

use bytes::{BufMut, Bytes, BytesMut};
use switchyard_runtime::{Close, SocketWriter, Waiting};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::frame::{self, Head, Wrong};

/// Bytes that are asked of the connection at once.
const BUFFER: usize = 16 << 10;
/// An unfinished message is counted in steps of so many bytes.
const STEP: usize = 64 << 10;

/// What came.
pub enum Heard {
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    Close(Close),
}

/// Why nothing more comes.
pub enum End {
    /// The connection ended without a Close.
    Lost,
    Wrong(Wrong),
    /// There is no memory for what comes.
    Full,
}

impl From<Wrong> for End {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// Reads frames.
pub struct Reader<R> {
    io: R,
    /// What came and is no part of a frame yet.
    came: BytesMut,
    unfinished: Option<Unfinished>,
    most: usize,
}

/// A message of which some frames have come.
#[derive(Default)]
struct Unfinished {
    is_text: bool,
    bytes: BytesMut,
    charges: Vec<Waiting>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// `early`: what came with the handshake.
    pub fn new(io: R, early: &[u8], most: usize) -> Self {
        Self { io, came: early.into(), unfinished: None, most }
    }

    /// The next of what comes; a message is counted for whom `worker` writes to.
    ///
    /// # Errors
    /// [`End`]: nothing more comes.
    pub async fn next(&mut self, worker: &SocketWriter) -> Result<Heard, End> {
        loop {
            let Head { opcode, is_final, mask, length } = loop {
                if let Some(head) = frame::head(&mut self.came)? {
                    break head;
                }
                self.more().await?;
            };
            let data = match opcode {
                OpCode::Data(data) => data,
                OpCode::Control(control) => {
                    let mut payload = BytesMut::new();
                    self.payload(&mut payload, length, mask, &mut |_| Ok(())).await?;
                    return Ok(match control {
                        Control::Ping => Heard::Ping(payload.freeze()),
                        Control::Close => Heard::Close(frame::read_close(&payload)?),
                        _ => Heard::Pong,
                    });
                }
            };
            let mut message = match (data, self.unfinished.take()) {
                (Data::Continue, Some(message)) => message,
                (Data::Continue, None) => return Err(Wrong::protocol("Unexpected continuation frame").into()),
                (_, Some(_)) => return Err(Wrong::protocol("Missing continuation frame").into()),
                (data, None) => Unfinished { is_text: data == Data::Text, ..Unfinished::default() },
            };
            let whole = length.saturating_add(message.bytes.len() as u64);
            if whole > self.most as u64 {
                let why = format!("Message is too large: {whole} > {}", self.most);
                return Err(Wrong { code: 1009, why }.into());
            }
            let Unfinished { bytes, charges, .. } = &mut message;
            let mut grows = |has: usize| {
                while charges.len() < has / STEP {
                    charges.push(worker.charge(STEP).map_err(|_| End::Full)?);
                }
                Ok(())
            };
            self.payload(bytes, length, mask, &mut grows).await?;
            if !is_final {
                self.unfinished = Some(message);
                continue;
            }
            let bytes = message.bytes.freeze();
            if !message.is_text {
                return Ok(Heard::Binary(bytes));
            }
            if std::str::from_utf8(&bytes).is_err() {
                return Err(Wrong { code: 1007, why: "Received a text message that is not UTF-8".into() }.into());
            }
            return Ok(Heard::Text(bytes));
        }
    }

    /// Reads and drops what still comes, until it ends.
    pub async fn discard(&mut self) {
        loop {
            self.came.clear();
            if self.more().await.is_err() {
                return;
            }
        }
    }

    async fn more(&mut self) -> Result<(), End> {
        self.came.reserve(BUFFER);
        match self.io.read_buf(&mut self.came).await {
            Ok(0) | Err(_) => Err(End::Lost),
            Ok(_) => Ok(()),
        }
    }

    /// A frame's payload, added to `out`, whose length `grows` is told.
    async fn payload(
        &mut self,
        out: &mut BytesMut,
        length: u64,
        mask: Option<[u8; 4]>,
        grows: &mut impl FnMut(usize) -> Result<(), End>,
    ) -> Result<(), End> {
        let mut left = usize::try_from(length).map_err(|_| End::Full)?;
        let begins = out.len();
        while left > 0 {
            let from = out.len();
            if self.came.is_empty() && left >= BUFFER {
                // Long ones come without a detour.
                out.reserve(left.min(STEP));
                let mut part = (&mut *out).limit(left.min(STEP));
                if !matches!(self.io.read_buf(&mut part).await, Ok(1..)) {
                    return Err(End::Lost);
                }
            } else {
                if self.came.is_empty() {
                    self.more().await?;
                }
                let part = self.came.split_to(left.min(self.came.len()));
                out.extend_from_slice(&part);
            }
            left -= out.len() - from;
            if let Some(key) = mask {
                frame::mask(&mut out[from..], key, from - begins);
            }
            grows(out.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Role, write, write_head};
    use super::*;
    use switchyard_runtime::Socket;
    use tokio::io::AsyncWriteExt;

    /// What comes out of bytes that come in pieces of so many.
    async fn read(bytes: &[u8], piece: usize, most: usize) -> (Vec<String>, End) {
        let (ours, mut theirs) = tokio::io::duplex(piece);
        let bytes = bytes.to_vec();
        let sends = tokio::spawn(async move {
            for piece in bytes.chunks(piece) {
                if theirs.write_all(piece).await.is_err() {
                    return;
                }
            }
        });
        let (socket, _theirs) = Socket::pair();
        let (_, worker) = socket.split();
        let mut reader = Reader::new(ours, &[], most);
        let mut heard = Vec::new();
        let end = loop {
            heard.push(match reader.next(&worker).await {
                Ok(Heard::Text(text)) => format!("text {}", text.len()),
                Ok(Heard::Binary(bytes)) => {
                    format!("binary {} {}", bytes.len(), bytes.iter().map(|b| u64::from(*b)).sum::<u64>())
                }
                Ok(Heard::Ping(payload)) => format!("ping {}", payload.len()),
                Ok(Heard::Pong) => "pong".into(),
                Ok(Heard::Close(close)) => format!("close {:?} {}", close.code, close.reason),
                Err(end) => break end,
            });
        };
        drop(reader);
        sends.await.unwrap();
        (heard, end)
    }

    #[tokio::test]
    async fn however_the_bytes_come_the_messages_are_the_same() {
        for role in [Role::Server, Role::Client] {
            let mut bytes = BytesMut::new();
            let payload: Vec<u8> = (0..50_000_u32).map(|n| (n % 251) as u8).collect();
            write(role, OpCode::Data(Data::Text), "grüß".as_bytes(), &mut bytes);
            write(role, OpCode::Control(Control::Ping), b"p", &mut bytes);
            write(role, OpCode::Data(Data::Binary), &payload, &mut bytes);
            write(role, OpCode::Control(Control::Pong), b"", &mut bytes);
            write(role, OpCode::Control(Control::Close), &[0x0f, 0xa0, b'x'], &mut bytes);
            let sum: u64 = payload.iter().map(|byte| u64::from(*byte)).sum();
            let expected = [
                "text 6".into(),
                "ping 1".into(),
                format!("binary 50000 {sum}"),
                "pong".into(),
                "close Some(4000) x".into(),
            ];
            for piece in [1, 2, 3, 7, 1_000, 16_384, 1 << 20] {
                let (heard, end) = read(&bytes, piece, 1 << 20).await;
                assert_eq!(heard, expected, "{role:?} {piece}");
                assert!(matches!(end, End::Lost));
            }
        }
    }

    #[tokio::test]
    async fn a_message_is_refused_by_what_its_head_promises() {
        let mut bytes = BytesMut::new();
        write_head(Role::Client, OpCode::Data(Data::Binary), 101, &mut bytes);
        let (heard, end) = read(&bytes, 64, 100).await;
        assert!(heard.is_empty());
        assert!(matches!(end, End::Wrong(Wrong { code: 1009, why }) if why == "Message is too large: 101 > 100"));
        let mut bytes = BytesMut::new();
        write(Role::Client, OpCode::Data(Data::Binary), &[1; 100], &mut bytes);
        assert_eq!(read(&bytes, 64, 100).await.0, ["binary 100 100"]);
    }
}
