//! What a namespace's Workers may reach beyond the public internet, and what alone.

use serde_json::{Value, json};

use crate::dns::{Trap, serve};
use crate::egress::{FETCHER, origin};
use crate::harness::TestGateway;
use crate::namespace_settings::put;

/// A node that grants 127.0.0.0/8, whose names all lead to 127.0.0.1.
async fn node() -> TestGateway {
    let (server, _) = serve(|name, _| name.ends_with(".test").then(|| vec!["127.0.0.1".parse().unwrap()])).await;
    let gateway = TestGateway::with(|config| {
        config.egress.grantable = vec!["127.0.0.0/8".parse().unwrap()];
        config.egress.nameservers = vec![server];
        config.bootstrap.namespaces = vec!["ns".into(), "other".into()];
        config.resolver.push(switchyard_gateway::config::Resolver::subdomain("other", "other"));
    })
    .await;
    gateway.upload("ns", "f", FETCHER).await;
    gateway
}

async fn fetched(gateway: &TestGateway, url: &str) -> String {
    gateway.get("f", &format!("/?url={url}")).await.text().to_owned()
}

#[tokio::test]
async fn beyond_the_public_internet_a_namespace_reaches_what_it_is_granted() {
    let gateway = node().await;
    let (origin, trap) = (origin().await, Trap::at("127.0.0.2:0").await);
    let (port, trapped) = (origin.port(), trap.address);
    let reaches = async |url: String| fetched(&gateway, &url).await.starts_with("[200,");
    assert!(!reaches(format!("http://{origin}/show")).await);
    let also = |list: Value| json!({ "egress": { "also": list } });
    for (list, by_address, by_name) in [
        (json!(["127.0.0.1"]), true, true),
        (json!([format!("127.0.0.0/24:{port}")]), true, true),
        (json!(["127.0.0.0/24:1"]), false, false),
        (json!(["a.test"]), false, true),
        (json!(["*.test"]), false, true),
        (json!([format!("a.test:1-{}", port - 1)]), false, false),
        (json!(["b.test"]), false, false),
        (json!([]), false, false),
    ] {
        put(&gateway, also(list.clone())).await;
        assert_eq!(reaches(format!("http://{origin}/show")).await, by_address, "{list}");
        assert_eq!(reaches(format!("http://a.test:{port}/show")).await, by_name, "{list}");
    }
    put(&gateway, also(json!(["127.0.0.1"]))).await;
    assert!(!reaches(format!("http://{trapped}/")).await);
    // Neither a redirect nor another namespace goes where only this one may.
    assert!(reaches(format!("http://{origin}/show")).await);
    assert!(!fetched(&gateway, &format!("http://{origin}/to?http://{trapped}/")).await.starts_with("[200,"));
    gateway.upload("other", "f", FETCHER).await;
    let request = http::Request::get(format!("http://{}/?url=http://{origin}/show", gateway.address()));
    let elsewhere = gateway.request(request.header("host", "f.other").body(Default::default()).unwrap()).await;
    assert_eq!(elsewhere.status, 500, "{}", elsewhere.text());
    // Own listeners are granted to nobody.
    for own in [gateway.address(), gateway.admin_address()] {
        assert!(!reaches(format!("http://{own}/")).await);
    }
    assert_eq!(trap.reached(), 0);
    put(&gateway, also(json!(["127.0.0.2"]))).await;
    assert!(reaches(format!("http://{trapped}/")).await);
    assert_eq!(trap.reached(), 1);
}

/// The connection that was allowed is open still, and is not used any more.
#[tokio::test]
async fn what_is_taken_back_ends_with_the_next_fetch() {
    let gateway = node().await;
    let origin = origin().await;
    for _ in 0..3 {
        put(&gateway, json!({ "egress": { "also": ["127.0.0.1"] } })).await;
        assert!(fetched(&gateway, &format!("http://{origin}/show")).await.starts_with("[200,"));
        put(&gateway, json!({})).await;
        assert!(fetched(&gateway, &format!("http://{origin}/show")).await.contains("not an address"));
    }
}

