//! Lists the platform's JavaScript files for `src/lib.rs`: each under the name its modules import it by,
//! `platform:<path>`, in the order of the names.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Writes the list to `to`; returns the digest of names and sources.
pub fn embed(dir: &Path, to: &Path) -> Result<String, String> {
    let mut files = Vec::new();
    if dir.is_dir() {
        collect(dir, dir, &mut files)?;
    }
    files.sort();
    let (mut list, mut digest) = (String::from("&[\n"), Sha256::new());
    for (name, path) in &files {
        let source = fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        digest.update(format!("{name}\0{}\0", source.len()));
        digest.update(&source);
        let _ = writeln!(list, "    ({name:?}, include_str!({:?})),", path.display().to_string());
    }
    list.push_str("]\n");
    fs::write(to, list).map_err(|e| format!("cannot write {}: {e}", to.display()))?;
    Ok(super::hex(&digest.finalize()))
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<(String, PathBuf)>) -> Result<(), String> {
    let entries = fs::read_dir(dir).map_err(|e| format!("cannot list {}: {e}", dir.display()))?;
    for entry in entries {
        let path = entry.map_err(|e| format!("cannot list {}: {e}", dir.display()))?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|e| e == "js")
            && let Ok(below) = path.strip_prefix(root)
        {
            let parts: Vec<_> = below.iter().map(|p| p.to_string_lossy()).collect();
            files.push((format!("platform:{}", parts.join("/")), path.clone()));
        }
    }
    Ok(())
}
