//! `load-check`: the generator beside those that everybody knows, `wrk` (HTTP/1.1) and `h2load` (HTTP/2), each loading
//! the bare server by the same connections, in turns. What they disagree by is the generator's own fault.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::report::median;
use crate::server::Server;

#[derive(Args)]
pub struct Check {
    /// Length of one window
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Windows of each
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Connections
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests under way on a connection of HTTP/2
    #[arg(long, default_value_t = 4)]
    streams: usize,
}

impl Check {
    /// Prints answers a second of both, round by round, and the median of the ratios; one JSON line a peer.
    ///
    /// # Errors
    /// When neither peer is there, or a run fails.
    pub fn run(self) -> anyhow::Result<()> {
        let mut ran = 0;
        if found("wrk") {
            let server = Server::bare()?;
            self.beside("wrk", || self.wrk(server.gateway), || self.own(server.gateway, false))?;
            ran += 1;
        }
        if found("h2load") {
            let server = Server::bare_http2()?;
            self.beside("h2load", || self.h2load(server.gateway), || self.own(server.gateway, true))?;
            ran += 1;
        }
        ensure!(ran > 0, "neither wrk nor h2load is in PATH (Debian: wrk, nghttp2-client)");
        Ok(())
    }

    fn beside(
        &self,
        peer: &str,
        theirs: impl Fn() -> anyhow::Result<f64>,
        ours: impl Fn() -> anyhow::Result<f64>,
    ) -> anyhow::Result<()> {
        let (mut their, mut own, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..self.rounds.max(1) {
            // Whoever is first has the colder server.
            let (them, us) = if round % 2 == 0 {
                let them = theirs()?;
                (them, ours()?)
            } else {
                let us = ours()?;
                (theirs()?, us)
            };
            eprintln!("{peer:<8} {them:>9.0}/s   load {us:>9.0}/s   {:.3}", us / them.max(1e-9));
            their.push(them);
            own.push(us);
            ratios.push(us / them.max(1e-9));
        }
        let rounded = |figure: f64| (figure * 1e3).round() / 1e3;
        let line = json!({
            "bench": "load-check", "row": peer, "rps": median(own).round(), "peer_rps": median(their).round(),
            "ratio_to_peer": rounded(median(ratios)), "connections": self.connections,
        });
        println!("{line}");
        Ok(())
    }

    fn wrk(&self, to: SocketAddr) -> anyhow::Result<f64> {
        let mut command = Command::new("wrk");
        command.args(["-t1", &format!("-c{}", self.connections), &format!("-d{}s", self.seconds)]);
        let text = output(command.arg(format!("http://{to}/")))?;
        let rps = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
        rps.and_then(|rps| rps.trim().parse().ok()).with_context(|| format!("wrk said:\n{text}"))
    }

    fn h2load(&self, to: SocketAddr) -> anyhow::Result<f64> {
        let mut command = Command::new("h2load");
        command.args(["-t1", &format!("-c{}", self.connections), &format!("-m{}", self.streams)]);
        let text = output(command.arg(format!("-D{}", self.seconds)).arg(format!("http://{to}/")))?;
        let rps = text.lines().find(|line| line.starts_with("finished in"));
        let rps = rps.and_then(|line| line.split(", ").find_map(|part| part.strip_suffix(" req/s")));
        rps.and_then(|rps| rps.parse().ok()).with_context(|| format!("h2load said:\n{text}"))
    }

    fn own(&self, to: SocketAddr, http2: bool) -> anyhow::Result<f64> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["load", "--json", "--connections", &self.connections.to_string()]);
        command.args(["--duration", &format!("{}s", self.seconds)]);
        if http2 {
            command.args(["--http2", "--streams", &self.streams.to_string()]);
        }
        let text = output(command.arg(format!("http://{to}/")))?;
        let result: Value = serde_json::from_str(&text).with_context(|| format!("load said:\n{text}"))?;
        ensure!(result["errors"] == 0, "load met errors: {result}");
        result["rps"].as_f64().context("load said no rps")
    }
}

fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file());
    if !there {
        eprintln!("{program} is not in PATH: left out");
    }
    there
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{:?} could not be started", command.get_program()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{:?} failed: {errors}", command.get_program());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
