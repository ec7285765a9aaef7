//! Components in the runtime: published by way of a compiler's process, opened from their artefacts, and made anew in
//! the background where an artefact is not there, is not ours, or is for another engine.

use std::collections::{HashMap, HashSet};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use switchyard_catalog::{
    AccountId, BlobDigest, InvalidScript, ModuleKind, NamespaceName, ScriptName, Started, VersionId, WorkerSpec,
};
use tokio::sync::watch;
use wasmtime::component::Component;

use super::{Inner, Runtime, WorkerSource};
use crate::RuntimeError;
use crate::artefacts::Found;
use crate::compile::queue::Standing;
use crate::compile::{CompileNews, Who, artefact, check};
use crate::component::{ComponentCode, Model};
use crate::sealed::{Head, Sealed};
use crate::worker::Worker;

/// How long a source that does not compile any more is not tried again.
const REFUSED_FOR: Duration = Duration::from_secs(30);

/// Until one that is being made, or has no place in the queue, is looked at again.
const NOT_YET: Duration = Duration::from_millis(250);

/// Mappings and descriptors of one that is loaded.
const MAPPINGS: usize = 6;
/// Parts of what the system gives of them.
const OF_MAPPINGS: usize = 2;
const OF_DESCRIPTORS: usize = 8;

/// How many components may be loaded at once: each maps its file, which stays open. The others are opened when they
/// are called.
pub fn most_loaded() -> usize {
    let count = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok());
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills one rlimit, which is ours.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0;
    let descriptors = if known { usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX) } else { 1_024 };
    let by_mappings = count.unwrap_or(65_530_usize) / OF_MAPPINGS / MAPPINGS;
    by_mappings.min(descriptors / OF_DESCRIPTORS).max(16)
}

/// Whether the system had no room, which is nothing about the file.
fn is_of_the_system(error: &wasmtime::Error) -> bool {
    format!("{error:#}").contains("(os error ")
}

/// How a rebuild ended; `None` while it goes on.
type Rebuilt = Option<Result<Arc<Worker>, InvalidScript>>;

/// Compilations that no upload waits for, by version.
#[derive(Default)]
pub struct Rebuilds(Mutex<HashMap<VersionId, watch::Receiver<Rebuilt>>>);

/// What became of an artefact that was to be opened.
enum Opened {
    Code(ComponentCode),
    /// It is to be made.
    Nothing,
    /// It is whole, and the engine does not take it: made for another one, or of what no instance has room for.
    NotTaken(String),
    /// It was made, and no Worker can be made of it; told to who uploads it.
    Misfit(String),
}

/// The source of what is a component.
pub fn component_of(spec: &WorkerSpec) -> Option<&Bytes> {
    let entry = spec.code.modules.iter().find(|module| module.name == spec.code.entry)?;
    (entry.kind == ModuleKind::Wasm).then_some(&entry.content)
}

impl Runtime {
    /// How far the compilation of a script's upload is; `None`: it does not wait and is not compiled now.
    pub fn compile_standing(
        &self,
        account: &AccountId,
        namespace: Option<&NamespaceName>,
        script: &ScriptName,
    ) -> Option<Standing> {
        let (account, namespace, script) = (account.clone(), namespace.cloned(), script.clone());
        self.inner.compiler.standing(&Who { account, namespace, script })
    }

    /// Who is told how compilations go, from now on. Set once; it must not wait.
    pub fn tell_compilations(&self, listener: impl Fn(&Who, &CompileNews) + Send + Sync + 'static) {
        self.inner.compiler.tell(Box::new(listener));
    }

