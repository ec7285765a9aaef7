//! `wasmtime serve` of the version whose library we stand on, as it is shipped: what a component costs without a
//! platform around it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Its major version: that of our own dependency.
const VERSION: &str = "48";

/// The program to measure: the one that is named, else one of the right version in `PATH`, else, where `install` says
/// so, one that cargo builds into the build folder, once. `None`: there is none, and its rows are left out.
///
/// # Errors
/// When the named one is not of this version, or it cannot be installed.
pub fn find(named: Option<&Path>, install: bool) -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = named {
        let version = version(named).with_context(|| format!("{} does not run", named.display()))?;
        ensure!(fits(&version), "{} is {version}, not of version {VERSION}", named.display());
        return Ok(Some(named.to_owned()));
    }
    let in_path = PathBuf::from("wasmtime");
    if version(&in_path).is_ok_and(|version| fits(&version)) {
        return Ok(Some(in_path));
    }
    let root = std::env::current_exe()?.with_file_name("peers");
    let installed = root.join("bin/wasmtime");
    if version(&installed).is_ok_and(|version| fits(&version)) {
        return Ok(Some(installed));
    }
    if !install {
        eprintln!("no wasmtime {VERSION} in PATH: its rows are left out (--peer FILE, or --peers to build it)");
        return Ok(None);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["install", "wasmtime-cli", "--locked", "--version", &format!("{VERSION}.*"), "--root"]).arg(&root);
    let status = command.status().context("cargo cannot be started")?;
    ensure!(status.success(), "wasmtime could not be installed ({status})");
    Ok(Some(installed))
}

fn fits(version: &str) -> bool {
    version.strip_prefix(VERSION).is_some_and(|rest| rest.starts_with('.'))
}

/// `48.0.8`.
fn version(program: &Path) -> anyhow::Result<String> {
    let output = Command::new(program).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).map(str::to_owned).context("it does not say its version")
}
