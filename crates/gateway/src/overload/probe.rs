//! How much memory the process has, and how much it may have: by a setting, or by what the control
//! groups it is in allow (cgroup v2 or v1: the memory limits of its own group and of those above it).

use std::path::{Path, PathBuf};

use crate::config::MemoryCeiling;

/// Where to look, decided once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub limit: u64,
    /// The group whose limit that is; `None`: the process by itself.
    group: Option<(PathBuf, Version)>,
}

/// What a version of control groups calls things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    limit: &'static str,
    used: &'static str,
    /// In `memory.stat`: files' pages that nobody used lately.
    idle: &'static str,
}

const V1: Version =
    Version { limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", idle: "total_inactive_file " };
const V2: Version = Version { limit: "memory.max", used: "memory.current", idle: "inactive_file " };
/// From here on it is none: version 1 knows no other word for that.
const NO_LIMIT: u64 = 1 << 62;

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
        // A line is `number:controllers:/path`: version 2 has the one without controllers, version 1 has
        // one for memory, in a tree of its own. A system may have both.
        let found = groups.lines().filter_map(|line| {
            let (_, line) = line.split_once(':')?;
            let (controllers, path) = line.split_once(':')?;
            match controllers {
                "" => Self::tightest(root, path, V2),
                of if of.split(',').any(|one| one == "memory") => Self::tightest(&root.join("memory"), path, V1),
                _ => None,
            }
        });
        found.min_by_key(|probe| probe.limit)
    }

    fn tightest(root: &Path, own: &str, version: Version) -> Option<Self> {
        // In a container without a view of its own the path is the host's: what is mounted is its own group.
        let own = root.join(own.trim().trim_start_matches('/'));
        let levels = own.ancestors().take_while(|level| level.starts_with(root));
        let limits = levels.filter_map(|level| {
            let limit = std::fs::read_to_string(level.join(version.limit)).ok()?;
            let limit = limit.trim().parse().ok().filter(|limit| *limit < NO_LIMIT)?;
            Some(Self { limit, group: Some((level.to_owned(), version)) })
        });
        limits.min_by_key(|probe| probe.limit)
    }

    /// Bytes in use now, without what the kernel can take back by itself. `None`: the system does not say.
    pub fn used(&self) -> Option<u64> {
        let Some((group, version)) = &self.group else { return resident() };
        let all: u64 = std::fs::read_to_string(group.join(version.used)).ok()?.trim().parse().ok()?;
        let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
        let file = stat.lines().find_map(|line| line.strip_prefix(version.idle)?.trim().parse::<u64>().ok());
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
        // None there, none said, a tree that is not mounted.
        for groups in ["0::/\n", "0::/elsewhere\n", "", "4:memory:/a\n", "4:cpu:/a\n"] {
            assert_eq!(Probe::of_group(root.path(), groups), None, "{groups}");
        }
    }

    #[test]
    fn version_1_has_a_tree_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let group = |name: &str, limit: &str| {
            let at = root.path().join("memory").join(name);
            std::fs::create_dir_all(&at).unwrap();
            std::fs::write(at.join("memory.limit_in_bytes"), format!("{limit}\n")).unwrap();
            std::fs::write(at.join("memory.usage_in_bytes"), "1000\n").unwrap();
            std::fs::write(at.join("memory.stat"), "inactive_file 1\ntotal_inactive_file 250\n").unwrap();
        };
        group("", "9223372036854771712");
        group("a", "9223372036854771712");
        let of = |groups: &str| Probe::of_group(root.path(), groups).map(|probe| (probe.limit, probe.used()));
        let groups = "9:name=systemd:/\n4:hugetlb,memory:/a\n0::/\n";
        assert_eq!(of(groups), None);
        group("a", "6000");
        assert_eq!(of(groups), Some((6_000, Some(750))));
        // The host's path, of which the container sees the end alone.
        group("", "7000");
        assert_eq!(of("4:memory:/docker/0123\n"), Some((7_000, Some(750))));
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
