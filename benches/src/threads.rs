//! `threads`: clean calls in this process on one core and on all of them, with as many threads that call and that run
//! guests as there are cores: what instances cost each other in one address space.

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
        let nowhere: Arc<dyn Outbound> = Arc::new(Nowhere);
        let mut rounds: [Vec<Row>; 2] = Default::default();
        for _ in 0..self.common.rounds.max(1) {
            for ((name, (inside, workers)), rounds) in turns.iter().zip(&mut rounds) {
                let (length, callers) = (self.common.window(), self.common.connections);
                rounds.push(inside.measure("threads", name, workers, &nowhere, length, callers)?);
            }
        }
        let [one, two] = &rounds;
        let each = |figure: &dyn Fn(&Row, &Row) -> f64| {
            report::round(report::median(one.iter().zip(two).map(|(one, two)| figure(one, two)).collect()))
        };
        let mut rows = vec![summary(one), summary(two)];
        rows[1].more.insert("cores", process::cores() as f64);
        rows[1].more.insert("rps_times", each(&|one, two| two.rps / one.rps.max(1.0)));
        // As if nothing else ran on these cores: a thread that is kept waiting for its core uses none of it.
        rows[1].more.insert("rps_times_by_cpu", each(&|one, two| 2.0 * one.cpu_us / two.cpu_us.max(1e-9)));
        Ok(rows)
    }
}
