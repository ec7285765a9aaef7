//! The engine as it came with the program: compiled, with its base, where the image or the package was built, so that
//! a first start need not do it. Nobody signs it, for who builds an image has no node's key; it is machine code that
//! the node runs. So it is trusted exactly as the program is, which is machine code from the same place: its files and
//! all folders above them are root's or the program owner's, and nobody else can write to them. Who could change
//! them could as well change the program. Digests are for accidents: a torn copy, or another build's files.

mod make;
mod trust;

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use switchyard_catalog::BlobDigest;
use wasmtime::{Engine, Instance, Module, Store};

pub use make::{Made, make};
use trust::Trust;

use crate::cpu::Cpu;
use crate::{RuntimeError, base, engine};

/// What the others are, and for which build; written last.
const MANIFEST: &str = "engine.json";
const CODE: &str = "engine.cwasm";
const MEMORY: &str = "base.cwasm";
/// Nothing of it is near.
const LARGEST: u64 = 256 << 20;

/// The file [`MANIFEST`].
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Manifest {
    /// What the code asks of a CPU.
    cpu: Cpu,
    /// As [`engine::compatibility`] for that CPU.
    compatibility: String,
    /// Digest of the engine's module.
    engine: String,
    /// As [`base::name`]: engine, platform, and how it is made of them.
    base: String,
    /// SHA-256 of the other files, in hex.
    code: String,
    memory: String,
    /// … of the base that the memory begins as.
    image: String,
    /// Where the stack pointer stands in it.
    stack_pointer: i32,
}

/// What came with the program, all of it.
pub struct Shipped {
    pub cpu: Cpu,
    /// The engine's code.
    pub code: Module,
    /// The base, and where the stack pointer stands.
    pub image: (Vec<u8>, i32),
    /// The memory's module, which maps the base.
    pub memory: Module,
}

/// `lib/switchyard` beside the folder of this program: `/usr/local/lib/switchyard` for `/usr/local/bin/switchyard`.
pub fn beside_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    // Of a program in the root, the root.
    Some(folder.parent().unwrap_or(folder).join("lib/switchyard"))
}

/// What lies in a folder, for this engine. `None`: nothing does.
///
/// # Errors
/// Why it is not used.
pub fn load(engine: &Engine, folder: &Path) -> Result<Option<Shipped>, String> {
    let Some(manifest) = manifest(folder)? else { return Ok(None) };
    let trust = Trust::of_program()?;
    let file = |name: &str, digest: &str| verified(&trust, &folder.join(name), digest);
    let module = |name: &str, digest: &str| {
        let file = file(name, digest)?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // SAFETY: this is code of nobody's but those who could give this process any other (see the module's
        // paragraph), as `make` wrote it by its digest; wasmtime refuses what another version, other settings or
        // another CPU's compiler made.
        unsafe { Module::deserialize_file(engine, path) }.map_err(|error| format!("{name} is refused: {error:#}"))
    };
    let code = module(CODE, &manifest.code)?;
    let memory = module(MEMORY, &manifest.memory)?;
    // Its bytes are in the memory's module already.
    let image = bytes_of(engine, &memory).map_err(|error| format!("{MEMORY} makes no memory: {error:#}"))?;
    let found = BlobDigest::of(&image).hex();
    if found != manifest.image {
        return Err(format!("{MEMORY} is another base: its digest is {found}, not {}", manifest.image));
    }
    Ok(Some(Shipped { cpu: manifest.cpu, code, image: (image, manifest.stack_pointer), memory }))
}

/// Whether this program would use what lies in a folder, and for what CPU it was made. `None`: nothing lies there.
///
/// # Errors
/// Why it would not.
pub fn look(folder: &Path) -> Result<Option<Cpu>, String> {
    let engine = engine::reserve(1).map_err(|error| error.to_string())?;
    Ok(load(&engine, folder)?.map(|shipped| shipped.cpu))
}

/// What a memory begins as. Some milliseconds, and a place of the engine's pool for as long.
fn bytes_of(engine: &Engine, memory: &Module) -> wasmtime::Result<Vec<u8>> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, memory, &[])?;
    let memory = instance.get_memory(&mut store, "memory").ok_or_else(|| wasmtime::Error::msg("it exports none"))?;
    Ok(memory.data(&store).to_vec())
}

/// The manifest of a folder, if it is of this build.
fn manifest(folder: &Path) -> Result<Option<Manifest>, String> {
    let path = folder.join(MANIFEST);
    if !path.exists() {
        return Ok(None);
    }
    let trust = Trust::of_program()?;
    trust.path(folder)?;
    let bytes = read(&mut trust.open(&path)?, MANIFEST)?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| format!("{} is not understood: {error}", path.display()))?;
    for (what, of, ours) in [
        ("engine", manifest.engine.as_str(), switchyard_js::engine_digest()),
        ("platform", &manifest.base, &base::name()),
        ("compiler", &manifest.compatibility, &compatibility(manifest.cpu).map_err(|error| error.to_string())?),
    ] {
        if of != ours {
            return Err(format!("it is of another build: its {what} is {of}, this program's {ours}"));
        }
    }
    Ok(Some(manifest))
}

/// What this program's compiler makes for a CPU.
fn compatibility(cpu: Cpu) -> Result<String, RuntimeError> {
    let (_, compatibility) = engine::for_cpu(cpu)?;
    Ok(format!("{compatibility:016x}"))
}

/// The file, if it has this digest: the one that was looked at, whatever takes its name afterwards.
fn verified(trust: &Trust, path: &Path, digest: &str) -> Result<File, String> {
    let name = path.display();
    let mut file = trust.open(path)?;
    let found = BlobDigest::of(&read(&mut file, &name.to_string())?).hex();
    if found != digest {
        return Err(format!("{name} is not as it was made: its digest is {found}, not {digest}"));
    }
    std::io::Seek::rewind(&mut file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    Ok(file)
}

fn read(file: &mut File, name: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = file.take(LARGEST).read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|error| format!("{name} cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
