//! What the kernel lets the runtime do: reserve address space, see which pages a guest has written to, compile
//! components in a cell.

use std::path::Path;
use std::time::Duration;

use switchyard_runtime::{PageScan, compile_nothing, page_scan, reserve};

use super::{Finding, bytes};
use crate::config::{Config, EngineSource};

/// Mappings that an instance takes at most, its pool's included: as seen, with room.
const MAPPINGS: u64 = 8;
/// The compiler's process starts within this, or uploads of components are slow.
const SLOW_COMPILER: Duration = Duration::from_secs(2);

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    vec![space(config), mappings(config), pages(), engine(config), compiler(config).await, cell()]
}

fn number(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn space(config: &Config) -> Finding {
    const CHECK: &str = "address space";
    let overcommit = number("/proc/sys/vm/overcommit_memory");
    match reserve(config.runtime.instances) {
        Ok(reserved) => {
            let found = format!("{} for {} instances, no memory", bytes(reserved), config.runtime.instances);
            match overcommit {
                Some(2) => Finding::warn(
                    CHECK,
                    format!("{found}; vm.overcommit_memory is 2"),
                    "memory of instances counts before it is used: set vm.overcommit_memory to 0 or 1",
                ),
                _ => Finding::ok(CHECK, found),
            }
        }
        Err(error) => Finding::fail(
            CHECK,
            crate::chain(&error),
            "lift the limit of address space (`ulimit -v`, LimitAS=), or lower [runtime] instances: each takes 4 GiB of \
             addresses",
        ),
    }
}

fn mappings(config: &Config) -> Finding {
    const CHECK: &str = "mappings";
    let wanted = u64::from(config.runtime.instances) * MAPPINGS;
    match number("/proc/sys/vm/max_map_count") {
        None => Finding::ok(CHECK, "the system does not say how many a process may have"),
        Some(most) if most < wanted => Finding::warn(
            CHECK,
            format!("vm.max_map_count is {most}; {} instances may take {wanted}", config.runtime.instances),
            format!("sysctl vm.max_map_count={}", wanted.max(65_530)),
        ),
        Some(most) => Finding::ok(CHECK, format!("vm.max_map_count is {most}, {wanted} may be taken")),
    }
}

fn pages() -> Finding {
    const CHECK: &str = "page scan";
    match page_scan() {
        Ok(PageScan::ByCall) => Finding::ok(CHECK, "PAGEMAP_SCAN"),
        Ok(PageScan::ByRead) => Finding::ok(CHECK, "by reading /proc/self/pagemap: the kernel is older than 6.7"),
        Err(error) => Finding::fail(
            CHECK,
            format!("this process cannot see its own pages: {error}"),
            "mount /proc, with /proc/self/pagemap readable: without it no Worker is put back to a clean state",
        ),
    }
}

/// Whether a first start has its engine ready.
fn engine(config: &Config) -> Finding {
    const CHECK: &str = "engine";
    let Some(folder) = config.runtime.engine.folder() else {
        return Finding::ok(CHECK, "compiled at the first start, as [runtime] engine says");
    };
    let shown = folder.display();
    let compile = "the first start compiles it, some seconds; ";
    match switchyard_runtime::look_at_shipped(&folder) {
        Ok(Some(cpu)) => Finding::ok(CHECK, format!("came with the program, for {cpu}: {shown}")),
        Ok(None) if config.runtime.engine == EngineSource::Auto => {
            Finding::ok(CHECK, format!("compiled at the first start: none came with the program ({shown})"))
        }
        Ok(None) => {
            let advice = format!("{compile}name a folder that `switchyard engine compile` wrote");
            Finding::warn(CHECK, format!("there is none in {shown}"), advice)
        }
        Err(reason) => {
            let advice = format!("{compile}write it anew: switchyard engine compile --to {shown}");
            Finding::warn(CHECK, format!("what came with the program is not used: {reason}"), advice)
        }
    }
}

async fn compiler(config: &Config) -> Finding {
    const CHECK: &str = "compiler";
    // A container's root may be read-only.
    let output = match tempfile::tempfile_in(&config.data).or_else(|_| tempfile::tempfile()) {
        Ok(output) => output,
        Err(error) => {
            let advice = "make the folder of temporary files writable for this check (TMPDIR)";
            return Finding::warn(CHECK, format!("not tried: {error}"), advice);
        }
    };
    match compile_nothing(config.compile.runtime(), output).await {
        Ok(took) if took > SLOW_COMPILER => Finding::warn(
            CHECK,
            format!("an empty component compiled within its limits, in {:.1} s", took.as_secs_f64()),
            "the machine is busy, or slow: uploads of components take accordingly",
        ),
        Ok(took) => {
            let found = format!("an empty component compiled within its limits, in {} ms", took.as_millis());
            Finding::ok(CHECK, found)
        }
        Err(message) => Finding::fail(
            CHECK,
            message,
            "components cannot be uploaded: the program must be able to start itself (/proc, no noexec, a pid limit that \
             leaves room) and [compile] memory must hold it",
        ),
    }
}

fn cell() -> Finding {
    const CHECK: &str = "compiler's cell";
    let known = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    let filters = known.split_ascii_whitespace().any(|action| action == "errno");
    let namespaces = Path::new("/proc/self/ns/net").exists() && number("/proc/sys/user/max_user_namespaces") != Some(0);
    match (filters, namespaces) {
        (true, _) => Finding::ok(CHECK, "system calls are filtered"),
        (false, true) => Finding::warn(
            CHECK,
            "the kernel has no filters of system calls; limits and a network namespace hold",
            "use a kernel with CONFIG_SECCOMP_FILTER, as all distributions build it",
        ),
        (false, false) => Finding::warn(
            CHECK,
            "the kernel has neither filters of system calls nor user namespaces; the limits alone hold",
            "use a kernel with CONFIG_SECCOMP_FILTER, or let only those upload components whom you trust",
        ),
    }
}
