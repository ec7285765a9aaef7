//! A script as the pages in which its memory differs from the base, and putting them where they belong.

use std::ops::Range;

use crate::image::PAGE;
use crate::pagemap::Run;

static ZERO: [u8; PAGE] = [0; PAGE];

/// Bytes of a grain: what differs is kept in whole ones. A cache line's, so that a copy reads nothing in vain.
const GRAIN: usize = 64;
const GRAINS: u32 = (PAGE / GRAIN) as u32;

/// Pages that differ from the base, ascending, and of each the grains that do. Immutable once made: slots that hold
/// it rely on that.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Delta {
    pub pages: Vec<u32>,
    /// Of each page: one bit a grain, the lowest the first.
    grains: Vec<u64>,
    /// The grains' bytes, one after the other.
    bytes: Vec<u8>,
    /// Size of the memory in wasm pages, at least the base's.
    pub wasm_pages: u64,
}

impl Delta {
    /// What it costs in memory.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.pages.len() * 12
    }

    /// What it makes of a memory's pages: what each costs when it is restored.
    pub fn page_bytes(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// The pages among `runs` that differ from `base`; those below `from` are left out (the stack,
    /// whose bytes are dead while no call is active).
    pub fn between(base: &[u8], memory: &[u8], runs: &[Run], from: u32) -> Self {
        let mut delta = Self { wasm_pages: (memory.len() >> 16) as u64, ..Self::default() };
        for page in runs.iter().flat_map(|(start, end)| *start..*end).filter(|page| *page >= from) {
            let at = page as usize * PAGE;
            let (now, then) = (&memory[at..at + PAGE], base.get(at..at + PAGE).unwrap_or(&ZERO));
            let mut grains = 0;
            for (grain, (now, then)) in now.chunks_exact(GRAIN).zip(then.chunks_exact(GRAIN)).enumerate() {
                if now != then {
                    grains |= 1 << grain;
                    delta.bytes.extend_from_slice(now);
                }
            }
            if grains != 0 {
                delta.pages.push(page);
                delta.grains.push(grains);
            }
        }
        delta
    }

    /// As it is kept, but for the size of the memory.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.pages.len() as u32).to_le_bytes());
        self.pages.iter().for_each(|page| out.extend_from_slice(&page.to_le_bytes()));
        self.grains.iter().for_each(|grains| out.extend_from_slice(&grains.to_le_bytes()));
        out.extend_from_slice(&self.bytes);
    }

    /// What [`Delta::write`] wrote; `None`: it is not whole.
    pub fn read(kept: &[u8], wasm_pages: u64) -> Option<Self> {
        let (count, rest) = kept.split_first_chunk::<4>()?;
        let count = u32::from_le_bytes(*count) as usize;
        let (pages, rest) = rest.split_at_checked(count.checked_mul(4)?)?;
        let (grains, bytes) = rest.split_at_checked(count.checked_mul(8)?)?;
        let pages: Vec<u32> = pages.as_chunks::<4>().0.iter().map(|page| u32::from_le_bytes(*page)).collect();
        let grains: Vec<u64> = grains.as_chunks::<8>().0.iter().map(|bits| u64::from_le_bytes(*bits)).collect();
        let kept: usize = grains.iter().map(|bits| bits.count_ones() as usize).sum();
        let ascending = pages.is_sorted_by(|before, after| before < after);
        let inside = pages.last().is_none_or(|last| u64::from(*last) < wasm_pages << 4);
        (bytes.len() == kept * GRAIN && ascending && inside).then(|| Self {
            pages,
            grains,
            bytes: bytes.to_vec(),
            wasm_pages,
        })
    }

    fn grains_of(&self) -> GrainsOf<'_> {
        GrainsOf { delta: self, index: 0, at: 0 }
    }
}

/// The pages of a delta in their order.
struct GrainsOf<'a> {
    delta: &'a Delta,
    index: usize,
    /// Where the bytes of the next page begin.
    at: usize,
}

impl<'a> GrainsOf<'a> {
    fn page(&self) -> Option<u32> {
        self.delta.pages.get(self.index).copied()
    }

    /// The next page's grains and their bytes.
    fn next(&mut self) -> (u64, &'a [u8]) {
        let grains = self.delta.grains[self.index];
        let bytes = &self.delta.bytes[self.at..][..grains.count_ones() as usize * GRAIN];
        self.index += 1;
        self.at += bytes.len();
        (grains, bytes)
    }
}

