//! Between rows and the catalog's types: ids as bytes, and what is kept as JSON. The JSON has its own
//! types here, so that a change of the catalog's types can not silently change what is on disk.
//! A field that is added later has a default.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::{Row, sqlite::SqliteRow};
use switchyard_catalog::{
    Binding, BindingKind, BindingName, BlobDigest, CodeManifest, CodeSyntax, DispatchOutbound, KeyFormat, KeyInfo,
    Limits, ModuleEntry, ModuleKind, NameError, NamedHandlers, NamespaceName, PlanName, ScriptId, ScriptName,
    ScriptSettings, SecretId, StorageError, Timestamp, Upstream, Version, VersionAssets, VersionId,
};
use uuid::Uuid;

use super::{database, upstream::UpstreamRecord};

/// Why something kept can not be read.
pub(super) fn damaged(what: &str, why: impl std::fmt::Display) -> StorageError {
    StorageError::Damaged(format!("{what}: {why}"))
}

/// One column.
pub(super) fn column<'r, T>(row: &'r SqliteRow, name: &'static str) -> Result<T, StorageError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(name).map_err(database("read a row"))
}

/// A column that holds an id.
pub(super) fn id(row: &SqliteRow, name: &'static str) -> Result<Uuid, StorageError> {
    let bytes: &[u8] = column(row, name)?;
    Uuid::from_slice(bytes).map_err(|e| damaged(name, e))
}

pub(super) fn time(row: &SqliteRow, name: &'static str) -> Result<Timestamp, StorageError> {
    Ok(Timestamp::from_micros(column(row, name)?))
}

/// A column that holds a name.
pub(super) fn name<T>(
    row: &SqliteRow,
    column_name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, NameError>,
) -> Result<T, StorageError> {
    parse(column(row, column_name)?).map_err(|e| damaged(column_name, e))
}

/// An id within JSON: what `hex()` made of it.
pub(super) fn hex_id(text: &str) -> Result<Uuid, StorageError> {
    Uuid::try_parse(text).map_err(|e| damaged("an id", e))
}

/// Ids for `json_each`, as hex for `unhex`.
pub(super) fn hex_list<'a>(ids: impl Iterator<Item = &'a Uuid>) -> String {
    let hex: Vec<String> = ids.map(|id| id.simple().to_string()).collect();
    Value::from(hex).to_string()
}

pub(super) fn from_json<'a, T: Deserialize<'a>>(what: &'static str, text: &'a str) -> Result<T, StorageError> {
    serde_json::from_str(text).map_err(|e| damaged(what, e))
}

pub(super) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|e| damaged(what, e))
}

/// `scripts.settings`.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct SettingsRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    tail_consumers: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observability: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement: Option<Value>,
    logpush: bool,
    subdomain_enabled: bool,
    previews_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_deployed_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<PlanName>,
}

impl From<&ScriptSettings> for SettingsRecord {
    fn from(s: &ScriptSettings) -> Self {
        Self {
            tail_consumers: s.tail_consumers.clone(),
            observability: s.observability.clone(),
            placement: s.placement.clone(),
            logpush: s.logpush,
            subdomain_enabled: s.subdomain_enabled,
            previews_enabled: s.previews_enabled,
            last_deployed_from: s.last_deployed_from.clone(),
            plan: s.plan.clone(),
        }
    }
}

impl From<SettingsRecord> for ScriptSettings {
    fn from(r: SettingsRecord) -> Self {
        Self {
            tail_consumers: r.tail_consumers,
            observability: r.observability,
            placement: r.placement,
            logpush: r.logpush,
            subdomain_enabled: r.subdomain_enabled,
            previews_enabled: r.previews_enabled,
            last_deployed_from: r.last_deployed_from,
            plan: r.plan,
        }
    }
}

/// `versions.body`: all of a version but its ids, number and bindings.
#[derive(Serialize, Deserialize)]
pub(super) struct VersionRecord {
    syntax: CodeSyntax,
    entry: String,
    modules: Vec<ModuleRecord>,
    compatibility_date: String,
    compatibility_flags: Vec<String>,
    limits: Limits,
    handlers: Vec<String>,
    named_handlers: Vec<(String, Vec<String>)>,
    startup_time_ms: u32,
    annotations: Map<String, Value>,
    usage_model: String,
    migration_tag: Option<String>,
    source: String,
    author: String,
    created_on: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assets: Option<AssetsRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upstream: Option<UpstreamRecord>,
}

