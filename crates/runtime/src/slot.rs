//! A slot: a Store and an Instance that live on over many requests, whose memory *we* put back
//! between them. That it is sound rests on conditions, each checked here or at load: the guest's
//! only mutable state is its memory and its stack pointer (`image::check_state_is_memory`); the page
//! scan finds every private page (`pagemap`); base and deltas never change; nothing writes to the
//! memory after [`Slot::release`] (a session's operations end before); any doubt drops the slot.
//!
//! A few pages are put back only when the next script comes, whose own are then written over the base's and not
//! over those of the script before: each page once. Many are put back at once, by the one who made them private.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use switchyard_js::abi::INBOX_BYTES;
use wasmtime::{Global, Instance, InstancePre, Memory, Store};

use crate::base::Base;
use crate::delta::{self, Delta};
use crate::engine::{EngineCore, NO_DEADLINE, on_tick};
use crate::host::{Host, Limiter};
use crate::image::PAGE;
use crate::pagemap::{Pagemap, Run};
use crate::tripwire::{Tripwire, forbid_huge_pages};

mod calls;
mod making;
mod runs;

use calls::Calls;
use runs::{add_pages, count, push_page};

/// Private pages beyond twice the script's own that a slot may keep before it is trimmed.
const TRIM_ABOVE: usize = 128;
/// Private pages up to which they are left for the next script to put back: it pays for them.
const LEAVE_UP_TO: usize = 96;
/// One release in this many is compared byte for byte with what the memory must be, in one of [`AUDIT_PARTS`].
const AUDIT_EVERY: u32 = 1_000;
/// Parts of a memory that audits take in turns: all of it at once was a millisecond in which a request waited, and a
/// fifteenth of what a small one costs.
const AUDIT_PARTS: u32 = 16;

type Result<T> = std::result::Result<T, String>;

thread_local! {
    /// One a guest thread: its buffers need no lock. Opened at first use.
    static PAGEMAP: RefCell<Option<Pagemap>> = const { RefCell::new(None) };
}

/// See the module's paragraph.
pub struct Slot {
    pub store: Store<Host>,
    memory: Memory,
    /// Start and length of the memory when the slot was made.
    start: *mut u8,
    len: usize,
    inbox: u32,
    calls: Calls,
    stack_pointer: Global,
    /// What the memory is now, over the base; known exactly between requests.
    holds: Arc<Delta>,
    /// But for `private`, which is as the last request left it.
    left: bool,
    /// Scratch for pages to put back.
    runs: Vec<Run>,
    /// Every page that may be private, while `known`; ascending.
    private: Vec<Run>,
    /// Whether `private` is right: since the last scan or trim, all that made pages private was seen.
    known: bool,
    tripwire: Option<Tripwire>,
    no_huge_pages: bool,
    releases: u32,
    /// Counts this slot among the live ones of its runtime.
    counted: Option<Arc<AtomicUsize>>,
}

// SAFETY: `start` points into the memory that `store` owns and keeps in place; a slot is used by one
// task at a time, which may move between threads.
unsafe impl Send for Slot {}

impl Slot {
    /// A new slot over a memory that maps an image. Some 15 µs, and page faults at first use.
    pub fn create(core: &EngineCore, memory: &InstancePre<Host>) -> wasmtime::Result<Self> {
        let mut store = Store::new(&core.engine, Host::new());
        store.limiter(|host| host);
        #[cfg(test)]
        let _ = store.set_fuel(u64::MAX); // an error where it is not counted
        store.set_epoch_deadline(NO_DEADLINE);
        store.epoch_deadline_callback(|mut context| on_tick(context.data_mut()));
        let missing = || wasmtime::Error::msg("the engine lacks an export");
        let memory = memory.instantiate(&mut store)?.get_memory(&mut store, "memory").ok_or_else(missing)?;
        store.data_mut().memory = Some(memory);
        let externs = core.externs(&mut store, memory).ok_or_else(missing)?;
        let instance = Instance::new(&mut store, &core.code, &externs)?;
        let calls = Calls::of(instance, &mut store)?;
        let inbox = instance.get_typed_func::<(), i32>(&mut store, "sy_inbox")?.call(&mut store, ())? as u32;
        let stack_pointer = instance.get_global(&mut store, "__stack_pointer").ok_or_else(missing)?;
        let (start, len) = (memory.data_ptr(&store), memory.data_size(&store));
        let no_huge_pages = forbid_huge_pages(start, len);
        Ok(Self {
            store,
            memory,
            start,
            len,
            inbox,
            calls,
            stack_pointer,
            holds: Arc::default(),
            left: false,
            runs: Vec::new(),
            private: Vec::new(),
            known: false,
            tripwire: None,
            no_huge_pages,
            releases: 0,
            counted: None,
        })
    }

