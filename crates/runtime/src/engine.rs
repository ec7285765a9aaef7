//! wasmtime's settings in one place, each with its reason; the engine's code, compiled once; and the
//! imports a guest is given.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::Duration;

use switchyard_js::abi::{IMPORT_MODULE, sync as question};
use wasmtime::{
    Caller, Config, Engine, Extern, InstanceAllocationStrategy, Linker, Module, PoolingAllocationConfig, Store,
};

use crate::artefacts::Artefacts;
use crate::cpu::Cpu;
use crate::host::Host;
use crate::image::{self, Split};
use crate::shipped::{self, Shipped};
use crate::{RuntimeError, crypto, sync};

/// Largest memory of a guest in wasm pages: 128 MiB, as the engine is linked.
pub const MAX_WASM_PAGES: u64 = 2048;
/// Native stack of a guest call, more than five times what scripts may use of the shadow stack: JavaScript's own check stops
/// recursion before its end. Addresses alone, until somebody goes that deep.
const WASM_STACK: usize = 5 << 20;

/// The shared code: compiled once, instantiated over a memory that comes from elsewhere.
pub struct EngineCore {
    pub engine: Engine,
    pub code: Module,
    pub linker: Linker<Host>,
    /// What wasmtime's version, settings and this CPU make of compiled code, for the names of artefacts.
    pub compatibility: u64,
    /// The artefact that it was loaded from, or kept as.
    pub file: Option<String>,
    imports: Vec<(String, String)>,
}

impl EngineCore {
    /// Loads the compiled engine: what an earlier start kept, else what came with the program (in `shipped`, a
    /// folder), else compiled now and kept (about 2 s of CPU, once per engine, wasmtime version, settings and CPU).
    /// What came with the program comes whole, with its base.
    ///
    /// # Errors
    /// When the engine breaks a condition of restoring in place, or does not compile.
    pub fn load(
        artefacts: &Artefacts,
        shipped: Option<&Path>,
        slots: u32,
    ) -> Result<(Self, Option<Shipped>), RuntimeError> {
        Self::load_as(&config(slots), artefacts, shipped)
    }

    /// The same, which counts what guests execute.
    #[cfg(test)]
    pub fn load_counting(
        artefacts: &Artefacts,
        shipped: Option<&Path>,
        slots: u32,
    ) -> Result<(Self, Option<Shipped>), RuntimeError> {
        Self::load_as(config(slots).consume_fuel(true), artefacts, shipped)
    }

    fn load_as(
        config: &Config,
        artefacts: &Artefacts,
        shipped: Option<&Path>,
    ) -> Result<(Self, Option<Shipped>), RuntimeError> {
        let (engine, compatibility) = set_up(config)?;
        let name = format!("engine-{:.16}-{compatibility:016x}.cwasm", switchyard_js::engine_digest());
        if let Some(code) = kept(&engine, artefacts, &name) {
            return Ok((Self::of(engine, code, compatibility)?.kept_as(name), None));
        }
        if let Some(folder) = shipped {
            let shown = folder.display();
            match shipped::load(&engine, folder) {
                Ok(Some(found)) => {
                    tracing::info!(folder = %shown, cpu = %found.cpu, "the engine came with the program");
                    return Ok((Self::of(engine, found.code.clone(), compatibility)?, Some(found)));
                }
                Ok(None) => {}
                Err(reason) => {
                    tracing::warn!(folder = %shown, reason, "the engine that came with the program is not used");
                }
            }
        }
        let code = compile(&engine, &code()?, artefacts, &name)?;
        tracing::info!("the engine was compiled");
        Ok((Self::of(engine, code, compatibility)?.kept_as(name), None))
    }

    fn kept_as(mut self, name: String) -> Self {
        self.file = Some(name);
        self
    }

    /// Compiles for a CPU that this machine is or has more than; the compiled code too.
    ///
    /// # Errors
    /// As [`EngineCore::load`]; or the machine has less.
    pub fn for_cpu(cpu: Cpu) -> Result<(Self, Vec<u8>), RuntimeError> {
        let (engine, compatibility) = for_cpu(cpu)?;
        let code = serialized(&engine, &code()?)?;
        // SAFETY: these bytes were compiled in the line above.
        let module = unsafe { Module::deserialize(&engine, &code) }.map_err(wrong("be run on this machine"))?;
        Ok((Self::of(engine, module, compatibility)?, code))
    }

