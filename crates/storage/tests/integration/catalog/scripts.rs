//! Lists, details, deletion, content, tags.

use switchyard_catalog::*;

use super::fixture::*;
use crate::sample;

fn filter(with: &[&str], without: &[&str]) -> ScriptFilter {
    ScriptFilter { with: sample::tags(with), without: sample::tags(without) }
}

async fn tagged(f: &Fixture, name: &str, tags: &[&str]) -> ScriptId {
    let new = NewScript { tags: Some(sample::tags(tags)), ..code(name) };
    f.upload(&at(name), new).await.unwrap().row.script.id
}

#[tokio::test]
async fn a_list_pages_and_says_whether_there_is_more() {
    let f = fixture().await;
    for name in ["a", "b", "c"] {
        tagged(&f, name, &[]).await;
    }
    f.upload(&own("z"), code("z")).await.unwrap();
    let none = ScriptFilter::default();
    let page = f.script_list(&f.actor, &prod(), &none, None, 2).await.unwrap();
    assert_eq!(page.rows.len(), 2);
    assert_eq!(page.next, Some(sample::name("b")));
    let page = f.script_list(&f.actor, &prod(), &none, page.next.as_ref(), 2).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (1, None));
    let exact = f.script_list(&f.actor, &prod(), &none, None, 3).await.unwrap();
    assert_eq!((exact.rows.len(), exact.next), (3, None));
    let own = f.script_list_account(&f.actor, &none, None, 1_000).await.unwrap();
    assert_eq!(own.rows.len(), 1);
    let missing = f.script_list(&f.actor, &NamespaceName::parse("no").unwrap(), &none, None, 2).await;
    assert!(matches!(missing, Err(CatalogError::NamespaceNotFound)));
}

#[tokio::test]
async fn deletion_by_filter_takes_at_most_the_limit() {
    let f = fixture().await;
    let a = tagged(&f, "a", &["customer:1"]).await;
    tagged(&f, "b", &[]).await;
    let c = tagged(&f, "c", &["customer:1", "x"]).await;
    let d = tagged(&f, "d", &["customer:1"]).await;
    let wanted = filter(&["customer:1"], &[]);
    let (deleted, more) = f.script_delete_by_filter(&f.actor, &prod(), &wanted, 2).await.unwrap();
    assert_eq!((deleted, more), (vec![a, c], true));
    let (deleted, more) = f.script_delete_by_filter(&f.actor, &prod(), &wanted, 2).await.unwrap();
    assert_eq!((deleted, more), (vec![d], false));
    let (deleted, more) = f.script_delete_by_filter(&f.actor, &prod(), &wanted, 2).await.unwrap();
    assert_eq!((deleted, more), (vec![], false));
    assert_eq!(f.script_list(&f.actor, &prod(), &filter(&[], &[]), None, 10).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_deleted_script_is_gone_and_a_new_one_is_another() {
    let f = fixture().await;
    let first = tagged(&f, "a", &["old"]).await;
    f.script_delete(&f.actor, &at("a"), false).await.unwrap();
    assert!(matches!(f.script_delete(&f.actor, &at("a"), false).await, Err(CatalogError::ScriptNotFound)));
    assert!(matches!(f.script_find(&f.actor, &at("a")).await, Err(CatalogError::ScriptNotFound)));
    let again = f.upload(&at("a"), code("x")).await.unwrap().row.script;
    assert_ne!(again.id, first);
    assert!(again.tags.is_empty());
}

#[tokio::test]
async fn content_comes_back_as_uploaded() {
    let f = fixture().await;
    let uploaded = Code {
        syntax: CodeSyntax::Modules,
        entry: "src/index.js".to_owned(),
        modules: vec![
            module("src/index.js", ModuleKind::EsModule, "export default {} // 🦀"),
            module("lib/a.txt", ModuleKind::Text, ""),
            module("src/index.js.map", ModuleKind::SourceMap, "{}"),
            module("../../etc/passwd", ModuleKind::Data, "a name is a key, never a path"),
        ],
        upstream: None,
    };
    let new = NewScript { code: Some(uploaded.clone()), ..code("") };
    let first = f.upload(&at("a"), new).await.unwrap();
    let (content, etag) = f.script_content(&f.actor, &at("a")).await.unwrap();
    assert_eq!(content, uploaded);
    assert_eq!(etag, first.version.code.digest());

    let patched = f
        .script_content_put(&f.actor, &at("a"), sample::code("two"), Precondition::None, "api".to_owned())
        .await
        .unwrap();
    assert_eq!(f.script_content(&f.actor, &at("a")).await.unwrap().0, sample::code("two"));
    assert_eq!(patched.version.number, 2);
    let missing =
        f.script_content_put(&f.actor, &at("b"), sample::code("two"), Precondition::None, "api".to_owned()).await;
    assert!(matches!(missing, Err(CatalogError::ScriptNotFound)));
}

#[tokio::test]
async fn tags_are_put_added_and_removed() {
    let f = fixture().await;
    tagged(&f, "a", &["x"]).await;
    let put = f.script_tags_put(&f.actor, &at("a"), sample::tags(&["b", "a", "b"])).await.unwrap();
    assert_eq!(put, sample::tags(&["b", "a"]));
    f.script_tag_add(&f.actor, &at("a"), &Tag::parse("c:d").unwrap()).await.unwrap();
    f.script_tag_add(&f.actor, &at("a"), &Tag::parse("c:d").unwrap()).await.unwrap();
    f.script_tag_delete(&f.actor, &at("a"), &Tag::parse("b").unwrap()).await.unwrap();
    let again = f.script_tag_delete(&f.actor, &at("a"), &Tag::parse("b").unwrap()).await;
    assert!(matches!(again, Err(CatalogError::TagNotFound)));
    assert_eq!(f.script_find(&f.actor, &at("a")).await.unwrap().script.tags, sample::tags(&["a", "c:d"]));

    let eight: Vec<Tag> = (0..8).map(|n| Tag::parse(&format!("t{n}")).unwrap()).collect();
    f.script_tags_put(&f.actor, &at("a"), eight).await.unwrap();
    let ninth = f.script_tag_add(&f.actor, &at("a"), &Tag::parse("t8").unwrap()).await;
    assert!(matches!(ninth, Err(CatalogError::Invalid(_))));
    let nine: Vec<Tag> = (0..9).map(|n| Tag::parse(&format!("t{n}")).unwrap()).collect();
    assert!(matches!(f.script_tags_put(&f.actor, &at("a"), nine.clone()).await, Err(CatalogError::Invalid(_))));
    let upload = f.upload(&at("a"), NewScript { tags: Some(nine), ..code("x") }).await;
    assert!(matches!(upload, Err(CatalogError::Invalid(_))));
}

#[tokio::test]
async fn tags_added_at_once_are_all_there() {
    let f = fixture().await;
    tagged(&f, "a", &[]).await;
    let tags: Vec<Tag> = (0..3).map(|n| Tag::parse(&format!("t{n}")).unwrap()).collect();
    let script = at("a");
    let adds = tags.iter().map(|tag| f.script_tag_add(&f.actor, &script, tag));
    for added in futures_util::future::join_all(adds).await {
        added.unwrap();
    }
    let mut there = f.script_find(&f.actor, &at("a")).await.unwrap().script.tags;
    there.sort();
    assert_eq!(there, tags);
}
