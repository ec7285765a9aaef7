//! Scripts: lists, single ones, changes, deletion.

use switchyard_catalog::*;

use crate::sample;

async fn publish(storage: &dyn Storage, scope: Scope, name: &str, tags: &[&str]) -> Publish {
    let mut publish = sample::publish(scope, name);
    publish.script.tags = sample::tags(tags);
    storage.script_publish(&publish).await.unwrap();
    publish
}

async fn names(storage: &dyn Storage, filter: &ScriptFilter, after: Option<&str>, limit: u32) -> Vec<String> {
    let after = after.map(sample::name);
    let list = storage.script_list(&sample::account(), Scope::Account, filter, after.as_ref(), limit).await;
    list.unwrap().iter().map(|row| row.script.name.as_str().to_owned()).collect()
}

fn filter(with: &[&str], without: &[&str]) -> ScriptFilter {
    ScriptFilter { with: sample::tags(with), without: sample::tags(without) }
}

pub async fn script_round_trips(storage: &dyn Storage) {
    let mut publish = sample::publish(Scope::Account, "A.b-c_D");
    publish.script.tags = sample::tags(&["z:1", "ä öß", "🦀", "a"]);
    publish.script.settings = ScriptSettings {
        tail_consumers: Some(serde_json::json!([{"service": "tail"}])),
        observability: Some(serde_json::json!({"enabled": true, "head_sampling_rate": 0.5})),
        placement: Some(serde_json::json!({"mode": "smart"})),
        logpush: true,
        subdomain_enabled: true,
        previews_enabled: true,
        last_deployed_from: Some("wrangler".to_owned()),
        plan: PlanName::parse("gold").ok(),
    };
    publish.version.version.bindings = vec![
        sample::text("TEXT", "zero \0, quote ', 🦀"),
        sample::binding("JSON", BindingKind::Json { value: serde_json::json!({"a": [1, 2.5, null, "x"]}) }),
        sample::binding(
            "SVC",
            BindingKind::Service {
                service: sample::name("other"),
                environment: Some("production".to_owned()),
                entrypoint: Some("Api".to_owned()),
                props: Some(serde_json::json!({"p": 1})),
            },
        ),
        sample::binding(
            "dispatcher",
            BindingKind::DispatchNamespace {
                namespace: NamespaceName::parse("prod").unwrap(),
                outbound: Some(DispatchOutbound {
                    service: sample::name("outbound"),
                    environment: None,
                    entrypoint: None,
                    params: vec!["params_object".to_owned()],
                }),
            },
        ),
        sample::binding("META", BindingKind::VersionMetadata),
    ];
    storage.script_publish(&publish).await.unwrap();
    let found = storage.script_find(&sample::account(), Scope::Account, &publish.script.name).await.unwrap();
    let version = Some(std::sync::Arc::new(publish.version.version.clone()));
    assert_eq!(found, Some(ScriptRow { script: publish.script.clone(), deployed: version.clone(), latest: version }));
    let owner = storage.version_owner(publish.version.version.id).await.unwrap();
    assert_eq!(owner, Some((publish.script, None)));
    let missing = storage.script_find(&sample::account(), Scope::Account, &sample::name("a.b-c_d")).await.unwrap();
    assert_eq!(missing, None, "names are compared bytewise");
}

