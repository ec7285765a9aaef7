//! Secret values.

use switchyard_catalog::*;

use crate::sample;

fn with_secret(mut publish: Publish, name: &str, value: &str) -> (Publish, SecretId) {
    let secret = SecretId::random();
    publish.version.secrets.push((secret, Secret::new(value.to_owned())));
    publish.version.version.bindings.push(sample::binding(name, BindingKind::SecretText { secret }));
    (publish, secret)
}

pub async fn secrets_round_trip(storage: &dyn Storage) {
    let values = ["", "plain", "zero \0 and 🦀", &"x".repeat(5_120)];
    let mut publish = sample::publish(Scope::Account, "a");
    let mut expected = Vec::new();
    for (n, value) in values.iter().enumerate() {
        let secret;
        (publish, secret) = with_secret(publish, &format!("S{n}"), value);
        expected.push((secret, Secret::new((*value).to_owned())));
    }
    storage.script_publish(&publish).await.unwrap();
    let mut ids: Vec<_> = expected.iter().map(|(id, _)| *id).collect();
    ids.push(SecretId::random());
    let mut loaded = storage.secrets_load(&ids).await.unwrap();
    loaded.sort_by_key(|(id, _)| ids.iter().position(|known| known == id));
    assert!(loaded == expected, "values differ");
    assert!(storage.secrets_load(&[]).await.unwrap().is_empty());
    assert!(!format!("{publish:?}").contains("plain"), "a secret can not be printed");
}

pub async fn secrets_go_with_their_last_version(storage: &dyn Storage) {
    let (first, old) = with_secret(sample::publish(Scope::Account, "a"), "KEY", "old");
    storage.script_publish(&first).await.unwrap();
    let (second, new) = with_secret(sample::next(&first, "two"), "KEY", "new");
    storage.script_publish(&second).await.unwrap();
    assert_eq!(storage.secrets_load(&[old, new]).await.unwrap().len(), 2);
    let mut third = sample::next(&second, "three");
    third.version.version.bindings.push(sample::binding("KEY", BindingKind::SecretText { secret: new }));
    third.keep_versions = 1;
    storage.script_publish(&third).await.unwrap();
    let left = storage.secrets_load(&[old, new]).await.unwrap();
    assert!(left == [(new, Secret::new("new".to_owned()))]);
    storage.script_delete(&[first.script.id]).await.unwrap();
    assert!(storage.secrets_load(&[new]).await.unwrap().is_empty());
}

pub async fn destroyed_secret_is_gone_everywhere(storage: &dyn Storage) {
    let (first, secret) = with_secret(sample::publish(Scope::Account, "a"), "KEY", "value");
    storage.script_publish(&first).await.unwrap();
    let (other, foreign) = with_secret(sample::publish(Scope::Account, "b"), "KEY", "value");
    storage.script_publish(&other).await.unwrap();
    let mut second = sample::next(&first, "two");
    second.destroy_secrets = vec![secret, foreign];
    storage.script_publish(&second).await.unwrap();
    let left = storage.secrets_load(&[secret, foreign]).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].0, foreign, "only a script's own secrets can be destroyed with it");
    let old = storage.version_find(first.version.version.id).await.unwrap().unwrap();
    assert_eq!(old, first.version.version, "the old version stays, without the value");
}

pub async fn publish_naming_a_missing_secret_is_gone(storage: &dyn Storage) {
    let mut publish = sample::publish(Scope::Account, "a");
    let kind = BindingKind::SecretText { secret: SecretId::random() };
    publish.version.version.bindings.push(sample::binding("KEY", kind));
    assert!(matches!(storage.script_publish(&publish).await, Err(StorageError::Gone(_))));
}
