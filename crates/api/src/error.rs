//! Refusals. The only place where an error of the catalog becomes Cloudflare's code and an HTTP
//! status (contract §1.3). Both must agree: wrangler reads the code, the SDKs read the status.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use switchyard_catalog::{CatalogError, InvalidScript, NameError, StorageError};

use crate::envelope::{self, Fault, Source};

/// A refusal as the client sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    /// At least one; clients branch on the first.
    faults: Vec<Fault>,
    /// Seconds.
    retry_after: Option<u64>,
    allow: Option<String>,
}

/// What a handler fails with: a refusal, or an error of the catalog that the endpoint's place turns
/// into one.
#[derive(Debug)]
pub(crate) enum Refusal {
    Api(ApiError),
    Catalog(CatalogError),
}

/// Where an endpoint looks for scripts. A missing one has another code in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Namespace,
    Account,
    /// `…/workers/services/{script}`.
    Services,
}

const NO_NAMESPACE: &str = "The specified dispatch namespace does not exist on this account.";
const NO_WORKER: &str = "This Worker does not exist on your account.";
const NO_WORKER_IN_NAMESPACE: &str = "This Worker does not exist in this dispatch namespace.";
const UNKNOWN: &str = "An unknown error has occurred.";

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self::with(status, vec![Fault::new(code, message)])
    }

    fn with(status: StatusCode, faults: Vec<Fault>) -> Self {
        Self { status, faults, retry_after: None, allow: None }
    }

    /// Names the field that is at fault, by its JSON pointer; an empty one is the whole, and not named.
    pub(crate) fn at(mut self, pointer: String) -> Self {
        if let Some(first) = self.faults.first_mut()
            && !pointer.is_empty()
        {
            first.source = Some(Source { pointer });
        }
        self
    }

    /// As [`ApiError::at`], for an error within a part of what was sent: the pointer begins there.
    pub(crate) fn below(self, pointer: &str) -> Self {
        let within = self.faults.first().and_then(|fault| fault.source.as_ref());
        let full = format!("{pointer}{}", within.map_or("", |source| &source.pointer));
        self.at(full)
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    // Routing

    pub(crate) fn no_route(path: &str) -> Self {
        let shown: String = path.chars().take(200).collect();
        let message = format!("Could not route to {shown}, perhaps your object identifier is invalid?");
        Self::new(StatusCode::NOT_FOUND, 7003, message)
    }

    pub(crate) fn wrong_method(method: &http::Method, allow: String) -> Self {
        let message = format!("Method {method} not available for that URI; it takes {allow}.");
        let mut error = Self::new(StatusCode::METHOD_NOT_ALLOWED, 7001, message);
        error.allow = Some(allow);
        error
    }

    // Authentication

    pub(crate) fn no_credentials() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
    }

    pub(crate) fn malformed_authorization() -> Self {
        let mut fault = Fault::new(6003, "Invalid request headers");
        fault.error_chain = vec![Fault::new(6111, "Invalid format for Authorization header")];
        Self::with(StatusCode::BAD_REQUEST, vec![fault])
    }

    pub(crate) fn legacy_key() -> Self {
        let message = "Authentication error: X-Auth-Email with X-Auth-Key is not supported here; \
                       send an API token as Authorization: Bearer <token>";
        Self::new(StatusCode::UNAUTHORIZED, 10000, message)
    }

    pub(crate) fn unknown_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 10000, "Authentication error")
    }

    /// A token that once was good.
    pub(crate) fn ended_token(how: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 10000, format!("Authentication error: this token {how}"))
    }

    pub(crate) fn other_account() -> Self {
        let faults = vec![Fault::new(9109, "Invalid access token"), Fault::new(10000, "Authentication error")];
        Self::with(StatusCode::FORBIDDEN, faults)
    }

    pub(crate) fn read_only_token() -> Self {
        let message = "Authentication error: this token may read, not write";
        Self::new(StatusCode::FORBIDDEN, 10000, message)
    }

    pub(crate) fn too_many_wrong_tokens(seconds: u64) -> Self {
        let message = format!("Too many authentication failures. Please try again in {} seconds.", seconds.max(1));
        Self::new(StatusCode::TOO_MANY_REQUESTS, 10502, message).retry_after(seconds)
    }

    /// wrangler asks for it after the upload of a Worker whose configuration wants `workers.dev`.
    pub(crate) fn no_workers_dev() -> Self {
        let message = "This server has no workers.dev: set \"workers_dev\": false in the Worker's configuration.";
        Self::new(StatusCode::FORBIDDEN, 10015, message)
    }

    // Bodies

    /// The request cannot be parsed (10026).
    pub(crate) fn unparsable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10026, message)
    }

    /// It can be parsed, and breaks a rule (10021).
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10021, message)
    }

    pub(crate) fn json_too_large(cap: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, 10026, format!("the request body is larger than {cap} bytes"))
    }

    pub(crate) fn upload_too_large(cap: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, 10027, format!("the upload is larger than {cap} bytes"))
    }

    pub(crate) fn content_type(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, 10001, message)
    }

    pub(crate) fn body_too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, 10026, "the request body did not arrive in time")
    }

    pub(crate) fn too_many_uploads() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, 10013, "too many uploads at the same time; try again").retry_after(2)
    }

    pub(crate) fn too_many_components() -> Self {
        let message = "too many components wait to be compiled; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, 10013, message).retry_after(10)
    }

    /// The cause goes to the log, not to the client.
    pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        internal(cause)
    }

    pub(crate) fn no_resolvers() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10007, "this server has no resolvers")
    }

    pub(crate) fn no_node() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10007, "this server counts nothing")
    }

    pub(crate) fn binding_without_name(at: usize) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 10052, format!("bindings[{at}] has no name"))
    }

    /// A secret that is not there, under a name that none can have.
    pub(crate) fn no_such_secret() -> Self {
        Self::new(StatusCode::NOT_FOUND, 10056, "the secret does not exist")
    }

    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = envelope::failure(self.status, &self.faults);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow.and_then(|methods| HeaderValue::from_str(&methods).ok()) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<CatalogError> for Refusal {
    fn from(error: CatalogError) -> Self {
        Self::Catalog(error)
    }
}

