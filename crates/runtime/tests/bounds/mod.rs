//! Counts that do not depend on what else runs on the machine, held to within three in a hundred of those that are
//! stored beside the tests: a change that costs more says so, or one that costs less, with the new count in its commit.

#![allow(dead_code, reason = "each program of tests uses some of it")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

/// How far a count may be from what is stored, above and below.
pub const TOLERANCE: f64 = 0.03;
/// Set to `write`, it has what was counted stored.
pub const SWITCH: &str = "SWITCHYARD_BOUNDS";

/// What a file says.
#[derive(Deserialize)]
struct Stored {
    /// What the counts depend on: with another one they say nothing.
    made: BTreeMap<String, String>,
    pieces: BTreeMap<String, f64>,
}

/// A count over what is stored: 1.05 is a twentieth more.
pub fn ratio(stored: f64, counted: f64) -> f64 {
    // Of few, one more or less is no fault: a count of 0 is held to 0.
    if (stored - counted).abs() < 0.05 { 1.0 } else { counted / stored.max(1e-9) }
}

/// Whether a count is within the bounds.
pub fn holds(stored: f64, counted: f64) -> bool {
    (ratio(stored, counted) - 1.0).abs() <= TOLERANCE
}

/// Holds counts against a file. `command`: what stores them.
///
/// # Panics
/// When a piece is out of its bounds, new, or gone.
pub fn hold(file: &Path, made: &BTreeMap<String, String>, counted: &BTreeMap<String, f64>, command: &str) {
    if std::env::var(SWITCH).is_ok_and(|switch| switch == "write") {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("its folder is there");
        std::fs::write(file, written(made, counted, command)).expect("the file is written");
        eprintln!("stored: {}", file.display());
        return;
    }
    let Ok(text) = std::fs::read_to_string(file) else {
        counted.iter().for_each(|(name, count)| println!("{name:<28} {count:>14.2}"));
        return eprintln!("SKIPPED: counts are only reported: none are stored in {}; {command}", file.display());
    };
    let stored: Stored = toml::from_str(&text).expect("the stored counts are well formed");
    let mut wrong = Vec::new();
    for name in stored.pieces.keys().chain(counted.keys().filter(|name| !stored.pieces.contains_key(*name))) {
        let line = match (stored.pieces.get(name), counted.get(name)) {
            (Some(stored), Some(counted)) => {
                let line =
                    format!("{name:<28} {counted:>14.2}, stored {stored:>14.2}: {:.3}", ratio(*stored, *counted));
                if holds(*stored, *counted) {
                    println!("{line}");
                    continue;
                }
                line
            }
            (Some(_), None) => format!("{name:<28} is stored, and was not counted"),
            (None, _) => format!("{name:<28} was counted, and is not stored"),
        };
        println!("{line}  <-- out of bounds");
        wrong.push(line);
    }
    if stored.made != *made {
        eprintln!("SKIPPED: counts are only reported: stored with {:?}, this is {made:?}", stored.made);
        return;
    }
    assert!(
        wrong.is_empty(),
        "more than {}% from what is stored in {}:\n{}\nwhere that is meant: {command}",
        TOLERANCE * 100.0,
        file.display(),
        wrong.join("\n")
    );
}

fn written(made: &BTreeMap<String, String>, counted: &BTreeMap<String, f64>, command: &str) -> String {
    let mut text = format!("# Held to within {}% by tests. Written by:\n#   {command}\n\n", TOLERANCE * 100.0);
    text.push_str("# What the counts depend on; with another one they are only reported.\n[made]\n");
    for (name, value) in made {
        let _ = writeln!(text, "{name} = {value:?}");
    }
    text.push_str("\n# A round of each.\n[pieces]\n");
    for (name, count) in counted {
        let _ = writeln!(text, "{name} = {count:.2}");
    }
    text
}
