//! A client of the admin API for the command line: where it is, as whom, and one request at a time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::node_file::NodeFile;

/// Which node is spoken to, and as whom. Flags win over SWITCHYARD_… variables, those over
/// CLOUDFLARE_…, and those over what the data folder of a node on this machine says.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// Address of the admin API, such as http://127.0.0.1:8081
    #[arg(long, value_name = "URL", env = "SWITCHYARD_ADMIN")]
    pub admin: Option<String>,
    /// An API token
    #[arg(long, value_name = "T", env = "SWITCHYARD_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The account's id; not needed where the token is for one account
    #[arg(long, value_name = "ID", env = "SWITCHYARD_ACCOUNT")]
    pub account: Option<String>,
    /// Data folder of a node on this machine, for its address and token
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_DATA", default_value = "./.switchyard")]
    pub data: PathBuf,
    /// A PEM file of authorities that may have signed the node's certificate, besides the public ones
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CA")]
    pub ca: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Why a command failed, as it is printed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error("no node is running on {0}: start one, or name another with --admin or SWITCHYARD_ADMIN")]
    NoNode(String),
    #[error("there is no token: give one with --token, SWITCHYARD_TOKEN or CLOUDFLARE_API_TOKEN")]
    NoToken,
    #[error("the address {0:?} is not a URL such as http://127.0.0.1:8081")]
    Address(String),
    #[error("could not reach {address}: is the node running?")]
    Unreachable { address: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{address} did not answer as the API does (HTTP {status})")]
    NotTheApi { address: String, status: StatusCode },
    /// The API refused; its own words.
    #[error("{message} [code: {code}]")]
    Refused { message: String, code: u64, status: StatusCode },
    #[error("{0}")]
    Usage(String),
    #[error("could not {action} {path}")]
    File { action: &'static str, path: String, source: std::io::Error },
    /// A node that answers, and takes no requests now; what it says of it.
    #[error("{address} is not ready: {said}")]
    NotReady { address: String, said: String },
    /// Checks failed; what was found is to be printed all the same.
    #[error("{failed} of {of} checks failed")]
    Unwell { shown: String, failed: usize, of: usize },
    #[error("could not set up TLS")]
    Tls(#[source] rustls::Error),
    #[error("{path} holds no certificate in PEM")]
    Certificates { path: String },
}

impl CliError {
    /// What is to be printed although the command failed.
    pub fn shown(&self) -> Option<&str> {
        match self {
            Self::Unwell { shown, .. } => Some(shown),
            _ => None,
        }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File { action, path, source }
    }
}

/// What a health check waits.
const SOON: Duration = Duration::from_secs(5);
/// Longest wait for an answer: an upload starts the Worker.
const PATIENCE: Duration = Duration::from_secs(120);
/// … of a component, which waits for its turn to be compiled.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(30 * 60);
const MAX_ANSWER: usize = 256 << 20;
/// What stays as it is in a path's segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) struct Client {
    http: Http<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// With `/client/v4`.
    address: String,
    token: String,
    account: Option<String>,
    /// The data folder's file that the token came from.
    pub(super) token_file: Option<PathBuf>,
}

/// A good answer.
pub(super) struct Answer {
    pub(super) result: Value,
    pub(super) cursor: Option<String>,
}

impl Client {
    pub(super) fn open(connection: &Connection) -> Result<Self, CliError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let given = connection.admin.clone().or_else(|| variable("CLOUDFLARE_API_BASE_URL"));
        let local = given.is_none();
        let node = if local { NodeFile::read(&connection.data) } else { None };
        let address = match (given, &node) {
            (Some(given), _) => normal(&given)?,
            (None, Some(node)) => node.admin.clone(),
            (None, None) => return Err(CliError::NoNode(connection.data.display().to_string())),
        };
        let given = connection.token.clone().or_else(|| variable("CLOUDFLARE_API_TOKEN"));
        // A folder's token is its own node's: it is never sent to an address from elsewhere.
        let file = node.as_ref().and_then(|node| node.token_file.clone()).filter(|_| given.is_none());
        let token = match (given, &file) {
            (Some(token), _) => token,
            (None, Some(path)) => {
                std::fs::read_to_string(path).map_err(CliError::file("read", path))?.trim().to_owned()
            }
            (None, None) => return Err(CliError::NoToken),
        };
        let shown = node.as_ref().and_then(|node| node.admin_certificate.clone());
        let account = connection.account.clone().or_else(|| variable("CLOUDFLARE_ACCOUNT_ID"));
        let account = account.or_else(|| node.filter(|_| file.is_some())?.account);
        let http = http(connection.ca.as_deref(), shown.as_deref())?;
        Ok(Self { http, address, token, account, token_file: file })
    }

    /// The account that is meant: the one named, else the only one that the token is for.
    pub(super) async fn account(&self) -> Result<String, CliError> {
        if let Some(account) = &self.account {
            return Ok(account.clone());
        }
        let accounts = self.get("/accounts").await?.result;
        let ids: Vec<&str> = accounts.as_array().into_iter().flatten().filter_map(|a| a["id"].as_str()).collect();
        match ids.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => Err(CliError::usage("the token is for no account")),
            several => Err(CliError::usage(format!(
                "the token is for several accounts; name one with --account: {}",
                several.join(", ")
            ))),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, CliError> {
        self.send(Method::GET, path, None).await
    }

    pub(super) async fn json(&self, method: Method, path: &str, body: &Value) -> Result<Answer, CliError> {
        self.send(method, path, Some(("application/json".to_owned(), body.to_string().into()))).await
    }

    /// `body`: its content type and its bytes.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(String, Bytes)>,
    ) -> Result<Answer, CliError> {
        self.send_within(PATIENCE, method, path, body).await
    }

    /// As [`Client::send`], which may take so long.
    pub(super) async fn send_within(
        &self,
        patience: Duration,
        method: Method,
        path: &str,
        body: Option<(String, Bytes)>,
    ) -> Result<Answer, CliError> {
        self.send_as(&self.token, patience, method, path, body).await
    }

    /// As [`Client::send_within`], with another token.
    pub(super) async fn send_as(
        &self,
        token: &str,
        patience: Duration,
        method: Method,
        path: &str,
        body: Option<(String, Bytes)>,
    ) -> Result<Answer, CliError> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.address));
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        request = request.header(header::USER_AGENT, concat!("switchyard/", env!("CARGO_PKG_VERSION")));
        let body = body.map_or_else(Bytes::new, |(content_type, bytes)| {
            if let Some(headers) = request.headers_mut()
                && let Ok(value) = content_type.parse()
            {
                headers.insert(header::CONTENT_TYPE, value);
            }
            bytes
        });
        let request = request.body(Full::new(body)).map_err(|_| CliError::Address(self.address.clone()))?;
        let unreachable = |source| self.unreachable(source);
        let answered = async {
            let (head, body) =
                self.http.request(request).await.map_err(|error| unreachable(error.into()))?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(unreachable)?;
            Ok((head.status, body.to_bytes()))
        };
        let late = |_| unreachable(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        let (status, body) = tokio::time::timeout(patience, answered).await.map_err(late)??;
        self.read(status, &body)
    }

    /// An answer that is no envelope: its headers and its body.
    pub(super) async fn raw(&self, path: &str) -> Result<(http::HeaderMap, Bytes), CliError> {
        let request = Request::builder().uri(format!("{}{path}", self.address));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let request = request.body(Full::default()).map_err(|_| CliError::Address(self.address.clone()))?;
        let answered = async {
            let (head, body) =
                self.http.request(request).await.map_err(|error| self.unreachable(error.into()))?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| self.unreachable(error))?;
            Ok((head, body.to_bytes()))
        };
        let late = |_| self.unreachable(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        let (head, body) = tokio::time::timeout(PATIENCE, answered).await.map_err(late)??;
        if head.status.is_success() {
            return Ok((head.headers, body));
        }
        let not_the_api = CliError::NotTheApi { address: self.address.clone(), status: head.status };
        Err(self.read(head.status, &body).err().unwrap_or(not_the_api))
    }

    /// An answer that comes piece by piece and has no end.
    pub(super) async fn stream(&self, path: &str) -> Result<Incoming, CliError> {
        let request = Request::builder().uri(format!("{}{path}", self.address));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let request = request.body(Full::default()).map_err(|_| CliError::Address(self.address.clone()))?;
        let late = |_| self.unreachable(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        let answered = tokio::time::timeout(PATIENCE, self.http.request(request)).await.map_err(late)?;
        let (head, body) = answered.map_err(|error| self.unreachable(error.into()))?.into_parts();
        if head.status.is_success() {
            return Ok(body);
        }
        let body = Limited::new(body, MAX_ANSWER).collect();
        let body =
            tokio::time::timeout(PATIENCE, body).await.map_err(late)?.map_err(|error| self.unreachable(error))?;
        let not_the_api = CliError::NotTheApi { address: self.address.clone(), status: head.status };
        Err(self.read(head.status, &body.to_bytes()).err().unwrap_or(not_the_api))
    }

    fn unreachable(&self, source: Box<dyn std::error::Error + Send + Sync>) -> CliError {
        CliError::Unreachable { address: self.address.clone(), source }
    }

    /// What an envelope says.
    fn read(&self, status: StatusCode, body: &[u8]) -> Result<Answer, CliError> {
        let not_the_api = || CliError::NotTheApi { address: self.address.clone(), status };
        let mut envelope: Value = serde_json::from_slice(body).map_err(|_| not_the_api())?;
        if envelope["success"] == true {
            let cursor = envelope["result_info"]["cursor"].as_str().filter(|cursor| !cursor.is_empty());
            return Ok(Answer { cursor: cursor.map(str::to_owned), result: envelope["result"].take() });
        }
        let first = &envelope["errors"][0];
        let message = first["message"].as_str().ok_or_else(not_the_api)?.to_owned();
        Err(CliError::Refused { message, code: first["code"].as_u64().unwrap_or_default(), status })
    }
}

