//! Who needs whom.

use serde_json::json;
use switchyard_catalog::*;

use crate::sample;

fn service(name: &str, service: &str) -> Binding {
    let kind =
        BindingKind::Service { service: sample::name(service), environment: None, entrypoint: None, props: None };
    sample::binding(name, kind)
}

fn dispatcher(name: &str, outbound: Option<&str>) -> Binding {
    let outbound = outbound.map(|service| DispatchOutbound {
        service: sample::name(service),
        environment: None,
        entrypoint: None,
        params: Vec::new(),
    });
    let namespace = NamespaceName::parse("prod").unwrap();
    sample::binding(name, BindingKind::DispatchNamespace { namespace, outbound })
}

/// The Worker that is needed, in place.
async fn api(storage: &dyn Storage) -> Script {
    let publish = sample::publish(Scope::Account, "api");
    storage.script_publish(&publish).await.unwrap();
    publish.script
}

async fn seen(storage: &dyn Storage, to: &Script) -> Vec<String> {
    storage.script_references(to, 100).await.unwrap().iter().map(Reference::to_string).collect()
}

pub async fn deployed_bindings_are_references(storage: &dyn Storage) {
    let api = api(storage).await;
    assert!(seen(storage, &api).await.is_empty());
    let namespace = sample::namespace("tenants");
    storage.namespace_create(&namespace).await.unwrap();
    let mut tenant = sample::publish(Scope::Namespace(namespace.id), "shop");
    tenant.version.version.bindings = vec![service("API", "api"), service("OTHER", "other"), dispatcher("D", None)];
    storage.script_publish(&tenant).await.unwrap();
    let mut own = sample::publish(Scope::Account, "dispatcher");
    own.version.version.bindings = vec![dispatcher("DISPATCH", Some("api")), service("B", "api"), service("A", "api")];
    storage.script_publish(&own).await.unwrap();
    let all = [
        "dispatcher (service binding A)",
        "dispatcher (service binding B)",
        "dispatcher (outbound Worker of binding DISPATCH to the dispatch namespace prod)",
        "tenants/shop (service binding API)",
    ];
    assert_eq!(seen(storage, &api).await, all);
    assert_eq!(storage.script_references(&api, 2).await.unwrap().len(), 2);
    // One of that name in a namespace is another, and so is one of another account; itself does not count.
    let mut itself = sample::next(&own, "two");
    itself.script = own.script.clone();
    itself.script.modified_on = Timestamp::from_micros(own.script.modified_on.micros() + 1);
    itself.version.version.bindings = vec![service("SELF", "dispatcher")];
    storage.script_publish(&itself).await.unwrap();
    assert!(seen(storage, &own.script).await.is_empty());
    let account = AccountId::parse("other").unwrap();
    storage.account_put(&Account { id: account.clone(), name: "Other".to_owned() }).await.unwrap();
    assert!(seen(storage, &Script { account, ..api }).await.is_empty());
}

pub async fn references_follow_deployments(storage: &dyn Storage) {
    let api = api(storage).await;
    let without = sample::publish(Scope::Account, "a");
    storage.script_publish(&without).await.unwrap();
    let mut with = sample::next(&without, "two");
    with.version.version.bindings = vec![service("API", "api")];
    with.deployment = None;
    storage.script_publish(&with).await.unwrap();
    assert!(seen(storage, &api).await.is_empty(), "a version that is not deployed calls nobody");
    let (one, two) = (without.version.version.id, with.version.version.id);
    for (shares, users) in [(vec![(one, 99.0), (two, 1.0)], 1), (vec![(two, 100.0)], 1), (vec![(one, 100.0)], 0)] {
        storage.deployment_create(&sample::deployment(without.script.id, &shares)).await.unwrap();
        assert_eq!(seen(storage, &api).await.len(), users, "{shares:?}");
    }
}

pub async fn tail_consumers_are_references(storage: &dyn Storage) {
    let api = api(storage).await;
    let mut publish = sample::publish(Scope::Account, "a");
    let consumers = json!([{ "service": "api", "environment": "production" }, { "service": "b" }]);
    publish.script.settings.tail_consumers = Some(consumers);
    storage.script_publish(&publish).await.unwrap();
    assert_eq!(seen(storage, &api).await, ["a (tail consumer)"]);
    let mut script = publish.script.clone();
    for (consumers, users) in [
        (Some(json!([{ "service": "api", "namespace": "prod" }, "api", 1, null])), 0),
        (Some(json!([{ "service": "api" }])), 1),
        (Some(json!("api")), 0),
        (Some(json!([{ "service": "api" }, { "service": "api" }])), 1),
        (None, 0),
    ] {
        let before = script.modified_on;
        script.modified_on = Timestamp::from_micros(before.micros() + 1);
        script.settings.tail_consumers = consumers.clone();
        storage.script_update(&script, before).await.unwrap();
        assert_eq!(seen(storage, &api).await.len(), users, "{consumers:?}");
    }
}

pub async fn references_go_with_their_script(storage: &dyn Storage) {
    let api = api(storage).await;
    let namespace = sample::namespace("tenants");
    storage.namespace_create(&namespace).await.unwrap();
    for (scope, name) in [(Scope::Namespace(namespace.id), "shop"), (Scope::Account, "a")] {
        let mut publish = sample::publish(scope, name);
        publish.version.version.bindings = vec![service("API", "api")];
        storage.script_publish(&publish).await.unwrap();
    }
    assert_eq!(seen(storage, &api).await.len(), 2);
    storage.namespace_delete(namespace.id).await.unwrap();
    assert_eq!(seen(storage, &api).await, ["a (service binding API)"]);
    let row = storage.script_find(&sample::account(), Scope::Account, &sample::name("a")).await.unwrap().unwrap();
    storage.script_delete(&[row.script.id]).await.unwrap();
    assert!(seen(storage, &api).await.is_empty());
}
