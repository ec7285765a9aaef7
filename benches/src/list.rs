//! `list [N]`: what a page of a list of scripts costs the server, through the real API.

use clap::Args;

use crate::hello::names;
use crate::report::{self, Row, Turn};
use crate::server::{Server, Setup};
use crate::{Common, load, scripts};

#[derive(Args)]
pub struct List {
    /// Scripts in the namespace
    #[arg(default_value_t = 10_000)]
    scripts: usize,
    #[command(flatten)]
    common: Common,
}

impl List {
    pub fn run(mut self) -> anyhow::Result<Vec<Row>> {
        let (bare, node) = (Server::bare()?, Server::start(Setup::default())?);
        node.publish(names("listed", self.scripts.max(1)).map(|name| (name.clone(), scripts::small(&name))))?;
        // A page is a thousand times a hello: more at once only wait.
        self.common.connections = self.common.connections.min(2);
        let page = |name, limit: usize| {
            let path = format!("/accounts/{}/workers/dispatch/namespaces/dev/scripts?limit={limit}", Server::ACCOUNT);
            Turn { address: node.admin, ..Turn::new(name, &node, vec![node.get(&path)]) }
        };
        let mut turns = vec![Turn::new("bare-hyper", &bare, vec![load::get("one.localhost", "/")])];
        turns.extend([page("page-of-1000", 1_000), page("page-of-100", 100), page("page-of-1", 1)]);
        let mut rows = report::rounds("list", &self.common, &turns)?;
        for row in &mut rows {
            row.more.insert("scripts", self.scripts as f64);
        }
        Ok(rows)
    }
}
