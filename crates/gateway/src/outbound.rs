//! Everything a Worker can reach: the network by the egress policy (or the outbound Worker that stands
//! before it), and other Workers of its own account, by service binding or dispatch namespace, one
//! level deeper in the same dispatcher.

mod client;
mod options;
mod worker;

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response, Uri, header};
use switchyard_catalog::{Limits, PlanName, Scope, VersionId, WorkerBinding};
use switchyard_runtime::{
    Body, Cf, FetchError, FetchRequest, FetchResponse, Outbound, RunError, RunErrorKind, Socket, StatusText, Target,
    on_io_thread,
};

use crate::admission::ScriptPermit;
use crate::body::hold;
use crate::context::RequestContext;
use crate::dispatch::{Call, Dispatcher, Errand, RequestCf, chain, whose};
use crate::egress::{EgressEnd, Journey};
use crate::error::Failure;
use crate::ids::reference;
use crate::loops::Passed;
use crate::routes::Route;
use crate::tail::Dispatchers;
use crate::trace::SpanKind;
use crate::upstream::for_worker;
use crate::version::VersionChoice;
use options::Options;
pub use worker::OutboundWorker;
use worker::text;

/// What every documented dispatch Worker tests for with `startsWith("Worker not found")` (contract §5.1).
const NOT_FOUND: &str = "Worker not found.";
/// A user Worker's fetch never goes past its outbound Worker: without one it fails.
const NO_OUTBOUND: &str = "The outbound Worker of this Worker does not exist.";
const NO_PARAMETERS: &str = "The dispatch namespace binding has no outbound Worker to give parameters to.";

/// The way out for one Worker while it works for one request.
pub struct RequestOutbound {
    dispatcher: Arc<Dispatcher>,
    ctx: Arc<RequestContext>,
    /// Who reaches out. Bindings reach Workers of its account alone.
    route: Arc<Route>,
    passed: Passed,
    /// The span that the Worker runs as.
    span: u64,
    /// Of the call that runs the Worker.
    outbound: Option<Arc<OutboundWorker>>,
    limits: Limits,
    plan: Option<Arc<PlanName>>,
    /// Those through whose dispatch bindings this one is called.
    above: Dispatchers,
    cf: RequestCf,
}

/// Whom a subrequest is for, other than the network.
struct Callee {
    route: Arc<Route>,
    call: Call,
    /// It stands before the network.
    is_outbound: bool,
}

impl RequestOutbound {
    /// The way out of the Worker that `call` runs.
    pub fn of(dispatcher: &Arc<Dispatcher>, ctx: &Arc<RequestContext>, route: &Arc<Route>, call: &Call) -> Arc<Self> {
        Arc::new(Self {
            dispatcher: dispatcher.clone(),
            ctx: ctx.clone(),
            route: route.clone(),
            passed: call.passed.clone(),
            span: call.parent,
            outbound: call.outbound.clone(),
            limits: call.limits,
            plan: call.plan.clone(),
            above: call.dispatchers.clone(),
            cf: call.cf.clone(),
        })
    }

    /// One hop to another Worker.
    async fn call(
        &self,
        callee: Callee,
        depth: u8,
        parent: u64,
        journey: &mut Journey,
    ) -> Result<FetchResponse, FetchError> {
        let Callee { route, call, is_outbound } = callee;
        let request = worker_request(journey)?;
        // A user Worker has no say in which version of its outbound Worker it meets.
        let version = if is_outbound {
            VersionChoice::default()
        } else {
            VersionChoice::asked(request.headers(), route.name.as_str())
        };
        let cf = match &journey.cf {
            Cf::None => RequestCf::None,
            Cf::Same => self.cf.clone(),
            Cf::Text(text) => RequestCf::Given(text.clone()),
        };
        let call = Call { depth, passed: self.passed.clone(), parent, version, cf, ..call };
        let answered = async {
            let (permit, terms) = self.dispatcher.admit(&self.ctx, &route, &call)?;
            let response =
                self.dispatcher.dispatch(&self.ctx, &route, Box::new(Errand { call, terms, request })).await?;
            Ok::<_, Failure>(held(response, permit))
        };
        let response = match answered.await {
            Ok(response) => response,
            // The edge's answer, not an exception: it comes out of a chain of Workers as it is.
            Err(failure @ Failure::TooDeep) => failure.response(false, &self.ctx.ray, None),
            Err(Failure::NoTenant) if is_outbound => return Err(self.no_outbound()),
            Err(failure) => return Err(refusal(failure)),
        };
        Ok(worker_response(response, journey))
    }

