//! What lives in the Store of a component's instance: its handles, its limits, and what it was given to reach others
//! with. A request's task looks at the part that is shared ([`Exchange`]) while the guest runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::Response;
use parking_lot::Mutex;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use super::engine::MAX_TABLE;
use super::http::Charged;
use super::outgoing::Calls;
use super::output::Output;
use super::pipe::Pipe;
use super::wasi;
use crate::error::{RunError, RunErrorKind};
use crate::head::Verbatim;
use crate::held::Held;
use crate::memory::GuestMemory;
use crate::meter::CpuMeter;
use crate::outcome::{Exception, now_ms};
use crate::reply::Reply;
use crate::{Body, FetchError, FetchRequest, FetchResponse, Outbound, Target};

/// Things of the host that one request may hold at once.
pub const MAX_HANDLES: usize = 16 * 1024;
/// … and of its components' own, theirs included.
pub const MAX_GUEST_HANDLES: usize = 64 * 1024;
/// Bytes that one call may bring over from the guest.
pub const MAX_LIFTED: usize = 2 << 20;
/// Bytes of names and values, with what each of them counts, in one set of fields.
pub const MAX_FIELDS: usize = 128 << 10;

/// The data of a Store.
pub struct State {
    pub table: ResourceTable,
    pub memory: MemoryLimit,
    pub meter: Arc<CpuMeter>,
    pub exchange: Arc<Exchange>,
    pub calls: Calls,
    /// Vars and secrets.
    pub env: Arc<[(String, String)]>,
    /// What fields of 0.3 count.
    pub charged: Charged,
    http: WasiHttpCtx,
    /// Made for the first guest that asks for anything of it; and which request it is of now.
    wasi: Option<Box<(WasiCtx, Arc<Current>)>>,
}

impl State {
    pub fn new(memory: MemoryLimit, exchange: Arc<Exchange>, calls: Calls, env: Arc<[(String, String)]>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_FIELDS);
        let (meter, charged) = (Arc::clone(&calls.meter), Charged::default());
        Self { table, memory, meter, exchange, calls, env, charged, http, wasi: None }
    }

    /// Another request comes, with what it may reach.
    pub fn begin(&mut self, exchange: &Arc<Exchange>, calls: Calls) {
        self.meter = Arc::clone(&calls.meter);
        self.calls = calls;
        self.exchange = Arc::clone(exchange);
        (self.memory.refused, self.memory.refused_by_node) = (false, false);
        if let Some(wasi) = &self.wasi {
            wasi.1.set(exchange);
        }
    }

    /// No request is in it: it reaches nobody, and keeps nobody.
    pub fn rest(&mut self) {
        self.calls.outbound = Arc::new(Nobody);
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi.get_or_insert_with(|| {
            let current = Arc::new(Current::new(&self.exchange));
            Box::new((wasi::context(&current, &self.env), current))
        });
        WasiCtxView { ctx: &mut wasi.0, table: &mut self.table }
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.calls, table: &mut self.table, ctx: &mut self.http }
    }
}

/// The memory that a request may have: all linear memories of its instance, what the host holds for it, and
/// the bytes of its fields.
pub struct MemoryLimit {
    bytes: usize,
    linear: usize,
    fields: usize,
    node: GuestMemory,
    pub held: Arc<Held>,
    pub refused: bool,
    /// … since the node had no room.
    pub refused_by_node: bool,
}

impl MemoryLimit {
    /// `bytes`: the most. What the host holds counts in `share` too.
    pub fn new(bytes: usize, node: GuestMemory, share: &Arc<Held>) -> Self {
        let held = Held::below(share, bytes);
        Self { bytes, linear: 0, fields: 0, node, held, refused: false, refused_by_node: false }
    }

    /// What it takes of memory now.
    pub fn bytes(&self) -> usize {
        self.linear + self.fields + self.held.used()
    }

    /// Counts bytes of fields.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn take(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.fields += bytes;
        if self.linear + self.fields + self.held.used() <= self.bytes {
            return Ok(());
        }
        self.refused = true;
        Err(wasmtime::Error::msg("the Worker's fields are more than its memory limit allows"))
    }

    pub fn give_back(&mut self, bytes: usize) {
        self.fields = self.fields.saturating_sub(bytes);
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let all = self.linear.saturating_add(more).saturating_add(self.fields).saturating_add(self.held.used());
        let fits = all <= self.bytes && maximum.is_none_or(|maximum| desired <= maximum);
        let room = !fits || self.node.grow(more);
        self.refused |= !(fits && room);
        self.refused_by_node |= !room;
        if fits && room {
            self.linear += more;
        }
        Ok(fits && room)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE && maximum.is_none_or(|maximum| desired <= maximum))
    }
}

/// What the request's task and the guest's host functions both look at. All of them are polled by one task, so
/// that no lock is ever waited for.
pub struct Exchange {
    answer: Mutex<Answer>,
    pub clock: Clock,
    pub output: Mutex<Output>,
    /// The guest gave up its thread, and waits for nothing.
    pub yields: AtomicBool,
}

struct Answer {
    reply: Option<Reply>,
    /// A response that the guest made and nobody was sent yet.
    unsent: Option<(Response<()>, Content)>,
    /// What the guest still writes of it.
    body: Option<Arc<Pipe>>,
    answered: bool,
    /// Why there is no response.
    failed: Option<RunErrorKind>,
    exception: Option<Exception>,
}

/// A response's body.
pub enum Content {
    Empty,
    Written(Arc<Pipe>),
}

/// The request that an instance serves, for what its guest keeps from one to the next.
pub struct Current(Mutex<Arc<Exchange>>);

