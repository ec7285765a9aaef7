//! `threads`: clean calls in this process on one core and on all of them, with as many threads that call and that run
//! guests as there are cores: what instances cost each other in one address space. Beside them two runtimes of one
//! thread each, on a core of their own, which have no lock in common: what the machine gives to any two threads.

use std::sync::Arc;

use anyhow::ensure;
use clap::Args;
use switchyard_runtime::Outbound;

use crate::inside::{Called, Inside, Nowhere, Places, summary};
use crate::process::{self, Side};
use crate::report::{self, Row};
use crate::{Common, scripts};

#[derive(Args)]
pub struct Threads {
    #[command(flatten)]
    common: Common,
    /// Clean Workers, called at random
    #[arg(long, default_value_t = 1_000)]
    tenants: usize,
}

impl Threads {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        ensure!(process::cores() > 1, "two threads cannot be compared with one on one core");
        let on = |side, threads| -> anyhow::Result<(Inside, Vec<Called>)> {
            let inside = Inside::start(Places { callers: side, guests: side, threads, page_scan: true })?;
            let clean = inside.clean(self.tenants, scripts::small)?;
            Ok((inside, clean))
        };
        let turns = [("one-thread", on(Side::Server, 1)?), ("two-threads", on(Side::Both, 2)?)];
        let other = on(Side::Load, 1)?;
        let nowhere: Arc<dyn Outbound> = Arc::new(Nowhere);
        let mut rounds: [Vec<Row>; 2] = Default::default();
        let mut apart = Vec::new();
        let (length, callers) = (self.common.window(), self.common.connections);
        let measure = |name: &str, (inside, workers): &(Inside, Vec<Called>)| {
            inside.measure("threads", name, workers, &nowhere, length, callers)
        };
        for _ in 0..self.common.rounds.max(1) {
            for ((name, place), rounds) in turns.iter().zip(&mut rounds) {
                rounds.push(measure(name, place)?);
            }
            apart.push(std::thread::scope(|scope| {
                let second = scope.spawn(|| measure("two-apart", &other));
                let first = measure("two-apart", &turns[0].1)?;
                let second = second.join().map_err(|_| anyhow::anyhow!("the second runtime's callers panicked"))??;
                // The process's CPU time is that of both, and was shared out to the calls of each.
                let (requests, rps) = (first.requests + second.requests, first.rps + second.rps);
                let cpu_us = report::round(first.cpu_us * first.requests as f64 / requests.max(1) as f64);
                anyhow::Ok(Row { requests, rps, cpu_us, ..first })
            })?);
        }
        let [one, two] = &rounds;
        let times = |two: &[Row], figure: &dyn Fn(&Row, &Row) -> f64| {
            report::round(report::median(one.iter().zip(two).map(|(one, two)| figure(one, two)).collect()))
        };
        let calls = |one: &Row, two: &Row| two.rps / one.rps.max(1.0);
        let mut rows = vec![summary(one), summary(two), summary(&apart)];
        rows[1].more.insert("cores", process::cores() as f64);
        rows[1].more.insert("rps_times", times(two, &calls));
        // As if nothing else ran on these cores: a thread that is kept waiting for its core uses none of it.
        rows[1].more.insert("rps_times_by_cpu", times(two, &|one, two| 2.0 * one.cpu_us / two.cpu_us.max(1e-9)));
        rows[2].more.insert("rps_times", times(&apart, &calls));
        Ok(rows)
    }
}
