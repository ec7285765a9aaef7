//! One request in a clean instance, whose memory is put back when it has ended.

use std::sync::Arc;

use super::{Arrival, Broken, Driven, Instance, internal};
use crate::host::{Limiter, Mode};
use crate::outcome::Ending;
use crate::slots::Permit;

/// The task of one request.
pub async fn run(mut arrival: Box<Arrival>, _permit: Permit) {
    if arrival.meter.abandoned() {
        arrival.finish.dropped = Ending::Canceled; // before anything of it ran
        return;
    }
    let mut instance = match Instance::new(&arrival) {
        Ok(instance) => instance,
        Err(message) => {
            tracing::error!(message, "no slot could be made");
            arrival.refuse(internal("no instance could be made"));
            return;
        }
    };
    let (runtime, meter) = (Arc::clone(&arrival.runtime), Arc::clone(&arrival.meter));
    let ended = instance.serve(arrival).await;
    let Instance { mut slot, mut visits, script, last: number, .. } = instance;
    let share = slot.store.data_mut().leave(number);
    let Some(mut visit) = visits.remove(number) else { return };
    let broken = ended.is_err();
    let ending = match ended {
        Ok(ending) => ending,
        Err(Broken { error: Some(error), .. }) => visit.session.end(error),
        Err(Broken { error: None, .. }) => Ending::Canceled,
    };
    // All that the request started ends here, before its slot is anyone else's.
    let (finish, mut outcome) = visit.into_outcome(Some(share), ending);
    if broken {
        drop(slot); // unmapping is not for the next one to pay
    } else {
        slot.store.data_mut().begin(
            Mode::Handler,
            runtime.idle_meter(),
            Limiter::open(),
            Arc::default(),
            Arc::from([]),
        );
        runtime.release(slot);
    }
    outcome.cpu = meter.finish(); // putting the slot back is the request's cost too
    script.ran_clean(&outcome);
    finish.tell(outcome);
}

impl Instance {
    /// Runs its only request to the end.
    async fn serve(&mut self, arrival: Box<Arrival>) -> Result<Ending, Broken> {
        self.begin(arrival).await?;
        let number = self.last;
        let mut happened = None;
        loop {
            match self.drive(number, happened.take()).await? {
                Driven::Ended(ending) => return Ok(ending),
                Driven::Gone => return Ok(Ending::Internal),
                Driven::Waits { more } => {
                    if more || crate::executor::must_give_up() {
                        give_way().await;
                    }
                }
            }
            let Some(visit) = self.visits.get(number) else { return Ok(Ending::Internal) };
            happened = Some(std::future::poll_fn(|cx| visit.session.poll(cx)).await);
        }
    }
}

/// Lets the thread's other tenants go first.
pub(super) async fn give_way() {
    crate::executor::will_resume();
    let mut given = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut given, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
