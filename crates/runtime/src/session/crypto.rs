//! Web Crypto's slow computations: on the background threads, one at a time for each request, so that nobody's
//! queue is full of one request's keys, and charged to it while they run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use switchyard_js::abi::status;
use tokio::sync::Semaphore;

use super::{Happened, Session, error_values};
use crate::meter::thread_cpu;

/// Says that nobody waits any more when it is dropped.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Session {
    pub(super) fn compute(&mut self, id: i32, message: Bytes) {
        let (background, turn) = (
            Arc::clone(&self.context.background),
            Arc::clone(self.computing.get_or_init(|| Arc::new(Semaphore::new(1)))),
        );
        let (meter, tokio) = (Arc::clone(&self.context.meter), self.context.tokio.clone());
        self.start(id, async move {
            // Counted as held until the result, which is no larger, goes to the guest.
            let held = message.clone();
            let turns = (turn.acquire_owned().await, background.acquire_owned().await);
            let given_up = Arc::new(AtomicBool::new(false));
            let _wanted = Wanted(Arc::clone(&given_up));
            let computed = tokio.spawn_blocking(move || {
                let _turns = turns; // as long as it runs, whether anyone still waits or not
                let mut began = thread_cpu();
                let mut charge = || {
                    let now = thread_cpu();
                    meter.charge(now.saturating_sub(std::mem::replace(&mut began, now)));
                    meter.exceeded_so_far() || given_up.load(Ordering::Relaxed)
                };
                let computed = crate::crypto::run(&message, &mut charge);
                charge();
                computed
            });
            let computed = computed.await;
            drop(held);
            match computed {
                Ok(Ok(values)) => Happened::Complete { op: id, status: status::OK, values },
                Ok(Err(refused)) => Happened::Complete {
                    op: id,
                    status: status::ERROR,
                    values: error_values(refused.name, &refused.message),
                },
                Err(_) => Happened::Complete {
                    op: id,
                    status: status::ERROR,
                    values: error_values("OperationError", "internal error"),
                },
            }
        });
    }
}
