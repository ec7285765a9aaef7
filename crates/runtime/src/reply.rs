//! The way of an answer from an instance to who waits for it.
//!
//! A client's connection is another thread's. Told in the middle of a guest's turn, that thread takes the core at once
//! where there is no other, finds a guest under way, and can begin nothing itself: so it is told when the turn is over,
//! or before more of the guest runs.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll};

use http::Response;
use tokio::sync::oneshot;

use crate::Body;
use crate::error::RunError;

/// What a run comes to.
pub type Answer = Result<Response<Body>, RunError>;

/// Tells an answer, once.
pub struct Reply {
    to: oneshot::Sender<Answer>,
    /// Another Worker waits for it, on a guest thread.
    is_nested: bool,
}

thread_local! {
    /// A guest's turn is under way on this thread, which is a guest thread.
    static IN_TURN: Cell<bool> = const { Cell::new(false) };
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

impl Reply {
    /// `depth`: of the call that is answered; 0 is a client's.
    pub fn new(depth: u8) -> (Self, oneshot::Receiver<Answer>) {
        let (to, answer) = oneshot::channel();
        (Self { to, is_nested: depth > 0 }, answer)
    }

    pub fn send(self, answer: Answer) {
        if self.is_nested || !IN_TURN.get() {
            let _ = self.to.send(answer); // nobody may wait any more
            return;
        }
        HELD.with_borrow_mut(|held| held.push(Held(self.to, answer)));
    }

    /// Whether nobody waits any more; else the task is woken when that is so.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.to.poll_closed(cx)
    }
}

/// An answer that is to be told.
pub struct Held(oneshot::Sender<Answer>, Answer);

impl Held {
    pub fn tell(self) {
        let _ = self.0.send(self.1);
    }
}

/// A turn of a guest begins on this guest thread: answers are held from now on.
pub fn hold() {
    IN_TURN.set(true);
}

/// The turn is over; what is to be told, if anything is.
pub fn held() -> Option<Vec<Held>> {
    IN_TURN.set(false);
    let held = HELD.take();
    (!held.is_empty()).then_some(held)
}

/// More of a guest is about to run: tells what is held.
pub fn tell() {
    HELD.take().into_iter().for_each(Held::tell);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Ok(Response::new(Body::Empty))
    }

    #[test]
    fn a_client_is_told_when_the_turn_is_over_and_a_guest_at_once() {
        hold();
        let (client, mut at_client) = Reply::new(0);
        let (nested, mut at_worker) = Reply::new(1);
        client.send(answer());
        nested.send(answer());
        assert!(at_worker.try_recv().is_ok());
        assert!(at_client.try_recv().is_err());
        held().unwrap().into_iter().for_each(Held::tell);
        assert!(at_client.try_recv().is_ok());
        assert!(held().is_none());
    }

    #[test]
    fn before_more_of_a_guest_runs_a_client_is_told() {
        hold();
        let (client, mut at_client) = Reply::new(0);
        client.send(answer());
        tell();
        assert!(at_client.try_recv().is_ok());
        assert!(held().is_none());
        // This thread is no guest's now.
        let (client, mut at_client) = Reply::new(0);
        client.send(answer());
        assert!(at_client.try_recv().is_ok());
    }
}
