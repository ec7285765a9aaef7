//! What the kernel says of a process, and which core it runs on: the server under test on core 0,
//! everything else on core 1, where there are two.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// Who runs here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Server,
    Load,
    /// A server on all cores.
    Both,
}

/// Cores of the machine.
pub fn cores() -> usize {
    // SAFETY: sysconf reads a constant of the system.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1)
}

/// Binds the calling thread, and what it starts from now on, to its side's core. Without a second
/// core nothing is bound.
pub fn pin(side: Side) {
    if cores() < 2 {
        return;
    }
    let bound = match side {
        Side::Server => 0..1,
        Side::Load => 1..2,
        Side::Both => 0..2,
    };
    // SAFETY: an all-zero set is an empty one; the kernel reads exactly its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        bound.for_each(|core| libc::CPU_SET(core, &mut set));
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
}

/// From now on, this thread and those that it starts have a kernel without PAGEMAP_SCAN, as before 6.7: the call is
/// answered as there.
///
/// # Errors
/// When the kernel takes no filter of system calls.
pub fn without_page_scan() -> std::io::Result<()> {
    /// `_IOWR('f', 16, struct pm_scan_arg)`.
    const PAGEMAP_SCAN: u32 = 3 << 30 | 96 << 16 | (b'f' as u32) << 8 | 16;
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let equal = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let give = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    // Of `struct seccomp_data`: the call's number, and the low half of its second argument.
    let mut filter = [
        step(load, 0, 0, 0),
        step(equal, 0, 3, libc::SYS_ioctl as u32),
        step(load, 0, 0, if cfg!(target_endian = "little") { 24 } else { 28 }),
        step(equal, 0, 1, PAGEMAP_SCAN),
        step(give, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOTTY as u32),
        step(give, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the kernel reads the program and its steps, which live over the call.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Asks for priority over other work on the machine, for this process and its children; without the
/// right to it, goes on as it is.
pub fn prefer() {
    // SAFETY: no memory is involved.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -10) };
}

/// CPU that a process has used so far, all its threads, those that ended too.
pub fn cpu(pid: u32) -> Duration {
    let mut clock = 0;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both calls write only what they are given.
    let got = unsafe {
        libc::clock_getcpuclockid(pid as libc::pid_t, &raw mut clock) == 0
            && libc::clock_gettime(clock, &raw mut time) == 0
    };
    if got { Duration::new(time.tv_sec as u64, time.tv_nsec as u32) } else { Duration::ZERO }
}

/// CPU of a process and of those that it started and that have ended, by the kernel's ticks of 10 ms.
pub fn cpu_with_children(pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // SAFETY: sysconf reads a constant of the system.
    let second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1) as f64;
    Duration::from_secs_f64(ticks(&text) as f64 / second)
}

/// Of a line of `/proc/…/stat`: its own in user and kernel mode, and those of its ended children. The name before
/// them may have spaces and parentheses.
fn ticks(stat: &str) -> u64 {
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(4).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// A process and all that descend from it and run now.
pub fn family(pid: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect();
    let mut family = vec![pid];
    let mut at = 0;
    while at < family.len() {
        let parent = family[at];
        family.extend(all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    family
}

/// CPU of each live thread, by its number, with its name.
pub fn threads(pid: u32) -> BTreeMap<u32, (String, Duration)> {
    let mut of = BTreeMap::new();
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return of };
    for thread in threads.flatten() {
        let Some(number) = thread.file_name().to_str().and_then(|number| number.parse().ok()) else { continue };
        let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        let ran = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let ran = ran.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
        of.insert(number, (name.trim().to_owned(), Duration::from_nanos(ran)));
    }
    of
}

/// CPU since `before`, by thread name, numbers at its end left out, so that a pool is one entry.
pub fn threads_since(pid: u32, before: &BTreeMap<u32, (String, Duration)>) -> BTreeMap<String, Duration> {
    let mut of = BTreeMap::new();
    for (number, (name, now)) in threads(pid) {
        let was = before.get(&number).map_or(Duration::ZERO, |(_, was)| *was);
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
        *of.entry(name).or_insert(Duration::ZERO) += now.saturating_sub(was);
    }
    of
}

/// Memory in MiB.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    pub rss: f64,
    /// Shared pages counted by share: one base image, however many slots map it.
    pub pss: f64,
}

pub fn memory(pid: u32) -> Memory {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    Memory { rss: kib(&text, "Rss:") / 1024.0, pss: kib(&text, "Pss:") / 1024.0 }
}

/// What a process has beside the pages of the files that it maps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Own {
    /// KiB of memory that is no file's.
    pub anonymous: f64,
    /// KiB of the kernel's tables of its pages.
    pub tables: f64,
    /// Mappings, of which the kernel allows a certain number.
    pub mappings: f64,
    /// Open descriptors.
    pub descriptors: f64,
}

pub fn own(pid: u32) -> Own {
    let read = |what: &str| fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap_or_default();
    Own {
        anonymous: kib(&read("smaps_rollup"), "Anonymous:"),
        tables: kib(&read("status"), "VmPTE:"),
        mappings: read("maps").lines().count() as f64,
        descriptors: fs::read_dir(format!("/proc/{pid}/fd")).map_or(0.0, |open| open.count() as f64),
    }
}

/// Bytes of disk that a folder takes with all that is in it, as `du` counts them.
pub fn disk(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let each = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => metadata.blocks() * 512 + disk(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    each.sum()
}

/// A field of one of the kernel's tables.
fn kib(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_those_of_it_and_its_ended_children() {
        let stat = "42 (a) name (1) S 1 42 42 0 -1 4194560 1 2 3 4 100 20 30 4 20 0 11 0 5\n";
        assert_eq!(ticks(stat), 154);
        assert_eq!(ticks(""), 0);
    }

    #[test]
    fn a_family_has_children() {
        let mut child = std::process::Command::new("sleep").arg("20").spawn().unwrap();
        assert!(family(std::process::id()).contains(&child.id()));
        assert_eq!(family(child.id()), [child.id()]);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
