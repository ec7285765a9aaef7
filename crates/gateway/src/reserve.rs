//! What administration and health have for themselves, so that clients cannot take it: threads, and
//! descriptors for their connections and files. (Their memory is what `[overload]` leaves.)

use tokio::runtime::{Handle, Runtime};

/// One that answers while another parses an upload.
const THREADS: usize = 2;
/// Of the descriptors of the process, at least and at most.
const DESCRIPTORS: std::ops::RangeInclusive<u64> = 48..=512;

/// The threads. Dropping it ends what still runs on them.
pub struct Reserve {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Reserve {
    /// # Errors
    /// When the system gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(THREADS).thread_name("admin").enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // waiting is not allowed on an I/O thread
        }
    }
}

/// How many connections may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    pub clients: u32,
    pub origins: u32,
    pub admin: u32,
}

impl Connections {
    /// What is wanted, as far as the process may have descriptors for it.
    pub fn within_limit(self) -> Self {
        match descriptors() {
            Some(all) => self.within(all),
            None => self,
        }
    }

    fn within(self, descriptors: u64) -> Self {
        let reserve = (descriptors / 8).clamp(*DESCRIPTORS.start(), *DESCRIPTORS.end());
        let left = descriptors.saturating_sub(reserve);
        let wanted = u64::from(self.clients) + u64::from(self.origins);
        let admin = self.admin.min(u32::try_from(reserve / 2).unwrap_or(u32::MAX));
        if wanted <= left {
            return Self { admin, ..self };
        }
        let part = |count: u32| u32::try_from((u64::from(count) * left / wanted).max(1)).unwrap_or(u32::MAX);
        let cut = Self { clients: part(self.clients), origins: part(self.origins), admin };
        tracing::info!(descriptors, ?cut, "the process may not have descriptors for all the connections it is to take");
        cut
    }
}

fn limit() -> Option<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live rlimit, which the call fills.
    (unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0).then_some(limit)
}

/// What the process may have open at once.
pub fn descriptors() -> Option<u64> {
    limit().map(|limit| limit.rlim_cur)
}

/// Lets the process have as many descriptors as it may ask for: what shells give by default is few.
pub fn raise_descriptors() {
    let Some(limit) = limit() else { return };
    let most = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
    // SAFETY: the pointer is to a live rlimit, which the call reads.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const most) } != 0 {
        tracing::debug!("the limit of descriptors stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_origins_share_what_the_reserve_leaves() {
        let wanted = Connections { clients: 20_000, origins: 4_096, admin: 256 };
        assert_eq!(wanted.within(1 << 20), wanted);
        for descriptors in [256, 1_024, 4_096, 20_000, 24_000] {
            let cut = wanted.within(descriptors);
            let all = u64::from(cut.clients) + u64::from(cut.origins) + u64::from(cut.admin);
            assert!(all < descriptors && cut.clients > cut.origins && cut.admin >= 24, "{descriptors}: {cut:?}");
        }
        let few = Connections { clients: 100, ..wanted };
        assert_eq!(few.within(10_000).clients, 100);
    }
}
