//! The warm instances of one Worker: each serves many requests at once, as Workers' isolates do, so that
//! global state survives and requests interleave where they wait. A pool decides which of them a request
//! joins, or that there has to be another one; the instances' tasks (`instance::shared`) take their mail
//! from it.
//!
//! An instance has the right to run ([`Permit`]) while requests are in it. One that has none is idle: kept
//! among those of the whole node ([`idle`]), of which the one used longest ago goes first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use switchyard_catalog::VersionId;
use tokio::sync::Notify;

use crate::instance::Arrival;
use crate::outcome::Ending;
use crate::slots::Permit;

mod first;
pub mod idle;

pub use first::FirstRequests;
use idle::IdleInstances;

/// Requests that wait for an instance's turn above which another one is worth its memory.
const BACKLOG: usize = 2;

/// How long an instance serves, and how many at once.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Requests in one instance at once.
    pub at_once: usize,
    /// Requests one instance serves before it is replaced: what leaks in a tenant's heap is bounded.
    pub requests: u32,
    pub age: Duration,
    /// Instances that are worth having while none of them computes for long: as many as there are threads.
    pub threads: usize,
}

/// See the module's paragraph.
pub struct Pool {
    pub version: VersionId,
    bounds: Bounds,
    idle: Weak<IdleInstances>,
    state: Mutex<State>,
    /// A request has left an instance that was full.
    room: Notify,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    number: u64,
}

struct Entry {
    id: u64,
    door: Arc<Door>,
    mail: VecDeque<Box<Arrival>>,
    /// Requests in it and in its mail.
    inside: usize,
    /// Requests it was given so far.
    given: u32,
    born: Instant,
    /// Its memory limit: requests with another one are not for it.
    memory: usize,
    /// In the middle of a call that takes long.
    computing: bool,
    /// Takes no more requests, and ends with those in it.
    closed: bool,
    /// `None`: idle, at that place among the node's.
    permit: Option<Permit>,
    place: u64,
}

/// What wakes an instance's task.
#[derive(Default)]
pub struct Door {
    /// There is mail, or nothing to stay for.
    knocked: AtomicBool,
    /// Requests in it for which something has happened.
    pub ready: Mutex<Vec<i32>>,
    pub task: AtomicWaker,
}

impl Door {
    fn knock(&self) {
        self.knocked.store(true, Ordering::Release);
        self.task.wake();
    }

    /// Whether somebody knocked since the last time.
    pub fn opened(&self) -> bool {
        self.knocked.load(Ordering::Relaxed) && self.knocked.swap(false, Ordering::Acquire)
    }
}

/// Which instance is good enough for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// One that comes to it soon, where another one could be had.
    Soon,
    /// One that has room: there is no other to be had now.
    Room,
    /// Even one in the middle of a long call: it would be refused otherwise.
    Any,
}

/// What [`Pool::enter`] did.
pub enum Entered {
    Joined,
    /// There has to be another instance, with a permit of its own.
    Needs(Box<Arrival>),
}

/// What [`Pool::mail`] has for an instance.
pub enum Mail {
    Arrival(Box<Arrival>),
    Nothing,
    /// It is not needed any more, and is in the pool no longer.
    End,
}

impl Pool {
    pub fn new(version: VersionId, bounds: Bounds, idle: &Arc<IdleInstances>) -> Arc<Self> {
        Arc::new(Self { version, bounds, idle: Arc::downgrade(idle), state: Mutex::default(), room: Notify::new() })
    }

    /// Into an instance that runs and has room.
    pub fn enter(&self, arrival: Box<Arrival>, wants: Wants) -> Entered {
        let mut state = self.state.lock();
        match state.best(&self.bounds, arrival.memory_limit(), wants) {
            Some(at) => {
                let door = state.entries[at].give(arrival);
                drop(state);
                door.knock();
                Entered::Joined
            }
            None => Entered::Needs(arrival),
        }
    }

    /// Into an idle instance, or a new one, which is returned: it has to be started.
    pub fn admit(self: &Arc<Self>, arrival: Box<Arrival>, permit: Permit) -> Option<Member> {
        let memory = arrival.memory_limit();
        let mut state = self.state.lock();
        if let Some(at) = state.best(&self.bounds, memory, Wants::Soon) {
            let door = state.entries[at].give(arrival); // it has room since
            drop(state);
            door.knock();
            return None;
        }
        let mut closed = Vec::new();
        let mut found = None;
        for (at, entry) in state.entries.iter_mut().enumerate().filter(|(_, entry)| entry.permit.is_none()) {
            if entry.spent(&self.bounds) || entry.memory != memory {
                entry.closed = true;
                closed.push(Arc::clone(&entry.door));
            } else {
                found = Some(at);
            }
        }
        let started = if let Some(at) = found {
            let entry = &mut state.entries[at];
            if let Some(idle) = self.idle.upgrade() {
                idle.remove(entry.place);
            }
            entry.permit = Some(permit);
            closed.push(entry.give(arrival));
            None
        } else {
            state.number += 1;
            let id = state.number;
            let mut entry = Entry {
                id,
                door: Arc::default(),
                mail: VecDeque::new(),
                inside: 0,
                given: 0,
                born: Instant::now(),
                memory,
                computing: false,
                closed: false,
                permit: Some(permit),
                place: 0,
            };
            let door = entry.give(arrival);
            state.entries.push(entry);
            Some(Member { pool: Arc::clone(self), id, door })
        };
        drop(state);
        closed.iter().for_each(|door| door.knock());
        started
    }

