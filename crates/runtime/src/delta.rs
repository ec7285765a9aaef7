//! A script as the pages in which its memory differs from the base, and putting them where they belong.

use crate::image::PAGE;
use crate::pagemap::Run;

static ZERO: [u8; PAGE] = [0; PAGE];

/// Pages that differ from the base, ascending. Immutable once made: slots that hold it rely on that.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Delta {
    pub pages: Vec<u32>,
    /// The pages' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// Size of the memory in wasm pages, at least the base's.
    pub wasm_pages: u64,
}

impl Delta {
    /// What it costs in memory.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.pages.len() * 4
    }

    fn page(&self, index: usize) -> &[u8] {
        &self.bytes[index * PAGE..(index + 1) * PAGE]
    }

    /// The pages among `runs` that differ from `base`; those below `from` are left out (the stack,
    /// whose bytes are dead while no call is active).
    pub fn between(base: &[u8], memory: &[u8], runs: &[Run], from: u32) -> Self {
        let mut delta = Self { wasm_pages: (memory.len() >> 16) as u64, ..Self::default() };
        for page in runs.iter().flat_map(|(start, end)| *start..*end).filter(|page| *page >= from) {
            let at = page as usize * PAGE;
            let now = &memory[at..at + PAGE];
            if now != base.get(at..at + PAGE).unwrap_or(&ZERO) {
                delta.pages.push(page);
                delta.bytes.extend_from_slice(now);
            }
        }
        delta
    }
}

/// Writes base bytes into `runs` and the delta's pages over them; each page is written once.
///
/// # Safety
/// `memory` must be the start of a live linear memory of at least `base.len()` bytes and of every page
/// the delta names, that nothing else reads or writes now. `runs` must be ascending and within it.
pub unsafe fn put_back(memory: *mut u8, base: &[u8], runs: &[Run], delta: &Delta) {
    let write = |page: u32, source: &[u8]| {
        // SAFETY: by the caller's promise the target is inside the memory, which is not ours.
        unsafe { std::ptr::copy_nonoverlapping(source.as_ptr(), memory.add(page as usize * PAGE), source.len()) }
    };
    let mut next = 0;
    for &(start, end) in runs {
        let mut page = start;
        while page < end {
            while next < delta.pages.len() && delta.pages[next] < page {
                write(delta.pages[next], delta.page(next));
                next += 1;
            }
            let stop = delta.pages.get(next).map_or(end, |at| (*at).min(end));
            if stop > page {
                write(page, &base[page as usize * PAGE..stop as usize * PAGE]);
                page = stop;
            }
            if page < end {
                write(page, delta.page(next));
                next += 1;
                page += 1;
            }
        }
    }
    for index in next..delta.pages.len() {
        write(delta.pages[index], delta.page(index));
    }
}

/// The first page in which `memory` is not base + delta: what an audit asks.
pub fn first_difference(memory: &[u8], base: &[u8], delta: &Delta) -> Option<u32> {
    let mut next = 0;
    memory.chunks_exact(PAGE).enumerate().find_map(|(page, now)| {
        let wanted = if delta.pages.get(next) == Some(&(page as u32)) {
            next += 1;
            delta.page(next - 1)
        } else {
            // What a script grew beyond the base begins as zeros.
            base.get(page * PAGE..(page + 1) * PAGE).unwrap_or(&ZERO)
        };
        (now != wanted).then_some(page as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn put_back_restores_any_mix_of_dirty_and_delta_pages() {
        let base: Vec<u8> = (0..16 * PAGE).map(|at| (at / PAGE) as u8).collect();
        let deltas = [vec![], vec![0], vec![3, 4, 9], vec![2, 15], (0..16).collect::<Vec<u32>>()];
        let dirty: [&[Run]; 5] = [&[], &[(0, 1)], &[(2, 5), (8, 10)], &[(0, 16)], &[(3, 4), (15, 16)]];
        for pages in &deltas {
            let bytes = pages.iter().flat_map(|page| vec![100 + *page as u8; PAGE]).collect();
            let delta = Delta { pages: pages.clone(), bytes, wasm_pages: 1 };
            for runs in dirty {
                let mut memory = base.clone();
                for page in runs.iter().flat_map(|(from, to)| *from..*to) {
                    memory[page as usize * PAGE..(page as usize + 1) * PAGE].fill(255);
                }
                // SAFETY: the vector is ours and as long as the base.
                unsafe { put_back(memory.as_mut_ptr(), &base, runs, &delta) };
                assert_eq!(first_difference(&memory, &base, &delta), None, "{pages:?} {runs:?}");
            }
        }
    }

    #[test]
    fn between_finds_the_pages_that_differ_and_skips_the_stack() {
        let base = vec![0u8; 8 * PAGE];
        let mut now = base.clone();
        now[1] = 1;
        now[5 * PAGE + 7] = 1;
        let delta = Delta::between(&base, &now, &[(0, 8)], 2);
        assert_eq!(delta.pages, [5]);
        assert_eq!(first_difference(&now[PAGE..], &base[PAGE..], &Delta { pages: vec![4], ..delta }), None);
    }
}