/// Writes base bytes into `runs` and what the delta has of its pages over them.
///
/// # Safety
/// `memory` must be the start of a live linear memory of at least `base.len()` bytes and of every page
/// the delta names, that nothing else reads or writes now. `runs` must be ascending and within it.
pub unsafe fn put_back(memory: *mut u8, base: &[u8], runs: &[Run], delta: &Delta) {
    let write = |at: usize, source: &[u8]| {
        // SAFETY: by the caller's promise the target is inside the memory, which is not ours.
        unsafe { std::ptr::copy_nonoverlapping(source.as_ptr(), memory.add(at), source.len()) }
    };
    // Runs of grains that are kept, and runs of those that are the base's, so that each is written once.
    let patch = |page: u32, (mut grains, mut bytes): (u64, &[u8])| {
        let start = page as usize * PAGE;
        let under = base.get(start..start + PAGE).unwrap_or(&ZERO);
        let mut grain = 0;
        while grain < GRAINS {
            let of_base = grains.trailing_zeros().min(GRAINS - grain);
            let at = (grain * GRAIN as u32) as usize;
            write(start + at, &under[at..at + of_base as usize * GRAIN]);
            grain += of_base;
            grains = grains.checked_shr(of_base).unwrap_or(0);
            let kept = grains.trailing_ones();
            let (now, rest) = bytes.split_at(kept as usize * GRAIN);
            write(start + (grain * GRAIN as u32) as usize, now);
            grain += kept;
            grains = grains.checked_shr(kept).unwrap_or(0);
            bytes = rest;
        }
    };
    let mut next = delta.grains_of();
    for &(start, end) in runs {
        let mut page = start;
        while page < end {
            while let Some(before) = next.page().filter(|at| *at < page) {
                patch(before, next.next());
            }
            let stop = next.page().map_or(end, |at| at.min(end));
            if stop > page {
                write(page as usize * PAGE, &base[page as usize * PAGE..stop as usize * PAGE]);
                page = stop;
            }
            if page < end {
                patch(page, next.next());
                page += 1;
            }
        }
    }
    while let Some(page) = next.page() {
        patch(page, next.next());
    }
}

/// The first of `pages` in which `memory` is not base + delta: what an audit asks.
pub fn first_difference(memory: &[u8], base: &[u8], delta: &Delta, pages: Range<u32>) -> Option<u32> {
    let mut next = delta.grains_of();
    while next.page().is_some_and(|page| page < pages.start) {
        next.next();
    }
    pages.into_iter().find(|page| {
        let at = *page as usize * PAGE;
        let now = &memory[at..at + PAGE];
        // What a script grew beyond the base begins as zeros.
        let under = base.get(at..at + PAGE).unwrap_or(&ZERO);
        let same = match next.page() == Some(*page) {
            true => {
                let (grains, mut kept) = next.next();
                now.chunks_exact(GRAIN).zip(under.chunks_exact(GRAIN)).enumerate().all(|(grain, (now, under))| {
                    let wanted = if grains >> grain & 1 == 1 {
                        let (wanted, rest) = kept.split_at(GRAIN);
                        kept = rest;
                        wanted
                    } else {
                        under
                    };
                    now == wanted
                })
            }
            false => now == under,
        };
        !same
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deltas() -> Vec<Delta> {
        let base = base();
        let all = [vec![], vec![0], vec![3, 4, 9], vec![2, 15], (0..16).collect::<Vec<u32>>()];
        // Of each page all grains, every second one, or one at its end.
        let all = all.iter().flat_map(|pages| [1, 2, 64].map(|every| (pages, every)));
        let made = all.map(|(pages, every)| {
            let mut memory = base.clone();
            for page in pages {
                let page = &mut memory[*page as usize * PAGE..][..PAGE];
                page.chunks_exact_mut(GRAIN).rev().step_by(every).for_each(|grain| grain[7] = 200);
            }
            let delta = Delta::between(&base, &memory, &[(0, 16)], 0);
            assert_eq!((&delta.pages, delta.bytes.len()), (pages, pages.len() * PAGE / every));
            delta
        });
        made.collect()
    }

    fn base() -> Vec<u8> {
        (0..16 * PAGE).map(|at| (at / PAGE) as u8).collect()
    }

    #[test]
    fn put_back_restores_any_mix_of_dirty_and_delta_pages() {
        let base = base();
        let dirty: [&[Run]; 5] = [&[], &[(0, 1)], &[(2, 5), (8, 10)], &[(0, 16)], &[(3, 4), (15, 16)]];
        for delta in deltas() {
            for runs in dirty {
                let mut memory = base.clone();
                for page in runs.iter().flat_map(|(from, to)| *from..*to) {
                    memory[page as usize * PAGE..(page as usize + 1) * PAGE].fill(255);
                }
                // SAFETY: the vector is ours and as long as the base.
                unsafe { put_back(memory.as_mut_ptr(), &base, runs, &delta) };
                assert_eq!(first_difference(&memory, &base, &delta, 0..16), None, "{delta:?} {runs:?}");
                memory[9 * PAGE + 100] ^= 1;
                for (pages, found) in [(0..16, Some(9)), (9..10, Some(9)), (0..9, None), (10..16, None), (9..9, None)] {
                    assert_eq!(first_difference(&memory, &base, &delta, pages), found);
                }
            }
        }
    }

    #[test]
    fn what_is_kept_is_read_again_or_not_at_all() {
        for delta in deltas() {
            let mut kept = Vec::new();
            delta.write(&mut kept);
            assert_eq!(Delta::read(&kept, 1), Some(delta));
            let whole = (0..kept.len()).filter(|len| Delta::read(&kept[..*len], 1).is_some()).count();
            assert_eq!(whole, 0);
        }
        let beyond = Delta { pages: vec![16], grains: vec![0], bytes: Vec::new(), wasm_pages: 1 };
        let mut kept = Vec::new();
        beyond.write(&mut kept);
        assert_eq!(Delta::read(&kept, 1), None);
    }

    #[test]
    fn between_finds_the_pages_that_differ_and_skips_the_stack() {
        let base = vec![0u8; 8 * PAGE];
        let mut now = base.clone();
        now[1] = 1;
        now[5 * PAGE + 7] = 1;
        let delta = Delta::between(&base, &now, &[(0, 8)], 2);
        assert_eq!(delta.pages, [5]);
        assert_eq!(first_difference(&now[PAGE..], &base[PAGE..], &Delta { pages: vec![4], ..delta }, 0..7), None);
    }
}
