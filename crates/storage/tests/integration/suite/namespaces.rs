//! Dispatch namespaces.

use switchyard_catalog::*;

use crate::sample;

pub async fn namespace_round_trips(storage: &dyn Storage) {
    let namespace = sample::namespace("prod");
    storage.namespace_create(&namespace).await.unwrap();
    let found = storage.namespace_find(&sample::account(), &namespace.name).await.unwrap();
    assert_eq!(found.as_ref(), Some(&namespace));
    assert_eq!(storage.namespace_by_id(namespace.id).await.unwrap(), found);
    assert_eq!(storage.namespace_by_id(NamespaceId::random()).await.unwrap(), None);
    let other = AccountId::parse("other").unwrap();
    assert_eq!(storage.namespace_find(&other, &namespace.name).await.unwrap(), None);
    let homeless = Namespace { account: other, ..sample::namespace("homeless") };
    assert!(matches!(storage.namespace_create(&homeless).await, Err(StorageError::Gone(_))));
}

pub async fn namespace_name_is_unique_in_its_account(storage: &dyn Storage) {
    let other = AccountId::parse("other").unwrap();
    storage.account_put(&Account { id: other.clone(), name: "Other".to_owned() }).await.unwrap();
    storage.namespace_create(&sample::namespace("prod")).await.unwrap();
    let twin = sample::namespace("prod");
    assert!(matches!(storage.namespace_create(&twin).await, Err(StorageError::Exists(_))));
    storage.namespace_create(&Namespace { account: other, ..twin }).await.unwrap();
}

pub async fn namespace_rename_frees_the_old_name(storage: &dyn Storage) {
    let (mut first, second) = (sample::namespace("first"), sample::namespace("second"));
    storage.namespace_create(&first).await.unwrap();
    storage.namespace_create(&second).await.unwrap();
    let seen = first.modified_on;
    first.name = second.name.clone();
    assert!(matches!(storage.namespace_update(&first, seen).await, Err(StorageError::Exists(_))));
    first.name = NamespaceName::parse("third").unwrap();
    storage.namespace_update(&first, seen).await.unwrap();
    let find = |name: &str| {
        let name = NamespaceName::parse(name).unwrap();
        async move { storage.namespace_find(&sample::account(), &name).await.unwrap() }
    };
    assert_eq!(find("first").await, None);
    assert_eq!(find("third").await.unwrap().id, first.id);
    storage.namespace_create(&sample::namespace("first")).await.unwrap();
}

pub async fn namespace_update_sees_other_changes(storage: &dyn Storage) {
    let mut namespace = sample::namespace("prod");
    storage.namespace_create(&namespace).await.unwrap();
    let seen = namespace.modified_on;
    namespace.modified_on = Timestamp::from_micros(seen.micros() + 1);
    namespace.trusted_workers = true;
    storage.namespace_update(&namespace, seen).await.unwrap();
    assert!(matches!(storage.namespace_update(&namespace, seen).await, Err(StorageError::Conflict)));
    assert!(storage.namespace_delete(namespace.id).await.unwrap());
    assert!(matches!(storage.namespace_update(&namespace, seen).await, Err(StorageError::Gone(_))));
}

