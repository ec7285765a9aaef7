//! How much memory the process has, and how much it may have: by a setting, or by what the control
//! groups it is in allow (cgroup v2, `memory.max` of it and of those above it).

use std::path::{Path, PathBuf};

use crate::config::MemoryCeiling;

/// Where to look, decided once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub limit: u64,
    /// The group whose limit that is; `None`: the process by itself.
    group: Option<PathBuf>,
}

impl Probe {
    /// `None`: nothing bounds the process.
    pub fn of(ceiling: MemoryCeiling) -> Option<Self> {
        match ceiling {
            MemoryCeiling::None => None,
            MemoryCeiling::Bytes(limit) => Some(Self { limit, group: None }),
            MemoryCeiling::Auto => {
                let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
                Self::of_group(Path::new("/sys/fs/cgroup"), &groups)
            }
        }
    }

    /// The tightest limit on the way from the process's group up to the root.
    fn of_group(root: &Path, groups: &str) -> Option<Self> {
        // Version 2 has the one line `0::/path`.
        let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
        let own = root.join(own.trim().trim_start_matches('/'));
        let levels = own.ancestors().take_while(|level| level.starts_with(root));
        let limits = levels.filter_map(|level| {
            let limit = std::fs::read_to_string(level.join("memory.max")).ok()?;
            Some(Self { limit: limit.trim().parse().ok()?, group: Some(level.to_owned()) })
        });
        limits.min_by_key(|probe| probe.limit)
    }

    /// Bytes in use now, without what the kernel can take back by itself. `None`: the system does not say.
    pub fn used(&self) -> Option<u64> {
        let Some(group) = &self.group else { return resident() };
        let all: u64 = std::fs::read_to_string(group.join("memory.current")).ok()?.trim().parse().ok()?;
        let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
        let file = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse::<u64>().ok());
        Some(all.saturating_sub(file.unwrap_or(0)))
    }
}

/// Resident bytes of this process.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: sysconf reads a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * u64::try_from(page).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(at: &Path, max: &str) {
        std::fs::create_dir_all(at).unwrap();
        std::fs::write(at.join("memory.max"), format!("{max}\n")).unwrap();
        std::fs::write(at.join("memory.current"), "1000\n").unwrap();
        std::fs::write(at.join("memory.stat"), "anon 600\ninactive_file 300\nactive_file 100\n").unwrap();
    }

    #[test]
    fn the_tightest_group_above_the_process_counts() {
        let root = tempfile::tempdir().unwrap();
        group(&root.path().join("a"), "5000");
        group(&root.path().join("a/b"), "9000");
        group(&root.path().join("a/b/c"), "max");
        let probe = Probe::of_group(root.path(), "0::/a/b/c\n").unwrap();
        assert_eq!((probe.limit, probe.used()), (5_000, Some(700)));
        group(&root.path().join("a/b/c"), "4000");
        assert_eq!(Probe::of_group(root.path(), "0::/a/b/c\n").unwrap().limit, 4_000);
        // None there, none said, version 1 alone.
        for groups in ["0::/\n", "0::/elsewhere\n", "", "4:memory:/a\n"] {
            assert_eq!(Probe::of_group(root.path(), groups), None, "{groups}");
        }
    }

    #[test]
    fn a_setting_counts_the_process_itself() {
        let probe = Probe::of(MemoryCeiling::Bytes(1 << 40)).unwrap();
        let before = probe.used().unwrap();
        // Of a size that other tests, which run in this process too, do not outweigh; never left out by the compiler.
        let ballast = std::hint::black_box(vec![1_u8; 256 << 20]);
        assert!(probe.used().unwrap() >= before + (200 << 20) && before > 0);
        drop(ballast);
        assert_eq!(Probe::of(MemoryCeiling::None), None);
    }
}
