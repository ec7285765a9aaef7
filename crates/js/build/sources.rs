//! Where the C sources come from: QuickJS out of the crate that Cargo.toml names for a target nobody builds for, so that
//! cargo locks, verifies and downloads it without compiling it; the shim out of `engine/`. `gather` puts copies of all
//! into one folder and patches them there.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::patches;

const CRATE: &str = "rquickjs-sys";
const VERSION: &str = "0.14.0";

/// What of QuickJS is compiled or included.
const QUICKJS: &[&str] = &[
    "builtin-array-fromasync.h",
    "builtin-iterator-zip-keyed.h",
    "builtin-iterator-zip.h",
    "cutils.h",
    "dtoa.c",
    "dtoa.h",
    "libregexp-opcode.h",
    "libregexp.c",
    "libregexp.h",
    "libunicode-table.h",
    "libunicode.c",
    "libunicode.h",
    "list.h",
    "quickjs-atom.h",
    "quickjs-c-atomics.h",
    "quickjs-opcode.h",
    "quickjs.c",
    "quickjs.h",
];

/// Our own files. `internals.c` is included by quickjs.c and includes others, `regexps.c` by libregexp.c: they are not compiled by
/// themselves.
const ENGINE: &[&str] = &[
    "builtins.c",
    "dates.c",
    "engine.h",
    "headers.c",
    "heap.c",
    "host.c",
    "internals.c",
    "json.c",
    "lines.c",
    "messages.c",
    "modules.c",
    "objects.c",
    "pairs.c",
    "regexps.c",
    "shapes.c",
    "shim.c",
    "stacks.c",
    "url.c",
];

/// What is compiled, the longest first.
pub const UNITS: &[&str] =
    &["quickjs.c", "libregexp.c", "libunicode.c", "dtoa.c", "host.c", "shim.c", "heap.c", "modules.c", "url.c"];

/// Copies and patches everything into `dir`, which must exist and be empty. Returns the names of the files, sorted.
pub fn gather(manifest: &Path, dir: &Path) -> Result<Vec<&'static str>, String> {
    let quickjs = quickjs(manifest)?;
    for name in QUICKJS {
        copy(&quickjs.join(name), &dir.join(name))?;
    }
    for name in ENGINE {
        copy(&manifest.join("engine").join(name), &dir.join(name))?;
    }
    patches::apply(dir)?;
    let mut names: Vec<_> = QUICKJS.iter().chain(ENGINE).copied().collect();
    names.sort_unstable();
    Ok(names)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let bytes = std::fs::read(from).map_err(|e| format!("cannot read {}: {e}", from.display()))?;
    std::fs::write(to, bytes).map_err(|e| format!("cannot write {}: {e}", to.display()))
}

/// The folder with QuickJS's own files.
pub fn quickjs(manifest: &Path) -> Result<PathBuf, String> {
    if let Some(dir) = std::env::var_os("SWITCHYARD_QUICKJS_SRC") {
        return Ok(PathBuf::from(dir));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", "wasm32-wasip1"])
        .current_dir(manifest)
        .output()
        .map_err(|e| format!("cannot run cargo metadata: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let folder = manifest_path(&text).and_then(|m| m.parent().map(|p| p.join("quickjs")));
    folder.ok_or_else(|| format!("cargo metadata does not know {CRATE} {VERSION}"))
}

/// The first `manifest_path` after the name and version of the package; packages name those first.
fn manifest_path(metadata: &str) -> Option<PathBuf> {
    const KEY: &str = "\"manifest_path\":\"";
    let (_, package) = metadata.split_once(&format!("{{\"name\":\"{CRATE}\",\"version\":\"{VERSION}\""))?;
    let (_, path) = package.split_once(KEY)?;
    let (path, _) = path.split_once('"')?;
    Some(PathBuf::from(path.replace("\\\\", "\\")))
}