    /// One look into the Worker's own assets.
    async fn asset(&self, version: VersionId, journey: &mut Journey) -> Result<FetchResponse, FetchError> {
        let (head, _) = worker_request(journey)?.into_parts();
        let dispatcher = self.dispatcher.clone();
        match on_io_thread(async move { dispatcher.assets.fetch(version, &head).await }).await {
            Ok(response) => Ok(worker_response(response, journey)),
            Err(error) => {
                tracing::error!(%version, error = %chain(&error), "assets could not be served");
                Err(refusal(Failure::Assets(error)))
            }
        }
    }

    /// `None`: the network itself.
    fn find(&self, target: &Target) -> Result<Option<Callee>, FetchError> {
        let not_found = || FetchError::error(NOT_FOUND);
        let routes = || self.dispatcher.routes.account(&self.route.account);
        let callee = match target {
            Target::Internet => {
                let Some(outbound) = self.outbound() else { return Ok(None) };
                let route = routes().worker(outbound.service.as_str()).ok_or_else(|| self.no_outbound())?;
                let call = Call {
                    entrypoint: outbound.entrypoint.clone(),
                    props: Some(whose(&self.route)),
                    parameters: outbound.parameters.clone(),
                    dispatchers: self.above.clone(),
                    ..Call::default()
                };
                Callee { route, call, is_outbound: true }
            }
            // The account's own Worker: what it fetches and may use is not its callers' affair. User Workers
            // that it calls for them stay behind their outbound Worker.
            Target::Binding { binding: WorkerBinding::Service { service, entrypoint, props } } => {
                let route = routes().worker(service.as_str()).ok_or_else(not_found)?;
                let props = props.as_ref().map(ToString::to_string);
                let (entrypoint, outbound) = (entrypoint.clone(), self.inherited());
                let dispatchers = self.above.clone();
                let call = Call { entrypoint, props, outbound, dispatchers, ..Call::default() };
                Callee { route, call, is_outbound: false }
            }
            Target::Dispatch { binding: WorkerBinding::DispatchNamespace { namespace, outbound }, name, options } => {
                let Options { limits, parameters } = Options::read(options.as_deref())?;
                let route = routes().dispatched(namespace.as_str(), name).ok_or_else(not_found)?;
                let outbound = match (outbound, self.inherited()) {
                    (Some(binding), _) => Some(OutboundWorker::of_binding(binding, &parameters)?),
                    (None, inherited) if parameters.is_empty() => inherited,
                    (None, None) if route.settings.outbound.is_some() => {
                        OutboundWorker::of_namespace(&route, text(&parameters)?)
                    }
                    // Those who set parameters count on an outbound Worker of theirs.
                    (None, _) => return Err(FetchError::type_error(NO_PARAMETERS)),
                };
                // How many requests a tenant may have is not what those it calls may have.
                let (own, plan) = match self.is_account() {
                    true => (self.limits, self.plan.clone()),
                    false => (self.limits.of_invocation(), None),
                };
                let limits = own.tighten(limits);
                let dispatchers = self.dispatcher.dispatchers(&self.above, &self.route);
                let call = Call { limits, plan, outbound, dispatchers, ..Call::default() };
                Callee { route, call, is_outbound: false }
            }
            Target::Binding { .. } | Target::Dispatch { .. } | Target::Cache { .. } => {
                return Err(FetchError::type_error("This binding has no fetch()."));
            }
        };
        Ok(Some(callee))
    }

    /// It is one of the account's own Workers: a dispatcher, a service, an outbound Worker.
    fn is_account(&self) -> bool {
        self.route.scope == Scope::Account
    }

    /// What user Workers that this one calls stay behind.
    fn inherited(&self) -> Option<Arc<OutboundWorker>> {
        self.outbound.clone().or_else(|| OutboundWorker::of_namespace(&self.route, None))
    }

    /// What stands before the network, for this Worker.
    fn outbound(&self) -> Option<Arc<OutboundWorker>> {
        if self.is_account() { None } else { self.inherited() }
    }

    fn no_outbound(&self) -> FetchError {
        self.ctx.observer().metrics.egress(EgressEnd::NoOutbound);
        FetchError::error(NO_OUTBOUND)
    }
}

#[async_trait]
impl Outbound for RequestOutbound {
    async fn fetch(&self, depth: u8, target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let span = self.ctx.open("subrequest", SpanKind::Client, self.span);
        let answered = self.follow(depth, target, request, span.id).await;
        span.end(answered.is_err().then_some("error"));
        answered
    }

    fn cf(&self) -> Option<String> {
        if !self.is_account() && !self.route.trusted {
            return None; // contract §5.4
        }
        match &self.cf {
            RequestCf::Client => Some(client::cf(&self.ctx)),
            RequestCf::None => None,
            RequestCf::Given(text) => Some(text.to_string()),
        }
    }
}

