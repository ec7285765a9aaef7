//! What is known of each key, how long it counts, and when the database is asked.
//!
//! A row counts for its TTL. For as long again it is served while it is asked for anew; beyond that
//! requests wait for the database, and if it is away they are served the old row, up to `max_stale`.
//! "There is no row" is kept in a cache of its own, so that made-up keys never push out tenants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::sync::Cache;

use super::away::Away;
use super::database::{Database, LookupError};
use super::flights::{Flight, Flights, Found, Joined};
use super::row::{Reader, Target};
use crate::config::LookupCache;
use crate::ids::draw;
use crate::observe::LookupMetrics;

/// Where an answer came from. A metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A row from memory.
    Hit,
    /// "There is no row", from memory.
    NegativeHit,
    /// A row from memory whose time has just run out; it is asked for anew.
    Refresh,
    /// An old row, since the database does not answer.
    Stale,
    /// The database, which has a row.
    Row,
    /// The database, which has none.
    NoRow,
    /// Nowhere: the database does not answer, and nothing is known.
    Failed,
}

impl Source {
    pub const ALL: [Source; 7] =
        [Self::Hit, Self::NegativeHit, Self::Refresh, Self::Stale, Self::Row, Self::NoRow, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::NegativeHit => "negative_hit",
            Self::Refresh => "refresh",
            Self::Stale => "stale",
            Self::Row => "row",
            Self::NoRow => "no_row",
            Self::Failed => "failed",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Hit => "a row, from memory",
            Self::NegativeHit => "no row, from memory",
            Self::Refresh => "a row, from memory; its time has just run out, and it is asked for anew",
            Self::Stale => "an old row, from memory, since the database does not answer",
            Self::Row => "a row, from the database",
            Self::NoRow => "no row, from the database",
            Self::Failed => "the database does not answer",
        }
    }
}

#[derive(Clone)]
struct Known {
    target: Arc<Target>,
    fresh: Instant,
    /// Until then it is served while it is asked for anew.
    late: Instant,
}

pub(super) struct Lookup {
    database: Database,
    reader: Reader,
    rows: Cache<Box<str>, Known>,
    /// Until when there is no row.
    none: Cache<Box<str>, Instant>,
    ttl: Duration,
    negative_ttl: Duration,
    flights: Flights,
    away: Away,
    metrics: LookupMetrics,
    /// Milliseconds since the start, of the last complaint about a row or a statement.
    started: Instant,
    complained: AtomicU64,
}

impl Lookup {
    pub(super) fn new(database: Database, reader: Reader, cache: LookupCache, metrics: LookupMetrics) -> Self {
        Self {
            database,
            reader,
            rows: Cache::builder().max_capacity(cache.entries).time_to_live(cache.max_stale.max(cache.ttl)).build(),
            none: Cache::builder()
                .max_capacity(cache.negative_entries)
                .time_to_live(cache.negative_ttl + cache.negative_ttl / 10 + Duration::from_millis(1))
                .build(),
            ttl: cache.ttl,
            negative_ttl: cache.negative_ttl,
            flights: Flights::default(),
            away: Away::new(metrics.away.clone()),
            metrics,
            started: Instant::now(),
            complained: AtomicU64::new(0),
        }
    }

    /// Waits for the database only if nothing recent is known, and not longer than its time-outs.
    pub(super) async fn find(self: &Arc<Self>, key: &str) -> (Source, Found) {
        let (source, found) = self.look(key).await;
        self.metrics.count(source);
        (source, found)
    }

    /// What is in memory and counts; `None`: it is to be [found](Self::find).
    pub(super) fn known(&self, key: &str) -> Option<Option<Arc<Target>>> {
        let (source, found) = self.fresh(key, self.rows.get(key).as_ref(), Instant::now())?;
        self.metrics.count(source);
        Some(found)
    }

    /// `known`: what there is of a row, however old.
    fn fresh(&self, key: &str, known: Option<&Known>, now: Instant) -> Option<(Source, Option<Arc<Target>>)> {
        match known {
            Some(known) if now < known.fresh => Some((Source::Hit, Some(known.target.clone()))),
            None if self.none.get(key).is_some_and(|until| now < until) => Some((Source::NegativeHit, None)),
            _ => None,
        }
    }

