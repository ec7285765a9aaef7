//! SQLite against the suite, and what only a file can get wrong.

use std::{path::Path, sync::Arc};

use switchyard_catalog::*;
use switchyard_storage::{OpenError, SecretKey, SqliteStorage};
use tempfile::TempDir;

use crate::{sample, suite::storage_suite};

storage_suite!(crate::sqlite::fixture);

pub async fn fixture() -> (Arc<dyn Storage>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path()).await.unwrap();
    storage.account_put(&Account { id: sample::account(), name: "Sample".to_owned() }).await.unwrap();
    (Arc::new(storage), dir)
}

pub async fn open(dir: &Path) -> Result<SqliteStorage, OpenError> {
    SqliteStorage::open(dir, SecretKey::load_or_create(&dir.join("secret.key"))?).await
}

fn with_secret(name: &str, value: &str) -> (Publish, SecretId) {
    let mut publish = sample::publish(Scope::Account, name);
    let secret = SecretId::random();
    publish.version.secrets.push((secret, Secret::new(value.to_owned())));
    publish.version.version.bindings.push(sample::binding("KEY", BindingKind::SecretText { secret }));
    (publish, secret)
}

#[tokio::test]
async fn rows_are_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path()).await.unwrap();
    storage.account_put(&Account { id: sample::account(), name: "Sample".to_owned() }).await.unwrap();
    let (publish, secret) = with_secret("a", "value");
    storage.script_publish(&publish).await.unwrap();
    let before = storage.routes_load().await.unwrap();
    storage.close().await;
    let storage = open(dir.path()).await.unwrap();
    assert_eq!(storage.routes_load().await.unwrap(), before);
    let loaded = storage.secrets_load(&[secret]).await.unwrap();
    assert_eq!(loaded[0].1.expose(), "value");
}

#[tokio::test]
async fn secrets_are_never_in_plaintext_in_the_files() {
    let marker = "MARKER-5b1f0c9e-SECRET";
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path()).await.unwrap();
    storage.account_put(&Account { id: sample::account(), name: "Sample".to_owned() }).await.unwrap();
    let (publish, _) = with_secret("visible-name", marker);
    storage.script_publish(&publish).await.unwrap();
    let holds = |text: &str| {
        std::fs::read_dir(dir.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    };
    assert!(holds("visible-name"), "the files are those that hold the rows");
    assert!(!holds(marker));
    storage.close().await;
    assert!(holds("visible-name"));
    assert!(!holds(marker));
}

#[tokio::test]
async fn another_key_is_refused_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path()).await.unwrap();
    storage.account_put(&Account { id: sample::account(), name: "Sample".to_owned() }).await.unwrap();
    storage.script_publish(&with_secret("a", "value").0).await.unwrap();
    storage.close().await;
    let other = SecretKey::parse(&"ab".repeat(32)).unwrap();
    let refused = SqliteStorage::open(dir.path(), other).await;
    let Err(error @ OpenError::WrongSecretKey { .. }) = refused else { panic!("it was opened") };
    assert!(error.to_string().contains("catalog.sqlite"), "{error}");
}

#[tokio::test]
async fn a_long_list_pages_through() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path()).await.unwrap();
    storage.account_put(&Account { id: sample::account(), name: "Sample".to_owned() }).await.unwrap();
    let namespace = sample::namespace("prod");
    storage.namespace_create(&namespace).await.unwrap();
    for n in 0..2_500 {
        let publish = sample::publish(Scope::Namespace(namespace.id), &format!("customer-{n:05}"));
        storage.script_publish(&publish).await.unwrap();
    }
    let scope = Scope::Namespace(namespace.id);
    let (mut after, mut seen) = (None, 0);
    loop {
        let none = ScriptFilter::default();
        let page = storage.script_list(&sample::account(), scope, &none, after.as_ref(), 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.script.name.clone());
        seen += page.len();
    }
    assert_eq!(seen, 2_500);
}
