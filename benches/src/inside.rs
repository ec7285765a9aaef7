//! The runtime in this process, for benches that leave HTTP, routes and logs out: Workers that are asked by a
//! closed loop of calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Uri};
use switchyard_catalog::{
    AccountId, BindingName, Code, CodeSyntax, Isolation, Limits, Module, ModuleKind, ScriptId, ScriptName, Validator,
    VersionId, WorkerBinding, WorkerSpec,
};
use switchyard_runtime::{
    Body, Config, Console, FetchError, FetchRequest, FetchResponse, Invocation, Outbound, Runtime, Target, Worker,
    WorkerSource,
};
use tempfile::TempDir;

use crate::process::{self, Side};
use crate::report::{self, Row};

/// Calls before each window that are not counted: slots fill.
const WARM_UP: Duration = Duration::from_millis(200);

/// Where callers and guests run.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// Of the threads that call.
    pub callers: Side,
    pub guests: Side,
    /// So many of each.
    pub threads: usize,
    /// The kernel has PAGEMAP_SCAN, as since 6.7.
    pub page_scan: bool,
}

/// A runtime with a folder of its own.
pub struct Inside {
    pub runtime: Runtime,
    tokio: tokio::runtime::Runtime,
    _folder: TempDir,
}

impl Inside {
    /// # Errors
    /// When the engine does not start, or this kernel cannot be made an older one.
    pub fn start(places: Places) -> anyhow::Result<Self> {
        // On a thread of its own, of which all others inherit where they run and what the kernel has.
        let started = std::thread::spawn(move || {
            if !places.page_scan {
                process::without_page_scan()?;
            }
            let folder = tempfile::tempdir()?;
            process::pin(places.callers);
            let mut tokio = tokio::runtime::Builder::new_multi_thread();
            let tokio = tokio.worker_threads(places.threads).enable_all().build()?;
            let config =
                Config { artefacts: folder.path().to_owned(), guest_threads: places.threads, ..Config::default() };
            process::pin(places.guests);
            let runtime = Runtime::new(config, [1; 32], tokio.handle().clone())?;
            anyhow::Ok(Self { runtime, tokio, _folder: folder })
        });
        started.join().map_err(|_| anyhow::anyhow!("the runtime did not start"))?
    }

    /// A Worker, published and in memory.
    ///
    /// # Errors
    /// When it is refused.
    pub fn worker(
        &self,
        name: &str,
        code: String,
        isolation: Isolation,
        bindings: &[(&str, WorkerBinding)],
    ) -> anyhow::Result<Called> {
        let worker = self.tokio.block_on(start(&self.runtime, name, code, isolation, bindings))?;
        Ok(Called { url: format!("http://{name}.localhost/").parse()?, worker })
    }

    /// As many clean Workers of that code.
    ///
    /// # Errors
    /// When one is refused.
    pub fn clean(&self, many: usize, code: impl Fn(&str) -> String) -> anyhow::Result<Vec<Called>> {
        let names = (0..many.max(1)).map(|number| format!("t{number}"));
        names.map(|name| self.worker(&name, code(&name), Isolation::Request, &[])).collect()
    }

    /// So many calls, under way at once.
    ///
    /// # Errors
    /// When one is not answered with 200.
    pub fn call_each(&self, workers: &[Called], at_once: usize) -> anyhow::Result<()> {
        self.tokio.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for called in workers.iter().cycle().take(at_once) {
                let called = called.clone();
                tasks.spawn(async move { called.call(&(Arc::new(Nowhere) as Arc<dyn Outbound>)).await });
            }
            while let Some(done) = tasks.join_next().await {
                done??;
            }
            Ok(())
        })
    }

    /// A window of calls, after some that are not counted.
    ///
    /// # Errors
    /// As [`Inside::call_each`].
    pub fn measure(
        &self,
        bench: &'static str,
        name: &str,
        workers: &[Called],
        outbound: &Arc<dyn Outbound>,
        length: Duration,
        callers: usize,
    ) -> anyhow::Result<Row> {
        self.tokio.block_on(calls(workers, outbound, WARM_UP, callers))?;
        let pid = std::process::id();
        let (began, before) = (Instant::now(), process::cpu(pid));
        let requests = self.tokio.block_on(calls(workers, outbound, length, callers))?;
        let elapsed = began.elapsed();
        let cpu = process::cpu(pid).saturating_sub(before);
        let memory = process::memory(pid);
        Ok(Row {
            bench,
            row: name.to_owned(),
            requests,
            rps: (requests as f64 / elapsed.as_secs_f64()).round(),
            cpu_us: report::round(cpu.as_secs_f64() * 1e6 / requests.max(1) as f64),
            rss_mib: report::round(memory.rss),
            pss_mib: report::round(memory.pss),
            ..Row::default()
        })
    }
}