    fn of(engine: Engine, code: Module, compatibility: u64) -> Result<Self, RuntimeError> {
        let imports = code.imports().map(|import| (import.module().to_owned(), import.name().to_owned())).collect();
        let linker = imports_of(&engine, &code).map_err(wrong("be linked"))?;
        Ok(Self { engine, code, linker, compatibility, file: None, imports })
    }

    /// The engine's own data, for the first boot of a base: addresses and bytes.
    ///
    /// # Errors
    /// As [`image::split`].
    pub fn data() -> Result<Vec<(u32, Vec<u8>)>, RuntimeError> {
        let split = image::split(switchyard_js::ENGINE_WASM);
        split.map(|split| split.data).map_err(|message| RuntimeError::Engine { action: "be split", message })
    }

    /// The values of the code's imports, in its order, with the memory among them.
    pub fn externs(&self, store: &mut Store<Host>, memory: wasmtime::Memory) -> Option<Vec<Extern>> {
        let find = |(module, name): &(String, String)| {
            if module == "env" && name == "memory" {
                Some(memory.into())
            } else {
                self.linker.get(&mut *store, module, name).ok()
            }
        };
        self.imports.iter().map(find).collect()
    }
}

/// The engine's code, without its data.
///
/// # Errors
/// It breaks a condition of restoring in place.
fn code() -> Result<Vec<u8>, RuntimeError> {
    let failed = |action| move |message| RuntimeError::Engine { action, message };
    let Split { code, .. } = image::split(switchyard_js::ENGINE_WASM).map_err(failed("be split"))?;
    // Of this engine once and for all: what is kept under its digest has passed.
    image::check_state_is_memory(&code).map_err(failed("be restored in place"))?;
    Ok(code)
}

/// An engine, and what wasmtime's version, its settings and the CPU make of the code that it compiles.
fn set_up(config: &Config) -> Result<(Engine, u64), RuntimeError> {
    let engine = Engine::new(config).map_err(wrong("be set up"))?;
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Ok((engine, hasher.finish()))
}

/// An engine that compiles for a CPU, with room for what makes a base; and the same of it.
///
/// # Errors
/// It is another architecture's.
pub fn for_cpu(cpu: Cpu) -> Result<(Engine, u64), RuntimeError> {
    let mut config = config(2);
    cpu.set(&mut config).map_err(wrong("be compiled for it"))?;
    set_up(&config)
}

fn wrong(action: &'static str) -> impl Fn(wasmtime::Error) -> RuntimeError {
    move |error| RuntimeError::Engine { action, message: format!("{error:#}") }
}

/// A module that an earlier process compiled, mapped from its file: what is never run takes no memory.
pub fn kept(engine: &Engine, artefacts: &Artefacts, name: &str) -> Option<Module> {
    let (_open, path) = artefacts.find_mappable(name)?;
    // SAFETY: the file was written by `compile` below: it bears the MAC of this node's key under this very name, and
    // wasmtime refuses another version's.
    unsafe { Module::deserialize_file(engine, path) }.ok()
}

/// Compiles a module and keeps it.
///
/// # Errors
/// When it does not compile, or cannot be kept.
pub fn compile(engine: &Engine, code: &[u8], artefacts: &Artefacts, name: &str) -> Result<Module, RuntimeError> {
    let module = Module::new(engine, code).map_err(wrong("be compiled"))?;
    let bytes = module.serialize().map_err(wrong("be compiled"))?;
    artefacts.write(name, &bytes).map_err(|source| RuntimeError::Io { action: "keep the compiled engine", source })?;
    // As every start after this one has it.
    Ok(kept(engine, artefacts, name).unwrap_or(module))
}

/// A module's compiled code, for a file.
///
/// # Errors
/// When it does not compile.
pub fn serialized(engine: &Engine, code: &[u8]) -> Result<Vec<u8>, RuntimeError> {
    engine.precompile_module(code).map_err(wrong("be compiled"))
}

