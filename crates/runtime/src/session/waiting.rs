//! What a request waits for: its operations under way, of which any may be done next.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Happened;

type Operation = Pin<Box<dyn Future<Output = Happened> + Send>>;

/// See the module's paragraph.
pub struct Waiting {
    /// With one among them that is never done. A set of which all have been polled wakes its task once more, so that
    /// others have a turn: each operation that a guest starts would then cost a poll of its instance for nothing, and
    /// mostly a change of threads, since what gives up its turn goes on with the guest threads.
    set: FuturesUnordered<Operation>,
}

impl Default for Waiting {
    fn default() -> Self {
        let mut set = FuturesUnordered::<Operation>::new();
        set.push(Box::pin(std::future::pending()));
        // From now on it counts among those that are there, and not among those that are polled.
        let _ = set.poll_next_unpin(&mut Context::from_waker(Waker::noop()));
        Self { set }
    }
}

impl Waiting {
    pub fn push(&mut self, operation: Operation) {
        self.set.push(operation);
    }

    /// Those under way.
    pub fn len(&self) -> usize {
        self.set.len() - 1
    }

    /// What is done next; `None`: nothing is under way.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Happened>> {
        if self.len() == 0 { Poll::Ready(None) } else { self.set.poll_next_unpin(cx) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use tokio::sync::oneshot;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn operation() -> (oneshot::Sender<()>, Operation) {
        let (done, wait) = oneshot::channel();
        let operation = async move {
            let _ = wait.await;
            Happened::Stopped
        };
        (done, Box::pin(operation))
    }

    #[test]
    fn its_task_is_woken_when_something_is_done_and_not_before() {
        let count = Arc::<Count>::default();
        let waker = count.clone().into();
        let mut cx = Context::from_waker(&waker);
        let woken = || count.0.swap(0, Ordering::SeqCst);
        let mut waiting = Waiting::default();
        assert!(matches!(waiting.poll_next(&mut cx), Poll::Ready(None)));

        let (done, operations): (Vec<_>, Vec<_>) = (0..3).map(|_| operation()).unzip();
        for (many, operation) in (1..).zip(operations) {
            waiting.push(operation);
            assert_eq!(waiting.len(), many);
            assert!(waiting.poll_next(&mut cx).is_pending());
            assert_eq!(woken(), 0, "nothing is done");
        }
        for (left, done) in (0..3).rev().zip(done) {
            done.send(()).unwrap();
            assert_eq!(woken(), 1);
            assert!(matches!(waiting.poll_next(&mut cx), Poll::Ready(Some(Happened::Stopped))));
            assert_eq!(waiting.len(), left);
        }
        assert!(matches!(waiting.poll_next(&mut cx), Poll::Ready(None)));
        assert_eq!(woken(), 0);
    }

    /// One that always has something to do lets others have their turn.
    #[test]
    fn what_wakes_itself_is_not_polled_for_ever() {
        let mut waiting = Waiting::default();
        waiting.push(Box::pin(std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        })));
        let count = Arc::<Count>::default();
        let waker = count.clone().into();
        assert!(waiting.poll_next(&mut Context::from_waker(&waker)).is_pending());
        assert!(count.0.load(Ordering::SeqCst) > 0);
    }
}
