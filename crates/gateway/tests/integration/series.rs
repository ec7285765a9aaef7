//! No host, path, method or name that somebody chooses makes a metric series.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;

use crate::harness::{TestGateway, scaled};
use crate::resolvers::says;
use crate::tail::Events;

/// Names and labels, without the values.
async fn series(gateway: &TestGateway) -> BTreeSet<String> {
    let metrics = gateway.admin("/metrics").await;
    let lines = metrics.text().lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

async fn ask(gateway: &TestGateway, method: &str, host: &str, path: &str) -> u16 {
    let request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap());
    let request = request.uri(format!("http://{}{path}", gateway.address())).header(header::HOST, host);
    gateway.request(request.body(Full::<Bytes>::default()).unwrap()).await.status.as_u16()
}

#[tokio::test]
async fn a_hundred_thousand_requests_add_none() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "hello", &says("hello")).await;
    gateway.upload("ns", "throws", "export default { fetch() { throw new Error('x'); } };").await;
    gateway
        .upload(
            "ns",
            "fetches",
            "export default { async fetch(r) { await fetch(r.url).catch(() => {}); return new Response(); } };",
        )
        .await;
    let kinds = [("GET", "hello.test"), ("GET", "nobody.test"), ("GET", "throws.test"), ("GET", "fetches.test")];
    for (method, host) in kinds.into_iter().chain([("BREW", "hello.test"), ("GET", "a b")]) {
        ask(&gateway, method, host, "/").await;
    }
    let before = series(&gateway).await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut answered = BTreeSet::new();
    for number in 0..scaled(5_000) {
        let known = ["hello", "throws", "fetches"][number % 3];
        let host = match number % 4 {
            0 => format!("{known}.test"),
            1 => format!("{known}.test:{}", random() % 60_000 + 1),
            2 => format!("h{:x}.test", random()),
            _ => format!("{:x}.{:x}.example", random(), random()),
        };
        let method = match number % 5 {
            0 => format!("M{:X}", random()),
            other => ["GET", "POST", "PUT", "OPTIONS"][other - 1].to_owned(),
        };
        let path = format!("/{:x}/{:x}?{:x}", random(), random(), random());
        answered.insert(ask(&gateway, &method, &host, &path).await);
        if number % 500 == 0 {
            // Names of scripts are somebody's choice too.
            gateway.upload("ns", &format!("s{:x}", random()), &says("x")).await;
        }
    }
    assert_eq!(answered.into_iter().collect::<Vec<_>>(), [200, 404, 500, 501]);
    let after = series(&gateway).await;
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(after.len() <= 600, "{} series", after.len());
}

/// Ten thousand of them with `SWITCHYARD_TEST_SCALE=10`.
#[tokio::test]
async fn more_scripts_add_none() {
    let gateway = TestGateway::start().await;
    let publish = async |numbers: std::ops::Range<usize>| {
        for number in numbers {
            let name = format!("t{number}");
            gateway.upload("ns", &name, &says(&name)).await;
            gateway.get(&name, "/").await.is(200, &name);
        }
    };
    publish(0..10).await;
    // What is made of a script when somebody watches it, too.
    drop(Events::open(&gateway, "/namespaces/ns/scripts/t0/tail").await);
    let few = series(&gateway).await;
    publish(10..scaled(1_000)).await;
    assert_eq!(series(&gateway).await, few);
}
