//! Many requests in one warm instance: they interleave, and each has its own limits, CPU, I/O and end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use http_body_util::BodyExt;
use switchyard_catalog::Isolation;
use switchyard_runtime::{
    Body, Config, FetchError, FetchRequest, FetchResponse, Invocation, Outbound, Outcome, RunError, Runtime, Target,
    Worker,
};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

mod bounds;
mod ends;
mod io;
mod turns;

use crate::harness::{Bench, answer, spec};

/// Far longer than anything here takes.
const SOON: Duration = Duration::from_secs(20);

/// An origin that answers a path when it is told to, and `/echo…` at once, with what it was sent.
struct Gates {
    open: watch::Sender<Vec<String>>,
    asked: Mutex<Vec<String>>,
    came: Notify,
    /// Fetches under way.
    inside: AtomicUsize,
}

struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Outbound for Gates {
    async fn fetch(&self, _depth: u8, _target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let path = request.url.trim_start_matches("https://o.test").to_owned();
        self.inside.fetch_add(1, Ordering::SeqCst);
        let _inside = Inside(&self.inside);
        if path.starts_with("/echo") {
            let sent = request.body.collect().await.map_err(|error| FetchError::error(error.to_string()))?;
            return answer(format!("{path} {}", String::from_utf8_lossy(&sent.to_bytes())));
        }
        self.asked.lock().unwrap().push(path.clone());
        self.came.notify_waiters();
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| open.contains(&path)).await;
        answer(path)
    }
}

struct Warm {
    bench: Bench,
    gates: Arc<Gates>,
}

impl Warm {
    fn new() -> Self {
        Self::of(Bench::new())
    }

    /// A node of its own.
    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = std::env::temp_dir().join("switchyard-runtime-tests");
        let mut config = Config { artefacts: folder, ..Config::default() };
        change(&mut config);
        let runtime = Runtime::new(config, [7; 32], tokio::runtime::Handle::current()).unwrap();
        Self::of(Bench { runtime, ..Bench::new() })
    }

    fn of(bench: Bench) -> Self {
        let gates = Arc::new(Gates {
            open: watch::Sender::default(),
            asked: Mutex::default(),
            came: Notify::new(),
            inside: AtomicUsize::new(0),
        });
        let outbound: Arc<dyn Outbound> = gates.clone();
        Self { bench: Bench { outbound, ..bench }, gates }
    }

    async fn worker(&self, source: &str) -> Arc<Worker> {
        let mut spec = spec(source);
        spec.isolation = Isolation::Warm;
        self.bench.start(spec).await.unwrap().0
    }

    fn open(&self, path: &str) {
        self.gates.open.send_modify(|open| open.push(path.to_owned()));
    }

    /// Waits until the origin was asked for that path.
    async fn asked(&self, path: &str) {
        let asked = async {
            loop {
                let came = self.gates.came.notified();
                if self.gates.asked.lock().unwrap().iter().any(|asked| asked == path) {
                    return;
                }
                came.await;
            }
        };
        tokio::time::timeout(SOON, asked).await.unwrap();
    }

    fn call(&self, worker: &Arc<Worker>, request: Request<Body>) -> Running {
        self.call_with(worker, request, |_| {})
    }

    fn call_with(&self, worker: &Arc<Worker>, request: Request<Body>, change: impl FnOnce(&mut Invocation)) -> Running {
        let mut invocation = self.bench.invocation();
        let (told, outcome) = tokio::sync::oneshot::channel();
        invocation.on_outcome = Some(Box::new(move |outcome| drop(told.send(outcome))));
        change(&mut invocation);
        let worker = Arc::clone(worker);
        let answer = tokio::spawn(async move {
            let response = worker.handle(request, invocation).await?;
            let body = response.into_body().collect().await;
            Ok(body
                .map_or_else(|error| format!("cut: {error}"), |body| String::from_utf8_lossy(&body.to_bytes()).into()))
        });
        Running { answer, outcome }
    }
}

struct Running {
    answer: JoinHandle<Result<String, RunError>>,
    outcome: tokio::sync::oneshot::Receiver<Outcome>,
}

impl Running {
    async fn text(self) -> String {
        self.both().await.0.unwrap()
    }

    async fn both(self) -> (Result<String, RunError>, Outcome) {
        let answer = tokio::time::timeout(SOON, self.answer).await.unwrap().unwrap();
        (answer, tokio::time::timeout(SOON, self.outcome).await.unwrap().unwrap())
    }

    /// Its client goes.
    async fn gone(self) -> Outcome {
        self.answer.abort();
        tokio::time::timeout(SOON, self.outcome).await.unwrap().unwrap()
    }
}

const COUNTS: &str = "let n = 0, inside = 0, most = 0;
    export default { async fetch(request) {
        const own = ++n; inside++; most = Math.max(most, inside);
        const path = new URL(request.url).pathname;
        const got = path === '/' ? '' : await (await fetch('https://o.test' + path)).text();
        inside--;
        return new Response(`${own} ${got} ${most}`);
    } }";
