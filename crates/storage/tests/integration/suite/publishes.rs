//! The transaction of an upload.

use std::collections::HashSet;

use switchyard_catalog::*;

use crate::sample;

async fn find(storage: &dyn Storage, publish: &Publish) -> Option<ScriptRow> {
    storage.script_find(&sample::account(), publish.script.scope, &publish.script.name).await.unwrap()
}

pub async fn publish_counts_versions(storage: &dyn Storage) {
    let first = sample::publish(Scope::Account, "a");
    storage.script_publish(&first).await.unwrap();
    let second = sample::next(&first, "two");
    storage.script_publish(&second).await.unwrap();
    let row = find(storage, &first).await.unwrap();
    assert_eq!(row.deployed.as_deref(), Some(&second.version.version));
    assert_eq!(row.latest, row.deployed);
    assert_eq!(row.script, second.script);
    let versions = storage.version_list(first.script.id, 10).await.unwrap();
    assert_eq!(versions, [second.version.version.clone(), first.version.version.clone()]);
    assert_eq!(storage.version_list(first.script.id, 1).await.unwrap(), [second.version.version]);
}

pub async fn publish_on_an_old_base_conflicts(storage: &dyn Storage) {
    let first = sample::publish(Scope::Account, "a");
    storage.script_publish(&first).await.unwrap();
    let mut winner = sample::next(&first, "winner");
    let mut loser = sample::next(&first, "loser");
    // Even if the time should be the same by accident, the base is not.
    winner.script.modified_on = first.script.modified_on;
    storage.script_publish(&winner).await.unwrap();
    loser.seen = Some(winner.script.modified_on);
    assert!(matches!(storage.script_publish(&loser).await, Err(StorageError::Conflict)));
    assert_eq!(find(storage, &first).await.unwrap().deployed.unwrap().id, winner.version.version.id);
}

pub async fn publish_after_a_change_of_tags_conflicts(storage: &dyn Storage) {
    let first = sample::publish(Scope::Account, "a");
    storage.script_publish(&first).await.unwrap();
    let late = sample::next(&first, "late");
    let mut tagged = first.script.clone();
    tagged.tags = sample::tags(&["new"]);
    tagged.modified_on = Timestamp::from_micros(first.script.modified_on.micros() + 5);
    storage.script_update(&tagged, first.script.modified_on).await.unwrap();
    assert!(matches!(storage.script_publish(&late).await, Err(StorageError::Conflict)));
    assert_eq!(find(storage, &first).await.unwrap().script.tags, tagged.tags);
}

pub async fn publish_of_a_taken_name_conflicts(storage: &dyn Storage) {
    storage.script_publish(&sample::publish(Scope::Account, "a")).await.unwrap();
    let twin = sample::publish(Scope::Account, "a");
    assert!(matches!(storage.script_publish(&twin).await, Err(StorageError::Conflict)));
}

pub async fn publish_into_a_deleted_namespace_is_gone(storage: &dyn Storage) {
    let publish = sample::publish(Scope::Namespace(NamespaceId::random()), "a");
    assert!(matches!(storage.script_publish(&publish).await, Err(StorageError::Gone(_))));
    assert_eq!(storage.version_find(publish.version.version.id).await.unwrap(), None);
}

pub async fn publish_of_a_deleted_script_is_gone(storage: &dyn Storage) {
    let first = sample::publish(Scope::Account, "a");
    storage.script_publish(&first).await.unwrap();
    storage.script_delete(&[first.script.id]).await.unwrap();
    let late = sample::next(&first, "late");
    assert!(matches!(storage.script_publish(&late).await, Err(StorageError::Gone(_))));
    assert_eq!(find(storage, &first).await, None);
}

pub async fn refused_publish_leaves_nothing(storage: &dyn Storage) {
    let first = sample::publish(Scope::Account, "a");
    storage.script_publish(&first).await.unwrap();
    let (revision, routes) = storage.routes_load().await.unwrap();
    let mut late = sample::next(&first, "late");
    let secret = SecretId::random();
    late.version.secrets.push((secret, Secret::new("v".to_owned())));
    late.script.tags = sample::tags(&["late"]);
    // The last thing that can be wrong: a secret that is not there.
    let missing = BindingKind::SecretText { secret: SecretId::random() };
    late.version.version.bindings.push(sample::binding("KEY", missing));
    assert!(storage.script_publish(&late).await.is_err());
    assert_eq!(find(storage, &first).await.unwrap().script, first.script);
    assert_eq!(storage.version_find(late.version.version.id).await.unwrap(), None);
    assert!(storage.secrets_load(&[secret]).await.unwrap().is_empty());
    assert_eq!(storage.routes_load().await.unwrap(), (revision, routes));
}

