//! A body that a guest writes: a bounded queue of chunks between its output stream and whoever reads it.
//! It says how the guest ended it (whole, with trailers, or cut), so that a body that was cut short never
//! looks whole; and what is whole before anybody reads it becomes one message.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;

use crate::held::{Charge, Full, Held};
use crate::meter::CpuMeter;
use crate::{Body, BodyError};

/// Bytes that wait for a reader before the guest has to.
const CAPACITY: usize = 256 << 10;
/// Most of one write.
pub const MAX_WRITE: usize = 64 << 10;
/// What a chunk counts beside its bytes.
const CHUNK: usize = 64;
/// Writes that are shorter are joined with those before, up to this.
const JOIN: usize = 4 << 10;

const CUT: &str = "the Worker ended before its body did";

/// How the guest's side of it stands.
#[derive(Debug)]
enum End {
    Open,
    Whole(Option<HeaderMap>),
    Cut(BodyError),
}

#[derive(Debug)]
struct State {
    chunks: VecDeque<(Bytes, Option<Charge>)>,
    /// What is joined, before it is a chunk.
    tail: BytesMut,
    waiting: usize,
    /// Bytes still to come, where the guest said how many.
    left: Option<u64>,
    written: u64,
    end: End,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The request's task, for which a reader that goes is news.
    task: Option<Waker>,
}

/// Both ends.
#[derive(Debug)]
pub struct Pipe {
    state: Mutex<State>,
    held: Arc<Held>,
}

/// A write that could not be taken.
#[derive(Debug)]
pub enum NotWritten {
    /// More than [`Pipe::room`] said.
    NoRoom,
    /// Nobody reads it, or it has ended.
    Closed,
    /// More than the length that was given; with what was written.
    TooLong(u64),
    /// The host has no memory for it.
    Full(Full),
}

impl Pipe {
    /// `length`: what the guest said there will be.
    pub fn new(length: Option<u64>, held: &Arc<Held>) -> Arc<Self> {
        let state = State {
            chunks: VecDeque::new(),
            tail: BytesMut::new(),
            waiting: 0,
            left: length,
            written: 0,
            end: End::Open,
            reader_gone: false,
            reader: None,
            writer: None,
            task: None,
        };
        Arc::new(Self { state: Mutex::new(state), held: Arc::clone(held) })
    }

    /// Bytes that may be written now; `None`: nobody takes any more.
    pub fn room(&self) -> Option<usize> {
        let state = self.state.lock();
        state.is_open().then(|| CAPACITY.saturating_sub(state.waiting + CHUNK).min(MAX_WRITE))
    }

    /// Ready when there is room, or nobody reads any more.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if !state.is_open() || state.waiting + CHUNK < CAPACITY {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes bytes over from the guest.
    ///
    /// # Errors
    /// See [`NotWritten`].
    pub fn write(&self, bytes: Bytes) -> Result<(), NotWritten> {
        let mut state = self.state.lock();
        if !state.is_open() {
            return Err(NotWritten::Closed);
        }
        if bytes.len() > MAX_WRITE || state.waiting >= CAPACITY {
            return Err(NotWritten::NoRoom);
        }
        state.written = state.written.saturating_add(bytes.len() as u64);
        if let Some(left) = &mut state.left {
            match left.checked_sub(bytes.len() as u64) {
                Some(still) => *left = still,
                None => {
                    let written = state.written;
                    state.end = End::Cut(BodyError("the Worker wrote more than the length it gave".into()));
                    state.wake_reader();
                    return Err(NotWritten::TooLong(written));
                }
            }
        }
        if bytes.is_empty() {
            return Ok(());
        }
        state.waiting += bytes.len();
        if bytes.len() < JOIN {
            if state.tail.is_empty() && state.chunks.is_empty() {
                state.push(bytes, None);
            } else {
                state.tail.extend_from_slice(&bytes);
                if state.tail.len() >= JOIN {
                    state.join();
                }
            }
        } else {
            let charge = self.held.charge(bytes.len(), 0).map_err(NotWritten::Full)?;
            state.join();
            state.push(bytes, Some(charge));
        }
        state.wake_reader();
        Ok(())
    }

