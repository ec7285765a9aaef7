//! `fairness`: what a tenant that burns CPU, two calls at a time, leaves to a quiet one beside it: on
//! one core, and on two, where the load generator shares one of them; there also for a quiet tenant
//! that asks for one thing at a time, which is all that one core can carry.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use crate::load::{self, Expect, Order, Seen};
use crate::process::{self, Side};
use crate::report::{self, Row, Window};
use crate::server::{Server, Setup, all_well};
use crate::{Common, scripts};

/// Connections of the quiet tenant, and of the burner. Four want all of two cores, so that a burner
/// beside them must cost them; one wants less than its fair half.
const QUIET: usize = 4;
const QUIETER: usize = 1;
const BURNING: usize = 2;
/// How long the burner runs before it is measured what it leaves.
const AHEAD: Duration = Duration::from_millis(300);

#[derive(Args)]
pub struct Fairness {
    #[command(flatten)]
    common: Common,
}

impl Fairness {
    pub fn run(mut self) -> anyhow::Result<Vec<Row>> {
        let bare = Server::bare()?;
        let mut rows = self.on(&bare, Side::Server, QUIET, ["bare-hyper", "quiet-alone", "quiet-beside-burner"])?;
        if process::cores() > 1 {
            for (connections, names) in [
                (QUIET, ["bare-hyper", "quiet-alone-2-cores", "quiet-beside-burner-2-cores"]),
                (QUIETER, ["bare-hyper", "one-call-alone-2-cores", "one-call-beside-burner-2-cores"]),
            ] {
                rows.extend(self.on(&bare, Side::Both, connections, names)?.into_iter().skip(1));
            }
        }
        Ok(rows)
    }

    /// Alone and beside take turns, so that what else the machine does meets both.
    fn on(&mut self, bare: &Server, side: Side, connections: usize, names: [&str; 3]) -> anyhow::Result<Vec<Row>> {
        self.common.connections = connections;
        let node = Server::start(Setup { side, ..Setup::default() })?;
        node.publish([
            ("quiet".to_owned(), scripts::small("quiet")),
            ("burner".to_owned(), scripts::BURNER.to_owned()),
        ])?;
        let quiet = [load::get("quiet.localhost", "/")];
        let mut windows: [Vec<Window>; 3] = Default::default();
        let mut burnt = Vec::new();
        for _ in 0..self.common.rounds.max(1) {
            for (server, windows) in [bare, &node].into_iter().zip(&mut windows) {
                windows.push(report::window(server, &quiet, &self.common)?);
            }
            let burner = burn(node.gateway, AHEAD + report::WARM_UP + self.common.window());
            std::thread::sleep(AHEAD);
            windows[2].push(report::window(&node, &quiet, &self.common)?);
            let seen = burner.join().map_err(|_| anyhow::anyhow!("the burner's load ended early"))??;
            all_well(&seen)?;
            burnt.push(seen);
            node.forget_log();
        }
        let [bare, alone, beside] = &windows;
        let mut rows = vec![
            report::summary("fairness", names[0], bare, None),
            report::summary("fairness", names[1], alone, Some(bare)),
            report::summary("fairness", names[2], beside, None),
        ];
        let each = |figure: &dyn Fn(&Window, &Window) -> f64| {
            let rounds = alone.iter().zip(beside).map(|(alone, beside)| figure(alone, beside));
            report::round(report::median(rounds.collect()))
        };
        let more = &mut rows[2].more;
        more.insert("share_of_alone", each(&|alone, beside| beside.rps() / alone.rps().max(1.0)));
        more.insert("p99_ms_more", each(&|alone, beside| beside.seen.quantile_ms(0.99) - alone.seen.quantile_ms(0.99)));
        let calls: usize = burnt.iter().map(|seen| seen.requests).sum();
        more.insert("burner_calls", calls as f64);
        more.insert("burner_p50_ms", report::median(burnt.iter().map(|seen| seen.quantile_ms(0.5)).collect()));
        Ok(rows)
    }
}

fn burn(gateway: SocketAddr, length: Duration) -> std::thread::JoinHandle<anyhow::Result<Seen>> {
    let burning = [load::get("burner.localhost", "/")];
    std::thread::spawn(move || load::run(gateway, &burning, Order::Random(length), BURNING, Expect { status: 200 }))
}
