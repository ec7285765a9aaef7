//! A WebSocket on its way through the host: two ends, each with a lane of messages to the other. A guest holds
//! one, or the gateway does for a connection; nothing here knows which. What ends without a Close is seen by the
//! other end as a connection that was lost.
//!
//! What waits in a lane is bounded: a connection waits for room, and what a guest sends (which cannot wait) counts
//! as held for it until it has left.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::Extensions;
use parking_lot::Mutex;

use crate::held::{Charge, Full, Held};

/// Bytes in a lane above which a connection is not read any further.
const ROOM: usize = 256 << 10;
/// What a message takes beside its bytes.
const OVERHEAD: usize = 128;
/// Messages that are taken in a row before whoever takes them has to look at other things.
const IN_A_ROW: u32 = 16;
/// Bytes are counted as held in steps of so many.
const STEP: usize = 64 << 10;

/// What goes through a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// UTF-8.
    Text(Bytes),
    Binary(Bytes),
    Close(Close),
    /// The connection broke the protocol: nothing comes after it.
    Failed(String),
}

/// How an end says that it has nothing more to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Close {
    /// None: it said none, which reads as 1005.
    pub code: Option<u16>,
    pub reason: String,
}

impl Message {
    fn cost(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
                Self::Close(close) => close.reason.len(),
                Self::Failed(text) => text.len(),
            }
    }
}

/// Bytes that are counted as held until this is dropped.
#[derive(Debug)]
pub struct Waiting(#[expect(dead_code, reason = "held")] Option<Charge>);

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    #[error("nobody reads it")]
    Gone,
    #[error("too many bytes wait")]
    Full,
}

/// The same, for a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Gone,
    Full(Full),
}

impl From<Refused> for NotSent {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Gone => Self::Gone,
            Refused::Full(_) => Self::Full,
        }
    }
}

/// What both ends share.
#[derive(Default)]
struct Shared {
    lanes: [Lane; 2],
    /// Whose memory it counts in, once a guest has one of the ends.
    held: OnceLock<Arc<Held>>,
    /// Kept until both ends are gone: permits, and what a connection stands on.
    holds: Mutex<Vec<Box<dyn Send>>>,
}

impl Shared {
    fn charge(&self, bytes: usize) -> Result<Option<Charge>, Full> {
        self.held.get().map(|held| held.charge(bytes, 0)).transpose()
    }
}

/// Messages in one direction.
#[derive(Default)]
struct Lane {
    state: Mutex<State>,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(Message, usize)>,
    /// What the queue takes.
    bytes: usize,
    /// One for each step of it.
    charges: Vec<Option<Charge>>,
    /// Nothing more comes.
    ended: bool,
    /// Nobody reads any more.
    unread: bool,
    /// … and what was in it then is lost.
    lost: bool,
}

impl Lane {
    fn push(&self, message: Message, cost: usize, shared: &Shared) -> Result<(), Refused> {
        let mut state = self.state.lock();
        if state.unread {
            state.lost = true;
            return Err(Refused::Gone);
        }
        while state.charges.len() < (state.bytes + cost) / STEP {
            let charge = shared.charge(STEP).map_err(Refused::Full)?;
            state.charges.push(charge);
        }
        state.bytes += cost;
        state.queue.push_back((message, cost));
        drop(state);
        self.reader.wake();
        Ok(())
    }

    fn pop(&self) -> Option<Message> {
        let mut state = self.state.lock();
        let (message, cost) = state.queue.pop_front()?;
        state.bytes -= cost;
        let steps = state.bytes / STEP;
        state.charges.truncate(steps);
        if state.queue.is_empty() {
            state.queue.shrink_to(64);
        }
        let room = state.bytes < ROOM;
        drop(state);
        if room {
            self.writer.wake();
        }
        Some(message)
    }
}

/// One end of a WebSocket.
pub struct Socket {
    reader: SocketReader,
    writer: SocketWriter,
}

/// What reads of an end.
pub struct SocketReader {
    shared: Arc<Shared>,
    lane: usize,
    in_a_row: u32,
}

/// What writes of an end.
pub struct SocketWriter {
    shared: Arc<Shared>,
    lane: usize,
}

/// In the extensions of a response with status 101: the end that whoever asked for it gets.
#[derive(Clone)]
struct Given(Arc<Mutex<Option<Socket>>>);

impl Socket {
    /// Both ends.
    pub fn pair() -> (Self, Self) {
        let shared: Arc<Shared> = Arc::default();
        let end = |read: usize| Self {
            reader: SocketReader { shared: Arc::clone(&shared), lane: read, in_a_row: 0 },
            writer: SocketWriter { shared: Arc::clone(&shared), lane: 1 - read },
        };
        (end(0), end(1))
    }

    /// What waits in it counts for that guest from now on; the first one keeps it.
    pub(crate) fn count_in(&self, held: &Arc<Held>) {
        let _ = self.reader.shared.held.set(Arc::clone(held));
    }

    /// Keeps something until both ends are gone.
    pub fn hold(&self, thing: impl Send + 'static) {
        self.reader.shared.holds.lock().push(Box::new(thing));
    }

    /// Of its halves.
    pub(crate) fn of(reader: SocketReader, writer: SocketWriter) -> Self {
        Self { reader, writer }
    }

    /// Its halves.
    pub fn split(self) -> (SocketReader, SocketWriter) {
        (self.reader, self.writer)
    }

    /// Into a response's extensions.
    pub fn put(self, extensions: &mut Extensions) {
        extensions.insert(Given(Arc::new(Mutex::new(Some(self)))));
    }

