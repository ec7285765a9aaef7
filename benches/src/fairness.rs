//! `fairness`: what a tenant that burns a core, two calls at a time, leaves to a quiet one beside it.

use std::time::Duration;

use clap::Args;

use crate::load::{self, Expect, Order};
use crate::report::{self, Turn};
use crate::server::{Server, Setup};
use crate::{Common, scripts};

/// Connections of the quiet tenant, and of the burner.
const QUIET: usize = 4;
const BURNING: usize = 2;

#[derive(Args)]
pub struct Fairness {
    #[command(flatten)]
    common: Common,
}

impl Fairness {
    pub fn run(mut self) -> anyhow::Result<()> {
        self.common.connections = QUIET;
        let (bare, node) = (Server::bare()?, Server::start(Setup::default())?);
        node.publish([
            ("quiet".to_owned(), scripts::small("quiet")),
            ("burner".to_owned(), scripts::BURNER.to_owned()),
        ])?;
        let quiet = || vec![load::get("quiet.localhost", "/")];
        let alone = [Turn::new("bare-hyper", &bare, quiet()), Turn::new("quiet-alone", &node, quiet())];
        let mut rows = report::rounds("fairness", &self.common, &alone)?;

        // Longer than the windows beside it.
        let length =
            (self.common.window() + Duration::from_secs(1)) * u32::try_from(self.common.rounds.max(1)).unwrap_or(1);
        let (burning, gateway) = ([load::get("burner.localhost", "/")], node.gateway);
        let burner = std::thread::spawn(move || {
            load::run(gateway, &burning, Order::Random(length), BURNING, Expect { status: 200 })
        });
        std::thread::sleep(Duration::from_millis(300));
        let beside = [Turn::new("quiet-beside-burner", &node, quiet())];
        rows.extend(report::rounds("fairness", &self.common, &beside)?);
        let burnt = burner.join().map_err(|_| anyhow::anyhow!("the burner's load ended early"))??;
        crate::server::all_well(&burnt)?;

        if let [_, alone, beside] = &mut rows[..] {
            beside.more.insert("share_of_alone", report::round(beside.rps / alone.rps.max(1.0)));
            beside.more.insert("burner_calls", burnt.requests as f64);
            beside.more.insert("burner_p50_ms", report::round(burnt.quantile_ms(0.5)));
        }
        report::print(&rows)
    }
}
