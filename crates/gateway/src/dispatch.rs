//! From a route and a request to a response: the deployed version, its Worker, the combined limits,
//! and the run. The only caller of the runtime, for clients and for Workers that call Workers alike.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use http::{Request, Response};
use switchyard_catalog::{Catalog, Limit, Limits, NamespaceName, PlanName, Scope, VersionId, WorkerSpec};
use switchyard_runtime::{Body, Console, Invocation, RunError, Runtime, Worker, WorkerSource, on_io_thread};
use tokio::time::Instant;

use crate::admission::{Admission, ScriptPermit};
use crate::assets::Assets;
use crate::body::{Cap, Reached, cap};
use crate::cache::Caches;
use crate::context::RequestContext;
use crate::egress::Egress;
use crate::error::Failure;
use crate::loops::Passed;
use crate::outbound::{OutboundWorker, RequestOutbound};
use crate::routes::{Route, Routes};
use crate::tail::{Dispatchers, Observed, Run, RunEvent, TailHub};
use crate::terms::{NodeTerms, Terms};
use crate::trace::SpanKind;
use crate::upstream::Upstreams;
use crate::version::VersionChoice;

/// Hops of one request, from Worker to Worker and through this node's egress back to it (contract
/// §5.2); the one beyond is answered with 1019.
pub const MAX_DEPTH: u8 = 16;

/// Runs Workers. One a node.
pub struct Dispatcher {
    pub(crate) runtime: Runtime,
    pub(crate) routes: Arc<Routes>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) egress: Egress,
    pub(crate) caches: Arc<Caches>,
    pub(crate) assets: Assets,
    pub(crate) tails: TailHub,
    pub(crate) upstreams: Arc<Upstreams>,
    source: Source,
    terms: ArcSwap<NodeTerms>,
}

/// The two ways out of the node, that of Workers and that of requests to tenants that are an origin; and what is kept.
pub struct Network {
    pub egress: Egress,
    pub upstreams: Arc<Upstreams>,
    /// What Workers keep of it.
    pub caches: Arc<Caches>,
}

/// How a Worker is called, besides the request.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Worker-to-Worker hops before this one; 0 for a client's request.
    pub depth: u8,
    /// The span of who calls, in the request's trace.
    pub parent: u64,
    /// What the client's request came through before, as `CDN-Loop` tells.
    pub passed: Passed,
    /// What the caller asks for; it can only tighten. User Workers that this one calls by a dispatch
    /// namespace are held to it too.
    pub limits: Limits,
    /// The tenant row's. Those whom one of the account's own Workers calls are held to it too.
    pub plan: Option<Arc<PlanName>>,
    pub entrypoint: Option<String>,
    /// JSON.
    pub props: Option<String>,
    /// Entries of `env` for this call alone: the text of a JSON object.
    pub parameters: Option<Arc<str>>,
    /// What it reads as `request.cf`.
    pub cf: RequestCf,
    /// Where the fetches of the user Worker that is called go, and of those it calls; `None`: to the
    /// default of its namespace, else to the network. An account's own Worker only passes it on.
    pub outbound: Option<Arc<OutboundWorker>>,
    /// Which version the caller's request asks for; a client's request asks for none.
    pub version: VersionChoice,
    /// Those through whose dispatch bindings it is called; kept while anybody listens to anything.
    pub dispatchers: Dispatchers,
}

/// Where a Worker's `request.cf` comes from.
#[derive(Debug, Clone, Default)]
pub enum RequestCf {
    /// It is the client's own request, passed on as it came or not: what the node knows of it.
    #[default]
    Client,
    /// Another Worker made the request, and gave none.
    None,
    /// … and gave this JSON object.
    Given(Arc<str>),
}

/// A call with what it is made with. In a box, since a future has room for all that it is given, and is moved with it.
pub struct Errand {
    pub call: Call,
    pub terms: Terms,
    /// Its URI is absolute, as the Worker shall see it.
    pub request: Request<Body>,
}

struct Source(Arc<Catalog>);

