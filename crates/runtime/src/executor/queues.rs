//! Whose runnable is next: the tenant's that has used the least, measured in CPU time over its weight
//! (start-time fair queueing, which is deficit round robin with the quantum at its limit of nothing).
//!
//! Each tenant has a virtual time that its charges move on. One that was idle begins at most [`CREDIT`]
//! before the present virtual time, that of what was handed out last, however long it was away: who asks
//! for less than its share is before all that want more than theirs, and need not wait for a round of
//! their slices. One that ran has debt until the others have caught up, so that a tenant of short calls
//! has all of them run before the next slice of one that burns. What is kept of a tenant is bounded: it
//! goes when it is as one that was never there.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::TenantKey;

/// Virtual time of one nanosecond at weight 1: what is left of short polls at large weights.
const SCALE: u64 = 16;
/// Nanoseconds of CPU that being idle earns at most, at any weight: a slice.
const CREDIT: u64 = 1_000_000;
/// How many turns are looked through for one that is wanted before its time.
const LOOK: usize = 16;
/// Tenants above which those whose debt is of no account are looked for: what all threads write is to lie in few lines.
const FEW: usize = 16;

/// See the module's paragraph.
pub struct Queues<T> {
    tenants: HashMap<TenantKey, Tenant<T>, RandomState>,
    /// Tenants that have something waiting, each once. Charges since may have put one further back.
    turns: BinaryHeap<Reverse<(u64, u64, TenantKey)>>,
    /// Tells apart what has the same virtual time: first come, first served.
    number: u64,
    now: u64,
    running: usize,
    /// Tenants at which the next sweep is due.
    sweep_at: usize,
    /// Turns that were passed over; empty, but for its memory.
    passed: Vec<Reverse<(u64, u64, TenantKey)>>,
}

struct Tenant<T> {
    /// What waits longest has its place here: mostly it is all that waits, and takes no memory of its own.
    first: Option<T>,
    behind: VecDeque<T>,
    time: u64,
    weight: u16,
    running: u32,
}

impl<T> Default for Queues<T> {
    fn default() -> Self {
        let now = over(CREDIT, 1); // as much as there has to be behind it
        Self {
            tenants: HashMap::default(),
            turns: BinaryHeap::new(),
            number: 0,
            now,
            running: 0,
            sweep_at: FEW,
            passed: Vec::new(),
        }
    }
}

impl<T> Queues<T> {
    /// A tenant has something to run. Its weight (0 is taken as 1) counts from now on.
    pub fn push(&mut self, tenant: TenantKey, weight: u16, item: T) {
        let earliest = self.earliest(weight);
        let fresh = || Tenant { first: None, behind: VecDeque::new(), time: earliest, weight: 1, running: 0 };
        let entry = self.tenants.entry(tenant).or_insert_with(fresh);
        entry.weight = weight.max(1);
        if entry.first.is_some() {
            entry.behind.push_back(item);
        } else {
            entry.first = Some(item);
            entry.time = entry.time.max(earliest);
            let time = entry.time;
            self.turn(time, tenant);
        }
        if self.tenants.len() >= self.sweep_at {
            self.sweep();
        }
    }

    /// What is next, and whose it is. The caller says [`Queues::done`] when it has run.
    pub fn pop(&mut self) -> Option<(TenantKey, T)> {
        while let Some((time, tenant)) = self.first() {
            self.turns.pop();
            // Not that of its turn: one that was put back stands later than what was used in the end.
            let now = self.tenants.get(&tenant).map_or(0, |entry| entry.time);
            let Some(item) = self.hand_out(tenant, time) else { continue };
            self.now = self.now.max(now);
            return Some((tenant, item));
        }
        None
    }