pub async fn namespace_list_is_bytewise_and_counts_scripts(storage: &dyn Storage) {
    for name in ["b", "B", "a-1", "_x"] {
        let namespace = sample::namespace(name);
        storage.namespace_create(&namespace).await.unwrap();
        for n in 0..name.len() {
            let publish = sample::publish(Scope::Namespace(namespace.id), &format!("s{n}"));
            storage.script_publish(&publish).await.unwrap();
        }
    }
    let list = storage.namespace_list(&sample::account()).await.unwrap();
    let seen: Vec<_> = list.iter().map(|n| (n.name.as_str(), n.script_count)).collect();
    assert_eq!(seen, [("B", 1), ("_x", 2), ("a-1", 3), ("b", 1)]);

    // Counted as they come and go: the account's own are in no namespace, a new version is no new script.
    let of = |at: usize| Scope::Namespace(list[at].id);
    storage.script_publish(&sample::publish(Scope::Account, "s0")).await.unwrap();
    let found = |name: &'static str| async move {
        let name = sample::name(name);
        storage.script_find(&sample::account(), of(2), &name).await.unwrap().unwrap().script.id
    };
    let in_b = sample::publish(of(3), "s9");
    storage.script_publish(&in_b).await.unwrap();
    storage.script_publish(&sample::next(&in_b, "export default 2")).await.unwrap();
    let (first, last) = (found("s0").await, found("s2").await);
    assert_eq!(storage.script_delete(&[first, last]).await.unwrap().len(), 2);
    assert!(storage.namespace_delete(list[1].id).await.unwrap());
    let list = storage.namespace_list(&sample::account()).await.unwrap();
    let seen: Vec<_> = list.iter().map(|n| (n.name.as_str(), n.script_count)).collect();
    assert_eq!(seen, [("B", 1), ("a-1", 1), ("b", 2)]);
}

pub async fn namespace_delete_takes_everything_with_it(storage: &dyn Storage) {
    let (doomed, other) = (sample::namespace("doomed"), sample::namespace("other"));
    storage.namespace_create(&doomed).await.unwrap();
    storage.namespace_create(&other).await.unwrap();
    let mut publish = sample::publish(Scope::Namespace(doomed.id), "a");
    let secret = SecretId::random();
    publish.version.secrets.push((secret, Secret::new("value".to_owned())));
    publish.version.version.bindings.push(sample::binding("KEY", BindingKind::SecretText { secret }));
    storage.script_publish(&publish).await.unwrap();
    let kept = sample::publish(Scope::Namespace(other.id), "a");
    storage.script_publish(&kept).await.unwrap();

    assert!(storage.namespace_delete(doomed.id).await.unwrap());
    assert!(!storage.namespace_delete(doomed.id).await.unwrap());
    let version = publish.version.version.id;
    assert_eq!(storage.version_find(version).await.unwrap(), None);
    assert_eq!(storage.version_owner(version).await.unwrap(), None);
    assert!(storage.secrets_load(&[secret]).await.unwrap().is_empty());
    assert!(storage.deployment_list(publish.script.id, 10).await.unwrap().is_empty());
    assert_eq!(storage.route_find(publish.script.id).await.unwrap(), None);
    assert!(storage.route_find(kept.script.id).await.unwrap().is_some());
    let (_, routes) = storage.routes_load().await.unwrap();
    assert_eq!(routes.len(), 1);
}

pub async fn namespace_settings_round_trip(storage: &dyn Storage) {
    let mut namespace = sample::namespace("prod");
    storage.namespace_create(&namespace).await.unwrap();
    let seen = namespace.modified_on;
    namespace.modified_on = Timestamp::from_micros(seen.micros() + 1);
    namespace.settings = NamespaceSettings {
        plan: PlanName::parse("gold").ok(),
        limits: Limits {
            cpu_ms: Some(5),
            subrequests: None,
            memory_bytes: Some(64 << 20),
            wall_ms: Some(6),
            request_bytes: Some(u64::MAX),
            response_bytes: Some(7),
            concurrent_requests: Some(8),
            requests_per_second: Some(9),
            connections: Some(10),
            log_bytes: Some(0),
        },
        isolation: Some(Isolation::Warm),
        outbound: Some(WorkerRef { service: ScriptName::parse("out").unwrap(), entrypoint: Some("Out".to_owned()) }),
        inbound: Some(WorkerRef { service: ScriptName::parse("in").unwrap(), entrypoint: None }),
        egress: EgressRules {
            also: vec!["10.1.0.0/16:80-90".parse().unwrap(), "[fd00::/8]:443".parse().unwrap()],
            only: Some(vec!["*.example.com".parse().unwrap()]),
        },
    };
    storage.namespace_update(&namespace, seen).await.unwrap();
    assert_eq!(storage.namespace_by_id(namespace.id).await.unwrap(), Some(namespace));
}
