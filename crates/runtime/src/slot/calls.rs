//! Calls into the guest while it serves a tenant: metered, interrupted at epochs, and given up when
//! nobody waits for them any more.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use switchyard_js::abi::INBOX_BYTES;
use wasmtime::{Instance, Store, TypedFunc};

use super::Slot;
use crate::engine::{Abandoned, NO_DEADLINE};
use crate::host::Host;
use crate::meter::CpuMeter;

thread_local! {
    /// Seeds for `Math.random`, each used once.
    static SEEDS: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
}

/// The exports that every request calls.
pub(super) struct Calls {
    pub(super) alloc: TypedFunc<i32, i32>,
    pub(super) free: TypedFunc<i32, ()>,
    pub(super) event: TypedFunc<(i32, i32, i32, i32, i32), i32>,
    pub(super) seed: TypedFunc<i64, ()>,
    pub(super) instance: Instance,
}

impl Calls {
    pub(super) fn of(instance: Instance, store: &mut Store<Host>) -> wasmtime::Result<Self> {
        Ok(Self {
            alloc: instance.get_typed_func(&mut *store, "sy_alloc")?,
            free: instance.get_typed_func(&mut *store, "sy_free")?,
            event: instance.get_typed_func(&mut *store, "sy_event")?,
            seed: instance.get_typed_func(&mut *store, "sy_seed")?,
            instance,
        })
    }
}

impl Slot {
    /// Calls the platform's callback. The guest yields at every epoch tick and is stopped at its CPU limit.
    /// Returns whether the callback threw: not 0.
    ///
    /// # Errors
    /// wasmtime's: a trap, [`crate::engine::CpuExceeded`], or [`Abandoned`]. The slot must be dropped.
    pub async fn event(&mut self, kind: i32, id: i32, status: i32, values: &[u8]) -> wasmtime::Result<i32> {
        let (ptr, own) = self.put(values).await?;
        self.store.set_epoch_deadline(1);
        let arguments = (kind, id, status, ptr as i32, values.len() as i32);
        let meter = Arc::clone(self.store.data().meter());
        let alone = self.store.data().alone;
        let answer = wanted(&meter, alone, self.calls.event.call_async(&mut self.store, arguments)).await?;
        self.touch();
        if own {
            wanted(&meter, alone, self.calls.free.call_async(&mut self.store, ptr as i32)).await?;
        }
        Ok(answer)
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

    /// Puts a message where the guest can read it: the inbox, or memory of its own that must be freed.
    /// The guest's allocator runs as the guest does, since it may have been brought to run for ever.
    async fn put(&mut self, message: &[u8]) -> wasmtime::Result<(u32, bool)> {
        self.touch();
        let own = message.len() > INBOX_BYTES;
        let mut ptr = self.inbox;
        if own {
            self.store.set_epoch_deadline(1);
            let meter = Arc::clone(self.store.data().meter());
            let alone = self.store.data().alone;
            ptr =
                wanted(&meter, alone, self.calls.alloc.call_async(&mut self.store, message.len() as i32)).await? as u32;
            if ptr == 0 {
                return Err(wasmtime::Error::msg("the guest has no memory for a message"));
            }
        }
        self.memory.write(&mut self.store, ptr as usize, message)?;
        Ok((ptr, own))
    }
}

/// A call that is not resumed, once interrupted, when nobody waits for it any more: no client, and no other
/// request in the instance (`alone`). A new one begins all the same: it may be what tells the guest so.
async fn wanted<T>(
    meter: &CpuMeter,
    alone: bool,
    call: impl Future<Output = wasmtime::Result<T>>,
) -> wasmtime::Result<T> {
    let mut call = std::pin::pin!(call);
    let mut interrupted = false;
    std::future::poll_fn(|cx| {
        if interrupted && alone && meter.abandoned() {
            return Poll::Ready(Err(wasmtime::Error::new(Abandoned)));
        }
        interrupted = true;
        call.as_mut().poll(cx)
    })
    .await
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
