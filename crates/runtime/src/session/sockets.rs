//! WebSockets of one request: ends that its guest holds, the one that its response gives away, and what comes
//! over them. An end that the response began keeps the request alive until it is closed; what else is open ends
//! with the request, as on workerd.

use std::collections::HashMap;

use bytes::Bytes;
use switchyard_catalog::Limit;
use switchyard_js::abi::{Malformed, Reader, Value, Writer, event};

use super::{Call, Happened, Session};
use crate::host::{Host, Unacceptable};
use crate::socket::{Close, Message, Refused, Socket, SocketReader, SocketWriter};

/// Ends that one request may hold.
const MAX_SOCKETS: usize = 256;
pub const TOO_MANY_SOCKETS: &str = "Too many open WebSockets.";
const NOT_ASKED: &str = "Worker tried to return a WebSocket in a response to a request which did not contain the \
                         header \"Upgrade: websocket\".";
/// The code of a Close that has none.
const NO_CODE: u16 = 1005;

/// See the module's paragraph.
#[derive(Default)]
pub struct Sockets {
    open: HashMap<i32, End>,
    /// For the response that follows.
    offered: Option<Socket>,
    /// The other end of what the response gave away.
    response: Option<i32>,
}

/// An end that the guest holds.
struct End {
    writer: SocketWriter,
    /// `None`: it is being read.
    reader: Option<SocketReader>,
    /// The guest has closed it.
    closed: bool,
    /// The other end has.
    heard: bool,
    /// Bytes that the guest sent.
    sent: u64,
}

impl Sockets {
    pub fn is_connected(&self) -> bool {
        self.response.is_some()
    }

    /// The client waits for more than an answer to its Close.
    pub fn is_waited_for(&self) -> bool {
        let end = self.response.and_then(|response| self.open.get(&response));
        end.is_some_and(|end| !end.heard)
    }
}

impl Session {
    /// The response's WebSocket is open still.
    pub(super) fn is_connected(&self) -> bool {
        self.sockets.as_ref().is_some_and(|sockets| sockets.is_connected())
    }

    fn is_response(&self, number: i32) -> bool {
        self.sockets.as_ref().is_some_and(|sockets| sockets.response == Some(number))
    }

    /// Some end is open.
    pub(super) fn has_sockets(&self) -> bool {
        self.sockets.as_ref().is_some_and(|sockets| !sockets.open.is_empty())
    }

    /// Keeps an end that a fetch brought; false: there are too many.
    pub(super) fn keep_socket(&mut self, host: &Host, number: i32, socket: Socket) -> bool {
        let sockets = self.sockets.get_or_insert_default();
        if sockets.open.len() >= MAX_SOCKETS {
            return false;
        }
        socket.count_in(host.limiter.held());
        let (reader, writer) = socket.split();
        let end = End { writer, reader: Some(reader), closed: false, heard: false, sent: 0 };
        sockets.open.insert(number, end);
        true
    }

    /// Both ends are here: the guest keeps one, the response has the other.
    pub(super) fn offer_socket(&mut self, host: &Host, number: i32) {
        let (ours, theirs) = Socket::pair();
        if self.keep_socket(host, number, ours) {
            let sockets = self.sockets.get_or_insert_default();
            sockets.offered = Some(theirs);
            sockets.response = Some(number);
        }
    }

    /// An end that nobody looked into goes on to the response as it came.
    pub(super) fn pass_socket(&mut self, number: i32) {
        let Some(sockets) = &mut self.sockets else { return };
        if let Some(End { writer, reader: Some(reader), .. }) = sockets.open.remove(&number) {
            sockets.offered = Some(Socket::of(reader, writer));
        }
    }

