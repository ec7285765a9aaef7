//! `component`: a Worker that is a wasm component, beside `wasmtime serve` of the same file: a hello in a clean
//! instance, a thousand distinct ones, the first call of one that is on disk, what an idle one takes, a body of
//! 100 MB there and back, and a neighbour beside those who upload compile bombs.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use crate::density::shuffle;
use crate::hello::names;
use crate::load::{self, Expect, Order};
use crate::process::{self, Own};
use crate::report::{self, Row, Turn, Window};
use crate::server::{Server, Setup, all_well};
use crate::{Common, echo, peer, scripts};

#[allow(dead_code, reason = "of what the tests have, the dear ones")]
#[path = "../../crates/gateway/tests/integration/bombs.rs"]
mod bombs;

/// What a request leaves behind is done by then.
const SETTLE: Duration = Duration::from_millis(500);
/// Uploads at once: compilers take turns anyhow.
const UPLOADS: usize = 4;
/// Bytes of one echo.
const BODY: usize = 100_000_000;
/// Connections of the neighbour of the bombs, and bombs at once.
const QUIET: usize = 2;
const BOMBERS: usize = 2;
/// Until a bomb is being compiled.
const AHEAD: Duration = Duration::from_millis(500);

#[derive(Args)]
pub struct Component {
    #[command(flatten)]
    common: Common,
    /// Distinct components
    #[arg(long, default_value_t = 1_000)]
    tenants: usize,
    /// The `wasmtime` to measure beside us; else one in PATH
    #[arg(long, value_name = "FILE")]
    peer: Option<PathBuf>,
    /// Build it, where there is none: some minutes, once
    #[arg(long)]
    peers: bool,
}

impl Component {
    pub fn run(self) -> anyhow::Result<()> {
        let peer = peer::find(self.peer.as_deref(), self.peers)?;
        let serve = |bytes: &[u8]| peer.as_ref().map(|peer| Server::wasmtime(peer, bytes)).transpose();
        let bare = Server::bare()?;
        let mut node = Server::start(Setup::default())?;
        let mut rows = Vec::new();
        if ["first-call", "wasmtime-serve", "hello-1", "hello-many"].iter().any(|row| self.common.wants(row)) {
            let uploads: Vec<_> = names("t", self.tenants.max(2))
                .enumerate()
                .map(|(number, name)| node.upload_component(&name, &scripts::component(number)))
                .collect();
            all_well(&load::run(node.admin, &uploads, Order::Each, UPLOADS, Expect { status: 200 })?)?;
            node = node.restart()?;
            rows.extend(self.first_calls(&node)?);
            rows.extend(self.hello(&bare, &node, serve(&scripts::component(0))?.as_ref())?);
        }
        if ["wasmtime-serve-echo", "echo", "echo-spliced"].iter().any(|row| self.common.wants(row)) {
            let uploads =
                [node.upload_component("echo", &scripts::echo()), node.upload_component("splice", &scripts::spliced())];
            all_well(&load::run(node.admin, &uploads, Order::Each, 1, Expect { status: 200 })?)?;
            rows.extend(self.echo(&bare, &node, serve(&scripts::echo())?.as_ref())?);
        }
        drop(node);
        if self.common.wants("quiet-beside-bombs") {
            rows.extend(self.bombs()?);
        }
        report::print(&rows)
    }

    /// Each called once, in no order of their files; and what they take then.
    fn first_calls(&self, node: &Server) -> anyhow::Result<Vec<Row>> {
        let mut calls: Vec<_> = names("t", self.tenants.max(2)).map(|name| get(&name)).collect();
        // The engine of components is made for the first of them, which is no part of any other's call.
        let one = calls.remove(0);
        all_well(&load::run(node.gateway, &[one], Order::Each, 1, Expect { status: 200 })?)?;
        shuffle(&mut calls);
        std::thread::sleep(SETTLE);
        let before = process::own(node.pid());
        let window = report::measure(node, node.gateway, &calls, Order::Each, 1, 200, SETTLE)?;
        let after = process::own(node.pid());
        let each = |of: fn(&Own) -> f64| report::round((of(&after) - of(&before)) / calls.len() as f64);
        let mut row = report::summary("component", "first-call", &[window], None);
        row.more.insert("idle_anonymous_kib_each", each(|own| own.anonymous));
        row.more.insert("idle_page_tables_kib_each", each(|own| own.tables));
        row.more.insert("idle_mappings_each", each(|own| own.mappings));
        row.more.insert("idle_descriptors_each", each(|own| own.descriptors));
        Ok(vec![row])
    }

    fn hello(&self, bare: &Server, node: &Server, peer: Option<&Server>) -> anyhow::Result<Vec<Row>> {
        let many: Vec<_> = names("t", self.tenants.max(2)).map(|name| get(&name)).collect();
        let mut turns = vec![Turn::new("bare-hyper", bare, vec![get("t0")])];
        turns.extend(peer.map(|peer| Turn::new("wasmtime-serve", peer, vec![get("t0")])));
        turns.push(Turn::new("hello-1", node, vec![get("t0")]));
        turns.push(Turn::new("hello-many", node, many));
        turns.retain(|turn| turn.name == "bare-hyper" || self.common.wants(turn.name));
        let mut rows = report::rounds("component", &self.common, &turns)?;
        compare(&mut rows, "wasmtime-serve", "ratio_to_peer", "hello");
        compare(&mut rows, "hello-1", "ratio_to_one", "hello-many");
        Ok(rows)
    }

