//! `all`: every bench with its baseline, one after the other in this process, then how each goal stands: a table
//! for people on stderr, JSON lines on stdout, and two files, of which one is a page with plots. A bench that
//! fails does not stop the others: its goals say why they were not measured.

use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use anyhow::Context;
use clap::{Args, Parser};
use serde::Serialize;

use crate::machine::Machine;
use crate::report::{self, Row};
use crate::targets::{self, Judged, Verdict};
use crate::{Bench, Cli, page, process};

/// What one bench is run with, as on a command line.
struct Line {
    full: &'static str,
    /// Where it is to be done in a fraction of the time.
    quick: &'static str,
}

const fn line(full: &'static str, quick: &'static str) -> Line {
    Line { full, quick }
}

/// All benches, in the order in which they run: a new one is one more line.
const LINES: &[Line] = &[
    line("generator", "generator --seconds 0.5 --rounds 2"),
    line("hello --rounds 5", "hello --seconds 0.5 --rounds 2"),
    line("dispatch --rounds 5", "dispatch --seconds 0.5 --rounds 2"),
    line("component", "component --seconds 0.5 --rounds 2 --tenants 200"),
    line("resolve --rounds 5", "resolve --seconds 0.5 --rounds 2 --tenants 2000"),
    line("proxy --rounds 5", "proxy --seconds 0.5 --rounds 2"),
    line("fairness --rounds 5", "fairness --seconds 1 --rounds 2"),
    line("canary --seconds 5", "canary --seconds 2 --rounds 2"),
    line("limit", "limit --seconds 0.5 --loops 500"),
    line("publish", "publish --seconds 0.2 --rounds 2 --count 50"),
    line("churn --seconds 5", "churn --seconds 2 --rounds 2"),
    line("density 10000", "density 2000 --seconds 0.5 --rounds 2"),
    line("list", "list 2000 --seconds 0.5 --rounds 2"),
    line("kernels", "kernels --seconds 0.3 --rounds 2"),
    line("crypto", "crypto --seconds 0.5 --rounds 2"),
    line("platform", "platform --seconds 0.5 --rounds 2"),
    line("slot", "slot --seconds 0.5 --rounds 2"),
    line("threads --rounds 5", "threads --seconds 0.5 --rounds 2"),
    line("idle", "idle --open 1000"),
    line("soak", "soak --quick"),
];

#[derive(Args)]
pub struct All {
    /// Fewer tenants, shorter windows: some five minutes on two cores instead of more than half an hour
    #[arg(long)]
    quick: bool,
    /// Measure the peers too; those that are missing are fetched into the build folder, once
    #[arg(long)]
    peers: bool,
    /// Only benches whose name contains one of these, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "TEXT")]
    only: Vec<String>,
    /// The folder that the files go to
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results"))]
    to: PathBuf,
}

/// What became of one bench.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub bench: String,
    /// What it was run with.
    pub command: String,
    pub seconds: f64,
    /// Why it has no rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    pub rows: Vec<Row>,
}

/// A whole run, as its file has it.
#[derive(Serialize)]
pub struct Run {
    /// When it began, UTC.
    pub began: String,
    pub minutes: f64,
    pub quick: bool,
    pub peers: bool,
    pub machine: Machine,
    pub goals: Vec<Judged>,
    pub benches: Vec<Outcome>,
}

impl All {
    pub fn run(self) -> anyhow::Result<()> {
        let (began, clock) = (humantime::format_rfc3339_seconds(SystemTime::now()).to_string(), Instant::now());
        let mut machine = Machine::here();
        let mut benches = Vec::new();
        let chosen: Vec<_> = LINES.iter().map(|line| self.words(line)).filter(|words| self.wants(&words[0])).collect();
        anyhow::ensure!(!chosen.is_empty(), "no bench has such a name");
        for (number, words) in chosen.iter().enumerate() {
            eprintln!("\n{} of {}: {}", number + 1, chosen.len(), words.join(" "));
            let outcome = outcome(words);
            match &outcome.failed {
                None => report::print(&outcome.rows)?,
                Some(why) => eprintln!("{} failed: {why}", outcome.bench),
            }
            benches.push(outcome);
        }
        machine.done(self.peers);
        let wanted = targets::TARGETS.iter().filter(|target| self.wants(target.bench));
        let goals = wanted.map(|target| targets::judge(target, &benches)).collect();
        let minutes = report::round(clock.elapsed().as_secs_f64() / 60.0);
        let run = Run { began, minutes, quick: self.quick, peers: self.peers, machine, goals, benches };
        tell(&run)?;
        self.write(&run)?;
        let failed: Vec<_> = run.benches.iter().filter(|bench| bench.failed.is_some()).collect();
        let names: Vec<_> = failed.iter().map(|bench| bench.bench.as_str()).collect();
        anyhow::ensure!(failed.is_empty(), "these benches failed: {}", names.join(", "));
        Ok(())
    }

