//! Every way a request can fail, in one list: the metric label, whose fault it is, the status, and
//! what the client may read. Nothing here shows a client anything of a tenant's code or data.

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use switchyard_catalog::{InvalidScript, ScriptName};
use switchyard_runtime::{Body, RunError, RunErrorKind, RuntimeError};

use crate::assets::AssetsError;
use crate::authority::AuthorityError;
use crate::upstream::UpstreamError;

/// A request that got no answer from a Worker.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// On a TLS connection for another host, whose certificate is not for this one.
    #[error("the request is for another host than its connection")]
    Misdirected,
    /// `CONNECT`, which a gateway for Workers has no use for.
    #[error("the method is not allowed")]
    MethodNotAllowed,
    #[error("the method is not known")]
    UnknownMethod,
    /// Only `chunked` is understood; a coding that is passed on unread invites smuggling.
    #[error("the transfer coding is not supported")]
    TransferCoding,
    /// Longer than `limits.uri_bytes`.
    #[error("the request's URL is too long")]
    UriTooLong,
    /// Longer than `limits.body_bytes`.
    #[error("the request's body is too large")]
    BodyTooLarge,
    /// No resolver knows this host.
    #[error("there is no Worker for this host")]
    NoTenant,
    /// A trusted peer's header names no tenant, or two.
    #[error("the header {0} does not name one tenant")]
    TenantHeader(HeaderName),
    /// The database that knows the tenants does not answer, and nothing is known of this one.
    #[error("the tenant could not be looked up")]
    LookupFailed,
    /// The `worker` resolver's script is not there (yet).
    #[error("the dispatch Worker {0} does not exist")]
    DispatcherMissing(ScriptName),
    /// The namespace's inbound Worker is not there (any more).
    #[error("the inbound Worker {0} does not exist")]
    InboundMissing(ScriptName),
    /// More requests at once than `limits.requests_per_script`.
    #[error("the script has too many requests at once")]
    TenantBusy,
    /// More requests within a second than the script's limits allow.
    #[error("the script has too many requests in a second")]
    RateLimited,
    /// A response that is known to be longer than the script's limits allow.
    #[error("the response's body is too large")]
    ResponseTooLarge,
    /// More requests at once than `limits.requests`.
    #[error("the node has too many requests at once")]
    NodeBusy,
    /// The node is overloaded, and this tenant has much of what it lacks.
    #[error("the node is overloaded, and the script takes much of it")]
    Shed,
    /// Workers calling Workers, deeper than 16 (contract §5.2).
    #[error("Workers call each other too deeply")]
    TooDeep,
    #[error("the Worker could not be loaded")]
    Load(#[source] Arc<RuntimeError>),
    #[error("the Worker's assets could not be read")]
    Assets(#[source] AssetsError),
    #[error(transparent)]
    Run(RunError),
    /// A tenant that is an origin gave no answer.
    #[error(transparent)]
    Upstream(UpstreamError),
}

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::BodyTooLarge => Self::BodyTooLarge,
            UpstreamError::Wall => Self::Run(RunError {
                kind: RunErrorKind::ExceededWall,
                name: "Error".into(),
                message: "Worker exceeded wall time limit.".into(),
            }),
            other => Self::Upstream(other),
        }
    }
}

/// Whose fault an outcome is. A metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// There was no failure.
    None,
    Client,
    Tenant,
    Platform,
}

impl Side {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Client => "client",
            Self::Tenant => "tenant",
            Self::Platform => "platform",
        }
    }
}

/// What became of a request. A metric label, so a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The Worker answered, and its body was sent to the end.
    Ok,
    BadHost,
    BadMethod,
    BadFraming,
    UriTooLong,
    BodyTooLarge,
    NoTenant,
    BadTenantHeader,
    LookupFailed,
    DispatcherMissing,
    TenantBusy,
    RateLimited,
    NodeBusy,
    Shed,
    TooDeep,
    LoadFailed,
    Exception,
    ExceededCpu,
    ExceededMemory,
    ExceededWall,
    ResponseTooLarge,
    Hung,
    Crashed,
    Overloaded,
    Internal,
    /// No origin of an upstream is available, or it has too many requests at once.
    UpstreamUnavailable,
    /// It could not be reached, may not be, or what it sent was no answer.
    UpstreamFailed,
    UpstreamTimeout,
    /// The Worker's body broke off after the head was sent.
    BodyFailed,
    /// The client went away before the end.
    ClientGone,
}