impl Current {
    pub fn new(exchange: &Arc<Exchange>) -> Self {
        Self(Mutex::new(Arc::clone(exchange)))
    }

    fn set(&self, exchange: &Arc<Exchange>) {
        *self.0.lock() = Arc::clone(exchange);
    }

    pub fn get(&self) -> Arc<Exchange> {
        Arc::clone(&self.0.lock())
    }
}

/// What an instance reaches that serves nobody.
struct Nobody;

#[async_trait]
impl Outbound for Nobody {
    async fn fetch(&self, _: u8, _: Target, _: FetchRequest) -> Result<FetchResponse, FetchError> {
        Err(FetchError::error("Network connection lost."))
    }
}

impl Exchange {
    /// `born`: when its instance was made, which is when the guest's clock begins.
    pub fn new(reply: Reply, output: Output, born: Instant) -> Arc<Self> {
        let answer =
            Answer { reply: Some(reply), unsent: None, body: None, answered: false, failed: None, exception: None };
        Arc::new(Self {
            answer: Mutex::new(answer),
            clock: Clock::new(born),
            output: Mutex::new(output),
            yields: AtomicBool::new(false),
        })
    }

    /// The guest has its response. It is sent when the guest waits or ends: what it has written by then
    /// goes along.
    pub fn respond(&self, head: Response<()>, content: Content) {
        let mut answer = self.answer.lock();
        if answer.answered {
            return;
        }
        answer.answered = true;
        if let Content::Written(pipe) = &content {
            answer.body = Some(Arc::clone(pipe));
        }
        answer.unsent = Some((head, content));
    }

    /// There is no response, but an error.
    pub fn fail(&self, error: RunError) {
        let mut answer = self.answer.lock();
        answer.unsent = None;
        answer.answered = true;
        if error.kind == RunErrorKind::Exception {
            answer.exception.get_or_insert_with(|| Exception {
                name: error.name.clone(),
                message: error.message.clone(),
                stack: String::new(),
                at_ms: now_ms(),
            });
        }
        answer.failed.get_or_insert(error.kind);
        if let Some(pipe) = answer.body.take() {
            pipe.cut();
        }
        if let Some(reply) = answer.reply.take() {
            reply.send(Err(error));
        }
    }

    /// Sends the response, if there is one that was not sent.
    pub fn send(&self, meter: &Arc<CpuMeter>) {
        let mut answer = self.answer.lock();
        let Some((head, content)) = answer.unsent.take() else { return };
        let Some(reply) = answer.reply.take() else { return };
        let body = match content {
            Content::Empty => Body::Empty,
            Content::Written(pipe) => pipe.reader(Some(Arc::clone(meter))),
        };
        drop(answer);
        let mut response = head.map(|()| body);
        if response.headers().contains_key(http::header::CONTENT_ENCODING) {
            response.extensions_mut().insert(Verbatim);
        }
        reply.send(Ok(response));
    }

    /// Whether there is an answer, of which the guest will write no more.
    pub fn is_through(&self) -> bool {
        let mut answer = self.answer.lock();
        answer.body.take_if(|pipe| pipe.has_ended());
        answer.answered && answer.body.is_none()
    }

    pub fn is_answered(&self) -> bool {
        self.answer.lock().answered
    }

    /// Whether its client has gone before it had all of the answer; else the task is woken when it goes.
    pub fn poll_left(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut answer = self.answer.lock();
        if answer.reply.as_mut().is_some_and(|reply| reply.poll_closed(cx).is_ready()) {
            return Poll::Ready(());
        }
        match &answer.body {
            Some(pipe) if pipe.is_left(cx.waker()) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Whether the reader of a body that is not written to its end has gone: a guest may hear of it first.
    pub fn is_left(&self) -> bool {
        self.answer.lock().body.as_ref().is_some_and(|pipe| !pipe.has_ended() && pipe.has_no_reader())
    }

    /// The guest is no more: what it has not ended is cut.
    pub fn close(&self) -> Closed {
        let mut answer = self.answer.lock();
        let (mut cut, mut left) = (false, false);
        if let Some(pipe) = answer.body.take() {
            (cut, left) = (!pipe.has_ended(), pipe.has_no_reader());
            pipe.cut();
        }
        Closed { cut, left, failed: answer.failed, exception: answer.exception.take() }
    }
}

/// How it was when the guest ended.
pub struct Closed {
    /// A body was not written to its end.
    pub cut: bool,
    /// … and its reader had gone.
    pub left: bool,
    pub failed: Option<RunErrorKind>,
    pub exception: Option<Exception>,
}

/// Time as a guest sees it: it stands still between two waits, in whole milliseconds.
pub struct Clock {
    began: Instant,
    wall: AtomicU64,
    since: AtomicU64,
    stale: AtomicBool,
}

impl Clock {
    fn new(began: Instant) -> Self {
        Self { began, wall: AtomicU64::new(0), since: AtomicU64::new(0), stale: AtomicBool::new(true) }
    }

    /// The guest has waited for something: time may have gone on.
    pub fn moves(&self) {
        self.stale.store(true, Ordering::Relaxed);
    }

    fn look(&self) {
        if self.stale.swap(false, Ordering::Relaxed) {
            self.wall.store(now_ms(), Ordering::Relaxed);
            let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.since.store(since, Ordering::Relaxed);
        }
    }

    /// Since 1970.
    pub fn wall(&self) -> Duration {
        self.look();
        Duration::from_millis(self.wall.load(Ordering::Relaxed))
    }

    /// Nanoseconds since the instance was made.
    pub fn monotonic(&self) -> u64 {
        self.look();
        self.since.load(Ordering::Relaxed).saturating_mul(1_000_000)
    }
}
