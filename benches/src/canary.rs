//! `canary`: a quiet tenant alone, and beside the hostile programs of the tests, which come in turns from
//! clients that take some of an answer and go. On one core; the worst of it is the quiet one's slowest answers.
//!
//! It asks for less than its share of that core: [`RATE`]. One that asks for all it can get is measured as well, and has
//! no goal here: it has its turns among the hostile ones as they do among each other (bench `fairness`).

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;

use crate::load::Order;
use crate::report::{self, Row, Window};
use crate::scripts::{self, Main};
use crate::server::{Server, Setup};
use crate::{Common, load};

/// Requests of the quiet tenant a second. With the five that want the core, a fifth of it is some 4,000.
const RATE: u32 = 1_000;
/// Its connections: enough that one is free mostly.
const QUIET: usize = 8;
/// Those of the one that asks for all it can get.
const BUSY: usize = 2;
/// Hostile requests at once.
const HOSTILE: usize = 4;
/// What a hostile program's client takes at most, in time and bytes.
const PATIENCE: Duration = Duration::from_secs(1);
const TAKES: usize = 1 << 20;

#[derive(Args)]
pub struct Canary {
    #[command(flatten)]
    common: Common,
}

impl Canary {
    pub fn run(mut self) -> anyhow::Result<Vec<Row>> {
        self.common.connections = BUSY;
        let node = Server::start(Setup::default())?;
        node.publish(["quiet", "busy"].map(|name| (name.to_owned(), scripts::small(name))))?;
        let mut names = Vec::new();
        for (name, source) in programs()? {
            // Some are refused at upload, as they should be.
            let limits = json!({ "limits": { "cpu_ms": 100 } });
            if node.publish_with(&name, &limits, Main::Script(&source)).is_ok() {
                names.push(name);
            }
        }
        ensure!(names.len() >= 60, "only {} hostile programs can be published", names.len());
        let (programs, names) = (names.len(), Arc::new(names));
        let mut windows: [Vec<Window>; 4] = Default::default();
        let called = Arc::new(AtomicUsize::new(0));
        for _ in 0..self.common.rounds.max(1) {
            windows[0].push(self.quiet(&node)?);
            windows[2].push(self.busy(&node)?);
            let stop = Arc::new(AtomicBool::new(false));
            let hostile: Vec<_> = (0..HOSTILE)
                .map(|_| {
                    let (stop, called, names, to) = (stop.clone(), called.clone(), names.clone(), node.gateway);
                    std::thread::spawn(move || {
                        while !stop.load(Ordering::Relaxed) {
                            let name = &names[called.fetch_add(1, Ordering::Relaxed) % names.len()];
                            // What it is answered, if anything, is not the question.
                            let _ = call(to, name);
                        }
                    })
                })
                .collect();
            let beside = self.quiet(&node).and_then(|quiet| Ok((quiet, self.busy(&node)?)));
            stop.store(true, Ordering::Relaxed);
            for client in hostile {
                client.join().map_err(|_| anyhow::anyhow!("a hostile client ended early"))?;
            }
            let (quiet, busy) = beside?;
            windows[1].push(quiet);
            windows[3].push(busy);
            node.forget_log();
            // What they began ends at its limits.
            std::thread::sleep(PATIENCE);
        }
        let names = ["quiet-alone", "quiet-beside-hostile", "busy-alone", "busy-beside-hostile"];
        let rows = names.iter().zip(&windows).map(|(name, windows)| report::summary("canary", name, windows, None));
        let mut rows: Vec<Row> = rows.collect();
        for (alone, beside) in [(0, 1), (2, 3)] {
            let more = &mut rows[beside].more;
            more.insert("p50_times", report::times(&windows[alone], &windows[beside], 0.5));
            more.insert("p99_times", report::times(&windows[alone], &windows[beside], 0.99));
            more.insert("programs", programs as f64);
            more.insert("hostile_calls", called.load(Ordering::Relaxed) as f64);
        }
        Ok(rows)
    }

    fn quiet(&self, node: &Server) -> anyhow::Result<Window> {
        let order = Order::Paced(self.common.window(), RATE);
        report::measure(node, node.gateway, &[load::get("quiet.localhost", "/")], order, QUIET, 200, Duration::ZERO)
    }

    fn busy(&self, node: &Server) -> anyhow::Result<Window> {
        report::window(node, &[load::get("busy.localhost", "/")], &self.common)
    }
}

/// Those of the runtime's tests, by name.
fn programs() -> anyhow::Result<Vec<(String, String)>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/runtime/tests/fixtures/hostile");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("could not list {folder}"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        all.push((name, fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?));
    }
    all.sort();
    Ok(all)
}

/// One request, on a connection of its own.
fn call(to: SocketAddr, name: &str) -> std::io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    write!(stream, "POST / HTTP/1.1\r\nhost: {name}.localhost\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody")?;
    let (mut bytes, mut read) = (vec![0; 64 << 10], 0);
    while read < TAKES && Instant::now() < until {
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