    /// As [`Queues::pop`], of the next few turns ([`LOOK`]) the first that stands before `latest` and is `wanted`. The
    /// present virtual time is none of its business: others are still to have theirs.
    pub fn pop_where(&mut self, latest: u64, wanted: impl Fn(TenantKey, &T) -> bool) -> Option<(TenantKey, T)> {
        let mut found = None;
        while self.passed.len() < LOOK
            && let Some((time, tenant)) = self.first()
            && time < latest
            && let Some(turn) = self.turns.pop()
        {
            if self.waiting(tenant).is_some_and(|item| wanted(tenant, item)) {
                found = self.hand_out(tenant, time).map(|item| (tenant, item));
                break;
            }
            self.passed.push(turn);
        }
        self.turns.extend(self.passed.drain(..));
        found
    }

    /// What waits first of a tenant, whose turn, at `time`, was taken.
    fn hand_out(&mut self, tenant: TenantKey, time: u64) -> Option<T> {
        let entry = self.tenants.get_mut(&tenant)?;
        let item = entry.first.take()?;
        entry.first = entry.behind.pop_front();
        entry.running += 1;
        self.running += 1;
        if entry.first.is_some() {
            self.turn(time, tenant);
        }
        Some(item)
    }

    /// A tenant has used that much CPU.
    pub fn charge(&mut self, tenant: TenantKey, nanos: u64) {
        if let Some(entry) = self.tenants.get_mut(&tenant) {
            entry.time = entry.time.saturating_add(over(nanos, entry.weight));
        }
    }

    /// What was popped of a tenant runs no more.
    pub fn done(&mut self, tenant: TenantKey) {
        self.running -= 1;
        if let Some(entry) = self.tenants.get_mut(&tenant) {
            entry.running = entry.running.saturating_sub(1);
        }
        if self.running == 0 && self.turns.is_empty() {
            // Nobody waits for a debt to be paid: all are equal again.
            let last = self.tenants.values().map(|tenant| tenant.time).max();
            self.now = self.now.max(last.unwrap_or(0));
            self.tenants.clear();
        } else if self.turns.is_empty() && self.tenants.len() >= FEW {
            // The same for all but those that run: there is a free thread for whoever comes.
            self.tenants.retain(|_, tenant| tenant.running > 0);
        }
    }

    /// Whether `tenant` goes before `of`, whose present run has taken `nanos` that are not charged yet.
    pub fn is_ahead(&self, tenant: TenantKey, of: TenantKey, nanos: u64) -> bool {
        self.stands(of, nanos).is_some_and(|other| self.stands(tenant, 0).is_some_and(|own| own < other))
    }

    /// Where one stands that runs and has used `nanos` that are not charged yet.
    pub fn stands(&self, tenant: TenantKey, nanos: u64) -> Option<u64> {
        self.tenants.get(&tenant).map(|entry| entry.time.saturating_add(over(nanos, entry.weight)))
    }

    /// What a tenant has used so far is as if it had used nothing lately.
    pub fn forgive(&mut self, tenant: TenantKey) {
        let now = self.now;
        if let Some(entry) = self.tenants.get_mut(&tenant) {
            entry.time = entry.time.min(now.saturating_sub(over(CREDIT, entry.weight)));
        }
    }

    /// Whose [`Queues::pop`] would be.
    pub fn next(&mut self) -> Option<TenantKey> {
        self.first().map(|(_, tenant)| tenant)
    }

    /// So many nanoseconds of CPU, at weight 1, after where that one stands.
    pub fn next_stands(&mut self, nanos: u64) -> Option<u64> {
        self.first().map(|(time, _)| time.saturating_add(over(nanos, 1)))
    }

    /// What a tenant's next [`Queues::pop`] would be.
    pub fn waiting(&self, tenant: TenantKey) -> Option<&T> {
        self.tenants.get(&tenant)?.first.as_ref()
    }

    /// What waits of a tenant comes no sooner than its present runs, of which `nanos` are not charged yet, would have
    /// it. False: that moves it nowhere.
    pub fn defer(&mut self, tenant: TenantKey, nanos: u64) -> bool {
        let Some((time, first)) = self.first() else { return false };
        let Some(entry) = self.tenants.get(&tenant) else { return false };
        let later = entry.time.saturating_add(over(nanos, entry.weight));
        if first != tenant || later <= time {
            return false;
        }
        self.turns.pop();
        self.turn(later, tenant);
        true
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.running
    }

