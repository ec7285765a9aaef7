//! Windows become rows: rows take turns in rounds, and what is reported of a row is the median of its
//! rounds, its best round, and its ratio to the baseline's window of the same round.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::Common;
use crate::instructions::Instructions;
use crate::load::{self, Expect, Order, Seen};
use crate::process::{self, Memory};
use crate::server::Server;
use crate::soak::Sample;

/// Work before each window that is not counted: caches and slots fill.
pub const WARM_UP: Duration = Duration::from_millis(200);

/// One line of the result.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    pub bench: &'static str,
    pub row: String,
    /// Requests in all windows.
    pub requests: usize,
    pub errors: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_error: Option<String>,
    /// Why it was not measured: its peer could not be had. Its figures are nothing then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    pub rps: f64,
    /// CPU µs a request of the server's whole process; median of the rounds.
    pub cpu_us: f64,
    /// … of the best round.
    pub cpu_us_best: f64,
    /// … by thread name, of the best round.
    pub cpu_us_by_thread: BTreeMap<String, f64>,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// After the last window.
    pub rss_mib: f64,
    pub pss_mib: f64,
    /// `cpu_us` over the baseline's, round by round; the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_to_baseline: Option<f64>,
    /// More figures of this row.
    #[serde(flatten)]
    pub more: BTreeMap<&'static str, f64>,
    /// Of a long run, how the server was in between.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
}

impl Row {
    /// The place of a row whose peer could not be had.
    pub fn left_out(bench: &'static str, row: &str, why: &str) -> Self {
        Self { bench, row: row.to_owned(), left_out: Some(why.to_owned()), ..Self::default() }
    }
}

/// What a server used in some time, and has at its end.
#[derive(Debug, Clone)]
pub struct Used {
    pub cpu: Duration,
    pub by_thread: BTreeMap<String, Duration>,
    pub memory: Memory,
    /// In user mode; `None`: they cannot be counted here.
    pub instructions: Option<u64>,
}

/// One measurement.
pub struct Window {
    pub seen: Seen,
    pub used: Used,
}

impl Window {
    pub fn new(seen: Seen, used: Used) -> Self {
        Self { seen, used }
    }

    pub fn rps(&self) -> f64 {
        self.seen.requests as f64 / self.seen.elapsed.as_secs_f64().max(1e-9)
    }

    /// A request.
    pub fn instructions(&self) -> Option<f64> {
        Some(self.used.instructions? as f64 / self.seen.requests.max(1) as f64)
    }

    pub fn cpu_us(&self) -> f64 {
        self.used.cpu.as_secs_f64() * 1e6 / self.seen.requests.max(1) as f64
    }
}

/// Loads a server and measures it meanwhile. `settle`: work that a request leaves behind is waited for
/// and counted.
///
/// # Errors
/// As [`load::run`].
pub fn measure(
    server: &Server,
    to: std::net::SocketAddr,
    requests: &[Vec<u8>],
    order: Order,
    connections: usize,
    status: u16,
    settle: Duration,
) -> anyhow::Result<Window> {
    let (seen, used) = watch(server, settle, || load::run(to, requests, order, connections, Expect { status }))?;
    Ok(Window::new(seen, used))
}

/// Does something and tells what the server used meanwhile, and for `settle` afterwards.
///
/// # Errors
/// Those of `act`.
pub fn watch<T>(
    server: &Server,
    settle: Duration,
    act: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Used)> {
    let pid = server.pid();
    let (threads, cpu) = (process::threads(pid), process::cpu(pid));
    let counter = Instructions::of(pid);
    let done = act()?;
    std::thread::sleep(settle);
    let cpu = process::cpu(pid).saturating_sub(cpu);
    let instructions = counter.and_then(|counter| counter.read());
    Ok((
        done,
        Used { instructions, cpu, by_thread: process::threads_since(pid, &threads), memory: process::memory(pid) },
    ))
}

