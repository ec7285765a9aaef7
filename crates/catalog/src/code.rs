//! Code as uploaded: modules, and the manifest by which a version names them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Upstream;

/// SHA-256 of a blob's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobDigest(pub [u8; 32]);

impl BlobDigest {
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut out = [0; 32];
        out.copy_from_slice(digest.as_ref());
        Self(out)
    }

    /// 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        use std::fmt::Write;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub fn parse(hex: &str) -> Option<Self> {
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(out))
    }
}

impl std::fmt::Debug for BlobDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex())
    }
}

/// How a module's bytes are read (contract §3.3, part content types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleKind {
    EsModule,
    CommonJs,
    Text,
    Data,
    Json,
    Wasm,
    /// Stored and given back, never run.
    SourceMap,
}

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// As uploaded; may hold `/`. Unique in its code.
    pub name: String,
    pub kind: ModuleKind,
    pub content: Bytes,
}

/// How the entry is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeSyntax {
    /// `export default { fetch }`; the entry is `main_module`.
    Modules,
    /// `addEventListener("fetch", …)`; the entry is `body_part`.
    ServiceWorker,
}

/// All the code of one version, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub syntax: CodeSyntax,
    /// Name of the module that is started.
    pub entry: String,
    pub modules: Vec<Module>,
    /// Instead of modules: where requests are proxied to.
    pub upstream: Option<Upstream>,
}

/// One module as a version's row names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModuleEntry {
    pub name: String,
    pub kind: ModuleKind,
    pub digest: BlobDigest,
    /// Bytes.
    pub size: u64,
}

/// What a version's row says of its code; the bytes are blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeManifest {
    pub syntax: CodeSyntax,
    pub entry: String,
    pub modules: Vec<ModuleEntry>,
    /// Instead of modules.
    pub upstream: Option<Upstream>,
}

impl Code {
    /// That of a version that has assets alone.
    pub fn none() -> Self {
        Self { syntax: CodeSyntax::Modules, entry: String::new(), modules: Vec::new(), upstream: None }
    }

    /// That of a version that is an origin.
    pub fn of_upstream(upstream: Upstream) -> Self {
        Self { upstream: Some(upstream), ..Self::none() }
    }

    pub fn manifest(&self) -> CodeManifest {
        let modules = self.modules.iter().map(|module| ModuleEntry {
            name: module.name.clone(),
            kind: module.kind,
            digest: BlobDigest::of(&module.content),
            size: module.content.len() as u64,
        });
        CodeManifest {
            syntax: self.syntax,
            entry: self.entry.clone(),
            modules: modules.collect(),
            upstream: self.upstream.clone(),
        }
    }
}

impl CodeManifest {
    /// The script's `etag`: a digest of names, kinds and contents, the order of upload included; of an
    /// upstream, of all that it says.
    pub fn digest(&self) -> BlobDigest {
        let mut text = format!("{:?}\n{}\n", self.syntax, self.entry);
        for module in &self.modules {
            text += &format!("{:?} {:?} {}\n", module.name, module.kind, module.digest.hex());
        }
        if let Some(upstream) = &self.upstream {
            text += &format!("{upstream:?}\n");
        }
        BlobDigest::of(text.as_bytes())
    }
}
