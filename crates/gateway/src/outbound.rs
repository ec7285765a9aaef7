//! Everything a Worker can reach: the network by the egress policy, and other Workers of its own
//! account, by service binding or dispatch namespace, one level deeper in the same dispatcher.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderValue, Request, Response, Uri, header};
use serde::Deserialize;
use switchyard_catalog::{Limits, VersionId, WorkerBinding};
use switchyard_runtime::{
    Body, FetchError, FetchRequest, FetchResponse, Outbound, RunError, RunErrorKind, StatusText, Target,
};

use crate::body::hold;
use crate::context::RequestContext;
use crate::dispatch::{Call, Dispatcher, chain};
use crate::egress::Journey;
use crate::error::Failure;
use crate::ids::reference;
use crate::routes::Route;
use crate::tail::Dispatchers;
use crate::version::VersionChoice;

/// What every documented dispatch Worker tests for with `startsWith("Worker not found")` (contract §5.1).
const NOT_FOUND: &str = "Worker not found.";

/// The way out for one script while it works for one client's request.
pub struct RequestOutbound {
    dispatcher: Arc<Dispatcher>,
    ctx: Arc<RequestContext>,
    /// Who reaches out. Bindings reach Workers of its account alone.
    route: Arc<Route>,
    hops: u32,
    above: Dispatchers,
}

impl RequestOutbound {
    pub fn new(
        dispatcher: Arc<Dispatcher>,
        ctx: Arc<RequestContext>,
        route: Arc<Route>,
        hops: u32,
        above: Dispatchers,
    ) -> Self {
        Self { dispatcher, ctx, route, hops, above }
    }

    /// One hop to another Worker.
    async fn call(&self, route: &Arc<Route>, call: Call, journey: &mut Journey) -> Result<FetchResponse, FetchError> {
        let request = worker_request(journey)?;
        let version = VersionChoice::asked(request.headers(), route.name.as_str());
        let call = Call { version, ..call };
        let answered = async {
            let permit = self.dispatcher.admission.enter_script(route.script)?;
            let outbound = self.dispatcher.outbound(&self.ctx, route, self.hops, call.dispatchers.clone());
            let response = self.dispatcher.dispatch(&self.ctx, outbound, route, call, request).await?;
            Ok::<_, Failure>(response.map(|body| hold(body, permit)))
        };
        let response = match answered.await {
            Ok(response) => response,
            // The edge's answer, not an exception: it comes out of a chain of Workers as it is.
            Err(failure @ Failure::TooDeep) => failure.response(false, &self.ctx.ray),
            Err(failure) => return Err(refusal(failure)),
        };
        Ok(worker_response(response, journey))
    }

    /// One look into the Worker's own assets.
    async fn asset(&self, version: VersionId, journey: &mut Journey) -> Result<FetchResponse, FetchError> {
        let (head, _) = worker_request(journey)?.into_parts();
        match self.dispatcher.assets.fetch(version, &head).await {
            Ok(response) => Ok(worker_response(response, journey)),
            Err(error) => {
                tracing::error!(%version, error = %chain(&error), "assets could not be served");
                Err(refusal(Failure::Assets(error)))
            }
        }
    }

    fn find(&self, target: &Target) -> Result<Option<(Arc<Route>, Call)>, FetchError> {
        let not_found = || FetchError::error(NOT_FOUND);
        let routes = || self.dispatcher.routes.account(&self.route.account);
        match target {
            Target::Internet => Ok(None),
            Target::Binding { binding: WorkerBinding::Service { service, entrypoint, props } } => {
                let route = routes().worker(service.as_str()).ok_or_else(not_found)?;
                let props = props.as_ref().map(ToString::to_string);
                let (entrypoint, dispatchers) = (entrypoint.clone(), self.above.clone());
                Ok(Some((route, Call { entrypoint, props, dispatchers, ..Call::default() })))
            }
            Target::Dispatch { binding: WorkerBinding::DispatchNamespace { namespace, outbound }, name, options } => {
                // An outbound Worker that is configured but does not run would let every fetch past it.
                if outbound.is_some() {
                    return Err(FetchError::error("Outbound Workers of a dispatch namespace are not available here."));
                }
                let limits = call_limits(options.as_deref())?;
                let route = routes().dispatched(namespace.as_str(), name).ok_or_else(not_found)?;
                let dispatchers = self.dispatcher.dispatchers(&self.above, &self.route);
                Ok(Some((route, Call { limits, dispatchers, ..Call::default() })))
            }
            Target::Binding { .. } | Target::Dispatch { .. } => {
                Err(FetchError::type_error("This binding has no fetch()."))
            }
        }
    }
}

