//! What components see of Workers, and Workers of them: guests of a few lines each, one a behaviour.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use switchyard_catalog::{AccountId, Isolation, Limits, NamespaceName, ScriptId, ScriptName, VersionId, WorkerBinding};
use tokio::sync::oneshot;
use wasmtime::component::Component;

use super::{ComponentCode, Model};
use crate::compile::check::check;
use crate::worker::{About, Worker};
use crate::{
    Body, Config, Console, FetchError, FetchRequest, FetchResponse, Invocation, Outbound, Outcome, RunError, Runtime,
    Target,
};

#[path = "../../tests/guests/mod.rs"]
mod guests;

mod bodies;
mod endings;
mod fields;
mod hostile;
mod left;
mod outgoing;
mod requests;
mod service;
mod styles;
mod warm;
mod world;

use guests::{guest, handler, relay};

/// One for all of them.
struct Bench {
    tokio: tokio::runtime::Runtime,
    runtime: Runtime,
    _folder: tempfile::TempDir,
    compiled: Mutex<HashMap<Vec<u8>, ComponentCode>>,
}

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::with(|_| {}));

impl Bench {
    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let artefacts = folder.path().into();
        let mut config = Config { artefacts, max_instances: 64, instances_per_tenant: 48, ..Config::default() };
        change(&mut config);
        let runtime = Runtime::new(config, [3; 32], tokio.handle().clone()).unwrap();
        Self { tokio, runtime, _folder: folder, compiled: Mutex::default() }
    }

    /// Runs a test to its end, which it has to come to.
    fn run<T>(&self, test: impl Future<Output = T>) -> T {
        self.tokio.block_on(async {
            tokio::time::timeout(Duration::from_secs(120), test).await.expect("the test comes to its end")
        })
    }

    /// Compiled once.
    fn code(&self, bytes: &[u8]) -> Result<ComponentCode, String> {
        let model = check(bytes).map_or(Model::Tasks, |checked| checked.model);
        let engine = self.runtime.inner.components(model).unwrap();
        if let Some(code) = self.compiled.lock().get(bytes) {
            return Ok(code.clone());
        }
        let component = Component::new(&engine.engine, bytes).map_err(|error| format!("{error:#}"))?;
        let code = ComponentCode::of(&engine, component)?;
        self.compiled.lock().insert(bytes.to_vec(), code.clone());
        Ok(code)
    }

    fn worker(&self, bytes: &[u8], isolation: Isolation, bindings: &[(&str, WorkerBinding)]) -> Arc<Worker> {
        let about = about(isolation);
        let bindings: Vec<_> = bindings.iter().map(|(name, binding)| ((*name).to_owned(), binding.clone())).collect();
        self.runtime.inner.component_worker(about, &bindings, self.code(bytes).unwrap())
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    BENCH.run(test)
}

fn code(bytes: &[u8]) -> Result<ComponentCode, String> {
    BENCH.code(bytes)
}

fn about(isolation: Isolation) -> About {
    About {
        account: AccountId::random(),
        namespace: Some(NamespaceName::parse("tests").unwrap()),
        script: ScriptId::random(),
        script_name: ScriptName::parse("guest").unwrap(),
        version: VersionId::random(),
        limits: Limits::default(),
        isolation,
    }
}

fn worker_with(bytes: &[u8], bindings: &[(&str, WorkerBinding)]) -> Arc<Worker> {
    BENCH.worker(bytes, Isolation::Auto, bindings)
}

fn worker(bytes: &[u8]) -> Arc<Worker> {
    worker_with(bytes, &[])
}

type Answering = Pin<Box<dyn Future<Output = Result<FetchResponse, FetchError>> + Send>>;

/// What a guest reaches.
struct World(Box<dyn Fn(Target, FetchRequest) -> Answering + Send + Sync>);

#[async_trait]
impl Outbound for World {
    async fn fetch(&self, _: u8, target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        (self.0)(target, request).await
    }
}

fn world(answer: impl Fn(Target, FetchRequest) -> Answering + Send + Sync + 'static) -> Arc<dyn Outbound> {
    Arc::new(World(Box::new(answer)))
}