/// The engine with its pool alone: what it reserves of the address space.
///
/// # Errors
/// When the system does not give it.
pub fn reserve(slots: u32) -> Result<Engine, RuntimeError> {
    Engine::new(&config(slots)).map_err(wrong("be set up"))
}

fn config(slots: u32) -> Config {
    let mut config = Config::new();
    config
        // CPU limits and yields stand on epochs (19 % of interpreter speed; fuel would be 25 to 39).
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(WASM_STACK + (512 << 10))
        // The base image is mapped copy on write: one set of pages for all slots.
        .memory_init_cow(true);
    let mut pool = PoolingAllocationConfig::default();
    // A slot is two instances: the memory's module and the engine's code over it.
    pool.total_core_instances(slots * 2)
        .total_memories(slots)
        .total_tables(slots)
        .total_stacks(slots)
        .max_memory_size((MAX_WASM_PAGES as usize) << 16)
        .table_elements(20_000)
        // A dropped slot is decommitted whole. wasmtime's own scan between tenants misses pages that
        // are being migrated: it must stay off, and nothing be kept resident across owners.
        .linear_memory_keep_resident(0)
        .table_keep_resident(0)
        .pagemap_scan(wasmtime::Enabled::No);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// A request used up its CPU time: what a guest call then fails with.
#[derive(Debug, thiserror::Error)]
#[error("Worker exceeded CPU time limit.")]
pub struct CpuExceeded;

/// Nobody waits any more for what a guest computed: what its call then fails with.
#[derive(Debug, thiserror::Error)]
#[error("the client has gone")]
pub struct Abandoned;

/// A guest's look at its meter and at its turn: at each tick of 1 ms, and when the executor wants it.
pub fn on_tick(host: &mut Host) -> wasmtime::Result<wasmtime::UpdateDeadline> {
    if host.looks_at_meter() {
        return Err(wasmtime::Error::new(CpuExceeded));
    }
    if !crate::executor::must_give_up() {
        return Ok(wasmtime::UpdateDeadline::Continue(1));
    }
    host.yielded = true;
    // Others get their turn: the task goes to the end of its tenant's queue.
    Ok(wasmtime::UpdateDeadline::Yield(1))
}

/// A deadline that never comes, for calls that are known to be short.
pub const NO_DEADLINE: u64 = Duration::from_secs(1 << 30).as_secs();

fn imports_of(engine: &Engine, code: &Module) -> wasmtime::Result<Linker<Host>> {
    let mut linker: Linker<Host> = Linker::new(engine);
    linker.func_wrap(
        IMPORT_MODULE,
        "op",
        |mut caller: Caller<'_, Host>, kind: i32, id: i32, ptr: i32, len: i32| -> wasmtime::Result<i32> {
            let memory = memory_of(&caller)?.data_size(&caller);
            let (bytes, host) =
                message(&mut caller, ptr, len).ok_or_else(|| wasmtime::Error::msg("an operation is out of bounds"))?;
            host.accept(kind, id, bytes, memory).map_err(wasmtime::Error::new)
        },
    )?;
    linker.func_wrap(IMPORT_MODULE, "sync", |mut caller: Caller<'_, Host>, kind: i32, ptr: i32, len: i32| -> i32 {
        let memory = caller.data().memory.map_or(0, |memory| memory.data_size(&caller));
        let Some((bytes, host)) = message(&mut caller, ptr, len) else { return question::NO_ANSWER };
        if sync::answer(host, kind, bytes, memory) { host.answer.len() as i32 } else { question::NO_ANSWER }
    })?;
    linker.func_wrap(
        IMPORT_MODULE,
        "crypto",
        |mut caller: Caller<'_, Host>, what: i32, ptr: i32, len: i32, out: i32, room: i32| -> wasmtime::Result<i32> {
            let (memory, host) = memory_of(&caller)?.data_and_store_mut(&mut caller);
            crypto::call(host, memory, what, (ptr as u32, len as u32), (out as u32, room as u32))
                .ok_or_else(|| wasmtime::Error::msg("a crypto call is out of bounds"))
        },
    )?;
    linker.func_wrap(IMPORT_MODULE, "take", |mut caller: Caller<'_, Host>, ptr: i32| -> wasmtime::Result<()> {
        let memory = memory_of(&caller)?;
        let (bytes, host) = memory.data_and_store_mut(&mut caller);
        let from = ptr as u32 as usize;
        let target = from.checked_add(host.answer.len()).and_then(|to| bytes.get_mut(from..to));
        target.ok_or_else(|| wasmtime::Error::msg("an answer was taken out of bounds"))?.copy_from_slice(&host.answer);
        host.answer_taken();
        Ok(())
    })?;
    linker.func_wrap(IMPORT_MODULE, "turn", |mut caller: Caller<'_, Host>, request: i32| -> i32 {
        i32::from(!caller.data_mut().turn(request))
    })?;
    linker.func_wrap(IMPORT_MODULE, "now", |caller: Caller<'_, Host>| caller.data().now())?;
    wasi(&mut linker)?;
    // Anything else libc may mention is never reached; if it is, that instance ends.
    linker.define_unknown_imports_as_traps(code)?;
    Ok(linker)
}

