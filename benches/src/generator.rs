//! `generator`: our load against one that others trust: bare hyper filled by each, in turns. A generator that were
//! slower than it must be would measure itself.

use std::time::Duration;

use clap::Args;

use crate::peers::{Peer, wrk};
use crate::report::{self, Row, Turn, Window};
use crate::server::Server;
use crate::{Common, load};

#[derive(Args)]
pub struct Generator {
    #[command(flatten)]
    common: Common,
}

impl Generator {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let bare = Server::bare()?;
        let wrk = Peer::of(self.common.peers, "wrk", wrk::find);
        let get = || vec![load::get("one.localhost", "/")];
        // As every row is loaded; and as wrk does it, which sleeps between answers.
        let mut turns = [Turn::new("bare-hyper", &bare, get()), Turn::new("bare-hyper-sleeping", &bare, get())];
        turns[1].alone = false;
        let mut ours: [Vec<Window>; 2] = Default::default();
        let (mut theirs, mut counted, mut failed) = (Vec::new(), Vec::new(), None);
        for round in 0..self.common.rounds.max(1) {
            eprint!("generator: round {} of {}\r", round + 1, self.common.rounds.max(1));
            for (turn, windows) in turns.iter().zip(&mut ours) {
                windows.push(turn.window(&self.common)?);
            }
            if let Some(wrk) = wrk.here().filter(|_| failed.is_none()) {
                let length = self.common.window();
                let run = || wrk.run(bare.gateway, self.common.connections, length);
                match report::watch(&bare, Duration::ZERO, run) {
                    Ok((of, used)) => {
                        theirs.push(Window::new(of.seen.clone(), used));
                        counted.push(of);
                    }
                    Err(error) => failed = Some(format!("{error:#}")),
                }
            }
        }
        let mut rows: Vec<_> = turns
            .iter()
            .zip(&ours)
            .map(|(turn, own)| {
                let mut row = report::summary("generator", turn.name, own, None);
                if failed.is_none() && !theirs.is_empty() {
                    let ratios = own.iter().zip(&theirs).map(|(own, wrk)| own.rps() / wrk.rps().max(1.0));
                    row.more.insert("generator_to_wrk", report::round(report::median(ratios.collect())));
                }
                row
            })
            .collect();
        match failed {
            Some(why) => rows.push(Row::left_out("generator", "wrk", &why)),
            None if theirs.is_empty() => rows.extend(wrk.left_out("generator", "wrk")),
            None => {
                let mut row = report::summary("generator", "wrk", &theirs, None);
                let middle =
                    |of: fn(&wrk::Counted) -> f64| report::round(report::median(counted.iter().map(of).collect()));
                (row.p50_ms, row.p99_ms) = (middle(|of| of.p50_ms), middle(|of| of.p99_ms));
                rows.push(row);
            }
        }
        Ok(rows)
    }
}
