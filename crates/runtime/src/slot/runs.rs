//! Pages as ascending runs, which is how the kernel tells them.

use crate::pagemap::Run;

pub fn push_page(runs: &mut Vec<Run>, page: u32) {
    match runs.last_mut() {
        Some(last) if last.1 == page => last.1 += 1,
        _ => runs.push((page, page + 1)),
    }
}

pub fn count(runs: &[Run]) -> usize {
    runs.iter().map(|(from, to)| (to - from) as usize).sum()
}

/// Makes ascending `runs` hold ascending `pages` too. Mostly they do already.
pub fn add_pages(runs: &mut Vec<Run>, pages: &[u32]) {
    let mut at = 0;
    let all_there = pages.iter().all(|page| {
        while runs.get(at).is_some_and(|run| run.1 <= *page) {
            at += 1;
        }
        runs.get(at).is_some_and(|run| run.0 <= *page)
    });
    if all_there {
        return;
    }
    runs.extend(pages.iter().map(|page| (*page, page + 1)));
    runs.sort_unstable();
    let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs.drain(..) {
        match joined.last_mut() {
            Some(last) if run.0 <= last.1 => last.1 = last.1.max(run.1),
            _ => joined.push(run),
        }
    }
    *runs = joined;
}

#[cfg(test)]
mod tests {
    use super::{add_pages, count};

    #[test]
    fn pages_join_the_runs() {
        let mut runs = vec![(2, 4), (8, 9)];
        add_pages(&mut runs, &[2, 3, 8]);
        assert_eq!(runs, [(2, 4), (8, 9)]);
        add_pages(&mut runs, &[1, 4, 12]);
        assert_eq!(runs, [(1, 5), (8, 9), (12, 13)]);
        assert_eq!(count(&runs), 6);
        let mut none = Vec::new();
        add_pages(&mut none, &[5, 6]);
        assert_eq!(none, [(5, 7)]);
    }
}