impl Kind {
    pub const ALL: [Kind; 30] = [
        Self::Ok,
        Self::BadHost,
        Self::BadMethod,
        Self::BadFraming,
        Self::UriTooLong,
        Self::BodyTooLarge,
        Self::NoTenant,
        Self::BadTenantHeader,
        Self::LookupFailed,
        Self::DispatcherMissing,
        Self::TenantBusy,
        Self::RateLimited,
        Self::NodeBusy,
        Self::Shed,
        Self::TooDeep,
        Self::LoadFailed,
        Self::Exception,
        Self::ExceededCpu,
        Self::ExceededMemory,
        Self::ExceededWall,
        Self::ResponseTooLarge,
        Self::Hung,
        Self::Crashed,
        Self::Overloaded,
        Self::Internal,
        Self::UpstreamUnavailable,
        Self::UpstreamFailed,
        Self::UpstreamTimeout,
        Self::BodyFailed,
        Self::ClientGone,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BadHost => "bad_host",
            Self::BadMethod => "bad_method",
            Self::BadFraming => "bad_framing",
            Self::UriTooLong => "uri_too_long",
            Self::BodyTooLarge => "body_too_large",
            Self::NoTenant => "no_tenant",
            Self::BadTenantHeader => "bad_tenant_header",
            Self::LookupFailed => "lookup_failed",
            Self::DispatcherMissing => "dispatcher_missing",
            Self::TenantBusy => "tenant_busy",
            Self::RateLimited => "rate_limited",
            Self::NodeBusy => "node_busy",
            Self::Shed => "shed",
            Self::TooDeep => "too_deep",
            Self::LoadFailed => "load_failed",
            Self::Exception => "exception",
            Self::ExceededCpu => "exceeded_cpu",
            Self::ExceededMemory => "exceeded_memory",
            Self::ExceededWall => "exceeded_wall",
            Self::ResponseTooLarge => "response_too_large",
            Self::Hung => "hung",
            Self::Crashed => "crashed",
            Self::Overloaded => "overloaded",
            Self::Internal => "internal",
            Self::UpstreamUnavailable => "upstream_unavailable",
            Self::UpstreamFailed => "upstream_failed",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::BodyFailed => "body_failed",
            Self::ClientGone => "client_gone",
        }
    }

    pub fn side(self) -> Side {
        match self {
            Self::Ok => Side::None,
            Self::BadHost
            | Self::BadMethod
            | Self::BadFraming
            | Self::UriTooLong
            | Self::BodyTooLarge
            | Self::NoTenant
            | Self::BadTenantHeader
            | Self::ClientGone => Side::Client,
            Self::TenantBusy
            | Self::RateLimited
            | Self::Shed
            | Self::TooDeep
            | Self::Exception
            | Self::ExceededCpu
            | Self::ExceededMemory
            | Self::ExceededWall
            | Self::ResponseTooLarge
            | Self::Hung
            | Self::Crashed
            | Self::UpstreamUnavailable
            | Self::UpstreamFailed
            | Self::UpstreamTimeout
            | Self::BodyFailed => Side::Tenant,
            Self::LookupFailed
            | Self::DispatcherMissing
            | Self::NodeBusy
            | Self::LoadFailed
            | Self::Overloaded
            | Self::Internal => Side::Platform,
        }
    }
}

/// What a client gets for a failure.
struct Page {
    status: StatusCode,
    /// Cloudflare's number, where it has one.
    code: Option<u16>,
    text: Cow<'static, str>,
    retry: bool,
}