    /// Counts it until it is dropped.
    pub fn count_in(&mut self, live: &Arc<AtomicUsize>) {
        live.fetch_add(1, Ordering::Relaxed);
        self.counted = Some(Arc::clone(live));
    }

    /// Makes the memory base + script.
    ///
    /// # Errors
    /// When the kernel refuses; the slot must be dropped.
    pub fn hold(&mut self, base: &Base, script: &Arc<Delta>) -> Result<()> {
        if self.left || !Arc::ptr_eq(&self.holds, script) {
            self.change(base, script)?;
        }
        Ok(())
    }

    /// A request begins on this thread: what it makes private is seen from here on.
    pub fn watch(&mut self) {
        self.store.data_mut().yielded = false;
        self.tripwire = self.no_huge_pages.then(Tripwire::set);
    }

    fn change(&mut self, base: &Base, script: &Arc<Delta>) -> Result<()> {
        let grown = (script.wasm_pages << 16) as usize;
        if grown > self.len {
            // It will not be released as clean: `release` sees the length and has it dropped.
            self.store.data_mut().limiter = Limiter::open();
            let more = script.wasm_pages - self.memory.size(&self.store);
            self.memory.grow(&mut self.store, more).map_err(|error| format!("{error:#}"))?;
        }
        // Here and not at release: a bundle that runs again would take all its faults again.
        if count(&self.private) > TRIM_ABOVE + 2 * script.pages.len() {
            self.trim()?;
        }
        // The bytes are known exactly, but for what was left: base + the delta before. Those pages go back, and the
        // new ones in. What was left has all of the delta before in it, which is private.
        let back = if std::mem::take(&mut self.left) {
            &self.private
        } else {
            self.runs.clear();
            self.holds.pages.iter().for_each(|page| push_page(&mut self.runs, *page));
            &self.runs
        };
        // SAFETY: the slot is idle and ours; the memory is as long as the base or longer, and was grown
        // to hold every page of the delta.
        unsafe { delta::put_back(self.memory.data_ptr(&self.store), &base.image, back, script) };
        add_pages(&mut self.private, &script.pages);
        self.holds = Arc::clone(script);
        Ok(())
    }

    /// After a request that ended well: the memory is base + its script again, or will be when it is next needed.
    /// False: drop the slot.
    pub fn release(&mut self, base: &Base) -> bool {
        self.store.set_epoch_deadline(NO_DEADLINE);
        if self.memory.data_size(&self.store) != base.image.len() || self.stack_pointer() != base.stack_pointer {
            return false;
        }
        let untouched = self.tripwire.take().is_some_and(|wire| wire.untouched()) && !self.store.data().yielded;
        if !(self.known && untouched) && self.scan().is_err() {
            return false;
        }
        self.releases = self.releases.wrapping_add(1);
        let audited = self.releases.is_multiple_of(AUDIT_EVERY);
        if !audited && count(&self.private) <= LEAVE_UP_TO {
            self.left = true;
            return true;
        }
        // SAFETY: no call is active and no operation of the request is left; the runs are of this very
        // memory, whose length was just checked to be the base's.
        unsafe { delta::put_back(self.start, &base.image, &self.private, &self.holds) };
        if audited {
            if let Some(page) = self.differs_in(base, self.releases / AUDIT_EVERY) {
                tracing::error!(page, "a slot's memory was not what it must be after a restore; the slot is dropped");
                return false;
            }
            // Reading maps pages; a fresh mapping keeps later scans short.
            return self.trim().is_ok();
        }
        true
    }

    /// The first page that is not base + script, by comparing all of them.
    pub fn differs_at(&self, base: &Base) -> Option<u32> {
        let pages = 0..(self.memory.data_size(&self.store) / PAGE) as u32;
        delta::first_difference(self.memory.data(&self.store), &base.image, &self.holds, pages)
    }

    /// The same in one part of it; `turn` says which.
    fn differs_in(&self, base: &Base, turn: u32) -> Option<u32> {
        let pages = (self.memory.data_size(&self.store) / PAGE) as u32;
        let part = pages.div_ceil(AUDIT_PARTS);
        let from = (turn % AUDIT_PARTS) * part;
        let pages = from.min(pages)..(from + part).min(pages);
        delta::first_difference(self.memory.data(&self.store), &base.image, &self.holds, pages)
    }

