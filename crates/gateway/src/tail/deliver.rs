//! One call of a tail Worker's handler, as the dispatcher makes it.

use std::sync::Arc;

use switchyard_catalog::ScriptId;

use super::consumers::Batch;
use super::hub::{Run, RunEvent};
use crate::context::RequestContext;
use crate::dispatch::{Call, Dispatcher, MAX_DEPTH};
use crate::error::Failure;
use crate::loops::Passed;
use crate::terms::Terms;

impl Dispatcher {
    /// Tells the handler; returns when it has ended.
    ///
    /// # Errors
    /// Why it was not called, or how it failed.
    pub(super) async fn tell(self: &Arc<Self>, consumer: ScriptId, batch: Batch) -> Result<(), Failure> {
        // As it is now: a Worker deployed since is the new one.
        let route = self.routes.script(consumer).ok_or(Failure::NoTenant)?;
        let mut tailed = batch.origin.tailed.clone();
        tailed.push(consumer);
        let ctx = RequestContext::of_tail(self.tails.observer(), tailed);
        // One more than the requests told of: what the handler's own fetches cause ends as any loop does.
        let hops = batch.origin.hops.saturating_add(1);
        let call = Call { passed: Passed { hops, others: None }, ..Call::default() };
        if hops > MAX_DEPTH.into() {
            return Err(Failure::TooDeep);
        }
        let (_permit, terms) = self.admit(&ctx, &route, &call)?;
        let version = call.version.of(&route).ok_or(Failure::NoTenant)?;
        let worker = self.worker(&ctx, &route, version).await?;
        let terms = Terms { limits: terms.limits.tighten(worker.about().limits), ..terms };
        let items = || batch.trees.iter().flat_map(|tree| &tree.items);
        let names = || items().map(|item| item.script.clone()).collect();
        let tailed = self.tails.observe(
            &ctx,
            &Run {
                route: &route,
                version,
                entrypoint: None,
                dispatchers: &call.dispatchers,
                hops,
                event: RunEvent::Tail(&names),
            },
        );
        let mut text = String::from("[");
        for item in items() {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&item.text);
        }
        text.push(']');
        let invocation = self.invocation(&ctx, &route, call, terms, tailed.clone());
        let ended = worker.tail(text, invocation).await;
        if let (Some(tailed), Err(error)) = (&tailed, &ended) {
            tailed.answered(Err(error));
        }
        ended.map_err(Failure::Run)
    }
}

impl Failure {
    /// The handler was called, and is to blame.
    pub(super) fn is_of_worker(&self) -> bool {
        matches!(self, Self::Run(_))
    }
}
