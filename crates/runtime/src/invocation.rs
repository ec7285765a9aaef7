//! What goes along with one request into a Worker.

use std::sync::Arc;

use switchyard_catalog::{Isolation, Limits};
use switchyard_js::abi::console;

use crate::{Outbound, Outcome};

/// Everything about one request that is not the request itself.
pub struct Invocation {
    /// The effective limits: node, namespace, script and dispatch call already combined.
    pub limits: Limits,
    /// Its share of the CPU where tenants compete: twice the weight, twice as much. 0 is taken as 1, the default.
    pub weight: u16,
    /// What its namespace says now of sharing instances; `None`: as the Worker was made.
    pub isolation: Option<Isolation>,
    /// Worker-to-Worker hops before this one; 0 for a request from a client.
    pub depth: u8,
    /// How this Worker reaches anything. Called with `depth` as above; the implementation adds one.
    pub outbound: Arc<dyn Outbound>,
    /// Whether it has `caches.default`.
    pub default_cache: bool,
    /// Named export to call instead of the default one.
    pub entrypoint: Option<String>,
    /// `ctx.props`, as JSON text.
    pub props: Option<String>,
    /// Entries of `env` for this request alone, as the text of a JSON object.
    pub parameters: Option<Arc<str>>,
    /// Who listens to its console.
    pub console: Console,
    /// Called once, when nothing of the request runs any more: the body ended, errored or was
    /// dropped, and `waitUntil` work is done or was cut off.
    pub on_outcome: Option<Box<dyn FnOnce(Outcome) + Send>>,
}

/// Who listens to what a request prints. Nothing is formatted for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Console {
    /// Somebody reads it on a terminal: [`crate::LogLine::text`].
    pub text: bool,
    /// Somebody gets the values: [`crate::LogLine::values`]. Exceptions beside the handler's are told too.
    pub values: bool,
}

impl Console {
    /// As ABI.md has it.
    pub(crate) fn bits(self) -> i32 {
        i32::from(self.text) * console::TEXT + i32::from(self.values) * console::VALUES
    }
}
