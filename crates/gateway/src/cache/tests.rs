use super::*;
use switchyard_catalog::NamespaceId;
use switchyard_runtime::{Cf, RedirectMode};

fn caches(bytes: u64, each: u64, object: u64) -> Caches {
    Caches::new(&config::Cache { bytes, bytes_per_script: each, object_bytes: object })
}

fn route() -> Route {
    Route::sample(switchyard_catalog::NamespaceSettings::default(), None)
}

fn in_scope(scope: Scope, trusted: bool) -> Route {
    let mut route = route();
    (route.scope, route.trusted) = (scope, trusted);
    route
}

fn request(url: &str, body: Body) -> FetchRequest {
    let (method, headers) = (http::Method::GET, HeaderMap::new());
    FetchRequest { method, url: url.into(), headers, redirect: RedirectMode::Manual, raw: false, body, cf: Cf::None }
}

async fn put(caches: &Caches, route: &Route, name: &str, url: &str, body: Body) -> CacheEnd {
    let operation = CacheOperation::Put { status: 200, headers: HeaderMap::new() };
    let (end, answer) = caches.run(route, Some(name), operation, request(url, body)).await;
    answer.unwrap();
    end
}

async fn get(caches: &Caches, route: &Route, name: &str, url: &str) -> Option<Bytes> {
    let asked = request(url, Body::Empty);
    let (_, answer) = caches.run(route, Some(name), CacheOperation::Match, asked).await;
    let answer = answer.unwrap();
    if answer.status == 0 { None } else { Some(answer.body.collect().await.unwrap().to_bytes()) }
}

const URL: &str = "http://a.example/";

#[tokio::test]
async fn spaces_do_not_meet() {
    let caches = caches(1 << 20, 1 << 20, 1 << 20);
    let (one, other) = (route(), route());
    assert_eq!(put(&caches, &one, "c", "http://a.example/#x", "mine".into()).await, CacheEnd::Stored);
    assert_eq!(get(&caches, &one, "c", URL).await.unwrap(), "mine");
    assert_eq!(get(&caches, &one, "d", URL).await, None);
    assert_eq!(get(&caches, &one, "c", "http://a.example/x").await, None);
    assert_eq!(get(&caches, &other, "c", URL).await, None);
    let same_namespace = in_scope(one.scope, false);
    assert_eq!(get(&caches, &same_namespace, "c", URL).await, None);
    // Those of a trusted namespace share.
    let scope = Scope::Namespace(NamespaceId::random());
    let (one, other) = (in_scope(scope, true), in_scope(scope, true));
    put(&caches, &one, "c", URL, "ours".into()).await;
    assert_eq!(get(&caches, &other, "c", URL).await.unwrap(), "ours");
    let mut elsewhere = in_scope(scope, true);
    elsewhere.account = AccountId::parse("b").unwrap();
    assert_eq!(get(&caches, &elsewhere, "c", URL).await, None);
}

#[tokio::test]
async fn the_default_is_for_those_who_share() {
    let caches = caches(1 << 20, 1 << 20, 1 << 20);
    for (route, is_there) in [
        (route(), false),
        (in_scope(Scope::Namespace(NamespaceId::random()), true), true),
        (in_scope(Scope::Account, false), true),
    ] {
        let (_, answer) = caches.run(&route, None, CacheOperation::Match, request(URL, Body::Empty)).await;
        assert_eq!(answer.is_ok(), is_there);
    }
}

#[tokio::test]
async fn room_is_taken_from_what_was_used_least_lately() {
    let body = || Body::from("x".repeat(1000));
    let caches = caches(20_000, 8_000, 4_000);
    let (one, other) = (route(), route());
    let url = |at: u32| format!("http://a.example/{at}");
    for at in 0..5 {
        assert_eq!(put(&caches, &one, "c", &url(at), body()).await, CacheEnd::Stored);
    }
    assert!(get(&caches, &one, "c", &url(0)).await.is_some());
    assert_eq!(put(&caches, &one, "c", &url(5), body()).await, CacheEnd::Stored);
    assert!(get(&caches, &one, "c", &url(1)).await.is_none(), "the oldest");
    assert!(get(&caches, &one, "c", &url(0)).await.is_some());
    assert!(caches.usage().bytes <= 8_000);
    // A neighbour does not push out those who stay below their share, while there is room.
    for at in 0..50 {
        put(&caches, &other, "c", &url(at), body()).await;
    }
    assert!(get(&caches, &one, "c", &url(5)).await.is_some());
    assert!(caches.usage().bytes <= 16_000);
    // Many do: the node's bound is everybody's.
    for _ in 0..10 {
        put(&caches, &route(), "c", URL, body()).await;
    }
    let usage = caches.usage();
    assert!(usage.bytes <= 20_000 && usage.evicted > 40, "{usage:?}");
}

