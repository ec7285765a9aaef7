//! wasmtime's settings for components, in one place for those who compile and for those who run; and the pool
//! that their instances come from.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::code::Linkers;
use crate::RuntimeError;

/// Native stack of a guest call.
const WASM_STACK: usize = 1 << 20;
/// Largest linear memory, in bytes: what wasm of 32 bits can address is more than any limit allows.
const MAX_MEMORY: usize = 4 << 30;
/// Address space that a memory is given, so that its bounds need no check.
const RESERVATION: u64 = 4 << 30;
/// … and behind it.
const GUARD: u64 = 32 << 20;
/// Elements of one table.
pub const MAX_TABLE: usize = 20_000;
/// Of one component, with all that is composed in it.
const MAX_CORE_INSTANCES: u32 = 64;
pub const MAX_MEMORIES: u32 = 8;
pub const MAX_TABLES: u32 = 16;
/// What the pool could hold of one module.
const PER_MODULE: u32 = 100;
/// Elements that the pool has address space for in a table.
const TABLE_ROOM: usize = 1_000_000;
/// Bytes of wasmtime's own records of one instance.
const MAX_RECORDS: usize = 1 << 20;

/// Bytes at the beginning of a memory, and of a table, that are put back by writing over them: the pages stay, and
/// are no faults for the next instance. Whatever it holds is written over, so that nothing rests on what the kernel
/// says of pages. Small programs have all they write to there; those with a stack first have not.
const MEMORY_STAYS: usize = 16 << 10;
const TABLE_STAYS: usize = 4 << 10;

/// What of the component model code makes use of. Most is of 0.2 alone, and a call without tasks is cheaper by a
/// third, so that there are two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// One call after the other.
    Plain,
    /// Tasks, streams and futures of the component model, and so 0.3.
    Tasks,
}

impl Model {
    pub const ALL: [Self; 2] = [Self::Plain, Self::Tasks];
}

/// What compiled code depends on: the same for compiling and for running it. Without an allocation strategy:
/// who compiles needs no pool.
pub fn component_config(model: Model) -> Config {
    let mut config = Config::new();
    config
        // As for JavaScript: CPU limits and yields stand on epochs.
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(WASM_STACK + (512 << 10))
        .memory_reservation(RESERVATION)
        .memory_guard_size(GUARD)
        .memory_init_cow(true)
        // One component at a time on a core; the process that compiles is bounded as a whole.
        .parallel_compilation(false)
        // A trap's text is for the log; walking the stack for it is the tenant's to cause, and not free.
        .wasm_backtrace_max_frames(None)
        .wasm_component_model(true)
        .wasm_component_model_async(model == Model::Tasks)
        .concurrency_support(model == Model::Tasks)
        // No threads and no shared memory: nothing to build a clock of. No relaxed SIMD: what a guest computes
        // does not depend on the node that it runs on.
        .wasm_relaxed_simd(false)
        .shared_memory(false);
    config
}

/// An engine that runs components. Made when the first one of its kind is loaded: a node without any reserves
/// nothing.
pub struct ComponentEngine {
    pub engine: Engine,
    pub(super) linkers: Linkers,
}

impl ComponentEngine {
    /// `instances`: how many may run at once.
    ///
    /// # Errors
    /// When the system has no such address space.
    pub fn new(model: Model, instances: u32) -> Result<Self, RuntimeError> {
        let wrong = |error: wasmtime::Error| RuntimeError::Engine {
            action: "be set up for components",
            message: format!("{error:#}"),
        };
        let mut pool = PoolingAllocationConfig::default();
        pool.total_component_instances(instances)
            .total_core_instances(instances.saturating_mul(8))
            // Most have one memory; those with more take from what others leave.
            .total_memories(instances.saturating_add(instances / 4).max(PER_MODULE))
            .total_tables(instances.saturating_mul(2).max(PER_MODULE))
            .total_stacks(instances.saturating_mul(2))
            .max_component_instance_size(MAX_RECORDS)
            .max_core_instances_per_component(MAX_CORE_INSTANCES)
            .max_memories_per_component(PER_MODULE)
            // What is over our own limits is refused by `ComponentCode::of`, with its reason.
            .max_memories_per_module(PER_MODULE)
            .max_tables_per_component(PER_MODULE)
            .max_tables_per_module(PER_MODULE)
            .max_memory_size(MAX_MEMORY)
            .table_elements(TABLE_ROOM)
            // As for JavaScript (design §5): wasmtime's own scan between tenants misses pages that are being
            // migrated. What a tenant had is written over, or given back to the system.
            .linear_memory_keep_resident(MEMORY_STAYS)
            .table_keep_resident(TABLE_STAYS)
            // A component finds the mappings of its last instance, however many others ran since.
            .max_unused_warm_slots(instances)
            .pagemap_scan(Enabled::No);
        let mut config = component_config(model);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config).map_err(wrong)?;
        let linkers = Linkers::new(&engine, model).map_err(wrong)?;
        Ok(Self { engine, linkers })
    }
}
