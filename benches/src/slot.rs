//! `slot`: the runtime alone, in this process: a Worker's `handle` without HTTP, routes or logs. One
//! guest thread on the server's core, the caller on the other; the process's CPU is the price of
//! taking a slot, holding, calling and putting it back. A call may run on either: a runtime begins one where it is
//! asked for, if it can.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use clap::Args;
use http::Request;
use switchyard_catalog::{
    AccountId, BindingName, Code, CodeSyntax, Isolation, Limits, Module, ModuleKind, NamespaceName, ScriptId,
    ScriptName, Validator, VersionId, WorkerBinding, WorkerSpec,
};
use switchyard_runtime::{
    Body, Config, Console, FetchError, FetchRequest, FetchResponse, Invocation, Outbound, Runtime, Target, Worker,
    WorkerSource,
};

use crate::process::{self, Side};
use crate::report::{self, Row};
use crate::{Common, scripts};

#[derive(Args)]
pub struct Slot {
    #[command(flatten)]
    common: Common,
    #[arg(long, default_value_t = 1_000)]
    tenants: usize,
    /// Measure this module instead of a hello; it must answer a GET with 200 and reach nothing
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

/// These Workers reach nothing.
struct Nowhere;

#[async_trait]
impl Outbound for Nowhere {
    async fn fetch(&self, _: u8, _: Target, _: FetchRequest) -> Result<FetchResponse, FetchError> {
        Err(FetchError::error("this bench has no network"))
    }
}

/// A dispatch Worker reaches the tenants by their names.
struct Tenants(HashMap<String, Arc<Worker>>);

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

impl Slot {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let folder = tempfile::tempdir()?;
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let config = Config { artefacts: folder.path().to_owned(), guest_threads: 1, ..Config::default() };
        process::pin(Side::Server); // its guest thread inherits it
        let runtime = Runtime::new(config, [1; 32], tokio.handle().clone());
        process::pin(Side::Load);
        let runtime = runtime?;
        let given =
            self.script.as_ref().map(std::fs::read_to_string).transpose().context("could not read the script")?;
        let code =
            |name: &str| given.as_ref().map_or_else(|| scripts::small(name), |given| format!("// {name}\n{given}"));
        let (dispatched, clean, warm) = tokio.block_on(async {
            let mut clean = Vec::new();
            for number in 0..self.tenants.max(1) {
                let name = format!("t{number}");
                let worker = start(&runtime, &name, code(&name), Isolation::Request, &[]).await?;
                clean.push(Called { host: format!("{name}.localhost"), worker });
            }
            let warm = start(&runtime, "warm", code("warm"), Isolation::Warm, &[]).await?;
            let namespace = NamespaceName::parse("bench")?;
            let bound = WorkerBinding::DispatchNamespace { namespace, outbound: None };
            let dispatcher = scripts::DISPATCHER.to_owned();
            let dispatcher =
                start(&runtime, "dispatcher", dispatcher, Isolation::Auto, &[("dispatcher", bound)]).await?;
            let dispatched =
                clean.iter().map(|tenant| Called { host: tenant.host.clone(), worker: dispatcher.clone() });
            anyhow::Ok((
                dispatched.collect::<Vec<_>>(),
                clean,
                vec![Called { host: "warm.localhost".into(), worker: warm }],
            ))
        })?;
        if self.common.pause > 0 {
            eprintln!("pid {}", std::process::id());
            std::thread::sleep(Duration::from_secs(self.common.pause));
        }
        let nowhere: Arc<dyn Outbound> = Arc::new(Nowhere);
        let tenants = clean.iter().enumerate().map(|(number, tenant)| (format!("t{number}"), tenant.worker.clone()));
        let tenants: Arc<dyn Outbound> = Arc::new(Tenants(tenants.collect()));
        let all = [
            ("warm-1", &warm[..], &nowhere),
            ("clean-1", &clean[..1], &nowhere),
            ("clean-many", &clean[..], &nowhere),
            ("dispatcher-to-clean-many", &dispatched[..], &tenants),
        ];
        let chosen: Vec<_> = all.iter().filter(|(name, ..)| self.common.wants(name)).collect();
        let mut rows: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
        for _ in 0..self.common.rounds.max(1) {
            for (name, workers, outbound) in &chosen {
                let connections = self.common.connections;
                tokio.block_on(calls(workers, outbound, Duration::from_millis(200), connections))?;
                let row = tokio.block_on(measured(name, workers, outbound, self.common.window(), connections))?;
                rows.entry(name).or_default().push(row);
            }
        }
        let mut best = Vec::new();
        for (name, ..) in chosen {
            let of = &rows[name];
            let mut row = of.iter().min_by(|a, b| a.cpu_us.total_cmp(&b.cpu_us)).cloned().unwrap_or_default();
            row.cpu_us_best = row.cpu_us;
            row.cpu_us = report::median(of.iter().map(|row| row.cpu_us).collect());
            row.rps = report::median(of.iter().map(|row| row.rps).collect());
            best.push(row);
        }
        if let Some(warm) = best.iter().find(|row| row.row == "warm-1").map(|row| row.cpu_us) {
            best.iter_mut().for_each(|row| row.ratio_to_baseline = Some(report::round(row.cpu_us / warm)));
        }
        Ok(best)
    }
}

/// A Worker, and the host that it is asked for.
#[derive(Clone)]
struct Called {
    host: String,
    worker: Arc<Worker>,
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

async fn measured(
    name: &str,
    workers: &[Called],
    outbound: &Arc<dyn Outbound>,
    length: Duration,
    connections: usize,
) -> anyhow::Result<Row> {
    let pid = std::process::id();
    let (began, before) = (Instant::now(), process::cpu(pid));
    let requests = calls(workers, outbound, length, connections).await?;
    let elapsed = began.elapsed();
    let cpu = process::cpu(pid).saturating_sub(before);
    let memory = process::memory(std::process::id());
    Ok(Row {
        bench: "slot",
        row: name.to_owned(),
        requests,
        rps: (requests as f64 / elapsed.as_secs_f64()).round(),
        cpu_us: report::round(cpu.as_secs_f64() * 1e6 / requests.max(1) as f64),
        rss_mib: report::round(memory.rss),
        pss_mib: report::round(memory.pss),
        ..Row::default()
    })
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
                let Called { host, worker } = &workers[(random % workers.len() as u64) as usize];
                let request = Request::get(format!("http://{host}/")).header("accept", "*/*").body(Body::Empty)?;
                let response = worker.handle(request, invocation(0, Arc::clone(&outbound))).await?;
                ensure!(response.status() == 200, "a Worker answered {}", response.status());
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
