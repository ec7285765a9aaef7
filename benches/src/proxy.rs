//! `proxy`: an upstream tenant: what passing a request on to an origin costs, beside bare hyper with
//! hyper-util's pooled client in front of the same origin.

use clap::Args;

use crate::bare::Origin;
use crate::hello::names;
use crate::peers::{Peer, haproxy, nginx};
use crate::report::{self, Row, Turn};
use crate::server::{Server, Setup};
use crate::{Common, load};

#[derive(Args)]
pub struct Proxy {
    #[command(flatten)]
    common: Common,
    /// Tenants of the row with many, each with connections of its own
    #[arg(long, default_value_t = 100)]
    tenants: usize,
}

impl Proxy {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let tenants = self.tenants.max(1);
        let origin = Origin::start()?;
        let bare = Server::bare_proxy(origin.address)?;
        let node = Server::start(Setup::default())?;
        for name in names("t", tenants) {
            node.publish_upstream(&name, origin.address)?;
        }
        let get = |name: &str| load::get(&format!("{name}.localhost"), "/");
        let mut turns = vec![
            Turn::new("bare-hyper-proxy", &bare, vec![get("t0")]),
            Turn::new("upstream-1", &node, vec![get("t0")]),
            Turn::new("upstream-many", &node, names("t", tenants).map(|name| get(&name)).collect()),
        ];
        turns.retain(|turn| turn.name == "bare-hyper-proxy" || self.common.wants(turn.name));
        let nginx = Peer::of(self.common.peers, "nginx", || nginx::proxy(origin.address));
        let haproxy = Peer::of(self.common.peers, "haproxy", || haproxy::proxy(origin.address));
        turns.extend(nginx.turn("nginx-proxy", vec![get("t0")]));
        turns.extend(haproxy.turn("haproxy-proxy", vec![get("t0")]));
        let mut rows = report::rounds("proxy", &self.common, &turns)?;
        let ours = ["upstream-1", "upstream-many"];
        report::compare(&mut rows, "nginx-proxy", "ratio_to_nginx", &ours, |row| row.cpu_us);
        report::compare(&mut rows, "haproxy-proxy", "ratio_to_haproxy", &ours, |row| row.cpu_us);
        rows.extend(nginx.left_out("proxy", "nginx-proxy"));
        rows.extend(haproxy.left_out("proxy", "haproxy-proxy"));
        Ok(rows)
    }
}