impl Failure {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Authority(_) | Self::Misdirected => Kind::BadHost,
            Self::MethodNotAllowed | Self::UnknownMethod => Kind::BadMethod,
            Self::TransferCoding => Kind::BadFraming,
            Self::UriTooLong => Kind::UriTooLong,
            Self::BodyTooLarge => Kind::BodyTooLarge,
            Self::NoTenant => Kind::NoTenant,
            Self::TenantHeader(_) => Kind::BadTenantHeader,
            Self::LookupFailed => Kind::LookupFailed,
            Self::DispatcherMissing(_) | Self::InboundMissing(_) => Kind::DispatcherMissing,
            Self::TenantBusy => Kind::TenantBusy,
            Self::RateLimited => Kind::RateLimited,
            Self::ResponseTooLarge => Kind::ResponseTooLarge,
            Self::NodeBusy => Kind::NodeBusy,
            Self::Shed => Kind::Shed,
            Self::TooDeep => Kind::TooDeep,
            Self::Load(_) | Self::Assets(_) => Kind::LoadFailed,
            Self::Upstream(error) => match error {
                UpstreamError::Unavailable | UpstreamError::Busy => Kind::UpstreamUnavailable,
                UpstreamError::Timeout => Kind::UpstreamTimeout,
                UpstreamError::BodyBroken => Kind::BadFraming,
                _ => Kind::UpstreamFailed,
            },
            Self::Run(error) => match error.kind {
                RunErrorKind::Exception => Kind::Exception,
                RunErrorKind::ExceededCpu => Kind::ExceededCpu,
                RunErrorKind::ExceededMemory => Kind::ExceededMemory,
                RunErrorKind::ExceededWall => Kind::ExceededWall,
                RunErrorKind::Hung => Kind::Hung,
                RunErrorKind::Crashed => Kind::Crashed,
                RunErrorKind::Overloaded => Kind::Overloaded,
                RunErrorKind::Internal => Kind::Internal,
            },
        }
    }

    /// What the client reads: a page where it asked for HTML, with the ids of request and trace, else one line.
    pub fn response(&self, html: bool, ray: &HeaderValue, trace: Option<u128>) -> Response<Body> {
        let page = self.page();
        let (kind, body) = if html {
            let title = page.code.map_or_else(|| page.text.clone(), |code| format!("Error {code}").into());
            let ray = ray.to_str().unwrap_or_default();
            let trace = trace.map_or_else(String::new, |trace| format!("<p>Trace ID: {trace:032x}</p>"));
            let text = format!(
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
                 <h1>{title}</h1><p>{}</p><p>Ray ID: {ray}</p>{trace}</html>\n",
                page.text,
            );
            ("text/html; charset=utf-8", Body::from(text))
        } else {
            let body = match page.code {
                // Where many are refused, each costs little.
                Some(1015) => Body::from("error code: 1015\n"),
                Some(code) => Body::from(format!("error code: {code}\n")),
                None => Body::from(format!("{}\n", page.text)),
            };
            ("text/plain; charset=utf-8", body)
        };
        let mut response = Response::new(body);
        *response.status_mut() = page.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if page.retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn page(&self) -> Page {
        let page = |status, text: &'static str| Page { status, code: None, text: text.into(), retry: false };
        let coded =
            |status, code, text: &'static str| Page { status, code: Some(code), text: text.into(), retry: false };
        match self {
            Self::Authority(error) => Page { text: error.to_string().into(), ..page(StatusCode::BAD_REQUEST, "") },
            Self::Misdirected => {
                page(StatusCode::MISDIRECTED_REQUEST, "the request is for another host than its connection")
            }
            Self::MethodNotAllowed => page(StatusCode::METHOD_NOT_ALLOWED, "the method is not allowed"),
            Self::UnknownMethod => page(StatusCode::NOT_IMPLEMENTED, "unrecognized request method"),
            Self::TransferCoding => page(StatusCode::NOT_IMPLEMENTED, "the transfer coding is not supported"),
            Self::UriTooLong => page(StatusCode::URI_TOO_LONG, "the URL is too long"),
            Self::BodyTooLarge => page(StatusCode::PAYLOAD_TOO_LARGE, "the request body is too large"),
            Self::NoTenant => page(StatusCode::NOT_FOUND, "there is no Worker for this host"),
            Self::TenantHeader(_) => page(StatusCode::BAD_REQUEST, "the request does not name one tenant"),
            Self::LookupFailed => Page {
                retry: true,
                ..page(StatusCode::SERVICE_UNAVAILABLE, "the tenant could not be looked up at the moment")
            },
            // The operator's own script, named by the operator's own configuration.
            Self::DispatcherMissing(script) => missing(format!("the dispatch Worker {script} does not exist yet")),
            // Named by the account's own settings.
            Self::InboundMissing(script) => missing(format!("the inbound Worker {script} does not exist")),
            Self::TenantBusy => coded(StatusCode::TOO_MANY_REQUESTS, 1015, "You are being rate limited"),
            Self::RateLimited => {
                Page { retry: true, ..coded(StatusCode::TOO_MANY_REQUESTS, 1015, "You are being rate limited") }
            }
            Self::ResponseTooLarge => exceeded(),
            Self::NodeBusy | Self::Shed => {
                Page { retry: true, ..page(StatusCode::SERVICE_UNAVAILABLE, "the server is overloaded") }
            }
            Self::TooDeep => coded(StatusCode::LOOP_DETECTED, 1019, "Worker recursively invoked too often"),
            // It started at upload, and does not any more.
            Self::Load(error) if matches!(**error, RuntimeError::Invalid(InvalidScript::Refused(_))) => exception(),
            Self::Load(error)
                if matches!(**error, RuntimeError::Compiling | RuntimeError::Invalid(InvalidScript::Busy(_))) =>
            {
                Page { retry: true, ..page(StatusCode::SERVICE_UNAVAILABLE, "the Worker is being compiled") }
            }
            Self::Load(_) | Self::Assets(_) => page(StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
            Self::Upstream(error) => {
                let status = match error {
                    UpstreamError::Unavailable | UpstreamError::Busy => StatusCode::SERVICE_UNAVAILABLE,
                    UpstreamError::Timeout => StatusCode::GATEWAY_TIMEOUT,
                    UpstreamError::BodyBroken => StatusCode::BAD_REQUEST,
                    _ => StatusCode::BAD_GATEWAY,
                };
                let retry = status == StatusCode::SERVICE_UNAVAILABLE;
                Page { status, code: None, text: error.to_string().into(), retry }
            }
            Self::Run(error) => match error.kind {
                RunErrorKind::Exception | RunErrorKind::Hung | RunErrorKind::Crashed => exception(),
                RunErrorKind::ExceededCpu | RunErrorKind::ExceededMemory | RunErrorKind::ExceededWall => exceeded(),
                RunErrorKind::Overloaded => {
                    Page { retry: true, ..page(StatusCode::SERVICE_UNAVAILABLE, "the server is overloaded") }
                }
                RunErrorKind::Internal => page(StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
            },
        }
    }
}

fn missing(text: String) -> Page {
    Page { status: StatusCode::SERVICE_UNAVAILABLE, code: None, text: text.into(), retry: true }
}

fn exceeded() -> Page {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Page { status, code: Some(1102), text: "Worker exceeded resource limits".into(), retry: false }
}

fn exception() -> Page {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Page { status, code: Some(1101), text: "Worker threw exception".into(), retry: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: RunErrorKind) -> Failure {
        Failure::Run(RunError { kind, name: "Error".into(), message: "secret of the tenant".into() })
    }

    fn text(response: Response<Body>) -> String {
        match response.into_body() {
            Body::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_or_a_line_and_never_the_tenants_message() {
        let ray = HeaderValue::from_static("0011223344556677");
        for (failure, status, line) in [
            (run(RunErrorKind::Exception), 500, "error code: 1101\n"),
            (run(RunErrorKind::ExceededCpu), 503, "error code: 1102\n"),
            (run(RunErrorKind::ExceededWall), 503, "error code: 1102\n"),
            (Failure::ResponseTooLarge, 503, "error code: 1102\n"),
            (Failure::TenantBusy, 429, "error code: 1015\n"),
            (Failure::RateLimited, 429, "error code: 1015\n"),
            (Failure::TooDeep, 508, "error code: 1019\n"),
            (Failure::NoTenant, 404, "there is no Worker for this host\n"),
        ] {
            let response = failure.response(false, &ray, None);
            assert_eq!(response.status(), status);
            assert_eq!(text(response), line);
            let page = text(failure.response(true, &ray, Some(0xab)));
            assert!(page.contains("Trace ID: 000000000000000000000000000000ab"), "{page}");
            assert!(page.contains("Ray ID: 0011223344556677") && !page.contains("secret"), "{page}");
        }
    }

    #[test]
    fn labels_are_distinct() {
        let mut labels: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Kind::ALL.len());
        for (index, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index);
        }
    }
}
