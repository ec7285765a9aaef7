//! `limit`: endless loops under a CPU limit of 10 ms: what each used when it was ended, and what a
//! quiet tenant beside them notices.

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::load::{self, Expect, Order};
use crate::report::{self, Row};
use crate::server::{Server, Setup, all_well};
use crate::{Common, scripts};

const QUIET: usize = 4;
/// Loops at once.
const LOOPS: usize = 8;

#[derive(Args)]
pub struct Limit {
    #[command(flatten)]
    common: Common,
    /// Loops in all
    #[arg(long, default_value_t = 10_000)]
    loops: usize,
}

impl Limit {
    pub fn run(mut self) -> anyhow::Result<Vec<Row>> {
        self.common.connections = QUIET;
        let node = Server::start(Setup::default())?;
        node.publish([("quiet".to_owned(), scripts::small("quiet"))])?;
        node.publish_with("loop", &json!({ "limits": { "cpu_ms": 10 } }), scripts::Main::Script(scripts::LOOP))?;
        let quiet = [load::get("quiet.localhost", "/")];
        let alone = report::window(&node, &quiet, &self.common)?;
        node.forget_log();

        let (gateway, loops) = (node.gateway, vec![load::get("loop.localhost", "/"); self.loops.max(1)]);
        let loops = std::thread::spawn(move || load::run(gateway, &loops, Order::Each, LOOPS, Expect { status: 503 }));
        let mut beside = Vec::new();
        while beside.is_empty() || !loops.is_finished() {
            beside.push(report::window(&node, &quiet, &self.common)?);
        }
        let looped = loops.join().map_err(|_| anyhow::anyhow!("the loops' load ended early"))??;
        all_well(&looped)?;
        // The log is written some time after the answer.
        std::thread::sleep(std::time::Duration::from_millis(200));
        let mut used = cpu_of(&node.log()?, "loop")?;
        ensure!(used.len() == looped.requests, "the log has {} of {} loops", used.len(), looped.requests);
        used.sort_by(f64::total_cmp);

        let mut rows = vec![
            report::summary("limit", "quiet-alone", &[alone], None),
            report::summary("limit", "quiet-beside-loops", &beside, None),
        ];
        let at = |share: f64| used[((used.len() as f64 * share) as usize).min(used.len() - 1)];
        let more = &mut rows[1].more;
        more.insert("loops", used.len() as f64);
        more.insert("loop_cpu_ms_least", at(0.0));
        more.insert("loop_cpu_ms_p50", at(0.5));
        more.insert("loop_cpu_ms_p99", at(0.99));
        more.insert("loop_cpu_ms_most", at(1.0));
        Ok(rows)
    }
}

/// The CPU of each request of a script, as the access log has it.
fn cpu_of(log: &str, script: &str) -> anyhow::Result<Vec<f64>> {
    let mut of = Vec::new();
    for line in log.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).context("a line of the log is not JSON")?;
        if line["script"] == script {
            of.push(line["cpu_ms"].as_f64().context("a line of the log has no CPU")?);
        }
    }
    Ok(of)
}