impl From<NameError> for Refusal {
    fn from(error: NameError) -> Self {
        Self::Catalog(CatalogError::Name(error))
    }
}

impl Refusal {
    pub(crate) fn at(self, place: Place) -> ApiError {
        match self {
            Self::Api(error) => error,
            Self::Catalog(error) => of_catalog(error, place),
        }
    }
}

fn of_catalog(error: CatalogError, place: Place) -> ApiError {
    use StatusCode as S;
    let text = error.to_string();
    let (status, code) = match error {
        CatalogError::AccountNotFound => return ApiError::other_account(),
        CatalogError::AccountExists => (S::CONFLICT, 10035),
        CatalogError::TokenNotFound => (S::NOT_FOUND, 10007),
        CatalogError::TooManyTokens(_) => (S::BAD_REQUEST, 10021),
        CatalogError::OutOfScope(_) => {
            return ApiError::new(S::FORBIDDEN, 10000, format!("Authentication error: {text}"));
        }
        CatalogError::PreconditionFailed => (S::PRECONDITION_FAILED, 10018),
        CatalogError::NamespaceNotFound => return ApiError::new(S::NOT_FOUND, 100_119, NO_NAMESPACE),
        CatalogError::NamespaceExists => {
            let message = "A dispatch namespace with this name already exists on this account.";
            return ApiError::new(S::CONFLICT, 100_120, message);
        }
        CatalogError::ScriptNotFound => return ApiError::with(S::NOT_FOUND, script_not_found(place)),
        CatalogError::InUse(_) => (S::CONFLICT, 10064),
        CatalogError::VersionNotFound => (S::NOT_FOUND, 100_146),
        CatalogError::SecretNotFound => (S::NOT_FOUND, 10056),
        CatalogError::TagNotFound => (S::NOT_FOUND, 10007),
        CatalogError::LatestNotDeployed => (S::BAD_REQUEST, 10215),
        CatalogError::Name(NameError { what: "tag" | "binding name", .. }) => (S::BAD_REQUEST, 10021),
        CatalogError::Name(_) => (S::BAD_REQUEST, 10016),
        CatalogError::Invalid(_) => (S::BAD_REQUEST, 10021),
        CatalogError::InheritNotFound(_) => (S::BAD_REQUEST, 10057),
        CatalogError::BindingNamespace(_) => (S::NOT_FOUND, 100_119),
        CatalogError::BindingTarget(_) => (S::BAD_REQUEST, 10144),
        CatalogError::TailConsumer(_) => (S::BAD_REQUEST, 10203),
        CatalogError::BindingWithoutName => (S::BAD_REQUEST, 10052),
        CatalogError::BindingExists(_) => (S::BAD_REQUEST, 10053),
        CatalogError::VariableTooLarge(_) => (S::BAD_REQUEST, 10054),
        CatalogError::TooManyVariables(_) => (S::BAD_REQUEST, 10055),
        CatalogError::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, 10027),
        CatalogError::AssetToken(_) => (S::UNAUTHORIZED, 10000),
        CatalogError::NoHandlers => (S::BAD_REQUEST, 10068),
        CatalogError::Conflict => (S::CONFLICT, 10035),
        CatalogError::Start(InvalidScript::Refused(_)) => (S::BAD_REQUEST, 10021),
        CatalogError::Start(InvalidScript::Busy(_)) => {
            return ApiError::new(S::SERVICE_UNAVAILABLE, 10013, text).retry_after(10);
        }
        CatalogError::Start(InvalidScript::Unavailable(reason)) => {
            tracing::warn!(reason, "an upload could not be started");
            return ApiError::new(S::SERVICE_UNAVAILABLE, 10013, UNKNOWN).retry_after(2);
        }
        // Ours: the cause goes to the log, not to the client.
        CatalogError::Storage(cause @ (StorageError::Exists(_) | StorageError::Gone(_))) => {
            tracing::warn!(cause = %cause, "rows changed under an operation");
            return ApiError::new(S::CONFLICT, 10035, "The object was changed at the same time; try again.");
        }
        CatalogError::Storage(cause) => return internal(&cause),
        CatalogError::Blobs(cause) => return internal(&cause),
    };
    ApiError::new(status, code, text)
}

fn script_not_found(place: Place) -> Vec<Fault> {
    match place {
        // wrangler goes on as "new Worker" at 10092 only; other clients look for 10007.
        Place::Namespace => vec![Fault::new(10092, NO_WORKER_IN_NAMESPACE), Fault::new(10007, NO_WORKER)],
        Place::Account => vec![Fault::new(10007, NO_WORKER)],
        Place::Services => vec![Fault::new(10090, NO_WORKER), Fault::new(10007, NO_WORKER)],
    }
}

fn internal(cause: &(dyn std::error::Error + 'static)) -> ApiError {
    let chain = std::iter::successors(Some(cause), |error| error.source());
    let chain: Vec<String> = chain.take(8).map(|error| error.to_string()).collect();
    tracing::error!(cause = chain.join(": "), "an API operation failed");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, 10002, UNKNOWN)
}
