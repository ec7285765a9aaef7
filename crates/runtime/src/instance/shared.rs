//! Many requests in one warm instance, which interleave where they wait. It lives on when they have
//! ended, until its pool has no use for it. A trap, or a limit that one of them reached, ends the
//! instance and the requests in it: the one at fault with its error, those that nothing has come of yet
//! once more in another instance, the others with an error that says so.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use switchyard_js::abi::event;

use super::alone::give_way;
use super::{Arrival, Broken, Driven, Instance, Visit, internal};
use crate::meter::SharedMeter;
use crate::outcome::Ending;
use crate::session::{Wait, ended_by_another};
use crate::warm::{Door, Mail, Member};

/// Things that may happen to requests in the instance in a row before one that knocks has its turn. Those that
/// are in it come first: they may have to end, and a crowd of new ones must not keep them from it.
const IN_A_ROW: u32 = 16;
/// Part of its memory limit above which an instance takes no more requests.
const NEARLY_FULL: (usize, usize) = (3, 4);

/// The task of a warm instance.
pub async fn run(member: Member, meter: Arc<SharedMeter>) {
    let mut arrival = loop {
        match member.mail() {
            Mail::Arrival(arrival) => match present(arrival) {
                Some(arrival) => break arrival,
                None if !member.left(true, 0) => return,
                None => {}
            },
            Mail::Nothing => knock(&member.door).await,
            Mail::End => return,
        }
    };
    // What is done for nobody in particular from here on is this one's.
    meter.turn(&arrival.meter);
    let instance = match Instance::new(&arrival) {
        Ok(instance) => instance,
        Err(message) => {
            tracing::error!(message, "no slot could be made");
            arrival.refuse(internal("no instance could be made"));
            return;
        }
    };
    let mut shared = Shared { instance, due: VecDeque::new(), first_went: false, in_a_row: 0, member, meter };
    let host = shared.instance.slot.store.data_mut();
    host.share_with(Arc::clone(&shared.meter), shared.member.busy());
    loop {
        match shared.serve(arrival).await {
            Ok(Some(next)) => arrival = next,
            Ok(None) => return,
            Err(broken) => return shared.end(broken),
        }
    }
}

/// A client that is still there.
fn present(mut arrival: Box<Arrival>) -> Option<Box<Arrival>> {
    if arrival.meter.abandoned() {
        arrival.finish.dropped = Ending::Canceled; // before anything of it ran
        return None;
    }
    Some(arrival)
}