#[async_trait]
impl WorkerSource for Source {
    async fn worker_spec(&self, version: VersionId) -> Result<WorkerSpec, String> {
        self.0.worker_spec(version).await.map_err(|error| error.to_string())
    }
}

impl Dispatcher {
    pub fn new(
        runtime: Runtime,
        catalog: Arc<Catalog>,
        routes: Arc<Routes>,
        admission: Arc<Admission>,
        network: Network,
        tails: TailHub,
        terms: NodeTerms,
    ) -> Arc<Self> {
        let Network { egress, upstreams, caches } = network;
        let assets = Assets::new(catalog.clone());
        let dispatcher = Arc::new(Self {
            runtime,
            routes,
            admission,
            egress,
            caches,
            assets,
            tails,
            upstreams,
            source: Source(catalog),
            terms: ArcSwap::from_pointee(terms),
        });
        dispatcher.tails.set_dispatcher(&dispatcher);
        dispatcher
    }

    /// Has components that are live and were compiled for another engine made anew. For a background task.
    pub async fn rebuild_components(&self) {
        self.runtime.rebuild_components(&self.routes.live_versions(), &self.source).await;
    }

    /// Other limits of the node, and other plans, for what comes from now on.
    pub fn set_terms(&self, terms: NodeTerms) {
        self.terms.store(Arc::new(terms));
    }

    /// What the node says, and its plans.
    pub fn node_terms(&self) -> Arc<NodeTerms> {
        self.terms.load_full()
    }

    /// Who gets a client's request for a script: the inbound Worker of its namespace, if there is one,
    /// which reads in `ctx.props` whom it is for; else the script. What `call` says of limits and of an
    /// outbound Worker then holds for whom the inbound Worker calls.
    ///
    /// # Errors
    /// [`Failure::InboundMissing`].
    pub fn first(&self, route: Arc<Route>, call: Call) -> Result<(Arc<Route>, Call), Failure> {
        let Some(inbound) = &route.settings.inbound else { return Ok((route, call)) };
        let worker = self.routes.account(&route.account).worker(inbound.service.as_str());
        let worker = worker.ok_or_else(|| Failure::InboundMissing(inbound.service.clone()))?;
        let (entrypoint, props) = (inbound.entrypoint.clone(), Some(whose(&route)));
        // A version that was asked for is the script's, not this one's.
        Ok((worker, Call { entrypoint, props, version: VersionChoice::default(), ..call }))
    }

    /// The dispatch Workers above those whom this script calls by a dispatch binding. Only the account's
    /// own Workers are such: what a user Worker's token reads is that Worker alone.
    pub fn dispatchers(&self, above: &Dispatchers, route: &Arc<Route>) -> Dispatchers {
        let listens = self.tails.is_listening() || !route.tail_consumers.is_empty();
        if listens && route.scope == Scope::Account { above.clone().below(route.clone()) } else { above.clone() }
    }

    /// Returns with the response's head.
    ///
    /// # Errors
    /// Why there is no response.
    pub async fn dispatch(
        self: &Arc<Self>,
        ctx: &Arc<RequestContext>,
        route: &Arc<Route>,
        mut errand: Box<Errand>,
    ) -> Result<Response<Body>, Failure> {
        let mut span = ctx.open("dispatch", SpanKind::Internal, errand.call.parent);
        span.set("switchyard.script", || route.to_string());
        // What the Worker calls, it calls as this span.
        errand.call.parent = span.id;
        ctx.trace.write(errand.request.headers_mut(), span.id);
        let answered = self.run(ctx, route, errand).await;
        span.end(answered.as_ref().err().map(|failure| failure.kind().as_str()));
        if answered.is_err() {
            ctx.observer().failed(route.script);
        }
        answered
    }

