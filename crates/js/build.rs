//! Builds the engine, QuickJS with our shim, to wasm, and lists the platform's JavaScript, both for `src/lib.rs` to
//! embed. The engine is kept under the digest of all that goes into it, next to the profiles, so that it is compiled
//! once for all of them and again only when something changed.

#[path = "build/compiler.rs"]
mod compiler;
#[path = "build/patches.rs"]
mod patches;
#[path = "build/platform.rs"]
mod platform;
#[path = "build/sources.rs"]
mod sources;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn main() {
    for name in [
        "SWITCHYARD_ENGINE_WASM",
        "SWITCHYARD_ENGINE_CACHE",
        "SWITCHYARD_ENGINE_FLAGS",
        "SWITCHYARD_QUICKJS_SRC",
        "WASI_SYSROOT",
        "PATH",
    ] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    for path in ["build.rs", "build", "engine", "platform", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={path}");
    }
    if let Err(message) = run() {
        println!("cargo::error=the JavaScript engine could not be built");
        eprintln!("{message}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), String> {
    let manifest = path_variable("CARGO_MANIFEST_DIR")?;
    let out = path_variable("OUT_DIR")?;
    let (engine, compiler) = engine(&manifest, &out)?;
    // QuickJS's own tests are run on frozen and unfrozen instances; where its sources are not at hand, they are not.
    let quickjs = sources::quickjs(&manifest).map(|dir| dir.display().to_string());
    println!("cargo::rustc-env=SWITCHYARD_QUICKJS_DIR={}", quickjs.unwrap_or_default());
    let bytes = fs::read(&engine).map_err(|e| format!("cannot read {}: {e}", engine.display()))?;
    if !bytes.starts_with(b"\0asm") {
        return Err(format!("{} is no wasm module", engine.display()));
    }
    let platform = platform::embed(&manifest.join("platform"), &out.join("platform.rs"))?;
    println!("cargo::rerun-if-changed={}", engine.display());
    println!("cargo::rustc-env=SWITCHYARD_ENGINE_PATH={}", engine.display());
    println!("cargo::rustc-env=SWITCHYARD_ENGINE_DIGEST={}", hex(&Sha256::digest(&bytes)));
    println!("cargo::rustc-env=SWITCHYARD_ENGINE_COMPILER={compiler}");
    println!("cargo::rustc-env=SWITCHYARD_PLATFORM_DIGEST={platform}");
    Ok(())
}

fn path_variable(name: &str) -> Result<PathBuf, String> {
    std::env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("cargo did not set {name}"))
}

/// The engine's file and what compiled it.
fn engine(manifest: &Path, out: &Path) -> Result<(PathBuf, String), String> {
    if let Some(file) = std::env::var_os("SWITCHYARD_ENGINE_WASM") {
        let file = fs::canonicalize(&file)
            .map_err(|e| format!("SWITCHYARD_ENGINE_WASM={}: {e}", Path::new(&file).display()))?;
        return Ok((file, "prebuilt".into()));
    }
    let cache = match std::env::var_os("SWITCHYARD_ENGINE_CACHE") {
        Some(dir) => PathBuf::from(dir),
        None => target_dir(out).join("switchyard-engine"),
    };
    fs::create_dir_all(&cache).map_err(|e| format!("cannot make {}: {e}", cache.display()))?;
    let cache = fs::canonicalize(&cache).map_err(|e| format!("{}: {e}", cache.display()))?;

    // Another profile may be at it in this moment: wait for it, then find its work done.
    let lock = File::create(cache.join("lock")).map_err(|e| format!("cannot lock {}: {e}", cache.display()))?;
    lock.lock().map_err(|e| format!("cannot lock {}: {e}", cache.display()))?;

    let work = out.join("engine-build");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).map_err(|e| format!("cannot make {}: {e}", work.display()))?;
    let names = sources::gather(manifest, &work)?;
    let compiler = compiler::find(&cache)?;

    let mut digest = Sha256::new();
    digest.update(compiler::flags(&compiler));
    for name in names {
        let bytes = fs::read(work.join(name)).map_err(|e| format!("cannot read {name}: {e}"))?;
        digest.update(format!("\0{name}\0{}\0", bytes.len()));
        digest.update(bytes);
    }
    let home = cache.join(&hex(&digest.finalize())[..16]);
    let file = home.join("engine.wasm");
    if !file.is_file() {
        let built = compiler.build(&work, sources::UNITS)?;
        fs::create_dir_all(&home).map_err(|e| format!("cannot make {}: {e}", home.display()))?;
        let partly = home.join("engine.wasm.partly");
        fs::copy(&built, &partly).map_err(|e| format!("cannot write {}: {e}", partly.display()))?;
        // As old as this crate: cargo takes what is younger than the run of this script for changed since, and would
        // build all that depends on it once more.
        let age = fs::metadata(manifest.join("Cargo.toml")).and_then(|of| of.modified());
        let aged = age.and_then(|age| fs::File::options().write(true).open(&partly)?.set_modified(age));
        aged.map_err(|e| format!("cannot date {}: {e}", partly.display()))?;
        fs::rename(&partly, &file).map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    }
    let _ = fs::remove_dir_all(&work);
    Ok((file, compiler.identity))
}

/// The target directory: cargo marks it with a tag; without one it is where OUT_DIR usually lies in it.
fn target_dir(out: &Path) -> &Path {
    out.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file()).or_else(|| out.ancestors().nth(4)).unwrap_or(out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
