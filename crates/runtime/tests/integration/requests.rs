//! The plain path: a request in, a response out.

use crate::harness::{Bench, get, post, text};

#[tokio::test]
async fn hello() {
    let bench = Bench::new();
    let worker = bench.worker("export default { fetch() { return new Response('hello') } }").await;
    for _ in 0..50 {
        assert_eq!(bench.get(&worker, "/").await, (200, "hello".into()));
    }
}

#[tokio::test]
async fn request_facts_arrive() {
    let bench = Bench::new();
    let worker = bench.worker(
        "export default { async fetch(request) {
           return Response.json({ url: request.url, method: request.method, header: request.headers.get('X-Test'), body: await request.text() }, { status: 201, headers: { 'x-a': 'b' } });
         } }").await;
    let response = bench.call(&worker, get("/a?b=c")).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-a"], "b");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(text(response).await, r#"{"url":"http://tenant.test/a?b=c","method":"GET","header":"1","body":""}"#);
    let response = bench.call(&worker, post("/", "grüße")).await.unwrap();
    assert!(text(response).await.contains(r#""method":"POST","header":null,"body":"grüße""#));
}

/// The engine's ways past the platform's classes lead to the same place, on the first request and on later ones.
#[tokio::test]
async fn short_ways_are_what_the_classes_do() {
    let bench = Bench::new();
    let worker = bench.worker(include_str!("../fixtures/short.js")).await;
    for _ in 0..3 {
        assert_eq!(bench.get(&worker, "/a?b=c").await, (200, "all alike".into()));
    }
}
