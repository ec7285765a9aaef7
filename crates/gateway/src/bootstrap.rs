//! What a node makes at start if it is not there: an account, an API token, namespaces, and in
//! development three sample Workers. Idempotent: a second start goes on where the first ended.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use bytes::Bytes;
use switchyard_catalog::{
    Access, AccountId, Actor, BindingKind, BindingName, Catalog, CatalogError, Code, CodeSyntax, Module, ModuleKind,
    NameError, NamespaceName, NewBinding, NewBindingKind, NewScript, ScriptName, ScriptRef, TokenScope,
};

use crate::config;
use crate::ids;

#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    #[error("the bootstrap account {0:?} is not valid")]
    Account(String),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("could not {action} {path}")]
    File { action: &'static str, path: String, source: io::Error },
    #[error("the variable {0}, which should hold the API token, is not set, or empty")]
    Variable(String),
    #[error("could not {action}")]
    Catalog { action: String, source: CatalogError },
}

/// Who may use the API of a node that was bootstrapped.
#[derive(Debug, Clone)]
pub struct Bootstrapped {
    pub actor: Actor,
    pub token: String,
}

const SAMPLES: [(&str, &str); 3] = [
    ("hello", include_str!("../samples/hello.js")),
    ("echo", include_str!("../samples/echo.js")),
    ("fetcher", include_str!("../samples/fetcher.js")),
];

/// Names of the sample Workers.
pub fn sample_names() -> impl Iterator<Item = &'static str> {
    SAMPLES.into_iter().map(|(name, _)| name)
}

/// Account, token and namespaces. `None`: the configuration asks for nothing.
///
/// # Errors
/// [`BootstrapError`].
pub async fn bootstrap(
    catalog: &Catalog,
    config: &config::Bootstrap,
    data: &Path,
) -> Result<Option<Bootstrapped>, BootstrapError> {
    if config.account.is_empty() {
        return Ok(None);
    }
    let failed = |action: &str| {
        let action = action.to_owned();
        move |source| BootstrapError::Catalog { action, source }
    };
    let account = AccountId::parse(&config.account).ok_or_else(|| BootstrapError::Account(config.account.clone()))?;
    match catalog.account_find(&account).await {
        // Its name may have been changed since.
        Ok(_) => {}
        Err(CatalogError::AccountNotFound) => {
            let made = catalog.account_ensure(&account, &config.account_name).await;
            made.map_err(failed("make the account"))?;
        }
        Err(error) => return Err(failed("read the accounts")(error)),
    }
    let token = token(config, data)?;
    let known = catalog.token_ensure(&account, &token, "bootstrap", Access::Write, TokenScope::Admin).await;
    let known = known.map_err(failed("keep the API token"))?;
    if known.revoked_on.is_some() {
        tracing::warn!(
            "the bootstrap token was revoked or rolled and is refused; to get another, remove the token's file and start again"
        );
    }
    let actor = Actor { account, token_id: known.id, scope: TokenScope::Admin, plan: None };
    for name in &config.namespaces {
        let name = NamespaceName::parse(name)?;
        catalog.namespace_ensure(&actor, &name).await.map_err(failed("make a namespace"))?;
    }
    Ok(Some(Bootstrapped { actor, token }))
}

/// Uploads the sample Workers as anyone would, those that are not there.
///
/// # Errors
/// [`BootstrapError`].
pub async fn samples(catalog: &Catalog, actor: &Actor, namespace: &str) -> Result<(), BootstrapError> {
    let namespace = NamespaceName::parse(namespace)?;
    for (name, source) in SAMPLES {
        let name = ScriptName::parse(name)?;
        let script = ScriptRef { account: actor.account.clone(), namespace: Some(namespace.clone()), name };
        let failed = |source| BootstrapError::Catalog { action: format!("upload the sample {}", script.name), source };
        match catalog.script_find(actor, &script).await {
            Ok(_) => continue,
            Err(CatalogError::ScriptNotFound) => {}
            Err(error) => return Err(failed(error)),
        }
        catalog.script_upload(actor, &script, sample(source)?).await.map_err(failed)?;
    }
    Ok(())
}

fn sample(source: &'static str) -> Result<NewScript, BootstrapError> {
    let module =
        Module { name: "index.js".into(), kind: ModuleKind::EsModule, content: Bytes::from_static(source.as_bytes()) };
    let greeting = BindingKind::PlainText { text: "Hello from Switchyard!".into() };
    Ok(NewScript {
        code: Some(Code {
            syntax: CodeSyntax::Modules,
            entry: module.name.clone(),
            modules: vec![module],
            upstream: None,
        }),
        bindings: vec![NewBinding { name: BindingName::parse("GREETING")?, kind: NewBindingKind::Kind(greeting) }],
        compatibility_date: Some("2026-01-01".into()),
        source: "sample".into(),
        ..NewScript::default()
    })
}

fn token(config: &config::Bootstrap, data: &Path) -> Result<String, BootstrapError> {
    if let Some(token) = &config.token {
        return Ok(token.clone());
    }
    if let Some(variable) = &config.token_env {
        // Secrets that are files end with a line end, also where they are handed on in a variable.
        let token = std::env::var(variable).ok().map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        return token.ok_or_else(|| BootstrapError::Variable(variable.clone()));
    }
    private_file(&data.join(&config.token_file), || ids::token() + "\n").map(|text| text.trim().to_owned())
}

/// The text of a file that only this user may read; made with `text` if it is not there. It appears
/// whole or not at all.
///
/// # Errors
/// [`BootstrapError::File`].
pub fn private_file(path: &Path, text: impl FnOnce() -> String) -> Result<String, BootstrapError> {
    let failed = |action| move |source| BootstrapError::File { action, path: path.display().to_string(), source };
    match fs::read_to_string(path) {
        Ok(text) => return Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("read")(error)),
    }
    let text = text();
    replace_private_file(path, &text).map_err(failed("make"))?;
    Ok(text)
}

/// Writes a file that only this user may read; what was there is replaced, whole or not at all.
///
/// # Errors
/// What the file system says.
pub fn replace_private_file(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    // An old draft may have had another mode.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

/// 32 random bytes of this node, for the MACs of what it made itself.
///
/// # Errors
/// [`BootstrapError::File`], also when the file does not hold 64 hex digits.
pub fn node_key(path: &Path) -> Result<[u8; 32], BootstrapError> {
    let text = private_file(path, || {
        let bytes: [u8; 32] = ids::secret();
        bytes.iter().map(|byte| format!("{byte:02x}")).chain(["\n".into()]).collect()
    })?;
    let text = text.trim();
    let wrong = || BootstrapError::File {
        action: "understand the key in",
        path: path.display().to_string(),
        source: io::Error::new(io::ErrorKind::InvalidData, "a key is 64 hex digits"),
    };
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_tokens_are_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        let key = node_key(&path).unwrap();
        assert_eq!(node_key(&path).unwrap(), key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "nonsense").unwrap();
        assert!(node_key(&path).is_err());
    }
}