    async fn look(self: &Arc<Self>, key: &str) -> (Source, Found) {
        let now = Instant::now();
        let known = self.rows.get(key);
        if let Some((source, found)) = self.fresh(key, known.as_ref(), now) {
            return (source, Ok(found));
        }
        let outcome = if self.away.waits() {
            Err(LookupError::Away("it did not answer a moment ago".into()))
        } else {
            match (self.ask(key), &known) {
                (Ok(_), Some(known)) if now < known.late => return (Source::Refresh, Ok(Some(known.target.clone()))),
                (Ok(flight), _) => self.wait(flight).await,
                (Err(error), _) => Err(error),
            }
        };
        match (outcome, known) {
            (Ok(Some(target)), _) => (Source::Row, Ok(Some(target))),
            (Ok(None), _) => (Source::NoRow, Ok(None)),
            (Err(_), Some(known)) => (Source::Stale, Ok(Some(known.target))),
            (Err(error), None) => (Source::Failed, Err(error)),
        }
    }

    async fn wait(&self, flight: Flight) -> Found {
        match tokio::time::timeout(self.database.patience(), flight).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(LookupError::Away("the node stops".into())),
            Err(_) => {
                // The statement is older than this wait.
                self.away.trip("it does not answer in time");
                Err(LookupError::Away("it does not answer in time".into()))
            }
        }
    }

    /// Asks the database, unless somebody does already. The look-up goes on if nobody waits for it.
    fn ask(self: &Arc<Self>, key: &str) -> Result<Flight, LookupError> {
        match self.flights.join(key).ok_or(LookupError::Busy)? {
            Joined::Passenger(flight) => Ok(flight),
            Joined::Pilot(tell, flight) => {
                let (lookup, key) = (self.clone(), Box::<str>::from(key));
                tokio::spawn(async move {
                    let found = lookup.fetch(&key).await;
                    // Kept before it lands: who comes next finds it.
                    lookup.keep(&key, &found);
                    lookup.flights.landed(&key);
                    let _ = tell.send(found);
                });
                Ok(flight)
            }
        }
    }

    async fn fetch(&self, key: &str) -> Found {
        self.metrics.statements.inc();
        let _timed = self.metrics.seconds.start_timer();
        let mut work = std::pin::pin!(self.database.ask(key));
        let row = match tokio::time::timeout(self.database.patience(), &mut work).await {
            Ok(row) => row,
            Err(_) => {
                // A first connection may take longer than a request waits; it is finished all the same.
                self.away.trip("it does not answer in time");
                work.await
            }
        };
        row?.map(|row| self.reader.read(row).map(Arc::new).map_err(|message| LookupError::Row(message.into())))
            .transpose()
    }

    fn keep(&self, key: &str, found: &Found) {
        match found {
            Err(LookupError::Away(why)) => return self.away.trip(why),
            Err(LookupError::Busy) => return,
            _ => self.away.back(),
        }
        match found {
            Ok(Some(target)) => {
                let ttl = jittered(self.ttl);
                let fresh = Instant::now() + ttl;
                self.rows.insert(key.into(), Known { target: target.clone(), fresh, late: fresh + ttl });
                self.none.invalidate(key);
            }
            Ok(None) => {
                self.none.insert(key.into(), Instant::now() + jittered(self.negative_ttl));
                self.rows.invalidate(key);
            }
            Err(error) => self.complain(key, error),
        }
    }

    /// Once a second at most: a client chooses keys.
    fn complain(&self, key: &str, error: &LookupError) {
        let now = self.started.elapsed().as_millis() as u64 + 1_000;
        if now >= self.complained.load(Ordering::Relaxed) + 1_000 {
            self.complained.store(now, Ordering::Relaxed);
            tracing::error!(key, %error, "a tenant could not be looked up");
        }
    }
}

/// Up to a tenth shorter or longer, so that entries made at once do not end at once.
fn jittered(ttl: Duration) -> Duration {
    let tenths = 0.9 + 0.2 * (draw() as f64 / u64::MAX as f64);
    ttl.mul_f64(tenths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_a_tenth_either_way() {
        let ttls: Vec<Duration> = (0..1_000).map(|_| jittered(Duration::from_secs(10))).collect();
        assert!(ttls.iter().all(|ttl| (9.0..=11.0).contains(&ttl.as_secs_f64())));
        assert!(ttls.iter().any(|ttl| ttl.as_secs_f64() < 9.5) && ttls.iter().any(|ttl| ttl.as_secs_f64() > 10.5));
    }
}
