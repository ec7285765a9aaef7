//! The one way to a new version (design §4): rules → bindings → start it for real → blobs → one
//! transaction → wake the listeners. Every edit of code, bindings or secrets comes through here, so
//! what is written is always something that was started.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    Actor, Catalog, NewScript, Precondition, RETRIES, SettingsPatch, after,
    assets::PlannedAssets,
    bindings::{Planned, PlannedKind},
    rules, upstream,
};
use crate::{
    Binding, BindingKind, BindingName, CatalogError, Code, CodeManifest, Deployment, DeploymentId, Limits, Namespace,
    NewSecret, NewVersion, Publish, Scope, Script, ScriptId, ScriptRef, ScriptRow, ScriptSettings, Secret, SecretId,
    StorageError, Timestamp, Version, VersionId, VersionShare,
};

/// What is to become of a script.
pub(super) enum Edit {
    Upload(Box<NewScript>),
    /// As an upload, but not deployed, and the script's tags and settings stay.
    Version(Box<NewScript>),
    Content(Code, Precondition),
    Settings(Box<SettingsPatch>),
    /// Set, or with `None` removed and destroyed.
    Secrets(Vec<(BindingName, Option<NewSecret>)>),
}

impl Edit {
    /// Those that it sets.
    fn tail_consumers(&self) -> Option<&Value> {
        match self {
            Self::Upload(new) => new.tail_consumers.as_ref(),
            Self::Settings(patch) => patch.account.tail_consumers.as_ref()?.as_ref(),
            Self::Version(_) | Self::Content(..) | Self::Secrets(_) => None,
        }
    }
}

/// What was written.
pub(super) struct Publication {
    pub(super) row: ScriptRow,
    pub(super) version: Version,
    pub(super) deployment: Option<Deployment>,
}

/// An edit applied to what is there now.
pub(super) struct Plan {
    pub(super) script: Script,
    /// `None`: that of the previous version.
    pub(super) code: Option<Code>,
    pub(super) assets: Option<PlannedAssets>,
    pub(super) bindings: Vec<Planned>,
    pub(super) compatibility_date: String,
    pub(super) compatibility_flags: Vec<String>,
    pub(super) limits: Limits,
    pub(super) usage_model: String,
    pub(super) migration_tag: Option<String>,
    pub(super) annotations: Map<String, Value>,
    pub(super) destroy_secrets: Vec<SecretId>,
    pub(super) deploy: bool,
}

impl Catalog {
    /// Applies the edit; when someone else changed the script meanwhile, applies it again to what is
    /// there then, a few times.
    pub(super) async fn publish(
        &self,
        actor: &Actor,
        at: &ScriptRef,
        edit: Edit,
        source: String,
    ) -> Result<Publication, CatalogError> {
        for _ in 0..=RETRIES {
            match self.publish_once(actor, at, &edit, &source).await {
                Err(CatalogError::Conflict | CatalogError::Storage(StorageError::Gone(_))) => {}
                other => return other,
            }
        }
        Err(CatalogError::Conflict)
    }

