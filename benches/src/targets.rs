//! The goals: which figure of which row is to be how much. This table is the only place that they are in; README.md
//! shows it, and a test holds the two together.

use std::fmt;
use std::fmt::Write as _;

use serde::Serialize;

use crate::all::Outcome;

/// What a figure is held against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// One figure of one row.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Target {
    pub bench: &'static str,
    pub row: &'static str,
    pub figure: &'static str,
    #[serde(flatten)]
    pub bound: Bound,
}

const fn at_most(bench: &'static str, row: &'static str, figure: &'static str, most: f64) -> Target {
    Target { bench, row, figure, bound: Bound::AtMost(most) }
}

const fn at_least(bench: &'static str, row: &'static str, figure: &'static str, least: f64) -> Target {
    Target { bench, row, figure, bound: Bound::AtLeast(least) }
}

/// All of them. Those of one row stand together.
pub const TARGETS: &[Target] = &[
    at_least("generator", "bare-hyper", "generator_to_wrk", 0.95),
    at_most("hello", "warm-1", "ratio_to_baseline", 3.3),
    at_most("hello", "warm-1", "ratio_to_workerd", 1.0),
    at_most("hello", "clean-many", "ratio_to_baseline", 4.2),
    at_most("hello", "clean-many", "ratio_to_warm", 1.3),
    at_most("hello", "clean-many", "ratio_to_workerd", 1.0),
    at_most("dispatch", "dispatcher-to-clean-many", "cpu_us", 90.0),
    at_most("dispatch", "dispatcher-to-clean-many", "ratio_to_workerd", 0.23),
    at_most("component", "first-call", "p50_ms", 2.0),
    at_most("component", "first-call", "idle_anonymous_kib_each", 64.0),
    at_most("component", "hello-1", "ratio_to_peer", 0.4),
    at_most("component", "hello-many", "ratio_to_one", 1.3),
    at_least("component", "echo", "gb_per_core_second", 1.0),
    at_most("component", "quiet-beside-bombs", "p99_times", 1.5),
    at_most("resolve", "fixed", "ratio_to_baseline", 1.25),
    at_most("resolve", "fixed", "instructions_ratio_to_baseline", 1.25),
    at_most("resolve", "header", "ratio_to_baseline", 1.25),
    at_most("resolve", "header", "instructions_ratio_to_baseline", 1.25),
    at_most("resolve", "sql-cached", "ratio_to_baseline", 1.25),
    at_most("resolve", "sql-cached", "instructions_ratio_to_baseline", 1.25),
    at_most("resolve", "subdomain", "ratio_to_baseline", 1.25),
    at_most("resolve", "subdomain", "instructions_ratio_to_baseline", 1.25),
    at_most("proxy", "upstream-1", "ratio_to_baseline", 1.05),
    at_least("fairness", "quiet-beside-burner", "share_of_alone", 0.45),
    at_most("fairness", "quiet-beside-burner", "p99_ms_more", 3.0),
    at_least("fairness", "one-call-beside-burner-2-cores", "share_of_alone", 0.8),
    at_most("fairness", "one-call-beside-burner-2-cores", "p99_ms_more", 3.0),
    at_most("canary", "quiet-beside-hostile", "p99_times", 2.0),
    at_most("canary", "quiet-beside-hostile", "errors", 0.0),
    at_most("limit", "quiet-beside-loops", "loop_cpu_ms_p99", 12.0),
    at_most("limit", "quiet-beside-loops", "errors", 0.0),
    at_most("publish", "new-small", "cpu_us", 5_000.0),
    at_most("churn", "requests-beside-uploads", "errors", 0.0),
    at_most("churn", "uploads-10KB", "cpu_us", 5_000.0),
    at_most("churn", "uploads-10KB", "stale", 0.0),
    at_most("churn", "uploads-10KB", "errors", 0.0),
    at_most("density", "start-with-all", "start_ms", 250.0),
    at_most("density", "start-with-all", "rss_mib", 60.0),
    at_most("density", "start-with-all", "disk_kib_each", 50.0),
    at_most("density", "first-call", "p99_ms", 3.0),
    at_most("density", "first-call-at-once", "cpu_us", 150.0),
    at_most("density", "random-calls", "rss_mib", 600.0),
    at_most("density", "random-calls", "errors", 0.0),
    at_most("slot", "clean-many-after-heavy", "ratio_to_clean_many", 1.15),
    at_least("threads", "two-threads", "rps_times", 1.9),
    at_most("idle", "after-a-request", "kib_each", 20.0),
    at_most("soak", "dispatches", "errors", 0.0),
    at_most("soak", "dispatches", "rss_times", 1.05),
    at_most("soak", "dispatches", "descriptors_more", 0.0),
    at_most("soak", "dispatches", "threads_more", 0.0),
    at_most("list", "page-of-1000", "cpu_us", 10_000.0),
];

