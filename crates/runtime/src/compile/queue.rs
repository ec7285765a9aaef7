//! Who compiles when: as many at once as there are cores, one of a script, the others in the order they came.
//! The queue has an end, and whoever leaves it, leaves no trace.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Of one script that wait: its uploads replace each other, so more are a mistake or an attack.
const MAX_WAITING_OF_ONE: usize = 4;

/// Why there is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("{0} components wait to be compiled already; try again")]
    Queue(usize),
    #[error("{MAX_WAITING_OF_ONE} uploads of this script wait to be compiled already; try again")]
    Script,
}

/// How far a compilation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The how manieth in the queue, from 1.
    Waits(usize),
    /// For so long.
    Compiles(Duration),
}

/// See the module's paragraph.
pub struct Queue {
    at_once: usize,
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: VecDeque<Waiting>,
    running: Vec<(u64, Arc<str>, Instant)>,
}

struct Waiting {
    id: u64,
    who: Arc<str>,
    /// Dropped: the turn has come.
    turn: oneshot::Sender<()>,
}

/// A place in the queue, then the right to compile. Dropped, it is free.
pub struct Turn {
    queue: Arc<Queue>,
    id: u64,
}

impl Queue {
    pub fn new(at_once: usize, most: usize) -> Arc<Self> {
        Arc::new(Self { at_once: at_once.max(1), most, state: Mutex::default() })
    }

    /// Waits for this script's turn.
    ///
    /// # Errors
    /// [`Full`], at once.
    pub async fn turn(self: &Arc<Self>, who: &str) -> Result<Turn, Full> {
        let (turn, come) = oneshot::channel();
        let place = {
            let mut state = self.state.lock();
            if state.waiting.len() >= self.most && !self.is_free_for(&state, who) {
                return Err(Full::Queue(state.waiting.len()));
            }
            if state.waiting.iter().filter(|waiting| *waiting.who == *who).count() >= MAX_WAITING_OF_ONE {
                return Err(Full::Script);
            }
            state.next += 1;
            let id = state.next;
            state.waiting.push_back(Waiting { id, who: who.into(), turn });
            self.advance(&mut state);
            Turn { queue: Arc::clone(self), id }
        };
        // Whether it was sent or dropped with the queue, which cannot be while we hold it.
        let _ = come.await;
        Ok(place)
    }

    fn is_free_for(&self, state: &State, who: &str) -> bool {
        state.running.len() < self.at_once && !state.running.iter().any(|(_, other, _)| **other == *who)
    }

    fn advance(&self, state: &mut State) {
        while let Some(at) = state.waiting.iter().position(|waiting| self.is_free_for(state, &waiting.who))
            && let Some(Waiting { id, who, turn }) = state.waiting.remove(at)
        {
            state.running.push((id, who, Instant::now()));
            // One that has gone gives its place back by itself.
            let _ = turn.send(());
        }
    }

    /// How far this script's compilation is; of several, the one that came first.
    pub fn standing(&self, who: &str) -> Option<Standing> {
        let state = self.state.lock();
        if let Some((_, _, since)) = state.running.iter().find(|(_, running, _)| **running == *who) {
            return Some(Standing::Compiles(since.elapsed()));
        }
        let at = state.waiting.iter().position(|waiting| *waiting.who == *who)?;
        Some(Standing::Waits(at + 1))
    }

    /// How many compile, and how many wait.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.running.len(), state.waiting.len())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.waiting.retain(|waiting| waiting.id != self.id);
        state.running.retain(|(id, ..)| *id != self.id);
        self.queue.advance(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn queue(at_once: usize, most: usize) -> Arc<Queue> {
        Queue::new(at_once, most)
    }

    #[tokio::test]
    async fn as_many_as_there_are_places_and_one_of_a_script() {
        let queue = queue(2, 10);
        let a = queue.turn("a").await.unwrap();
        let mut again = Box::pin(queue.turn("a"));
        assert!(again.as_mut().now_or_never().is_none(), "one of a script");
        let b = queue.turn("b").await.unwrap();
        let mut c = Box::pin(queue.turn("c"));
        assert!(c.as_mut().now_or_never().is_none(), "two places");
        assert_eq!(queue.standing("c"), Some(Standing::Waits(2)));
        assert!(matches!(queue.standing("a"), Some(Standing::Compiles(_))));
        assert_eq!(queue.counts(), (2, 2));
        // The first in the queue may not yet: the next one goes before it.
        drop(b);
        let c = c.await.unwrap();
        assert!(again.as_mut().now_or_never().is_none());
        drop((a, c));
        drop(again.await.unwrap());
        assert_eq!((queue.counts(), queue.standing("a")), ((0, 0), None));
    }

    #[tokio::test]
    async fn the_queue_has_an_end_and_who_leaves_it_leaves_no_trace() {
        let queue = queue(1, 2);
        let first = queue.turn("a").await.unwrap();
        let mut waiting: Vec<_> = ["b", "c"].into_iter().map(|who| Box::pin(queue.turn(who))).collect();
        for waiting in &mut waiting {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        assert_eq!(queue.turn("d").await.err(), Some(Full::Queue(2)));
        drop(waiting.remove(0));
        assert_eq!(queue.standing("c"), Some(Standing::Waits(1)));
        drop(first);
        drop(waiting.remove(0).await.unwrap());
        assert_eq!(queue.counts(), (0, 0));
    }

    #[tokio::test]
    async fn a_script_takes_only_its_part_of_the_queue() {
        let queue = queue(1, 100);
        let _running = queue.turn("a").await.unwrap();
        let mut waiting: Vec<_> = (0..MAX_WAITING_OF_ONE).map(|_| Box::pin(queue.turn("a"))).collect();
        for waiting in &mut waiting {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        assert_eq!(queue.turn("a").await.err(), Some(Full::Script));
        assert!(Box::pin(queue.turn("b")).now_or_never().is_none());
    }

    #[tokio::test]
    async fn without_a_queue_one_compiles_where_there_is_a_place() {
        let queue = queue(1, 0);
        let a = queue.turn("a").await.unwrap();
        assert_eq!(queue.turn("b").await.err(), Some(Full::Queue(0)));
        drop(a);
        assert!(queue.turn("b").await.is_ok());
    }
}
