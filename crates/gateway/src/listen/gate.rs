//! Waits that seldom end, beside work that is polled often. To poll one that is shared by all connections (a drain)
//! takes a lock, and a timer two atomic writes: a connection would pay for it with each request. So they are polled
//! when one of them woke the task, and else not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// Of one task.
pub struct Gate {
    asked: Arc<Asked>,
    waker: Waker,
    /// Who was told last whom to wake.
    task: Option<Waker>,
}

struct Asked {
    asked: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Asked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.asked.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Gate {
    /// It is open at first, since what was never polled wakes nobody.
    pub fn new() -> Self {
        let asked = Arc::new(Asked { asked: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { waker: asked.clone().into(), asked, task: None }
    }

    /// With what to poll them, all of them, if one of them asked for it; `task` is who polls.
    pub fn open(&mut self, task: &Waker) -> Option<&Waker> {
        let asked = &self.asked.asked;
        let mut open = asked.load(Ordering::Relaxed) && asked.swap(false, Ordering::Acquire);
        // Who was woken has to be told again; and who asked before that is to be seen.
        if open || !self.task.as_ref().is_some_and(|known| known.will_wake(task)) {
            self.asked.task.register(task);
            self.task = Some(task.clone());
            open |= asked.swap(false, Ordering::Acquire);
        }
        open.then_some(&self.waker)
    }

    /// One of them has ended or was changed: they are to be polled again.
    pub fn ask(&mut self) {
        self.asked.asked.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_opens_for_who_asked_and_wakes_who_polls() {
        let [first, second] = [0, 1].map(|_| Arc::new(Count(AtomicU32::new(0))));
        let woken = || [&first, &second].map(|count| count.0.load(Ordering::Relaxed));
        let mut gate = Gate::new();
        let inner = gate.open(&first.clone().into()).unwrap().clone();
        assert!(gate.open(&first.clone().into()).is_none());
        inner.wake_by_ref();
        assert_eq!(woken(), [1, 0]);
        assert!(gate.open(&first.clone().into()).is_some() && gate.open(&first.clone().into()).is_none());

        // Another task polls from now on; what asks while nobody looks is not lost, and wakes once.
        assert!(gate.open(&second.clone().into()).is_none());
        inner.wake_by_ref();
        inner.wake_by_ref();
        assert_eq!(woken(), [1, 1]);
        assert!(gate.open(&second.clone().into()).is_some());
        gate.ask();
        assert!(gate.open(&second.clone().into()).is_some() && gate.open(&second.clone().into()).is_none());
        assert_eq!(woken(), [1, 1]);
    }
}
