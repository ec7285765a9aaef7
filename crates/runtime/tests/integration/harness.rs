//! A runtime with an `Outbound` that answers from a table, and five-line ways to start and call Workers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use switchyard_catalog::{
    AccountId, BindingName, Code, CodeSyntax, InvalidScript, Isolation, Limits, Module, ModuleKind, ScriptId,
    ScriptName, Started, Validator, VersionId, WorkerBinding, WorkerSpec,
};
use switchyard_runtime::{
    Body, Config, Console, FetchError, FetchRequest, FetchResponse, Invocation, Outbound, Outcome, RunError, Runtime,
    Target, Worker, WorkerSource,
};

type Handler = Box<dyn Fn(Target, FetchRequest) -> Result<FetchResponse, FetchError> + Send + Sync>;

/// What Workers of a test reach.
pub struct Reach(pub Option<Handler>);

#[async_trait]
impl Outbound for Reach {
    async fn fetch(&self, _depth: u8, target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        match &self.0 {
            Some(handler) => handler(target, request),
            None => Err(FetchError::error("Network connection lost.")),
        }
    }
}

pub fn answer(body: impl Into<Body>) -> Result<FetchResponse, FetchError> {
    Ok(FetchResponse {
        status: 200,
        status_text: String::new(),
        headers: http::HeaderMap::new(),
        url: "https://origin.test/".into(),
        redirected: false,
        body: body.into(),
        socket: None,
    })
}

pub struct NoSource;

#[async_trait]
impl WorkerSource for NoSource {
    async fn worker_spec(&self, _version: VersionId) -> Result<WorkerSpec, String> {
        Err("this test keeps no source".into())
    }
}

/// The engine is compiled once for all tests of the binary.
fn shared() -> &'static Runtime {
    static RUNTIME: OnceLock<(Runtime, tokio::runtime::Runtime)> = OnceLock::new();
    &RUNTIME
        .get_or_init(|| {
            let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let folder = std::env::temp_dir().join("switchyard-runtime-tests");
            let config = Config { artefacts: folder, ..Config::default() };
            (Runtime::new(config, [7; 32], tokio.handle().clone()).unwrap(), tokio)
        })
        .0
}

pub struct Bench {
    pub runtime: Runtime,
    pub outbound: Arc<dyn Outbound>,
    pub outcomes: Arc<Mutex<Vec<Outcome>>>,
}

impl Bench {
    pub fn new() -> Self {
        Self { runtime: shared().clone(), outbound: Arc::new(Reach(None)), outcomes: Arc::default() }
    }

    pub fn reaching(
        handler: impl Fn(Target, FetchRequest) -> Result<FetchResponse, FetchError> + Send + Sync + 'static,
    ) -> Self {
        Self { outbound: Arc::new(Reach(Some(Box::new(handler)))), ..Self::new() }
    }

    pub async fn start(&self, spec: WorkerSpec) -> Result<(Arc<Worker>, Started), InvalidScript> {
        let started = self.runtime.validate(&spec).await?;
        Ok((self.runtime.worker(spec.version, &NoSource).await.unwrap(), started))
    }

    pub async fn worker(&self, source: &str) -> Arc<Worker> {
        self.start(spec(source)).await.unwrap().0
    }

    pub async fn refusal(&self, source: &str) -> String {
        match self.start(spec(source)).await {
            Ok(_) => panic!("the script started: {source}"),
            Err(error) => error.to_string(),
        }
    }

    pub fn invocation(&self) -> Invocation {
        let outcomes = Arc::clone(&self.outcomes);
        Invocation {
            limits: Limits::DEFAULT,
            weight: 1,
            isolation: None,
            depth: 0,
            outbound: Arc::clone(&self.outbound),
            default_cache: false,
            entrypoint: None,
            props: None,
            parameters: None,
            console: Console { text: true, values: true },
            on_outcome: Some(Box::new(move |outcome| outcomes.lock().unwrap().push(outcome))),
        }
    }

    pub async fn call(&self, worker: &Arc<Worker>, request: Request<Body>) -> Result<Response<Body>, RunError> {
        worker.handle(request, self.invocation()).await
    }

    /// Status and text of a GET.
    pub async fn get(&self, worker: &Arc<Worker>, path: &str) -> (u16, String) {
        match self.call(worker, get(path)).await {
            Ok(response) => {
                let status = response.status().as_u16();
                match response.into_body().collect().await {
                    Ok(body) => (status, String::from_utf8_lossy(&body.to_bytes()).into_owned()),
                    Err(error) => (status, format!("body error: {error}")),
                }
            }
            Err(error) => (0, error.to_string()),
        }
    }

    /// Text of a GET of a Worker made for this alone.
    pub async fn run(&self, source: &str) -> String {
        let worker = self.worker(source).await;
        self.get(&worker, "/").await.1
    }

    pub async fn outcome(&self) -> Outcome {
        for _ in 0..2_000 {
            if let Some(outcome) = self.outcomes.lock().unwrap().pop() {
                return outcome;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("no outcome was recorded");
    }
}

pub fn get(path: &str) -> Request<Body> {
    Request::get(format!("http://tenant.test{path}")).header("x-test", "1").body(Body::Empty).unwrap()
}

pub fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(format!("http://tenant.test{path}")).body(body.into()).unwrap()
}

pub async fn text(response: Response<Body>) -> String {
    String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned()
}

pub fn spec(source: &str) -> WorkerSpec {
    spec_of(&[("index.js", ModuleKind::EsModule, source)], HashMap::new())
}

pub fn spec_of(modules: &[(&str, ModuleKind, &str)], env: HashMap<&str, WorkerBinding>) -> WorkerSpec {
    let modules: Vec<Module> = modules
        .iter()
        .map(|(name, kind, source)| Module {
            name: (*name).into(),
            kind: *kind,
            content: Bytes::copy_from_slice(source.as_bytes()),
        })
        .collect();
    let mut bindings: Vec<_> =
        env.into_iter().map(|(name, binding)| (BindingName::parse(name).unwrap(), binding)).collect();
    bindings.sort_by_key(|(name, _)| name.clone());
    WorkerSpec {
        account: AccountId::parse("test").unwrap(),
        namespace: None,
        script: ScriptId::random(),
        script_name: ScriptName::parse("tenant").unwrap(),
        version: VersionId::random(),
        code: Arc::new(Code { syntax: CodeSyntax::Modules, entry: modules[0].name.clone(), modules, upstream: None }),
        bindings,
        compatibility_date: "2026-01-01".into(),
        compatibility_flags: Vec::new(),
        limits: Limits::default(),
        isolation: Isolation::Request,
    }
}

/// A body that never gives anything.
pub struct Endless;

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

/// `count` chunks of `size` bytes.
pub struct Chunks {
    pub count: usize,
    pub size: usize,
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(if self.count == 0 {
            None
        } else {
            self.count -= 1;
            Some(Ok(http_body::Frame::data(Bytes::from(vec![b'z'; self.size]))))
        })
    }
}