    /// What the memory must be, of a slot that was held: base + script.
    #[cfg(test)]
    pub fn expected(&self, base: &Base) -> Vec<u8> {
        let mut expected = base.image.clone();
        expected.resize(self.len.max((self.holds.wasm_pages << 16) as usize), 0);
        // SAFETY: the copy is ours and as long as the base and as the delta's memory.
        unsafe { delta::put_back(expected.as_mut_ptr(), &base.image, &[], &self.holds) };
        expected
    }

    /// Drops all private pages: the mapping itself is the base, as exact as a new slot.
    fn trim(&mut self) -> Result<()> {
        // SAFETY: the range is this slot's memory, a private mapping of the base image; no call is active.
        let done = unsafe { libc::madvise(self.start.cast(), self.len, libc::MADV_DONTNEED) };
        if done != 0 {
            return Err(format!("madvise: {}", std::io::Error::last_os_error()));
        }
        self.holds = Arc::default();
        self.left = false;
        self.private.clear();
        self.known = true; // nothing is private now
        Ok(())
    }

    /// Asks the kernel for the private pages.
    fn scan(&mut self) -> Result<()> {
        let len = self.memory.data_size(&self.store);
        let start = self.memory.data_ptr(&self.store);
        self.known = false;
        PAGEMAP.with_borrow_mut(|kept| {
            let pagemap = match kept {
                Some(pagemap) => pagemap,
                None => kept.insert(Pagemap::open().map_err(|error| error.to_string())?),
            };
            pagemap.private(start, len, &mut self.private).map_err(|error| error.to_string())
        })?;
        self.known = true;
        Ok(())
    }

    /// Whoever touches the memory from another thread than the one that holds spoils the tripwire.
    fn touch(&mut self) {
        self.tripwire.take_if(|wire| !wire.is_of_this_thread());
    }

    /// The pages in which the memory differs from the base now: what a publish keeps.
    pub fn delta(&mut self, base: &Base) -> Result<Delta> {
        let inbox = self.inbox as usize;
        self.memory.data_mut(&mut self.store)[inbox..inbox + INBOX_BYTES].fill(0);
        self.scan()?;
        let from = (base.stack_pointer as usize).div_ceil(crate::image::PAGE) as u32;
        Ok(Delta::between(&base.image, self.memory.data(&self.store), &self.private, from))
    }

    pub fn memory_bytes(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    /// Start and length of the memory, and the private pages it is known to have.
    #[cfg(test)]
    pub fn known_private(&self) -> (*const u8, usize, &[Run]) {
        (self.start, self.len, &self.private)
    }

    /// What the guest has executed since it was last asked for, where that is counted.
    #[cfg(test)]
    pub fn fuel_taken(&mut self) -> Option<u64> {
        let left = self.store.get_fuel().ok()?;
        self.store.set_fuel(u64::MAX).ok()?;
        Some(u64::MAX - left)
    }

    pub fn stack_pointer(&mut self) -> i32 {
        self.stack_pointer.get(&mut self.store).i32().unwrap_or(-1)
    }

    /// Tries on this very slot, which is dropped then, what all slots rely on: that a new memory is the
    /// base, that the page scan finds what was written, and that both ways back lead to the base.
    ///
    /// # Errors
    /// A text that says what does not hold on this machine.
    pub fn prove(mut self, base: &Base) -> Result<()> {
        let stack_end = base.stack_pointer as usize;
        let written = [stack_end, (stack_end + self.len) / 2, self.len - 1];
        let same = |slot: &Self, way: &str| match slot.differs_at(base) {
            Some(page) => Err(format!("{way} differs from the base in page {page}")),
            None => Ok(()),
        };
        self.hold(base, &Arc::default())?;
        same(&self, "a new memory")?;
        for trimmed in [false, true] {
            written.iter().for_each(|at| self.memory.data_mut(&mut self.store)[*at] ^= 0xff);
            if trimmed {
                self.trim()?;
            } else {
                if !self.release(base) {
                    return Err("a slot cannot be released".into());
                }
                self.hold(base, &Arc::default())?;
            }
            same(&self, if trimmed { "a trimmed memory" } else { "a released memory" })?;
        }
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(live) = &self.counted {
            live.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