    /// What the response gives away.
    ///
    /// # Errors
    /// The text for the script: nobody asked for it.
    pub(super) fn take_offered(&mut self) -> Result<Option<Socket>, &'static str> {
        let Some(sockets) = &mut self.sockets else { return Ok(None) };
        let offered = sockets.offered.take();
        if offered.is_some() && !self.upgrade {
            sockets.response = None;
            return Err(NOT_ASKED);
        }
        Ok(offered)
    }

    /// The guest listens to that end from now on.
    pub(super) fn accept_socket(&mut self, number: i32) {
        let end = self.sockets.as_mut().and_then(|sockets| sockets.open.get_mut(&number));
        if let Some(reader) = end.and_then(|end| end.reader.take()) {
            self.listen(number, reader);
        }
    }

    fn listen(&mut self, number: i32, mut reader: SocketReader) {
        self.start(number, async move {
            let message = reader.next().await;
            Happened::Message { socket: number, reader, message }
        });
    }

    /// The guest has something to say. Nobody may hear it: then it is told, or was told already.
    pub(super) fn send_message(&mut self, number: i32, message: &Bytes) -> Result<(), Unacceptable> {
        let kept = |bytes: &[u8]| message.slice_ref(bytes);
        let message = match Reader::new(message).value()? {
            Value::Text(text) => Message::Text(kept(text.as_bytes())),
            Value::Bytes(bytes) => Message::Binary(kept(bytes)),
            _ => return Err(Malformed::Unexpected.into()),
        };
        self.write_socket(number, message)
    }

    /// The guest has no more to say.
    pub(super) fn close_socket(&mut self, number: i32, mut values: Reader<'_>) -> Result<(), Unacceptable> {
        let code = match values.value()? {
            Value::Null => None,
            Value::Int(code) => Some(u16::try_from(code).map_err(|_| Malformed::Unexpected)?),
            _ => return Err(Malformed::Unexpected.into()),
        };
        let reason = values.text()?.to_owned();
        self.write_socket(number, Message::Close(Close { code, reason }))?;
        if let Some(end) = self.sockets.as_mut().and_then(|sockets| sockets.open.get_mut(&number)) {
            end.closed = true;
            if end.heard {
                self.drop_socket(number);
            }
        }
        Ok(())
    }

    fn write_socket(&mut self, number: i32, message: Message) -> Result<(), Unacceptable> {
        let Some(sockets) = &mut self.sockets else { return Ok(()) };
        let Some(end) = sockets.open.get_mut(&number).filter(|end| !end.closed) else { return Ok(()) };
        if let Message::Text(bytes) | Message::Binary(bytes) = &message {
            end.sent = end.sent.saturating_add(bytes.len() as u64);
        }
        let most = self.context.invocation.limits.response_bytes.unwrap_or(u64::MAX);
        if end.sent > most && sockets.response == Some(number) {
            self.met.insert(Limit::ResponseBytes);
            self.drop_socket(number);
            self.ready.push_back(Happened::Cut { socket: number });
            return Ok(());
        }
        match end.writer.push_held(message) {
            Err(Refused::Full(full)) => Err(full.into()),
            _ => Ok(()),
        }
    }

    /// Nothing is said or heard there any more.
    pub(super) fn drop_socket(&mut self, number: i32) {
        let Some(sockets) = &mut self.sockets else { return };
        sockets.open.remove(&number);
        sockets.response.take_if(|response| *response == number);
        if let Some(reading) = self.outstanding.remove(&number) {
            reading.abort();
        }
    }

    /// What came over an end, for the guest.
    pub(super) fn hear(&mut self, number: i32, reader: SocketReader, message: Option<Message>) -> Option<Call> {
        let end = self.sockets.as_mut().and_then(|sockets| sockets.open.get_mut(&number))?;
        let mut values = Vec::new();
        let mut write = Writer::new(&mut values);
        let (kind, status) = match message {
            Some(Message::Text(text)) => {
                // What a connection brought was looked at there; what is none is as good as empty.
                write.text(std::str::from_utf8(&text).unwrap_or_default());
                self.listen(number, reader);
                (event::WS_MESSAGE, 0)
            }
            Some(Message::Binary(bytes)) => {
                write.bytes(&bytes);
                self.listen(number, reader);
                (event::WS_MESSAGE, 0)
            }
            Some(Message::Close(Close { code, reason })) => {
                end.heard = true;
                write.int(code.unwrap_or(NO_CODE).into()).text(&reason);
                if end.closed {
                    self.drop_socket(number);
                } else {
                    end.reader = Some(reader); // its drop would tell the other end that nobody is here
                    self.outstanding.remove(&number);
                }
                (event::WS_CLOSED, 0)
            }
            Some(Message::Failed(why)) => {
                write.text(&why);
                self.drop_socket(number);
                (event::WS_FAILED, 0)
            }
            None => {
                let lost = end.writer.has_lost();
                self.client_gone |= !end.heard && self.is_response(number);
                self.drop_socket(number);
                (event::WS_LOST, i32::from(lost))
            }
        };
        Some(Call { kind, id: number, status, values })
    }
}