#[tokio::test]
async fn what_is_too_large_is_not_stored_and_leaves_nothing() {
    let caches = caches(100_000, 100_000, 4_000);
    let route = route();
    let fits = 4_000 - store::OVERHEAD - URL.len() - 1;
    let streamed = |size: usize| {
        let pieces: Vec<Result<http_body::Frame<Bytes>, switchyard_runtime::BodyError>> =
            vec!["x".repeat(size / 2), "x".repeat(size - size / 2)]
                .into_iter()
                .map(|piece| Ok(http_body::Frame::data(piece.into())))
                .collect();
        Body::stream(http_body_util::StreamBody::new(futures_util::stream::iter(pieces)))
    };
    for body in [Body::from("x".repeat(fits)), streamed(fits)] {
        assert_eq!(put(&caches, &route, "c", URL, body).await, CacheEnd::Stored);
        assert_eq!(get(&caches, &route, "c", URL).await.unwrap().len(), fits);
    }
    let usage = caches.usage();
    for body in [Body::from("x".repeat(fits + 1)), streamed(fits + 1)] {
        assert_eq!(put(&caches, &route, "c", URL, body).await, CacheEnd::NotStored);
    }
    assert_eq!(caches.usage(), usage, "the one before stays");
    let broken: Vec<Result<http_body::Frame<Bytes>, _>> =
        vec![Ok(http_body::Frame::data("x".into())), Err(switchyard_runtime::BodyError("broke".into()))];
    let body = Body::stream(http_body_util::StreamBody::new(futures_util::stream::iter(broken)));
    let operation = CacheOperation::Put { status: 200, headers: HeaderMap::new() };
    let (_, answer) = caches.run(&route, Some("c"), operation, request("http://a.example/b", body)).await;
    assert_eq!(answer.unwrap_err().message, "broke");
    assert_eq!(caches.usage(), usage);
}

#[tokio::test]
async fn what_is_not_fresh_is_gone() {
    let caches = caches(1 << 20, 1 << 20, 1 << 20);
    let route = route();
    let headers: HeaderMap = [
        (header::CACHE_CONTROL, HeaderValue::from_static("max-age=60")),
        (header::AGE, HeaderValue::from_static("10")),
    ]
    .into_iter()
    .collect();
    let operation = || CacheOperation::Put { status: 200, headers: headers.clone() };
    let (end, _) = caches.run(&route, Some("c"), operation(), request(URL, "x".into())).await;
    assert_eq!(end, CacheEnd::Stored);
    let (_, answer) = caches.run(&route, Some("c"), CacheOperation::Match, request(URL, Body::Empty)).await;
    let age = answer.unwrap().headers[header::AGE].to_str().unwrap().parse::<u64>().unwrap();
    assert!((10..40).contains(&age), "{age}");
    let key = Key { space: Arc::new(Space::of(&route)), cache: Some("c".into()), url: URL.into() };
    let in_time = |seconds| Instant::now() + Duration::from_secs(seconds);
    assert!(caches.store.get(&key, in_time(5)).is_some());
    assert!(caches.store.get(&key, in_time(50)).is_none());
    assert_eq!(caches.usage().bytes, 0);
}

#[tokio::test]
async fn deleting_says_whether_there_was_one() {
    let caches = caches(1 << 20, 1 << 20, 1 << 20);
    let route = route();
    let delete = async || {
        let (_, answer) = caches.run(&route, Some("c"), CacheOperation::Delete, request(URL, Body::Empty)).await;
        answer.unwrap().status == 200
    };
    assert!(!delete().await);
    put(&caches, &route, "c", URL, "x".into()).await;
    assert!(delete().await);
    assert!(!delete().await);
    assert_eq!(caches.usage().entries, 0);
}