    async fn run(
        self: &Arc<Self>,
        ctx: &Arc<RequestContext>,
        route: &Arc<Route>,
        mut errand: Box<Errand>,
    ) -> Result<Response<Body>, Failure> {
        let depth = errand.call.depth;
        if errand.call.passed.hops.saturating_add(depth.into()) > MAX_DEPTH.into() {
            return Err(Failure::TooDeep);
        }
        let version = errand.call.version.of(route).ok_or(Failure::NoTenant)?;
        if let Some(upstream) = route.upstream(version) {
            let (dispatcher, ctx, route, upstream) = (self.clone(), ctx.clone(), route.clone(), upstream.clone());
            let proxied = async move {
                let Errand { call, terms, request } = *errand;
                dispatcher.proxy(&ctx, &route, (version, &upstream), (call, terms.limits), request).await
            };
            return on_io(depth, Box::pin(proxied)).await;
        }
        if route.has_assets(version) {
            let named = errand.call.entrypoint.is_some();
            let (dispatcher, request) =
                (self.clone(), std::mem::replace(&mut errand.request, Request::new(Body::Empty)));
            let answered = async move { dispatcher.assets.before_worker(version, named, request).await };
            let answered = on_io(depth, Box::pin(answered)).await.map_err(|error| {
                let trace = format!("{:032x}", ctx.trace.id);
                tracing::error!(script = %route.script, %version, ray = ?ctx.ray, trace, error = %chain(&error), "assets could not be served");
                Failure::Assets(error)
            })?;
            errand.request = match answered {
                ControlFlow::Break(response) => return Ok(response),
                ControlFlow::Continue(request) => request,
            };
        }
        let worker = match self.runtime.loaded(version, &route.remembered).await {
            Some(worker) => worker,
            None => {
                let (dispatcher, ctx, route) = (self.clone(), ctx.clone(), route.clone());
                let loaded = async move { dispatcher.worker(&ctx, &route, version).await };
                on_io(depth, Box::pin(loaded)).await?
            }
        };
        let limits = errand.terms.limits.tighten(worker.about().limits);
        let most = Cap { most: limits.response_bytes, until: limits.wall().map(|wall| Instant::now() + wall) };
        let (tailed, answer) = self.begin(ctx, route, &worker, limits, errand)?;
        let answer = answer.await;
        if let Some(tailed) = tailed {
            tailed.answered(answer.as_ref().map(|response| response.status().as_u16()));
        }
        capped_response(ctx, answer.map_err(Failure::Run)?, most)
    }

    /// Has a Worker begin; with who listens to it, if anybody.
    #[expect(clippy::type_complexity, reason = "a future without a box has no name")]
    fn begin(
        self: &Arc<Self>,
        ctx: &Arc<RequestContext>,
        route: &Arc<Route>,
        worker: &Arc<Worker>,
        limits: Limits,
        errand: Box<Errand>,
    ) -> Result<(Option<Arc<Observed>>, impl Future<Output = Result<Response<Body>, RunError>> + Send + use<>), Failure>
    {
        let Errand { call, terms, request } = *errand;
        let request = capped_request(ctx, request, &limits)?;
        let tailed = self.tails.observe(
            ctx,
            &Run {
                route,
                version: worker.about().version,
                entrypoint: call.entrypoint.as_deref(),
                dispatchers: &call.dispatchers,
                hops: call.passed.hops,
                event: RunEvent::Fetch(&request),
            },
        );
        let invocation = self.invocation(ctx, route, call, Terms { limits, ..terms }, tailed.clone());
        Ok((tailed, worker.handle(request, invocation)))
    }

    /// The Worker of a version, ready to run.
    ///
    /// # Errors
    /// [`Failure::Load`].
    pub(crate) async fn worker(
        &self,
        ctx: &RequestContext,
        route: &Route,
        version: VersionId,
    ) -> Result<Arc<Worker>, Failure> {
        self.runtime.worker(version, &self.source).await.map_err(|error| {
            let trace = format!("{:032x}", ctx.trace.id);
            tracing::error!(script = %route.script, %version, ray = ?ctx.ray, trace, error = %chain(&*error), "a Worker could not be loaded");
            Failure::Load(error)
        })
    }