    /// Checks, compiles and seals a component. Dropped, its compiler ends.
    pub(super) async fn publish_component(
        &self,
        spec: &WorkerSpec,
        source: &Bytes,
    ) -> Result<(Arc<Worker>, Started), InvalidScript> {
        let (inner, checked) = (Arc::clone(&self.inner), source.clone());
        let looked = self.on_disk(move || -> Result<_, InvalidScript> {
            let model = check::check(&checked).map_err(|error| InvalidScript::Refused(error.0))?.model;
            Ok((BlobDigest::of(&checked), model, inner.compiler.fingerprint(model)?.to_owned()))
        });
        let (digest, model, fingerprint) = looked.await??;
        let name = artefact::file_name(spec.script, &digest, &fingerprint);
        let mut code = self.opened(&name, model).await?;
        if let Opened::NotTaken(_) = code {
            self.inner.counts.artefact_refused();
        }
        if matches!(code, Opened::Nothing | Opened::NotTaken(_)) {
            let began = Instant::now();
            let compiled = self.compile(spec, source, model, &name).await;
            self.inner.counts.compiled(&compiled, began.elapsed());
            compiled?;
            code = self.opened(&name, model).await?;
        }
        let code = match code {
            Opened::Code(code) => code,
            Opened::Misfit(message) => return Err(InvalidScript::Refused(message)),
            Opened::NotTaken(message) => {
                return Err(InvalidScript::Refused(format!("the component cannot run here: {message}")));
            }
            Opened::Nothing => return Err(InvalidScript::Unavailable("an artefact was gone at once".into())),
        };
        let sealed = self.seal_component(spec, &digest, name, fingerprint).await?;
        let about = self.inner.about_of(spec.version, &sealed.head);
        let about = about.ok_or_else(|| InvalidScript::Unavailable("the sealed Worker is not readable".into()))?;
        let began = Instant::now();
        let worker = self.inner.component_worker(about, &sealed.bindings, code);
        let startup_time_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX).max(1);
        let started = Started { handlers: vec!["fetch".into()], named_handlers: Vec::new(), startup_time_ms };
        Ok((worker, started))
    }

    async fn compile(&self, spec: &WorkerSpec, source: &Bytes, model: Model, name: &str) -> Result<(), InvalidScript> {
        let io = |error: std::io::Error| InvalidScript::Unavailable(format!("an artefact could not be kept: {error}"));
        let who = Who {
            account: spec.account.clone(),
            namespace: spec.namespace.as_ref().map(|(_, name)| name.clone()),
            script: spec.script_name.clone(),
        };
        let (inner, begun) = (Arc::clone(&self.inner), name.to_owned());
        let draft = self.on_disk(move || inner.artefacts.begin(&begun)).await?.map_err(io)?;
        let output = draft.file().map_err(io)?;
        self.inner.compiler.compile(&who, source.clone(), model, output).await?;
        let inner = Arc::clone(&self.inner);
        self.on_disk(move || inner.artefacts.finish(draft)).await?.map_err(io)
    }

    /// Keeps the version's file, and its link to the artefact.
    async fn seal_component(
        &self,
        spec: &WorkerSpec,
        digest: &BlobDigest,
        name: String,
        fingerprint: String,
    ) -> Result<Arc<Sealed>, InvalidScript> {
        let bindings = spec.bindings.iter().map(|(name, bound)| (name.to_string(), bound.clone())).collect();
        let sealed = Sealed {
            head: Head { component: Some(digest.hex()), ..Head::of(spec) },
            bindings,
            delta: Arc::default(),
            modules: Default::default(),
        };
        let (inner, version, sealed) = (Arc::clone(&self.inner), spec.version, Arc::new(sealed));
        let kept = Arc::clone(&sealed);
        let written = self.on_disk(move || {
            let link = artefact::link_name(version, &fingerprint);
            inner.artefacts.link(&name, &link).is_ok() && inner.keep(version, &kept)
        });
        if !written.await? {
            // It only costs a compilation, when the artefact is swept or the node starts again.
            tracing::warn!(%version, "a sealed component could not be kept");
        }
        Ok(sealed)
    }

    async fn opened(&self, name: &str, model: Model) -> Result<Opened, InvalidScript> {
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        self.on_disk(move || inner.open_code(&name, model)).await?
    }

    /// The Worker of a version whose artefact is to be made: waits some time for who makes it, in the background.
    pub(super) async fn rebuilt(&self, spec: WorkerSpec) -> Result<Arc<Worker>, RuntimeError> {
        let version = spec.version;
        let done = {
            let mut rebuilds = self.inner.rebuilds.0.lock();
            match rebuilds.get(&version) {
                Some(done) => done.clone(),
                None => {
                    let (tell, done) = watch::channel(None);
                    rebuilds.insert(version, done.clone());
                    self.inner.tokio.spawn(self.clone().rebuild(spec, tell));
                    done
                }
            }
        };
        self.wait_for(done).await
    }

    /// As [`Runtime::rebuilt`], where it is being made already; `None`: it is not.
    pub(super) async fn being_rebuilt(&self, version: VersionId) -> Option<Result<Arc<Worker>, RuntimeError>> {
        let done = self.inner.rebuilds.0.lock().get(&version)?.clone();
        Some(self.wait_for(done).await)
    }

    async fn wait_for(&self, mut done: watch::Receiver<Rebuilt>) -> Result<Arc<Worker>, RuntimeError> {
        let wait = self.inner.compiler.rebuild_wait();
        match tokio::time::timeout(wait, done.wait_for(Option::is_some)).await {
            Ok(Ok(rebuilt)) => match &*rebuilt {
                Some(Ok(worker)) => Ok(Arc::clone(worker)),
                Some(Err(error)) => Err(error.clone().into()),
                None => Err(RuntimeError::Compiling),
            },
            // It goes on, or the runtime has ended.
            Err(_) | Ok(Err(_)) => Err(RuntimeError::Compiling),
        }
    }

    /// Makes components anew that were compiled for another engine alone, one after the other, as far as `live` says
    /// that they are wanted: their first request then has not to wait. Returns how many.
    pub async fn rebuild_components(&self, live: &HashSet<VersionId>, source: &dyn WorkerSource) -> usize {
        let inner = Arc::clone(&self.inner);
        let stale = self.on_disk(move || inner.stale_components()).await.unwrap_or_default();
        let stale: Vec<VersionId> = stale.into_iter().filter(|version| live.contains(version)).collect();
        if !stale.is_empty() {
            tracing::info!(components = stale.len(), "components were compiled for another engine, and are made anew");
        }
        for version in &stale {
            // One that is refused says so in the log, and again to its first request.
            while let Err(error) = self.worker(*version, source).await {
                match &*error {
                    RuntimeError::Compiling | RuntimeError::Invalid(InvalidScript::Busy(_)) => {
                        tokio::time::sleep(NOT_YET).await;
                    }
                    _ => break,
                }
            }
        }
        stale.len()
    }

    async fn rebuild(self, spec: WorkerSpec, tell: watch::Sender<Rebuilt>) {
        let version = spec.version;
        tracing::info!(%version, script = %spec.script_name, "a component is compiled anew");
        let done = match component_of(&spec) {
            Some(source) => self.publish_component(&spec, source).await.map(|(worker, _)| worker),
            None => Err(InvalidScript::Unavailable("the version is no component".into())),
        };
        match &done {
            Ok(worker) => {
                self.inner.workers.insert(version, Arc::clone(worker)).await;
                self.inner.keep_to_bound().await;
            }
            Err(error) => tracing::error!(%version, %error, "a component could not be compiled anew"),
        }
        let refused = matches!(done, Err(InvalidScript::Refused(_)));
        let _ = tell.send(Some(done));
        if refused {
            tokio::time::sleep(REFUSED_FOR).await;
        }
        self.inner.rebuilds.0.lock().remove(&version);
    }

    async fn on_disk<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, InvalidScript> {
        let done = self.inner.tokio.spawn_blocking(work).await;
        done.map_err(|_| InvalidScript::Unavailable("the runtime has ended".into()))
    }
}

