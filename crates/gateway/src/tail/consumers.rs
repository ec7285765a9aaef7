//! Tail Workers: what waits for each of them, and the calls of their handlers. They hear of a run when it has
//! ended, at their own expense and under limits of their own; what they do, or fail to, never touches it.
//!
//! Everything is bounded: what waits for one and for all, how much one call is told, how many calls there are
//! at once, how long one may take, and how often events lead to events. What finds no room is counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use dashmap::DashMap;
use parking_lot::Mutex;
use prometheus::IntCounter;
use switchyard_catalog::ScriptId;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::traces::{Origin, Tree};
use crate::dispatch::{Dispatcher, chain};

/// Events that wait for one tail Worker, and their bytes.
const MOST_EVENTS: usize = 1_000;
const MOST_BYTES: usize = 4 << 20;
/// Bytes that wait for all of them, with what is put together of requests under way.
const MOST_BYTES_OF_ALL: usize = 64 << 20;
/// Told in one call, beyond what one request has to tell.
const BATCH_EVENTS: usize = 100;
const BATCH_BYTES: usize = 512 << 10;
/// Calls of one tail Worker at once: the second begins when the first leaves things waiting.
const CALLS: usize = 2;
/// Calls on this node at once.
const CALLS_OF_ALL: usize = 32;
/// For a handler to end; its `waitUntil` work has the usual time after that.
const PATIENCE: Duration = Duration::from_secs(15);
/// Handlers whose events lead to each other.
pub const MOST_DEEP: usize = 3;

/// What is counted of tail Workers.
#[derive(Clone)]
pub struct ConsumerMetrics {
    /// Events that found no room, or whose tail Worker could not be called.
    pub dropped: IntCounter,
    /// Calls whose handler ended well, and others.
    pub told: IntCounter,
    pub failed: IntCounter,
}

/// The node's tail Workers.
pub struct Consumers {
    queues: DashMap<ScriptId, Arc<Queue>>,
    bytes: AtomicUsize,
    calls: Semaphore,
    dispatcher: OnceLock<Weak<Dispatcher>>,
    tokio: Option<Handle>,
    metrics: ConsumerMetrics,
}

struct Queue {
    consumer: ScriptId,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    trees: VecDeque<Tree>,
    events: usize,
    bytes: usize,
    /// Tasks that call the handler.
    callers: usize,
}

/// What one call is told.
pub struct Batch {
    pub trees: Vec<Tree>,
    pub origin: Origin,
}

impl Batch {
    pub fn events(&self) -> usize {
        self.trees.iter().map(|tree| tree.items.len()).sum()
    }
}

impl Consumers {
    /// Delivers on the runtime in which it is made.
    pub fn new(metrics: ConsumerMetrics) -> Arc<Self> {
        Arc::new(Self {
            queues: DashMap::new(),
            bytes: AtomicUsize::new(0),
            calls: Semaphore::new(CALLS_OF_ALL),
            dispatcher: OnceLock::new(),
            tokio: Handle::try_current().ok(),
            metrics,
        })
    }

    /// Whom calls go through. Set once.
    pub fn set_dispatcher(&self, dispatcher: &Arc<Dispatcher>) {
        let _ = self.dispatcher.set(Arc::downgrade(dispatcher));
    }

    pub fn dispatcher(&self) -> Option<Arc<Dispatcher>> {
        self.dispatcher.get()?.upgrade()
    }

    /// Makes room for one event; false: there is none, and it is counted.
    pub fn reserve(&self, bytes: usize) -> bool {
        let fits = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= MOST_BYTES_OF_ALL;
        if !fits {
            self.let_go(bytes, 1);
        }
        fits
    }

    /// Takes what a request has to tell a tail Worker, for which there is room.
    pub fn push(self: &Arc<Self>, tree: Tree) {
        let (bytes, events, consumer) = (tree.bytes, tree.items.len(), tree.consumer);
        // Under the map's lock, so that a queue is not taken away while something is put into it.
        let queue =
            self.queues.entry(consumer).or_insert_with(|| Arc::new(Queue { consumer, waiting: Mutex::default() }));
        let mut waiting = queue.waiting.lock();
        if waiting.events + events > MOST_EVENTS || waiting.bytes + bytes > MOST_BYTES {
            self.let_go(bytes, events);
            return;
        }
        waiting.events += events;
        waiting.bytes += bytes;
        waiting.trees.push_back(tree);
        let begins = waiting.callers == 0 || (waiting.callers < CALLS && waiting.events >= BATCH_EVENTS);
        if begins && let Some(tokio) = &self.tokio {
            waiting.callers += 1;
            tokio.spawn(self.clone().call(queue.clone()));
        }
    }

