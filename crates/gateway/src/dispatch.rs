//! From a route and a request to a response: the deployed version, its Worker, the combined limits,
//! and the run. The only caller of the runtime, for clients and for Workers that call Workers alike.

use std::ops::ControlFlow;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use http::{Request, Response};
use switchyard_catalog::{AccountId, Catalog, Limits, VersionId, WorkerSpec};
use switchyard_runtime::{Body, Invocation, Outbound, Runtime, WorkerSource};

use crate::admission::Admission;
use crate::assets::Assets;
use crate::context::RequestContext;
use crate::egress::Egress;
use crate::error::Failure;
use crate::outbound::RequestOutbound;
use crate::routes::{Route, Routes};
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
    source: Source,
    limits: ArcSwap<Limits>,
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
        limits: Limits,
    ) -> Arc<Self> {
        let assets = Assets::new(catalog.clone());
        Arc::new(Self {
            runtime,
            routes,
            admission,
            egress,
            assets,
            source: Source(catalog),
            limits: ArcSwap::from_pointee(limits),
        })
    }

    /// Other limits of the node for what comes from now on.
    pub fn set_limits(&self, limits: Limits) {
        self.limits.store(Arc::new(limits));
    }

    /// How a client's request and all that comes of it reach the outside. `hops`: passes through
    /// this node's egress before it.
    pub fn outbound(self: &Arc<Self>, ctx: &Arc<RequestContext>, account: AccountId, hops: u32) -> Arc<dyn Outbound> {
        Arc::new(RequestOutbound::new(self.clone(), ctx.clone(), account, hops))
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
        let (observed, of) = (ctx.clone(), route.clone());
        let invocation = Invocation {
            limits: self
                .limits
                .load()
                .tighten(route.settings.limits)
                .tighten(worker.about().limits)
                .tighten(call.limits),
            isolation: route.settings.isolation,
            depth: call.depth,
            outbound,
            entrypoint: call.entrypoint,
            props: call.props,
            on_outcome: Some(Box::new(move |outcome| observed.ran(&of, &outcome))),
        };
        worker.handle(request, invocation).await.map_err(Failure::Run)
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