    fn echo(&self, bare: &Server, node: &Server, peer: Option<&Server>) -> anyhow::Result<Vec<Row>> {
        let mut servers = vec![("bare-hyper-echo", bare, "any")];
        servers.extend(peer.map(|peer| ("wasmtime-serve-echo", peer, "any.localhost")));
        servers.extend([("echo", node, "echo.localhost"), ("echo-spliced", node, "splice.localhost")]);
        servers.retain(|(name, ..)| *name == "bare-hyper-echo" || self.common.wants(name));
        let mut windows: Vec<Vec<Window>> = servers.iter().map(|_| Vec::new()).collect();
        for round in 0..self.common.rounds.max(1) {
            eprint!("component: echo {} of {}\r", round + 1, self.common.rounds.max(1));
            for ((name, server, host), windows) in servers.iter().zip(&mut windows) {
                let echo = |bytes| echo::run(server.gateway, host, bytes).with_context(|| (*name).to_owned());
                echo(BODY / 10)?;
                let (seen, used) = report::watch(server, Duration::ZERO, || echo(BODY))?;
                windows.push(Window::new(seen, used));
            }
        }
        let rows = servers.iter().zip(&windows).enumerate().map(|(number, ((name, ..), own))| {
            let mut row = report::summary("component", name, own, (number > 0).then_some(&windows[0]));
            row.more.insert("gb_per_core_second", report::round(BODY as f64 / 1e3 / row.cpu_us_best));
            row.more.insert("gb_per_second", report::round(BODY as f64 / 1e6 / row.p50_ms));
            row
        });
        let mut rows: Vec<_> = rows.collect();
        compare(&mut rows, "wasmtime-serve-echo", "ratio_to_peer", "echo");
        Ok(rows)
    }

    /// A quiet tenant alone, and while what is dear to compile is uploaded all the time.
    fn bombs(&self) -> anyhow::Result<Vec<Row>> {
        let common = Common { connections: QUIET, ..self.common.clone() };
        let node = Server::start(Setup::default())?;
        node.publish([("quiet".to_owned(), scripts::small("quiet"))])?;
        let quiet = [get("quiet")];
        let dear: Vec<_> = bombs::costly().iter().map(|(_, bytes)| node.upload_component("bomb", bytes)).collect();
        let (dear, sent) = (Arc::new(dear), Arc::new(AtomicUsize::new(0)));
        let mut windows: [Vec<Window>; 2] = Default::default();
        for _ in 0..common.rounds.max(1) {
            windows[0].push(report::window(&node, &quiet, &common)?);
            let stop = Arc::new(AtomicBool::new(false));
            let bombers: Vec<_> = (0..BOMBERS)
                .map(|_| {
                    let (stop, sent, dear, to) = (stop.clone(), sent.clone(), dear.clone(), node.admin);
                    std::thread::spawn(move || {
                        while !stop.load(Ordering::Relaxed) {
                            let upload = &dear[sent.fetch_add(1, Ordering::Relaxed) % dear.len()];
                            // What it is answered, if it is, is not the question.
                            let _ = bomb(to, upload, &stop);
                        }
                    })
                })
                .collect();
            std::thread::sleep(AHEAD);
            let beside = report::window(&node, &quiet, &common);
            stop.store(true, Ordering::Relaxed);
            for bomber in bombers {
                bomber.join().map_err(|_| anyhow::anyhow!("an upload ended early"))?;
            }
            windows[1].push(beside?);
            node.forget_log();
            // A compiler whose uploader has gone is ended.
            std::thread::sleep(AHEAD);
        }
        let [alone, beside] = &windows;
        let mut rows = vec![
            report::summary("component", "quiet-alone", alone, None),
            report::summary("component", "quiet-beside-bombs", beside, None),
        ];
        let more = &mut rows[1].more;
        more.insert("p50_times", report::times(alone, beside, 0.5));
        more.insert("p99_times", report::times(alone, beside, 0.99));
        more.insert("bombs", sent.load(Ordering::Relaxed) as f64);
        Ok(rows)
    }
}

fn get(name: &str) -> Vec<u8> {
    load::get(&format!("{name}.localhost"), "/")
}

/// An upload, which is given up when it is to stop.
fn bomb(to: SocketAddr, upload: &[u8], stop: &AtomicBool) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    stream.write_all(upload)?;
    let mut bytes = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        match stream.read(&mut bytes) {
            Ok(_) => break,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Says of rows whose name begins so what their CPU is over that of another row, of each one's best round: that is
/// the one to trust where others work on the machine.
fn compare(rows: &mut [Row], to: &str, figure: &'static str, of: &str) {
    let Some(base) = rows.iter().find(|row| row.row == to).map(|row| row.cpu_us_best) else { return };
    for row in rows.iter_mut().filter(|row| row.row.starts_with(of)) {
        row.more.insert(figure, report::round(row.cpu_us_best / base.max(1e-9)));
    }
}
