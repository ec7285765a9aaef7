//! `benches load` as people call it, against servers whose answers and faults are known.

mod errors;
mod input;
mod loops;
mod protocols;
mod server;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use serde_json::Value;

/// The program with these words, which are separated by blanks.
fn command(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_benches"));
    command.arg("load").args(words.split_whitespace()).stdin(Stdio::null());
    command
}

/// Its result; it must end well.
fn load(words: &str) -> Value {
    let output = command(words).arg("--json").output().expect("the program");
    assert!(output.status.success(), "{words}: {}", text(&output.stderr));
    result(&output)
}

fn result(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What it says when it refuses.
fn refusal(words: &str) -> String {
    let output = command(words).output().expect("the program");
    assert!(!output.status.success(), "{words}: it was to refuse; it said {}", text(&output.stdout));
    text(&output.stderr)
}

/// All intervals of a log together.
fn log(file: &Path) -> Histogram<u64> {
    let text = std::fs::read(file).expect("the log");
    let mut all = Histogram::<u64>::new_with_bounds(1_000, 3_600_000_000_000, 3).expect("bounds");
    for entry in IntervalLogIterator::new(&text) {
        if let LogEntry::Interval(interval) = entry.expect("an entry") {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD.decode(interval.encoded_histogram()).expect("base64");
            let part: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
            all.add(&part).expect("of the same bounds");
        }
    }
    all
}
