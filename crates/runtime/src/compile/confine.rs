//! The cell that a compiler runs in: limits of the kernel on CPU, memory, time, file size and descriptors; no
//! way to open, connect, start or signal anything. What is left to it are its three descriptors.

use std::io;
use std::time::Duration;

/// The most that one compilation may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// CPU, in whole seconds.
    pub cpu: Duration,
    /// Address space, in bytes.
    pub memory: u64,
    /// From start to end; a last resort beside whoever waits for the process and ends it.
    pub wall: Duration,
    /// Bytes of the file that it writes.
    pub output: u64,
}

/// Binds this process for good. It must have one thread.
///
/// # Errors
/// When the kernel refuses a limit; a kernel without filters of system calls is none.
pub fn enter(cell: &Cell) -> io::Result<()> {
    // The kernel's first choice where memory runs out, and the last where CPU is short.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    // SAFETY: plain calls with plain values, on this process alone.
    unsafe {
        // Whoever started the node may have left descriptors open in it.
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        libc::alarm(u32::try_from(cell.wall.as_secs()).unwrap_or(u32::MAX).saturating_add(5));
    }
    let cpu = cell.cpu.as_secs().max(1);
    limit(libc::RLIMIT_CPU, cpu, cpu + 1)?;
    limit(libc::RLIMIT_AS, cell.memory, cell.memory)?;
    limit(libc::RLIMIT_FSIZE, cell.output, cell.output)?;
    limit(libc::RLIMIT_CORE, 0, 0)?;
    limit(libc::RLIMIT_NOFILE, 8, 8)?;
    // A namespace of its own has no network; who may not make one has the filter.
    // SAFETY: as above.
    let _ = unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) };
    filter::install()
}

fn limit(what: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: reads the struct.
    if unsafe { libc::setrlimit(what, &limit) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A list of the system calls that a single thread needs to compute and to write what it has; all others fail with
/// EPERM, which an allocator or a library takes as "not there".
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod filter {
    use std::io;

    #[cfg(target_arch = "x86_64")]
    const ARCHITECTURE: u32 = 0xc000_003e;
    #[cfg(target_arch = "aarch64")]
    const ARCHITECTURE: u32 = 0xc000_00b7;

    const ALLOWED: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_lseek,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_getpid,
        libc::SYS_gettid,
        // Of itself alone: an abort.
        libc::SYS_tgkill,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const ABOVE: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    /// Places in the record that the kernel hands to the filter.
    const NUMBER: u32 = 0;
    const ARCH: u32 = 4;
    const FIRST_ARGUMENT: u32 = 16;

    fn step(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
        libc::sock_filter { code, jt, jf, k }
    }

    fn program(pid: u32) -> Vec<libc::sock_filter> {
        let refuse = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        let mut steps = vec![
            step(LOAD, ARCH, 0, 0),
            step(EQUAL, ARCHITECTURE, 1, 0),
            step(RETURN, libc::SECCOMP_RET_KILL_PROCESS, 0, 0),
            step(LOAD, NUMBER, 0, 0),
            // Numbers of the 32-bit interface of x86-64.
            step(ABOVE, 0x4000_0000, 0, 1),
            step(RETURN, refuse, 0, 0),
            // A signal to another process is none of its business.
            step(EQUAL, libc::SYS_tgkill as u32, 0, 4),
            step(LOAD, FIRST_ARGUMENT, 0, 0),
            step(EQUAL, pid, 0, 1),
            step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
            step(RETURN, refuse, 0, 0),
        ];
        for number in ALLOWED.iter().filter(|number| **number != libc::SYS_tgkill) {
            steps.push(step(EQUAL, *number as u32, 0, 1));
            steps.push(step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
        }
        steps.push(step(RETURN, refuse, 0, 0));
        steps
    }

    pub fn install() -> io::Result<()> {
        let steps = program(std::process::id());
        let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_ptr().cast_mut() };
        // SAFETY: the kernel copies the program, which lives until both calls have returned.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program, 0, 0) == 0
        };
        let error = io::Error::last_os_error();
        // A kernel that has no filters: the limits hold all the same.
        if done || matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) { Ok(()) } else { Err(error) }
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod filter {
    /// Not known here: the limits and the namespace hold.
    pub fn install() -> std::io::Result<()> {
        Ok(())
    }
}
