//! Settings, with and without a version.

use switchyard_catalog::*;

use super::fixture::*;
use crate::sample;

#[tokio::test]
async fn script_settings_need_no_version() {
    let f = fixture().await;
    f.upload(&own("a"), NewScript { tags: Some(sample::tags(&["x"])), ..code("one") }).await.unwrap();
    let patch = AccountSettingsPatch {
        observability: Some(Some(serde_json::json!({"enabled": false}))),
        tags: Some(Vec::new()),
        ..AccountSettingsPatch::default()
    };
    let row = f.script_settings_account_patch(&f.actor, &own("a"), patch).await.unwrap();
    assert_eq!(row, f.script_find(&f.actor, &own("a")).await.unwrap());
    assert!(row.script.tags.is_empty());
    assert_eq!(row.script.settings.observability, Some(serde_json::json!({"enabled": false})));
    let unset = AccountSettingsPatch { observability: Some(None), logpush: Some(true), ..Default::default() };
    let row = f.script_settings_account_patch(&f.actor, &own("a"), unset).await.unwrap();
    assert_eq!((row.script.settings.observability, row.script.settings.logpush), (None, true));
    let row = f.script_subdomain_set(&f.actor, &own("a"), Some(true), None).await.unwrap();
    assert!(row.script.settings.subdomain_enabled && !row.script.settings.previews_enabled);
    assert_eq!(f.version_list(&f.actor, &own("a")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_version_holds_makes_one() {
    let f = fixture().await;
    let first = with(code("one"), vec![text("A", "1"), secret("KEY", "s"), secret("GONE", "g")]);
    f.upload(&at("a"), first).await.unwrap();
    let patch = SettingsPatch {
        bindings: Some(vec![text("B", "2"), inherit("KEY", None)]),
        compatibility_date: Some("2025-05-05".to_owned()),
        compatibility_flags: Some(vec!["nodejs_compat".to_owned()]),
        limits: Some(Limits { cpu_ms: Some(7), ..Limits::default() }),
        account: AccountSettingsPatch { tags: Some(sample::tags(&["t"])), ..Default::default() },
        ..SettingsPatch::default()
    };
    let row = f.script_settings_patch(&f.actor, &at("a"), patch, "api".to_owned()).await.unwrap();
    assert_eq!(row, f.script_find(&f.actor, &at("a")).await.unwrap());
    let live = row.deployed.unwrap();
    assert_eq!((live.number, live.compatibility_date.as_str(), live.limits.cpu_ms), (2, "2025-05-05", Some(7)));
    assert_eq!(live.code, sample::code("one").manifest());
    assert_eq!(row.script.tags, sample::tags(&["t"]));
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("B", "2"), ("KEY", "secret:s")]));

    let only_tags = AccountSettingsPatch { tags: Some(sample::tags(&["u"])), ..Default::default() };
    let patch = SettingsPatch { account: only_tags, ..SettingsPatch::default() };
    let row = f.script_settings_patch(&f.actor, &at("a"), patch, "api".to_owned()).await.unwrap();
    assert_eq!((row.deployed.unwrap().number, row.script.tags), (2, sample::tags(&["u"])));
    let wrong = SettingsPatch { compatibility_date: Some("soon".to_owned()), ..SettingsPatch::default() };
    let refused = f.script_settings_patch(&f.actor, &at("a"), wrong, "api".to_owned()).await;
    assert!(matches!(refused, Err(CatalogError::Invalid(_))));
}