    async fn publish_once(
        &self,
        actor: &Actor,
        at: &ScriptRef,
        edit: &Edit,
        source: &str,
    ) -> Result<Publication, CatalogError> {
        let (scope, namespace) = self.scope_of(actor, at).await?;
        let before = self.storage.script_find(&actor.account, scope, &at.name).await?;
        if let Edit::Upload(new) = edit {
            actor.may_upload(scope, before.as_ref())?;
            new.precondition.check(before.as_ref())?;
        } else if let Some(row) = &before {
            if !actor.may_see(&row.script) {
                return Err(CatalogError::ScriptNotFound);
            }
            if let Edit::Content(_, precondition) = edit {
                precondition.check(before.as_ref())?;
            }
        }
        let mut plan = self.plan(at, scope, before.as_ref(), edit).await?;
        self.binding_targets_check(actor, &plan).await?;
        self.upstream_check(actor, &mut plan).await?;
        self.tail_consumers_check(actor, at, edit.tail_consumers()).await?;

        let base = before.as_ref().and_then(|row| row.latest.as_deref());
        let (code, manifest) = match plan.code.take() {
            Some(code) => {
                let manifest = code.manifest();
                (code, manifest)
            }
            None => {
                let manifest = base.map(|version| version.code.clone()).ok_or(CatalogError::VersionNotFound)?;
                (self.code_load(&manifest).await?, manifest)
            }
        };
        if manifest.modules.is_empty() && manifest.upstream.is_none() && plan.assets.is_none() {
            return Err(CatalogError::Invalid("the upload has neither a module nor assets".to_owned()));
        }
        let (bindings, new_secrets, secrets) = self.secrets_settle(std::mem::take(&mut plan.bindings)).await?;
        rules::variables(&self.settings, &bindings, &new_secrets)?;

        if plan.deploy {
            plan.script.settings.last_deployed_from = Some(source.to_owned());
            if actor.plan.is_some() {
                plan.script.settings.plan.clone_from(&actor.plan);
            }
        }
        let version = version_of(&plan, actor, source, manifest, bindings, base);
        let asset_blobs = plan.assets.take().map(|planned| planned.blobs).unwrap_or_default();
        let id = version.id;
        let started = self.start(&plan.script, namespace.as_ref(), version, &code, &secrets).await?;
        let (script, destroys) = (plan.script.id, !plan.destroy_secrets.is_empty());
        let finished = self.finish(before, plan, started, code, asset_blobs, new_secrets).await;
        if finished.is_err() {
            self.validator.forget(&[id]).await;
        } else if destroys {
            // What the node keeps ready of the versions before still holds the value.
            let versions = self.storage.version_list(script, u32::MAX).await?;
            let before: Vec<VersionId> =
                versions.iter().map(|version| version.id).filter(|other| *other != id).collect();
            self.validator.forget(&before).await;
        }
        finished
    }

    /// Starts the version for real; gives it back with what was learnt.
    async fn start(
        &self,
        script: &Script,
        namespace: Option<&Namespace>,
        mut version: Version,
        code: &Code,
        secrets: &HashMap<SecretId, Secret>,
    ) -> Result<Version, CatalogError> {
        if code.modules.is_empty() {
            // Assets alone, or an upstream: there is nothing to start.
            version.handlers.extend(code.upstream.is_some().then(|| "fetch".to_owned()));
            return Ok(version);
        }
        let spec = self.spec_of(script, namespace, &version, Arc::new(code.clone()), secrets);
        let started = self.validator.validate(&spec).await?;
        if started.handlers.is_empty() && started.named_handlers.is_empty() {
            return Err(CatalogError::NoHandlers);
        }
        version.handlers = started.handlers;
        version.named_handlers = started.named_handlers;
        version.startup_time_ms = started.startup_time_ms.max(1);
        Ok(version)
    }

    /// Blobs first, then the rows: rows never name code that is not there.
    async fn finish(
        &self,
        before: Option<ScriptRow>,
        plan: Plan,
        version: Version,
        code: Code,
        asset_blobs: Vec<Bytes>,
        secrets: Vec<(SecretId, Secret)>,
    ) -> Result<Publication, CatalogError> {
        self.code_store(code).await?;
        for blob in asset_blobs {
            self.blobs.put(blob).await?;
        }
        let deployment = plan.deploy.then(|| Deployment {
            id: DeploymentId::random(),
            script: plan.script.id,
            versions: vec![VersionShare { version: version.id, percentage: 100.0 }],
            source: version.source.clone(),
            author: version.author.clone(),
            annotations: version.annotations.clone(),
            created_on: version.created_on,
        });
        let publish = Publish {
            script: plan.script,
            base: before.as_ref().and_then(|row| row.latest.as_ref()).map(|version| version.id),
            seen: before.as_ref().map(|row| row.script.modified_on),
            version: NewVersion { version, secrets },
            deployment,
            destroy_secrets: plan.destroy_secrets,
            keep_versions: self.settings.keep_versions.max(1),
        };
        let wake = self.wakeup.guard();
        self.storage.script_publish(&publish).await?;
        wake.done().await;

        let Publish { script, version: NewVersion { version, .. }, deployment, .. } = publish;
        let latest = Arc::new(version.clone());
        let deployed = match deployment {
            Some(_) => Some(latest.clone()),
            None => before.and_then(|row| row.deployed),
        };
        let row = ScriptRow { script, deployed, latest: Some(latest) };
        Ok(Publication { row, version, deployment })
    }

