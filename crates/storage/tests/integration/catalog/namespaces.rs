//! Namespaces and bootstrap.

use switchyard_catalog::*;

use super::fixture::*;
use crate::sample;

fn named(name: &str) -> NamespaceName {
    NamespaceName::parse(name).unwrap()
}

#[tokio::test]
async fn a_namespace_lives_its_life() {
    let f = fixture().await;
    let made = f.namespace_find(&f.actor, &prod()).await.unwrap();
    assert_eq!((made.created_by.as_str(), made.trusted_workers), ("token-1", false));
    let twin = f.namespace_create(&f.actor, &prod()).await;
    assert!(matches!(twin, Err(CatalogError::NamespaceExists)));
    let renamed = f.namespace_update(&f.actor, &prod(), Some(&named("live")), None).await.unwrap();
    assert_eq!((renamed.id, renamed.name.as_str()), (made.id, "live"));
    assert!(renamed.modified_on > made.modified_on);
    let trusted = f.namespace_update(&f.actor, &named("live"), None, Some(true)).await.unwrap();
    assert!(trusted.trusted_workers && trusted.name == named("live"));
    let gone = f.namespace_update(&f.actor, &prod(), None, Some(true)).await;
    assert!(matches!(gone, Err(CatalogError::NamespaceNotFound)));
    f.namespace_create(&f.actor, &prod()).await.unwrap();
    let taken = f.namespace_update(&f.actor, &prod(), Some(&named("live")), None).await;
    assert!(matches!(taken, Err(CatalogError::NamespaceExists)));
    f.namespace_delete(&f.actor, &prod()).await.unwrap();
    assert!(matches!(f.namespace_delete(&f.actor, &prod()).await, Err(CatalogError::NamespaceNotFound)));
    assert_eq!(f.namespace_list(&f.actor).await.unwrap(), [trusted]);
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let f = fixture().await;
    f.upload(&at("a"), code("x")).await.unwrap();
    let account = AccountId::parse("other").unwrap();
    let other = Actor::of_account(account.clone(), "t");
    assert!(matches!(f.namespace_create(&other, &prod()).await, Err(CatalogError::AccountNotFound)));
    f.account_ensure(&account, "Other").await.unwrap();
    assert!(f.namespace_list(&other).await.unwrap().is_empty());
    assert!(matches!(f.namespace_find(&other, &prod()).await, Err(CatalogError::NamespaceNotFound)));
    assert!(matches!(f.script_find(&other, &at("a")).await, Err(CatalogError::AccountNotFound)));
    let theirs = ScriptRef { account, ..at("a") };
    assert!(matches!(f.script_find(&other, &theirs).await, Err(CatalogError::NamespaceNotFound)));
    assert!(matches!(f.script_find(&f.actor, &theirs).await, Err(CatalogError::AccountNotFound)));
}

#[tokio::test]
async fn bootstrap_can_be_repeated() {
    let f = fixture().await;
    let account = sample::account();
    for _ in 0..2 {
        f.account_ensure(&account, "Acme").await.unwrap();
        let token =
            f.token_ensure(&account, "a-token-for-the-test", "ci", Access::Write, TokenScope::Account).await.unwrap();
        assert_eq!(f.token_verify("a-token-for-the-test").await.unwrap(), TokenVerdict::Valid(token));
        f.namespace_ensure(&f.actor, &named("dev")).await.unwrap();
    }
    assert_eq!(f.account_list().await.unwrap()[0].name, "Acme");
    assert_eq!(f.namespace_list(&f.actor).await.unwrap().len(), 2);
    assert_eq!(f.token_verify("another-token-of-nobody").await.unwrap(), TokenVerdict::Unknown);
    for bad in ["short", "with a space in it....", &"x".repeat(600)] {
        let refused = f.token_ensure(&account, bad, "ci", Access::Read, TokenScope::Account).await;
        assert!(matches!(refused, Err(CatalogError::Invalid(_))), "{bad}");
    }
    let nobody = AccountId::parse("nobody").unwrap();
    let refused = f.token_ensure(&nobody, "a-token-for-nobody-at-all", "ci", Access::Read, TokenScope::Account).await;
    assert!(matches!(refused, Err(CatalogError::AccountNotFound)));
}
