//! `soak`: what a long life does to a node: millions of dispatches over many tenants, and its memory, descriptors
//! and threads after every hundred thousand.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::hello::names;
use crate::load::{self, Order};
use crate::report::{self, Row, Window};
use crate::server::{Server, Setup};
use crate::{Common, process, scripts};

/// Requests between two samples; the first of which is what the last is compared with.
const EVERY: usize = 100_000;
/// … where it has to be over soon.
const EVERY_QUICK: usize = 5_000;
/// Work that the last request of a sample leaves behind is over by then.
const SETTLE: Duration = Duration::from_millis(200);

#[derive(Args)]
pub struct Soak {
    #[command(flatten)]
    common: Common,
    /// Requests in all
    #[arg(long, default_value_t = 5_000_000)]
    dispatches: usize,
    #[arg(long, default_value_t = 1_000)]
    tenants: usize,
    /// A hundredth of it: that it runs, not how it ages
    #[arg(long)]
    quick: bool,
}

/// What a node is after so many requests.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    pub requests: usize,
    pub errors: usize,
    pub rss_mib: f64,
    /// Memory that is no file's.
    pub anonymous_mib: f64,
    pub descriptors: f64,
    pub threads: usize,
    /// Of a request since the sample before.
    pub cpu_us: f64,
    pub p99_ms: f64,
}

impl Soak {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let (dispatches, every) =
            if self.quick { (self.dispatches.min(50_000), EVERY_QUICK) } else { (self.dispatches, EVERY) };
        let node = Server::start(Setup { dispatcher: true, ..Setup::default() })?;
        node.publish(names("t", self.tenants.max(1)).map(|name| (name.clone(), scripts::small(&name))))?;
        node.publish_dispatcher()?;
        // By name, and through the dispatch Worker, in turns.
        let gets: Vec<_> = names("t", self.tenants.max(1))
            .flat_map(|name| [".direct.localhost", ".localhost"].map(|below| load::get(&(name.clone() + below), "/")))
            .collect();

        let mut windows: Vec<Window> = Vec::new();
        let mut samples: Vec<Sample> = Vec::new();
        let mut done = 0;
        while done < dispatches {
            let order = Order::Some(every.min(dispatches - done));
            let mut window = report::measure(&node, node.gateway, &gets, order, self.common.connections, 200, SETTLE)?;
            node.forget_log();
            done += window.seen.requests;
            let own = process::own(node.pid());
            let sample = Sample {
                requests: done,
                errors: window.seen.errors,
                rss_mib: report::round(window.used.memory.rss),
                anonymous_mib: report::round(own.anonymous / 1024.0),
                descriptors: own.descriptors,
                threads: process::threads(node.pid()).len(),
                cpu_us: report::round(window.cpu_us()),
                p99_ms: window.seen.quantile_ms(0.99),
            };
            eprintln!(
                "soak: {done} of {dispatches}: {:.1} MiB, {} descriptors, {} threads, {:.1} µs",
                sample.rss_mib, sample.descriptors, sample.threads, sample.cpu_us
            );
            samples.push(sample);
            // Millions of them are not kept: a hundred tell the same.
            let quantile = |percent: u8| (window.seen.quantile_ms(f64::from(percent) / 100.0) * 1e3) as u32;
            window.seen.latencies = (0..100).map(quantile).collect();
            windows.push(window);
        }
        Ok(vec![row(&windows, samples)])
    }
}

fn row(windows: &[Window], samples: Vec<Sample>) -> Row {
    let mut row = report::summary("soak", "dispatches", windows, None);
    if let (Some(first), Some(last)) = (samples.first(), samples.last()) {
        row.more = BTreeMap::from([
            ("rss_times", report::round(last.rss_mib / first.rss_mib.max(1e-9))),
            ("anonymous_times", report::round(last.anonymous_mib / first.anonymous_mib.max(1e-9))),
            ("descriptors_more", last.descriptors - first.descriptors),
            ("threads_more", last.threads as f64 - first.threads as f64),
        ]);
    }
    row.samples = samples;
    row
}
