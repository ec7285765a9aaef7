//! The frozen base: engine and platform, evaluated and exercised once, as the one memory image of the
//! process. Making it is deterministic (constant clock and randomness), so that a page delta made by
//! an earlier process of the same build fits. It is kept as an artefact, as the compiled engine is: making it is
//! half of what a start would cost.

use std::hash::{DefaultHasher, Hash, Hasher};

use switchyard_catalog::BlobDigest;
use switchyard_js::abi::{Writer, event};
use wasmtime::{InstancePre, Module};

use crate::artefacts::Artefacts;
use crate::engine::{self, EngineCore, MAX_WASM_PAGES};
use crate::host::Host;
use crate::image::{PAGE, memory_module, nonzero_runs};
use crate::sealed::hex;
use crate::shipped::Shipped;
use crate::slot::Slot;
use crate::stream::HostStream;
use crate::{Body, RuntimeError};

/// Room that the base leaves before a request must grow its memory, in bytes. Less makes ordinary
/// requests grow (and so lose their slot); more is pages to scan.
const SLACK: i32 = 1 << 20;
/// Wasm pages of the memory in which the base is made, before it grows as needed.
const BOOT_PAGES: u64 = 40;
/// Paths of the training worker (ABI.md, The base): what they touch exists before the freeze.
const TRAINING: [&str; 11] =
    ["/keep", "/hello", "/headers", "/json", "/echo", "/stream", "/bodies", "/throw", "/wait", "/crypto", "/fetch"];
/// The number of a training request's body.
const TRAINING_STREAM: i32 = 1 << 30;
/// Times each is asked.
const ROUNDS: usize = 3;

/// The base image, and how to make a memory of it.
pub struct Base {
    /// All bytes of the memory, the stack's as zeros.
    pub image: Vec<u8>,
    /// Where the stack pointer stands while no call is active.
    pub stack_pointer: i32,
    /// Instantiates a memory that maps the image.
    pub memory: InstancePre<Host>,
    /// SHA-256 of the image: what a delta depends on.
    pub digest: [u8; 32],
    /// The artefacts that it was loaded from, or kept as.
    pub files: Vec<String>,
}

impl Base {
    /// The base that came with the program, where the engine did; else of an earlier process; else made now: some
    /// 100 ms.
    ///
    /// # Errors
    /// When the platform's own code fails, a fault of the build; or when memory cannot be put back on this machine.
    pub fn load(core: &EngineCore, artefacts: &Artefacts, shipped: Option<Shipped>) -> Result<Self, RuntimeError> {
        let Loaded { image, digest, module, files } = match shipped {
            Some(Shipped { image, memory: module, .. }) => {
                Loaded { digest: BlobDigest::of(&image.0).0, image, module, files: Vec::new() }
            }
            None => of_artefacts(core, artefacts)?,
        };
        let (image, stack_pointer) = image;
        tracing::debug!(pages = image.len() / PAGE, "the base is there");
        let memory = core.linker.instantiate_pre(&module).map_err(wrong("map its base"))?;
        let base = Self { memory, image, stack_pointer, digest, files };
        let slot = Slot::create(core, &base.memory).map_err(wrong("be instantiated"))?;
        slot.prove(&base).map_err(|message| failed("be restored in place", message))?;
        Ok(base)
    }
}

/// What a base is made of.
struct Loaded {
    /// With where the stack pointer stands.
    image: (Vec<u8>, i32),
    digest: [u8; 32],
    /// It maps the image.
    module: Module,
    files: Vec<String>,
}

fn of_artefacts(core: &EngineCore, artefacts: &Artefacts) -> Result<Loaded, RuntimeError> {
    let name = name();
    let kept = format!("{name}.image");
    let image = match artefacts.read(&kept).and_then(of_bytes) {
        Some(kept) => kept,
        None => {
            let made = make(core)?;
            keep(artefacts, &kept, &made);
            made
        }
    };
    let digest = BlobDigest::of(&image.0).0;
    // Mapped from its file by all slots; those who map it never write to it.
    let compiled = format!("{name}-{}-{:016x}.cwasm", &hex(&digest)[..16], core.compatibility);
    let module = match engine::kept(&core.engine, artefacts, &compiled) {
        Some(module) => module,
        None => engine::compile(&core.engine, &memory_of(&image.0), artefacts, &compiled)?,
    };
    Ok(Loaded { image, digest, module, files: vec![kept, compiled] })
}

/// The module of a memory that begins as an image.
pub fn memory_of(image: &[u8]) -> Vec<u8> {
    memory_module((image.len() >> 16) as u64, MAX_WASM_PAGES, &nonzero_runs(image))
}