impl RequestOutbound {
    /// One fetch with its redirects, as the span `parent`.
    async fn follow(
        &self,
        depth: u8,
        target: Target,
        request: FetchRequest,
        parent: u64,
    ) -> Result<FetchResponse, FetchError> {
        if let Target::Cache { name, operation } = target {
            let caches = &self.dispatcher.caches;
            let (end, answer) = Box::pin(caches.run(&self.route, name.as_deref(), operation, request)).await;
            self.ctx.observer().metrics.cache(end);
            return answer;
        }
        let mut journey = Journey::new(request, self.dispatcher.egress.max_redirects())?;
        loop {
            if let Target::Binding { binding: WorkerBinding::Assets { version } } = &target {
                let response = Box::pin(self.asset(*version, &mut journey)).await?;
                if !journey.follow(response.status, &response.headers)? {
                    return Ok(response);
                }
                continue;
            }
            // Looked up at each hop: a script replaced meanwhile is the new one (contract §5.1), and a
            // redirect goes through the outbound Worker like the request before it.
            let deeper = depth.saturating_add(1);
            let response = match self.find(&target)? {
                Some(callee) => Box::pin(self.call(callee, deeper, parent, &mut journey)).await?,
                None => {
                    let hops = self.passed.hops.saturating_add(deeper.into());
                    let passed = Passed { hops, ..self.passed.clone() };
                    self.ctx.trace.write_unless_own(&mut journey.headers, self.span, parent);
                    let sent = Box::pin(self.dispatcher.egress.send(&self.route, &mut journey, &passed));
                    let (end, response) = sent.await;
                    self.ctx.observer().metrics.egress(end);
                    response?
                }
            };
            if !journey.follow(response.status, &response.headers)? {
                return Ok(response);
            }
        }
    }
}

fn worker_request(journey: &mut Journey) -> Result<Request<Body>, FetchError> {
    let cut = |url: &str| url.split_once('#').map_or(url, |(url, _)| url).parse::<Uri>().ok();
    let invalid = || FetchError::type_error(format!("Invalid URL: {}", journey.written));
    let absolute = |uri: &Uri| uri.scheme().is_some() && uri.authority().is_some();
    let uri = cut(&journey.written).filter(absolute).or_else(|| cut(journey.url.as_str())).ok_or_else(invalid)?;
    let host = uri.authority().ok_or_else(invalid)?.as_str();
    // What stands before the `@` is not part of the host.
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = HeaderValue::from_str(host).map_err(|_| invalid())?;
    let mut headers = journey.take_headers();
    headers.insert(header::HOST, host);
    let method = journey.method.clone();
    let mut request = Request::new(journey.take_body());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Keeps a permit until the answer has ended: its body, or the WebSocket that it begins.
fn held(mut response: Response<Body>, permit: ScriptPermit) -> Response<Body> {
    if let Some(socket) = Socket::take(response.extensions_mut()) {
        socket.hold(permit);
        socket.put(response.extensions_mut());
        return response;
    }
    response.map(|body| hold(body, permit))
}

fn worker_response(response: Response<Body>, journey: &Journey) -> FetchResponse {
    let (mut head, body) = response.into_parts();
    let body = for_worker(&mut head, body, journey.raw);
    let socket = Socket::take(&mut head.extensions);
    let mut url = journey.url.clone();
    url.set_fragment(None);
    FetchResponse {
        status: head.status.as_u16(),
        status_text: match head.extensions.remove::<StatusText>() {
            Some(StatusText(text)) => text,
            None => head.status.canonical_reason().unwrap_or_default().to_owned(),
        },
        headers: head.headers,
        url: url.into(),
        redirected: journey.redirected(),
        body,
        socket,
    }
}

/// A called Worker's failure, as the caller's `fetch` rejects with it.
fn refusal(failure: Failure) -> FetchError {
    let hidden = || FetchError::error(format!("internal error; reference = {}", reference()));
    match failure {
        Failure::Run(RunError { kind: RunErrorKind::Internal, .. }) | Failure::Load(_) | Failure::Assets(_) => hidden(),
        Failure::Run(RunError { name, message, .. }) => FetchError { name, message },
        // Deleted between being found and being called.
        Failure::NoTenant => FetchError::error(NOT_FOUND),
        Failure::TenantBusy => FetchError::error("The Worker has too many requests at once."),
        Failure::Shed => FetchError::error("The Worker is refused: the server is overloaded."),
        Failure::RateLimited => FetchError::error("The Worker has too many requests in a second."),
        Failure::Upstream(error) => FetchError::error(format!("Upstream: {error}.")),
        Failure::BodyTooLarge => FetchError::error("The request's body is larger than the Worker's limits allow."),
        Failure::ResponseTooLarge => FetchError::error("The response's body is larger than the Worker's limits allow."),
        _ => hidden(),
    }
}