async fn knock(door: &Door) {
    poll_fn(|cx| {
        door.task.register(cx.waker());
        if door.opened() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

struct Shared {
    instance: Instance,
    /// Requests that are to be asked what has happened.
    due: VecDeque<i32>,
    /// The first request was the last that something had happened for.
    first_went: bool,
    /// See [`IN_A_ROW`].
    in_a_row: u32,
    member: Member,
    meter: Arc<SharedMeter>,
}

impl Shared {
    /// Takes a request in, and goes on with all of them until there is another one; `None`: it is over.
    async fn serve(&mut self, arrival: Box<Arrival>) -> Result<Option<Box<Arrival>>, Broken> {
        self.instance.begin(arrival).await?;
        let mut driven = Some((self.instance.last, None));
        loop {
            if let Some((request, happened)) = driven.take()
                && !self.go_on(request, happened).await?
            {
                return Ok(None);
            }
            if crate::executor::must_give_up() {
                give_way().await;
            }
            match poll_fn(|cx| self.poll(cx)).await {
                Some((request, wait)) => driven = Some((request, Some(wait))),
                None => loop {
                    match self.member.mail() {
                        Mail::Arrival(arrival) => match present(arrival) {
                            Some(arrival) => return Ok(Some(arrival)),
                            None if !self.left() => return Ok(None),
                            None => {}
                        },
                        Mail::Nothing => break,
                        Mail::End => return Ok(None),
                    }
                },
            }
        }
    }

    /// Drives a request, and those that something was done for by the way. False: the instance is over.
    async fn go_on(&mut self, request: i32, happened: Option<Wait>) -> Result<bool, Broken> {
        let mut next = Some((request, happened));
        while let Some((request, happened)) = next {
            let stays = match self.instance.drive(request, happened).await? {
                Driven::Waits { .. } => {
                    // It has not been asked since it changed; the first one always is.
                    if !self.instance.visits.is_first(request) {
                        self.due.push_back(request);
                    }
                    true
                }
                Driven::Ended(ending) => self.ended(request, ending).await?,
                Driven::Gone => true,
            };
            if !stays {
                return Ok(false);
            }
            next = self.instance.touched.pop().map(|request| (request, None));
        }
        Ok(true)
    }

    /// The request for which something has happened, and what; `None`: somebody knocked.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(i32, Wait)>> {
        self.member.door.task.register(cx.waker());
        self.in_a_row += 1;
        if self.in_a_row > IN_A_ROW && self.opened() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(happened) = self.poll_inside(cx) {
            return Poll::Ready(Some(happened));
        }
        if self.opened() { Poll::Ready(None) } else { Poll::Pending }
    }

    fn opened(&mut self) -> bool {
        self.in_a_row = 0;
        self.member.door.opened()
    }

    /// The request in it for which something has happened, and what. Some have always more: each goes behind those that
    /// are ready as well.
    fn poll_inside(&mut self, cx: &mut Context<'_>) -> Poll<(i32, Wait)> {
        self.due.extend(self.member.door.ready.lock().drain(..));
        let after_others = std::mem::take(&mut self.first_went) && !self.due.is_empty();
        if !after_others && let Poll::Ready(happened) = self.poll_first(cx) {
            return Poll::Ready(happened);
        }
        let door = &self.member.door;
        while let Some(request) = self.due.pop_front() {
            let Some(visit) = self.instance.visits.get(request) else { continue };
            let waking = visit.waker.get_or_insert_with(|| Waking::new(request, door));
            waking.state.queued.store(false, Ordering::Release);
            let waker = waking.waker.clone();
            if let Poll::Ready(wait) = visit.session.poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready((request, wait));
            }
        }
        if after_others { self.poll_first(cx) } else { Poll::Pending }
    }

    /// The first needs no waker of its own.
    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<(i32, Wait)> {
        let Some((request, visit)) = &mut self.instance.visits.first else { return Poll::Pending };
        let polled = visit.session.poll(cx).map(|wait| (*request, wait));
        self.first_went = polled.is_ready();
        polled
    }

    /// A request has ended, and the instance may go on. False: it is over.
    async fn ended(&mut self, request: i32, ending: Ending) -> Result<bool, Broken> {
        let host = self.instance.slot.store.data_mut();
        let share = host.leave(request);
        let Some(visit) = self.instance.visits.remove(request) else { return Ok(true) };
        let settled = visit.session.settled();
        let runtime = Arc::clone(&visit.runtime);
        let (finish, mut outcome) = visit.into_outcome(Some(share), ending);
        // A hung or cut request leaves code that still expects its operations.
        let forgotten = if settled { Ok(()) } else { self.instance.call(0, event::ENDED, request, 0, &[]).await };
        outcome.cpu = self.meter.finish();
        self.instance.script.cost.ran(outcome.cpu);
        let stays = forgotten.is_ok() && self.left();
        finish.tell(outcome);
        drop(runtime);
        forgotten.map(|()| stays)
    }

    fn left(&self) -> bool {
        let slot = &self.instance.slot;
        let (bytes, limiter) = (slot.memory_bytes().len(), &slot.store.data().limiter);
        let (part, whole) = NEARLY_FULL;
        let fit = !limiter.refused && bytes <= limiter.bytes() / whole * part;
        self.member.left(fit, bytes)
    }

    /// Ends the instance with all that is in it.
    fn end(self, broken: Broken) {
        let Self { instance, member, meter, .. } = self;
        let Instance { mut slot, visits, worker, script, .. } = instance;
        let turn = slot.store.data().request();
        let used = meter.finish();
        let all = visits.first.into_iter().chain(visits.more);
        let mut again = Vec::new();
        for (request, mut visit) in all {
            let share = slot.store.data_mut().leave(request);
            let ending = if request == broken.request {
                match &broken.error {
                    Some(error) => visit.session.end(error.clone()),
                    None => Ending::Canceled,
                }
            } else if visit.repeatable && visit.session.is_untouched() {
                again.push(visit);
                continue;
            } else {
                visit.session.end(ended_by_another())
            };
            let cpu = if request == turn { used } else { visit.session.used() };
            let (finish, mut outcome) = visit.into_outcome(Some(share), ending);
            outcome.cpu = cpu;
            finish.tell(outcome);
        }
        drop(slot);
        drop(member); // what is in its mail goes elsewhere
        for visit in again {
            let Visit { session, event, finish, runtime, .. } = *visit;
            let (worker, script) = (Arc::clone(&worker), Arc::clone(&script));
            if let Some((invocation, meter, reply)) = session.into_arrival() {
                let again = true;
                Box::new(Arrival { runtime, worker, script, event, invocation, meter, reply, finish, again })
                    .elsewhere();
            }
        }
    }
}

/// Wakes one request among others.
pub(super) struct Waking {
    state: Arc<WakesOne>,
    waker: Waker,
}

impl Waking {
    fn new(request: i32, door: &Arc<Door>) -> Self {
        let state = Arc::new(WakesOne { request, queued: AtomicBool::new(false), door: Arc::clone(door) });
        Self { waker: Waker::from(Arc::clone(&state)), state }
    }
}

struct WakesOne {
    request: i32,
    /// It is among those that are ready.
    queued: AtomicBool,
    door: Arc<Door>,
}

impl Wake for WakesOne {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.door.ready.lock().push(self.request);
            self.door.task.wake();
        }
    }
}
