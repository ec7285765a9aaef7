//! The runtime: engine, base, slots, threads, and the cache of Workers, built once a process.

pub mod components;
mod opening;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;
use parking_lot::Mutex;
use switchyard_catalog::{InvalidScript, ScriptId, Started, Validator, VersionId, WorkerSpec};
use tokio::sync::Semaphore;

use crate::RuntimeError;
use crate::artefacts::Artefacts;
use crate::base::Base;
use crate::compile::{Compiler, artefact};
use crate::component::idle::{self, WarmComponents};
use crate::component::{ComponentEngine, Model};
use crate::config::Config;
use crate::counts::{Counts, RuntimeCounts};
use crate::delta::Delta;
use crate::engine::EngineCore;
use crate::executor::Executor;
use crate::held::Held;
use crate::memory::{Budget, Usages};
use crate::meter::CpuMeter;
use crate::publish::publish;
use crate::sealed::{Sealed, Sealer};
use crate::slot::Slot;
use crate::slots::{QueueLimits, Slots};
use crate::warm::Bounds;
use crate::warm::idle::IdleInstances;
use crate::worker::{Remembered, Worker};

use self::components::{Rebuilds, component_of};

/// Publishes that are evaluated at once.
const PUBLISHING: usize = 4;
/// Warm instances that are no more, but still have to end.
const LEAVING: usize = 32;
/// Long host work (Web Crypto's) at once.
const BACKGROUND: usize = 2;

/// Where a version's source is got when this node has no sealed file of it.
#[async_trait]
pub trait WorkerSource: Send + Sync {
    /// # Errors
    /// A text for the log: the version is gone, or the database does not answer.
    async fn worker_spec(&self, version: VersionId) -> Result<WorkerSpec, String>;
}

/// See the module's paragraph. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub core: EngineCore,
    pub base: Base,
    pub executor: Executor,
    pub slots: Slots,
    pub warm: Arc<IdleInstances>,
    /// Instances of components that rest.
    pub warm_components: Arc<WarmComponents>,
    warm_bounds: Bounds,
    auto_warm_cpu: Duration,
    pub tokio: tokio::runtime::Handle,
    pub publishing: Arc<Semaphore>,
    pub background: Arc<Semaphore>,
    pub wait_until: Duration,
    artefacts: Artefacts,
    sealer: Sealer,
    compiler: Compiler,
    rebuilds: Rebuilds,
    workers: Cache<VersionId, Arc<Worker>>,
    live: Arc<AtomicUsize>,
    most_live: usize,
    idle_meter: Arc<CpuMeter>,
    /// What is held for guests on this node.
    pub held: Arc<Held>,
    held_per_script: usize,
    /// What guests take, and may take.
    pub budget: Arc<Budget>,
    usages: Usages,
    pub counts: Counts,
    /// By model, each made for its first component; it runs at most so many at once.
    components: Mutex<[Option<Arc<ComponentEngine>>; 2]>,
    most_components: u32,
    /// What one that is loaded counts in the cache.
    component_weight: usize,
    #[cfg(test)]
    pub proof: crate::restore_proof::Proof,
    /// Of each request that ended well, where it is counted.
    #[cfg(test)]
    pub fuel: Mutex<Vec<u64>>,
}

/// What the runtime holds now.
#[derive(Debug, Clone, Copy, Default)]
pub struct RuntimeStats {
    pub instances_running: usize,
    /// Requests that wait for an instance.
    pub requests_waiting: usize,
    pub slots_idle: usize,
    pub warm_idle: usize,
    pub slots_live: usize,
    pub workers_cached: u64,
    pub worker_bytes: u64,
    /// Memory of idle warm instances.
    pub warm_bytes: usize,
    /// What guests take now, estimated at 256 KiB an instance besides what it grew by; `held_bytes` too.
    pub guest_bytes: usize,
    /// On the host for guests.
    pub held_bytes: usize,
    /// Times that guests found the node without room for more.
    pub growth_refused: u64,
    /// Scripts that are being evaluated.
    pub publishing: usize,
    /// Components that are being compiled, and that wait for it.
    pub compiling: usize,
    pub compile_queue: usize,
    pub counts: RuntimeCounts,
}

/// What [`Runtime::evict`] let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evicted {
    /// `warm`, `slot` or `worker`.
    pub what: &'static str,
    pub many: usize,
}

