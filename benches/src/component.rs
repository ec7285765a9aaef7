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
use crate::peers::{Peer, wasmtime};
use crate::process::{self, Own};
use crate::report::{self, Row, Turn, Window};
use crate::server::{Server, Setup, all_well};
use crate::{Common, echo, scripts};

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
}

impl Component {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let wasmtime = wasmtime::find(self.peer.as_deref(), self.common.peers)?;
        let serve = |bytes: &[u8]| wasmtime.then("wasmtime", |program| wasmtime::serve(program, bytes));
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
            rows.extend(self.hello(&bare, &node, &serve(&scripts::component(0)))?);
        }
        if ["wasmtime-serve-echo", "echo", "echo-spliced"].iter().any(|row| self.common.wants(row)) {
            let uploads =
                [node.upload_component("echo", &scripts::echo()), node.upload_component("splice", &scripts::spliced())];
            all_well(&load::run(node.admin, &uploads, Order::Each, 1, Expect { status: 200 })?)?;
            rows.extend(self.echo(&bare, &node, &serve(&scripts::echo()))?);
        }
        drop(node);
        if self.common.wants("quiet-beside-bombs") {
            rows.extend(self.bombs()?);
        }
        Ok(rows)
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

    fn hello(&self, bare: &Server, node: &Server, peer: &Peer) -> anyhow::Result<Vec<Row>> {
        let many: Vec<_> = names("t", self.tenants.max(2)).map(|name| get(&name)).collect();
        let mut turns = vec![Turn::new("bare-hyper", bare, vec![get("t0")])];
        turns.extend(peer.turn("wasmtime-serve", vec![get("t0")]));
        turns.push(Turn::new("hello-1", node, vec![get("t0")]));
        turns.push(Turn::new("hello-many", node, many));
        turns.retain(|turn| turn.name == "bare-hyper" || turn.peer || self.common.wants(turn.name));
        let mut rows = report::rounds("component", &self.common, &turns)?;
        // Of each one's best round: that is the one to trust where others work on the machine.
        let best = |row: &Row| row.cpu_us_best;
        report::compare(&mut rows, "wasmtime-serve", "ratio_to_peer", &["hello-1", "hello-many"], best);
        report::compare(&mut rows, "hello-1", "ratio_to_one", &["hello-many"], best);
        rows.extend(peer.left_out("component", "wasmtime-serve"));
        Ok(rows)
    }

    fn echo(&self, bare: &Server, node: &Server, peer: &Peer) -> anyhow::Result<Vec<Row>> {
        const PEER: &str = "wasmtime-serve-echo";
        let mut servers = vec![("bare-hyper-echo", bare, "any")];
        servers.extend(peer.here().map(|peer| (PEER, peer, "any.localhost")));
        servers.extend([("echo", node, "echo.localhost"), ("echo-spliced", node, "splice.localhost")]);
        servers.retain(|(name, ..)| *name == "bare-hyper-echo" || *name == PEER || self.common.wants(name));
        let mut windows: Vec<Result<Vec<Window>, String>> = servers.iter().map(|_| Ok(Vec::new())).collect();
        for round in 0..self.common.rounds.max(1) {
            eprint!("component: echo {} of {}\r", round + 1, self.common.rounds.max(1));
            for ((name, server, host), windows) in servers.iter().zip(&mut windows) {
                let Ok(own) = windows else { continue };
                let echo = |bytes| echo::run(server.gateway, host, bytes).with_context(|| (*name).to_owned());
                let window = echo(BODY / 10).and_then(|_| report::watch(server, Duration::ZERO, || echo(BODY)));
                match window {
                    Ok((seen, used)) => own.push(Window::new(seen, used)),
                    Err(error) if *name == PEER => *windows = Err(format!("{error:#}")),
                    Err(error) => return Err(error),
                }
            }
        }
        let rows = servers.iter().zip(&windows).enumerate().map(|(number, ((name, ..), own))| {
            let own = match own {
                Ok(own) => own,
                Err(why) => return Row::left_out("component", name, why),
            };
            let baseline = windows[0].as_deref().ok().filter(|_| number > 0);
            let mut row = report::summary("component", name, own, baseline);
            row.more.insert("gb_per_core_second", report::round(BODY as f64 / 1e3 / row.cpu_us_best));
            row.more.insert("gb_per_second", report::round(BODY as f64 / 1e6 / row.p50_ms));
            row
        });
        let mut rows: Vec<_> = rows.collect();
        let best = |row: &Row| row.cpu_us_best;
        report::compare(&mut rows, PEER, "ratio_to_peer", &["echo", "echo-spliced"], best);
        rows.extend(peer.left_out("component", PEER));
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
