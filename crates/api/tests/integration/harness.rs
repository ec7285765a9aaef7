//! An API with one account, two tokens and nothing else, and a client for it.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use switchyard_api::{Api, ApiConfig};
use switchyard_catalog::{
    Access, AccountId, Catalog, CatalogSettings, CodeSyntax, InvalidScript, ModuleKind, Origin, OriginPolicy, Started,
    TokenScope, Validator, WorkerSpec,
};
use switchyard_storage::{FileBlobs, SecretKey, SqliteStorage};
use tempfile::TempDir;

use crate::{openapi, tails::FakeTails};

pub const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub const OTHER_ACCOUNT: &str = "ffffffffffffffffffffffffffffffff";
pub const WRITER: &str = "writer-token-0000000000";
pub const READER: &str = "reader-token-0000000000";
pub const ADMIN: &str = "admin-token-00000000000";
pub const STRANGER: &str = "token-of-another-account";

/// `/accounts/{account}`
pub const A: &str = "/accounts/0123456789abcdef0123456789abcdef";
/// `/accounts/{account}/workers/dispatch/namespaces`
pub const NS: &str = "/accounts/0123456789abcdef0123456789abcdef/workers/dispatch/namespaces";

pub struct Harness {
    pub api: Arc<Api>,
    pub tails: Arc<FakeTails>,
    called: Mutex<BTreeSet<(String, String)>>,
    _dir: TempDir,
}

/// Accepts all code but that whose entry holds `refuse me`; with `no handlers` it has none, with `tail(` two.
struct Fake;

#[async_trait]
impl Validator for Fake {
    async fn validate(&self, spec: &WorkerSpec) -> Result<Started, InvalidScript> {
        let entry = spec.code.modules.iter().find(|module| module.name == spec.code.entry);
        let entry = entry.expect("the catalog checks that the entry is there");
        let text = String::from_utf8_lossy(&entry.content);
        if text.contains("refuse me") {
            let message = format!("Uncaught SyntaxError: Unexpected token '}}'\n  at {}:3:1", entry.name);
            return Err(InvalidScript::Refused(message));
        }
        if text.contains("busy") {
            return Err(InvalidScript::Unavailable("no slot in time".to_owned()));
        }
        let script = spec.code.syntax == CodeSyntax::ServiceWorker;
        assert!(script || entry.kind == ModuleKind::EsModule || entry.kind == ModuleKind::Wasm);
        let handlers: &[&str] = match () {
            () if text.contains("no handlers") => &[],
            () if text.contains("tail(") => &["fetch", "tail"],
            () => &["fetch"],
        };
        let handlers = handlers.iter().map(|name| (*name).to_owned()).collect();
        Ok(Started { handlers, named_handlers: Vec::new(), startup_time_ms: 3 })
    }
}

/// Lets origins be on the internet, and whoever may on one network inside.
struct FakeNetwork;

#[async_trait]
impl OriginPolicy for FakeNetwork {
    async fn may_reach(&self, origin: &Origin, inside: bool) -> Result<(), String> {
        match origin.host.strip_prefix("10.") {
            Some(_) if !inside => Err(format!("{origin} is not for this token")),
            _ if origin.host.starts_with("192.168.") => Err(format!("{origin} is not for anybody")),
            _ => Ok(()),
        }
    }
}

async fn catalog(dir: &TempDir) -> Catalog {
    let key = SecretKey::load_or_create(&dir.path().join("secret.key")).expect("a key");
    let storage = SqliteStorage::open(dir.path(), key).await.expect("a database");
    let blobs = FileBlobs::open(&dir.path().join("blobs")).expect("a folder");
    let catalog = Catalog::new(Arc::new(storage), Arc::new(blobs), Arc::new(Fake), CatalogSettings::default());
    catalog.with_origins(Arc::new(FakeNetwork))
}

impl Harness {
    pub async fn new() -> Self {
        Self::with(ApiConfig::default()).await
    }

