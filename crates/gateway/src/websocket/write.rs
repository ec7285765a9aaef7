//! From messages to a connection's bytes. Short ones that are ready go out together; a connection that takes
//! nothing for too long is given up.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use switchyard_runtime::{Close, Message, SocketReader};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::frame::{self, Role};

/// Bytes that are gathered before they are written.
const TOGETHER: usize = 16 << 10;
/// … and that are written at once, each with a deadline of its own.
const PIECE: usize = 64 << 10;

/// What is to be said besides messages.
#[derive(Default)]
pub struct Orders {
    given: Mutex<Given>,
    news: Notify,
}

#[derive(Default)]
struct Given {
    /// The last Ping's, as the RFC allows.
    pong: Option<Bytes>,
    close: Option<Close>,
}

impl Orders {
    pub fn pong(&self, payload: Bytes) {
        self.given.lock().pong = Some(payload);
        self.news.notify_one();
    }

    /// Nothing is said after it.
    pub fn close(&self, code: u16, reason: &str) {
        self.given.lock().close.get_or_insert_with(|| Close { code: Some(code), reason: reason.to_owned() });
        self.news.notify_one();
    }
}

/// Why nothing more is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The Worker's Close.
    Close,
    /// The Close that was ordered.
    Ordered,
    /// The Worker's end is gone, without a Close.
    WorkerGone,
    Lost,
}

/// Writes frames.
pub struct Writer<W> {
    pub io: W,
    pub role: Role,
    pub patience: Duration,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Writes what the Worker says until somebody has said the last word. `told` hears of each message, and of
    /// the bytes of all that is written.
    pub async fn run(&mut self, worker: &mut SocketReader, orders: &Orders, mut told: impl FnMut(u64, u64)) -> Written {
        let mut out = BytesMut::new();
        loop {
            let mut next = tokio::select! {
                biased;
                () = orders.news.notified() => None,
                message = worker.next() => match message {
                    Some(message) => Some(message),
                    None => return Written::WorkerGone,
                },
            };
            let mut messages = 0;
            let mut end = None;
            let Given { pong, close } = {
                let mut given = orders.given.lock();
                Given { pong: given.pong.take(), close: given.close.take() }
            };
            if let Some(payload) = pong {
                frame::write(self.role, OpCode::Control(Control::Pong), &payload, &mut out);
            }
            if let Some(close) = close {
                frame::write(self.role, OpCode::Control(Control::Close), &frame::close_payload(&close), &mut out);
                end = Some(Written::Ordered);
                next = None;
            }
            while let Some(message) = next.take() {
                let (opcode, payload) = match message {
                    Message::Text(text) => (OpCode::Data(Data::Text), text),
                    Message::Binary(bytes) => (OpCode::Data(Data::Binary), bytes),
                    Message::Close(close) => {
                        let payload = frame::close_payload(&close);
                        frame::write(self.role, OpCode::Control(Control::Close), &payload, &mut out);
                        end = Some(Written::Close);
                        break;
                    }
                    // Of another connection, whose Worker has passed it on.
                    Message::Failed(_) => {
                        end = Some(Written::WorkerGone);
                        break;
                    }
                };
                messages += 1;
                if payload.len() > PIECE {
                    if !self.put_long(opcode, &payload, &mut out, &mut told).await {
                        return Written::Lost;
                    }
                } else {
                    frame::write(self.role, opcode, &payload, &mut out);
                }
                if out.len() < TOGETHER {
                    next = worker.try_next();
                }
            }
            told(messages, out.len() as u64);
            if !self.put(&out).await {
                return Written::Lost;
            }
            if let Some(end) = end {
                return end;
            }
            out.clear();
            if out.capacity() > TOGETHER * 2 {
                out = BytesMut::new(); // what is silent keeps nothing
            }
        }
    }

    /// A long message leaves in pieces: there is no second copy of it.
    async fn put_long(
        &mut self,
        opcode: OpCode,
        payload: &Bytes,
        out: &mut BytesMut,
        told: &mut impl FnMut(u64, u64),
    ) -> bool {
        let key = frame::write_head(self.role, opcode, payload.len(), out);
        for (number, piece) in payload.chunks(PIECE).enumerate() {
            frame::write_part(piece, key, number * PIECE, out);
            told(0, out.len() as u64);
            if !self.put(out).await {
                return false;
            }
            out.clear();
        }
        true
    }

    async fn put(&mut self, bytes: &[u8]) -> bool {
        for piece in bytes.chunks(PIECE) {
            let written = tokio::time::timeout(self.patience, self.io.write_all(piece)).await;
            if !matches!(written, Ok(Ok(()))) {
                return false;
            }
        }
        matches!(tokio::time::timeout(self.patience, self.io.flush()).await, Ok(Ok(())))
    }

    /// No byte more.
    pub async fn shut(&mut self) {
        let _ = tokio::time::timeout(self.patience, self.io.shutdown()).await;
    }
}
