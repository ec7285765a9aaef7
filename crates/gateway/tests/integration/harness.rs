//! A node in this process: temporary data, free ports, uploads through the API as a client sends them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use switchyard_gateway::config::{AccessTarget, Listener, Resolver};
use switchyard_gateway::{App, AppError, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

/// Nothing in a test takes this long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A number of things that grows with `SWITCHYARD_TEST_SCALE` (1 by default).
pub fn scaled(count: usize) -> usize {
    let scale = std::env::var("SWITCHYARD_TEST_SCALE").ok().and_then(|scale| scale.parse::<f64>().ok());
    (count as f64 * scale.unwrap_or(1.0)) as usize
}

pub struct TestGateway {
    app: Option<App>,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Held until the node has gone.
    pub data: tempfile::TempDir,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// A header's one value; empty without it.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn is(&self, status: u16, text: &str) {
        assert_eq!((self.status.as_u16(), self.text()), (status, text));
    }
}

/// What each test's data begins with: the engine is compiled once for all.
async fn prepared() -> &'static Path {
    static PREPARED: OnceCell<PathBuf> = OnceCell::const_new();
    PREPARED
        .get_or_init(|| async {
            let data = tempfile::tempdir().unwrap().keep();
            App::start(config(&data)).await.unwrap().drain().await;
            data
        })
        .await
}

/// A small node on free ports that writes no access log.
pub fn config(data: &Path) -> Config {
    let mut config = Config { data: data.to_owned(), ..Config::default() };
    let free = "127.0.0.1:0".parse().unwrap();
    config.listener = vec![Listener::at(free)];
    config.admin.bind = free;
    config.resolver = vec![Resolver::subdomain("test", "ns")];
    config.bootstrap.namespaces = vec!["ns".into()];
    config.log.access = AccessTarget::Off;
    // A chain of Workers as deep as it may be needs one each.
    config.runtime.instances = 40;
    config.runtime.warm_instances = 4;
    config.timeouts.drain_idle = Duration::from_millis(100);
    // This process is no `switchyard`.
    config.compile.program = Some(env!("CARGO_BIN_EXE_switchyard").into());
    config
}

/// Data for a test, without a node on it.
pub async fn data() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let from = prepared().await;
    std::fs::copy(from.join("node.key"), data.path().join("node.key")).unwrap();
    std::fs::create_dir(data.path().join("artefacts")).unwrap();
    for file in std::fs::read_dir(from.join("artefacts")).unwrap() {
        let file = file.unwrap();
        if !file.file_type().unwrap().is_file() {
            continue;
        }
        std::fs::copy(file.path(), data.path().join("artefacts").join(file.file_name())).unwrap();
    }
    data
}

impl TestGateway {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// One whose requests all go to the account's Worker `dispatcher` first.
    pub async fn dispatching() -> Self {
        Self::with(|config| config.resolver = vec![Resolver::worker("dispatcher")]).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(data().await, change).await.unwrap()
    }