#[async_trait]
impl Outbound for RequestOutbound {
    async fn fetch(&self, depth: u8, target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let mut journey = Journey::new(request, self.dispatcher.egress.max_redirects())?;
        loop {
            if let Target::Binding { binding: WorkerBinding::Assets { version } } = &target {
                let response = self.asset(*version, &mut journey).await?;
                if !journey.follow(response.status, &response.headers)? {
                    return Ok(response);
                }
                continue;
            }
            // Looked up at each hop: a script replaced meanwhile is the new one (contract §5.1).
            let response = match self.find(&target)? {
                Some((route, call)) => {
                    self.call(&route, Call { depth: depth.saturating_add(1), ..call }, &mut journey).await?
                }
                None => {
                    let (end, response) = self.dispatcher.egress.send(&mut journey, self.hops.saturating_add(1)).await;
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

/// `get(name, args, {limits: {cpuMs, subRequests}})`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct DispatchOptions {
    limits: Option<DispatchLimits>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct DispatchLimits {
    cpu_ms: Option<f64>,
    sub_requests: Option<f64>,
}

fn call_limits(options: Option<&str>) -> Result<Limits, FetchError> {
    let Some(options) = options else { return Ok(Limits::default()) };
    let wrong = || FetchError::type_error("The limits of a dispatch call must be numbers.");
    let options: Option<DispatchOptions> = serde_json::from_str(options).map_err(|_| wrong())?;
    let limits = options.unwrap_or_default().limits.unwrap_or_default();
    // Nonsense (negative) is the strictest limit, not none.
    let whole = |number: f64| number.clamp(0.0, f64::from(u32::MAX)) as u32;
    Ok(Limits { cpu_ms: limits.cpu_ms.map(whole), subrequests: limits.sub_requests.map(whole), memory_bytes: None })
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
    let mut headers = journey.headers.clone();
    headers.insert(header::HOST, host);
    let method = journey.method.clone();
    let mut request = Request::new(journey.take_body());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

fn worker_response(response: Response<Body>, journey: &Journey) -> FetchResponse {
    let (head, body) = response.into_parts();
    let mut url = journey.url.clone();
    url.set_fragment(None);
    FetchResponse {
        status: head.status.as_u16(),
        status_text: head.extensions.get::<StatusText>().map_or_else(String::new, |text| text.0.clone()),
        headers: head.headers,
        url: url.into(),
        redirected: journey.redirected(),
        body,
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
        _ => hidden(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calls_limits_are_read_as_sent() {
        let limits = |text| call_limits(Some(text)).unwrap();
        assert_eq!(call_limits(None).unwrap(), Limits::default());
        assert_eq!(limits("null"), Limits::default());
        assert_eq!(limits("{\"args\":{}}"), Limits::default());
        let both = limits("{\"limits\":{\"cpuMs\":10.7,\"subRequests\":5}}");
        assert_eq!((both.cpu_ms, both.subrequests), (Some(10), Some(5)));
        assert_eq!(limits("{\"limits\":{\"cpuMs\":-1}}").cpu_ms, Some(0));
        assert_eq!(limits("{\"limits\":{\"cpuMs\":1e30}}").cpu_ms, Some(u32::MAX));
        assert_eq!(call_limits(Some("{\"limits\":{\"cpuMs\":\"x\"}}")).unwrap_err().name, "TypeError");
    }
}