pub async fn undeployed_version_leaves_the_deployment(storage: &dyn Storage) {
    let first = sample::publish(Scope::Account, "a");
    storage.script_publish(&first).await.unwrap();
    let mut second = sample::next(&first, "two");
    second.deployment = None;
    storage.script_publish(&second).await.unwrap();
    let row = find(storage, &first).await.unwrap();
    assert_eq!(*row.deployed.unwrap(), first.version.version);
    assert_eq!(*row.latest.unwrap(), second.version.version);

    let mut never = sample::publish(Scope::Account, "never");
    never.deployment = None;
    storage.script_publish(&never).await.unwrap();
    let row = find(storage, &never).await.unwrap();
    assert_eq!((row.deployed, row.latest.as_deref()), (None, Some(&never.version.version)));
    assert_eq!(storage.route_find(never.script.id).await.unwrap(), None);
}

pub async fn old_versions_are_pruned_and_deployed_ones_stay(storage: &dyn Storage) {
    let first = sample::publish(Scope::Account, "a");
    storage.script_publish(&first).await.unwrap();
    let mut last = first.clone();
    for n in 2..=7 {
        let mut publish = sample::next(&last, &format!("v{n}"));
        publish.deployment = None;
        publish.keep_versions = 3;
        storage.script_publish(&publish).await.unwrap();
        last = publish;
    }
    let numbers = |versions: Vec<Version>| versions.iter().map(|v| v.number).collect::<Vec<_>>();
    assert_eq!(numbers(storage.version_list(first.script.id, 100).await.unwrap()), [7, 6, 5, 1]);
    let mut publish = sample::next(&last, "v8");
    publish.keep_versions = 3;
    storage.script_publish(&publish).await.unwrap();
    assert_eq!(numbers(storage.version_list(first.script.id, 100).await.unwrap()), [8, 7, 6]);
    assert_eq!(storage.version_find(first.version.version.id).await.unwrap(), None);
}

pub async fn one_of_many_at_once_wins(storage: &dyn Storage) {
    let first = sample::publish(Scope::Account, "a");
    storage.script_publish(&first).await.unwrap();
    let candidates: Vec<_> = (0..10).map(|n| sample::next(&first, &format!("c{n}"))).collect();
    let results = futures_util::future::join_all(candidates.iter().map(|c| storage.script_publish(c))).await;
    let won: Vec<_> = candidates.iter().zip(&results).filter(|(_, result)| result.is_ok()).collect();
    assert_eq!(won.len(), 1);
    assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(StorageError::Conflict))));
    let row = find(storage, &first).await.unwrap();
    assert_eq!(*row.deployed.unwrap(), won[0].0.version.version);

    let twins: Vec<_> = (0..5).map(|_| sample::publish(Scope::Account, "new")).collect();
    let results = futures_util::future::join_all(twins.iter().map(|c| storage.script_publish(c))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

pub async fn blobs_in_use_follow_versions(storage: &dyn Storage) {
    let mut first = sample::publish(Scope::Account, "a");
    let mut two_modules = sample::code("one");
    let twin = Module { name: "twin.js".to_owned(), ..two_modules.modules[0].clone() };
    two_modules.modules.push(twin);
    first.version.version.code = two_modules.manifest();
    storage.script_publish(&first).await.unwrap();
    let digests = |sources: &[&str]| -> HashSet<BlobDigest> {
        sources.iter().map(|source| BlobDigest::of(source.as_bytes())).collect()
    };
    assert_eq!(storage.blobs_in_use().await.unwrap(), digests(&["one"]));
    let mut second = sample::next(&first, "two");
    second.keep_versions = 1;
    storage.script_publish(&second).await.unwrap();
    assert_eq!(storage.blobs_in_use().await.unwrap(), digests(&["two"]));
    storage.script_delete(&[first.script.id]).await.unwrap();
    assert!(storage.blobs_in_use().await.unwrap().is_empty());
}