impl Inner {
    /// What is kept under an artefact's name. Reads the file once, then maps it.
    fn open_code(&self, name: &str, model: Model) -> Result<Opened, InvalidScript> {
        let file = match self.artefacts.find(name) {
            Found::Whole(file) => file,
            Found::Nothing => return Ok(Opened::Nothing),
            Found::NotOurs => {
                tracing::error!(name, "an artefact is not as it was written, and is made anew");
                self.counts.artefact_refused();
                self.artefacts.remove(name);
                return Ok(Opened::Nothing);
            }
        };
        let engine = self.components(model).map_err(|error| InvalidScript::Unavailable(error.to_string()))?;
        // The very file that was verified, whatever is under its name now.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // SAFETY: these bytes were written by `Engine::precompile_component` in a process of this build: they bear
        // the MAC of this node's key under this very name, which holds the engine's fingerprint, and wasmtime refuses
        // what another engine made. Nobody writes into the file: it is replaced or removed as a whole.
        match unsafe { Component::deserialize_file(&engine.engine, path) } {
            Ok(component) => match ComponentCode::of(&engine, component) {
                Ok(code) => Ok(Opened::Code(code)),
                Err(message) => {
                    self.artefacts.remove(name);
                    Ok(Opened::Misfit(message))
                }
            },
            Err(error) if is_of_the_system(&error) => {
                tracing::error!(name, error = format!("{error:#}"), "an artefact cannot be mapped now");
                Err(InvalidScript::Unavailable("the component cannot be loaded now".into()))
            }
            Err(error) => {
                self.artefacts.remove(name);
                Ok(Opened::NotTaken(format!("{error:#}")))
            }
        }
    }

