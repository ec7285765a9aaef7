//! Listeners: woken by every change, and waited for by operations.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use switchyard_catalog::*;

use super::fixture::*;

#[tokio::test]
async fn a_watcher_wakes_with_each_change() {
    let f = fixture().await;
    let mut watch = f.watch();
    assert!(!watch.has_changed().unwrap());
    let version = f.upload(&at("a"), code("one")).await.unwrap().version;
    assert!(watch.has_changed().unwrap());
    watch.mark_unchanged();
    let share = VersionShare { version: version.id, percentage: 100.0 };
    f.deployment_create(&f.actor, &at("a"), vec![share], "api".to_owned(), Default::default()).await.unwrap();
    assert!(watch.has_changed().unwrap());
    watch.mark_unchanged();
    f.script_delete(&f.actor, &at("a"), false).await.unwrap();
    assert!(watch.has_changed().unwrap());
    watch.mark_unchanged();
    f.namespace_delete(&f.actor, &prod()).await.unwrap();
    assert!(watch.has_changed().unwrap());
    watch.mark_unchanged();
    f.script_list_account(&f.actor, &ScriptFilter::default(), None, 10).await.unwrap();
    assert!(!watch.has_changed().unwrap());
}

#[tokio::test]
async fn the_reply_comes_after_the_follower_has_it() {
    let f = fixture().await;
    let mut follower = f.follow();
    let (mut revision, _) = f.storage.routes_load().await.unwrap();
    let applied = Arc::new(AtomicU64::new(revision));
    let (storage, node) = (f.storage.clone(), applied.clone());
    let task = tokio::spawn(async move {
        while let Some(number) = follower.changed().await {
            // A slow node: without waiting, the operation would be back long before.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            for change in storage.changes_after(revision, 100).await.unwrap() {
                revision = change.revision;
            }
            node.store(revision, Ordering::SeqCst);
            follower.applied(number);
        }
    });
    for n in 0..10 {
        f.upload(&at(&format!("s{}", n % 3)), code(&n.to_string())).await.unwrap();
        assert_eq!(applied.load(Ordering::SeqCst), f.storage.routes_load().await.unwrap().0);
    }
    task.abort();
    let _ = task.await;
    // Nobody follows any more: nobody is waited for.
    f.upload(&at("last"), code("x")).await.unwrap();
}
