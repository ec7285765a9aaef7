//! The change feed and the routes.

use std::sync::Arc;

use serde_json::json;
use switchyard_catalog::*;

use crate::sample;

async fn kinds(storage: &dyn Storage, after: u64) -> Vec<ChangeKind> {
    storage.changes_after(after, 1_000).await.unwrap().iter().map(|change| change.kind).collect()
}

pub async fn every_change_has_a_line(storage: &dyn Storage) {
    let (start, routes) = storage.routes_load().await.unwrap();
    assert!(routes.is_empty());
    let mut namespace = sample::namespace("prod");
    storage.namespace_create(&namespace).await.unwrap();
    let publish = sample::publish(Scope::Namespace(namespace.id), "a");
    storage.script_publish(&publish).await.unwrap();
    let again = sample::deployment(publish.script.id, &[(publish.version.version.id, 100.0)]);
    storage.deployment_create(&again).await.unwrap();
    let mut script = storage.script_by_id(publish.script.id).await.unwrap().unwrap();
    let seen = script.modified_on;
    script.modified_on = Timestamp::from_micros(seen.micros() + 1);
    storage.script_update(&script, seen).await.unwrap();
    storage.script_delete(&[publish.script.id]).await.unwrap();
    let seen = namespace.modified_on;
    namespace.name = NamespaceName::parse("renamed").unwrap();
    storage.namespace_update(&namespace, seen).await.unwrap();
    storage.namespace_delete(namespace.id).await.unwrap();
    let (n, s) = (ChangeKind::Namespace(namespace.id), ChangeKind::Script(publish.script.id));
    assert_eq!(kinds(storage, start).await, [n, s, s, s, s, n, n]);
    let changes = storage.changes_after(start, 1_000).await.unwrap();
    assert!(changes.windows(2).all(|pair| pair[0].revision < pair[1].revision));
    assert_eq!(storage.routes_load().await.unwrap().0, changes.last().unwrap().revision);
}

pub async fn changes_page(storage: &dyn Storage) {
    for n in 0..5 {
        storage.script_publish(&sample::publish(Scope::Account, &format!("s{n}"))).await.unwrap();
    }
    let all = storage.changes_after(0, 1_000).await.unwrap();
    assert_eq!(all.len(), 5);
    assert_eq!(storage.changes_after(0, 2).await.unwrap(), all[..2]);
    assert_eq!(storage.changes_after(all[1].revision, 2).await.unwrap(), all[2..4]);
    assert!(storage.changes_after(all[4].revision, 2).await.unwrap().is_empty());
    let ahead = storage.changes_after(all[4].revision + 1, 2).await;
    assert!(matches!(ahead, Err(StorageError::Gone(_))), "a database put back from a copy");
}

pub async fn trimmed_feed_says_so(storage: &dyn Storage) {
    let scripts: Vec<_> = (0..20).map(|n| sample::publish(Scope::Account, &format!("s{n}"))).collect();
    for publish in &scripts {
        storage.script_publish(publish).await.unwrap();
    }
    // More lines than any backend keeps, cheaply: deletions are one transaction for many.
    let mut made = 20;
    while made < 11_000 {
        let batch: Vec<_> = (0..250).map(|n| sample::publish(Scope::Account, &format!("b{n}"))).collect();
        for publish in &batch {
            storage.script_publish(publish).await.unwrap();
        }
        let ids: Vec<_> = batch.iter().map(|publish| publish.script.id).collect();
        storage.script_delete(&ids).await.unwrap();
        made += 500;
    }
    assert!(matches!(storage.changes_after(0, 10).await, Err(StorageError::Gone(_))));
    let (revision, routes) = storage.routes_load().await.unwrap();
    assert_eq!(routes.len(), 20);
    assert_eq!(storage.changes_after(revision - 5_000, u32::MAX).await.unwrap().len(), 5_000);
}

pub async fn routes_follow_changes(storage: &dyn Storage) {
    let namespace = sample::namespace("prod");
    storage.namespace_create(&namespace).await.unwrap();
    let inside = sample::publish(Scope::Namespace(namespace.id), "a");
    let mut outside = sample::publish(Scope::Account, "a");
    outside.version.version.annotations.insert("workers/tag".to_owned(), "canary \"2\"".into());
    outside.version.version.code = Code::of_upstream(sample::upstream()).manifest();
    outside.script.tags = sample::tags(&["gold"]);
    let consumers = json!([{ "service": "a", "environment": "x" }, { "service": "b", "namespace": "prod" }]);
    outside.script.settings.tail_consumers = Some(consumers);
    storage.script_publish(&inside).await.unwrap();
    storage.script_publish(&outside).await.unwrap();
    let (_, mut routes) = storage.routes_load().await.unwrap();
    routes.sort_by_key(|route| route.scope);
    let row = |publish: &Publish, namespace: Option<&Namespace>| RouteRow {
        account: sample::account(),
        scope: publish.script.scope,
        namespace: namespace.map(|namespace| namespace.name.clone()),
        script: publish.script.id,
        name: publish.script.name.clone(),
        versions: publish.deployment.as_ref().unwrap().versions.clone(),
        with_assets: Vec::new(),
        version_tags: Vec::new(),
        upstreams: Vec::new(),
        plan: None,
        tags: publish.script.tags.clone(),
        tail_consumers: publish
            .script
            .settings
            .tail_consumers
            .iter()
            .flat_map(|c| TailConsumer::read(c).unwrap())
            .collect(),
    };
    let tags = vec![(outside.version.version.id, "canary \"2\"".to_owned())];
    let upstreams = vec![(outside.version.version.id, Arc::new(sample::upstream()))];
    let expected = [RouteRow { version_tags: tags, upstreams, ..row(&outside, None) }, row(&inside, Some(&namespace))];
    assert_eq!(
        (routes[0].tags.len(), routes[0].tail_consumers.len(), routes[1].tags.len()),
        (1, 2, expected[1].tags.len())
    );
    assert_eq!(routes, expected);
    let version = storage.version_find(outside.version.version.id).await.unwrap().unwrap();
    assert_eq!(version.code.upstream, Some(sample::upstream()));
    assert_eq!(storage.route_find(inside.script.id).await.unwrap(), Some(expected[1].clone()));
    let mut script = storage.script_by_id(inside.script.id).await.unwrap().unwrap();
    let seen = script.modified_on;
    script.settings.plan = PlanName::parse("gold").ok();
    script.modified_on = Timestamp::from_micros(seen.micros() + 1);
    let before = storage.routes_load().await.unwrap().0;
    storage.script_update(&script, seen).await.unwrap();
    assert_eq!(kinds(storage, before).await, [ChangeKind::Script(inside.script.id)]);
    let planned = RouteRow { plan: PlanName::parse("gold").ok(), ..expected[1].clone() };
    assert_eq!(storage.route_find(inside.script.id).await.unwrap(), Some(planned));
    storage.script_delete(&[inside.script.id]).await.unwrap();
    assert_eq!(storage.route_find(inside.script.id).await.unwrap(), None);
}

pub async fn route_shows_the_namespace_name_of_now(storage: &dyn Storage) {
    let mut namespace = sample::namespace("prod");
    storage.namespace_create(&namespace).await.unwrap();
    let publish = sample::publish(Scope::Namespace(namespace.id), "a");
    storage.script_publish(&publish).await.unwrap();
    let seen = namespace.modified_on;
    namespace.name = NamespaceName::parse("renamed").unwrap();
    storage.namespace_update(&namespace, seen).await.unwrap();
    let route = storage.route_find(publish.script.id).await.unwrap().unwrap();
    assert_eq!(route.namespace, Some(namespace.name));
}
