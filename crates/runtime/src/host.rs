//! What lives in a slot's Store: the operations a guest has started, the answers it takes, its clock,
//! its limits. Everything here is replaced between two requests ([`Host::begin`]).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use wasmtime::{Memory, ResourceLimiter};

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
    /// TLV values.
    pub values: Vec<u8>,
}

/// Operations that one guest may have started and not yet seen completed.
pub const MAX_OPERATIONS: usize = 4096;

/// The data of a Store.
pub struct Host {
    pub memory: Option<Memory>,
    pub mode: Mode,
    pub ops: Vec<GuestOp>,
    /// Bytes of the operations in `ops`, charged as memory.
    pub op_bytes: usize,
    /// Operations that the session has pending; kept up by it.
    pub pending: usize,
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
}

impl Host {
    pub fn new() -> Self {
        Self {
            memory: None,
            mode: Mode::Base,
            ops: Vec::new(),
            op_bytes: 0,
            pending: 0,
            answer: Vec::new(),
            modules: Arc::default(),
            loaded: HashSet::new(),
            missing: None,
            env: Arc::from([]),
            env_read: false,
            streams: HashMap::new(),
            meter: Arc::new(CpuMeter::new(std::time::Duration::from_secs(60))),
            limiter: Limiter { bytes: usize::MAX, refused: false },
            stderr: String::new(),
        }
    }

    /// Forgets the request before, and is ready for the next. Nothing of one tenant may be left here
    /// for another (condition 6 of restoring in place).
    pub fn begin(&mut self, mode: Mode, meter: Arc<CpuMeter>, memory_bytes: usize, modules: Arc<Modules>, env: Arc<[u8]>) {
        *self = Self {
            memory: self.memory,
            mode,
            modules,
            env,
            meter,
            limiter: Limiter { bytes: memory_bytes, refused: false },
            ..Self::new()
        };
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

/// Refuses memory beyond the limit; JavaScript sees an out-of-memory error it may catch.
#[derive(Debug)]
pub struct Limiter {
    pub bytes: usize,
    /// It was refused once; explains a failure that follows.
    pub refused: bool,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= self.bytes && maximum.is_none_or(|maximum| desired <= maximum);
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
