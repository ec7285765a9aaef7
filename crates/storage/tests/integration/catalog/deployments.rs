//! Versions and deployments.

use switchyard_catalog::*;

use super::fixture::*;

async fn deploy(f: &Fixture, shares: &[(VersionId, f64)]) -> Result<Deployment, CatalogError> {
    let shares = shares.iter().map(|&(version, percentage)| VersionShare { version, percentage }).collect();
    f.deployment_create(&f.actor, &at("a"), shares, "wrangler".to_owned(), Default::default()).await
}

#[tokio::test]
async fn versions_split_and_roll_back() {
    let f = fixture().await;
    let one = f.upload(&at("a"), code("one")).await.unwrap().version;
    let two = f.version_create(&f.actor, &at("a"), code("two")).await.unwrap();
    assert_eq!(two.number, 2);
    assert_eq!(f.version_find(&f.actor, &at("a"), two.id).await.unwrap(), two);
    let list = f.version_list(&f.actor, &at("a")).await.unwrap();
    assert_eq!(list.iter().map(|version| version.id).collect::<Vec<_>>(), [two.id, one.id]);
    let split = deploy(&f, &[(one.id, 90.0), (two.id, 10.0)]).await.unwrap();
    let route = f.storage.route_find(one.script).await.unwrap().unwrap();
    assert_eq!(route.versions, split.versions);
    let all = deploy(&f, &[(two.id, 100.0)]).await.unwrap();
    let history = f.deployment_list(&f.actor, &at("a")).await.unwrap();
    assert_eq!(history[..2], [all, split]);
    assert_eq!(history.len(), 3);
}

#[tokio::test]
async fn shares_add_up() {
    let f = fixture().await;
    let one = f.upload(&at("a"), code("one")).await.unwrap().version.id;
    let two = f.version_create(&f.actor, &at("a"), code("two")).await.unwrap().id;
    for wrong in [
        &[][..],
        &[(one, 99.0)],
        &[(one, 50.0), (one, 50.0)],
        &[(one, 150.0), (two, -50.0)],
        &[(one, 50.0), (two, f64::NAN)],
        &[(one, 50.0), (two, 25.0), (one, 25.0)],
    ] {
        assert!(matches!(deploy(&f, wrong).await, Err(CatalogError::Invalid(_))), "{wrong:?}");
    }
    deploy(&f, &[(one, 33.3), (two, 66.7)]).await.unwrap();
}

#[tokio::test]
async fn only_a_scripts_own_versions_are_there() {
    let f = fixture().await;
    f.upload(&at("a"), code("one")).await.unwrap();
    let other = f.upload(&at("b"), code("one")).await.unwrap().version.id;
    for version in [other, VersionId::random()] {
        assert!(matches!(deploy(&f, &[(version, 100.0)]).await, Err(CatalogError::VersionNotFound)));
        let found = f.version_find(&f.actor, &at("a"), version).await;
        assert!(matches!(found, Err(CatalogError::VersionNotFound)));
    }
    let missing = f.version_create(&f.actor, &at("new"), code("x")).await;
    assert!(matches!(missing, Err(CatalogError::ScriptNotFound)));
}

#[tokio::test]
async fn old_versions_are_pruned() {
    let f = with_settings(CatalogSettings { keep_versions: 2, ..CatalogSettings::default() }).await;
    for n in 0..5 {
        f.upload(&at("a"), code(&format!("v{n}"))).await.unwrap();
    }
    let numbers: Vec<_> = f.version_list(&f.actor, &at("a")).await.unwrap().iter().map(|v| v.number).collect();
    assert_eq!(numbers, [5, 4]);
    assert_eq!(f.storage.blobs_in_use().await.unwrap().len(), 2);
}
