//! Workers from their sealed files, and into them. A small file that the kernel has at hand is opened by the thread
//! that asks for it: handing it to another and being told costs more than the file.

use std::io::ErrorKind;
use std::sync::Arc;

use switchyard_catalog::{AccountId, NamespaceName, ScriptId, ScriptName, VersionId, WorkerBinding};

use super::{Inner, Runtime, WorkerSource, components::component_of};
use crate::RuntimeError;
use crate::component::{ComponentCode, ComponentWorker};
use crate::held::Held;
use crate::sealed::{Head, Sealed};
use crate::warm::{FirstRequests, Pool};
use crate::worker::{About, Code, Cost, Script, Worker, env_values};

/// Bytes of a file that is opened where it is asked for: some 50 µs of reading, verifying and copying.
const AT_HAND: usize = 64 << 10;

impl Runtime {
    pub(super) async fn load(
        &self,
        version: VersionId,
        source: &dyn WorkerSource,
    ) -> Result<Arc<Worker>, RuntimeError> {
        if let Some(rebuilt) = self.being_rebuilt(version).await {
            return rebuilt;
        }
        let mut opened = self.inner.open_at_hand(version);
        if opened.is_none() {
            let inner = Arc::clone(&self.inner);
            opened = self.inner.tokio.spawn_blocking(move || inner.open(version)).await.ok();
        }
        if let Some(Some(worker)) = opened {
            self.inner.counts.opened();
            return Ok(worker);
        }
        let spec = source.worker_spec(version).await;
        let spec = spec.map_err(|message| RuntimeError::Engine { action: "find the script's source", message })?;
        if component_of(&spec).is_some() {
            return self.rebuilt(spec).await;
        }
        let (worker, _) = self.publish(&spec).await?;
        Ok(worker)
    }
}

impl Inner {
    /// Has the cache let go of what it has too much, now: by itself it does so when it is asked again, and those who
    /// remember their Worker ask it seldom.
    pub(super) async fn keep_to_bound(&self) {
        self.workers.run_pending_tasks().await;
    }

    /// `None`: it is not at hand, or is a component, whose code has to be read whole; ask [`Inner::open`].
    fn open_at_hand(self: &Arc<Self>, version: VersionId) -> Option<Option<Arc<Worker>>> {
        let bytes = match self.artefacts.read_at_hand(&Sealed::file_name(version), AT_HAND) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Some(None),
            Err(_) => return None,
        };
        let sealed = bytes.and_then(|bytes| Sealed::from_bytes(&bytes, &self.sealer, version, &self.base.digest));
        match sealed {
            Some(sealed) if sealed.head.component.is_some() => None,
            sealed => Some(sealed.and_then(|sealed| self.worker_of(version, &sealed))),
        }
    }

    /// Waits for the disk.
    fn open(self: Arc<Self>, version: VersionId) -> Option<Arc<Worker>> {
        let bytes = self.artefacts.read(&Sealed::file_name(version))?;
        let sealed = Sealed::from_bytes(&bytes, &self.sealer, version, &self.base.digest)?;
        if sealed.head.component.is_some() {
            return self.open_component(version, &sealed);
        }
        self.worker_of(version, &sealed)
    }

    /// Whether it could be written. Waits for the disk.
    pub(super) fn keep(&self, version: VersionId, sealed: &Sealed) -> bool {
        let bytes = sealed.to_bytes(&self.sealer, version);
        bytes.is_some_and(|bytes| self.artefacts.write(&Sealed::file_name(version), &bytes).is_ok())
    }

    pub(super) fn worker_of(self: &Arc<Self>, version: VersionId, sealed: &Sealed) -> Option<Arc<Worker>> {
        let about = self.about_of(version, &sealed.head)?;
        let code = Code::JavaScript(Arc::new(Script {
            delta: Arc::clone(&sealed.delta),
            modules: Arc::clone(&sealed.modules),
            env: env_values(&sealed.bindings),
            pool: Pool::new(version, self.warm_bounds, &self.warm),
            first_requests: FirstRequests::new(self.auto_warm_cpu),
            cost: Cost::default(),
        }));
        Some(self.assemble(about, &sealed.bindings, code))
    }

    /// Who a sealed Worker is.
    pub(super) fn about_of(&self, version: VersionId, head: &Head) -> Option<About> {
        let namespace = match &head.namespace {
            Some(name) => Some(NamespaceName::parse(name).ok()?),
            None => None,
        };
        Some(About {
            account: AccountId::parse(&head.account)?,
            namespace,
            script: ScriptId::parse(&head.script)?,
            script_name: ScriptName::parse(&head.script_name).ok()?,
            version,
            limits: head.limits,
            isolation: head.isolation,
        })
    }

    /// A Worker that is a component.
    pub fn component_worker(
        self: &Arc<Self>,
        about: About,
        bindings: &[(String, WorkerBinding)],
        code: ComponentCode,
    ) -> Arc<Worker> {
        self.assemble(
            about,
            bindings,
            Code::Component(Arc::new(ComponentWorker::new(code, bindings, self.component_weight))),
        )
    }

    fn assemble(self: &Arc<Self>, about: About, bindings: &[(String, WorkerBinding)], code: Code) -> Arc<Worker> {
        let held = Held::below(&self.held, self.held_per_script);
        let user_worker = about.namespace.is_some().then_some(about.script);
        let usage = self.usages.add(user_worker, &held, &self.budget);
        let bindings = bindings.iter().map(|(_, binding)| binding.clone()).collect();
        Arc::new(Worker { runtime: Arc::downgrade(self), about, code, bindings, usage, held })
    }
}
