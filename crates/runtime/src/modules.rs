//! The modules of one Worker, and what an import specifier names among them (workerd-facts §A).

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use switchyard_catalog::{Code, CodeSyntax, Compatibility, ModuleKind};
use switchyard_js::PLATFORM;

use crate::node;

/// How the shim reads a module's bytes (ABI.md, Modules).
const ES_MODULE: i32 = 0;
const TEXT: i32 = 1;
const DATA: i32 = 2;
const JSON: i32 = 3;
const COMMONJS: i32 = 4;
const SCRIPT: i32 = 5;

/// Modules of the platform that tenants import, and their files.
const CLOUDFLARE: [(&str, &str); 3] = [
    ("cloudflare:workers", "cloudflare-workers.js"),
    ("cloudflare:sockets", "cloudflare-sockets.js"),
    ("cloudflare:workflows", "cloudflare-workflows.js"),
];

fn cloudflare(name: &str) -> Option<&'static str> {
    CLOUDFLARE.iter().find(|(known, _)| *known == name).map(|(_, file)| *file)
}

/// Names that begin so are the platform's: the engine trusts a module by its name.
const RESERVED: [&str; 4] = ["platform:", "switchyard:", "cloudflare:", "node:"];

/// Uploaded modules by name; platform modules are found beside them.
#[derive(Debug, Default, Clone)]
pub struct Modules {
    by_name: HashMap<String, (i32, Bytes)>,
    /// Names of those that were evaluated before, whose sources are not kept: a handler may import them again.
    pub evaluated: HashSet<String>,
    /// What the Worker's date and flags switch on: which of the platform's modules it can reach, among others.
    pub compatibility: Compatibility,
}

impl Modules {
    pub fn of(code: &Code, compatibility: Compatibility) -> Self {
        let by_name = code.modules.iter().filter_map(|module| {
            let kind = match module.kind {
                // A service worker is one script; it imports nothing, whatever lies beside it.
                _ if code.syntax == CodeSyntax::ServiceWorker && module.name == code.entry => SCRIPT,
                ModuleKind::EsModule => ES_MODULE,
                ModuleKind::Text => TEXT,
                ModuleKind::Data => DATA,
                ModuleKind::Json => JSON,
                // Kept for the API; the catalog refuses to run the others.
                ModuleKind::CommonJs => COMMONJS,
                ModuleKind::SourceMap | ModuleKind::Wasm => return None,
            };
            // Never found, so never trusted.
            let reserved = RESERVED.iter().any(|prefix| module.name.starts_with(prefix));
            (!reserved).then(|| (module.name.clone(), (kind, module.content.clone())))
        });
        Self { by_name: by_name.collect(), evaluated: HashSet::new(), compatibility }
    }

    /// Canonical name of what `referrer` imports as `specifier`; or the name under which it was
    /// sought, for the message.
    pub fn resolve(&self, specifier: &str, referrer: &str) -> Result<String, String> {
        if let Some(folder) = platform_folder(referrer) {
            let known = node::file(specifier).is_some();
            if known || specifier == "switchyard:host" || cloudflare(specifier).is_some() {
                return Ok(specifier.to_owned());
            }
            let name = match specifier.strip_prefix("platform:") {
                Some(file) => format!("platform:{file}"),
                None => format!("platform:{}", join(&folder, specifier)),
            };
            return platform(&name).map(|_| name).ok_or_else(|| specifier.to_owned());
        }
        if cloudflare(specifier).is_some() {
            return Ok(specifier.to_owned());
        }
        if node::file(specifier).is_some() && node::is_reachable(specifier, &self.compatibility) {
            return Ok(specifier.to_owned());
        }
        let folder = referrer.rfind('/').map_or("", |slash| &referrer[..=slash]);
        let relative = specifier.starts_with("./") || specifier.starts_with("../");
        let name = if relative { join(folder, specifier) } else { join("", specifier.trim_start_matches('/')) };
        // An uploaded name may itself begin with `./`; a bare one may stand for its sibling.
        let candidates = [name.clone(), specifier.to_owned(), join(folder, specifier)];
        if let Some(name) =
            candidates.into_iter().find(|name| self.by_name.contains_key(name) || self.evaluated.contains(name))
        {
            return Ok(name);
        }
        // A bare name is the node module's where nothing that was uploaded has it.
        let prefixed = format!("node:{specifier}");
        let reachable = node::file(&prefixed).is_some() && node::is_reachable_bare(&prefixed, &self.compatibility);
        if reachable {
            Ok(prefixed)
        } else if specifier.starts_with('/') || specifier.contains(':') {
            Err(name)
        } else {
            Err(join(folder, specifier))
        }
    }