    /// The guest has written all of it. Says how much it was if that is not the length it gave.
    ///
    /// # Errors
    /// The bytes written.
    pub fn finish(&self, trailers: Option<HeaderMap>) -> Result<(), u64> {
        let mut state = self.state.lock();
        let short = !matches!(state.left, None | Some(0));
        if matches!(state.end, End::Open) {
            state.end = if short {
                End::Cut(BodyError("the Worker wrote less than the length it gave".into()))
            } else {
                End::Whole(trailers)
            };
            state.wake_reader();
            if let Some(writer) = state.writer.take() {
                writer.wake();
            }
        }
        if short { Err(state.written) } else { Ok(()) }
    }

    /// The guest gives it up: its reader gets an error, and no end.
    pub fn cut(&self) {
        let mut state = self.state.lock();
        if matches!(state.end, End::Open) {
            state.end = End::Cut(BodyError(CUT.into()));
            state.wake_reader();
        }
    }

    /// Whether the guest will write no more.
    pub fn has_ended(&self) -> bool {
        !matches!(self.state.lock().end, End::Open)
    }

    /// Whether nobody reads it any more.
    pub fn has_no_reader(&self) -> bool {
        self.state.lock().reader_gone
    }

    /// Whether its reader left before the guest was done; else `task` is woken when it leaves.
    pub fn is_left(&self, task: &Waker) -> bool {
        let mut state = self.state.lock();
        if !matches!(state.end, End::Open) {
            return false;
        }
        if !state.task.as_ref().is_some_and(|known| known.will_wake(task)) {
            state.task = Some(task.clone());
        }
        state.reader_gone
    }

    /// The body for its reader. `request`: whose response it is, which is for nobody when the reader leaves
    /// before the end.
    pub fn reader(self: &Arc<Self>, request: Option<Arc<CpuMeter>>) -> Body {
        {
            let mut state = self.state.lock();
            let plain = matches!(state.end, End::Whole(None));
            if plain && state.chunks.is_empty() && state.tail.is_empty() {
                return Body::Empty;
            }
            if plain && state.chunks.len() + usize::from(!state.tail.is_empty()) == 1 {
                state.join();
                if let Some((bytes, charge)) = state.chunks.pop_front() {
                    return Body::Whole(match charge {
                        Some(charge) => Bytes::from_owner(Charged { bytes, _charge: charge }),
                        None => bytes,
                    });
                }
            }
        }
        Body::Stream(http_body_util::combinators::UnsyncBoxBody::new(Reader { pipe: Arc::clone(self), request }))
    }
}

impl State {
    fn is_open(&self) -> bool {
        matches!(self.end, End::Open) && !self.reader_gone
    }

    fn push(&mut self, bytes: Bytes, charge: Option<Charge>) {
        self.waiting += CHUNK;
        self.chunks.push_back((bytes, charge));
    }

