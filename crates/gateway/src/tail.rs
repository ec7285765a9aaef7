//! What Workers did as Cloudflare's tail events (contract §5.5), for live logs and for tail Workers: a hub of
//! sessions, the calls of `tail` handlers, what is kept of a run that somebody wants to hear of, its event as
//! JSON, and the WebSocket that wrangler reads.
//!
//! A run of which nobody wants to hear costs one atomic load and a look at an empty list: its head is copied, its
//! console formatted, and its event written, for listeners alone.

mod consumers;
mod deliver;
mod event;
mod hub;
mod observed;
mod redact;
mod socket;
mod traces;
mod watch;

pub use consumers::ConsumerMetrics;
pub use event::escape_controls;
pub use hub::{Run, RunEvent, TailHub, TailMetrics};
pub use observed::{Dispatchers, Observed};
pub use socket::upgrade;
pub use traces::Traces;
pub use watch::watch;