    /// What goes along with one run. `terms` are those of all places; `told` hears of its end.
    pub(crate) fn invocation(
        self: &Arc<Self>,
        ctx: &Arc<RequestContext>,
        route: &Arc<Route>,
        call: Call,
        terms: Terms,
        told: Option<Arc<Observed>>,
    ) -> Invocation {
        let (observed, of) = (ctx.clone(), route.clone());
        Invocation {
            limits: terms.limits,
            weight: terms.weight,
            isolation: route.settings.isolation,
            depth: call.depth,
            outbound: RequestOutbound::of(self, ctx, route, &call),
            default_cache: route.scope == Scope::Account || route.trusted,
            entrypoint: call.entrypoint,
            props: call.props,
            parameters: call.parameters,
            console: Console { text: ctx.observer().prints_console(), values: told.is_some() },
            on_outcome: Some(Box::new(move |outcome| {
                observed.ran(&of, &outcome);
                if let Some(told) = told {
                    told.ended(outcome);
                }
            })),
        }
    }

    /// Takes a place for one call, the tenant's share or its account's, and says on what terms it runs.
    ///
    /// # Errors
    /// [`Failure::TenantBusy`], [`Failure::RateLimited`].
    pub fn admit(&self, ctx: &RequestContext, route: &Route, call: &Call) -> Result<(ScriptPermit, Terms), Failure> {
        let (terms, missing) = self.terms.load().for_call(route, call);
        if missing > 0 {
            ctx.observer().metrics.plans_missing(missing);
        }
        let admitted = match route.scope {
            Scope::Account => self.admission.enter_worker(&route.usage),
            Scope::Namespace(_) => self.admission.enter_script(&route.usage, &terms.limits),
        };
        let observer = ctx.observer();
        observer.called(route.script);
        if admitted.is_err() {
            observer.failed(route.script);
        }
        match &admitted {
            Err(Failure::TenantBusy) => ctx.met_one(Limit::ConcurrentRequests),
            Err(Failure::RateLimited) => ctx.met_one(Limit::RequestsPerSecond),
            _ => {}
        }
        admitted.map(|permit| (permit, terms))
    }
}

/// What connects, reads files or asks the database. A call that a Worker makes is polled on a guest thread.
///
/// In its box from the beginning: a future has room for all that it may wait for, and is moved with it.
async fn on_io<T: Send + 'static>(depth: u8, part: Pin<Box<dyn Future<Output = T> + Send>>) -> T {
    if depth == 0 { part.await } else { on_io_thread(part).await }
}

pub(crate) fn capped_request(
    ctx: &Arc<RequestContext>,
    request: Request<Body>,
    limits: &Limits,
) -> Result<Request<Body>, Failure> {
    let Some(most) = limits.request_bytes else { return Ok(request) };
    if http_body::Body::size_hint(request.body()).lower() > most {
        ctx.met_one(Limit::RequestBytes);
        return Err(Failure::BodyTooLarge);
    }
    let told = ctx.clone();
    let only = Cap { most: Some(most), until: None };
    Ok(request.map(|body| cap(body, only, move |_| told.met_one(Limit::RequestBytes))))
}

pub(crate) fn capped_response(
    ctx: &Arc<RequestContext>,
    response: Response<Body>,
    most: Cap,
) -> Result<Response<Body>, Failure> {
    if most.most.is_none() && most.until.is_none() {
        return Ok(response);
    }
    if most.most.is_some_and(|most| http_body::Body::size_hint(response.body()).lower() > most) {
        ctx.met_one(Limit::ResponseBytes);
        return Err(Failure::ResponseTooLarge);
    }
    let told = ctx.clone();
    let met = move |reached| match reached {
        Reached::Bytes => told.met_one(Limit::ResponseBytes),
        Reached::Time => told.met_one(Limit::Wall),
    };
    Ok(response.map(|body| cap(body, most, met)))
}

/// `ctx.props` of a Worker that stands before or behind a user Worker: which one it is.
pub fn whose(route: &Route) -> String {
    let namespace = route.namespace.as_ref().map(NamespaceName::as_str);
    serde_json::json!({ "namespace": namespace, "script": route.name.as_str() }).to_string()
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
