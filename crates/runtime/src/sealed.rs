//! A runnable version as one file: what a first call opens instead of asking the database. It is an
//! artefact: source is the truth, and a file that does not fit this engine, this platform or this
//! node's key is made anew.
//!
//! The file is a list of parts, each with its length: a JSON head that says what the parts depend on,
//! the env (always encrypted), the page delta (encrypted when the script read its env while it was
//! evaluated), and the modules that were not evaluated. `Artefacts` signs the whole.

use std::sync::Arc;

use bytes::Bytes;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use switchyard_catalog::{Compatibility, Isolation, Limits, VersionId, WorkerBinding, WorkerSpec};

use crate::delta::Delta;
use crate::modules::Modules;

/// What is needed to make a Worker without its source.
pub struct Sealed {
    pub head: Head,
    pub bindings: Vec<(String, WorkerBinding)>,
    pub delta: Arc<Delta>,
    pub modules: Arc<Modules>,
}

/// The part that is read first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    /// SHA-256 of the base image the delta is against, hex.
    pub base: String,
    pub account: String,
    pub script: String,
    pub script_name: String,
    pub namespace: Option<String>,
    pub limits: Limits,
    pub isolation: Isolation,
    pub wasm_pages: u64,
    /// The delta holds what was read from env.
    pub delta_is_secret: bool,
    pub compatibility_date: String,
    pub compatibility_flags: Vec<String>,
    /// Names, kinds and lengths of the modules in the last part.
    pub modules: Vec<(String, i32, u64)>,
    /// Names of the modules that were evaluated.
    pub evaluated: Vec<String>,
    /// Of a component: SHA-256 of its source, hex. It has no base, no delta and no modules.
    #[serde(default)]
    pub component: Option<String>,
}

impl Head {
    /// What a version's is, whatever it is made of; the rest is of one that has nothing.
    pub fn of(spec: &WorkerSpec) -> Self {
        Self {
            base: String::new(),
            account: spec.account.to_string(),
            script: spec.script.to_string(),
            script_name: spec.script_name.to_string(),
            namespace: spec.namespace.as_ref().map(|(_, name)| name.to_string()),
            limits: spec.limits,
            isolation: spec.isolation,
            wasm_pages: 0,
            delta_is_secret: false,
            compatibility_date: spec.compatibility_date.clone(),
            compatibility_flags: spec.compatibility_flags.clone(),
            modules: Vec::new(),
            evaluated: Vec::new(),
            component: None,
        }
    }
}

/// A binding as it is kept: JSON, inside an encrypted part.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kept {
    Text { text: String },
    Json { value: serde_json::Value },
    Secret { text: String },
    SecretKey { text: String, format: String, algorithm: serde_json::Value, usages: Vec<String> },
    Service { service: String, entrypoint: Option<String>, props: Option<serde_json::Value> },
    DispatchNamespace { namespace: String, outbound: Option<KeptOutbound> },
    VersionMetadata { value: serde_json::Value },
    Assets { version: String },
}

#[derive(Serialize, Deserialize)]
struct KeptOutbound {
    service: String,
    environment: Option<String>,
    entrypoint: Option<String>,
    params: Vec<String>,
}

const MAGIC: &[u8; 8] = b"SWYDSEA2";

/// Encrypts parts of sealed files; a key derived from the node's.
pub struct Sealer(XChaCha20Poly1305);

impl Sealer {
    pub fn new(node_key: &[u8; 32]) -> Self {
        let root = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, node_key);
        let derived = aws_lc_rs::hmac::sign(&root, b"switchyard sealed parts v1");
        let mut key = [0u8; 32];
        key.copy_from_slice(derived.as_ref());
        Self(XChaCha20Poly1305::new(&key.into()))
    }

    fn seal(&self, version: VersionId, part: u8, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0u8; 24];
        aws_lc_rs::rand::fill(&mut nonce).ok()?;
        let aad = [version.as_uuid().as_bytes().as_slice(), &[part]].concat();
        let sealed = self.0.encrypt(&XNonce::from(nonce), Payload { msg: bytes, aad: &aad }).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, version: VersionId, part: u8, bytes: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = bytes.split_first_chunk::<24>()?;
        let aad = [version.as_uuid().as_bytes().as_slice(), &[part]].concat();
        self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad }).ok()
    }
}

impl Sealed {
    /// Where sealed files are, below the artefacts' folder.
    pub const FOLDER: &str = "workers";

    /// Name of a version's file below the artefacts' folder.
    pub fn file_name(version: VersionId) -> String {
        let id = version.simple();
        format!("{}/{}/{id}.sealed", Self::FOLDER, &id[..2])
    }

    /// The file's bytes; `None` when encryption is not possible.
    pub fn to_bytes(&self, sealer: &Sealer, version: VersionId) -> Option<Vec<u8>> {
        let kept: Vec<(&str, Kept)> =
            self.bindings.iter().map(|(name, binding)| (name.as_str(), keep(binding))).collect();
        let env = sealer.seal(version, 1, &serde_json::to_vec(&kept).ok()?)?;
        let mut pages = Vec::with_capacity(4 + self.delta.size());
        self.delta.write(&mut pages);
        if self.head.delta_is_secret {
            pages = sealer.seal(version, 2, &pages)?;
        }
        let mut head = self.head.clone();
        let mut modules = Vec::new();
        head.modules = self
            .modules
            .iter()
            .map(|(name, kind, bytes)| {
                modules.extend_from_slice(bytes);
                (name.to_owned(), kind, bytes.len() as u64)
            })
            .collect();
        head.evaluated = self.modules.evaluated.iter().cloned().collect();
        let head = serde_json::to_vec(&head).ok()?;
        let mut file = MAGIC.to_vec();
        for part in [&head, &env, &pages, &modules] {
            file.extend_from_slice(&(part.len() as u64).to_le_bytes());
            file.extend_from_slice(part);
        }
        Some(file)
    }

