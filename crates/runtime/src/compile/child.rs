//! The process that compiles one component: the same binary, started for it (`switchyard compile`). It takes the
//! source on its input, writes the artefact to its output, a file, and says why not on its errors. The code is
//! valid and hostile: the process binds itself before it reads (`confine`), and ends by its limits.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::process::ExitCode;

use wasmtime::Engine;

use super::confine::{self, Cell};
use crate::component::{Model, component_config};

/// The component is not one that this engine takes; why is on the errors.
pub const REFUSED: u8 = 3;
/// It cannot be compiled here: the binary is of other settings, or a limit could not be set.
pub const UNABLE: u8 = 4;

/// What compiled code depends on: wasmtime's version, its settings, the CPU's features. Sixteen hex digits.
pub fn fingerprint(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// An engine that compiles: without a pool, whose reservation no limit on memory would allow.
///
/// # Errors
/// As wasmtime says.
pub fn engine(model: Model) -> wasmtime::Result<Engine> {
    Engine::new(&component_config(model))
}

/// Runs the whole process; `wanted` is the fingerprint of who waits for the artefact.
pub fn run(wanted: &str, cell: &Cell) -> ExitCode {
    match compile(wanted, cell) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, message)) => {
            // Nobody may listen any more.
            let _ = std::io::stderr().write_all(message.as_bytes());
            ExitCode::from(code)
        }
    }
}

fn compile(wanted: &str, cell: &Cell) -> Result<(), (u8, String)> {
    let unable = |message: String| (UNABLE, message);
    // Before the cell: it looks at the CPU.
    let mut ours = Vec::new();
    let engine = loop {
        // The fingerprint says which of them it is.
        let Some(model) = Model::ALL.get(ours.len()) else {
            let ours = ours.join(" and ");
            return Err(unable(format!("this program compiles for {ours}, not for {wanted}: it is of another build")));
        };
        let engine = engine(*model).map_err(|error| unable(format!("the engine cannot be set up: {error:#}")))?;
        ours.push(fingerprint(&engine));
        if ours.last().is_some_and(|ours| ours == wanted) {
            break engine;
        }
    };
    confine::enter(cell).map_err(|error| unable(format!("a limit could not be set: {error}")))?;
    let mut source = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut source);
    read.map_err(|error| unable(format!("the source could not be read: {error}")))?;
    let artefact = engine.precompile_component(&source).map_err(|error| (REFUSED, format!("{error:#}")))?;
    drop(source);
    let written = std::io::stdout().lock().write_all(&artefact);
    written.map_err(|error| unable(format!("the artefact could not be written: {error}")))
}
