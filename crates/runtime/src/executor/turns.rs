//! What is next, and whether it begins on the thread that asks: the rules that guest threads, and those that run guests
//! beside their connections, go by. Everything here is under the one lock of [`State`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_task::Runnable;

use super::{
    BARELY_BEGUN, GIVE_UP, OFFER, Offer, POLLED, Pace, Running, SHORT, State, TICK, TenantKey, Thread, WARY, Waiting,
};

impl State {
    /// Charges the poll that has just ended on this thread, if one did, and says whose it was.
    pub(super) fn charge(&mut self) -> Option<TenantKey> {
        let (tenant, nanos) = POLLED.take()?;
        self.queues.charge(tenant, nanos);
        Some(tenant)
    }

    /// Takes what is next, as the thread of that number.
    pub(super) fn next(&mut self, number: usize) -> Option<Runnable> {
        let (tenant, waiting) = self.queues.pop()?;
        Some(self.begins(number, tenant, waiting))
    }

    fn begins(&mut self, number: usize, tenant: TenantKey, waiting: Waiting) -> Runnable {
        let thread = &mut self.threads[number];
        thread.runs = Some(Running {
            tenant,
            began: Instant::now(),
            resumed: waiting.resumes,
            intrudes: number >= self.guests && waiting.pace != Pace::Short,
            cpu: None,
            overdue: false,
        });
        thread.give_up.store(false, Ordering::Relaxed);
        waiting.runnable
    }

    /// Takes what may begin on a thread that is no guest's: what is next ([`State::may_begin_here`]), or else what is short
    /// and not far behind it. What is before that is for guest threads, which have others to run or are about to take it,
    /// and gets none the sooner if it waits alone. It may be a slice behind; beside guests that should have given
    /// up their threads and do not, at any place, and then it costs those that wait nothing: there is nothing for them.
    pub(super) fn begin_here(&mut self, number: usize) -> Option<Runnable> {
        if self.may_begin_here() {
            return self.next(number);
        }
        if self.queues.is_empty() {
            return None;
        }
        let mut guests = self.threads.iter().take(self.guests);
        let overdue = guests.all(|thread| thread.runs.is_some_and(|run| run.overdue));
        let latest = if overdue { u64::MAX } else { self.slice_behind()? };
        let is_free = |tenant| self.threads.iter().all(|thread| thread.runs.is_none_or(|run| run.tenant != tenant));
        let wanted = |tenant, waiting: &Waiting| waiting.pace == Pace::Short && !waiting.resumes && is_free(tenant);
        let (tenant, waiting) = self.queues.pop_where(latest, wanted)?;
        if overdue {
            self.queues.forgive(tenant);
        }
        Some(self.begins(number, tenant, waiting))
    }

    /// A slice after what is next, and after all that has run for long.
    fn slice_behind(&mut self) -> Option<u64> {
        let slice = TICK.as_nanos() as u64;
        let next = self.queues.next_stands(slice)?;
        let now = Instant::now();
        let long = self.threads.iter().filter_map(|thread| thread.runs).filter(|run| !run.is_short(now));
        let stand = long.filter_map(|run| self.queues.stands(run.tenant, run.used(now) + slice));
        Some(stand.min().map_or(next, |first| next.min(first)))
    }

    /// At the tick: guests that have run for long are to give up their threads. One that was told so and has used another
    /// tick of CPU since, in a call that nothing interrupts, is overdue.
    pub(super) fn end_slices(&mut self, now: Instant) {
        for thread in &mut self.threads {
            let Some(run) = thread.runs.as_mut() else { continue };
            let long = now.saturating_duration_since(run.began) >= BARELY_BEGUN;
            if !long && !run.intrudes {
                continue;
            }
            if long {
                self.told_at = Some(now);
            }
            thread.give_up.store(true, Ordering::Relaxed);
            let Some(clock) = thread.clock else { continue };
            let cpu = clock.nanos();
            match run.cpu {
                None => run.cpu = Some(cpu),
                Some(told) => run.overdue |= cpu.saturating_sub(told) >= TICK.as_nanos() as u64,
            }
        }
    }

    /// The thread of that number is through with what it ran, if anything.
    pub(super) fn ran(&mut self, number: usize) {
        self.charge();
        if let Some(ran) = self.threads[number].runs.take() {
            self.queues.done(ran.tenant);
        }
    }

