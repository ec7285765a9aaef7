//! What is told while a run goes on: a bar and a line of percentiles on a terminal, else a line every few seconds.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::plan::{Length, Plan};
use super::result::milliseconds;
use super::tally::Tally;

/// Where nobody watches a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

pub struct Live {
    /// `None`: stderr is no terminal.
    bar: Option<ProgressBar>,
    length: Length,
    since_line: Duration,
}

impl Live {
    /// How often the bar moves.
    pub const EVERY: Duration = Duration::from_millis(250);

    pub fn new(plan: &Plan) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let whole = match (plan.length, plan.time()) {
                (Length::Requests(requests), _) => requests,
                (_, time) => time.map_or(0, |time| time.as_millis() as u64),
            };
            let bar = ProgressBar::with_draw_target(Some(whole), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{elapsed:>4} [{bar:12}] {percent:>3}% {wide_msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "))
        });
        Self { bar, length: plan.length, since_line: Duration::ZERO }
    }

    /// How far it is.
    pub fn moved(&self, elapsed: Duration, total: &Tally) {
        if let Some(bar) = &self.bar {
            bar.set_position(match self.length {
                Length::Time(_) => elapsed.as_millis() as u64,
                Length::Requests(_) => total.requests(),
            });
        }
    }

    /// What the last interval brought.
    pub fn tell(&mut self, total: &Tally, interval: &Tally, length: Duration) {
        let latency = &interval.latency;
        let at = |quantile: f64| milliseconds(latency.value_at_quantile(quantile));
        let line = format!(
            "{:.0}/s p50 {} p99 {} p99.9 {} max {} ms, errors {}",
            interval.requests() as f64 / length.as_secs_f64().max(1e-9),
            at(0.5),
            at(0.99),
            at(0.999),
            milliseconds(latency.max()),
            total.errors()
        );
        self.since_line += length;
        match &self.bar {
            Some(bar) => bar.set_message(line),
            None if self.since_line >= LINE_EVERY => {
                self.since_line = Duration::ZERO;
                eprintln!("{line}");
            }
            None => {}
        }
    }

    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