    /// The edit, applied to what is there; every rule that needs no look outside the script.
    async fn plan(
        &self,
        at: &ScriptRef,
        scope: Scope,
        before: Option<&ScriptRow>,
        edit: &Edit,
    ) -> Result<Plan, CatalogError> {
        let (new, deploy) = match edit {
            Edit::Upload(new) => (new, true),
            Edit::Version(new) if before.is_some() => (new, false),
            other => {
                let row = before.ok_or(CatalogError::ScriptNotFound)?;
                return self.plan_edit(row, other).await;
            }
        };
        if new.code.is_none() && before.is_none() {
            let message = "the upload has no module, and there is no script whose code could stay";
            return Err(CatalogError::Invalid(message.to_owned()));
        }
        if let Some(code) = new.code.as_ref().filter(|code| code.upstream.is_none() && **code != Code::none()) {
            rules::code(&self.settings, code)?;
            self.compressed_size_check(code).await?;
        }
        let previous = before.and_then(|row| row.latest.as_deref());
        if upstream::stays_or_comes(new.code.as_ref(), previous) {
            upstream::stands_alone(!new.bindings.is_empty(), new.assets.is_some() || new.keep_assets)?;
        }
        let bindings = self.bindings_plan(
            &new.bindings,
            new.keep_bindings.as_deref(),
            new.strict_inherit,
            before.map(|row| row.script.id),
            previous,
        );
        let mut bindings = bindings.await?;
        let assets = self.assets_plan(at, scope, new.assets.as_ref(), new.keep_assets, previous).await?;
        if assets.is_none() {
            without_assets(&mut bindings)?;
        }
        let mut script = script_next(at, scope, before);
        if deploy {
            if let Some(tags) = &new.tags {
                script.tags = rules::tags(tags.clone())?;
            }
            script.settings = ScriptSettings {
                tail_consumers: new.tail_consumers.clone(),
                observability: new.observability.clone(),
                placement: new.placement.clone(),
                logpush: new.logpush,
                ..script.settings
            };
            rules::settings(&script.settings)?;
        }
        let plan = Plan {
            script,
            code: new.code.clone(),
            assets,
            bindings,
            compatibility_date: rules::compatibility_date(new.compatibility_date.as_deref())?,
            compatibility_flags: new.compatibility_flags.clone(),
            limits: new.limits,
            usage_model: new.usage_model.clone().unwrap_or_else(|| "standard".to_owned()),
            migration_tag: new.migration_tag.clone().or_else(|| previous.and_then(|v| v.migration_tag.clone())),
            annotations: triggered_by(new.annotations.clone(), "upload"),
            destroy_secrets: Vec::new(),
            deploy,
        };
        rules::version(&plan)?;
        Ok(plan)
    }

    /// Edits that start from the newest version, which must be the one in force: what they make is
    /// deployed, and must not deploy something else by the way (10215).
    async fn plan_edit(&self, row: &ScriptRow, edit: &Edit) -> Result<Plan, CatalogError> {
        let latest = row.latest.as_deref().ok_or(CatalogError::VersionNotFound)?;
        if row.deployed.as_ref().map(|version| version.id) != Some(latest.id) {
            return Err(CatalogError::LatestNotDeployed);
        }
        let mut script = row.script.clone();
        script.modified_on = after(script.modified_on);
        let mut plan = Plan {
            script,
            code: None,
            assets: latest.assets.map(|assets| PlannedAssets { assets, blobs: Vec::new() }),
            bindings: latest.bindings.iter().map(Planned::kept).collect(),
            compatibility_date: latest.compatibility_date.clone(),
            compatibility_flags: latest.compatibility_flags.clone(),
            limits: latest.limits,
            usage_model: latest.usage_model.clone(),
            migration_tag: latest.migration_tag.clone(),
            annotations: Map::new(),
            destroy_secrets: Vec::new(),
            deploy: true,
        };
        match edit {
            Edit::Content(code, _) => {
                rules::code(&self.settings, code)?;
                self.compressed_size_check(code).await?;
                plan.code = Some(code.clone());
                plan.annotations = triggered_by(Map::new(), "upload");
            }
            Edit::Settings(patch) => {
                patch.apply_to_script(&mut plan.script)?;
                if let Some(bindings) = &patch.bindings {
                    if latest.code.upstream.is_some() {
                        upstream::stands_alone(!bindings.is_empty(), false)?;
                    }
                    let planned = self.bindings_plan(bindings, Some(&[]), true, Some(row.script.id), Some(latest));
                    plan.bindings = planned.await?;
                    if latest.assets.is_none() {
                        without_assets(&mut plan.bindings)?;
                    }
                }
                patch.apply_to_version(&mut plan)?;
                plan.annotations = triggered_by(patch.annotations.clone(), "settings");
            }
            Edit::Secrets(changes) => {
                self.secrets_plan(&mut plan, latest, changes).await?;
                plan.annotations = triggered_by(Map::new(), "secret");
            }
            // Both go through `plan`.
            Edit::Upload(_) | Edit::Version(_) => return Err(CatalogError::ScriptNotFound),
        }
        rules::version(&plan)?;
        Ok(plan)
    }

