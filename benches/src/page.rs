//! The page of a run: how the goals stand, and a plot and the figures of each bench. One file that needs nothing
//! else, for light and dark.

use std::fmt::Write as _;

use crate::all::{Outcome, Run};
use crate::chart::{self, Bar, Kind, escape, number};
use crate::report::Row;
use crate::targets::{Judged, Verdict};

/// The whole page.
pub fn of(run: &Run) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Switchyard, measured {began}</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        include_str!("page.css"),
        began = escape(&run.began)
    );
    head(&mut page, run);
    goals(&mut page, &run.goals);
    for bench in &run.benches {
        section(&mut page, bench);
    }
    page + "</body>\n</html>\n"
}

fn head(page: &mut String, run: &Run) {
    let machine = &run.machine;
    let count = |of: fn(&Verdict) -> bool| run.goals.iter().filter(|goal| of(&goal.verdict)).count();
    let sizes = if run.quick { "quick: fewer tenants and short windows, so that it is noisier" } else { "full" };
    let peers: Vec<_> = machine.peers.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let peers = if run.peers { format!("in this run: {}", peers.join(", ")) } else { "not measured".to_owned() };
    let _ = write!(
        page,
        "<h1>Switchyard, measured</h1>\n<p>Every row stands beside its baseline of the same run. Compare rows of one \
         page, never of two.</p>\n<div class=\"counts\"><span class=\"verdict-holds\">{} goals hold</span>\
         <span class=\"verdict-misses\">{} are missed</span><span class=\"verdict-not\">{} were not measured</span></div>\n\
         <dl class=\"facts\">\n",
        count(|verdict| *verdict == Verdict::Holds),
        count(|verdict| *verdict == Verdict::Misses),
        count(|verdict| matches!(verdict, Verdict::NotMeasured(_))),
    );
    for (name, value) in [
        ("Began", format!("{}, took {:.1} minutes", run.began, run.minutes)),
        ("Sizes", sizes.to_owned()),
        ("Peers", peers),
        ("Processor", format!("{}, {} cores", machine.cpu, machine.cores)),
        ("Memory", format!("{} MiB", chart::number(machine.memory_mib as f64))),
        ("Kernel", machine.kernel.clone()),
        ("Server", format!("{}, commit {}", machine.switchyard.lines().next().unwrap_or_default(), machine.commit)),
        ("Machine's load", format!("{} before, {} after", machine.load_before, machine.load_after)),
    ] {
        let _ = writeln!(page, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    page.push_str("</dl>\n");
}

fn goals(page: &mut String, goals: &[Judged]) {
    page.push_str(
        "<h2>Goals</h2>\n<p>A bar that ends before its line is within its goal.</p>\n<div class=\"wide\"><table>\n\
         <tr><th>row</th><th>figure</th><th class=\"n\">value</th><th class=\"n\">goal</th><th></th><th>verdict</th></tr>\n",
    );
    for goal in goals {
        let target = &goal.target;
        let class = match goal.verdict {
            Verdict::Holds => "holds",
            Verdict::Misses => "misses",
            Verdict::NotMeasured(_) => "not",
        };
        let _ = writeln!(
            page,
            "<tr><td class=\"whole\">{} <code>{}</code></td><td class=\"whole\"><code>{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td>{}</td><td class=\"verdict-{class}\">{}</td></tr>",
            escape(target.bench),
            escape(target.row),
            escape(target.figure),
            goal.value.map_or_else(String::new, number),
            escape(&target.bound.to_string()),
            goal.value.map_or_else(String::new, |value| chart::gauge(target.bound.used(value))),
            escape(&goal.verdict.to_string()),
        );
    }
    page.push_str("</table></div>\n");
}

fn section(page: &mut String, bench: &Outcome) {
    let _ = writeln!(
        page,
        "<h2 id=\"{0}\">{0}</h2>\n<p><code>benches {1}</code>, {2} s</p>",
        escape(&bench.bench),
        escape(&bench.command),
        number(bench.seconds)
    );
    if let Some(why) = &bench.failed {
        let _ = writeln!(page, "<p class=\"wrong\">It failed: {}</p>", escape(why));
        return;
    }
    let measured: Vec<&Row> = bench.rows.iter().filter(|row| row.left_out.is_none()).collect();
    let bars: Vec<_> = measured.iter().filter(|row| row.cpu_us > 0.0).map(|row| bar(row)).collect();
    if !bars.is_empty() {
        legend(page, &bars);
        for part in chart::parts(bars) {
            page.push_str(&chart::bars(&format!("CPU of a request, {}", bench.bench), "CPU µs a request", &part));
        }
    }
    memory(page, bench, &measured);
    for row in &bench.rows {
        if let Some(why) = &row.left_out {
            let _ = writeln!(page, "<p class=\"wrong\">{} was left out: {}</p>", escape(&row.row), escape(why));
        }
        if let Some(first) = &row.first_error {
            let (name, first) = (escape(&row.row), escape(first));
            let _ = writeln!(page, "<p class=\"wrong\">{name}: {} errors; the first: {first}</p>", row.errors);
        }
    }
    figures(page, &measured);
}

/// Where rows differ in it: the baseline's is not the question.
fn memory(page: &mut String, bench: &Outcome, rows: &[&Row]) {
    let rows = rows.iter().filter(|row| row.rss_mib > 0.0 && kind(&row.row) != Kind::Baseline);
    let bars: Vec<_> = rows.map(|row| Bar { value: row.rss_mib, mark: None, ..bar(row) }).collect();
    let most = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    if bars.iter().any(|bar| bar.value * 2.0 < most) {
        page.push_str(&chart::bars(&format!("Memory, {}", bench.bench), "RSS, MiB", &bars));
    }
}

fn bar(row: &Row) -> Bar {
    let mark = Some(row.cpu_us_best).filter(|best| *best > 0.0);
    Bar { name: row.row.clone(), kind: kind(&row.row), value: row.cpu_us, mark }
}

/// By its name: what is not ours says whose it is.
fn kind(row: &str) -> Kind {
    match row {
        row if row.starts_with("bare-") => Kind::Baseline,
        row if crate::peers::NAMES.iter().any(|peer| row.starts_with(peer)) => Kind::Peer,
        _ => Kind::Ours,
    }
}

fn legend(page: &mut String, bars: &[Bar]) {
    page.push_str("<div class=\"legend\">");
    for (kind, name) in [(Kind::Ours, "Switchyard"), (Kind::Baseline, "baseline"), (Kind::Peer, "peer")] {
        if bars.iter().any(|bar| bar.kind == kind) {
            let square = format!(
                "<svg viewBox=\"0 0 12 12\"><rect class=\"{}\" width=\"12\" height=\"12\" rx=\"2\"/></svg>",
                kind.class()
            );
            let _ = write!(page, "<span>{square}{name}</span>");
        }
    }
    page.push_str("<span>bar: median of the rounds; line: the best round</span></div>\n");
}

fn figures(page: &mut String, rows: &[&Row]) {
    page.push_str(
        "<div class=\"wide\"><table>\n<tr><th>row</th><th class=\"n\">rps</th><th class=\"n\">CPU µs</th>\
         <th class=\"n\">best</th><th class=\"n\">× baseline</th><th class=\"n\">p50 ms</th><th class=\"n\">p99 ms</th>\
         <th class=\"n\">RSS MiB</th><th class=\"n\">errors</th><th>more</th></tr>\n",
    );
    for row in rows {
        let cell = |figure: f64| if figure == 0.0 { "–".to_owned() } else { number(figure) };
        let _ = write!(page, "<tr><td class=\"whole\"><code>{}</code></td>", escape(&row.row));
        let ratio = row.ratio_to_baseline.unwrap_or(0.0);
        for figure in [row.rps, row.cpu_us, row.cpu_us_best, ratio, row.p50_ms, row.p99_ms, row.rss_mib] {
            let _ = write!(page, "<td class=\"n\">{}</td>", cell(figure));
        }
        let more: Vec<_> = row.more.iter().map(|(name, value)| format!("{name} {}", number(*value))).collect();
        let _ = writeln!(page, "<td class=\"n\">{}</td><td>{}</td></tr>", row.errors, escape(&more.join(", ")));
    }
    page.push_str("</table></div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::targets;

    fn run() -> Run {
        let row = |name: &str, cpu: f64| Row { bench: "hello", row: name.into(), cpu_us: cpu, ..Row::default() };
        let mut wrong = row("warm-1", 40.0);
        (wrong.errors, wrong.first_error) = (3, Some("503 <script>alert('x')</script>".into()));
        let rows = vec![
            row("bare-hyper", 12.0),
            wrong,
            row("workerd-hello", 123.0),
            Row::left_out("hello", "nginx-hello", "no \"apt\""),
        ];
        let outcome = |bench: &str, rows, failed: Option<&str>| Outcome {
            bench: bench.into(),
            command: format!("{bench} --quick"),
            seconds: 1.5,
            failed: failed.map(str::to_owned),
            rows,
        };
        let benches = vec![outcome("hello", rows, None), outcome("limit", vec![], Some("no port & no rows"))];
        let goals = targets::TARGETS.iter().map(|target| targets::judge(target, &benches)).collect();
        let machine = Machine::here();
        Run { began: "2026-01-01T00:00:00Z".into(), minutes: 1.0, quick: true, peers: true, machine, goals, benches }
    }

    #[test]
    fn the_page_needs_nothing_else_and_runs_nothing() {
        let page = of(&run());
        for foreign in ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert!(page.contains("503 &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    }

    #[test]
    fn what_failed_and_what_was_left_out_is_said() {
        let page = of(&run());
        assert!(page.contains("It failed: no port &amp; no rows"));
        assert!(page.contains("nginx-hello was left out: no &quot;apt&quot;"));
        assert!(page.contains("not measured: the bench failed: no port &amp; no rows"));
        assert!(!page.contains("NaN") && !page.contains("inf\""));
    }

    #[test]
    fn whose_a_row_is_is_seen() {
        let rows = ["bare-hyper", "warm-1", "workerd-hello", "wasmtime-serve-echo", "nginx-proxy", "wrk"];
        let kinds = [Kind::Baseline, Kind::Ours, Kind::Peer, Kind::Peer, Kind::Peer, Kind::Peer];
        assert_eq!(rows.map(kind), kinds);
        let page = of(&run());
        for class in ["ours", "baseline", "peer"] {
            assert!(page.contains(&format!("<rect class=\"{class}\" x=")), "{class}");
        }
    }
}