/// One row of those of its rounds: medians, and the best CPU.
pub fn summary(rounds: &[Row]) -> Row {
    let best = rounds.iter().min_by(|a, b| a.cpu_us.total_cmp(&b.cpu_us));
    let mut row = best.cloned().unwrap_or_default();
    row.cpu_us_best = row.cpu_us;
    row.requests = rounds.iter().map(|row| row.requests).sum();
    row.cpu_us = report::median(rounds.iter().map(|row| row.cpu_us).collect());
    row.rps = report::median(rounds.iter().map(|row| row.rps).collect());
    row
}

/// These Workers reach nothing.
pub struct Nowhere;

#[async_trait]
impl Outbound for Nowhere {
    async fn fetch(&self, _: u8, _: Target, _: FetchRequest) -> Result<FetchResponse, FetchError> {
        Err(FetchError::error("this bench has no network"))
    }
}

/// A dispatch Worker reaches the tenants by their names.
pub struct Tenants(pub HashMap<String, Arc<Worker>>);

#[async_trait]
impl Outbound for Tenants {
    async fn fetch(&self, depth: u8, target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let Target::Dispatch { name, .. } = target else { return Err(FetchError::error("not a tenant")) };
        let tenant = self.0.get(&name).ok_or_else(|| FetchError::error("Worker not found."))?;
        let mut called = Request::new(request.body);
        *called.uri_mut() = request.url.parse().map_err(|_| FetchError::error("not a URL"))?;
        *called.headers_mut() = request.headers;
        let invocation = invocation(depth + 1, Arc::new(Nowhere));
        let response = tenant.handle(called, invocation).await.map_err(|error| FetchError::error(error.message))?;
        let (head, body) = response.into_parts();
        Ok(FetchResponse {
            status: head.status.as_u16(),
            status_text: String::new(),
            headers: head.headers,
            url: request.url,
            redirected: false,
            body,
            socket: None,
        })
    }
}

/// All Workers are in the runtime's cache.
struct NoSource;

#[async_trait]
impl WorkerSource for NoSource {
    async fn worker_spec(&self, _: VersionId) -> Result<WorkerSpec, String> {
        Err("this bench keeps no source".into())
    }
}

/// A Worker, and the URL that it is asked for. Made once: to put a text together is not what a call is to cost.
#[derive(Clone)]
pub struct Called {
    pub url: Uri,
    pub worker: Arc<Worker>,
}

impl Called {
    async fn call(&self, outbound: &Arc<dyn Outbound>) -> anyhow::Result<()> {
        let request = Request::get(self.url.clone()).header("accept", "*/*").body(Body::Empty)?;
        let response = self.worker.handle(request, invocation(0, Arc::clone(outbound))).await?;
        ensure!(response.status() == 200, "a Worker answered {}", response.status());
        Ok(())
    }
}

fn invocation(depth: u8, outbound: Arc<dyn Outbound>) -> Invocation {
    Invocation {
        limits: Limits::DEFAULT,
        weight: 1,
        isolation: None,
        depth,
        outbound,
        default_cache: false,
        entrypoint: None,
        props: None,
        parameters: None,
        console: Console::default(),
        on_outcome: None,
    }
}

async fn start(
    runtime: &Runtime,
    name: &str,
    code: String,
    isolation: Isolation,
    bindings: &[(&str, WorkerBinding)],
) -> anyhow::Result<Arc<Worker>> {
    let module = Module { name: "index.js".into(), kind: ModuleKind::EsModule, content: Bytes::from(code) };
    let spec = WorkerSpec {
        account: AccountId::parse("bench").context("a valid account")?,
        namespace: None,
        script: ScriptId::random(),
        script_name: ScriptName::parse(name)?,
        version: VersionId::random(),
        code: Arc::new(Code {
            syntax: CodeSyntax::Modules,
            entry: module.name.clone(),
            modules: vec![module],
            upstream: None,
        }),
        bindings: bindings
            .iter()
            .map(|(name, bound)| Ok((BindingName::parse(name)?, bound.clone())))
            .collect::<anyhow::Result<_>>()?,
        compatibility_date: "2026-01-01".into(),
        compatibility_flags: Vec::new(),
        limits: Limits::default(),
        isolation,
    };
    runtime.validate(&spec).await?;
    Ok(runtime.worker(spec.version, &NoSource).await?)
}

/// A closed loop of calls; returns how many.
async fn calls(
    workers: &[Called],
    outbound: &Arc<dyn Outbound>,
    length: Duration,
    connections: usize,
) -> anyhow::Result<usize> {
    let until = Instant::now() + length;
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..connections.max(1) {
        let (workers, outbound) = (workers.to_vec(), Arc::clone(outbound));
        tasks.spawn(async move {
            let mut done = 0;
            let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ (caller as u64 + 1);
            while Instant::now() < until {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                workers[(random % workers.len() as u64) as usize].call(&outbound).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut requests = 0;
    while let Some(done) = tasks.join_next().await {
        requests += done??;
    }
    Ok(requests)
}
