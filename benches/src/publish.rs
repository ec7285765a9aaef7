//! `publish`: what an upload costs the server, through the real API, and how soon it is live.

use std::time::Duration;

use clap::Args;

use crate::hello::names;
use crate::load::Order;
use crate::peers::{Peer, miniflare::Miniflare};
use crate::report::{self, Row, Window};
use crate::server::{Server, Setup};
use crate::{Common, load, scripts};

/// What a publish leaves to be done (the feed, the log of the database) is over by then.
const SETTLE: Duration = Duration::from_millis(200);
/// Of the larger script.
const LARGE: usize = 10 << 10;

/// Scripts that Miniflare is given in a round: each takes it a second or two.
const THEIRS: usize = 3;

#[derive(Args)]
pub struct Publish {
    #[command(flatten)]
    common: Common,
    /// Uploads in a window
    #[arg(long, default_value_t = 200)]
    count: usize,
}

impl Publish {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let (bare, node) = (Server::bare()?, Server::start(Setup::default())?);
        let count = self.count.max(1);
        // A node that has never published is not what is measured.
        node.publish(names("first", 20).map(|name| (name.clone(), scripts::small(&name))))?;

        type Code = fn(&str, usize) -> String;
        let small: Code = |name, _| scripts::small(name);
        let again: Code = |name, round| scripts::small(&format!("{name} of round {round}"));
        let large: Code = |name, _| scripts::padded(name, LARGE);
        let rows: [(&str, Code, bool, usize); 5] = [
            ("new-small", small, true, 1),
            ("new-small-4-at-once", small, true, 4),
            ("new-10KB", large, true, 1),
            ("new-10KB-4-at-once", large, true, 4),
            ("again-small", again, false, 1),
        ];
        let mut miniflare = Peer::of(self.common.peers, "miniflare", Miniflare::start);
        let mut theirs = Vec::new();
        let mut windows: Vec<Vec<Window>> = Vec::new();
        windows.resize_with(rows.len() + 1, Vec::new);
        for round in 0..self.common.rounds.max(1) {
            let get = [load::get("one.localhost", "/")];
            let order = Order::Random(self.common.window());
            windows[0].push(report::measure(
                &bare,
                bare.gateway,
                &get,
                order,
                self.common.connections,
                200,
                Duration::ZERO,
            )?);
            for (number, (name, code, new, connections)) in rows.iter().enumerate() {
                if !self.common.wants(name) {
                    continue;
                }
                let scripts = (0..count).map(|script| {
                    let script =
                        if *new { format!("p{number}-{round}-{script}") } else { format!("p{number}-{script}") };
                    let code = code(&script, round);
                    (script, code)
                });
                let uploads = node.uploads(scripts);
                windows[number + 1].push(report::measure(
                    &node,
                    node.admin,
                    &uploads,
                    Order::Each,
                    *connections,
                    200,
                    SETTLE,
                )?);
            }
            let scripts: Vec<_> = (0..THEIRS).map(|turn| again_large(round * THEIRS + turn)).collect();
            miniflare.turn_of(|miniflare| {
                theirs.push(miniflare.publish(&scripts)?);
                Ok(())
            });
        }
        let names = ["bare-hyper"].into_iter().chain(rows.iter().map(|row| row.0));
        let rows = names.zip(&windows).filter(|(_, windows)| !windows.is_empty());
        let mut rows: Vec<_> = rows.map(|(name, own)| report::summary("publish", name, own, None)).collect();
        if miniflare.here().is_some() {
            rows.push(report::summary("publish", "miniflare-again-10KB", &theirs, None));
            let ours = ["new-10KB", "again-small"];
            report::compare(&mut rows, "miniflare-again-10KB", "ratio_to_miniflare", &ours, |row| row.cpu_us);
        }
        rows.extend(miniflare.left_out("publish", "miniflare-again-10KB"));
        Ok(rows)
    }
}

/// One of Miniflare's Workers, its new script, and what that answers.
fn again_large(version: usize) -> (String, String, String) {
    let says = format!("t1 of version {version}");
    ("t1".to_owned(), scripts::padded(&says, LARGE), format!("hello from {says}\n"))
}
