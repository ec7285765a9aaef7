//! Live logs of Workers as Cloudflare's tail events (contract §5.5): a hub of sessions, what is kept
//! of a run that somebody listens to, its event as JSON, and the WebSocket that wrangler reads.
//!
//! A run that nobody listens to costs one atomic load: its head is copied, and its event written, for
//! listeners alone.

mod event;
mod hub;
mod observed;
mod redact;
mod socket;

pub use event::escape_controls;
pub use hub::{Run, TailHub, TailMetrics};
pub use observed::{Dispatchers, Observed};
pub use socket::upgrade;
