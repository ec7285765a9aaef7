//! What the figures were measured on: the machine, how busy it was, and what was measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

use crate::{peers, process, server};

/// Facts of the machine, as the kernel has them; `unknown` where it does not say.
#[derive(Debug, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_mib: u64,
    pub kernel: String,
    /// Of the sources that the bench was built from; `+` where they were changed since.
    pub commit: String,
    /// What the server says of itself.
    pub switchyard: String,
    /// Processes that ran or wanted to, on average of a minute, before and after: what else the machine did.
    pub load_before: f64,
    pub load_after: f64,
    /// What the peers say that they are; only where they were measured.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub peers: BTreeMap<&'static str, String>,
}

impl Machine {
    /// Before anything is measured.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let kib =
            field(&read("/proc/meminfo"), "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            cores: process::cores(),
            memory_mib: kib.unwrap_or(0) / 1024,
            kernel: Some(read("/proc/sys/kernel/osrelease").trim().to_owned())
                .filter(|name| !name.is_empty())
                .unwrap_or_else(unknown),
            commit: commit().unwrap_or_else(unknown),
            switchyard: server::beside("switchyard")
                .ok()
                .and_then(|program| said(Command::new(program).arg("--version")))
                .unwrap_or_else(unknown),
            load_before: load(&read("/proc/loadavg")),
            load_after: 0.0,
            peers: BTreeMap::new(),
        }
    }

    /// After the last window.
    pub fn done(&mut self, with_peers: bool) {
        if with_peers {
            self.peers = peers::versions();
        }
        self.load_after = load(&fs::read_to_string("/proc/loadavg").unwrap_or_default());
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// The first value of a name, of lines `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

fn load(text: &str) -> f64 {
    text.split(' ').next().and_then(|minute| minute.parse().ok()).unwrap_or(0.0)
}

fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        said(Command::new("git").arg("-C").arg(Path::new(env!("CARGO_MANIFEST_DIR"))).args(arguments))
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    Some(if changed { format!("{commit}+") } else { commit })
}

/// What a program says on its output; nothing, where it fails.
pub fn said(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A Processor: fast\nprocessor\t: 1\nmodel name\t: Another\n";
        assert_eq!(field(cpuinfo, "model name").as_deref(), Some("A Processor: fast"));
        assert_eq!(field(cpuinfo, "model"), None);
        assert_eq!(load("2.01 0.94 0.37 1/123 4567\n"), 2.01);
        assert_eq!(load(""), 0.0);
    }
}