    /// Kind and bytes of a module by its canonical name.
    pub fn source(&self, name: &str) -> Option<(i32, Bytes)> {
        if let Some(file) = cloudflare(name) {
            return platform(&format!("platform:{file}")).map(|source| (ES_MODULE, source));
        }
        if let Some(file) = node::file(name) {
            return platform(&format!("platform:{file}")).map(|source| (ES_MODULE, source));
        }
        if name.starts_with("platform:") {
            return platform(name).map(|source| (ES_MODULE, source));
        }
        self.by_name.get(name).cloned()
    }

    /// Modules other than those: what a dynamic import in a handler could still want.
    pub fn without(&self, loaded: &HashSet<String>) -> Self {
        let rest = self.by_name.iter().filter(|(name, _)| !loaded.contains(*name));
        let by_name = rest.map(|(name, module)| (name.clone(), module.clone())).collect();
        let evaluated = self.by_name.keys().filter(|name| loaded.contains(*name)).cloned().collect();
        Self { by_name, evaluated, compatibility: self.compatibility }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, i32, &Bytes)> {
        self.by_name.iter().map(|(name, (kind, bytes))| (name.as_str(), *kind, bytes))
    }

    pub fn insert(&mut self, name: String, kind: i32, bytes: Bytes) {
        self.by_name.insert(name, (kind, bytes));
    }

    /// Bytes held.
    pub fn size(&self) -> usize {
        let evaluated: usize = self.evaluated.iter().map(String::len).sum();
        self.by_name.iter().map(|(name, (_, bytes))| name.len() + bytes.len()).sum::<usize>() + evaluated
    }
}

fn platform(name: &str) -> Option<Bytes> {
    PLATFORM.iter().find(|(known, _)| *known == name).map(|(_, source)| Bytes::from_static(source.as_bytes()))
}

/// Folder of a platform module's file, empty or ending in a slash; `None` for a module that was uploaded.
fn platform_folder(name: &str) -> Option<String> {
    let file = match cloudflare(name) {
        Some(file) => file.to_owned(),
        None => name.strip_prefix("platform:").map(str::to_owned).or_else(|| node::file(name))?,
    };
    Some(file.rfind('/').map_or_else(String::new, |slash| file[..=slash].to_owned()))
}

/// `specifier` as seen from `folder` (empty, or ending in a slash), with `.` and `..` resolved.
fn join(folder: &str, specifier: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(specifier.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_resolve_relative_to_the_importer() {
        let mut modules = Modules::default();
        for name in ["index.js", "lib/a.js", "lib/b.js", "lib/deep/c.js"] {
            modules.insert(name.into(), ES_MODULE, Bytes::new());
        }
        for (specifier, referrer, wanted) in [
            ("./lib/a.js", "index.js", Ok("lib/a.js")),
            ("lib/a.js", "index.js", Ok("lib/a.js")),
            ("/lib/a.js", "lib/b.js", Ok("lib/a.js")),
            ("./a.js", "lib/b.js", Ok("lib/a.js")),
            ("a.js", "lib/b.js", Ok("lib/a.js")),
            ("../b.js", "lib/deep/c.js", Ok("lib/b.js")),
            ("../../../index.js", "lib/deep/c.js", Ok("index.js")),
            ("cloudflare:workers", "index.js", Ok("cloudflare:workers")),
            ("./nope.js", "lib/a.js", Err("lib/nope.js")),
            ("node:fs", "index.js", Err("node:fs")),
            ("switchyard:host", "index.js", Err("switchyard:host")),
            ("node:util", "index.js", Err("node:util")),
            ("node:process", "index.js", Ok("node:process")),
            ("./internal/errors.js", "node:util", Ok("platform:node/internal/errors.js")),
            ("../internal/errors.js", "node:util/types", Ok("platform:node/internal/errors.js")),
            ("../errors.js", "node:util", Ok("platform:errors.js")),
            ("node:util", "platform:node/internal/mime.js", Ok("node:util")),
            ("platform:main.js", "index.js", Err("platform:main.js")),
            ("./index.js?x", "index.js", Err("index.js?x")),
        ] {
            let got = modules.resolve(specifier, referrer);
            assert_eq!(got.as_deref().map_err(|name| name.as_str()), wanted, "{specifier} from {referrer}");
        }
    }
}
