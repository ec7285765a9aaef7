//! `hello`: what a clean instance a request costs above bare HTTP, and above our own warm instance.

use clap::Args;

use crate::peers::{Peer, workerd};
use crate::report::{self, Row, Turn};
use crate::server::{Server, Setup};
use crate::{Common, load, scripts};

/// What a heavy bundle is: as large as a common framework application.
pub const BUNDLE: usize = 280 << 10;

#[derive(Args)]
pub struct Hello {
    #[command(flatten)]
    common: Common,
    /// Tenants of the rows with many
    #[arg(long, default_value_t = 1_000)]
    tenants: usize,
}

impl Hello {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let tenants = self.tenants.max(50);
        let heavy = tenants / 50;
        let (bare, node) = (Server::bare()?, Server::start(Setup::default())?);
        let warm = Server::start(Setup { isolation: "warm", ..Setup::default() })?;
        warm.publish([("one".to_owned(), scripts::small("one"))])?;
        node.publish(names("t", tenants).map(|name| (name.clone(), scripts::small(&name))))?;
        node.publish(names("heavy", heavy).map(|name| (name.clone(), scripts::bundle(&name, BUNDLE))))?;
        let workerd = Peer::of(self.common.peers, "workerd", workerd::hello);

        let get = |name: &str| load::get(&format!("{name}.localhost"), "/");
        let many: Vec<_> = names("t", tenants).map(|name| get(&name)).collect();
        // Two in a hundred, the rest small.
        let mix = many.iter().skip(heavy).cloned().chain(names("heavy", heavy).map(|name| get(&name)));
        let mut turns = vec![Turn::new("bare-hyper", &bare, vec![get("one")])];
        let mut nobody = Turn::new("no-tenant-404", &node, vec![get("nobody")]);
        nobody.status = 404;
        turns.push(nobody);
        turns.push(Turn::new("warm-1", &warm, vec![get("one")]));
        turns.push(Turn::new("clean-1", &node, vec![get("t1")]));
        turns.push(Turn::new("clean-many", &node, many.clone()));
        turns.push(Turn::new("clean-many-2%-heavy", &node, mix.collect()));
        turns.retain(|turn| turn.name == "bare-hyper" || self.common.wants(turn.name));
        turns.extend(workerd.turn("workerd-hello", vec![get("one")]));

        let mut rows = report::rounds("hello", &self.common, &turns)?;
        let clean = ["clean-1", "clean-many", "clean-many-2%-heavy"];
        report::compare(&mut rows, "warm-1", "ratio_to_warm", &clean, |row| row.cpu_us);
        let ours = [&["warm-1"][..], &clean].concat();
        report::compare(&mut rows, "workerd-hello", "ratio_to_workerd", &ours, |row| row.cpu_us);
        rows.extend(workerd.left_out("hello", "workerd-hello"));
        Ok(rows)
    }
}

/// `t0`, `t1` …
pub fn names(prefix: &'static str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |number| format!("{prefix}{number}"))
}
