//! What is live.

use switchyard_catalog::*;

use crate::sample;

async fn two_versions(storage: &dyn Storage) -> (Publish, Publish) {
    let first = sample::publish(Scope::Account, "a");
    storage.script_publish(&first).await.unwrap();
    let second = sample::next(&first, "two");
    storage.script_publish(&second).await.unwrap();
    (first, second)
}

pub async fn deployment_splits_and_rolls_back(storage: &dyn Storage) {
    let (first, second) = two_versions(storage).await;
    let script = first.script.id;
    let (one, two) = (first.version.version.id, second.version.version.id);
    let split = sample::deployment(script, &[(two, 10.5), (one, 89.5)]);
    storage.deployment_create(&split).await.unwrap();
    assert_eq!(storage.route_find(script).await.unwrap().unwrap().versions, split.versions);
    let row = storage.script_find(&sample::account(), Scope::Account, &first.script.name).await.unwrap().unwrap();
    assert_eq!(row.deployed.unwrap().id, one, "the larger share");
    assert_eq!(row.latest.unwrap().id, two);

    let back = sample::deployment(script, &[(one, 100.0)]);
    storage.deployment_create(&back).await.unwrap();
    assert_eq!(storage.route_find(script).await.unwrap().unwrap().versions, back.versions);
    let list = storage.deployment_list(script, 10).await.unwrap();
    let expected = [back, split, second.deployment.unwrap(), first.deployment.unwrap()];
    assert_eq!(list, expected);
    assert_eq!(storage.deployment_list(script, 1).await.unwrap(), expected[..1]);
}

pub async fn deployment_of_a_foreign_version_is_gone(storage: &dyn Storage) {
    let (first, second) = two_versions(storage).await;
    let other = sample::publish(Scope::Account, "other");
    storage.script_publish(&other).await.unwrap();
    for version in [VersionId::random(), other.version.version.id] {
        let wrong = sample::deployment(first.script.id, &[(version, 100.0)]);
        assert!(matches!(storage.deployment_create(&wrong).await, Err(StorageError::Gone("the version"))));
    }
    let nowhere = sample::deployment(ScriptId::random(), &[(second.version.version.id, 100.0)]);
    assert!(matches!(storage.deployment_create(&nowhere).await, Err(StorageError::Gone("the script"))));
    let route = storage.route_find(first.script.id).await.unwrap().unwrap();
    assert_eq!(route.versions[0].version, second.version.version.id);
}

pub async fn deployment_moves_modified_on(storage: &dyn Storage) {
    let (first, second) = two_versions(storage).await;
    let mut back = sample::deployment(first.script.id, &[(first.version.version.id, 100.0)]);
    // A clock that went back: the time of the script still grows.
    back.created_on = Timestamp::from_micros(1);
    storage.deployment_create(&back).await.unwrap();
    let row = storage.script_find(&sample::account(), Scope::Account, &first.script.name).await.unwrap().unwrap();
    assert!(row.script.modified_on > second.script.modified_on);
    let late = sample::next(&second, "late");
    assert!(matches!(storage.script_publish(&late).await, Err(StorageError::Conflict)));
}

pub async fn history_is_bounded(storage: &dyn Storage) {
    let (first, _) = two_versions(storage).await;
    let mut last = None;
    for _ in 0..110 {
        let deployment = sample::deployment(first.script.id, &[(first.version.version.id, 100.0)]);
        storage.deployment_create(&deployment).await.unwrap();
        last = Some(deployment);
    }
    let list = storage.deployment_list(first.script.id, 1_000).await.unwrap();
    assert!((10..=100).contains(&list.len()), "{}", list.len());
    assert_eq!(list.first(), last.as_ref());
}