    /// Nothing waits for anybody any more, or the time is over.
    pub async fn drain(&self, grace: Duration) {
        let until = tokio::time::Instant::now() + grace;
        while !self.queues.is_empty() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Calls the handler as long as something waits.
    async fn call(self: Arc<Self>, queue: Arc<Queue>) {
        while let Some(batch) = self.next(&queue) {
            let events = batch.events();
            let (Some(dispatcher), Ok(_call)) = (self.dispatcher(), self.calls.acquire().await) else {
                self.metrics.dropped.inc_by(events as u64);
                continue;
            };
            match tokio::time::timeout(PATIENCE, dispatcher.tell(queue.consumer, batch)).await {
                Ok(Ok(())) => self.metrics.told.inc(),
                Ok(Err(failure)) => {
                    if !failure.is_of_worker() {
                        self.metrics.dropped.inc_by(events as u64);
                    }
                    self.metrics.failed.inc();
                    tracing::debug!(script = %queue.consumer, error = %chain(&failure), "a tail Worker failed");
                }
                Err(_) => self.metrics.failed.inc(),
            }
        }
        self.queues.remove_if(&queue.consumer, |_, there| {
            let waiting = there.waiting.lock();
            waiting.callers == 0 && waiting.trees.is_empty()
        });
    }

    /// What belongs together, and what came after it as long as it is of the same origin. `None`: nothing waits,
    /// and the caller is not counted any more.
    fn next(&self, queue: &Queue) -> Option<Batch> {
        let mut waiting = queue.waiting.lock();
        let mut trees: Vec<Tree> = Vec::new();
        let (mut events, mut bytes) = (0, 0);
        while let Some(tree) = waiting.trees.front() {
            let fits = events + tree.items.len() <= BATCH_EVENTS && bytes + tree.bytes <= BATCH_BYTES;
            if trees.first().is_some_and(|first| !fits || first.origin != tree.origin) {
                break;
            }
            events += tree.items.len();
            bytes += tree.bytes;
            trees.extend(waiting.trees.pop_front());
        }
        waiting.events -= events;
        waiting.bytes -= bytes;
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let Some(first) = trees.first() else {
            waiting.callers -= 1;
            return None;
        };
        Some(Batch { origin: first.origin.clone(), trees })
    }

    fn let_go(&self, bytes: usize, events: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.metrics.dropped.inc_by(events as u64);
    }
}

#[cfg(test)]
mod tests {
    use switchyard_catalog::ScriptName;

    use super::*;
    use crate::tail::traces::Item;

    fn consumers() -> Arc<Consumers> {
        let counter = |name: &str| IntCounter::new(name, "-").unwrap();
        let (dropped, told, failed) = (counter("dropped"), counter("told"), counter("failed"));
        Consumers::new(ConsumerMetrics { dropped, told, failed })
    }

    fn tree(consumer: ScriptId, events: usize, bytes: usize, hops: u32) -> Tree {
        let item = Item { text: "x".repeat(bytes / events).into(), script: ScriptName::parse("a").unwrap() };
        let origin = Origin { hops, tailed: Vec::new() };
        Tree { consumer, items: vec![item; events], bytes, origin }
    }

    /// Without a runtime, nobody takes anything.
    #[test]
    fn what_waits_has_a_most() {
        let consumers = consumers();
        let consumer = ScriptId::random();
        let push = |consumer, events, bytes| {
            if consumers.reserve(bytes) {
                consumers.push(tree(consumer, events, bytes, 0));
            }
        };
        for _ in 0..MOST_EVENTS / 2 {
            push(consumer, 2, 10);
        }
        assert_eq!(consumers.metrics.dropped.get(), 0);
        push(consumer, 3, 10);
        assert_eq!(consumers.metrics.dropped.get(), 3);
        let other = ScriptId::random();
        push(other, 1, MOST_BYTES);
        push(other, 1, 1);
        assert_eq!(consumers.metrics.dropped.get(), 4);
        // Of all, where 5 MB and a little wait already: three of them are too much.
        for _ in 0..MOST_BYTES_OF_ALL / MOST_BYTES + 1 {
            push(ScriptId::random(), 1, MOST_BYTES);
        }
        assert_eq!(consumers.metrics.dropped.get(), 4 + 3);
        assert!(consumers.bytes.load(Ordering::Relaxed) <= MOST_BYTES_OF_ALL);
    }

    #[test]
    fn a_call_is_told_so_much_of_one_origin() {
        let consumers = consumers();
        let consumer = ScriptId::random();
        for hops in [0, 0, 1, 1] {
            assert!(consumers.reserve(100));
            consumers.push(tree(consumer, BATCH_EVENTS / 2, 100, hops));
        }
        assert!(consumers.reserve(BATCH_BYTES + 1));
        consumers.push(tree(consumer, 1, BATCH_BYTES + 1, 1));
        let queue = consumers.queues.get(&consumer).unwrap().clone();
        queue.waiting.lock().callers = 1;
        let sizes = std::iter::from_fn(|| consumers.next(&queue)).map(|batch| (batch.events(), batch.origin.hops));
        assert_eq!(sizes.collect::<Vec<_>>(), [(BATCH_EVENTS, 0), (BATCH_EVENTS, 1), (1, 1)]);
        assert_eq!((queue.waiting.lock().callers, consumers.bytes.load(Ordering::Relaxed)), (0, 0));
    }
}