    /// Waits until a request has left an instance that was full.
    pub async fn room(&self) {
        self.room.notified().await;
    }

    /// Ends the instances, those with requests in them when these are through.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.entries.iter_mut().for_each(|entry| entry.closed = true);
        let doors: Vec<_> = state.entries.iter().map(|entry| Arc::clone(&entry.door)).collect();
        drop(state);
        doors.iter().for_each(|door| door.knock());
    }

    /// Ends one that is idle still.
    fn evict(&self, id: u64) {
        let mut state = self.state.lock();
        let Some(entry) = state.of(id).filter(|entry| entry.permit.is_none()) else { return };
        entry.closed = true;
        let door = Arc::clone(&entry.door);
        drop(state);
        door.knock();
    }
}

/// An instance's place in its pool, left when dropped: what is in its mail then goes elsewhere.
pub struct Member {
    pub pool: Arc<Pool>,
    pub id: u64,
    pub door: Arc<Door>,
}

impl Member {
    /// What it has to do next.
    pub fn mail(&self) -> Mail {
        let mut state = self.pool.state.lock();
        let Some(entry) = state.of(self.id) else { return Mail::End };
        match entry.mail.pop_front() {
            Some(arrival) => {
                if !entry.mail.is_empty() {
                    self.door.knocked.store(true, Ordering::Release); // it comes back for the others
                }
                Mail::Arrival(arrival)
            }
            None if entry.closed && entry.inside == 0 => Mail::End,
            None => Mail::Nothing,
        }
    }

    /// A request has left it. `fit`: it may take others, and has `bytes` of memory. `False`: it ends.
    pub fn left(&self, fit: bool, bytes: usize) -> bool {
        let mut state = self.pool.state.lock();
        let bounds = &self.pool.bounds;
        let Some(entry) = state.of(self.id) else { return false };
        let full = entry.inside >= bounds.at_once;
        entry.inside -= 1;
        entry.closed |= !fit || entry.spent(bounds);
        let idle = self.pool.idle.upgrade();
        let stays = entry.inside > 0 || !entry.closed && idle.is_some();
        let mut permit = None;
        let mut evicted = Vec::new();
        if let (0, true, Some(idle)) = (entry.inside, stays, idle) {
            permit = entry.permit.take();
            entry.place = idle.add(&self.pool, self.id, bytes, &mut evicted);
        }
        drop(state);
        drop(permit);
        if full {
            self.pool.room.notify_one();
        }
        evicted.into_iter().for_each(|(pool, id)| pool.evict(id));
        stays
    }

    pub fn busy(&self) -> Busy {
        Busy { pool: Arc::clone(&self.pool), id: self.id }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock();
        let Some(at) = state.entries.iter().position(|entry| entry.id == self.id) else { return };
        let entry = state.entries.swap_remove(at);
        drop(state);
        let Entry { mail, permit, place, .. } = entry;
        match permit {
            Some(permit) => drop(permit),
            None => drop(self.pool.idle.upgrade().map(|idle| idle.remove(place))),
        }
        mail.into_iter().for_each(Arrival::elsewhere);
        self.pool.room.notify_one();
    }
}

/// Tells the pool that an instance is in the middle of a long call.
pub struct Busy {
    pool: Arc<Pool>,
    id: u64,
}

impl Busy {
    /// It is: others need not wait for its end.
    pub fn computes(&self) {
        let mut state = self.pool.state.lock();
        let Some(entry) = state.of(self.id) else { return };
        entry.computing = true;
        let mail = std::mem::take(&mut entry.mail);
        entry.inside -= mail.len();
        drop(state);
        mail.into_iter().for_each(Arrival::elsewhere);
    }

    /// No more.
    pub fn done(&self) {
        if let Some(entry) = self.pool.state.lock().of(self.id) {
            entry.computing = false;
        }
        self.pool.room.notify_one();
    }
}

impl State {
    fn of(&mut self, id: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }

    /// The one that runs, has room, and will come to a request soonest; `None`: better another one.
    fn best(&mut self, bounds: &Bounds, memory: usize, wants: Wants) -> Option<usize> {
        let mut running = 0;
        let mut best: Option<(usize, usize)> = None;
        for (at, entry) in self.entries.iter_mut().enumerate().filter(|(_, entry)| entry.permit.is_some()) {
            entry.closed |= entry.spent(bounds);
            if entry.closed || entry.memory != memory || (entry.computing && wants != Wants::Any) {
                continue;
            }
            running += 1;
            let waiting = entry.mail.len();
            if entry.inside < bounds.at_once && best.is_none_or(|(_, least)| waiting < least) {
                best = Some((at, waiting));
            }
        }
        let (at, waiting) = best?;
        (wants != Wants::Soon || waiting < BACKLOG || running >= bounds.threads).then_some(at)
    }
}

impl Entry {
    fn give(&mut self, mut arrival: Box<Arrival>) -> Arc<Door> {
        arrival.finish.dropped = Ending::Internal; // from here on the instance tells
        self.inside += 1;
        self.given += 1;
        self.mail.push_back(arrival);
        Arc::clone(&self.door)
    }

    fn spent(&self, bounds: &Bounds) -> bool {
        self.closed || self.given >= bounds.requests || self.born.elapsed() > bounds.age
    }
}
