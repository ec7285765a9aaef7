//! Idle things that any thread may take, and where each thread finds first what it used last: what lies in its core's
//! caches. A slot's pages are 60 KiB of which every request writes all; from another core's cache they come at a third of
//! what a small request costs, and so do the lines of a lock that all threads take.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// More threads than that share a shelf.
const SHELVES: usize = 64;

/// Last in, first out, by thread.
pub struct Idle<T> {
    shelves: Box<[Shelf<T>]>,
}

/// Of one thread, in lines of its own.
#[repr(align(128))]
struct Shelf<T> {
    things: Mutex<Vec<Box<T>>>,
}

thread_local! {
    static OWN: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Threads that have asked for a shelf.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The number of this thread's shelf.
fn own() -> usize {
    OWN.get().unwrap_or_else(|| {
        let own = THREADS.fetch_add(1, Ordering::Relaxed) % SHELVES;
        OWN.set(Some(own));
        own
    })
}

impl<T> Default for Idle<T> {
    fn default() -> Self {
        Self { shelves: (0..SHELVES).map(|_| Shelf { things: Mutex::default() }).collect() }
    }
}

impl<T> Idle<T> {
    /// This thread's own, else any: there is none more where this says so.
    pub fn take(&self) -> Option<Box<T>> {
        let own = &self.shelves[own()];
        let used = THREADS.load(Ordering::Relaxed).min(SHELVES);
        std::iter::once(own).chain(&self.shelves[..used]).find_map(|shelf| shelf.things.lock().pop())
    }

    pub fn give_back(&self, thing: Box<T>) {
        self.shelves[own()].things.lock().push(thing);
    }

    /// Drops all; returns how many.
    pub fn clear(&self) -> usize {
        // Dropped without the lock.
        self.shelves.iter().map(|shelf| std::mem::take(&mut *shelf.things.lock()).len()).sum()
    }

    pub fn len(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.things.lock().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_finds_its_own_first_and_then_all() {
        let idle = Idle::default();
        std::thread::scope(|scope| {
            scope.spawn(|| [1, 2].map(|thing| idle.give_back(Box::new(thing))));
        });
        idle.give_back(Box::new(3));
        idle.give_back(Box::new(4));
        assert_eq!(idle.len(), 4);
        let taken: Vec<_> = std::iter::from_fn(|| idle.take()).map(|thing| *thing).collect();
        assert_eq!(taken, [4, 3, 2, 1]);
        idle.give_back(Box::new(5));
        assert_eq!((idle.clear(), idle.len()), (1, 0));
        assert!(idle.take().is_none());
    }
}