/// Whether `/readyz` below this address says yes.
pub(super) async fn reachable_health(root: &str, ca: Option<&Path>, shown: Option<&Path>) -> Result<(), CliError> {
    let address = || CliError::Address(root.to_owned());
    let request = Request::builder().uri(format!("{root}/readyz")).body(Full::<Bytes>::default());
    let request = request.map_err(|_| address())?;
    let unreachable = |source| CliError::Unreachable { address: root.to_owned(), source };
    let http = http(ca, shown)?;
    let answered = async {
        let (head, body) = http.request(request).await.map_err(|error| unreachable(error.into()))?.into_parts();
        let body = Limited::new(body, 64 << 10).collect().await.map_err(unreachable)?;
        Ok((head.status, body.to_bytes()))
    };
    let late = |_| unreachable(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
    let (status, body) = tokio::time::timeout(SOON, answered).await.map_err(late)??;
    match status.is_success() {
        true => Ok(()),
        false => {
            Err(CliError::NotReady { address: root.to_owned(), said: String::from_utf8_lossy(&body).trim().to_owned() })
        }
    }
}

/// Speaks HTTP, and HTTPS with whom [`super::trust`] believes.
fn http(ca: Option<&Path>, shown: Option<&Path>) -> Result<Http<HttpsConnector<HttpConnector>, Full<Bytes>>, CliError> {
    let tls = super::trust::trust(ca, shown)?;
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    Ok(Http::builder(TokioExecutor::new()).build(connector.build()))
}

/// One segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// `127.0.0.1:8081`, `http://…` and `http://…/client/v4` alike.
pub(super) fn normal(given: &str) -> Result<String, CliError> {
    let with_scheme = if given.contains("://") { given.to_owned() } else { format!("http://{given}") };
    let url = url::Url::parse(&with_scheme).map_err(|_| CliError::Address(given.to_owned()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(CliError::Address(given.to_owned()));
    }
    let base = with_scheme.trim_end_matches('/');
    Ok(if url.path().trim_end_matches('/').is_empty() { format!("{base}/client/v4") } else { base.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_in_every_form() {
        for given in ["127.0.0.1:8081", "http://127.0.0.1:8081/", "http://127.0.0.1:8081/client/v4/"] {
            assert_eq!(normal(given).unwrap(), "http://127.0.0.1:8081/client/v4");
        }
        assert_eq!(normal("https://api.example/x").unwrap(), "https://api.example/x");
        for wrong in ["", "ftp://x", "http://"] {
            assert!(normal(wrong).is_err(), "{wrong}");
        }
        assert_eq!(segment("a/b c"), "a%2Fb%20c");
    }
}