    fn join(&mut self) {
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.push(tail, None);
        }
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// Counts for as long as its bytes live.
struct Charged {
    bytes: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

struct Reader {
    pipe: Arc<Pipe>,
    request: Option<Arc<CpuMeter>>,
}

impl http_body::Body for Reader {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let mut state = this.pipe.state.lock();
        if state.chunks.is_empty() {
            state.join();
        }
        if let Some((bytes, charge)) = state.chunks.pop_front() {
            state.waiting = state.waiting.saturating_sub(bytes.len() + CHUNK);
            if let Some(writer) = state.writer.take() {
                writer.wake();
            }
            let bytes = match charge {
                Some(charge) => Bytes::from_owner(Charged { bytes, _charge: charge }),
                None => bytes,
            };
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match std::mem::replace(&mut state.end, End::Whole(None)) {
            End::Open => {
                state.end = End::Open;
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            End::Whole(Some(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            End::Whole(None) => {
                this.request = None;
                Poll::Ready(None)
            }
            End::Cut(error) => Poll::Ready(Some(Err(error))), // said once
        }
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.pipe.state.lock();
        let waiting = state.chunks.iter().map(|(bytes, _)| bytes.len()).sum::<usize>() + state.tail.len();
        match (&state.end, state.left) {
            (End::Whole(_), _) => SizeHint::with_exact(waiting as u64),
            (End::Open, Some(left)) => SizeHint::with_exact(left.saturating_add(waiting as u64)),
            _ => SizeHint::default(),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.pipe.state.lock();
        state.reader_gone = true;
        state.chunks.clear();
        state.tail = BytesMut::new();
        let open = matches!(state.end, End::Open);
        for waiting in [state.writer.take(), state.task.take()].into_iter().flatten() {
            waiting.wake();
        }
        drop(state);
        if open && let Some(request) = self.request.take() {
            request.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn pipe(length: Option<u64>) -> Arc<Pipe> {
        Pipe::new(length, &Held::new(1 << 20))
    }

    async fn read(body: Body) -> Result<(Bytes, bool), String> {
        let all = body.collect().await.map_err(|error| error.0)?;
        let trailers = all.trailers().is_some();
        Ok((all.to_bytes(), trailers))
    }

    #[tokio::test]
    async fn what_is_whole_in_time_is_one_message() {
        let pipe = pipe(None);
        pipe.write("hello".into()).unwrap();
        pipe.finish(None).unwrap();
        assert!(matches!(pipe.reader(None), Body::Whole(bytes) if bytes == "hello"));
        let empty = self::pipe(Some(0));
        empty.finish(None).unwrap();
        assert!(matches!(empty.reader(None), Body::Empty));
    }

    #[tokio::test]
    async fn the_end_is_the_one_the_guest_made() {
        let whole = pipe(Some(6));
        let body = whole.reader(None);
        for part in ["ab", "cd", "ef"] {
            whole.write(part.into()).unwrap();
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("t", "1".parse().unwrap());
        whole.finish(Some(trailers)).unwrap();
        assert_eq!(read(body).await, Ok(("abcdef".into(), true)));
        let cut = pipe(None);
        let body = cut.reader(None);
        cut.write("ab".into()).unwrap();
        cut.cut();
        assert_eq!(read(body).await, Err(CUT.to_owned()));
        assert!(matches!(cut.write("x".into()), Err(NotWritten::Closed)));
        let short = pipe(Some(6));
        short.write("abc".into()).unwrap();
        assert_eq!(short.finish(None), Err(3));
        assert_eq!(read(short.reader(None)).await.unwrap_err(), "the Worker wrote less than the length it gave");
        let long = pipe(Some(1));
        assert!(matches!(long.write("abc".into()), Err(NotWritten::TooLong(3))));
        assert!(read(long.reader(None)).await.unwrap_err().contains("more than"));
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_bounds_what_is_held() {
        let held = Held::new(10 << 20);
        let pipe = Pipe::new(None, &held);
        let body = pipe.reader(None);
        let mut written = 0;
        while let Some(room) = pipe.room().filter(|room| *room > 0) {
            pipe.write(Bytes::from(vec![1; room])).unwrap();
            written += room;
        }
        assert!((CAPACITY - MAX_WRITE..=CAPACITY).contains(&written), "{written}");
        assert_eq!(held.used(), written);
        let small = self::pipe(None);
        let other = small.reader(None);
        let mut writes = 0;
        while small.room().is_some_and(|room| room > 0) {
            small.write(Bytes::from_static(b"x")).unwrap();
            writes += 1;
        }
        assert!(writes <= CAPACITY);
        drop((body, other));
        assert_eq!((held.used(), pipe.room()), (0, None));
    }
}
