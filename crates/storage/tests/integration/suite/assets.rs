//! Static assets: rows by owner and hash, and what versions name of them.

use std::collections::HashSet;

use switchyard_catalog::*;

use crate::sample;

fn asset(byte: u8, content_type: Option<&str>) -> Asset {
    Asset {
        hash: AssetHash([byte; 16]),
        digest: BlobDigest([byte; 32]),
        size: u64::from(byte),
        content_type: content_type.map(str::to_owned),
    }
}

fn owner(scope: Scope) -> AssetOwner {
    AssetOwner { account: sample::account(), scope }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

const HOUR: i64 = 3_600_000_000;

pub async fn asset_round_trips(storage: &dyn Storage) {
    let owner = owner(Scope::Account);
    let (first, second) = (asset(1, Some("text/html; charset=utf-8")), asset(2, None));
    storage.asset_put(&owner, &first, at(0)).await.unwrap();
    storage.asset_put(&owner, &second, at(0)).await.unwrap();
    let mut found = storage.assets_claim(&owner, &[second.hash, AssetHash([9; 16]), first.hash], at(0)).await.unwrap();
    found.sort_by_key(|asset| asset.hash);
    assert_eq!(found, [first.clone(), second]);
    // The first under a hash stays, whatever comes later.
    let other = Asset { digest: BlobDigest([7; 32]), ..first.clone() };
    storage.asset_put(&owner, &other, at(0)).await.unwrap();
    assert_eq!(storage.assets_claim(&owner, &[first.hash], at(0)).await.unwrap(), [first]);
    assert_eq!(storage.assets_claim(&owner, &[], at(0)).await.unwrap(), []);
}

pub async fn assets_are_shared_within_their_owner_alone(storage: &dyn Storage) {
    let namespaces = [sample::namespace("a"), sample::namespace("b")];
    for namespace in &namespaces {
        storage.namespace_create(namespace).await.unwrap();
    }
    let owners =
        [owner(Scope::Account), owner(Scope::Namespace(namespaces[0].id)), owner(Scope::Namespace(namespaces[1].id))];
    let hash = asset(1, None).hash;
    storage.asset_put(&owners[1], &asset(1, None), at(0)).await.unwrap();
    assert_eq!(storage.assets_claim(&owners[0], &[hash], at(0)).await.unwrap(), []);
    assert_eq!(storage.assets_claim(&owners[1], &[hash], at(0)).await.unwrap(), [asset(1, None)]);
    assert_eq!(storage.assets_claim(&owners[2], &[hash], at(0)).await.unwrap(), []);
}

pub async fn assets_of_a_deleted_namespace_go(storage: &dyn Storage) {
    let namespace = sample::namespace("a");
    storage.namespace_create(&namespace).await.unwrap();
    let owner = owner(Scope::Namespace(namespace.id));
    storage.asset_put(&owner, &asset(1, None), at(0)).await.unwrap();
    assert!(storage.blobs_in_use().await.unwrap().contains(&BlobDigest([1; 32])));
    storage.namespace_delete(namespace.id).await.unwrap();
    assert!(storage.blobs_in_use().await.unwrap().is_empty());
    let gone = storage.asset_put(&owner, &asset(1, None), at(0)).await;
    assert!(matches!(gone, Err(StorageError::Gone(_))), "{gone:?}");
}

pub async fn versions_with_assets_are_known(storage: &dyn Storage) {
    let mut first = sample::publish(Scope::Account, "a");
    let assets = VersionAssets { manifest: BlobDigest([3; 32]), config: BlobDigest([4; 32]), files: 2 };
    first.version.version.assets = Some(assets);
    storage.script_publish(&first).await.unwrap();
    let row = storage.script_find(&sample::account(), Scope::Account, &first.script.name).await.unwrap().unwrap();
    assert_eq!(*row.deployed.unwrap(), first.version.version);
    let route = storage.route_find(first.script.id).await.unwrap().unwrap();
    assert_eq!(route.with_assets, [first.version.version.id]);
    assert!(storage.blobs_in_use().await.unwrap().is_superset(&HashSet::from([assets.manifest, assets.config])));
    assert_eq!(storage.asset_manifests(&owner(Scope::Account)).await.unwrap(), [assets.manifest]);
    let namespace = owner(Scope::Namespace(NamespaceId::random()));
    assert_eq!(storage.asset_manifests(&namespace).await.unwrap(), []);

    let second = sample::next(&first, "two");
    storage.script_publish(&second).await.unwrap();
    let (_, routes) = storage.routes_load().await.unwrap();
    assert_eq!(routes[0].with_assets, []);
    storage.script_delete(&[first.script.id]).await.unwrap();
    assert_eq!(storage.asset_manifests(&owner(Scope::Account)).await.unwrap(), []);
}

pub async fn unused_assets_are_found_and_deleted(storage: &dyn Storage) {
    let owner = owner(Scope::Account);
    for byte in 1..=3 {
        storage.asset_put(&owner, &asset(byte, None), at(0)).await.unwrap();
    }
    let hash = |byte| AssetHash([byte; 16]);
    // Asked for again: young. Within the hour that is not written.
    storage.assets_claim(&owner, &[hash(1)], at(2 * HOUR)).await.unwrap();
    storage.assets_claim(&owner, &[hash(2)], at(HOUR / 2)).await.unwrap();
    assert_eq!(storage.asset_owners(at(0)).await.unwrap(), []);
    assert_eq!(storage.asset_owners(at(HOUR)).await.unwrap(), std::slice::from_ref(&owner));
    assert_eq!(storage.assets_unused(&owner, at(HOUR)).await.unwrap(), [hash(2), hash(3)]);
    // One that was asked for after it was found stays.
    storage.asset_put(&owner, &asset(2, None), at(3 * HOUR)).await.unwrap();
    assert_eq!(storage.assets_delete(&owner, &[hash(2), hash(3)], at(HOUR)).await.unwrap(), 1);
    let left = storage.assets_claim(&owner, &[hash(1), hash(2), hash(3)], at(3 * HOUR)).await.unwrap();
    assert_eq!(left.len(), 2);
}
