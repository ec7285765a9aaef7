//! Who is woken when something happens on a connection that its holder drives. What the holder sets off
//! itself, in the middle of its own turn, it sees in that turn: being woken for it once more would cost a
//! whole further turn of the client's connection, for each answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;

pub struct Turns {
    shared: Arc<Shared>,
    /// Of `shared`, for the connection.
    waker: Waker,
}

#[derive(Default)]
struct Shared {
    holder: AtomicWaker,
    in_turn: AtomicBool,
    /// Something happened in the middle of a turn.
    missed: AtomicBool,
}

impl Turns {
    pub fn new() -> Self {
        let shared = Arc::<Shared>::default();
        Self { waker: shared.clone().into(), shared }
    }

    /// The holder's turn begins.
    pub fn begin(&self, cx: &Context<'_>) {
        self.shared.holder.register(cx.waker());
        self.shared.in_turn.store(true, Ordering::SeqCst);
    }

    /// What the connection is polled with.
    pub fn waker(&self) -> &Waker {
        &self.waker
    }

    /// It ends. `waits`: the holder has seen nothing, and must hear of what happened in between.
    pub fn end(&self, waits: bool) {
        self.shared.in_turn.store(false, Ordering::SeqCst);
        if self.shared.missed.swap(false, Ordering::SeqCst) && waits {
            self.shared.holder.wake();
        }
    }

    /// Nobody holds it.
    pub fn rest(&self) {
        drop(self.shared.holder.take());
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.in_turn.load(Ordering::SeqCst) {
            self.missed.store(true, Ordering::SeqCst);
            // The turn may have ended in between, without having seen that.
            if self.in_turn.load(Ordering::SeqCst) || !self.missed.swap(false, Ordering::SeqCst) {
                return;
            }
        }
        self.holder.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_happens_in_a_turn_is_told_only_to_one_who_goes_on_waiting() {
        let (turns, count) = (Turns::new(), Arc::<Count>::default());
        let waker = count.clone().into();
        let cx = Context::from_waker(&waker);
        let woken = || count.0.swap(0, Ordering::SeqCst);
        for (waits, wanted) in [(false, 0), (true, 1)] {
            turns.begin(&cx);
            turns.waker().wake_by_ref();
            turns.waker().wake_by_ref();
            assert_eq!(woken(), 0);
            turns.end(waits);
            assert_eq!(woken(), wanted);
        }
        turns.begin(&cx);
        turns.end(true);
        assert_eq!(woken(), 0, "nothing has happened");
        turns.waker().wake_by_ref();
        assert_eq!(woken(), 1, "between two turns");
        turns.begin(&cx);
        turns.end(true);
        turns.rest();
        turns.waker().wake_by_ref();
        assert_eq!(woken(), 0, "nobody holds it");
    }
}
