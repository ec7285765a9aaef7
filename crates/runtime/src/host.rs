//! What lives in a slot's Store: the operations a guest has started, the answers it takes, its clock,
//! its limits. Everything here is replaced between two owners of the slot ([`Host::begin`]); what is of
//! one request among several is in its [`Share`], and the engine says whose turn it is ([`Host::turn`]).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmtime::{Memory, ResourceLimiter};

use switchyard_js::abi::{Malformed, Reader, accepted, op};

use crate::held::{Charge, Full, Held};
use crate::logs::Logs;
use crate::memory::GuestMemory;
use crate::meter::{CpuMeter, SharedMeter};
use crate::modules::Modules;
use crate::outbound::Outbound;
use crate::stream::HostStream;
use crate::warm::Busy;

/// What a guest may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The base is being made: constant clock, constant randomness, no I/O.
    Base,
    /// A tenant's modules are being evaluated: clock at 0, I/O refused (workerd-facts §A).
    GlobalScope,
    /// A handler runs.
    Handler,
}

/// One operation as the guest started it; the session acts on it when the guest has returned.
#[derive(Debug)]
pub struct GuestOp {
    /// Whose it is.
    pub request: i32,
    pub kind: i32,
    pub id: i32,
    /// TLV values, counted as held where they are long.
    pub values: Bytes,
}

impl GuestOp {
    /// What is completed later, and so counts as pending until then.
    fn starts(&self) -> bool {
        matches!(self.kind, op::FETCH | op::CACHE | op::TIMER | op::READ | op::WRITE | op::CRYPTO | op::TURN)
    }
}

/// Operations that one request may have started and not yet seen completed.
pub const MAX_OPERATIONS: usize = 4096;
/// What an operation in the queue counts beside its long values, in bytes.
const OP_BYTES: usize = 96;
/// CPU of one call above which other requests need not wait for its end.
const LONG_CALL: Duration = Duration::from_millis(3);
/// An answer's buffer that is longer is not kept for the next one.
const KEPT_ANSWER: usize = 64 * 1024;

/// What one request has of its instance.
pub struct Share {
    /// Of the request; 0: nobody's.
    number: i32,
    pub logs: Logs,
    pub streams: HashMap<i32, HostStream>,
    /// Pages on their way through its rewriters.
    pub pages: crate::html::Pages,
    /// What it compresses and decompresses.
    pub codecs: crate::compress::Codecs,
    meter: Arc<CpuMeter>,
    /// Operations it has started since the guest was called.
    starting: usize,
    /// Operations that its session has pending.
    pending: usize,
    /// Its Worker has `caches.default`.
    pub default_cache: bool,
    /// Who knows its `request.cf`.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// It was refused memory; explains a failure that follows.
    pub refused: bool,
    /// … since the node had no room, not the instance.
    pub refused_by_node: bool,
}