    pub async fn on(data: tempfile::TempDir, change: impl FnOnce(&mut Config)) -> Result<Self, AppError> {
        let mut config = config(data.path());
        change(&mut config);
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { app: Some(App::start(config).await?), client, data })
    }

    /// Ends the node as a restart does; the data stays.
    pub async fn stop(mut self) -> tempfile::TempDir {
        assert!(self.app.take().unwrap().drain().await);
        self.data
    }

    pub fn take_app(&mut self) -> App {
        self.app.take().unwrap()
    }

    pub fn put_app(&mut self, app: App) {
        self.app = Some(app);
    }

    fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.app().gateway()[0]
    }

    /// Of all its listeners.
    pub fn addresses(&self) -> &[std::net::SocketAddr] {
        self.app().gateway()
    }

    pub fn admin_address(&self) -> std::net::SocketAddr {
        self.app().admin()
    }

    pub fn account(&self) -> String {
        self.app().bootstrapped().unwrap().actor.account.to_string()
    }

    pub fn token(&self) -> String {
        self.app().bootstrapped().unwrap().token.clone()
    }

    pub async fn get(&self, script: &str, path: &str) -> Answer {
        self.send(Method::GET, script, path, &[], Bytes::new()).await
    }

    pub async fn post(&self, script: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Method::POST, script, path, &[], body.into()).await
    }

    pub async fn send(
        &self,
        method: Method,
        script: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        collect(self.open(method, script, path, headers, body).await).await
    }

    /// A response whose body is still to come.
    pub async fn open(
        &self,
        method: Method,
        script: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> http::Response<Incoming> {
        let uri = format!("http://{}{path}", self.address());
        let mut request = Request::builder().method(method).uri(uri).header(header::HOST, format!("{script}.test"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).unwrap();
        tokio::time::timeout(PATIENCE, self.client.request(request)).await.expect("an answer in time").unwrap()
    }

    /// As [`TestGateway::open`], whatever becomes of it.
    pub async fn try_open(
        &self,
        method: Method,
        script: &str,
        path: &str,
        body: Bytes,
    ) -> Result<http::Response<Incoming>, hyper_util::client::legacy::Error> {
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.address()));
        self.client.request(request.header(header::HOST, format!("{script}.test")).body(Full::new(body)).unwrap()).await
    }

    /// Sends these bytes on a connection of their own; what came until the server closed it.
    pub async fn raw(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }

    pub async fn admin(&self, path: &str) -> Answer {
        self.api(Method::GET, path, "", Bytes::new()).await
    }

    /// A request made by hand, to whichever listener its URL names.
    pub async fn request(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = self.client.request(request);
        collect(tokio::time::timeout(PATIENCE, response).await.expect("an answer in time").unwrap()).await
    }

    /// A request of the inside listener, with the token.
    pub async fn api(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.admin_address()))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.app().bootstrapped().unwrap().token));
        if !content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let response = self.client.request(request.body(Full::new(body)).unwrap());
        collect(tokio::time::timeout(PATIENCE, response).await.expect("an answer in time").unwrap()).await
    }

    /// Puts a script into a dispatch namespace.
    pub async fn upload(&self, namespace: &str, script: &str, source: &str) {
        self.upload_with(namespace, script, source, json!({})).await;
    }

    /// As [`TestGateway::upload`], with more metadata.
    pub async fn upload_with(&self, namespace: &str, script: &str, source: &str, metadata: Value) {
        let path =
            format!("/client/v4/accounts/{}/workers/dispatch/namespaces/{namespace}/scripts/{script}", self.account());
        self.put(&path, source, metadata).await;
    }

    /// As [`TestGateway::upload_with`], whatever becomes of it.
    pub async fn try_upload(&self, namespace: &str, script: &str, source: &str, metadata: Value) -> Answer {
        let path =
            format!("/client/v4/accounts/{}/workers/dispatch/namespaces/{namespace}/scripts/{script}", self.account());
        self.try_put(&path, source, metadata).await
    }

    /// Puts one of the account's own Workers.
    pub async fn upload_worker(&self, script: &str, source: &str, bindings: Value) {
        self.upload_worker_of("2026-01-01", script, source, bindings).await;
    }

    /// … of that compatibility date.
    pub async fn upload_worker_of(&self, date: &str, script: &str, source: &str, bindings: Value) {
        let path = format!("/client/v4/accounts/{}/workers/scripts/{script}", self.account());
        self.put(&path, source, json!({ "bindings": bindings, "compatibility_date": date })).await;
    }

    /// Puts a wasm file into a namespace, whatever becomes of it. `metadata`: besides its main module.
    pub async fn try_upload_wasm(&self, namespace: &str, script: &str, wasm: &[u8], metadata: Value) -> Answer {
        let account = self.account();
        let path = format!("/client/v4/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}");
        self.api(Method::PUT, &path, "multipart/form-data; boundary=b", wasm_form(wasm, metadata)).await
    }

    /// As [`TestGateway::try_upload_wasm`], and it is taken.
    pub async fn upload_wasm(&self, namespace: &str, script: &str, wasm: &[u8]) {
        let answer = self.try_upload_wasm(namespace, script, wasm, json!({})).await;
        assert!(answer.status.is_success(), "{script}: {} {}", answer.status, answer.text());
    }

    async fn put(&self, path: &str, source: &str, metadata: Value) {
        let answer = self.try_put(path, source, metadata).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text());
    }

    async fn try_put(&self, path: &str, source: &str, mut metadata: Value) -> Answer {
        metadata["main_module"] = "index.js".into();
        if metadata["compatibility_date"].is_null() {
            metadata["compatibility_date"] = "2026-01-01".into();
        }
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"index.js\"; filename=\"index.js\"\r\n\
             Content-Type: application/javascript+module\r\n\r\n{source}\r\n--b--\r\n"
        );
        self.api(Method::PUT, path, "multipart/form-data; boundary=b", body.into()).await
    }
}

/// The form of an upload whose main module this is.
pub fn wasm_form(wasm: &[u8], mut metadata: Value) -> Bytes {
    metadata["main_module"] = "main.wasm".into();
    let head = format!(
        "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"main.wasm\"; filename=\"main.wasm\"\r\n\
         Content-Type: application/wasm\r\n\r\n"
    );
    [head.as_bytes(), wasm, b"\r\n--b--\r\n"].concat().into()
}

pub async fn collect(response: http::Response<Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    let body = tokio::time::timeout(PATIENCE, body.collect()).await.expect("a body in time").unwrap();
    Answer { status: head.status, headers: head.headers, bytes: body.to_bytes() }
}

pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await;
    read.expect("the server closes in time").unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads until the text holds `until`.
pub async fn read_until(stream: &mut TcpStream, until: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(until) {
        let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut text)).await.expect("bytes in time").unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&text));
    }
    String::from_utf8_lossy(&text).into_owned()
}
