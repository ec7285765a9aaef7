//! What the system's scheduler is told of our threads. Whose turn it is among guests is the executor's to say; the system
//! only has to let those threads in soon that serve connections or keep the time, whatever guests compute.
//!
//! Without this, where cores are few, a guest that computes goes on to the next of the kernel's own ticks (4 ms with
//! `HZ=250`) while a connection waits: bench `fairness`.

/// How much nicer guest threads are than the others.
const GUEST_NICENESS: libc::c_int = 5;
/// What a prompt thread mostly needs of a core at once, in nanoseconds: the least that the kernel takes (0.1 ms).
/// Since Linux 6.12 it interrupts another thread for one with a shorter slice; before, this is nothing.
const SHORT_SLICE: u64 = 100_000;

/// The calling thread runs guests.
pub fn guest_thread() {
    // SAFETY: it changes how the system schedules this thread, and no memory. Where it is refused, all are as nice.
    unsafe { libc::nice(GUEST_NICENESS) };
}

/// The calling thread mostly waits, and has little to do when something comes.
pub fn prompt_thread() {
    // SAFETY: asks for the niceness of this thread, which is kept.
    let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    let size = u32::try_from(size_of::<libc::sched_attr>()).unwrap_or_default();
    // SAFETY: of this structure of numbers, all zero is a value.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    attributes.size = size;
    attributes.sched_policy = libc::SCHED_OTHER as u32;
    attributes.sched_nice = nice;
    attributes.sched_runtime = SHORT_SLICE;
    // SAFETY: the kernel reads the structure, which says how long it is. Where it is refused, the thread is as others.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
}
