//! `dispatch`: a dispatch Worker in JavaScript, in front of many tenants in JavaScript: two Workers
//! and a call between them for each request.

use clap::Args;

use crate::hello::names;
use crate::report::{self, Turn};
use crate::server::{Server, Setup};
use crate::{Common, load, scripts};

#[derive(Args)]
pub struct Dispatch {
    #[command(flatten)]
    common: Common,
    #[arg(long, default_value_t = 1_000)]
    tenants: usize,
}

impl Dispatch {
    pub fn run(self) -> anyhow::Result<()> {
        let tenants = self.tenants.max(1);
        let bare = Server::bare()?;
        let node = Server::start(Setup { dispatcher: true, ..Setup::default() })?;
        node.publish(names("t", tenants).map(|name| (name.clone(), scripts::small(&name))))?;
        node.publish_dispatcher()?;

        let gets = |below: &str| {
            names("t", tenants).map(|name| load::get(&format!("{name}.{below}"), "/")).collect::<Vec<_>>()
        };
        let mut turns = vec![
            Turn::new("bare-hyper", &bare, gets("localhost")),
            Turn::new("clean-many", &node, gets("direct.localhost")),
            Turn::new("dispatcher-to-clean-1", &node, vec![load::get("t0.localhost", "/")]),
            Turn::new("dispatcher-to-clean-many", &node, gets("localhost")),
        ];
        turns.retain(|turn| turn.name == "bare-hyper" || self.common.wants(turn.name));
        report::print(&report::rounds("dispatch", &self.common, &turns)?)
    }
}