/// How a goal stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Holds,
    Misses,
    /// Why not.
    NotMeasured(String),
}

/// A goal, and what was measured.
#[derive(Debug, Serialize)]
pub struct Judged {
    #[serde(flatten)]
    pub target: Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    pub verdict: Verdict,
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    /// How much of what is allowed is used: 1 is just within. Infinite where nothing is allowed and something is there.
    pub fn used(self, value: f64) -> f64 {
        let (part, whole) = match self {
            Self::AtMost(most) => (value, most),
            Self::AtLeast(least) => (least, value),
        };
        if part <= 0.0 { 0.0 } else { part / whole }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {}", thousands(*most)),
            Self::AtLeast(least) => write!(f, "≥ {}", thousands(*least)),
        }
    }
}

/// `5,000`; a figure below a thousand as it is.
pub fn thousands(figure: f64) -> String {
    if figure.abs() < 1e3 {
        return figure.to_string();
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (number, digit) in digits.chars().enumerate() {
        let left = digits.len() - number;
        if number > 0 && left % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.write_str("holds"),
            Self::Misses => f.write_str("misses"),
            Self::NotMeasured(why) => write!(f, "not measured: {why}"),
        }
    }
}

/// What the outcomes say of a goal.
pub fn judge(target: &Target, outcomes: &[Outcome]) -> Judged {
    let found = find(target, outcomes);
    let verdict = match &found {
        Ok(value) if target.bound.holds(*value) => Verdict::Holds,
        Ok(_) => Verdict::Misses,
        Err(why) => Verdict::NotMeasured(why.clone()),
    };
    Judged { target: *target, value: found.ok(), verdict }
}

/// The figure, or why there is none.
fn find(target: &Target, outcomes: &[Outcome]) -> Result<f64, String> {
    let bench = outcomes.iter().find(|outcome| outcome.bench == target.bench).ok_or("the bench was not run")?;
    if let Some(why) = &bench.failed {
        return Err(format!("the bench failed: {why}"));
    }
    let row = bench.rows.iter().find(|row| row.row == target.row && row.left_out.is_none());
    let row = row.ok_or("there is no such row")?;
    let figures = serde_json::to_value(row).map_err(|error| error.to_string())?;
    if let Some(value) = figures.get(target.figure).and_then(serde_json::Value::as_f64) {
        return Ok(value);
    }
    // What is compared with a peer lacks where the peer does.
    let peer = ["generator_to_wrk", "ratio_to_workerd", "ratio_to_peer"].contains(&target.figure);
    let left_out = bench.rows.iter().find_map(|row| Some((&row.row, row.left_out.as_ref()?)));
    Err(match left_out.filter(|_| peer) {
        Some((row, why)) => format!("no {row}: {why}"),
        None if peer => "its peer was not asked for (--peers)".to_owned(),
        None if target.figure.starts_with("instructions") => "this machine counts no instructions for us".to_owned(),
        None => "the row has no such figure".to_owned(),
    })
}