#[derive(Serialize, Deserialize)]
struct AssetsRecord {
    manifest: String,
    config: String,
    files: u32,
}

#[derive(Serialize, Deserialize)]
struct ModuleRecord {
    name: String,
    kind: ModuleKind,
    digest: String,
    size: u64,
}

/// The version's body as text.
pub(super) fn version_body(version: &Version) -> Result<String, StorageError> {
    let modules = version.code.modules.iter().map(|module| ModuleRecord {
        name: module.name.clone(),
        kind: module.kind,
        digest: module.digest.hex(),
        size: module.size,
    });
    let named = version.named_handlers.iter().map(|named| (named.name.clone(), named.handlers.clone()));
    let record = VersionRecord {
        syntax: version.code.syntax,
        entry: version.code.entry.clone(),
        modules: modules.collect(),
        compatibility_date: version.compatibility_date.clone(),
        compatibility_flags: version.compatibility_flags.clone(),
        limits: version.limits,
        handlers: version.handlers.clone(),
        named_handlers: named.collect(),
        startup_time_ms: version.startup_time_ms,
        annotations: version.annotations.clone(),
        usage_model: version.usage_model.clone(),
        migration_tag: version.migration_tag.clone(),
        source: version.source.clone(),
        author: version.author.clone(),
        created_on: version.created_on.micros(),
        assets: version.assets.map(|assets| AssetsRecord {
            manifest: assets.manifest.hex(),
            config: assets.config.hex(),
            files: assets.files,
        }),
        upstream: version.code.upstream.as_ref().map(UpstreamRecord::from),
    };
    to_json("a version", &record)
}

/// A version from its parts; without `bindings` where a list leaves them out.
pub(super) fn version(
    id: VersionId,
    script: ScriptId,
    number: u32,
    record: VersionRecord,
    bindings: Vec<BindingRecord>,
) -> Result<Version, StorageError> {
    let modules = record.modules.into_iter().map(|module| {
        let digest = BlobDigest::parse(&module.digest).ok_or_else(|| damaged("a module's digest", &module.digest))?;
        Ok(ModuleEntry { name: module.name, kind: module.kind, digest, size: module.size })
    });
    let modules = modules.collect::<Result<_, StorageError>>()?;
    let named = record.named_handlers.into_iter();
    Ok(Version {
        id,
        script,
        number,
        assets: record.assets.map(VersionAssets::try_from).transpose()?,
        code: CodeManifest {
            syntax: record.syntax,
            entry: record.entry,
            modules,
            upstream: record.upstream.map(Upstream::try_from).transpose()?,
        },
        bindings: bindings.into_iter().map(Binding::try_from).collect::<Result<_, _>>()?,
        compatibility_date: record.compatibility_date,
        compatibility_flags: record.compatibility_flags,
        limits: record.limits,
        handlers: record.handlers,
        named_handlers: named.map(|(name, handlers)| NamedHandlers { name, handlers }).collect(),
        startup_time_ms: record.startup_time_ms,
        annotations: record.annotations,
        usage_model: record.usage_model,
        migration_tag: record.migration_tag,
        source: record.source,
        author: record.author,
        created_on: Timestamp::from_micros(record.created_on),
    })
}

impl TryFrom<AssetsRecord> for VersionAssets {
    type Error = StorageError;

    fn try_from(record: AssetsRecord) -> Result<Self, StorageError> {
        let digest = |hex: &str| BlobDigest::parse(hex).ok_or_else(|| damaged("the digest of assets", hex));
        Ok(Self { manifest: digest(&record.manifest)?, config: digest(&record.config)?, files: record.files })
    }
}

