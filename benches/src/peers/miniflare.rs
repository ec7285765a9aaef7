//! Miniflare, from its npm package: what setting one script among a hundred costs where Workers are simulated for
//! development. Each time it starts its runtime anew, so that its CPU is that of all its processes, ended ones too.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::fetch;
use crate::load::Seen;
use crate::process::{self, Memory, Side};
use crate::report::{Used, Window};

pub const VERSION: &str = "4.20260730.0";
/// Workers that are there.
const WORKERS: usize = 100;
/// For a start, and for one script.
const LONGEST: Duration = Duration::from_secs(60);
/// To end by itself.
const LAST: Duration = Duration::from_secs(5);

/// Running, with its Workers.
pub struct Miniflare {
    child: Child,
    /// Taken when it is to end.
    input: Option<ChildStdin>,
    said: Receiver<String>,
}

impl Miniflare {
    /// # Errors
    /// When it cannot be had, or does not start.
    pub fn start() -> anyhow::Result<Self> {
        let folder = fetch::npm("miniflare", VERSION)?;
        let script = folder.join("publish.mjs");
        fs::write(&script, include_str!("miniflare.mjs"))?;
        let log = fs::File::create(folder.join("log"))?;
        let mut node = Command::new("node");
        node.arg(&script).arg(&folder).arg(WORKERS.to_string());
        // A group of its own, by which its runtime ends too.
        node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).process_group(0);
        process::pin(Side::Server); // inherited
        let child = node.spawn();
        process::pin(Side::Load);
        let mut child = child.context("node cannot be started")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (say, said) = channel();
        std::thread::spawn(move || {
            let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines());
            lines.map_while(Result::ok).take_while(|line| say.send(line.clone()).is_ok()).for_each(drop);
        });
        let started = Self { child, input, said };
        let ready = started.hear().context("miniflare does not start")?;
        ensure!(ready == "ready", "miniflare says {ready}");
        Ok(started)
    }

    /// Sets these scripts, name and code and what it then answers, one after the other. A request's latency is from
    /// the wish to the first answer of the new script.
    ///
    /// # Errors
    /// When one does not become live.
    pub fn publish(&mut self, scripts: &[(String, String, String)]) -> anyhow::Result<Window> {
        let (began, cpu) = (Instant::now(), self.cpu());
        let mut seen = Seen::default();
        for (name, script, expected) in scripts {
            let input = self.input.as_mut().context("miniflare has no input")?;
            writeln!(input, "{}", json!({ "name": name, "script": script }))?;
            input.flush()?;
            let said: Value = serde_json::from_str(&self.hear()?).context("miniflare does not say what it did")?;
            ensure!(said["status"] == 200 && said["body"] == expected.as_str(), "{name} was answered with {said}");
            let micros = said["ms"].as_f64().context("miniflare does not say how long it took")? * 1e3;
            seen.requests += 1;
            seen.latencies.push(micros as u32);
        }
        seen.elapsed = began.elapsed();
        seen.latencies.sort_unstable();
        let (cpu, memory) = (self.cpu().saturating_sub(cpu), self.memory());
        Ok(Window::new(seen, Used { cpu, by_thread: Default::default(), memory, instructions: None }))
    }

    fn hear(&self) -> anyhow::Result<String> {
        match self.said.recv_timeout(LONGEST) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => bail!("miniflare says nothing"),
            Err(RecvTimeoutError::Disconnected) => bail!("miniflare ended"),
        }
    }

    fn cpu(&self) -> Duration {
        process::family(self.child.id()).iter().map(|pid| process::cpu_with_children(*pid)).sum()
    }

    fn memory(&self) -> Memory {
        let each = process::family(self.child.id()).into_iter().map(process::memory);
        each.fold(Memory::default(), |sum, of| Memory { rss: sum.rss + of.rss, pss: sum.pss + of.pss })
    }
}

impl Drop for Miniflare {
    fn drop(&mut self) {
        // Without its input it ends, and its runtime with it.
        drop(self.input.take());
        let began = Instant::now();
        while began.elapsed() < LAST && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if let Ok(group) = libc::pid_t::try_from(self.child.id()) {
            // SAFETY: no memory is involved. The group is that which its first process, our child, was made with.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
        let _ = self.child.wait();
    }
}
