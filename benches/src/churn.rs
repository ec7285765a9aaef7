//! `churn`: uploads while a node serves. What an upload then costs, whether a request fails meanwhile,
//! and whether the next one ever gets the version before.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;

use crate::hello::names;
use crate::load::{self, Connection, Expect, Order, Seen};
use crate::report::{self, Row, Window};
use crate::server::{Server, Setup};
use crate::{Common, scripts};

/// Of an uploaded script.
const BYTES: usize = 10 << 10;
/// What an upload leaves to be done is over by then.
const SETTLE: Duration = Duration::from_millis(200);
/// Uploads under way at once.
const WRITERS: usize = 16;

#[derive(Args)]
pub struct Churn {
    #[command(flatten)]
    common: Common,
    /// Requests a second, meanwhile
    #[arg(long, default_value_t = 1000)]
    rate: u32,
    /// Uploads a second
    #[arg(long, default_value_t = 100)]
    publishes: u32,
    /// Tenants that are called, and as many that are uploaded again and again
    #[arg(long, default_value_t = 200)]
    tenants: usize,
}

impl Churn {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let node = Server::start(Setup::default())?;
        let called: Vec<String> = names("called", self.tenants.max(1)).collect();
        let written: Vec<String> = names("written", self.tenants.max(1)).collect();
        let scripts = called.iter().chain(&written).map(|name| (name.clone(), scripts::small(name)));
        node.publish(scripts)?;

        let gets: Vec<_> = called.iter().map(|name| load::get(&format!("{name}.localhost"), "/")).collect();
        let length = self.common.window();
        let order = Order::Paced(length, self.rate);
        let serve = || load::run(node.gateway, &gets, order, self.common.connections, Expect { status: 200 });
        let (mut alone, mut beside, mut uploads) = (Vec::new(), Vec::new(), Vec::new());
        let mut stale = 0;
        for round in 0..self.common.rounds.max(1) {
            let (seen, quiet) = report::watch(&node, SETTLE, serve)?;
            let rate = f64::from(self.publishes.max(1));
            let ((served, done), mut used) = report::watch(&node, SETTLE, || {
                std::thread::scope(|scope| {
                    let served = scope.spawn(serve);
                    let done = publish(&node, &written, round, length, rate);
                    let served = served.join().ok().context("the load ended early")??;
                    anyhow::Ok((served, done?))
                })
            })?;
            stale += done.stale;
            beside.push(Window::new(served, used.clone()));
            // What the requests cost without uploads is taken off; the rest is the uploads'.
            used.cpu = used.cpu.saturating_sub(quiet.cpu);
            used.by_thread = BTreeMap::new();
            alone.push(Window::new(seen, quiet));
            uploads.push(Window::new(done.seen, used));
            node.forget_log();
        }
        let mut rows = vec![
            report::summary("churn", "requests-alone", &alone, None),
            report::summary("churn", "requests-beside-uploads", &beside, None),
            report::summary("churn", "uploads-10KB", &uploads, None),
        ];
        if let Some(row) = rows.last_mut() {
            row.more.insert("stale", stale as f64);
        }
        Ok(rows)
    }
}

#[derive(Default)]
struct Written {
    seen: Seen,
    /// Answers that were not of the version just uploaded.
    stale: usize,
}

/// Uploads at a steady rate and, after each answer, asks the Worker who it is.
fn publish(node: &Server, names: &[String], round: usize, length: Duration, rate: f64) -> anyhow::Result<Written> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let total = Rc::new(RefCell::new(Written::default()));
        let began = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let own: Vec<String> = names.iter().skip(writer).step_by(WRITERS).cloned().collect();
            let mut turns = Vec::new();
            for turn in 0.. {
                let at = Duration::from_secs_f64((turn * WRITERS + writer) as f64 / rate);
                let Some(name) = own.get(turn % own.len().max(1)).filter(|_| at < length) else { break };
                let version = format!("{name} {round} {turn}");
                let request = node.upload(name, &scripts::padded(&version, BYTES));
                let get = load::get(&format!("{name}.localhost"), "/");
                turns.push((at, request, get, format!("hello from {version}\n")));
            }
            let (mut admin, mut gateway) = (Connection::open(node.admin).await?, Connection::open(node.gateway).await?);
            let total = total.clone();
            tasks.spawn_local(async move {
                for (at, upload, get, expected) in turns {
                    tokio::time::sleep_until((began + at).into()).await;
                    let sent = Instant::now();
                    let status = admin.call(&upload).await?;
                    let micros = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
                    let fresh = gateway.call(&get).await? == 200 && gateway.body() == expected.as_bytes();
                    let mut total = total.borrow_mut();
                    total.stale += usize::from(!fresh);
                    total.seen.requests += 1;
                    total.seen.latencies.push(micros);
                    if status != 200 {
                        total.seen.errors += 1;
                        let text = String::from_utf8_lossy(admin.body()).into_owned();
                        total.seen.first_error.get_or_insert(text);
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        let mut written = total.take();
        written.seen.elapsed = began.elapsed();
        written.seen.latencies.sort_unstable();
        Ok(written)
    })
}