/// The table of README.md.
pub fn markdown() -> String {
    let mut text = "| bench | row | goal |\n|---|---|---|\n".to_owned();
    for of_row in TARGETS.chunk_by(|a, b| (a.bench, a.row) == (b.bench, b.row)) {
        let goals: Vec<_> = of_row.iter().map(|target| format!("`{}` {}", target.figure, target.bound)).collect();
        let _ = writeln!(text, "| `{}` | `{}` | {} |", of_row[0].bench, of_row[0].row, goals.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Row;

    fn outcome(rows: Vec<Row>, failed: Option<&str>) -> [Outcome; 1] {
        let failed = failed.map(str::to_owned);
        [Outcome { bench: "hello".into(), command: "hello".into(), seconds: 1.0, failed, rows }]
    }

    fn row(ratio: Option<f64>) -> Row {
        Row { bench: "hello", row: "warm-1".into(), ratio_to_baseline: ratio, ..Row::default() }
    }

    fn verdict(target: Target, outcomes: &[Outcome]) -> Verdict {
        judge(&target, outcomes).verdict
    }

    #[test]
    fn the_readme_has_this_table() {
        assert!(
            include_str!("../README.md").contains(&markdown()),
            "README.md's goals are not these (`benches goals` prints them):\n{}",
            markdown()
        );
    }

    #[test]
    fn a_figure_is_held_against_its_bound() {
        let most = at_most("hello", "warm-1", "ratio_to_baseline", 3.3);
        let least = at_least("hello", "warm-1", "ratio_to_baseline", 3.3);
        for (ratio, of_most, of_least) in [
            (3.2, Verdict::Holds, Verdict::Misses),
            (3.3, Verdict::Holds, Verdict::Holds),
            (3.31, Verdict::Misses, Verdict::Holds),
        ] {
            let outcomes = outcome(vec![row(Some(ratio))], None);
            assert_eq!(verdict(most, &outcomes), of_most, "{ratio}");
            assert_eq!(verdict(least, &outcomes), of_least, "{ratio}");
        }
        let judged = judge(&most, &outcome(vec![row(Some(3.2))], None));
        assert_eq!(
            serde_json::to_value(judged).unwrap(),
            serde_json::json!({ "bench": "hello", "row": "warm-1", "figure": "ratio_to_baseline", "at_most": 3.3,
                "value": 3.2, "verdict": "holds" })
        );
    }

    #[test]
    fn what_is_not_measured_says_why() {
        let target = at_most("hello", "warm-1", "ratio_to_workerd", 1.0);
        let why = |outcomes: &[Outcome]| verdict(target, outcomes).to_string();
        assert_eq!(why(&[]), "not measured: the bench was not run");
        assert_eq!(why(&outcome(vec![], Some("no port"))), "not measured: the bench failed: no port");
        assert_eq!(why(&outcome(vec![], None)), "not measured: there is no such row");
        let alone = outcome(vec![row(Some(3.0))], None);
        assert_eq!(why(&alone), "not measured: its peer was not asked for (--peers)");
        let without = outcome(vec![row(Some(3.0)), Row::left_out("hello", "workerd-hello", "no npm")], None);
        assert_eq!(why(&without), "not measured: no workerd-hello: no npm");
    }

    #[test]
    fn more_of_a_row_counts_too() {
        let mut of = row(None);
        of.more.insert("stale", 0.0);
        let outcomes = outcome(vec![of], None);
        assert_eq!(verdict(at_most("hello", "warm-1", "stale", 0.0), &outcomes), Verdict::Holds);
        assert_eq!(verdict(at_most("hello", "warm-1", "errors", 0.0), &outcomes), Verdict::Holds);
    }

    #[test]
    fn a_bound_is_used_in_part() {
        assert_eq!(Bound::AtMost(4.0).used(1.0), 0.25);
        assert_eq!(Bound::AtLeast(0.8).used(1.6), 0.5);
        assert_eq!(Bound::AtMost(0.0).used(0.0), 0.0);
        assert_eq!(Bound::AtMost(0.0).used(2.0), f64::INFINITY);
        assert_eq!(Bound::AtLeast(0.8).used(0.0), f64::INFINITY);
        assert_eq!(Bound::AtMost(3.0).used(-1.0), 0.0);
    }

    #[test]
    fn large_numbers_are_read_in_threes() {
        let all = [0.23, 90.0, 999.5, 5_000.0, 1_234_567.0, -12_345.0].map(thousands);
        assert_eq!(all, ["0.23", "90", "999.5", "5,000", "1,234,567", "-12,345"]);
    }
}
