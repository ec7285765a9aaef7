//! `slot`: the runtime alone, in this process: a Worker's `handle` without HTTP, routes or logs. One
//! guest thread on the server's core, the caller on the other; the process's CPU is the price of
//! taking a slot, holding, calling and putting it back. A call may run on either: a runtime begins one where it is
//! asked for, if it can.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use switchyard_catalog::{Isolation, NamespaceName, WorkerBinding};
use switchyard_runtime::Outbound;

use crate::hello::BUNDLE;
use crate::inside::{Called, Inside, Nowhere, Places, Tenants, summary};
use crate::process::Side;
use crate::report::{self, Row};
use crate::{Common, scripts};

/// Heavy bundles that are called at once, in clean instances, before the row that comes after them.
const HEAVY_AT_ONCE: usize = 64;
const AFTER_HEAVY: &str = "clean-many-after-heavy";
const NO_SCAN: &str = "clean-many-no-page-scan";

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

/// Who is called in a row, and what they reach.
struct Turn<'a> {
    name: &'static str,
    inside: &'a Inside,
    workers: &'a [Called],
    outbound: &'a Arc<dyn Outbound>,
}

impl Slot {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let given =
            self.script.as_ref().map(std::fs::read_to_string).transpose().context("could not read the script")?;
        let code =
            |name: &str| given.as_ref().map_or_else(|| scripts::small(name), |given| format!("// {name}\n{given}"));
        let places = Places { callers: Side::Load, guests: Side::Server, threads: 1, page_scan: true };
        let inside = Inside::start(places)?;
        let clean = inside.clean(self.tenants, code)?;
        let warm = [inside.worker("warm", code("warm"), Isolation::Warm, &[])?];
        let namespace = NamespaceName::parse("bench")?;
        let bound = WorkerBinding::DispatchNamespace { namespace, outbound: None };
        let dispatcher = scripts::DISPATCHER.to_owned();
        let dispatcher = inside.worker("dispatcher", dispatcher, Isolation::Auto, &[("dispatcher", bound)])?;
        let dispatched = clean.iter().map(|tenant| Called { url: tenant.url.clone(), ..dispatcher.clone() });
        let dispatched: Vec<Called> = dispatched.collect();
        let heavy = match self.common.wants(AFTER_HEAVY) {
            true => vec![inside.worker("heavy", scripts::slow_bundle("heavy", BUNDLE), Isolation::Request, &[])?],
            false => Vec::new(),
        };
        let old_kernel =
            self.common.wants(NO_SCAN).then(|| Inside::start(Places { page_scan: false, ..places })).transpose()?;
        let old_clean = old_kernel.as_ref().map(|inside| inside.clean(self.tenants, code)).transpose()?;
        if self.common.pause > 0 {
            eprintln!("pid {}", std::process::id());
            std::thread::sleep(Duration::from_secs(self.common.pause));
        }

        let nowhere: Arc<dyn Outbound> = Arc::new(Nowhere);
        let tenants = clean.iter().enumerate().map(|(number, tenant)| (format!("t{number}"), tenant.worker.clone()));
        let tenants: Arc<dyn Outbound> = Arc::new(Tenants(tenants.collect()));
        let turn = |name, workers, outbound| Turn { name, inside: &inside, workers, outbound };
        let mut turns = vec![
            turn("warm-1", &warm[..], &nowhere),
            turn("clean-1", &clean[..1], &nowhere),
            turn("clean-many", &clean[..], &nowhere),
            turn(AFTER_HEAVY, &clean[..], &nowhere),
            turn("dispatcher-to-clean-many", &dispatched[..], &tenants),
        ];
        if let (Some(inside), Some(workers)) = (&old_kernel, &old_clean) {
            turns.push(Turn { name: NO_SCAN, inside, workers, outbound: &nowhere });
        }
        turns.retain(|turn| self.common.wants(turn.name));
        let mut rounds: Vec<Vec<Row>> = turns.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.common.rounds.max(1) {
            for (turn, rounds) in turns.iter().zip(&mut rounds) {
                if turn.name == AFTER_HEAVY {
                    inside.call_each(&heavy, HEAVY_AT_ONCE)?;
                }
                let Turn { name, inside, workers, outbound } = turn;
                let (length, callers) = (self.common.window(), self.common.connections);
                rounds.push(inside.measure("slot", name, workers, outbound, length, callers)?);
            }
        }
        let mut rows: Vec<Row> = rounds.iter().map(|rounds| summary(rounds)).collect();
        let cpu = |rows: &[Row], of: &str| rows.iter().find(|row| row.row == of).map(|row| row.cpu_us);
        if let Some(warm) = cpu(&rows, "warm-1") {
            rows.iter_mut().for_each(|row| row.ratio_to_baseline = Some(report::round(row.cpu_us / warm)));
        }
        if let Some(clean) = cpu(&rows, "clean-many") {
            for row in rows.iter_mut().filter(|row| [AFTER_HEAVY, NO_SCAN].contains(&row.row.as_str())) {
                row.more.insert("ratio_to_clean_many", report::round(row.cpu_us / clean));
            }
        }
        Ok(rows)
    }
}