impl Share {
    pub fn new(number: i32, meter: Arc<CpuMeter>, log_bytes: Option<u64>) -> Self {
        let mut logs = Logs::default();
        if let Some(bytes) = log_bytes {
            logs.left = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        Self {
            number,
            logs,
            streams: HashMap::new(),
            pages: HashMap::new(),
            codecs: HashMap::new(),
            meter,
            starting: 0,
            pending: 0,
            default_cache: false,
            outbound: None,
            refused: false,
            refused_by_node: false,
        }
    }
}

/// The data of a Store.
pub struct Host {
    pub memory: Option<Memory>,
    pub mode: Mode,
    /// What the guest has started since it was called, by any request.
    ops: Vec<GuestOp>,
    /// What they take, charged as memory.
    op_bytes: usize,
    /// Of the request whose turn it is.
    pub share: Share,
    /// … and of the others.
    others: HashMap<i32, Share>,
    /// The request that the guest was called for: whose turn it is when the engine knows of none.
    called_for: i32,
    /// The meters' turns, where requests share the instance.
    shared: Option<Arc<SharedMeter>>,
    /// Told when a call takes long, where other requests may wait for its end.
    busy: Option<Busy>,
    /// At the present call's first look at its meter: whose it was, and what it said.
    looked: Option<(i32, Duration)>,
    /// The pool was told that the present call is a long one.
    computes: bool,
    /// No other request is in the instance: a call may be given up when its client goes.
    pub alone: bool,
    /// The answer to the last `sync`, until it is taken.
    pub answer: Vec<u8>,
    pub modules: Arc<Modules>,
    /// Modules that were evaluated, for publish.
    pub loaded: HashSet<String>,
    /// The last specifier that named no module, with its importer, for the refusal's text.
    pub missing: Option<(String, String)>,
    /// The ENV event's values.
    pub env: Arc<[u8]>,
    /// A script read its env while it was evaluated: its pages hold secrets.
    pub env_read: bool,
    pub limiter: Limiter,
    /// Last words of the engine before an abort.
    pub stderr: String,
    /// The guest gave up its thread in the middle of a call since its slot was held.
    pub yielded: bool,
}

impl Host {
    pub fn new() -> Self {
        Self {
            memory: None,
            mode: Mode::Base,
            ops: Vec::new(),
            op_bytes: 0,
            share: Share::new(0, Arc::new(CpuMeter::new(Duration::from_secs(60))), None),
            others: HashMap::new(),
            called_for: 0,
            shared: None,
            busy: None,
            looked: None,
            computes: false,
            alone: true,
            answer: Vec::new(),
            modules: Arc::default(),
            loaded: HashSet::new(),
            missing: None,
            env: Arc::from([]),
            env_read: false,
            limiter: Limiter::open(),
            stderr: String::new(),
            yielded: false,
        }
    }

    /// Forgets the request before, and is ready for the next. Nothing of one tenant may be left here
    /// for another (condition 6 of restoring in place): every field is named.
    pub fn begin(&mut self, mode: Mode, meter: Arc<CpuMeter>, limits: Limiter, modules: Arc<Modules>, env: Arc<[u8]>) {
        let Self {
            memory: _,
            mode: old_mode,
            ops,
            op_bytes,
            share,
            others,
            called_for,
            shared,
            busy,
            looked,
            computes,
            alone,
            answer,
            modules: old_modules,
            loaded,
            missing,
            env: old_env,
            env_read,
            limiter,
            stderr,
            yielded: _, // the slot's, from hold to release
        } = self;
        *old_mode = mode;
        ops.clear();
        *op_bytes = 0;
        *share = Share::new(0, meter, None);
        others.clear();
        *called_for = 0;
        *shared = None;
        *busy = None;
        *looked = None;
        *computes = false;
        *alone = true;
        *answer = Vec::new();
        *old_modules = modules;
        loaded.clear();
        *missing = None;
        *old_env = env;
        *env_read = false;
        *limiter = limits;
        stderr.clear();
    }

    /// Requests share this instance from now on.
    pub fn share_with(&mut self, meter: Arc<SharedMeter>, busy: Busy) {
        self.shared = Some(meter);
        self.busy = Some(busy);
    }

    /// A request comes into the instance; it is its turn.
    pub fn enter(&mut self, share: Share) {
        self.called_for = share.number;
        self.replace(share);
    }

    /// A request leaves, with all that was its own; it is nobody's turn then.
    pub fn leave(&mut self, request: i32) -> Share {
        self.turn(request);
        self.called_for = 0;
        let nobody = Share::new(0, Arc::clone(&self.share.meter), None);
        std::mem::replace(&mut self.share, nobody)
    }

    /// The guest is about to be called for that request; 0: for nobody.
    pub fn call_for(&mut self, request: i32) {
        self.called_for = request;
        self.looked = None;
        if request == 0 && self.share.number != 0 {
            let nobody = Share::new(0, Arc::clone(&self.share.meter), None);
            self.replace(nobody);
        }
        self.turn(request);
    }

    /// The call has ended.
    pub fn called(&mut self) {
        if std::mem::take(&mut self.computes)
            && let Some(busy) = &self.busy
        {
            busy.done();
        }
    }

