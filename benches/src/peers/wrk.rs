//! wrk, from its Debian package: a load generator that others trust, to check ours against.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::fetch;
use crate::load::Seen;

/// The program.
pub struct Wrk(Command);

/// What it saw.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    pub seen: Seen,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// # Errors
/// When it cannot be had.
pub fn find() -> anyhow::Result<Wrk> {
    Ok(Wrk(fetch::debian("wrk", "wrk")?))
}

impl Wrk {
    /// Loads a server for that long from one thread, with the headers that our own load sends.
    ///
    /// # Errors
    /// When it fails, or what it says is not understood.
    pub fn run(&self, to: SocketAddr, connections: usize, length: Duration) -> anyhow::Result<Counted> {
        // It counts in whole seconds.
        let seconds = length.as_secs_f64().ceil().max(1.0);
        let mut command = Command::new(self.0.get_program());
        command.envs(self.0.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["--threads", "1", "--latency", "--timeout", "10s"]);
        command.args(["--connections", &connections.to_string(), "--duration", &format!("{seconds}s")]);
        command.args(["-H", "user-agent: benches", "-H", "accept: */*", &format!("http://{to}/")]);
        let output = command.stdin(Stdio::null()).output().context("wrk cannot be started")?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        counted(&text).with_context(|| format!("wrk says {text}"))
    }
}

/// Its summary, read.
fn counted(text: &str) -> Option<Counted> {
    let (mut of, mut total) = (Counted::default(), None);
    for line in text.lines().map(str::trim) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            [requests, "requests", "in", time, ..] => {
                total = Some((requests.parse().ok()?, millis(time.trim_end_matches(','))?))
            }
            ["50%", latency] => of.p50_ms = millis(latency)?,
            ["99%", latency] => of.p99_ms = millis(latency)?,
            ["Socket", "errors:", ..] => {
                let each = words.iter().filter_map(|word| word.trim_end_matches(',').parse::<usize>().ok());
                of.seen.errors += each.sum::<usize>();
            }
            ["Non-2xx", .., errors] => of.seen.errors += errors.parse::<usize>().ok()?,
            _ => {}
        }
    }
    let (requests, elapsed) = total?;
    (of.seen.requests, of.seen.elapsed) = (requests, Duration::from_secs_f64(elapsed / 1e3));
    (of.seen.errors > 0).then(|| of.seen.first_error = Some("wrk does not say which".to_owned()));
    Some(of)
}

/// Of `297.00us`, `1.24ms`, `2.10s`, `1.50m`.
fn millis(text: &str) -> Option<f64> {
    for (unit, millis) in [("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)] {
        if let Some(number) = text.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok()) {
            return Some(number * millis);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 2s test @ http://127.0.0.1:8080/\n  1 threads and 32 connections\n  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   413.40us  300.12us   9.01ms   93.01%\n    Req/Sec    75.10k     3.02k   79.00k    85.00%\n  Latency Distribution\n     50%  390.00us\n     75%  420.00us\n     90%  1.02ms\n     99%    1.25ms\n  149402 requests in 2.01s, 18.10MB read\nRequests/sec:  74329.35\nTransfer/sec:      9.00MB\n";

    #[test]
    fn its_summary_is_read() {
        let of = counted(SAID).expect("a summary");
        assert_eq!((of.seen.requests, of.seen.errors, of.p50_ms, of.p99_ms), (149_402, 0, 0.39, 1.25));
        assert_eq!(of.seen.elapsed, Duration::from_millis(2010));
        let wrong =
            format!("{SAID}  Socket errors: connect 1, read 20, write 0, timeout 3\n  Non-2xx or 3xx responses: 7\n");
        let wrong = counted(&wrong).expect("a summary");
        assert!(wrong.seen.errors == 31 && wrong.seen.first_error.is_some(), "{wrong:?}");
        assert!(counted("unable to connect\n").is_none());
    }

    #[test]
    fn its_times_have_units() {
        assert_eq!(
            ["250.00us", "1.25ms", "2.00s", "1.50m"].map(millis),
            [Some(0.25), Some(1.25), Some(2000.0), Some(90_000.0)]
        );
        assert_eq!(["7", "fast", ""].map(millis), [None; 3]);
    }
}