    /// The first turn. One that charges since have put further back gets its right place before.
    fn first(&mut self) -> Option<(u64, TenantKey)> {
        while let Some(Reverse((time, _, tenant))) = self.turns.peek().copied() {
            match self.tenants.get(&tenant) {
                Some(entry) if entry.time <= time => return Some((time, tenant)),
                entry => {
                    let later = entry.map(|entry| entry.time);
                    self.turns.pop();
                    if let Some(time) = later {
                        self.turn(time, tenant);
                    }
                }
            }
        }
        None
    }

    fn turn(&mut self, time: u64, tenant: TenantKey) {
        self.number += 1;
        self.turns.push(Reverse((time, self.number, tenant)));
    }

    /// Where one begins that has nothing under way.
    fn earliest(&self, weight: u16) -> u64 {
        self.now.saturating_sub(over(CREDIT, weight))
    }

    fn sweep(&mut self) {
        let now = self.now;
        let is_back = |tenant: &Tenant<T>| tenant.time.saturating_add(over(CREDIT, tenant.weight)) <= now;
        self.tenants.retain(|_, tenant| tenant.first.is_some() || tenant.running > 0 || !is_back(tenant));
        self.sweep_at = (2 * self.tenants.len()).max(FEW);
    }
}

fn over(nanos: u64, weight: u16) -> u64 {
    nanos.saturating_mul(SCALE) / u64::from(weight.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROS: u64 = 1_000;

    /// What is run: whose, and for how long.
    struct Load {
        tenant: TenantKey,
        weight: u16,
        nanos: u64,
        /// Runnables at once; each comes again as soon as it has run.
        at_once: usize,
    }

    /// CPU time of each load after `steps` runs on one thread.
    fn shares(loads: &[Load], steps: usize) -> Vec<u64> {
        let mut queues = Queues::default();
        for (number, load) in loads.iter().enumerate() {
            (0..load.at_once).for_each(|_| queues.push(load.tenant, load.weight, number));
        }
        let mut used = vec![0; loads.len()];
        for _ in 0..steps {
            let (tenant, number) = queues.pop().unwrap();
            used[number] += loads[number].nanos;
            queues.charge(tenant, loads[number].nanos);
            queues.push(tenant, loads[number].weight, number);
            queues.done(tenant);
        }
        used
    }

    fn load(nanos: u64, weight: u16, at_once: usize) -> Load {
        Load { tenant: TenantKey::random(), weight, nanos, at_once }
    }

    #[test]
    fn short_runs_get_as_much_cpu_as_long_ones_however_many_are_there() {
        let used = shares(&[load(25 * MICROS, 1, 4), load(1_000 * MICROS, 1, 1_000)], 50_000);
        assert!(used[0].abs_diff(used[1]) <= 1_000 * MICROS, "{used:?}");
    }

    #[test]
    fn weights_divide_the_cpu() {
        let used = shares(&[load(100 * MICROS, 1, 3), load(100 * MICROS, 3, 3), load(700 * MICROS, 6, 3)], 50_000);
        let all: u64 = used.iter().sum();
        for (used, tenths) in used.iter().zip([1, 3, 6]) {
            assert!(used.abs_diff(all * tenths / 10) < 2_000 * MICROS, "{used} of {all}, not {tenths} tenths");
        }
        // The largest weight, of runs too short for it to be counted in whole nanoseconds.
        let used = shares(&[load(20 * MICROS, u16::MAX, 2), load(20 * MICROS, u16::MAX, 2)], 10_000);
        assert_eq!(used[0], used[1]);
        assert_eq!(used[0], 5_000 * 20 * MICROS);
    }

    #[test]
    fn one_who_comes_is_before_one_who_burns_and_behind_nobody_twice() {
        let (burner, quiet) = (TenantKey::random(), TenantKey::random());
        let mut queues = Queues::default();
        queues.push(burner, 1, "burn");
        for _ in 0..100 {
            assert_eq!(queues.pop(), Some((burner, "burn")));
            queues.charge(burner, 1_000 * MICROS);
            queues.push(burner, 1, "burn");
            queues.done(burner);
        }
        // Forty of 25 µs are one slice, and another one is what being idle has earned; the burner had a hundred, which
        // are forgotten.
        (0..100).for_each(|_| queues.push(quiet, 1, "quiet"));
        let mut before = 0;
        while let Some((tenant, what)) = queues.pop() {
            queues.charge(tenant, 25 * MICROS);
            queues.done(tenant);
            if what == "burn" {
                break;
            }
            before += 1;
        }
        assert_eq!(before, 80);
    }

    #[test]
    fn being_idle_earns_a_slice_and_no_more() {
        let (early, late) = (TenantKey::random(), TenantKey::random());
        let mut queues = Queues::default();
        queues.push(late, 1, 0);
        let (tenant, _) = queues.pop().unwrap();
        queues.charge(tenant, 10);
        // It stays away while the other uses a second; then both want all there is.
        queues.push(early, 1, 0);
        queues.done(late);
        for _ in 0..1_000 {
            queues.pop().unwrap();
            queues.charge(early, 1_000 * MICROS);
            queues.push(early, 1, 0);
            queues.done(early);
        }
        queues.push(late, 1, 1);
        let mut used = [0, 0];
        for _ in 0..1_000 {
            let (tenant, who) = queues.pop().unwrap();
            used[who] += 1;
            queues.charge(tenant, 100 * MICROS);
            queues.push(tenant, 1, who);
            queues.done(tenant);
        }
        assert!((505..=515).contains(&used[1]), "{used:?}");
    }

    #[test]
    fn who_asks_for_less_than_its_share_waits_for_no_round_of_slices() {
        let quiet = TenantKey::random();
        let mut queues = Queues::default();
        (0..4).for_each(|_| queues.push(TenantKey::random(), 1, ()));
        for turn in 0..1_000 {
            let (tenant, ()) = queues.pop().unwrap();
            queues.charge(tenant, 1_000 * MICROS);
            queues.push(tenant, 1, ());
            queues.done(tenant);
            if turn < 4 {
                continue; // what they earned by coming is used up then
            }
            // It comes in each slice, for a seventh of one; a fifth of five is its share.
            queues.push(quiet, 1, ());
            assert_eq!(queues.pop(), Some((quiet, ())), "{turn}");
            queues.charge(quiet, 140 * MICROS);
            queues.done(quiet);
        }
    }

    #[test]
    fn debts_are_forgotten_and_tenants_with_them() {
        let mut queues = Queues::default();
        let stays = TenantKey::random();
        queues.push(stays, 1, ());
        for _ in 0..10_000 {
            let other = TenantKey::random();
            queues.push(other, 1, ());
            for _ in 0..2 {
                let (tenant, ()) = queues.pop().unwrap();
                queues.charge(tenant, 1_000 * MICROS);
                if tenant == stays {
                    queues.push(stays, 1, ());
                }
                queues.done(tenant);
            }
        }
        assert!(queues.tenants.len() < 3 * FEW, "{}", queues.tenants.len());
        while let Some((tenant, ())) = queues.pop() {
            queues.done(tenant);
        }
        assert!(queues.tenants.is_empty() && queues.is_empty() && queues.running() == 0);
    }

    #[test]
    fn what_is_wanted_before_its_time_is_taken_from_among_the_next_and_leaves_their_order() {
        let tenants: Vec<TenantKey> = (0..LOOK + 2).map(|_| TenantKey::random()).collect();
        let mut queues = Queues::default();
        tenants.iter().zip(0..).for_each(|(tenant, number)| queues.push(*tenant, 1, number));
        let slice = queues.next_stands(1_000 * MICROS).unwrap();
        assert_eq!(queues.pop_where(u64::MAX, |_, number| *number > LOOK), None, "too far back");
        assert_eq!(
            queues.pop_where(queues.stands(tenants[0], 0).unwrap(), |_, _| true),
            None,
            "none is before the first"
        );
        assert_eq!(queues.pop_where(slice, |_, number| *number == 3), Some((tenants[3], 3)));
        // One that has used much is behind a slice; then it is as if it had used nothing.
        queues.charge(tenants[3], 5_000 * MICROS);
        queues.push(tenants[3], 1, 100);
        queues.done(tenants[3]);
        assert_eq!(queues.pop_where(slice, |_, number| *number == 100), None);
        queues.forgive(tenants[3]);
        assert_eq!(queues.stands(tenants[3], 0), queues.stands(tenants[0], 0));
        let order: Vec<usize> = std::iter::from_fn(|| queues.pop().map(|(_, number)| number)).collect();
        assert_eq!(order[..4], [0, 1, 2, 4]);
        assert_eq!(order.len(), LOOK + 2);
    }

    #[test]
    fn who_is_next_is_known_before_it_is_taken() {
        let (burner, quiet) = (TenantKey::random(), TenantKey::random());
        let mut queues = Queues::default();
        assert_eq!(queues.next(), None);
        queues.push(burner, 1, 0);
        assert_eq!(queues.next(), Some(burner));
        queues.pop().unwrap();
        queues.push(burner, 1, 1);
        queues.charge(burner, 1_000 * MICROS);
        queues.push(quiet, 1, 2);
        assert_eq!(queues.next(), Some(quiet));
        assert_eq!(queues.pop(), Some((quiet, 2)));
        queues.charge(quiet, 2_000 * MICROS);
        queues.push(quiet, 1, 3);
        assert_eq!(queues.next(), Some(burner));
        assert_eq!(queues.pop(), Some((burner, 1)));
    }

    #[test]
    fn a_second_call_waits_behind_what_the_first_has_used_so_far() {
        let (burner, quiet) = (TenantKey::random(), TenantKey::random());
        let mut queues = Queues::default();
        (0..2).for_each(|call| queues.push(burner, 1, call));
        assert_eq!(queues.pop(), Some((burner, 0)));
        queues.push(quiet, 1, 2);
        // Both stand where the first call began.
        assert_eq!(queues.next(), Some(burner));
        assert!(!queues.defer(quiet, 100 * MICROS), "not its turn");
        assert!(!queues.defer(burner, 0));
        assert!(queues.defer(burner, 300 * MICROS) && !queues.defer(burner, 300 * MICROS));
        assert_eq!(queues.pop(), Some((quiet, 2)));
        queues.charge(quiet, 500 * MICROS);
        queues.push(quiet, 1, 3);
        // It counts once, however much of it was told before its end.
        queues.charge(burner, 400 * MICROS);
        assert_eq!(queues.pop(), Some((burner, 1)));
    }

    #[test]
    fn what_was_told_too_much_puts_nobody_else_back() {
        let (burner, quiet, other) = (TenantKey::random(), TenantKey::random(), TenantKey::random());
        let mut queues = Queues::default();
        (0..2).for_each(|call| queues.push(burner, 1, call));
        queues.pop().unwrap();
        queues.push(quiet, 1, 2);
        assert!(queues.defer(burner, 3_000 * MICROS));
        queues.charge(burner, 1_000 * MICROS);
        assert_eq!(queues.pop(), Some((quiet, 2)));
        assert_eq!(queues.pop(), Some((burner, 1)));
        // It stands where the burner does, and not where that was thought to be.
        queues.push(other, 1, 3);
        assert!(queues.is_ahead(other, burner, MICROS));
    }

    #[test]
    fn who_has_used_less_is_ahead_of_one_that_runs() {
        let (runs, comes) = (TenantKey::random(), TenantKey::random());
        let mut queues = Queues::default();
        queues.push(runs, 1, ());
        queues.pop().unwrap();
        queues.push(comes, 1, ());
        assert!(!queues.is_ahead(comes, runs, 0), "both begin here");
        assert!(queues.is_ahead(comes, runs, 100 * MICROS));
        queues.charge(comes, 200 * MICROS);
        assert!(!queues.is_ahead(comes, runs, 100 * MICROS));
        assert!(!queues.is_ahead(TenantKey::random(), runs, 100 * MICROS));
    }
}