/// The handful of WASI calls that libc makes: the clock, and the engine's last words before an abort.
fn wasi(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    const WASI: &str = "wasi_snapshot_preview1";
    const BAD_DESCRIPTOR: i32 = 8;
    const OK: i32 = 0;
    linker.func_wrap(WASI, "fd_close", |_: i32| BAD_DESCRIPTOR)?;
    linker.func_wrap(WASI, "fd_fdstat_get", |_: i32, _: i32| BAD_DESCRIPTOR)?;
    linker.func_wrap(WASI, "fd_seek", |_: i32, _: i64, _: i32, _: i32| BAD_DESCRIPTOR)?;
    linker.func_wrap(
        WASI,
        "fd_write",
        |mut caller: Caller<'_, Host>, _: i32, vectors: i32, count: i32, written: i32| -> wasmtime::Result<i32> {
            let memory = memory_of(&caller)?;
            let (bytes, host) = memory.data_and_store_mut(&mut caller);
            let word =
                |bytes: &[u8], at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
            let mut total = 0;
            for vector in 0..(count as u32 as usize).min(16) {
                let at = vectors as u32 as usize + vector * 8;
                let (Some(from), Some(len)) = (word(bytes, at), word(bytes, at + 4)) else { return Ok(BAD_DESCRIPTOR) };
                let Some(text) = from.checked_add(len).and_then(|to| bytes.get(from..to)) else {
                    return Ok(BAD_DESCRIPTOR);
                };
                if host.stderr.len() < 4096 {
                    host.stderr.push_str(&String::from_utf8_lossy(&text[..text.len().min(1024)]));
                }
                total += len as u32;
            }
            let at = written as u32 as usize;
            if let Some(slot) = bytes.get_mut(at..at + 4) {
                slot.copy_from_slice(&total.to_le_bytes());
            }
            Ok(OK)
        },
    )?;
    linker.func_wrap(
        WASI,
        "clock_time_get",
        |mut caller: Caller<'_, Host>, _: i32, _: i64, at: i32| -> wasmtime::Result<i32> {
            let nanos = (caller.data().now() * 1e6) as u64;
            let memory = memory_of(&caller)?;
            memory.write(&mut caller, at as u32 as usize, &nanos.to_le_bytes())?;
            Ok(OK)
        },
    )?;
    Ok(())
}

fn memory_of(caller: &Caller<'_, Host>) -> wasmtime::Result<wasmtime::Memory> {
    caller.data().memory.ok_or_else(|| wasmtime::Error::msg("the guest has no memory yet"))
}

/// A message in guest memory, and the host beside it; `None` when it is out of bounds.
fn message<'a>(caller: &'a mut Caller<'_, Host>, ptr: i32, len: i32) -> Option<(&'a [u8], &'a mut Host)> {
    let memory = caller.data().memory?;
    let (bytes, host) = memory.data_and_store_mut(caller);
    let (from, len) = (ptr as u32 as usize, len as u32 as usize);
    Some((bytes.get(from..from.checked_add(len)?)?, host))
}
