//! From a route and a request to a response: the deployed version, its Worker, the combined limits,
//! and the run. The only caller of the runtime, for clients and for Workers that call Workers alike.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use switchyard_catalog::{Catalog, Limits, Scope, VersionId, WorkerSpec};
use switchyard_runtime::{Body, Invocation, Outbound, Runtime, WorkerSource};

use crate::admission::Admission;
use crate::assets::Assets;
use crate::context::RequestContext;
use crate::egress::Egress;
use crate::error::Failure;
use crate::outbound::RequestOutbound;
use crate::routes::{Route, Routes};
use crate::tail::{Dispatchers, Run, TailHub};
use crate::version::VersionChoice;

/// Worker-to-Worker hops of one request (contract §5.2); the one beyond is answered with 1019.
pub const MAX_DEPTH: u8 = 16;

/// Runs Workers. One a node.
pub struct Dispatcher {
    pub(crate) runtime: Runtime,
    pub(crate) routes: Arc<Routes>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) egress: Egress,
    pub(crate) assets: Assets,
    pub(crate) tails: TailHub,
    source: Source,
    limits: Limits,
}

/// How a Worker is called, besides the request.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Hops before this one; 0 for a client's request.
    pub depth: u8,
    /// What the caller asks for; it can only tighten.
    pub limits: Limits,
    pub entrypoint: Option<String>,
    /// JSON.
    pub props: Option<String>,
    /// Which version the caller's request asks for; a client's request asks for none.
    pub version: VersionChoice,
    /// Those through whose dispatch bindings it is called; kept while anybody listens to anything.
    pub dispatchers: Dispatchers,
}

struct Source(Arc<Catalog>);

#[async_trait]
impl WorkerSource for Source {
    async fn worker_spec(&self, version: VersionId) -> Result<WorkerSpec, String> {
        self.0.worker_spec(version).await.map_err(|error| error.to_string())
    }
}

impl Dispatcher {
    /// `limits` are the node's.
    pub fn new(
        runtime: Runtime,
        catalog: Arc<Catalog>,
        routes: Arc<Routes>,
        admission: Arc<Admission>,
        egress: Egress,
        tails: TailHub,
        limits: Limits,
    ) -> Arc<Self> {
        let assets = Assets::new(catalog.clone());
        Arc::new(Self { runtime, routes, admission, egress, assets, tails, source: Source(catalog), limits })
    }

    /// How a script reaches the outside while it works for a client's request. `hops`: passes through
    /// this node's egress before it; `above`: those through whose dispatch bindings it is called.
    pub fn outbound(
        self: &Arc<Self>,
        ctx: &Arc<RequestContext>,
        route: &Arc<Route>,
        hops: u32,
        above: Dispatchers,
    ) -> Arc<dyn Outbound> {
        Arc::new(RequestOutbound::new(self.clone(), ctx.clone(), route.clone(), hops, above))
    }

    /// The dispatch Workers above those whom this script calls by a dispatch binding. Only the account's
    /// own Workers are such: what a user Worker's token reads is that Worker alone.
    pub fn dispatchers(&self, above: &Dispatchers, route: &Route) -> Dispatchers {
        let listens = self.tails.is_listening() && route.scope == Scope::Account;
        if listens { above.clone().below(route.script) } else { above.clone() }
    }

    /// The request's URI is absolute, as the Worker shall see it. Returns with the response's head.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn dispatch(
        &self,
        ctx: &Arc<RequestContext>,
        outbound: Arc<dyn Outbound>,
        route: &Arc<Route>,
        call: Call,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Failure> {
        if call.depth > MAX_DEPTH {
            return Err(Failure::TooDeep);
        }
        let version = call.version.of(route).ok_or(Failure::NoTenant)?;
        if route.has_assets(version) {
            let named = call.entrypoint.is_some();
            let answered = self.assets.before_worker(version, named, request).await.map_err(|error| {
                tracing::error!(script = %route.script, %version, error = %chain(&error), "assets could not be served");
                Failure::Assets(error)
            })?;
            request = match answered {
                ControlFlow::Break(response) => return Ok(response),
                ControlFlow::Continue(request) => request,
            };
        }
        let worker = self.runtime.worker(version, &self.source).await.map_err(|error| {
            tracing::error!(script = %route.script, %version, error = %chain(&*error), "a Worker could not be loaded");
            Failure::Load(error)
        })?;
        let tailed = self.tails.observe(&Run {
            route,
            version,
            entrypoint: call.entrypoint.as_deref(),
            dispatchers: &call.dispatchers,
            client: ctx.peer,
            request: &request,
        });
        let (observed, of, told) = (ctx.clone(), route.clone(), tailed.clone());
        let invocation = Invocation {
            limits: self.limits.tighten(route.settings.limits).tighten(worker.about().limits).tighten(call.limits),
            isolation: route.settings.isolation,
            depth: call.depth,
            outbound,
            entrypoint: call.entrypoint,
            props: call.props,
            on_outcome: Some(Box::new(move |outcome| {
                observed.ran(&of, &outcome);
                if let Some(told) = told {
                    told.ended(outcome);
                }
            })),
        };
        let answer = worker.handle(request, invocation).await;
        if let Some(tailed) = tailed {
            tailed.answered(answer.as_ref().map(|response| response.status().as_u16()));
        }
        answer.map_err(Failure::Run)
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Transparent errors show their cause already.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
