//! A slot: a Store and an Instance that live on over many requests, whose memory *we* put back
//! between them. That it is sound rests on conditions, each checked here or at load: the guest's
//! only mutable state is its memory and its stack pointer (`image::check_state_is_memory`); the page
//! scan finds every private page (`pagemap`); base and deltas never change; nothing writes to the
//! memory after [`Slot::release`] (a session's operations end before); any doubt drops the slot.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use switchyard_js::abi::{INBOX_BYTES, Reader, Writer, event, op, status};
use wasmtime::{Global, Instance, InstancePre, Memory, Store, TypedFunc};

use crate::base::Base;
use crate::delta::{self, Delta};
use crate::engine::{EngineCore, NO_DEADLINE, on_tick};
use crate::host::{Host, Limiter};
use crate::pagemap::{Pagemap, Run};
use crate::tripwire::{Tripwire, forbid_huge_pages};

/// Private pages beyond twice the script's own that a slot may keep before it is trimmed.
const TRIM_ABOVE: usize = 128;
/// One release in this many is compared byte for byte with what the memory must be.
const AUDIT_EVERY: u32 = 1_000;

type Result<T> = std::result::Result<T, String>;

thread_local! {
    /// One a guest thread: its buffers need no lock. Opened at first use.
    static PAGEMAP: RefCell<Option<Pagemap>> = const { RefCell::new(None) };
    /// Seeds for `Math.random`, each used once.
    static SEEDS: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
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

struct Calls {
    alloc: TypedFunc<i32, i32>,
    free: TypedFunc<i32, ()>,
    event: TypedFunc<(i32, i32, i32, i32, i32), i32>,
    seed: TypedFunc<i64, ()>,
    instance: Instance,
}

impl Slot {
    /// A new slot over a memory that maps an image. Some 15 µs, and page faults at first use.
    pub fn create(core: &EngineCore, memory: &InstancePre<Host>) -> wasmtime::Result<Self> {
        let mut store = Store::new(&core.engine, Host::new());
        store.limiter(|host| &mut host.limiter);
        store.set_epoch_deadline(NO_DEADLINE);
        store.epoch_deadline_callback(|mut context| on_tick(context.data_mut()));
        let missing = || wasmtime::Error::msg("the engine lacks an export");
        let memory = memory.instantiate(&mut store)?.get_memory(&mut store, "memory").ok_or_else(missing)?;
        store.data_mut().memory = Some(memory);
        let externs = core.externs(&mut store, memory).ok_or_else(missing)?;
        let instance = Instance::new(&mut store, &core.code, &externs)?;
        let calls = Calls {
            alloc: instance.get_typed_func(&mut store, "sy_alloc")?,
            free: instance.get_typed_func(&mut store, "sy_free")?,
            event: instance.get_typed_func(&mut store, "sy_event")?,
            seed: instance.get_typed_func(&mut store, "sy_seed")?,
            instance,
        };
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

    /// Makes the slot hold a script. False: it cannot, since the script needs more memory than the
    /// base has and this slot must not grow; see [`Slot::grow_to`].
    ///
    /// # Errors
    /// When the kernel refuses; the slot must be dropped.
    pub fn hold(&mut self, base: &Base, script: &Arc<Delta>) -> Result<()> {
        if !Arc::ptr_eq(&self.holds, script) {
            self.change(base, script)?;
        }
        self.store.data_mut().yielded = false;
        self.tripwire = self.no_huge_pages.then(Tripwire::set);
        Ok(())
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
        // The bytes are known exactly: base + the delta before. Its pages go back, then the new ones in.
        self.runs.clear();
        self.holds.pages.iter().for_each(|page| push_page(&mut self.runs, *page));
        // SAFETY: the slot is idle and ours; the memory is as long as the base or longer, and was grown
        // to hold every page of the delta.
        unsafe { delta::put_back(self.memory.data_ptr(&self.store), &base.image, &self.runs, script) };
        add_pages(&mut self.private, &script.pages);
        self.holds = Arc::clone(script);
        Ok(())
    }

    /// After a request that ended well: puts the memory back to base + its script. False: drop the slot.
    pub fn release(&mut self, base: &Base) -> bool {
        self.store.set_epoch_deadline(NO_DEADLINE);
        if self.memory.data_size(&self.store) != base.image.len() || self.stack_pointer() != base.stack_pointer {
            return false;
        }
        let untouched = self.tripwire.take().is_some_and(|wire| wire.untouched()) && !self.store.data().yielded;
        if !(self.known && untouched) && self.scan().is_err() {
            return false;
        }
        // SAFETY: no call is active and no operation of the request is left; the runs are of this very
        // memory, whose length was just checked to be the base's.
        unsafe { delta::put_back(self.start, &base.image, &self.private, &self.holds) };
        self.releases = self.releases.wrapping_add(1);
        if self.releases.is_multiple_of(AUDIT_EVERY) {
            if let Some(page) = self.differs_at(base) {
                tracing::error!(page, "a slot's memory was not what it must be after a restore; the slot is dropped");
                return false;
            }
            // Reading maps every page; a fresh mapping keeps later scans short.
            return self.trim().is_ok();
        }
        true
    }

    /// The first page that is not base + script, by comparing all of them.
    pub fn differs_at(&self, base: &Base) -> Option<u32> {
        delta::first_difference(self.memory.data(&self.store), &base.image, &self.holds)
    }

    /// Drops all private pages: the mapping itself is the base, as exact as a new slot.
    fn trim(&mut self) -> Result<()> {
        // SAFETY: the range is this slot's memory, a private mapping of the base image; no call is active.
        let done = unsafe { libc::madvise(self.start.cast(), self.len, libc::MADV_DONTNEED) };
        if done != 0 {
            return Err(format!("madvise: {}", std::io::Error::last_os_error()));
        }
        self.holds = Arc::default();
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

    /// Calls the platform's callback. The guest yields at every epoch tick and is stopped at its CPU limit.
    /// Returns whether the callback threw: not 0.
    ///
    /// # Errors
    /// wasmtime's: a trap, or [`crate::engine::CpuExceeded`]. The slot must be dropped.
    pub async fn event(&mut self, kind: i32, id: i32, status: i32, values: &[u8]) -> wasmtime::Result<i32> {
        let (ptr, own) = self.put(values).await?;
        self.store.set_epoch_deadline(1);
        let arguments = (kind, id, status, ptr as i32, values.len() as i32);
        let answer = self.calls.event.call_async(&mut self.store, arguments).await?;
        self.touch();
        if own {
            self.calls.free.call_async(&mut self.store, ptr as i32).await?;
        }
        Ok(answer)
    }

    /// The same without yielding; for the base, which nobody waits beside.
    pub fn event_now(&mut self, kind: i32, id: i32, status: i32, values: &[u8]) -> Result<i32> {
        let ptr = self.put_now(values).map_err(|error| self.explain(&error))?;
        let arguments = (kind, id, status, ptr as i32, values.len() as i32);
        self.calls.event.call(&mut self.store, arguments).map_err(|error| self.explain(&error))
    }

    /// Evaluates a main module (`sy_start`), under the meter's limit.
    ///
    /// # Errors
    /// As [`Slot::event`].
    pub async fn start(&mut self, entry: &str) -> wasmtime::Result<i32> {
        let start = self.calls.instance.get_typed_func::<(i32, i32), i32>(&mut self.store, "sy_start")?;
        let (ptr, own) = self.put(entry.as_bytes()).await?;
        self.store.set_epoch_deadline(1);
        let answer = start.call_async(&mut self.store, (ptr as i32, entry.len() as i32)).await?;
        if own {
            self.calls.free.call_async(&mut self.store, ptr as i32).await?;
        }
        Ok(answer)
    }

    /// Collects what a script has left. It may take long, and is metered as the script's own time.
    ///
    /// # Errors
    /// As [`Slot::event`].
    pub async fn collect(&mut self) -> wasmtime::Result<()> {
        let collect = self.calls.instance.get_typed_func::<(), ()>(&mut self.store, "sy_gc")?;
        self.store.set_epoch_deadline(1);
        collect.call_async(&mut self.store, ()).await
    }

    /// Calls an export that takes at most a number and is known to be short, or is for the base only.
    ///
    /// # Errors
    /// wasmtime's; the slot must be dropped.
    pub fn short(&mut self, name: &str, argument: Option<i32>) -> wasmtime::Result<()> {
        self.touch();
        self.store.set_epoch_deadline(NO_DEADLINE);
        match argument {
            Some(argument) => {
                let call = self.calls.instance.get_typed_func::<i32, ()>(&mut self.store, name)?;
                call.call(&mut self.store, argument)
            }
            None => self.calls.instance.get_typed_func::<(), ()>(&mut self.store, name)?.call(&mut self.store, ()),
        }
    }

    /// Seeds `Math.random` of this instance.
    ///
    /// # Errors
    /// wasmtime's; the slot must be dropped.
    pub fn seed(&mut self) -> wasmtime::Result<()> {
        let seed = random_seed().ok_or_else(|| wasmtime::Error::msg("the system gives no randomness"))?;
        self.touch();
        self.store.set_epoch_deadline(NO_DEADLINE);
        self.calls.seed.call(&mut self.store, seed | 1)
    }

    /// Engine start and the platform's evaluation, for the base only.
    pub fn boot(&mut self) -> Result<()> {
        self.short("_initialize", None).map_err(|error| format!("{error:#}"))?;
        let init = self.calls.instance.get_typed_func::<(), i32>(&mut self.store, "sy_init");
        let code = init.and_then(|init| init.call(&mut self.store, ())).map_err(|error| self.explain(&error))?;
        if code != 0 {
            return Err(format!("sy_init said {code}"));
        }
        let name = switchyard_js::PLATFORM_MAIN.as_bytes();
        let ptr = self.put_now(name).map_err(|error| self.explain(&error))?;
        let boot = self.calls.instance.get_typed_func::<(i32, i32), i32>(&mut self.store, "sy_boot");
        let code = boot
            .and_then(|boot| boot.call(&mut self.store, (ptr as i32, name.len() as i32)))
            .map_err(|error| self.explain(&error))?;
        let said = self.store.data_mut().take_ops().iter().map(|op| texts(&op.values)).collect::<Vec<_>>().join("; ");
        if code == 0 { Ok(()) } else { Err(format!("sy_boot said {code}: {said}")) }
    }

    /// Completes what a training request started, so that it comes to an end.
    pub fn drain_training(&mut self, may_throw: bool) -> Result<()> {
        for _ in 0..1_000 {
            let ops = self.store.data_mut().take_ops();
            if ops.is_empty() {
                return Ok(());
            }
            for started in ops {
                let mut values = Vec::new();
                match started.kind {
                    op::FETCH => {
                        let mut write = Writer::new(&mut values);
                        write.int(200).text("OK").text("content-type\ntext/plain").text("http://train.localhost/");
                        write.bool(false).int(-1).null();
                    }
                    op::DIGEST => {
                        Writer::new(&mut values).bytes(&[0; 32]);
                    }
                    op::THROW if !may_throw => return Err(texts(&started.values)),
                    op::READ => {
                        let stream = Reader::new(&started.values).int().unwrap_or(-1);
                        let status = match crate::host::small_body(self.store.data_mut(), stream) {
                            Some(bytes) => {
                                Writer::new(&mut values).bytes(&bytes);
                                status::OK
                            }
                            None => status::END,
                        };
                        self.event_now(event::COMPLETE, started.id, status, &values)?;
                        continue;
                    }
                    op::TIMER | op::WRITE => {}
                    _ => continue,
                }
                self.event_now(event::COMPLETE, started.id, 0, &values)?;
            }
        }
        Err("training does not come to an end".into())
    }

    /// Collects, then freezes with that much room before the memory must grow.
    pub fn freeze(&mut self, slack: i32) -> Result<()> {
        self.short("sy_gc", None)
            .and_then(|()| self.short("sy_freeze", Some(slack)))
            .map_err(|error| self.explain(&error))?;
        let inbox = self.inbox as usize;
        self.memory.data_mut(&mut self.store)[inbox..inbox + INBOX_BYTES].fill(0);
        Ok(())
    }

    pub fn memory_bytes(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    /// Start and length of the memory, and the private pages it is known to have.
    #[cfg(test)]
    pub fn known_private(&self) -> (*const u8, usize, &[Run]) {
        (self.start, self.len, &self.private)
    }

    pub fn stack_pointer(&mut self) -> i32 {
        self.stack_pointer.get(&mut self.store).i32().unwrap_or(-1)
    }

    fn explain(&self, error: &wasmtime::Error) -> String {
        format!("{error:#} {}", self.store.data().stderr)
    }

    /// Puts a message where the guest can read it: the inbox, or memory of its own that must be freed.
    /// The guest's allocator runs as the guest does, since it may have been brought to run for ever.
    async fn put(&mut self, message: &[u8]) -> wasmtime::Result<(u32, bool)> {
        self.touch();
        let own = message.len() > INBOX_BYTES;
        let mut ptr = self.inbox;
        if own {
            self.store.set_epoch_deadline(1);
            ptr = self.calls.alloc.call_async(&mut self.store, message.len() as i32).await? as u32;
            if ptr == 0 {
                return Err(wasmtime::Error::msg("the guest has no memory for a message"));
            }
        }
        self.memory.write(&mut self.store, ptr as usize, message)?;
        Ok((ptr, own))
    }

    /// The same for the base, whose messages are short.
    fn put_now(&mut self, message: &[u8]) -> wasmtime::Result<u32> {
        if message.len() > INBOX_BYTES {
            return Err(wasmtime::Error::msg("a message is longer than the inbox"));
        }
        self.memory.write(&mut self.store, self.inbox as usize, message)?;
        Ok(self.inbox)
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
            } else if !self.release(base) {
                return Err("a slot cannot be released".into());
            }
            same(&self, if trimmed { "a trimmed memory" } else { "a released memory" })?;
        }
        Ok(())
    }
}

/// Eight random bytes out of a thread's store of them, since asking costs a microsecond.
fn random_seed() -> Option<i64> {
    SEEDS.with_borrow_mut(|seeds| {
        if seeds.is_empty() {
            let mut bytes = [0u8; 512];
            aws_lc_rs::rand::fill(&mut bytes).ok()?;
            seeds.extend(bytes.as_chunks::<8>().0.iter().map(|seed| i64::from_le_bytes(*seed)));
        }
        seeds.pop()
    })
}

fn push_page(runs: &mut Vec<Run>, page: u32) {
    match runs.last_mut() {
        Some(last) if last.1 == page => last.1 += 1,
        _ => runs.push((page, page + 1)),
    }
}

fn count(runs: &[Run]) -> usize {
    runs.iter().map(|(from, to)| (to - from) as usize).sum()
}

/// Makes ascending `runs` hold ascending `pages` too. Mostly they do already.
fn add_pages(runs: &mut Vec<Run>, pages: &[u32]) {
    let mut at = 0;
    let all_there = pages.iter().all(|page| {
        while runs.get(at).is_some_and(|run| run.1 <= *page) {
            at += 1;
        }
        runs.get(at).is_some_and(|run| run.0 <= *page)
    });
    if all_there {
        return;
    }
    runs.extend(pages.iter().map(|page| (*page, page + 1)));
    runs.sort_unstable();
    let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs.drain(..) {
        match joined.last_mut() {
            Some(last) if run.0 <= last.1 => last.1 = last.1.max(run.1),
            _ => joined.push(run),
        }
    }
    *runs = joined;
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(live) = &self.counted {
            live.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The texts of a message, for a person.
pub fn texts(values: &[u8]) -> String {
    let texts = Reader::new(values).filter_map(|value| value.ok()?.as_text().map(str::to_owned));
    texts.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::{add_pages, count};

    #[test]
    fn pages_join_the_runs() {
        let mut runs = vec![(2, 4), (8, 9)];
        add_pages(&mut runs, &[2, 3, 8]);
        assert_eq!(runs, [(2, 4), (8, 9)]);
        add_pages(&mut runs, &[1, 4, 12]);
        assert_eq!(runs, [(1, 5), (8, 9), (12, 13)]);
        assert_eq!(count(&runs), 6);
        let mut none = Vec::new();
        add_pages(&mut none, &[5, 6]);
        assert_eq!(none, [(5, 7)]);
    }
}