/// One window of a server at its gateway, after some work that is not counted. All answers must be 200.
///
/// # Errors
/// As [`load::run`].
pub fn window(server: &Server, requests: &[Vec<u8>], common: &Common) -> anyhow::Result<Window> {
    let to = server.gateway;
    load::run(to, requests, Order::Random(WARM_UP), common.connections, Expect { status: 200 })?;
    let order = Order::Random(common.window());
    measure(server, to, requests, order, common.connections, 200, Duration::ZERO)
}

/// A row that is measured in turns with others.
pub struct Turn<'a> {
    pub name: &'static str,
    pub server: &'a Server,
    pub address: std::net::SocketAddr,
    pub requests: Vec<Vec<u8>>,
    pub status: u16,
    /// Nothing else runs on the generator's core: it need not sleep.
    pub alone: bool,
    /// Not ours and not the baseline: where it fails its row is left out, and the others are measured all the same.
    pub peer: bool,
}

impl<'a> Turn<'a> {
    pub fn new(name: &'static str, server: &'a Server, requests: Vec<Vec<u8>>) -> Self {
        Self { name, server, address: server.gateway, requests, status: 200, alone: process::cores() > 1, peer: false }
    }

    /// As [`Turn::new`], of a peer.
    pub fn peer(name: &'static str, server: &'a Server, requests: Vec<Vec<u8>>) -> Self {
        Self { peer: true, ..Self::new(name, server, requests) }
    }

    /// Its window of a round, after some work that is not counted.
    ///
    /// # Errors
    /// As [`load::run`].
    pub fn window(&self, common: &Common) -> anyhow::Result<Window> {
        let expect = Expect { status: self.status };
        load::run(self.address, &self.requests, Order::Random(WARM_UP), common.connections, expect)?;
        let length = common.window();
        let order = if self.alone { Order::Spinning(length) } else { Order::Random(length) };
        let connections = common.connections;
        measure(self.server, self.address, &self.requests, order, connections, self.status, Duration::ZERO)
    }
}

/// Measures all rows in rounds; the first is the baseline.
///
/// # Errors
/// As [`load::run`].
pub fn rounds(bench: &'static str, common: &Common, turns: &[Turn<'_>]) -> anyhow::Result<Vec<Row>> {
    if common.pause > 0 {
        for turn in turns {
            eprintln!("{}: pid {}", turn.name, turn.server.pid());
        }
        std::thread::sleep(Duration::from_secs(common.pause));
    }
    let mut windows: Vec<Result<Vec<Window>, String>> = turns.iter().map(|_| Ok(Vec::new())).collect();
    for round in 0..common.rounds.max(1) {
        eprint!("{bench}: round {} of {}\r", round + 1, common.rounds.max(1));
        for (turn, windows) in turns.iter().zip(&mut windows) {
            let Ok(own) = windows else { continue };
            match turn.window(common) {
                Ok(window) => own.push(window),
                Err(error) if turn.peer => {
                    eprintln!("{} is left out: {error:#}", turn.name);
                    *windows = Err(format!("{error:#}"));
                }
                Err(error) => return Err(error.context(turn.name)),
            }
            turn.server.forget_log();
        }
    }
    let rows = turns.iter().zip(&windows).enumerate().map(|(number, (turn, own))| match own {
        Ok(own) => {
            let baseline = windows.first().filter(|_| number > 0).and_then(|windows| windows.as_deref().ok());
            summary(bench, turn.name, own, baseline)
        }
        Err(why) => Row::left_out(bench, turn.name, why),
    });
    Ok(rows.collect())
}

/// Says of the rows that are named so what their CPU is over that of another row, of the figure that is given. Nothing,
/// where that row was not measured.
pub fn compare(rows: &mut [Row], to: &str, figure: &'static str, of: &[&str], cpu: fn(&Row) -> f64) {
    let base = rows.iter().find(|row| row.row == to && row.left_out.is_none()).map(cpu);
    let Some(base) = base.filter(|base| *base > 0.0) else { return };
    for row in rows.iter_mut().filter(|row| row.row != to && of.contains(&row.row.as_str())) {
        row.more.insert(figure, round(cpu(row) / base));
    }
}

