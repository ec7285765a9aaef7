//! `dispatch`: a dispatch Worker in JavaScript, in front of many tenants in JavaScript: two Workers
//! and a call between them for each request.

use std::time::Duration;

use clap::Args;

use crate::hello::names;
use crate::load::Order;
use crate::peers::{Peer, workerd};
use crate::report::{self, Row, Turn};
use crate::server::{Server, Setup};
use crate::{Common, load, scripts};

/// Calls at once of tenants that workerd has not loaded.
const LOADING: usize = 4;

#[derive(Args)]
pub struct Dispatch {
    #[command(flatten)]
    common: Common,
    #[arg(long, default_value_t = 1_000)]
    tenants: usize,
}

impl Dispatch {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let tenants = self.tenants.max(1);
        let bare = Server::bare()?;
        let node = Server::start(Setup { dispatcher: true, ..Setup::default() })?;
        node.publish(names("t", tenants).map(|name| (name.clone(), scripts::small(&name))))?;
        node.publish_dispatcher()?;

        let gets = |below: &str| {
            names("t", tenants).map(|name| load::get(&format!("{name}.{below}"), "/")).collect::<Vec<_>>()
        };
        let loader = Peer::of(self.common.peers, "workerd", workerd::loader);
        let mut rows = Vec::new();
        if let Some(loader) = loader.here() {
            // Every tenant is there before anything is measured, as ours are.
            const NAME: &str = "workerd-loader-first-call";
            let (to, requests) = (loader.gateway, gets("localhost"));
            let loaded = report::measure(loader, to, &requests, Order::Each, LOADING, 200, Duration::ZERO);
            rows.push(match loaded {
                Ok(window) => report::summary("dispatch", NAME, &[window], None),
                Err(error) => Row::left_out("dispatch", NAME, &format!("{error:#}")),
            });
        }
        let mut turns = vec![
            Turn::new("bare-hyper", &bare, gets("localhost")),
            Turn::new("clean-many", &node, gets("direct.localhost")),
            Turn::new("dispatcher-to-clean-1", &node, vec![load::get("t0.localhost", "/")]),
            Turn::new("dispatcher-to-clean-many", &node, gets("localhost")),
        ];
        turns.retain(|turn| turn.name == "bare-hyper" || self.common.wants(turn.name));
        turns.extend(loader.turn("workerd-loader-many", gets("localhost")));
        rows.extend(report::rounds("dispatch", &self.common, &turns)?);
        let ours = ["dispatcher-to-clean-1", "dispatcher-to-clean-many"];
        report::compare(&mut rows, "workerd-loader-many", "ratio_to_workerd", &ours, |row| row.cpu_us);
        rows.extend(loader.left_out("dispatch", "workerd-loader-many"));
        Ok(rows)
    }
}
