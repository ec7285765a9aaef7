//! What lives in a slot's Store: the operations a guest has started, the answers it takes, its clock,
//! its limits. Everything here is replaced between two requests ([`Host::begin`]).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use wasmtime::{Memory, ResourceLimiter};

use switchyard_js::abi::{Malformed, Reader, accepted, op};

use crate::held::{Charge, Full, Held};
use crate::logs::Logs;
use crate::meter::CpuMeter;
use crate::modules::Modules;
use crate::stream::HostStream;

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
    pub kind: i32,
    pub id: i32,
    /// TLV values, counted as held where they are long.
    pub values: Bytes,
}

impl GuestOp {
    /// What is completed later, and so counts as pending until then.
    fn starts(&self) -> bool {
        matches!(self.kind, op::FETCH | op::TIMER | op::READ | op::WRITE | op::DIGEST)
    }
}

/// Operations that one guest may have started and not yet seen completed.
pub const MAX_OPERATIONS: usize = 4096;
/// What an operation in the queue counts beside its long values, in bytes.
const OP_BYTES: usize = 96;
/// An answer's buffer that is longer is not kept for the next one.
const KEPT_ANSWER: usize = 64 * 1024;

/// The data of a Store.
pub struct Host {
    pub memory: Option<Memory>,
    pub mode: Mode,
    /// What the guest has started since it was called.
    ops: Vec<GuestOp>,
    /// How many of them start something.
    starting: usize,
    /// What they take, charged as memory.
    op_bytes: usize,
    /// Operations that the session has pending; kept up by it.
    pub pending: usize,
    pub logs: Logs,
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
    pub streams: HashMap<i32, HostStream>,
    pub meter: Arc<CpuMeter>,
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
            starting: 0,
            op_bytes: 0,
            logs: Logs::default(),
            pending: 0,
            answer: Vec::new(),
            modules: Arc::default(),
            loaded: HashSet::new(),
            missing: None,
            env: Arc::from([]),
            env_read: false,
            streams: HashMap::new(),
            meter: Arc::new(CpuMeter::new(std::time::Duration::from_secs(60))),
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
            starting,
            op_bytes,
            pending,
            logs,
            answer,
            modules: old_modules,
            loaded,
            missing,
            env: old_env,
            env_read,
            streams,
            meter: old_meter,
            limiter,
            stderr,
            yielded: _, // the slot's, from hold to release
        } = self;
        *old_mode = mode;
        ops.clear();
        *starting = 0;
        *op_bytes = 0;
        *pending = 0;
        *logs = Logs::default();
        *answer = Vec::new();
        *old_modules = modules;
        loaded.clear();
        *missing = None;
        *old_env = env;
        *env_read = false;
        streams.clear();
        *old_meter = meter;
        *limiter = limits;
        stderr.clear();
    }

    /// Takes an operation over from the guest, whose memory has `memory` bytes; the answer is the guest's.
    /// Only what waits to be completed is refused for its number: what ends something always goes through.
    ///
    /// # Errors
    /// When it does not fit beside what the guest uses already, or is not well formed: the guest is ended.
    pub fn accept(&mut self, kind: i32, id: i32, values: &[u8], memory: usize) -> Result<i32, Unacceptable> {
        if kind == op::LOG {
            self.logs.add(id, Reader::new(values).text()?);
            return Ok(accepted::YES);
        }
        if kind == op::EXIT {
            return Err(Unacceptable::Exit(Reader::new(values).int()?));
        }
        if kind == op::WAITING {
            self.meter.go_on(); // at once: what follows in this very call is not for the client alone
        }
        if self.mode == Mode::GlobalScope && !matches!(kind, op::STARTED | op::START_ERROR | op::THROW) {
            return Ok(accepted::GLOBAL_SCOPE);
        }
        if matches!(kind, op::CANCEL | op::CLEAR) && self.take_back(id) {
            return Ok(accepted::YES);
        }
        let started = GuestOp { kind, id, values: Bytes::new() };
        if started.starts() && self.starting + self.pending >= MAX_OPERATIONS {
            return Ok(accepted::TOO_MANY);
        }
        let bytes = self.op_bytes + OP_BYTES;
        // A response leaves an instance that is about to end: it need not fit beside all of its memory.
        let memory = if kind == op::RESPOND { 0 } else { memory };
        let values = self.limiter.hold(values, memory.saturating_add(bytes))?;
        self.op_bytes = bytes;
        self.starting += usize::from(started.starts());
        self.ops.push(GuestOp { values, ..started });
        Ok(accepted::YES)
    }

    /// An operation that is stopped before anyone acted on it never was.
    fn take_back(&mut self, id: i32) -> bool {
        let at = self.ops.iter().rposition(|started| started.id == id && matches!(started.kind, op::TIMER | op::FETCH));
        if let Some(at) = at {
            self.ops.remove(at);
            self.starting -= 1;
            self.op_bytes -= OP_BYTES;
        }
        at.is_some()
    }

    /// What the guest has started since the last time.
    pub fn take_ops(&mut self) -> Vec<GuestOp> {
        self.starting = 0;
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
    /// What the host holds for this instance.
    held: Arc<Held>,
}

impl Limiter {
    /// Of an instance that may use `bytes`; what is held for it counts in its script's share too.
    pub fn new(bytes: usize, share: &Arc<Held>) -> Self {
        Self { bytes, refused: false, held: Held::below(share, bytes) }
    }

    /// None: while the host alone decides what is in the memory.
    pub fn open() -> Self {
        Self { bytes: usize::MAX, refused: false, held: Held::new(usize::MAX) }
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

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits =
            desired.saturating_add(self.held.used()) <= self.bytes && maximum.is_none_or(|maximum| desired <= maximum);
        self.refused |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, _current: usize, _desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// A request body that is here already, or is read as it comes.
pub fn small_body(host: &mut Host, stream: i32) -> Option<Bytes> {
    let whole = host.streams.get_mut(&stream)?.take_whole()?;
    host.streams.remove(&stream);
    Some(whole)
}
