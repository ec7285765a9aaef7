//! What the process may have: descriptors, memory, cores, and a clock that is right.

use super::{Finding, bytes};
use crate::config::{Config, MemoryCeiling};
use crate::overload::Probe;
use crate::reserve::{descriptors, raise_descriptors};

/// Below it a node has no room for its own and a handful of clients.
const FEW_DESCRIPTORS: u64 = 1_024;
/// A node with its engine, caches and a hundred warm instances.
const LITTLE_MEMORY: u64 = 512 << 20;

pub(super) fn check(config: &Config) -> Vec<Finding> {
    vec![open_files(config), memory(config), cores(config), clock()]
}

fn open_files(config: &Config) -> Finding {
    const CHECK: &str = "descriptors";
    // As a node does at its start.
    raise_descriptors();
    let Some(most) = descriptors() else {
        return Finding::warn(CHECK, "the system does not say how many", "see `ulimit -n`");
    };
    let wanted = u64::from(config.limits.connections) + u64::from(config.egress.connections) + 512;
    let found = format!("{most} may be open; all connections of the configuration together take {wanted}");
    if most < FEW_DESCRIPTORS {
        Finding::fail(CHECK, found, "raise the hard limit: LimitNOFILE= of the unit, --ulimit nofile= of a container")
    } else if most < wanted {
        let advice = "clients and origins share what there is; for all, raise the hard limit (LimitNOFILE=)";
        Finding::warn(CHECK, found, advice)
    } else {
        Finding::ok(CHECK, found)
    }
}

fn memory(config: &Config) -> Finding {
    const CHECK: &str = "memory";
    let total = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()
    });
    let total = total.map_or(u64::MAX, |kib| kib << 10);
    let Some(probe) = Probe::of(config.overload.memory) else {
        let found = format!("no control group bounds it; the machine has {}", bytes(total));
        let advice = "set [overload] memory (or a limit of the container, MemoryMax= of the unit): without a ceiling \
                      the kernel ends the node when memory runs out";
        return match config.overload.memory {
            MemoryCeiling::None => Finding::ok(CHECK, format!("{found}; [overload] memory is \"none\"")),
            _ => Finding::warn(CHECK, found, advice),
        };
    };
    let found = format!("{} at most, of {} in the machine", bytes(probe.limit), bytes(total));
    if probe.limit < LITTLE_MEMORY {
        Finding::warn(CHECK, found, format!("give it {} at least, or lower the caches", bytes(LITTLE_MEMORY)))
    } else if probe.limit > total {
        Finding::warn(CHECK, found, "a ceiling above what there is protects nothing: lower [overload] memory")
    } else {
        Finding::ok(CHECK, found)
    }
}

fn cores(config: &Config) -> Finding {
    const CHECK: &str = "cores";
    // Affinity and quotas of control groups are in it.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = if config.runtime.threads == 0 { cores } else { config.runtime.threads as usize };
    let found = format!("{cores} may be used; {threads} threads run guests");
    if threads > cores {
        Finding::warn(CHECK, found, "[runtime] threads is more than there are cores: they only take turns")
    } else {
        Finding::ok(CHECK, found)
    }
}

fn clock() -> Finding {
    const CHECK: &str = "clock";
    const BUILT_AFTER: u64 = 1_764_201_600; // 27 November 2025
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let shown = switchyard_catalog::Timestamp::now().to_string();
    if now < BUILT_AFTER {
        return Finding::fail(
            CHECK,
            format!("it is {shown}, which cannot be"),
            "set the clock: tokens and TLS go by it",
        );
    }
    // SAFETY: all zero asks for nothing to be changed; the kernel fills what is ours.
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let kept = unsafe { libc::adjtimex(&raw mut state) };
    if kept < 0 {
        Finding::ok(CHECK, format!("{shown}; whether it is kept right the system does not say here"))
    } else if state.status & libc::STA_UNSYNC != 0 {
        let advice = "let something keep it right (systemd-timesyncd, chrony, the host): tokens and caches go by it";
        Finding::warn(CHECK, format!("{shown}; nothing keeps it right, as the kernel knows"), advice)
    } else {
        Finding::ok(CHECK, format!("{shown}, kept right"))
    }
}
