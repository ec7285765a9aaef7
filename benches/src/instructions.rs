//! Instructions that a process retires in user mode, counted by the hardware where the kernel lets us
//! (`perf_event_open`). Unlike CPU time, what else runs on the machine does not move them.

use std::fs;
use std::io::Read;
use std::os::fd::FromRawFd;

/// `PERF_TYPE_HARDWARE`, `PERF_COUNT_HW_INSTRUCTIONS`.
const HARDWARE: u32 = 0;
const INSTRUCTIONS: u64 = 1;
/// Size of the first version of `perf_event_attr`, which has all that is needed.
const SIZE: u32 = 64;
/// Bits of its flags: threads that are started later count too; neither kernel nor hypervisor do.
const INHERIT: u64 = 1 << 1;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HV: u64 = 1 << 6;

/// Counters of a process's threads.
pub struct Instructions(Vec<fs::File>);

impl Instructions {
    /// Begins to count. `None`: there is no such counter here, or we may not.
    pub fn of(pid: u32) -> Option<Self> {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        let numbers = threads.flatten().filter_map(|thread| thread.file_name().to_str()?.parse::<i32>().ok());
        let counters = numbers.map(open).collect::<Option<Vec<_>>>()?;
        (!counters.is_empty()).then_some(Self(counters))
    }

    /// Since then.
    pub fn read(&self) -> Option<u64> {
        let each = self.0.iter().map(|mut counter| {
            let mut bytes = [0; 8];
            counter.read_exact(&mut bytes).ok()?;
            Some(u64::from_ne_bytes(bytes))
        });
        each.sum()
    }
}

fn open(thread: i32) -> Option<fs::File> {
    let mut attributes = [0_u64; SIZE as usize / 8];
    attributes[0] = u64::from(HARDWARE) | u64::from(SIZE) << 32;
    attributes[1] = INSTRUCTIONS;
    attributes[5] = INHERIT | EXCLUDE_KERNEL | EXCLUDE_HV;
    if cfg!(target_endian = "big") {
        return None; // the layout above is of the other kind
    }
    // SAFETY: the kernel reads as many bytes as the attributes say that they have.
    let counter = unsafe { libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), thread, -1, -1, 0) };
    let counter = i32::try_from(counter).ok().filter(|counter| *counter >= 0)?;
    // SAFETY: a descriptor that was made just now and is nobody else's.
    Some(unsafe { fs::File::from_raw_fd(counter) })
}
