//! `density N`: many tenants in one process. Each is published, the node is restarted, each is called
//! for the first time, then all at random; CPU and memory of every phase.

use std::time::Duration;

use clap::Args;

use crate::hello::names;
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
    #[command(flatten)]
    common: Common,
}

impl Density {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let tenants = self.tenants.max(1);
        let (bare, node) = (Server::bare()?, Server::start(Setup::default())?);
        let mut rows = vec![idle("start-empty", &node)];

        let uploads = node.uploads(names("t", tenants).map(|name| (name.clone(), scripts::small(&name))));
        let window = report::measure(&node, node.admin, &uploads, Order::Each, UPLOADS, 200, SETTLE)?;
        rows.push(one("publish", window));
        drop(uploads);

        let node = node.restart()?;
        rows.push(idle("start-with-all", &node));

        let mut gets: Vec<_> = names("t", tenants).map(|name| load::get(&format!("{name}.localhost"), "/")).collect();
        shuffle(&mut gets);
        let window = report::measure(&node, node.gateway, &gets, Order::Each, self.common.connections, 200, SETTLE)?;
        rows.push(one("first-call", window));
        node.forget_log();

        let turns = [
            Turn::new("bare-hyper", &bare, vec![load::get("one.localhost", "/")]),
            Turn::new("random-calls", &node, gets),
        ];
        rows.extend(report::rounds("density", &self.common, &turns)?);
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