    /// Whether what is next may begin on a thread that is no guest's: it is short, and a guest thread is free, or all run
    /// other tenants' that are short as well or have to give way to it. Those would do so at their next look at the epoch,
    /// after two changes of threads; the system gives this one its turn beside them, for as long as a short request takes.
    /// What has given up a thread before is no short one: here it would hold up connections for all of its slice. So might
    /// what nothing is known of, which is not worth that where others wait for guest threads as well, or have just now
    /// computed for long.
    fn may_begin_here(&mut self) -> bool {
        let is_free = self.queues.running() < self.guests;
        let now = if is_free { None } else { Some(Instant::now()) };
        while let Some(tenant) = self.queues.next() {
            let waiting = self.queues.waiting(tenant).filter(|waiting| !waiting.resumes);
            let Some(now) = now else {
                return waiting.is_some_and(|waiting| match waiting.pace {
                    Pace::Short => true,
                    Pace::Long => false,
                    Pace::Unknown => self.told_at.is_none_or(|told| told.elapsed() >= WARY),
                });
            };
            let short = waiting.is_some_and(|waiting| waiting.pace == Pace::Short);
            let mut runs = self.threads.iter().filter_map(|thread| thread.runs);
            let beside = |run: Running| {
                run.tenant != tenant && (run.is_short(now) || self.gives_way(&run, tenant, now).is_some())
            };
            if short && runs.all(beside) {
                return true;
            }
            // A second call of one that computes stands where the first began, until that is charged.
            let runs = self.threads.iter().filter_map(|thread| thread.runs).filter(|run| run.tenant == tenant);
            if !self.queues.defer(tenant, runs.map(|run| run.used(now)).sum()) {
                return false;
            }
        }
        false
    }

    /// For how long it has run, if it is no short one and `tenant` goes before it, or is behind it by less than a short
    /// run: a slice that has just begun is behind nobody yet, and who waits for its end waits for all of it.
    fn gives_way(&self, run: &Running, tenant: TenantKey, now: Instant) -> Option<Duration> {
        let ran = now.saturating_duration_since(run.began);
        let used = run.used(now) + SHORT.as_nanos() as u64;
        let must = !run.is_short(now) && self.queues.is_ahead(tenant, run.tenant, used);
        must.then_some(ran)
    }

    /// Gives what waits first to this thread, if it would run it. True: it does.
    pub(super) fn offered(&mut self) -> bool {
        match OFFER.take() {
            Offer::Open => match self.take_here() {
                Some((runnable, number)) => {
                    OFFER.set(Offer::Taken(runnable, number));
                    true
                }
                None => {
                    OFFER.set(Offer::Open);
                    false
                }
            },
            other => {
                OFFER.set(other);
                false
            }
        }
    }

    /// Takes what waits first for this thread, which is no guest's, if it may begin here; with its number.
    pub(super) fn take_here(&mut self) -> Option<(Runnable, usize)> {
        if self.queues.is_empty() {
            return None;
        }
        let give_up = GIVE_UP.with(|own| Arc::clone(own.get_or_init(Arc::default)));
        let free = self.threads.iter().skip(self.guests).position(|thread| thread.runs.is_none());
        let number = match free {
            Some(at) => {
                let number = self.guests + at;
                self.threads[number].give_up = give_up;
                number
            }
            None => {
                self.threads.push(Thread { give_up, runs: None, clock: None });
                self.threads.len() - 1
            }
        };
        Some((self.begin_here(number)?, number))
    }

    /// Where all threads are taken: has the one that is furthest behind `tenant` give up its own. Not this thread: what
    /// runs on it has begun something, and mostly is about to wait for that.
    pub(super) fn interrupt_for(&self, tenant: TenantKey) -> bool {
        if self.queues.running() < self.guests {
            return false;
        }
        let now = Instant::now();
        let is_own =
            |thread: &Thread| GIVE_UP.with(|own| own.get().is_some_and(|own| Arc::ptr_eq(own, &thread.give_up)));
        let others = self.threads.iter().filter(|thread| !is_own(thread));
        let longest = others.filter_map(|thread| Some((self.gives_way(&thread.runs?, tenant, now)?, thread)));
        match longest.max_by_key(|(ran, _)| *ran) {
            Some((_, thread)) => !thread.give_up.swap(true, Ordering::Relaxed),
            None => false,
        }
    }
}
