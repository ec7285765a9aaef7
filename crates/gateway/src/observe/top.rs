//! Which scripts use the most of the node: requests, CPU and errors of the last one to two minutes, in
//! sketches of fixed size. Each thread has a shard of its own, so that counting waits for nobody but a
//! reader; reading adds the shards up.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use switchyard_api::TopBy;
use switchyard_catalog::ScriptId;

use super::sketch::Sketch;

/// More threads than this share shards.
const SHARDS: usize = 8;
/// Scripts that one sketch keeps.
const PLACES: usize = 256;
/// After so long a shard counts anew; what it had is kept until the next time.
const WINDOW: Duration = Duration::from_secs(60);
const DIMENSIONS: usize = 3;

/// See the module's paragraph.
pub struct TopCounts {
    began: Instant,
    shards: Vec<Mutex<Shard>>,
}

struct Shard {
    /// The window that `now` is of, counted from the begin.
    window: u64,
    now: [Sketch; DIMENSIONS],
    before: [Sketch; DIMENSIONS],
}

/// A script's values, in the order of [`index`]: what it has, and by how much that may be too large.
pub type Values = [Option<(u64, u64)>; DIMENSIONS];

fn index(by: TopBy) -> usize {
    match by {
        TopBy::Requests => 0,
        TopBy::Cpu => 1,
        TopBy::Errors => 2,
    }
}

impl Default for TopCounts {
    fn default() -> Self {
        Self { began: Instant::now(), shards: (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect() }
    }
}

impl TopCounts {
    pub fn add(&self, script: ScriptId, by: TopBy, amount: u64) {
        self.add_at(script, by, amount, self.began.elapsed());
    }

    fn add_at(&self, script: ScriptId, by: TopBy, amount: u64, at: Duration) {
        let mut shard = self.shards[own_shard()].lock();
        shard.turn(at);
        shard.now[index(by)].add(script, amount);
    }

    /// The scripts that `wanted` says yes to, the heaviest first, at most `limit`; and how far back it goes.
    pub fn read(
        &self,
        by: TopBy,
        limit: usize,
        wanted: impl Fn(ScriptId) -> bool,
    ) -> (Duration, Vec<(ScriptId, Values)>) {
        self.read_at(by, limit, wanted, self.began.elapsed())
    }

    fn read_at(
        &self,
        by: TopBy,
        limit: usize,
        wanted: impl Fn(ScriptId) -> bool,
        at: Duration,
    ) -> (Duration, Vec<(ScriptId, Values)>) {
        let mut all: HashMap<ScriptId, Values> = HashMap::new();
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.turn(at);
            for windows in [&shard.now, &shard.before] {
                for (dimension, sketch) in windows.iter().enumerate() {
                    for entry in sketch.entries() {
                        let value = all.entry(entry.key).or_default();
                        let (count, over) = value[dimension].unwrap_or_default();
                        value[dimension] = Some((count.saturating_add(entry.count), over.saturating_add(entry.over)));
                    }
                }
            }
        }
        let mut scripts: Vec<(ScriptId, Values)> =
            all.into_iter().filter(|(script, values)| values[index(by)].is_some() && wanted(*script)).collect();
        scripts.sort_unstable_by_key(|(script, values)| (std::cmp::Reverse(values[index(by)]), *script.as_uuid()));
        scripts.truncate(limit);
        let window = at.as_secs() / WINDOW.as_secs();
        let since = WINDOW.saturating_mul(u32::try_from(window.saturating_sub(1)).unwrap_or(u32::MAX));
        (at.saturating_sub(since), scripts)
    }
}

impl Shard {
    fn new() -> Self {
        let sketches = || std::array::from_fn(|_| Sketch::new(PLACES));
        Self { window: 0, now: sketches(), before: sketches() }
    }

    fn turn(&mut self, at: Duration) {
        let window = at.as_secs() / WINDOW.as_secs();
        if window == self.window {
            return;
        }
        std::mem::swap(&mut self.now, &mut self.before);
        self.now.iter_mut().for_each(Sketch::clear);
        if window != self.window + 1 {
            self.before.iter_mut().for_each(Sketch::clear);
        }
        self.window = window;
    }
}

/// Threads take the shards in turn.
fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: fn(ScriptId) -> bool = |_| true;

    #[test]
    fn threads_are_added_up_and_the_heaviest_is_first() {
        let top = TopCounts::default();
        let (a, b) = (ScriptId::random(), ScriptId::random());
        std::thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    top.add(a, TopBy::Requests, 1);
                    top.add(b, TopBy::Requests, 2);
                    top.add(a, TopBy::Cpu, 500);
                });
            }
        });
        let (_, seen) = top.read(TopBy::Requests, 10, ANY);
        assert_eq!(seen, [(b, [Some((20, 0)), None, None]), (a, [Some((10, 0)), Some((5_000, 0)), None])]);
        assert_eq!(top.read(TopBy::Cpu, 10, ANY).1.len(), 1);
        assert_eq!(top.read(TopBy::Requests, 1, ANY).1.len(), 1);
        assert_eq!(top.read(TopBy::Requests, 10, |script| script == a).1[0].0, a);
        assert!(top.read(TopBy::Errors, 10, ANY).1.is_empty());
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let top = TopCounts::default();
        let script = ScriptId::random();
        let at = Duration::from_secs;
        let seen = |seconds| {
            let (back, scripts) = top.read_at(TopBy::Requests, 1, ANY, at(seconds));
            (back.as_secs(), scripts.first().map_or(0, |(_, values)| values[0].unwrap().0))
        };
        top.add_at(script, TopBy::Requests, 5, at(1));
        assert_eq!(seen(59), (59, 5));
        top.add_at(script, TopBy::Requests, 7, at(61));
        assert_eq!(seen(119), (119, 12));
        assert_eq!(seen(120), (60, 7));
        assert_eq!(seen(180), (60, 0));
        // After a long silence nothing is left of before.
        top.add_at(script, TopBy::Requests, 3, at(181));
        assert_eq!(seen(1_000), (100, 0));
    }
}
