//! Making what is shipped with a program: once a build, for a stated CPU, on a machine that has it.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use switchyard_catalog::BlobDigest;

use super::{CODE, MANIFEST, MEMORY, Manifest};
use crate::cpu::Cpu;
use crate::engine::{self, EngineCore};
use crate::{RuntimeError, base};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    pub cpu: Cpu,
    /// Of all files.
    pub bytes: u64,
}

/// Compiles the engine and makes its base into a folder, which is made if it is not there. Some seconds of CPU. What
/// is there of another build is replaced; a node that starts meanwhile finds it not whole, and compiles.
///
/// # Errors
/// When this machine is less than that CPU, as the engine is run to make its base; or the folder cannot be written.
pub fn make(folder: &Path, cpu: Cpu) -> Result<Made, RuntimeError> {
    let (core, code) = EngineCore::for_cpu(cpu)?;
    let (image, stack_pointer) = base::make(&core)?;
    let memory = engine::serialized(&core.engine, &base::memory_of(&image))?;
    let digest = |bytes: &[u8]| BlobDigest::of(bytes).hex();
    let manifest = Manifest {
        cpu,
        compatibility: format!("{:016x}", core.compatibility),
        engine: switchyard_js::engine_digest().to_owned(),
        base: base::name(),
        code: digest(&code),
        memory: digest(&memory),
        image: digest(&image),
        stack_pointer,
    };
    let manifest = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| RuntimeError::Engine { action: "be described", message: error.to_string() })?;
    let files = [(CODE, code), (MEMORY, memory), (MANIFEST, manifest)];
    let written = || -> io::Result<u64> {
        fs::create_dir_all(folder)?;
        // Whatever the umask says: read by all, as programs are.
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
        files.iter().map(|(name, bytes)| replace(&folder.join(name), bytes)).sum()
    };
    let bytes = written().map_err(|source| RuntimeError::Io { action: "keep the compiled engine", source })?;
    Ok(Made { cpu, bytes })
}

/// Whole or not at all: who has the old file mapped keeps it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<u64> {
    let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let written = (|| {
        let mut file = File::create_new(&temporary)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| bytes.len() as u64)
}