    fn words(&self, line: &Line) -> Vec<String> {
        let words = if self.quick { line.quick } else { line.full };
        let peers = self.peers.then_some("--peers");
        words.split_whitespace().chain(peers).map(str::to_owned).collect()
    }

    fn wants(&self, bench: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| bench.contains(text.as_str()))
    }

    fn write(&self, run: &Run) -> anyhow::Result<()> {
        fs::create_dir_all(&self.to).with_context(|| format!("could not make {}", self.to.display()))?;
        // No colons, which some file systems refuse.
        let name = run.began.trim_end_matches('Z').replace(':', "");
        let (json, html) = (self.to.join(format!("{name}.json")), self.to.join(format!("{name}.html")));
        fs::write(&json, serde_json::to_vec_pretty(run)?)?;
        fs::write(&html, page::of(run))?;
        eprintln!("{} and {}", json.display(), html.display());
        Ok(())
    }
}

/// Runs one bench. It has a thread of its own, so that neither its end nor what it binds to a core is this one's.
fn outcome(words: &[String]) -> Outcome {
    let began = Instant::now();
    let bench = match Cli::try_parse_from(std::iter::once("benches".to_owned()).chain(words.iter().cloned())) {
        Ok(cli) => std::thread::scope(|scope| {
            let bench = scope.spawn(|| {
                process::pin(process::Side::Load);
                Bench::run(cli.bench)
            });
            bench.join().unwrap_or_else(|panic| Err(anyhow::anyhow!("it panicked: {}", said(panic.as_ref()))))
        }),
        Err(error) => Err(error.into()),
    };
    let (rows, failed) = match bench {
        Ok(rows) => (rows, None),
        Err(error) => (Vec::new(), Some(format!("{error:#}"))),
    };
    let bench = words.first().cloned().unwrap_or_default();
    Outcome { bench, command: words.join(" "), seconds: report::round(began.elapsed().as_secs_f64()), failed, rows }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied()).unwrap_or("without a word")
}

/// How the goals stand, JSON for machines and a table for people.
fn tell(run: &Run) -> anyhow::Result<()> {
    eprintln!("\n{:<52} {:>12} {:>12}  verdict", "goal", "value", "target");
    for judged in &run.goals {
        println!("{}", serde_json::to_string(judged)?);
        let value = judged.value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let name = format!("{} {} {}", judged.target.bench, judged.target.row, judged.target.figure);
        eprintln!("{name:<52} {value:>12} {:>12}  {}", judged.target.bound.to_string(), judged.verdict);
    }
    let missing: Vec<_> =
        run.benches.iter().flat_map(|bench| &bench.rows).filter(|row| row.left_out.is_some()).collect();
    let count = |of: fn(&Verdict) -> bool| run.goals.iter().filter(|judged| of(&judged.verdict)).count();
    eprintln!(
        "{} hold, {} are missed, {} were not measured; {} of {} benches failed, {} rows were left out; {:.1} minutes",
        count(|verdict| *verdict == Verdict::Holds),
        count(|verdict| *verdict == Verdict::Misses),
        count(|verdict| matches!(verdict, Verdict::NotMeasured(_))),
        run.benches.iter().filter(|bench| bench.failed.is_some()).count(),
        run.benches.len(),
        missing.len(),
        run.minutes,
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn every_line_is_a_command_of_ours() {
        for words in LINES.iter().flat_map(|line| [line.full, line.quick]) {
            let all = std::iter::once("benches").chain(words.split_whitespace()).chain(["--peers"]);
            Cli::try_parse_from(all).unwrap_or_else(|error| panic!("{words}: {error}"));
        }
    }

    #[test]
    fn a_bench_that_panics_or_fails_is_an_outcome() {
        let missing = outcome(&["hello".into(), "--no-such-option".into()]);
        assert!(missing.failed.is_some_and(|why| why.contains("--no-such-option")));
        let panic = std::thread::spawn(|| panic!("of {}", 1)).join().err();
        assert_eq!(panic.as_deref().map(said), Some("of 1"));
    }
}