impl Runtime {
    /// Loads or compiles the engine (about 2 s of CPU the first time, where none came with the program), makes the base, starts the
    /// guest threads. Blocks; `key` is the node's, for artefacts.
    ///
    /// # Errors
    /// When the engine or the artefact folder is not usable.
    pub fn new(config: Config, key: [u8; 32], tokio: tokio::runtime::Handle) -> Result<Self, RuntimeError> {
        let io = |action| move |source| RuntimeError::Io { action, source };
        let artefacts = Artefacts::open(&config.artefacts, &key).map_err(io("make the artefact folder"))?;
        let most_live = config.max_instances.max(2) as usize + config.warm_instances as usize + PUBLISHING + LEAVING;
        #[cfg(not(test))]
        let load = EngineCore::load;
        #[cfg(test)]
        let load = if config.counts_fuel { EngineCore::load_counting } else { EngineCore::load };
        let (core, shipped) = load(&artefacts, config.shipped.as_deref(), most_live as u32 + 1)?;
        let base = Base::load(&core, &artefacts, shipped)?;
        let in_use: Vec<String> = core.file.iter().chain(&base.files).cloned().collect();
        let removed = artefacts.retire(&in_use);
        tracing::debug!(removed, "compiled engines and bases of other builds");
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = if config.guest_threads == 0 { cores } else { config.guest_threads };
        let executor = Executor::start(threads, &core.engine, &tokio).map_err(io("start the guest threads"))?;
        let limits = QueueLimits {
            max_instances: config.max_instances,
            instances_per_tenant: config.instances_per_tenant,
            per_tenant: config.queue_per_tenant,
            total: config.queue_total,
            timeout: config.queue_timeout,
        };
        let workers = Cache::builder()
            .weigher(|_, worker: &Arc<Worker>| u32::try_from(worker.size()).unwrap_or(u32::MAX))
            .max_capacity(config.worker_cache_bytes)
            .build();
        let budget: Arc<Budget> = Arc::default();
        let inner = Inner {
            core,
            base,
            executor,
            tokio,
            artefacts,
            workers,
            most_live,
            slots: Slots::new(limits),
            warm: Arc::new(IdleInstances::new(config.warm_instances, config.warm_bytes, config.warm_idle)),
            warm_components: Arc::new(WarmComponents::new(idle::Bounds {
                most: config.warm_instances as usize,
                bytes: config.warm_bytes,
                idle: config.warm_idle,
                requests: config.warm_requests.max(1),
                age: config.warm_age,
            })),
            warm_bounds: Bounds {
                at_once: config.warm_requests_at_once.max(1) as usize,
                requests: config.warm_requests.max(1),
                age: config.warm_age,
                threads,
            },
            auto_warm_cpu: config.auto_warm_cpu,
            publishing: Arc::new(Semaphore::new(PUBLISHING)),
            background: Arc::new(Semaphore::new(BACKGROUND)),
            wait_until: config.wait_until,
            sealer: Sealer::new(&key),
            compiler: Compiler::new(config.compile),
            rebuilds: Rebuilds::default(),
            live: Arc::default(),
            idle_meter: Arc::new(CpuMeter::new(Duration::MAX)),
            held: Held::within(&budget, config.held_bytes),
            held_per_script: config.held_bytes_per_script,
            budget,
            usages: Usages::default(),
            counts: Counts::default(),
            components: Mutex::default(),
            component_weight: usize::try_from(config.worker_cache_bytes).unwrap_or(usize::MAX)
                / components::most_loaded(),
            most_components: config.max_instances.max(2) + config.warm_instances,
            #[cfg(test)]
            proof: Default::default(),
            #[cfg(test)]
            fuel: Mutex::default(),
        };
        let inner = Arc::new(inner);
        inner.expire_warm();
        Ok(Self { inner })
    }

    /// The Worker of a version: from memory, else from its sealed file, else from source. Callers that
    /// miss at the same time wait for one load.
    ///
    /// # Errors
    /// When it is in none of them, or does not start any more.
    pub async fn worker(
        &self,
        version: VersionId,
        source: &dyn WorkerSource,
    ) -> Result<Arc<Worker>, Arc<RuntimeError>> {
        match self.inner.workers.get(&version).await {
            Some(worker) => {
                self.inner.counts.hit();
                Ok(worker)
            }
            None => {
                let loaded = self.inner.workers.try_get_with(version, self.load(version, source)).await;
                self.inner.keep_to_bound().await;
                loaded
            }
        }
    }

