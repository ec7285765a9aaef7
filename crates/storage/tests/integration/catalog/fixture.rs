//! A catalog on temporary files, its one account, and a validator that answers as told and remembers
//! what it was asked.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use switchyard_catalog::*;
use switchyard_storage::FileBlobs;
use tempfile::TempDir;

use crate::{sample, sqlite};

pub struct Fixture {
    pub catalog: Arc<Catalog>,
    pub storage: Arc<dyn Storage>,
    pub validator: Arc<Scripted>,
    pub actor: Actor,
    /// The data folder; removed with the fixture.
    pub dir: TempDir,
}

impl Deref for Fixture {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        &self.catalog
    }
}

/// Accepts everything until it is told otherwise.
pub struct Scripted {
    pub answer: Mutex<Result<Started, InvalidScript>>,
    pub asked: Mutex<Vec<WorkerSpec>>,
}

#[async_trait]
impl Validator for Scripted {
    async fn validate(&self, spec: &WorkerSpec) -> Result<Started, InvalidScript> {
        self.asked.lock().unwrap().push(spec.clone());
        self.answer.lock().unwrap().clone()
    }
}

impl Scripted {
    pub fn answers(&self, answer: Result<Started, InvalidScript>) {
        *self.answer.lock().unwrap() = answer;
    }

    pub fn last(&self) -> WorkerSpec {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

pub async fn fixture() -> Fixture {
    with_settings(CatalogSettings::default()).await
}

/// With the namespace `prod`.
pub async fn with_settings(settings: CatalogSettings) -> Fixture {
    let (storage, dir) = sqlite::fixture().await;
    let blobs = Arc::new(FileBlobs::open(&dir.path().join("blobs")).unwrap());
    let started = Started { handlers: vec!["fetch".to_owned()], named_handlers: vec![], startup_time_ms: 3 };
    let validator = Arc::new(Scripted { answer: Mutex::new(Ok(started)), asked: Mutex::default() });
    let catalog = Arc::new(Catalog::new(storage.clone(), blobs, validator.clone(), settings));
    let actor = Actor::of_account(sample::account(), "token-1");
    catalog.namespace_create(&actor, &prod()).await.unwrap();
    Fixture { catalog, storage, validator, actor, dir }
}

pub fn prod() -> NamespaceName {
    NamespaceName::parse("prod").unwrap()
}

/// A script of the namespace `prod`.
pub fn at(name: &str) -> ScriptRef {
    ScriptRef { account: sample::account(), namespace: Some(prod()), name: sample::name(name) }
}

/// One of the account's own Workers.
pub fn own(name: &str) -> ScriptRef {
    ScriptRef { namespace: None, ..at(name) }
}

pub fn code(source: &str) -> NewScript {
    NewScript { code: Some(sample::code(source)), source: "wrangler".to_owned(), ..NewScript::default() }
}

pub fn with(new: NewScript, bindings: Vec<NewBinding>) -> NewScript {
    NewScript { bindings, ..new }
}

pub fn binding(name: &str, kind: NewBindingKind) -> NewBinding {
    NewBinding { name: BindingName::parse(name).unwrap(), kind }
}

pub fn text(name: &str, text: &str) -> NewBinding {
    binding(name, NewBindingKind::Kind(BindingKind::PlainText { text: text.to_owned() }))
}

pub fn secret(name: &str, value: &str) -> NewBinding {
    binding(name, NewBindingKind::Secret(Secret::new(value.to_owned())))
}

pub fn inherit(name: &str, old_name: Option<&str>) -> NewBinding {
    let old_name = old_name.map(|name| BindingName::parse(name).unwrap());
    binding(name, NewBindingKind::Inherit { old_name, version_id: None })
}

pub fn module(name: &str, kind: ModuleKind, content: &str) -> Module {
    Module { name: name.to_owned(), kind, content: Bytes::copy_from_slice(content.as_bytes()) }
}

/// The env that a Worker sees, by name: text as it is, secrets as `secret:value`.
pub fn env(spec: &WorkerSpec) -> Vec<(String, String)> {
    let mut env: Vec<_> = spec
        .bindings
        .iter()
        .map(|(name, value)| {
            let value = match value {
                WorkerBinding::Text(text) => text.clone(),
                WorkerBinding::Secret(secret) => format!("secret:{}", secret.expose()),
                WorkerBinding::SecretKey { key, secret } => {
                    format!(
                        "{} of {} for {}: {}",
                        key.format.name(),
                        key.algorithm,
                        key.usages.join(","),
                        secret.expose()
                    )
                }
                WorkerBinding::Json(value) => value.to_string(),
                other => format!("{other:?}"),
            };
            (name.as_str().to_owned(), value)
        })
        .collect();
    env.sort();
    env
}

/// Pairs, for comparing with [`env`].
pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Fixture {
    /// The env of what is live now, built as a node builds it from storage.
    pub async fn live_env(&self, at: &ScriptRef) -> Vec<(String, String)> {
        let row = self.script_find(&self.actor, at).await.unwrap();
        env(&self.worker_spec(row.deployed.unwrap().id).await.unwrap())
    }

    pub async fn upload(&self, at: &ScriptRef, new: NewScript) -> Result<Uploaded, CatalogError> {
        self.script_upload(&self.actor, at, new).await
    }
}
