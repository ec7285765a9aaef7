//! Secrets.

use switchyard_catalog::*;

use super::fixture::*;

fn name(text: &str) -> BindingName {
    BindingName::parse(text).unwrap()
}

async fn put(f: &Fixture, script: &str, secret: &str, value: &str) -> Result<(), CatalogError> {
    let value = Secret::new(value.to_owned());
    f.secret_put(&f.actor, &at(script), &name(secret), value, "wrangler".to_owned()).await
}

async fn delete(f: &Fixture, script: &str, secret: &str) -> Result<(), CatalogError> {
    f.secret_delete(&f.actor, &at(script), &name(secret), "wrangler".to_owned()).await
}

#[tokio::test]
async fn a_secret_is_live_without_an_upload() {
    let f = fixture().await;
    let first = f.upload(&at("a"), with(code("one"), vec![text("A", "1")])).await.unwrap();
    put(&f, "a", "KEY", "v1").await.unwrap();
    put(&f, "a", "OTHER", "o").await.unwrap();
    put(&f, "a", "KEY", "v2").await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("A", "1"), ("KEY", "secret:v2"), ("OTHER", "secret:o")]));
    let listed = f.secret_list(&f.actor, &at("a")).await.unwrap();
    assert_eq!(listed.iter().map(|secret| secret.name.as_str()).collect::<Vec<_>>(), ["KEY", "OTHER"]);
    let live = f.script_find(&f.actor, &at("a")).await.unwrap().deployed.unwrap();
    assert_eq!((live.number, &live.code), (4, &first.version.code));
    assert_eq!(live.annotations["workers/triggered_by"], "secret");
    delete(&f, "a", "KEY").await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("A", "1"), ("OTHER", "secret:o")]));
}

#[tokio::test]
async fn a_deleted_value_is_destroyed_in_old_versions_too() {
    let f = fixture().await;
    let first = f.upload(&at("a"), with(code("one"), vec![secret("KEY", "old"), secret("OTHER", "o")])).await.unwrap();
    put(&f, "a", "KEY", "new").await.unwrap();
    delete(&f, "a", "KEY").await.unwrap();
    for version in f.version_list(&f.actor, &at("a")).await.unwrap() {
        let spec = f.worker_spec(version.id).await.unwrap();
        assert_eq!(env(&spec), pairs(&[("OTHER", "secret:o")]));
    }
    let from_first = NewBindingKind::Inherit { old_name: None, version_id: Some(first.version.id) };
    let new = with(code("two"), vec![binding("KEY", from_first)]);
    let strict = NewScript { strict_inherit: true, ..new.clone() };
    assert!(matches!(f.upload(&at("a"), strict).await, Err(CatalogError::InheritNotFound(_))));
    f.upload(&at("a"), new).await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("OTHER", "secret:o")]));
}

#[tokio::test]
async fn what_is_no_secret_is_refused() {
    let f = fixture().await;
    f.upload(&at("a"), with(code("one"), vec![text("A", "1")])).await.unwrap();
    assert!(matches!(put(&f, "a", "A", "x").await, Err(CatalogError::BindingExists(_))));
    assert!(matches!(delete(&f, "a", "A").await, Err(CatalogError::SecretNotFound)));
    assert!(matches!(delete(&f, "a", "NOPE").await, Err(CatalogError::SecretNotFound)));
    assert!(matches!(put(&f, "b", "A", "x").await, Err(CatalogError::ScriptNotFound)));
    let large = put(&f, "a", "KEY", &"x".repeat(5_121)).await;
    assert!(matches!(large, Err(CatalogError::VariableTooLarge(_))));
    assert_eq!(f.version_list(&f.actor, &at("a")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn several_change_at_once_or_not_at_all() {
    let f = fixture().await;
    f.upload(&at("a"), with(code("one"), vec![secret("OLD", "1"), secret("KEPT", "2")])).await.unwrap();
    let change = |changes: Vec<(&str, Option<&str>)>| {
        let changes = changes.into_iter();
        let changes =
            changes.map(|(n, value)| (name(n), value.map(|v| NewSecret::from(Secret::new(v.to_owned()))))).collect();
        let f = &f;
        async move { f.secrets_change(&f.actor, &at("a"), changes, "api".to_owned()).await }
    };
    let wrong = change(vec![("NEW", Some("3")), ("NOPE", None)]).await;
    assert!(matches!(wrong, Err(CatalogError::SecretNotFound)));
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("KEPT", "secret:2"), ("OLD", "secret:1")]));
    change(vec![("NEW", Some("3")), ("OLD", None)]).await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("KEPT", "secret:2"), ("NEW", "secret:3")]));
    assert_eq!(f.version_list(&f.actor, &at("a")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_edit_does_not_deploy_what_was_not_deployed() {
    let f = fixture().await;
    f.upload(&at("a"), code("one")).await.unwrap();
    let version = f.version_create(&f.actor, &at("a"), code("two")).await.unwrap();
    assert!(matches!(put(&f, "a", "KEY", "v").await, Err(CatalogError::LatestNotDeployed)));
    let content =
        f.script_content_put(&f.actor, &at("a"), crate::sample::code("x"), Precondition::None, "api".to_owned()).await;
    assert!(matches!(content, Err(CatalogError::LatestNotDeployed)));
    let share = VersionShare { version: version.id, percentage: 100.0 };
    f.deployment_create(&f.actor, &at("a"), vec![share], "api".to_owned(), Default::default()).await.unwrap();
    put(&f, "a", "KEY", "v").await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("KEY", "secret:v")]));
}

#[tokio::test]
async fn a_key_is_a_secret_with_what_is_told_of_it() {
    let f = fixture().await;
    let key = |text: &str| {
        let (algorithm, usages) = (serde_json::json!({ "name": "HMAC", "hash": "SHA-256" }), vec!["sign".to_owned()]);
        let key = KeyInfo { format: KeyFormat::Raw, algorithm, usages };
        NewSecret { value: Secret::new(text.to_owned()), key: Some(key) }
    };
    let shown =
        |text: &str| pairs(&[("KEY", &format!(r#"raw of {{"hash":"SHA-256","name":"HMAC"}} for sign: {text}"#))]);
    f.upload(&at("a"), with(code("one"), vec![binding("KEY", NewBindingKind::SecretKey(key("QQ==")))])).await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, shown("QQ=="));
    // Kept by an upload that says nothing of it, as secrets are; replaced by another, or by a text; deleted.
    f.upload(&at("a"), with(code("two"), vec![])).await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, shown("QQ=="));
    f.secret_put(&f.actor, &at("a"), &name("KEY"), key("Qg=="), "api".to_owned()).await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, shown("Qg=="));
    put(&f, "a", "KEY", "text").await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("KEY", "secret:text")]));
    f.secret_put(&f.actor, &at("a"), &name("KEY"), key("Qg=="), "api".to_owned()).await.unwrap();
    delete(&f, "a", "KEY").await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[]));
    let large = key(&"x".repeat(5_121));
    let large = f.secret_put(&f.actor, &at("a"), &name("KEY"), large, "api".to_owned()).await;
    assert!(matches!(large, Err(CatalogError::VariableTooLarge(_))));
}
