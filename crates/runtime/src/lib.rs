//! Turns a script version into a [`Worker`] and runs requests in it, within limits.
//!
//! JavaScript runs on one shared engine: a frozen base image, and a page delta per script
//! (design §5). The runtime cannot reach the network: all a Worker can reach is [`Outbound`].
//!
//! In reading order: `engine` and `base` (made once), `publish` and `sealed` (once a version),
//! `worker`, `slots`, `slot`, `instance` and `session` (a request), `warm` (instances that live on);
//! and `component`, where a Worker is one.

mod body;
mod component;
mod config;
mod counts;
mod error;
mod invocation;
mod outbound;
mod outcome;
mod runtime;
mod worker;

mod artefacts;
mod base;
mod compile;
mod compress;
mod cpu;
mod crypto;
mod delta;
mod engine;
mod executor;
#[cfg(test)]
mod fuel;
mod head;
mod held;
mod host;
mod html;
mod image;
mod instance;
mod logs;
mod machine;
mod memory;
mod meter;
mod modules;
mod node;
mod pagemap;
mod publish;
mod reply;
#[cfg(test)]
mod restore_proof;
mod scheduling;
mod sealed;
mod session;
mod shipped;
mod slot;
mod slots;
mod socket;
mod stream;
mod sync;
mod tripwire;
mod values;
mod warm;

pub use body::{Body, BodyError, Coded};
pub use compile::queue::Standing;
pub use compile::{CompileConfig, CompileNews, Who, compile_process};
pub use component::{ComponentCode, ComponentEngine, component_config};
pub use config::Config;
pub use counts::RuntimeCounts;
pub use cpu::Cpu;
pub use error::{RunError, RunErrorKind, RuntimeError};
pub use executor::GUEST_THREAD_STACK;
pub use head::{StatusText, Verbatim, wants_socket};
pub use invocation::{Console, Invocation};
pub use machine::{EngineDigests, PageScan, compile_nothing, engine_digests, page_scan, reserve};
pub use outbound::{
    CacheOperation, Cf, FetchError, FetchRequest, FetchResponse, Outbound, RedirectMode, Target, on_io_thread,
};
pub use outcome::{Ending, Exception, LogLevel, LogLine, Outcome};
pub use runtime::{Evicted, Runtime, RuntimeStats, WorkerSource};
pub use scheduling::prompt_thread;
pub use shipped::{Made, beside_program, look as look_at_shipped, make as make_shipped};
pub use socket::{Close, Message, NotSent, Socket, SocketReader, SocketWriter, Waiting};
pub use worker::{About, Remembered, Worker};
