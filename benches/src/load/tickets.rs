//! When requests are sent. A connection takes a ticket for each; it says when the request is due, and latency counts
//! from then. In an open loop the times are fixed before the run: a server that stalls makes all that are due meanwhile
//! wait, and they are counted as having waited. In a closed loop a request is due when its connection is free.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::plan::{Arrivals, Length, Plan};
use super::random::Random;
use super::timer::Timer;

/// How long to look away from a backlog that is being worked off.
const GLANCE: Duration = Duration::from_millis(5);

/// Those of one thread.
pub struct Tickets {
    began: Instant,
    way: Way,
}

enum Way {
    Closed {
        until: Option<Duration>,
        /// All threads' together; `None`: until the time is over.
        left: Option<Arc<AtomicU64>>,
    },
    Open {
        schedule: Schedule,
        /// Where the connections are in it.
        next: RefCell<Schedule>,
        /// How many are due and not taken.
        due: Semaphore,
        /// How many were made due, and taken.
        made: Cell<u64>,
        taken: Cell<u64>,
    },
}

impl Tickets {
    /// `left`: shared by all threads, of a closed loop that ends by count.
    pub fn new(plan: &Plan, thread: usize, began: Instant, left: Arc<AtomicU64>) -> Self {
        let way = match Schedule::new(plan, thread) {
            Some(schedule) => Way::Open {
                next: RefCell::new(schedule.clone()),
                schedule,
                due: Semaphore::new(0),
                made: Cell::new(0),
                taken: Cell::new(0),
            },
            None => match plan.length {
                Length::Time(time) => Way::Closed { until: Some(time), left: None },
                Length::Requests(_) => Way::Closed { until: None, left: Some(left) },
            },
        };
        Self { began, way }
    }

    /// When the next request is due: now, or before; `None`: there is none.
    pub async fn next(&self) -> Option<Instant> {
        match &self.way {
            Way::Closed { until, left } => {
                let now = Instant::now();
                if until.is_some_and(|until| now.duration_since(self.began) >= until) {
                    return None;
                }
                if let Some(left) = left {
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).ok()?;
                }
                Some(now)
            }
            Way::Open { next, due, taken, .. } => {
                due.acquire().await.ok()?.forget();
                taken.set(taken.get() + 1);
                let offset = next.borrow_mut().next()?;
                Some(self.began + offset)
            }
        }
    }

    /// Makes tickets due at their times, then waits until those that are left are taken, for at most `grace`.
    ///
    /// # Errors
    /// When the system has no timer for it.
    pub async fn pace(&self, grace: Duration) -> std::io::Result<()> {
        let Way::Open { schedule, due, made, taken, .. } = &self.way else { return Ok(()) };
        let timer = Timer::new()?;
        let mut schedule = schedule.clone();
        let mut next = schedule.next();
        while let Some(offset) = next {
            timer.until(self.began + offset).await?;
            let now = self.began.elapsed();
            let mut ripe = 0;
            while next.is_some_and(|offset| offset <= now) {
                ripe += 1;
                next = schedule.next();
            }
            made.set(made.get() + ripe as u64);
            due.add_permits(ripe);
        }
        let until = Instant::now() + grace;
        // Not the permits that are left: one that was given to a connection is lost to it when they are closed.
        while taken.get() < made.get() && Instant::now() < until {
            tokio::time::sleep(GLANCE).await;
        }
        due.close();
        Ok(())
    }

    /// Due, but never taken.
    pub fn unsent(&self) -> u64 {
        match &self.way {
            Way::Closed { .. } => 0,
            Way::Open { made, taken, .. } => made.get() - taken.get(),
        }
    }

    /// Whether waiting for the server moves the next request back.
    pub fn is_closed_loop(&self) -> bool {
        matches!(self.way, Way::Closed { .. })
    }
}

/// The times of one thread's requests, since the begin; the same each time it is gone through.
#[derive(Debug, Clone)]
struct Schedule {
    arrivals: Arrivals,
    thread: u64,
    threads: u64,
    until: Option<Duration>,
    left: u64,
    index: u64,
    /// Of the last one, in seconds.
    at: f64,
    random: Random,
}

impl Schedule {
    /// `None`: a closed loop has no such times.
    fn new(plan: &Plan, thread: usize) -> Option<Self> {
        plan.arrivals.rate()?;
        let (thread, threads) = (thread as u64, plan.threads as u64);
        let (until, left) = match plan.length {
            Length::Time(time) => (Some(time), u64::MAX),
            Length::Requests(all) => (None, all / threads + u64::from(thread < all % threads)),
        };
        let random = Random::new(plan.seed.wrapping_add(thread).wrapping_mul(0xe703_7ed1_a0b4_28db));
        Some(Self { arrivals: plan.arrivals, thread, threads, until, left, index: 0, at: 0.0, random })
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let seconds = match self.arrivals {
            Arrivals::Closed => return None,
            Arrivals::Even(rate) => (self.index * self.threads + self.thread) as f64 / rate,
            Arrivals::Poisson(rate) => {
                // Threads together have the whole rate: sums of such arrivals are such arrivals.
                self.at -= (1.0 - self.random.share()).ln() * self.threads as f64 / rate;
                self.at
            }
        };
        self.index += 1;
        let offset = Duration::try_from_secs_f64(seconds).ok()?;
        self.until.is_none_or(|until| offset < until).then_some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(arrivals: Arrivals, thread: u64, threads: u64, until: Option<Duration>, left: u64) -> Schedule {
        Schedule { arrivals, thread, threads, until, left, index: 0, at: 0.0, random: Random::new(thread + 5) }
    }

    #[test]
    fn even_arrivals_of_all_threads_are_one_row() {
        let second = Some(Duration::from_secs(1));
        let threads = (0..3).flat_map(|thread| schedule(Arrivals::Even(100.0), thread, 3, second, u64::MAX));
        let mut times: Vec<u128> = threads.map(|offset| offset.as_micros()).collect();
        times.sort_unstable();
        assert_eq!(times, (0..100).map(|k| k * 10_000).collect::<Vec<u128>>());
    }

    #[test]
    fn poisson_arrivals_have_their_rate_and_their_gaps() {
        let times: Vec<f64> =
            schedule(Arrivals::Poisson(1_000.0), 0, 2, None, 100_000).map(|at| at.as_secs_f64()).collect();
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let spread = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        // Two threads share 1,000 a second; exponential gaps are spread as wide as they are long.
        assert!((mean * 500.0 - 1.0).abs() < 0.02, "{mean}");
        assert!((spread / mean - 1.0).abs() < 0.02, "{spread}");
        let longer = gaps.iter().filter(|gap| **gap > 2.0 * mean).count() as f64 / gaps.len() as f64;
        assert!((longer / (-2.0_f64).exp() - 1.0).abs() < 0.05, "{longer}");
    }

    #[test]
    fn a_count_is_shared_out() {
        let counts: Vec<usize> = (0..3)
            .map(|thread| schedule(Arrivals::Even(10.0), thread, 3, None, 10 / 3 + u64::from(thread < 1)).count())
            .collect();
        assert_eq!(counts, [4, 3, 3]);
    }
}