fn nowhere() -> Arc<dyn Outbound> {
    world(|_, _| Box::pin(async { Err(FetchError::error("Network connection lost.")) }))
}

fn came(status: u16, body: impl Into<Body>) -> FetchResponse {
    FetchResponse {
        status,
        status_text: String::new(),
        headers: HeaderMap::new(),
        url: String::new(),
        redirected: false,
        body: body.into(),
        socket: None,
    }
}

/// A request, and what came of it.
struct Call {
    request: Request<Body>,
    limits: Limits,
    outbound: Arc<dyn Outbound>,
}

impl Call {
    fn get(url: &str) -> Self {
        Self::new(Request::get(url).body(Body::Empty).unwrap())
    }

    fn post(body: impl Into<Body>) -> Self {
        Self::new(Request::post("http://guest.localhost/").body(body.into()).unwrap())
    }

    fn new(request: Request<Body>) -> Self {
        Self { request, limits: Limits::DEFAULT, outbound: nowhere() }
    }

    fn limits(self, limits: Limits) -> Self {
        Self { limits: Limits::DEFAULT.tighten(limits), ..self }
    }

    fn outbound(self, outbound: Arc<dyn Outbound>) -> Self {
        Self { outbound, ..self }
    }

    /// For a call by hand.
    fn parts(self) -> (Request<Body>, Invocation, oneshot::Receiver<Outcome>) {
        let (tell, told) = oneshot::channel();
        let invocation = Invocation {
            limits: self.limits,
            weight: 1,
            isolation: None,
            depth: 0,
            outbound: self.outbound,
            default_cache: false,
            entrypoint: None,
            props: None,
            parameters: None,
            console: Console { text: true, values: true },
            on_outcome: Some(Box::new(move |outcome| {
                let _ = tell.send(outcome);
            })),
        };
        (self.request, invocation, told)
    }

    /// The head as soon as it comes, and how it ended when it has.
    async fn begin(self, worker: &Arc<Worker>) -> (Result<http::Response<Body>, RunError>, oneshot::Receiver<Outcome>) {
        let (request, invocation, told) = self.parts();
        (worker.handle(request, invocation).await, told)
    }

    async fn to(self, worker: &Arc<Worker>) -> Got {
        let (answer, told) = self.begin(worker).await;
        let answer = match answer {
            Err(error) => Err(error),
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let body = match body.collect().await {
                    Ok(all) => {
                        let trailers = all.trailers().cloned();
                        Ok((all.to_bytes(), trailers))
                    }
                    Err(error) => Err(error.0),
                };
                Ok(Answer { status: parts.status, headers: parts.headers, body })
            }
        };
        Got { answer, outcome: told.await.expect("every request has an outcome") }
    }
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Result<(Bytes, Option<HeaderMap>), String>,
}

#[derive(Debug)]
struct Got {
    answer: Result<Answer, RunError>,
    outcome: Outcome,
}

impl Got {
    fn answer(&self) -> &Answer {
        self.answer.as_ref().unwrap_or_else(|error| panic!("{error:?} {:?}", self.outcome))
    }

    /// The text of a whole body.
    fn text(&self) -> &str {
        match &self.answer().body {
            Ok((bytes, _)) => std::str::from_utf8(bytes).unwrap(),
            Err(error) => panic!("{error} {:?}", self.outcome),
        }
    }

    fn error(&self) -> &RunError {
        self.answer.as_ref().expect_err("an error")
    }
}

/// What a guest of these instructions answers to a GET.
fn text(instructions: &str) -> String {
    run(Call::get("http://guest.localhost/").to(&worker(&handler(instructions)))).text().to_owned()
}

fn hello() -> Arc<Worker> {
    worker(&handler(r#"(call $answer (local.get $out) (i32.const 200) @"hello")"#))
}

/// Neighbours are as they were.
fn all_is_well() {
    assert_eq!(run(Call::get("http://guest.localhost/").to(&hello())).text(), "hello");
}