/// Of all that an image depends on: the engine, the platform, and how it is made of them.
pub fn name() -> String {
    let mut hasher = DefaultHasher::new();
    (switchyard_js::engine_digest(), switchyard_js::platform_digest(), env!("CARGO_PKG_VERSION")).hash(&mut hasher);
    (TRAINING, ROUNDS, SLACK, BOOT_PAGES, MAX_WASM_PAGES).hash(&mut hasher);
    format!("base-{:016x}", hasher.finish())
}

/// An image and its stack pointer, as [`keep`] wrote them.
fn of_bytes(mut image: Vec<u8>) -> Option<(Vec<u8>, i32)> {
    let (_, stack_pointer) = image.split_last_chunk::<4>()?;
    let stack_pointer = i32::from_le_bytes(*stack_pointer);
    image.truncate(image.len() - 4);
    image.len().is_multiple_of(1 << 16).then_some((image, stack_pointer))
}

/// One that cannot be written only costs the next start its making.
fn keep(artefacts: &Artefacts, name: &str, (image, stack_pointer): &(Vec<u8>, i32)) {
    let kept = [image.as_slice(), &stack_pointer.to_le_bytes()].concat();
    if let Err(error) = artefacts.write(name, &kept) {
        tracing::warn!(%error, "the base could not be kept");
    }
}

/// Boots, trains, freezes and takes the image, and where the stack pointer stands. Some tens of milliseconds.
///
/// # Errors
/// When the platform's own code fails: a fault of the build.
pub fn make(core: &EngineCore) -> Result<(Vec<u8>, i32), RuntimeError> {
    let data = EngineCore::data()?;
    let data: Vec<(u32, &[u8])> = data.iter().map(|(at, bytes)| (*at, bytes.as_slice())).collect();
    let memory = memory_pre(core, &memory_module(BOOT_PAGES, MAX_WASM_PAGES, &data))?;
    let mut slot = Slot::create(core, &memory).map_err(wrong("be instantiated"))?;
    let stack_pointer = slot.stack_pointer();
    if data.iter().any(|(at, _)| (*at as i32) < stack_pointer) {
        return Err(failed("be frozen", "the stack is not laid first in memory".into()));
    }
    slot.boot().map_err(|message| failed("boot the platform", message))?;
    for (number, path) in TRAINING.iter().cycle().take(TRAINING.len() * ROUNDS).enumerate() {
        let mut values = Vec::new();
        let mut write = Writer::new(&mut values);
        let post = matches!(*path, "/echo" | "/json");
        write.text(if post { "POST" } else { "GET" });
        write.text(&format!("http://train.localhost{path}?q=1"));
        write.text("host\ntrain.localhost\nuser-agent\ntrain/1\naccept\n*/*");
        if post {
            slot.store
                .data_mut()
                .share
                .streams
                .insert(TRAINING_STREAM, HostStream::new(Body::from(r#"{"items":[1,2]}"#)));
            write.int(TRAINING_STREAM).int(15);
        } else {
            write.int(-1).null();
        }
        write.text("__train").null().null();
        slot.event_now(event::DISPATCH, number as i32 + 1, 0, &values)
            .map_err(|message| failed("be trained", message))?;
        slot.drain_training(*path == "/throw").map_err(|message| failed("be trained", message))?;
    }
    slot.event_now(TRAINED, 0, 0, &[]).map_err(|message| failed("be trained", message))?;
    slot.freeze(SLACK).map_err(|message| failed("be frozen", message))?;
    let mut image = slot.memory_bytes().to_vec();
    image[..stack_pointer as usize].fill(0); // no call is active: all of the stack is dead bytes
    if image.len() % PAGE != 0 || slot.stack_pointer() != stack_pointer {
        return Err(failed("be frozen", "the base did not come to rest".into()));
    }
    Ok((image, stack_pointer))
}

/// The event that ends training (ABI.md, Events).
const TRAINED: i32 = 5;

fn memory_pre(core: &EngineCore, module: &[u8]) -> Result<InstancePre<Host>, RuntimeError> {
    let module = Module::new(&core.engine, module).map_err(wrong("map its base"))?;
    core.linker.instantiate_pre(&module).map_err(wrong("map its base"))
}

fn wrong(action: &'static str) -> impl Fn(wasmtime::Error) -> RuntimeError {
    move |error| failed(action, format!("{error:#}"))
}

fn failed(action: &'static str, message: String) -> RuntimeError {
    RuntimeError::Engine { action, message }
}