    /// Gives new secrets their ids and loads the values of the kept ones: the version's bindings, the
    /// secrets that are new with it, and all values.
    async fn secrets_settle(
        &self,
        planned: Vec<Planned>,
    ) -> Result<(Vec<Binding>, Vec<(SecretId, Secret)>, HashMap<SecretId, Secret>), CatalogError> {
        let kept: Vec<SecretId> = planned.iter().filter_map(Planned::kept_secret).collect();
        let mut values: HashMap<SecretId, Secret> = HashMap::new();
        if !kept.is_empty() {
            values.extend(self.storage.secrets_load(&kept).await?);
        }
        let mut bindings = Vec::with_capacity(planned.len());
        let mut new = Vec::new();
        for Planned { name, kind, strict, .. } in planned {
            let kind = match kind {
                PlannedKind::NewSecret(NewSecret { value, key }) => {
                    let secret = SecretId::random();
                    values.insert(secret, value.clone());
                    new.push((secret, value));
                    match key {
                        Some(key) => BindingKind::SecretKey { secret, key },
                        None => BindingKind::SecretText { secret },
                    }
                }
                // Inherited from an old version, and destroyed since.
                PlannedKind::Kind(kind) if kind.secret().is_some_and(|secret| !values.contains_key(&secret)) => {
                    if strict {
                        let message = format!("the secret {name} to inherit was deleted");
                        return Err(CatalogError::InheritNotFound(message));
                    }
                    continue;
                }
                PlannedKind::Kind(kind) => kind,
            };
            bindings.push(Binding { name, kind });
        }
        Ok((bindings, new, values))
    }
}

/// For a version without assets: a binding to them that was taken over goes, one that was sent is refused.
fn without_assets(bindings: &mut Vec<Planned>) -> Result<(), CatalogError> {
    let is_assets = |planned: &Planned| matches!(planned.kind, PlannedKind::Kind(BindingKind::Assets));
    if let Some(sent) = bindings.iter().find(|planned| planned.sent && is_assets(planned)) {
        let message = format!("the binding {} is to the Worker's assets, but the upload has none", sent.name);
        return Err(CatalogError::Invalid(message));
    }
    bindings.retain(|planned| !is_assets(planned));
    Ok(())
}

/// The script's row as this edit leaves it, before tags and settings.
fn script_next(at: &ScriptRef, scope: Scope, before: Option<&ScriptRow>) -> Script {
    if let Some(row) = before {
        return Script { modified_on: after(row.script.modified_on), ..row.script.clone() };
    }
    let now = Timestamp::now();
    Script {
        id: ScriptId::random(),
        account: at.account.clone(),
        scope,
        name: at.name.clone(),
        tags: Vec::new(),
        settings: ScriptSettings::default(),
        created_on: now,
        modified_on: now,
    }
}

fn version_of(
    plan: &Plan,
    actor: &Actor,
    source: &str,
    code: CodeManifest,
    bindings: Vec<Binding>,
    base: Option<&Version>,
) -> Version {
    Version {
        id: VersionId::random(),
        script: plan.script.id,
        // What storage will give it: it refuses the publish when `base` is not the newest any more.
        number: base.map_or(0, |version| version.number) + 1,
        code,
        assets: plan.assets.as_ref().map(|planned| planned.assets),
        bindings,
        compatibility_date: plan.compatibility_date.clone(),
        compatibility_flags: plan.compatibility_flags.clone(),
        limits: plan.limits,
        handlers: Vec::new(),
        named_handlers: Vec::new(),
        startup_time_ms: 1,
        annotations: plan.annotations.clone(),
        usage_model: plan.usage_model.clone(),
        migration_tag: plan.migration_tag.clone(),
        source: source.to_owned(),
        author: actor.token_id.clone(),
        created_on: plan.script.modified_on,
    }
}

fn triggered_by(mut annotations: Map<String, Value>, what: &str) -> Map<String, Value> {
    annotations.entry("workers/triggered_by").or_insert_with(|| Value::String(what.to_owned()));
    annotations
}
