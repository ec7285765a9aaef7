//! `density N`: many tenants in one process. Each is published, the node is restarted, each is called
//! for the first time, then all at random; CPU and memory of every phase.

use std::time::Duration;

use clap::Args;

use crate::hello::{BUNDLE, names};
use crate::load::Order;
use crate::report::{self, Row, Turn, Window};
use crate::server::{Server, Setup};
use crate::{Common, load, process, scripts};

const SETTLE: Duration = Duration::from_millis(300);
/// Uploads at once.
const UPLOADS: usize = 4;

#[derive(Args)]
pub struct Density {
    /// Tenants
    #[arg(default_value_t = 3_000)]
    tenants: usize,
    /// Bundles of 280 KB published beside them at the end, in percent of the tenants; 0: none
    #[arg(long, default_value_t = 2)]
    heavy: usize,
    #[command(flatten)]
    common: Common,
}

impl Density {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let tenants = self.tenants.max(2);
        let (bare, node) = (Server::bare()?, Server::start(Setup::default())?);
        let mut rows = vec![idle("start-empty", &node)];
        let (empty, empty_disk) = (process::own(node.pid()), node.disk());

        let uploads = node.uploads(names("t", tenants).map(|name| (name.clone(), scripts::small(&name))));
        let window = report::measure(&node, node.admin, &uploads, Order::Each, UPLOADS, 200, SETTLE)?;
        rows.push(one("publish", window));
        drop(uploads);

        let node = node.restart()?;
        let mut row = idle("start-with-all", &node);
        let unloaded = process::own(node.pid());
        row.more.insert("kib_each", (unloaded.anonymous - empty.anonymous) / tenants as f64);
        row.more.insert("disk_kib_each", node.disk().saturating_sub(empty_disk) as f64 / 1024.0 / tenants as f64);
        rows.push(row);

        let mut gets: Vec<_> = names("t", tenants).map(|name| load::get(&format!("{name}.localhost"), "/")).collect();
        shuffle(&mut gets);
        let (alone, at_once) = gets.split_at(tenants / 2);
        let first = |gets: &[Vec<u8>], connections| {
            report::measure(&node, node.gateway, gets, Order::Each, connections, 200, SETTLE)
        };
        rows.push(one("first-call", first(alone, 1)?));
        rows.push(one("first-call-at-once", first(at_once, self.common.connections)?));
        let loaded = process::own(node.pid());
        if let Some(row) = rows.last_mut() {
            row.more.insert("kib_each", (loaded.anonymous - unloaded.anonymous) / tenants as f64);
        }
        node.forget_log();

        let turns = [
            Turn::new("bare-hyper", &bare, vec![load::get("one.localhost", "/")]),
            Turn::new("random-calls", &node, gets.clone()),
        ];
        rows.extend(report::rounds("density", &self.common, &turns)?);

        let heavy = tenants * self.heavy.min(100) / 100;
        if heavy > 0 {
            let uploads =
                node.uploads(names("heavy", heavy).map(|name| (name.clone(), scripts::bundle(&name, BUNDLE))));
            let window = report::measure(&node, node.admin, &uploads, Order::Each, UPLOADS, 200, SETTLE)?;
            rows.push(one("publish-heavy", window));
            let calls: Vec<_> =
                names("heavy", heavy).map(|name| load::get(&format!("{name}.localhost"), "/")).collect();
            rows.push(one("call-each-heavy", first(&calls, self.common.connections)?));
            let mix = gets.into_iter().skip(heavy).chain(calls).collect();
            let turns = [
                Turn::new("bare-hyper", &bare, vec![load::get("one.localhost", "/")]),
                Turn::new("random-calls-with-heavy", &node, mix),
            ];
            rows.extend(report::rounds("density", &self.common, &turns)?.into_iter().skip(1));
        }
        for row in &mut rows {
            row.more.insert("tenants", tenants as f64);
        }
        Ok(rows)
    }
}

fn one(name: &str, window: Window) -> Row {
    report::summary("density", name, &[window], None)
}

/// A node that has just started.
fn idle(name: &str, node: &Server) -> Row {
    std::thread::sleep(SETTLE);
    let (memory, cpu) = (process::memory(node.pid()), process::cpu(node.pid()));
    let mut row = Row {
        bench: "density",
        row: name.to_owned(),
        rss_mib: report::round(memory.rss),
        pss_mib: report::round(memory.pss),
        ..Row::default()
    };
    row.more.insert("start_ms", report::round(node.started_in.as_secs_f64() * 1e3));
    row.more.insert("start_cpu_ms", report::round(cpu.as_secs_f64() * 1e3));
    row
}

/// So that the order of first calls is not the order of the files.
pub fn shuffle<T>(items: &mut [T]) {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for at in (1..items.len()).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        items.swap(at, (random % (at as u64 + 1)) as usize);
    }
}