    /// Reads a file that bears our MAC; `None` when it is of another base or is not whole.
    pub fn from_bytes(file: &[u8], sealer: &Sealer, version: VersionId, base: &[u8; 32]) -> Option<Self> {
        let mut rest = file.strip_prefix(MAGIC)?;
        let mut part = || {
            let (len, after) = rest.split_first_chunk::<8>()?;
            let (part, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
            rest = after;
            Some(part)
        };
        let (head, env, pages, mut code) = (part()?, part()?, part()?, part()?);
        let head: Head = serde_json::from_slice(head).ok()?;
        if head.component.is_none() && !is_hex_of(&head.base, base) {
            return None;
        }
        let kept: Vec<(String, Kept)> = serde_json::from_slice(&sealer.open(version, 1, env)?).ok()?;
        let bindings = kept.into_iter().map(|(name, kept)| Some((name, unkeep(kept)?))).collect::<Option<_>>()?;
        let opened = if head.delta_is_secret { Some(sealer.open(version, 2, pages)?) } else { None };
        let pages = opened.as_deref().unwrap_or(pages);
        let delta = Arc::new(Delta::read(pages, head.wasm_pages)?);
        let mut modules = Modules::default();
        modules.evaluated = head.evaluated.iter().cloned().collect();
        modules.compatibility = Compatibility::of(&head.compatibility_date, &head.compatibility_flags);
        for (name, kind, len) in &head.modules {
            let (bytes, after) = code.split_at_checked(usize::try_from(*len).ok()?)?;
            modules.insert(name.clone(), *kind, Bytes::copy_from_slice(bytes));
            code = after;
        }
        Some(Self { head, bindings, delta, modules: Arc::new(modules) })
    }
}

/// Whether the text is what [`hex`] makes of these bytes.
fn is_hex_of(text: &str, bytes: &[u8]) -> bool {
    let digit = |value: u8| char::from_digit(u32::from(value), 16);
    let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    text.chars().map(Some).eq(digits)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keep(binding: &WorkerBinding) -> Kept {
    match binding {
        WorkerBinding::Text(text) => Kept::Text { text: text.clone() },
        WorkerBinding::Json(value) => Kept::Json { value: value.clone() },
        WorkerBinding::Secret(secret) => Kept::Secret { text: secret.expose().to_owned() },
        WorkerBinding::SecretKey { key, secret } => Kept::SecretKey {
            text: secret.expose().to_owned(),
            format: key.format.name().to_owned(),
            algorithm: key.algorithm.clone(),
            usages: key.usages.clone(),
        },
        WorkerBinding::Service { service, entrypoint, props } => {
            Kept::Service { service: service.to_string(), entrypoint: entrypoint.clone(), props: props.clone() }
        }
        WorkerBinding::DispatchNamespace { namespace, outbound } => Kept::DispatchNamespace {
            namespace: namespace.to_string(),
            outbound: outbound.as_ref().map(|outbound| KeptOutbound {
                service: outbound.service.to_string(),
                environment: outbound.environment.clone(),
                entrypoint: outbound.entrypoint.clone(),
                params: outbound.params.clone(),
            }),
        },
        WorkerBinding::VersionMetadata(value) => Kept::VersionMetadata { value: value.clone() },
        WorkerBinding::Assets { version } => Kept::Assets { version: version.simple() },
    }
}

fn unkeep(kept: Kept) -> Option<WorkerBinding> {
    use switchyard_catalog::{DispatchOutbound, KeyFormat, KeyInfo, NamespaceName, ScriptName, Secret};
    Some(match kept {
        Kept::Text { text } => WorkerBinding::Text(text),
        Kept::Json { value } => WorkerBinding::Json(value),
        Kept::Secret { text } => WorkerBinding::Secret(Secret::new(text)),
        Kept::SecretKey { text, format, algorithm, usages } => WorkerBinding::SecretKey {
            key: KeyInfo { format: KeyFormat::parse(&format)?, algorithm, usages },
            secret: Secret::new(text),
        },
        Kept::Service { service, entrypoint, props } => {
            WorkerBinding::Service { service: ScriptName::parse(&service).ok()?, entrypoint, props }
        }
        Kept::DispatchNamespace { namespace, outbound } => WorkerBinding::DispatchNamespace {
            namespace: NamespaceName::parse(&namespace).ok()?,
            outbound: match outbound {
                None => None,
                Some(kept) => Some(DispatchOutbound {
                    service: ScriptName::parse(&kept.service).ok()?,
                    environment: kept.environment,
                    entrypoint: kept.entrypoint,
                    params: kept.params,
                }),
            },
        },
        Kept::VersionMetadata { value } => WorkerBinding::VersionMetadata(value),
        Kept::Assets { version } => WorkerBinding::Assets { version: VersionId::parse(&version)? },
    })
}