    pub async fn with(config: ApiConfig) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let catalog = catalog(&dir).await;
        for (account, name) in [(ACCOUNT, "acme"), (OTHER_ACCOUNT, "other")] {
            let id = AccountId::parse(account).expect("an account id");
            catalog.account_ensure(&id, name).await.expect("the account is made");
        }
        let tokens = [
            (ACCOUNT, WRITER, "writer", Access::Write, TokenScope::Account),
            (ACCOUNT, READER, "reader", Access::Read, TokenScope::Account),
            (OTHER_ACCOUNT, STRANGER, "stranger", Access::Write, TokenScope::Account),
            (ACCOUNT, ADMIN, "admin", Access::Write, TokenScope::Admin),
        ];
        for (account, text, name, access, scope) in tokens {
            let id = AccountId::parse(account).expect("an account id");
            catalog.token_ensure(&id, text, name, access, scope).await.expect("the token is made");
        }
        let tails = Arc::new(FakeTails::default());
        let api = Api::new(Arc::new(catalog), tails.clone(), config);
        let api =
            Arc::new(api.with_resolvers(Arc::new(crate::resolve::Echo)).with_node(Arc::new(crate::node::FakeNode)));
        Self { api, tails, called: Mutex::default(), _dir: dir }
    }

    /// With a namespace `prod` that holds `names`.
    pub async fn with_scripts(names: &[&str]) -> Self {
        let harness = Self::new().await;
        harness.namespace("prod").await;
        for name in names {
            harness.upload(&format!("{NS}/prod/scripts/{name}")).await;
        }
        harness
    }

    pub async fn namespace(&self, name: &str) -> Reply {
        self.json(Method::POST, NS, json!({ "name": name })).await.ok()
    }

    /// As [`Harness::json`], with this token; a null body sends none.
    pub async fn by(&self, token: &str, method: &str, path: &str, body: Value) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("/client/v4{path}"));
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        self.send(request.body(Full::new(body)).expect("a request")).await
    }

    /// A token with this body of ours, made by the admin.
    pub async fn token(&self, body: Value) -> (String, String) {
        let made = self.by(ADMIN, "POST", &format!("/switchyard{A}/tokens"), body).await.ok();
        let text = |name: &str| made.result()[name].as_str().expect("text").to_owned();
        (text("id"), text("value"))
    }

    /// A small Worker, as wrangler uploads it.
    pub async fn upload(&self, path: &str) -> Reply {
        self.form(Method::PUT, path, Form::worker(json!({}))).await.ok()
    }

    /// One with a `tail` handler.
    pub async fn upload_tail(&self, path: &str) -> Reply {
        let form = Form::new().part("name=\"metadata\"", None, json!({ "main_module": "index.js" }).to_string());
        self.form(Method::PUT, path, form.module("index.js", "export default { fetch() {}, tail() {} }")).await.ok()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(request(Method::GET, path).body(Full::default()).expect("a request")).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(request(Method::DELETE, path).body(Full::default()).expect("a request")).await
    }

    pub async fn json(&self, method: Method, path: &str, body: Value) -> Reply {
        self.raw(method, path, "application/json", body.to_string().into()).await
    }

    pub async fn form(&self, method: Method, path: &str, form: Form) -> Reply {
        let (content_type, body) = form.finish();
        self.raw(method, path, &content_type, body).await
    }

    pub async fn raw(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Reply {
        let request = request(method, path).header(header::CONTENT_TYPE, content_type);
        self.send(request.body(Full::new(body)).expect("a request")).await
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        self.send_from(IpAddr::V4(Ipv4Addr::LOCALHOST), request).await
    }

    pub async fn send_from(&self, peer: IpAddr, request: Request<Full<Bytes>>) -> Reply {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        self.called.lock().expect("no test panics here").insert((method.clone(), path.clone()));
        let (head, body) = self.api.handle(peer, request).await.into_parts();
        let body = body.collect().await.expect("a full body").to_bytes();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        openapi::holds(&method, &path, head.status, &json);
        Reply { status: head.status, headers: head.headers, body, json }
    }

    /// Whether a request went to this row of the table.
    pub fn called(&self, method: &str, template: &str) -> bool {
        let called = self.called.lock().expect("no test panics here");
        called.iter().any(|(was, path)| {
            let path: Vec<_> = path.trim_start_matches("/client/v4").split('/').collect();
            let template: Vec<_> = template.split('/').collect();
            let fits = |(part, segment): (&&str, &&str)| part.starts_with('{') || part == segment;
            was == method && path.len() == template.len() && template.iter().zip(&path).all(fits)
        })
    }
}