/// One entry of `versions.bindings`.
#[derive(Serialize, Deserialize)]
pub(super) struct BindingRecord {
    name: String,
    #[serde(flatten)]
    kind: KindRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum KindRecord {
    PlainText { text: String },
    Json { value: Value },
    SecretText { secret: String },
    SecretKey { secret: String, format: String, algorithm: Value, usages: Vec<String> },
    Service { service: String, environment: Option<String>, entrypoint: Option<String>, props: Option<Value> },
    DispatchNamespace { namespace: String, outbound: Option<OutboundRecord> },
    VersionMetadata,
    Assets,
}

#[derive(Serialize, Deserialize)]
struct OutboundRecord {
    service: String,
    environment: Option<String>,
    entrypoint: Option<String>,
    params: Vec<String>,
}

pub(super) fn bindings_to(bindings: &[Binding]) -> Result<String, StorageError> {
    let records: Vec<_> = bindings.iter().map(BindingRecord::from).collect();
    to_json("bindings", &records)
}

impl From<&Binding> for BindingRecord {
    fn from(binding: &Binding) -> Self {
        let kind = match &binding.kind {
            BindingKind::PlainText { text } => KindRecord::PlainText { text: text.clone() },
            BindingKind::Json { value } => KindRecord::Json { value: value.clone() },
            BindingKind::SecretText { secret } => KindRecord::SecretText { secret: secret.simple() },
            BindingKind::SecretKey { secret, key } => KindRecord::SecretKey {
                secret: secret.simple(),
                format: key.format.name().to_owned(),
                algorithm: key.algorithm.clone(),
                usages: key.usages.clone(),
            },
            BindingKind::Service { service, environment, entrypoint, props } => KindRecord::Service {
                service: service.as_str().to_owned(),
                environment: environment.clone(),
                entrypoint: entrypoint.clone(),
                props: props.clone(),
            },
            BindingKind::DispatchNamespace { namespace, outbound } => KindRecord::DispatchNamespace {
                namespace: namespace.as_str().to_owned(),
                outbound: outbound.as_ref().map(|outbound| OutboundRecord {
                    service: outbound.service.as_str().to_owned(),
                    environment: outbound.environment.clone(),
                    entrypoint: outbound.entrypoint.clone(),
                    params: outbound.params.clone(),
                }),
            },
            BindingKind::VersionMetadata => KindRecord::VersionMetadata,
            BindingKind::Assets => KindRecord::Assets,
        };
        Self { name: binding.name.as_str().to_owned(), kind }
    }
}

impl TryFrom<BindingRecord> for Binding {
    type Error = StorageError;

    fn try_from(record: BindingRecord) -> Result<Self, StorageError> {
        let named = |e: NameError| damaged("a binding", e);
        let kind = match record.kind {
            KindRecord::PlainText { text } => BindingKind::PlainText { text },
            KindRecord::Json { value } => BindingKind::Json { value },
            KindRecord::SecretText { secret } => BindingKind::SecretText { secret: secret_id(&secret)? },
            KindRecord::SecretKey { secret, format, algorithm, usages } => BindingKind::SecretKey {
                secret: secret_id(&secret)?,
                key: KeyInfo {
                    format: KeyFormat::parse(&format).ok_or_else(|| damaged("a key's format", &format))?,
                    algorithm,
                    usages,
                },
            },
            KindRecord::Service { service, environment, entrypoint, props } => BindingKind::Service {
                service: ScriptName::parse(&service).map_err(named)?,
                environment,
                entrypoint,
                props,
            },
            KindRecord::DispatchNamespace { namespace, outbound } => BindingKind::DispatchNamespace {
                namespace: NamespaceName::parse(&namespace).map_err(named)?,
                outbound: outbound.map(DispatchOutbound::try_from).transpose().map_err(named)?,
            },
            KindRecord::VersionMetadata => BindingKind::VersionMetadata,
            KindRecord::Assets => BindingKind::Assets,
        };
        Ok(Self { name: BindingName::parse(&record.name).map_err(named)?, kind })
    }
}

fn secret_id(text: &str) -> Result<SecretId, StorageError> {
    SecretId::parse(text).ok_or_else(|| damaged("a secret's id", text))
}

impl TryFrom<OutboundRecord> for DispatchOutbound {
    type Error = NameError;

    fn try_from(record: OutboundRecord) -> Result<Self, NameError> {
        Ok(Self {
            service: ScriptName::parse(&record.service)?,
            environment: record.environment,
            entrypoint: record.entrypoint,
            params: record.params,
        })
    }
}

/// `deployments.body`: all but ids, shares and time.
#[derive(Serialize, Deserialize)]
pub(super) struct DeploymentRecord {
    pub(super) source: String,
    pub(super) author: String,
    pub(super) annotations: Map<String, Value>,
}