    /// The Worker of a version, where it is in memory. `remembered`: of those who call this one, mostly.
    pub async fn loaded(&self, version: VersionId, remembered: &Remembered) -> Option<Arc<Worker>> {
        let worker = match remembered.get(version) {
            Some(worker) => worker,
            None => {
                let worker = self.inner.workers.get(&version).await?;
                remembered.set(version, &worker);
                worker
            }
        };
        self.inner.counts.hit();
        Some(worker)
    }

    /// Evaluates and seals a Worker.
    async fn publish(&self, spec: &WorkerSpec) -> Result<(Arc<Worker>, Started), InvalidScript> {
        if let Some(source) = component_of(spec) {
            return self.publish_component(spec, source).await;
        }
        let began = std::time::Instant::now();
        let published = publish(&self.inner, spec).await;
        self.inner.counts.evaluated(published.is_ok(), began.elapsed());
        let (sealed, started) = published?;
        let sealed = Arc::new(sealed);
        let (inner, version, kept) = (Arc::clone(&self.inner), spec.version, Arc::clone(&sealed));
        // A file that cannot be written only costs the next start an evaluation.
        let written = self.inner.tokio.spawn_blocking(move || inner.keep(version, &kept)).await;
        if !matches!(written, Ok(true)) {
            tracing::warn!(%version, "a sealed Worker could not be kept");
        }
        let worker = self.inner.worker_of(version, &sealed);
        let worker = worker.ok_or_else(|| InvalidScript::Unavailable("the sealed Worker is not readable".into()))?;
        Ok((worker, started))
    }

    /// Removes sealed files of versions that are not kept any more and are older than `min_age`;
    /// returns how many. Reads a folder of the whole node: for a background task, now and then.
    pub async fn sweep(&self, kept: std::collections::HashSet<VersionId>, min_age: Duration) -> u64 {
        let inner = Arc::clone(&self.inner);
        let swept = self.inner.tokio.spawn_blocking(move || {
            let mut removed = 0;
            for (name, age) in inner.artefacts.list(Sealed::FOLDER) {
                let own = name.rsplit('/').next().unwrap_or_default();
                let version = match artefact::of_link(own) {
                    // What was compiled for another engine is nobody's use here.
                    Some((version, fingerprint)) => inner.compiler.is_for(fingerprint).then_some(version),
                    None => own.strip_suffix(".sealed").and_then(VersionId::parse),
                };
                // What is no version's is left from a write that was cut off.
                if age >= min_age && !version.is_some_and(|version| kept.contains(&version)) {
                    inner.artefacts.remove(&name);
                    removed += 1;
                }
            }
            removed + inner.sweep_components(min_age)
        });
        swept.await.unwrap_or(0)
    }

    /// How many more bytes guests may take together, from now on; `None`: there is no bound.
    pub fn set_memory_headroom(&self, more: Option<usize>) {
        self.inner.budget.set_headroom(more);
    }

    /// User Workers whose instances and buffers take memory, with how many bytes, the most first. Looks at
    /// every loaded Worker: not for the way of a request.
    pub fn heaviest(&self) -> Vec<(ScriptId, usize)> {
        self.inner.usages.heaviest()
    }

    /// Lets go of memory that only makes things faster, the dearest to replace last: idle warm instances,
    /// a quarter at a time; then idle slots; then, where it is `deep`, Workers that are read from their files
    /// again. Returns what it let go of; with nothing left, `None`.
    pub fn evict(&self, deep: bool) -> Option<Evicted> {
        let inner = &self.inner;
        let warm = inner.warm.shed() + inner.warm_components.shed();
        if warm > 0 {
            return Some(Evicted { what: "warm", many: warm });
        }
        if !deep {
            return None;
        }
        let slots = inner.slots.shed();
        let workers = inner.workers.entry_count() as usize;
        if workers > 0 {
            inner.workers.invalidate_all();
            let cache = inner.workers.clone();
            inner.tokio.spawn(async move { cache.run_pending_tasks().await });
            return Some(Evicted { what: "worker", many: workers });
        }
        (slots > 0).then_some(Evicted { what: "slot", many: slots })
    }