#[tokio::test]
async fn a_list_is_all_that_a_namespace_reaches() {
    let (server, questions) =
        serve(|name, _| name.ends_with(".test").then(|| vec!["127.0.0.1".parse().unwrap()])).await;
    let gateway = TestGateway::with(|config| {
        config.egress.private = true;
        config.egress.nameservers = vec![server];
    })
    .await;
    gateway.upload("ns", "f", FETCHER).await;
    let origin = origin().await;
    let port = origin.port();
    let only = |list: Value| json!({ "egress": { "only": list } });
    for (list, address, name, other) in [
        (Value::Null, true, true, true),
        (json!(["a.test"]), false, true, false),
        (json!([format!("*.test:{port}")]), false, true, true),
        (json!(["*.test:1"]), false, false, false),
        (json!(["127.0.0.1"]), true, true, true),
        (json!(["127.0.0.2"]), false, false, false),
        (json!(["*"]), true, true, true),
        (json!([]), false, false, false),
    ] {
        put(&gateway, only(list.clone())).await;
        for (host, allowed) in [("127.0.0.1", address), ("a.test", name), ("b.test", other)] {
            let seen = fetched(&gateway, &format!("http://{host}:{port}/show")).await;
            assert_eq!(seen.starts_with("[200,"), allowed, "{list} {host}: {seen}");
        }
    }
    // A redirect is checked like the first, and what cannot be right is not even looked up.
    put(&gateway, only(json!(["a.test"]))).await;
    let seen = fetched(&gateway, &format!("http://a.test:{port}/to?http://c.test:{port}/show")).await;
    let told = format!("Error: Workers of this namespace cannot fetch from c.test:{port}: it is not on their list.");
    assert_eq!(seen, told);
    use std::sync::atomic::Ordering::Relaxed;
    let before = questions.load(Relaxed);
    assert_eq!(fetched(&gateway, &format!("http://secret-word.test:{port}/")).await.replace("secret-word", "c"), told);
    assert_eq!(questions.load(Relaxed), before);
}

/// As two tenants of one namespace fetch from one origin in turn, each has a connection of its own.
#[tokio::test]
async fn no_connection_is_kept_for_another_tenant() {
    let gateway = TestGateway::with(|config| config.egress.private = true).await;
    let origin = origin().await;
    for script in ["f", "g"] {
        gateway.upload("ns", script, FETCHER).await;
    }
    let mut of = std::collections::HashMap::<String, &str>::new();
    let mut kept = 0;
    for round in 0..20 {
        let script = ["f", "g"][round % 2];
        let seen = gateway.get(script, &format!("/?url=http://{origin}/peer")).await.json();
        let peer = seen[3].as_str().unwrap().to_owned();
        kept += usize::from(of.get(&peer) == Some(&script));
        assert!(of.insert(peer, script).is_none_or(|before| before == script), "a connection of another tenant");
    }
    assert!(kept >= 10, "{kept} of 20 fetches went over a connection that was kept");
}

/// One tenant's name server never answers: it is the only one that waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_waits_for_names_holds_up_nobody() {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = silent.local_addr().unwrap();
    let gateway = TestGateway::with(|config| {
        config.egress.private = true;
        config.egress.nameservers = vec![server];
        config.limits.fetches_at_once = 100;
    })
    .await;
    let many = "export default { async fetch() {
        await Promise.all(Array.from({ length: 100 }, (_, i) => fetch(`http://n${i}.test/`).catch(() => {})));
        return new Response('done'); } };";
    gateway.upload("ns", "many", many).await;
    gateway.upload("ns", "f", FETCHER).await;
    let gateway = std::sync::Arc::new(gateway);
    let waits = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.get("many", "/").await }
    });
    // Two questions for each name of the few that are asked at once.
    let mut buffer = [0; 512];
    for _ in 0..16 {
        silent.recv_from(&mut buffer).await.unwrap();
    }
    let origin = origin().await;
    for _ in 0..20 {
        let seen = fetched(&gateway, &format!("http://localhost:{}/show", origin.port())).await;
        assert!(seen.starts_with("[200,"), "{seen}");
    }
    assert!(!waits.is_finished());
    waits.abort();
}
