//! Which pages of a slot's memory are its own: asked of the kernel, never guessed.
//!
//! The mask is the heart of the soundness of restoring in place: every page that is no longer a page
//! of the image file nor the zero page, whether it is here, swapped out, or on its way (migration
//! entries show as swapped). wasmtime 48's own scan asks for pages that are present, and so misses
//! those; it is never relied on (`engine.rs` turns it off).

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use crate::image::PAGE;

/// Pages `[from, to)`.
pub type Run = (u32, u32);

// `struct pm_scan_arg` and `struct page_region` of linux/fs.h.
#[repr(C)]
#[derive(Default)]
struct ScanArg {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

const IS_FILE: u64 = 1 << 2;
const IS_PRESENT: u64 = 1 << 3;
const IS_SWAPPED: u64 = 1 << 4;
const IS_PFNZERO: u64 = 1 << 5;
/// `_IOWR('f', 16, struct pm_scan_arg)`
const PAGEMAP_SCAN: u64 = 3 << 30 | (size_of::<ScanArg>() as u64) << 16 | (b'f' as u64) << 8 | 16;

/// A view of this process's page tables. It belongs to the address space that opened it: open it
/// anew after a fork. One per guest thread, so that its buffers need no lock.
pub struct Pagemap {
    file: File,
    regions: Vec<Region>,
    raw: Vec<u8>,
    /// Kernels before 6.7 have no PAGEMAP_SCAN; reading the file costs about the same.
    by_read: bool,
}

impl Pagemap {
    pub fn open() -> io::Result<Self> {
        let mut this = Self {
            file: File::open("/proc/self/pagemap")?,
            regions: vec![Region::default(); 256],
            raw: Vec::new(),
            by_read: false,
        };
        let probe = vec![1u8; 2 * PAGE];
        let start = probe.as_ptr() as usize & !(PAGE - 1);
        this.by_read = this.scan(start as *const u8, PAGE, &mut Vec::new()).is_err();
        Ok(this)
    }

    /// Whether the kernel has no PAGEMAP_SCAN for this process.
    pub fn is_by_read(&self) -> bool {
        self.by_read
    }

    /// For tests: answer by reading, as on an old kernel.
    #[cfg(test)]
    pub fn open_by_read() -> io::Result<Self> {
        Self::open().map(|this| Self { by_read: true, ..this })
    }

    /// The private pages of `[ptr, ptr + len)`, as ascending runs counted from `ptr`; returns how many.
    ///
    /// # Errors
    /// Whatever the kernel says; the caller must then drop the slot.
    pub fn private(&mut self, ptr: *const u8, len: usize, out: &mut Vec<Run>) -> io::Result<usize> {
        if self.by_read { self.read(ptr, len, out) } else { self.scan(ptr, len, out) }
    }

    fn scan(&mut self, ptr: *const u8, len: usize, out: &mut Vec<Run>) -> io::Result<usize> {
        out.clear();
        let (base, end) = (ptr as u64, ptr as u64 + len as u64);
        let (mut at, mut pages) = (base, 0);
        while at < end {
            let mut arg = ScanArg {
                size: size_of::<ScanArg>() as u64,
                start: at,
                end,
                vec: self.regions.as_mut_ptr() as u64,
                vec_len: self.regions.len() as u64,
                category_mask: IS_FILE | IS_PFNZERO,
                category_inverted: IS_FILE | IS_PFNZERO,
                category_anyof_mask: IS_PRESENT | IS_SWAPPED,
                return_mask: IS_SWAPPED,
                ..ScanArg::default()
            };
            // SAFETY: the argument and the vector it points to are ours and live over the call; the
            // kernel writes at most `vec_len` regions.
            let found = unsafe { libc::ioctl(self.file.as_raw_fd(), PAGEMAP_SCAN as _, &raw mut arg) };
            if found < 0 {
                return Err(io::Error::last_os_error());
            }
            if arg.walk_end <= at {
                return Err(io::Error::other("the page scan made no progress"));
            }
            for region in &self.regions[..found as usize] {
                let from = ((region.start - base) / PAGE as u64) as u32;
                let to = ((region.end - base) / PAGE as u64) as u32;
                pages += (to - from) as usize;
                push_run(out, from, to);
            }
            at = arg.walk_end; // a full vector only means: go on from there
        }
        Ok(pages)
    }

    fn read(&mut self, ptr: *const u8, len: usize, out: &mut Vec<Run>) -> io::Result<usize> {
        out.clear();
        self.raw.resize(len / PAGE * 8, 0);
        self.file.read_exact_at(&mut self.raw, ptr as u64 / PAGE as u64 * 8)?;
        let mut pages = 0;
        for (page, entry) in self.raw.chunks_exact(8).enumerate() {
            // Bit 63 present, 62 swapped, 61 file. The zero page counts as private here: harmless.
            let bits = entry[7] >> 5;
            if bits & 0b110 != 0 && bits & 1 == 0 {
                pages += 1;
                push_run(out, page as u32, page as u32 + 1);
            }
        }
        Ok(pages)
    }
}

fn push_run(out: &mut Vec<Run>, from: u32, to: u32) {
    match out.last_mut() {
        Some(last) if last.1 == from => last.1 = to,
        _ => out.push((from, to)),
    }
}