    pub fn stats(&self) -> RuntimeStats {
        RuntimeStats {
            instances_running: self.inner.slots.running(),
            requests_waiting: self.inner.slots.waiting(),
            slots_idle: self.inner.slots.idle(),
            warm_idle: self.inner.warm.len() + self.inner.warm_components.len(),
            slots_live: self.inner.live.load(Ordering::Relaxed),
            workers_cached: self.inner.workers.entry_count(),
            worker_bytes: self.inner.workers.weighted_size(),
            warm_bytes: self.inner.warm.bytes() + self.inner.warm_components.bytes(),
            guest_bytes: self.inner.budget.used(),
            held_bytes: self.inner.held.used(),
            growth_refused: self.inner.budget.refused(),
            publishing: PUBLISHING - self.inner.publishing.available_permits(),
            compiling: self.inner.compiler.counts().0,
            compile_queue: self.inner.compiler.counts().1,
            counts: self.inner.counts.read(),
        }
    }
}

#[async_trait]
impl Validator for Runtime {
    async fn validate(&self, spec: &WorkerSpec) -> Result<Started, InvalidScript> {
        let (worker, started) = self.publish(spec).await?;
        self.inner.workers.insert(spec.version, worker).await;
        self.inner.keep_to_bound().await;
        Ok(started)
    }

    async fn forget(&self, versions: &[VersionId]) {
        for version in versions {
            if let Some(worker) = self.inner.workers.remove(version).await {
                worker.close();
            }
            self.inner.warm.forget(*version);
            self.inner.warm_components.forget(*version);
            self.inner.artefacts.remove(&Sealed::file_name(*version));
            for fingerprint in self.inner.compiler.known_fingerprints() {
                self.inner.artefacts.remove(&artefact::link_name(*version, fingerprint));
            }
        }
    }
}

impl Inner {
    pub fn base_pages(&self) -> u64 {
        (self.base.image.len() >> 16) as u64
    }

    /// Ends warm instances that nobody uses, for as long as the runtime lives.
    fn expire_warm(self: &Arc<Self>) {
        let (warm, components) = (Arc::downgrade(&self.warm), Arc::downgrade(&self.warm_components));
        let every = (self.warm.most_idle / 4).clamp(Duration::from_millis(50), Duration::from_secs(30));
        self.tokio.spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let (Some(warm), Some(components)) = (warm.upgrade(), components.upgrade()) else { return };
                warm.expire();
                components.expire();
            }
        });
    }

    /// The engine of components, made now if there is none.
    ///
    /// # Errors
    /// When the system has no address space for its pool.
    pub fn components(&self, model: Model) -> Result<Arc<ComponentEngine>, RuntimeError> {
        let mut components = self.components.lock();
        if let Some(engine) = &components[model as usize] {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new(ComponentEngine::new(model, self.most_components)?);
        self.executor.tick_too(&engine.engine);
        components[model as usize] = Some(Arc::clone(&engine));
        Ok(engine)
    }

    pub fn idle_meter(&self) -> Arc<CpuMeter> {
        Arc::clone(&self.idle_meter)
    }

    /// A slot that holds this script and nothing else.
    ///
    /// # Errors
    /// A text for the log.
    pub fn clean_slot(&self, script: &Arc<Delta>) -> Result<Box<Slot>, String> {
        let mut slot = match self.slots.take_idle() {
            Some(slot) => {
                self.counts.reused();
                slot
            }
            None => self.new_slot()?,
        };
        if let Err(message) = slot.hold(&self.base, script) {
            // A doubt: this slot goes, a new one takes its place.
            tracing::error!(message, "a slot could not be made ready and is dropped");
            drop(slot);
            slot = self.new_slot()?;
            slot.hold(&self.base, script)?;
        }
        #[cfg(test)]
        self.proof.check(&mut slot, &self.base);
        slot.watch();
        Ok(slot)
    }

    fn new_slot(&self) -> Result<Box<Slot>, String> {
        // Idle slots make room for a new one when the pool is full of them.
        if self.live.load(Ordering::Relaxed) >= self.most_live {
            drop(self.slots.take_idle());
        }
        let slot = Slot::create(&self.core, &self.base.memory).map_err(|error| format!("{error:#}"))?;
        let mut slot = Box::new(slot);
        slot.count_in(&self.live);
        self.counts.made();
        Ok(slot)
    }

    /// After a request that ended well.
    pub fn release(&self, mut slot: Box<Slot>) {
        #[cfg(test)]
        self.proof.see_written(&slot, &self.base);
        #[cfg(test)]
        self.fuel.lock().extend(slot.fuel_taken());
        if slot.release(&self.base) {
            self.slots.give_back(slot);
        }
    }
}