    /// The Worker of a sealed component; `None`: its artefact is to be made anew.
    pub(super) fn open_component(self: &Arc<Self>, version: VersionId, sealed: &Sealed) -> Option<Arc<Worker>> {
        let digest = BlobDigest::parse(sealed.head.component.as_deref()?)?;
        let about = self.about_of(version, &sealed.head)?;
        // Of one source there is one model; by which it was compiled, its artefact says.
        let mut names = Model::ALL.iter().filter_map(|model| {
            Some((*model, artefact::file_name(about.script, &digest, self.compiler.fingerprint(*model).ok()?)))
        });
        let (model, name) = names.find(|(_, name)| self.artefacts.has(name))?;
        match self.open_code(&name, model) {
            Ok(Opened::Code(code)) => Some(self.component_worker(about, &sealed.bindings, code)),
            Ok(Opened::NotTaken(error)) => {
                tracing::error!(name, error, "an artefact is not taken, and is made anew");
                self.counts.artefact_refused();
                None
            }
            _ => None,
        }
    }

    /// Versions whose links are all for other engines.
    fn stale_components(&self) -> HashSet<VersionId> {
        if !self.artefacts.has(artefact::FOLDER) {
            return HashSet::new();
        }
        let names = self.artefacts.list(Sealed::FOLDER);
        let links = names.iter().filter_map(|(name, _)| artefact::of_link(name.rsplit('/').next()?));
        let (ours, others): (Vec<_>, Vec<_>) = links.partition(|(_, fingerprint)| self.compiler.is_for(fingerprint));
        let ours: HashSet<VersionId> = ours.into_iter().map(|(version, _)| version).collect();
        others.into_iter().map(|(version, _)| version).filter(|version| !ours.contains(version)).collect()
    }

    /// Removes artefacts that no version links and are older than `min_age`; returns how many.
    pub(super) fn sweep_components(&self, min_age: Duration) -> u64 {
        let names = self.artefacts.unlinked(artefact::FOLDER, min_age);
        names.iter().for_each(|name| self.artefacts.remove(name));
        names.len() as u64
    }
}
