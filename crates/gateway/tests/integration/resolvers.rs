//! Who gets a request: several resolvers in order, and those that need no more than the host.

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use serde_json::json;
use switchyard_gateway::config::{Resolver, ResolverKind};

use crate::harness::{Answer, TestGateway};

pub fn says(text: &str) -> String {
    format!("export default {{ fetch: () => new Response('{text}') }};")
}

/// A GET for this host.
pub async fn get(gateway: &TestGateway, host: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(Method::GET).uri(format!("http://{}{path}", gateway.address()));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    gateway.request(request.header(header::HOST, host).body(Full::new(Bytes::new())).unwrap()).await
}

pub fn fixed(script: &str, namespace: Option<&str>, hosts: &[&str]) -> Resolver {
    let hosts = (!hosts.is_empty()).then(|| hosts.iter().map(|host| (*host).to_owned()).collect());
    let (script, namespace) = (Some(script.to_owned()), namespace.map(str::to_owned));
    Resolver { script, namespace, hosts, ..Resolver::of(ResolverKind::Fixed) }
}

#[tokio::test]
async fn the_first_that_answers_wins() {
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![
            fixed("landing", None, &["www.test", "*.shop.test"]),
            Resolver::subdomain("test", "ns"),
            fixed("rest", Some("ns"), &[]),
        ];
    })
    .await;
    gateway.upload("ns", "rest", &says("rest")).await;
    gateway.upload("ns", "www", &says("www")).await;
    gateway.upload("ns", "hello", &says("hello")).await;
    // What a resolver leads to is not there (yet): the next one is asked.
    get(&gateway, "www.test", "/", &[]).await.is(200, "www");
    gateway.upload_worker("landing", &says("landing"), json!([])).await;
    for (host, answer) in [
        ("www.test", "landing"),
        ("WWW.Test.:8080", "landing"),
        ("a.shop.test", "landing"),
        ("a.b.shop.test", "rest"),
        ("hello.test", "hello"),
        ("nobody.test", "rest"),
        ("elsewhere.example", "rest"),
        ("[::1]", "rest"),
    ] {
        get(&gateway, host, "/", &[]).await.is(200, answer);
    }
}

#[tokio::test]
async fn nobody_is_a_404_and_a_dispatcher_that_is_missing_a_503() {
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![fixed("landing", None, &["www.test"]), Resolver::worker("dispatcher")];
    })
    .await;
    gateway.upload_worker("landing", &says("landing"), json!([])).await;
    get(&gateway, "www.test", "/", &[]).await.is(200, "landing");
    assert_eq!(get(&gateway, "other.test", "/", &[]).await.status, 503);

    let gateway = TestGateway::with(|config| config.resolver = vec![fixed("landing", None, &["www.test"])]).await;
    assert_eq!(get(&gateway, "other.test", "/", &[]).await.status, 404);
    assert_eq!(get(&gateway, "www.test", "/", &[]).await.status, 404);
}