    /// The engine goes on with what is of another request (0: of the one that it was called for), and must
    /// not where this says false: that request is over.
    pub fn turn(&mut self, request: i32) -> bool {
        let request = if request == 0 { self.called_for } else { request };
        // The base is trained by requests that nobody made.
        if request == self.share.number || self.mode == Mode::Base {
            return true;
        }
        let Some(share) = self.others.remove(&request) else { return request == 0 };
        self.replace(share);
        true
    }

    fn replace(&mut self, share: Share) {
        if let Some(shared) = &self.shared {
            shared.turn(&share.meter);
        }
        let before = std::mem::replace(&mut self.share, share);
        if before.number != 0 {
            self.others.insert(before.number, before);
        }
    }

    /// What a request has, whether it is its turn or not.
    pub fn share_of(&mut self, request: i32) -> Option<&mut Share> {
        if self.share.number == request { Some(&mut self.share) } else { self.others.get_mut(&request) }
    }

    /// Its session has acted on what it started, and has so many operations pending.
    pub fn acted(&mut self, request: i32, pending: usize) {
        if let Some(share) = self.share_of(request) {
            share.starting = 0;
            share.pending = pending;
        }
    }

    /// The meter of the request whose turn it is.
    pub fn meter(&self) -> &Arc<CpuMeter> {
        &self.share.meter
    }

    /// The request whose turn it is; 0: nobody's.
    pub fn request(&self) -> i32 {
        self.share.number
    }

    /// Looks at the meter in the middle of a call. Whether its request is over its limit.
    pub fn looks_at_meter(&mut self) -> bool {
        let used = self.share.meter.used();
        if let Some(busy) = &self.busy
            && !self.computes
        {
            let first = self.looked.filter(|(of, _)| *of == self.share.number).map_or(used, |(_, first)| first);
            self.looked = Some((self.share.number, first));
            self.computes = used.saturating_sub(first) > LONG_CALL;
            if self.computes {
                busy.computes();
            }
        }
        self.share.meter.is_over(used)
    }

    /// Takes an operation over from the guest, whose memory has `memory` bytes; the answer is the guest's.
    /// Only what waits to be completed is refused for its number: what ends something always goes through.
    ///
    /// # Errors
    /// When it does not fit beside what the guest uses already, or is not well formed: the guest is ended.
    pub fn accept(&mut self, kind: i32, id: i32, values: &[u8], memory: usize) -> Result<i32, Unacceptable> {
        if kind == op::LOG {
            self.share.logs.add(id, Reader::new(values))?;
            return Ok(accepted::YES);
        }
        if kind == op::EXIT {
            return Err(Unacceptable::Exit(Reader::new(values).int()?));
        }
        if kind == op::WAITING {
            self.share.meter.go_on(); // at once: what follows in this very call is not for the client alone
        }
        if self.mode == Mode::GlobalScope && !matches!(kind, op::STARTED | op::START_ERROR | op::THROW) {
            return Ok(accepted::GLOBAL_SCOPE);
        }
        if matches!(kind, op::CANCEL | op::CLEAR) && self.take_back(id) {
            return Ok(accepted::YES);
        }
        let started = GuestOp { request: self.share.number, kind, id, values: Bytes::new() };
        if started.starts() && self.share.starting + self.share.pending >= MAX_OPERATIONS {
            return Ok(accepted::TOO_MANY);
        }
        let bytes = self.op_bytes + OP_BYTES;
        // A response leaves an instance that is about to end: it need not fit beside all of its memory.
        let memory = if kind == op::RESPOND { 0 } else { memory };
        let values = self.limiter.hold(values, memory.saturating_add(bytes));
        self.share.refused |= matches!(values, Err(Full::Instance));
        let values = values?;
        self.op_bytes = bytes;
        self.share.starting += usize::from(started.starts());
        self.ops.push(GuestOp { values, ..started });
        Ok(accepted::YES)
    }

    /// An operation that is stopped before anyone acted on it never was.
    fn take_back(&mut self, id: i32) -> bool {
        let request = self.share.number;
        let is =
            |op: &GuestOp| op.id == id && op.request == request && matches!(op.kind, op::TIMER | op::FETCH | op::CACHE);
        let at = self.ops.iter().rposition(is);
        if let Some(at) = at {
            self.ops.remove(at);
            self.share.starting -= 1;
            self.op_bytes -= OP_BYTES;
        }
        at.is_some()
    }