/// One row of its windows.
pub fn summary(bench: &'static str, name: &str, windows: &[Window], baseline: Option<&[Window]>) -> Row {
    let of = |figure: &dyn Fn(&Window) -> f64| median(windows.iter().map(figure).collect());
    let best = windows.iter().min_by(|a, b| a.cpu_us().total_cmp(&b.cpu_us()));
    let by_thread = best.map_or_else(BTreeMap::new, |window| {
        let requests = window.seen.requests.max(1) as f64;
        let each =
            window.used.by_thread.iter().map(|(name, cpu)| (name.clone(), round(cpu.as_secs_f64() * 1e6 / requests)));
        each.filter(|(_, cpu)| *cpu >= 0.05).collect()
    });
    let memory = windows.last().map_or_else(Memory::default, |window| window.used.memory);
    let mut more = BTreeMap::new();
    let counted: Option<Vec<f64>> = windows.iter().map(Window::instructions).collect();
    if let Some(counted) = counted.filter(|counted| !counted.is_empty()) {
        more.insert("instructions", median(counted.clone()).round());
        let base: Option<Vec<f64>> = baseline.and_then(|windows| windows.iter().map(Window::instructions).collect());
        if let Some(base) = base {
            let ratios = counted.iter().zip(base).map(|(own, base)| own / base.max(1e-9));
            more.insert("instructions_ratio_to_baseline", round(median(ratios.collect())));
        }
    }
    Row {
        bench,
        row: name.to_owned(),
        requests: windows.iter().map(|window| window.seen.requests).sum(),
        errors: windows.iter().map(|window| window.seen.errors).sum(),
        first_error: windows.iter().find_map(|window| window.seen.first_error.clone()),
        left_out: None,
        rps: of(&Window::rps).round(),
        cpu_us: round(of(&Window::cpu_us)),
        cpu_us_best: round(best.map_or(0.0, Window::cpu_us)),
        cpu_us_by_thread: by_thread,
        p50_ms: round(of(&|window| window.seen.quantile_ms(0.5))),
        p99_ms: round(of(&|window| window.seen.quantile_ms(0.99))),
        rss_mib: round(memory.rss),
        pss_mib: round(memory.pss),
        ratio_to_baseline: baseline.map(|baseline| {
            let ratios = windows.iter().zip(baseline).map(|(own, base)| own.cpu_us() / base.cpu_us().max(1e-9));
            round(median(ratios.collect()))
        }),
        more,
        samples: Vec::new(),
    }
}

/// What a quantile of the latencies is over that of the window before it, round by round; the median.
pub fn times(alone: &[Window], beside: &[Window], share: f64) -> f64 {
    let rounds = alone.iter().zip(beside);
    let each = rounds.map(|(alone, beside)| beside.seen.quantile_ms(share) / alone.seen.quantile_ms(share).max(0.001));
    round(median(each.collect()))
}

/// Prints the rows: JSON for machines, a table for people.
pub fn print(rows: &[Row]) -> anyhow::Result<()> {
    eprintln!(
        "{:<10} {:<34} {:>8} {:>9} {:>9} {:>7} {:>8} {:>8} {:>8} {:>6}",
        "bench", "row", "rps", "cpu µs", "best", "ratio", "p50 ms", "p99 ms", "RSS MiB", "errors"
    );
    for row in rows {
        println!("{}", serde_json::to_string(row)?);
        if let Some(why) = &row.left_out {
            eprintln!("{:<10} {:<34} LEFT OUT: {why}", row.bench, row.row);
            continue;
        }
        let ratio = row.ratio_to_baseline.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        eprintln!(
            "{:<10} {:<34} {:>8.0} {:>9.1} {:>9.1} {:>7} {:>8.2} {:>8.2} {:>8.1} {:>6}",
            row.bench,
            row.row,
            row.rps,
            row.cpu_us,
            row.cpu_us_best,
            ratio,
            row.p50_ms,
            row.p99_ms,
            row.rss_mib,
            row.errors
        );
        if let Some(first) = &row.first_error {
            eprintln!("{:<10} the first error: {first}", "");
        }
    }
    Ok(())
}

pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

/// Three decimals are more than such figures hold.
pub fn round(figure: f64) -> f64 {
    (figure * 1e3).round() / 1e3
}