    /// Out of them.
    pub fn take(extensions: &mut Extensions) -> Option<Self> {
        extensions.remove::<Given>().and_then(|given| given.0.lock().take())
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Socket")
    }
}

impl SocketReader {
    fn lane(&self) -> &Lane {
        &self.shared.lanes[self.lane]
    }

    /// The next message; `None`: the other end is gone.
    pub async fn next(&mut self) -> Option<Message> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`SocketReader::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.in_a_row += 1;
        if self.in_a_row > IN_A_ROW {
            self.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(message) = self.lane().pop() {
            return Poll::Ready(Some(message));
        }
        self.lane().reader.register(cx.waker());
        match self.lane().pop() {
            Some(message) => Poll::Ready(Some(message)),
            None if self.lane().state.lock().ended => Poll::Ready(self.lane().pop()),
            None => {
                self.in_a_row = 0;
                Poll::Pending
            }
        }
    }

    /// The next message, if it is here.
    pub fn try_next(&mut self) -> Option<Message> {
        self.lane().pop()
    }
}

impl Drop for SocketReader {
    fn drop(&mut self) {
        let mut state = self.lane().state.lock();
        state.unread = true;
        state.lost = !state.queue.is_empty();
        let dropped = (std::mem::take(&mut state.queue), std::mem::take(&mut state.charges));
        state.bytes = 0;
        drop(state);
        drop(dropped);
        self.lane().writer.wake();
    }
}

impl SocketWriter {
    fn lane(&self) -> &Lane {
        &self.shared.lanes[self.lane]
    }

    /// Sends what came over a connection, once there is room.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, message: Message) -> Result<(), NotSent> {
        poll_fn(|cx| {
            let room = || {
                let state = self.lane().state.lock();
                state.bytes < ROOM || state.unread
            };
            if room() {
                return Poll::Ready(());
            }
            self.lane().writer.register(cx.waker());
            if room() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.push(message)
    }

    /// Sends without waiting.
    ///
    /// # Errors
    /// [`NotSent`].
    pub fn push(&self, message: Message) -> Result<(), NotSent> {
        let cost = message.cost();
        Ok(self.lane().push(message, cost, &self.shared)?)
    }

    /// Sends what a guest wrote; its long bytes are counted as held already.
    pub(crate) fn push_held(&self, message: Message) -> Result<(), Refused> {
        let cost = match &message {
            Message::Text(bytes) | Message::Binary(bytes) if bytes.len() >= crate::held::SMALL => OVERHEAD,
            other => other.cost(),
        };
        self.lane().push(message, cost, &self.shared)
    }

    /// Counts bytes of a message that is not all here yet.
    ///
    /// # Errors
    /// There is no room for them.
    pub fn charge(&self, bytes: usize) -> Result<Waiting, NotSent> {
        self.shared.charge(bytes).map(Waiting).map_err(|_| NotSent::Full)
    }

    /// Something that was sent has not been read, and never will be.
    pub fn has_lost(&self) -> bool {
        self.lane().state.lock().lost
    }

    /// Whether the other end reads.
    pub fn is_read(&self) -> bool {
        !self.lane().state.lock().unread
    }
}

impl Drop for SocketWriter {
    fn drop(&mut self) {
        self.lane().state.lock().ended = true;
        self.lane().reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn text(length: usize) -> Message {
        Message::Text(Bytes::from(vec![b'x'; length]))
    }

    #[tokio::test]
    async fn messages_come_in_order_and_then_the_end() {
        let (one, other) = Socket::pair();
        let (_, writer) = one.split();
        let (mut reader, answers) = other.split();
        for length in 0..3 {
            writer.push(text(length)).unwrap();
        }
        let close = Message::Close(Close { code: Some(4000), reason: "bye".into() });
        writer.push(close.clone()).unwrap();
        drop(writer);
        for length in 0..3 {
            assert_eq!(reader.next().await, Some(text(length)));
        }
        assert_eq!(reader.next().await, Some(close));
        assert_eq!(reader.next().await, None);
        assert_eq!(answers.push(text(1)), Err(NotSent::Gone));
        assert!(answers.has_lost() && !answers.is_read());
    }

    #[tokio::test]
    async fn a_connection_waits_for_room_and_a_guest_pays() {
        let node = Held::new(1 << 20);
        let (one, other) = Socket::pair();
        one.count_in(&node);
        let (_keeps, writer) = one.split();
        let (mut reader, _) = other.split();
        while writer.send(text(10_000)).now_or_never().is_some() {}
        let waiting = node.used();
        assert!((ROOM - STEP..ROOM + STEP).contains(&waiting), "{waiting}");
        let mut sent = 0;
        while writer.push(text(10_000)).is_ok() {
            sent += 1;
        }
        assert!((70..90).contains(&sent), "{sent}");
        assert_eq!(writer.push(text(STEP)), Err(NotSent::Full));
        while reader.try_next().is_some() {}
        assert_eq!(node.used(), 0);
        assert!(writer.send(text(1)).now_or_never().unwrap().is_ok());
        drop(reader);
        assert!(writer.has_lost());
    }

    #[test]
    fn what_it_stands_on_goes_with_both_ends() {
        let thing = Arc::new(());
        let (one, other) = Socket::pair();
        one.hold(Arc::clone(&thing));
        drop(one);
        assert_eq!(Arc::strong_count(&thing), 2);
        drop(other);
        assert_eq!(Arc::strong_count(&thing), 1);
    }
}