    /// What the guest has started since the last time.
    pub fn take_ops(&mut self) -> Vec<GuestOp> {
        self.share.starting = 0;
        self.op_bytes = 0;
        std::mem::take(&mut self.ops)
    }

    /// The answer was taken: a long one's buffer is not kept.
    pub fn answer_taken(&mut self) {
        if self.answer.capacity() > KEPT_ANSWER {
            self.answer = Vec::new();
        }
    }

    /// Milliseconds since 1970 as guests see it.
    pub fn now(&self) -> f64 {
        if self.mode != Mode::Handler {
            return 0.0;
        }
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0.0, |since| since.as_millis() as f64)
    }
}

/// Why an operation ends the guest that sent it.
#[derive(Debug, thiserror::Error)]
pub enum Unacceptable {
    #[error(transparent)]
    Full(#[from] Full),
    /// Not a fault: it asked to be ended.
    #[error("The Node.js process.exit({0}) API was called. Canceling the request.")]
    Exit(i32),
    #[error("the guest sent a malformed operation: {0}")]
    Malformed(#[from] Malformed),
}

/// Refuses memory beyond the limit; JavaScript sees an out-of-memory error it may catch.
#[derive(Debug)]
pub struct Limiter {
    /// The most that guest memory and what is held may have together.
    bytes: usize,
    /// It was refused once; explains a failure that follows.
    pub refused: bool,
    /// What it takes of the node's memory.
    memory: Option<GuestMemory>,
    /// What the host holds for this instance.
    held: Arc<Held>,
}

impl Limiter {
    /// Of an instance that may use `bytes`; what is held for it counts in its script's share too.
    pub fn new(bytes: usize, share: &Arc<Held>) -> Self {
        Self { bytes, refused: false, memory: None, held: Held::below(share, bytes) }
    }

    /// Counts what the instance takes of the node's memory, for as long as this limiter is its own.
    pub fn counted(self, memory: GuestMemory) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// The most, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// None: while the host alone decides what is in the memory.
    pub fn open() -> Self {
        Self { bytes: usize::MAX, refused: false, memory: None, held: Held::new(usize::MAX) }
    }

    /// The counter of what the host holds for this instance.
    pub fn held(&self) -> &Arc<Held> {
        &self.held
    }

    /// Keeps a copy of the guest's bytes; `memory` is what it uses itself.
    fn hold(&mut self, bytes: &[u8], memory: usize) -> Result<Bytes, Full> {
        let kept = self.held.copy(bytes, memory).and_then(|kept| {
            // What is too short to be counted by itself counts in `memory`.
            if memory > self.bytes { Err(Full::Instance) } else { Ok(kept) }
        });
        self.refused |= matches!(kept, Err(Full::Instance));
        kept
    }

    /// Counts bytes that came for the guest and are here already.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn charge(&mut self, bytes: usize, memory: usize) -> Result<Charge, Full> {
        let charge = self.held.charge(bytes, memory);
        self.refused |= matches!(charge, Err(Full::Instance));
        charge
    }
}

impl ResourceLimiter for Host {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let limiter = &mut self.limiter;
        let fits = desired.saturating_add(limiter.held.used()) <= limiter.bytes
            && maximum.is_none_or(|maximum| desired <= maximum);
        let more = desired.saturating_sub(current);
        let room = !fits || limiter.memory.as_mut().is_none_or(|memory| memory.grow(more));
        limiter.refused |= !(fits && room);
        self.share.refused |= !(fits && room);
        self.share.refused_by_node |= !room;
        Ok(fits && room)
    }

    fn table_growing(&mut self, _current: usize, _desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// A request body that is here already, or is read as it comes.
pub fn small_body(host: &mut Host, stream: i32) -> Option<Bytes> {
    let streams = &mut host.share.streams;
    let whole = streams.get_mut(&stream)?.take_whole()?;
    streams.remove(&stream);
    Some(whole)
}