pub async fn list_is_bytewise_and_pages(storage: &dyn Storage) {
    for name in ["b", "a", "Z", "_", "a.1", "a-1", "10", "9"] {
        publish(storage, Scope::Account, name, &[]).await;
    }
    let all = ["10", "9", "Z", "_", "a", "a-1", "a.1", "b"];
    let none = ScriptFilter::default();
    assert_eq!(names(storage, &none, None, 100).await, all);
    let mut paged: Vec<String> = Vec::new();
    loop {
        let page = names(storage, &none, paged.last().map(String::as_str), 3).await;
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

pub async fn cursor_survives_changes(storage: &dyn Storage) {
    for name in ["a", "c", "e"] {
        publish(storage, Scope::Account, name, &[]).await;
    }
    let none = ScriptFilter::default();
    assert_eq!(names(storage, &none, None, 2).await, ["a", "c"]);
    let c = storage.script_find(&sample::account(), Scope::Account, &sample::name("c")).await.unwrap().unwrap();
    storage.script_delete(&[c.script.id]).await.unwrap();
    publish(storage, Scope::Account, "b", &[]).await;
    publish(storage, Scope::Account, "d", &[]).await;
    assert_eq!(names(storage, &none, Some("c"), 2).await, ["d", "e"]);
}

pub async fn list_filters_by_tags(storage: &dyn Storage) {
    publish(storage, Scope::Account, "one", &["customer:1", "production"]).await;
    publish(storage, Scope::Account, "two", &["customer:2", "production"]).await;
    publish(storage, Scope::Account, "three", &["customer:1"]).await;
    publish(storage, Scope::Account, "four", &[]).await;
    let expect = [
        (filter(&["customer:1"], &[]), vec!["one", "three"]),
        (filter(&["customer:1", "production"], &[]), vec!["one"]),
        (filter(&["production", "customer:1", "production"], &[]), vec!["one"]),
        (filter(&["customer:1"], &["production"]), vec!["three"]),
        (filter(&[], &["production"]), vec!["four", "three"]),
        (filter(&[], &["production", "customer:1"]), vec!["four"]),
        (filter(&["nobody"], &[]), vec![]),
        (filter(&["production"], &["production"]), vec![]),
        (filter(&["PRODUCTION"], &[]), vec![]),
    ];
    for (filter, expected) in expect {
        assert_eq!(names(storage, &filter, None, 100).await, expected, "{filter:?}");
    }
    assert_eq!(names(storage, &filter(&["production"], &[]), Some("one"), 1).await, ["two"]);
}

pub async fn list_leaves_other_scopes_alone(storage: &dyn Storage) {
    let namespace = sample::namespace("prod");
    storage.namespace_create(&namespace).await.unwrap();
    publish(storage, Scope::Account, "same", &[]).await;
    let inside = publish(storage, Scope::Namespace(namespace.id), "same", &[]).await;
    let none = ScriptFilter::default();
    let list = storage.script_list(&sample::account(), Scope::Namespace(namespace.id), &none, None, 10).await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].script.id, inside.script.id);
    let version = list[0].deployed.as_ref().unwrap();
    assert_eq!(version.code, inside.version.version.code);
    assert!(version.bindings.is_empty(), "a list comes without bindings");
    let stranger = AccountId::parse("stranger").unwrap();
    for scope in [Scope::Account, Scope::Namespace(namespace.id)] {
        assert!(storage.script_list(&stranger, scope, &none, None, 10).await.unwrap().is_empty());
        assert_eq!(storage.script_find(&stranger, scope, &sample::name("same")).await.unwrap(), None);
    }
}

pub async fn list_takes_any_number_of_tags(storage: &dyn Storage) {
    publish(storage, Scope::Account, "one", &["t1"]).await;
    let many: Vec<String> = (0..5_000).map(|n| format!("t{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(names(storage, &filter(&many, &[]), None, 10).await.is_empty());
    assert!(names(storage, &filter(&[], &many), None, 10).await.is_empty());
    assert_eq!(names(storage, &filter(&["t1"], &many[2..]), None, 10).await, ["one"]);
}

pub async fn update_writes_tags_and_settings(storage: &dyn Storage) {
    let mut script = publish(storage, Scope::Account, "a", &["x", "y"]).await.script;
    let seen = script.modified_on;
    script.tags = sample::tags(&["y", "z"]);
    script.settings.logpush = true;
    script.modified_on = Timestamp::from_micros(seen.micros() + 7);
    storage.script_update(&script, seen).await.unwrap();
    let found = storage.script_find(&sample::account(), Scope::Account, &script.name).await.unwrap().unwrap();
    assert_eq!(found.script, script);
    assert!(names(storage, &filter(&["x"], &[]), None, 10).await.is_empty());
    assert_eq!(names(storage, &filter(&["z"], &[]), None, 10).await, ["a"]);
}

pub async fn update_sees_other_changes(storage: &dyn Storage) {
    let mut script = publish(storage, Scope::Account, "a", &[]).await.script;
    let seen = script.modified_on;
    script.modified_on = Timestamp::from_micros(seen.micros() + 1);
    storage.script_update(&script, seen).await.unwrap();
    assert!(matches!(storage.script_update(&script, seen).await, Err(StorageError::Conflict)));
    storage.script_delete(&[script.id]).await.unwrap();
    assert!(matches!(storage.script_update(&script, seen).await, Err(StorageError::Gone(_))));
}

pub async fn delete_frees_the_name(storage: &dyn Storage) {
    let first = publish(storage, Scope::Account, "a", &["old"]).await;
    assert_eq!(storage.script_delete(&[first.script.id]).await.unwrap(), [first.script.id]);
    assert!(storage.script_delete(&[first.script.id]).await.unwrap().is_empty());
    assert_eq!(storage.version_find(first.version.version.id).await.unwrap(), None);
    let second = publish(storage, Scope::Account, "a", &["new"]).await;
    let found = storage.script_find(&sample::account(), Scope::Account, &sample::name("a")).await.unwrap().unwrap();
    assert_eq!(found.script.id, second.script.id);
    assert!(names(storage, &filter(&["old"], &[]), None, 10).await.is_empty());
}

pub async fn delete_returns_those_that_were_there(storage: &dyn Storage) {
    let a = publish(storage, Scope::Account, "a", &[]).await.script.id;
    let b = publish(storage, Scope::Account, "b", &[]).await.script.id;
    publish(storage, Scope::Account, "c", &[]).await;
    assert_eq!(storage.script_delete(&[b, ScriptId::random(), a]).await.unwrap(), [b, a]);
    assert!(storage.script_delete(&[]).await.unwrap().is_empty());
    assert_eq!(names(storage, &ScriptFilter::default(), None, 10).await, ["c"]);
}