/// A request with the writer's token.
pub fn request(method: Method, path: &str) -> http::request::Builder {
    let uri = format!("/client/v4{path}");
    Request::builder().method(method).uri(uri).header(header::AUTHORIZATION, format!("Bearer {WRITER}"))
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Null when the body is not JSON.
    pub json: Value,
}

impl Reply {
    /// It succeeded, by status and by envelope.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!((self.status, &self.json["success"]), (StatusCode::OK, &json!(true)), "{}", self.json);
        self
    }

    /// It was refused with this status, and this code first.
    #[track_caller]
    pub fn refused(self, status: u16, code: u32) -> Self {
        let first = &self.json["errors"][0]["code"];
        assert_eq!((self.status.as_u16(), first), (status, &json!(code)), "{}", self.json);
        assert_eq!(self.json["success"], json!(false));
        assert_eq!(self.json["result"], Value::Null);
        self
    }

    pub fn result(&self) -> &Value {
        &self.json["result"]
    }

    /// The first error's message.
    pub fn message(&self) -> &str {
        self.json["errors"][0]["message"].as_str().unwrap_or_default()
    }

    /// Compares status and body with a file, times and ids replaced. `SWITCHYARD_GOLDEN=write` writes it.
    #[track_caller]
    pub fn golden(&self, name: &str) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/integration/golden/{name}.json"));
        let seen = json!({ "status": self.status.as_u16(), "body": normal(&self.json) });
        let seen = format!("{}\n", serde_json::to_string_pretty(&seen).expect("JSON"));
        if std::env::var("SWITCHYARD_GOLDEN").is_ok_and(|mode| mode == "write") {
            std::fs::write(&path, seen).expect("the golden file is written");
            return;
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(seen == expected, "{name}: expected {expected}\nseen {seen}");
    }
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), normal(value))).collect(),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::String(text) => Value::String(normal_text(text)),
        other => other.clone(),
    }
}

fn normal_text(text: &str) -> String {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.starts_with("eyJ") && text.matches('.').count() == 2 {
        return "<jwt>".to_owned();
    }
    let shape = match text.len() {
        27 if text.ends_with('Z') && text.as_bytes()[10] == b'T' => "<time>",
        36 if text.matches('-').count() == 4 && hex(&text.replace('-', "")) => "<uuid>",
        32 if text != ACCOUNT && hex(text) => "<hex32>",
        64 if hex(text) => "<sha256>",
        _ => text,
    };
    shape.to_owned()
}

/// A multipart body under construction.
#[derive(Default)]
pub struct Form(Vec<u8>);

pub const BOUNDARY: &str = "----formdata-undici-012345678901";

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    /// metadata first, then one ES module, as wrangler sends them. `more` is merged into metadata.
    pub fn worker(more: Value) -> Self {
        let mut metadata = json!({
            "main_module": "index.js", "bindings": [], "compatibility_date": "2025-01-01",
            "compatibility_flags": [],
        });
        if let (Value::Object(metadata), Value::Object(more)) = (&mut metadata, more) {
            metadata.extend(more);
        }
        Self::new().part("name=\"metadata\"", None, metadata.to_string()).module("index.js", "export default {}")
    }

    pub fn module(self, name: &str, content: &str) -> Self {
        let disposition = format!("name=\"{name}\"; filename=\"{name}\"");
        self.part(&disposition, Some("application/javascript+module"), content)
    }

    pub fn part(mut self, disposition: &str, content_type: Option<&str>, content: impl AsRef<[u8]>) -> Self {
        let content_type = content_type.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n{content_type}\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(content.as_ref());
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub fn finish(mut self) -> (String, Bytes) {
        self.0.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={BOUNDARY}"), self.0.into())
    }
}
