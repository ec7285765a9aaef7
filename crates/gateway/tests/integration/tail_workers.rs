//! Tail Workers: what they are told of whom, and that neither their failures nor their loops reach anybody.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::Method;
use serde_json::{Value, json};
use switchyard_catalog::Isolation;
use switchyard_gateway::config::Resolver;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Answer, PATIENCE, TestGateway};
use crate::tail::{Events, message, open_tail_by, socket};

/// Keeps what it is told, call by call, and shows it.
const KEEPS: &str = "const told = [];
    export default {
        fetch() { return Response.json(told) },
        tail(events) { told.push(events.map((e) => ({ ...e, unredacted: e.event.request?.getUnredacted() }))) },
    };";

/// One whose Workers keep their global state: `keeper` is asked by way of `told.test`, of which no tail Worker hears;
/// all other hosts are the dispatcher's.
async fn keeping() -> TestGateway {
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![Resolver::subdomain("test", "ns"), Resolver::worker("dispatcher")];
        config.runtime.isolation = Isolation::Warm;
        config.runtime.warm_instances = 16;
        config.limits.cpu = Duration::from_millis(100);
    })
    .await;
    gateway.upload_worker("keeper", KEEPS, json!([])).await;
    let bindings = json!({ "bindings": [{ "name": "KEEPER", "type": "service", "service": "keeper" }] });
    gateway
        .upload_with("ns", "told", "export default { fetch(r, env) { return env.KEEPER.fetch(r) } };", bindings)
        .await;
    gateway
}

/// `dispatcher`: what the path names runs.
async fn dispatching(gateway: &TestGateway, more: Value) {
    let source = "export default { async fetch(r, env) {
        const { pathname } = new URL(r.url);
        console.log('dispatching', { to: pathname });
        if (pathname.startsWith('/own')) return new Response('own');
        try { return await env.D.get(pathname.split('/')[1]).fetch(r) } catch (e) { return new Response(e.message, { status: 500 }) }
    } };";
    let mut bindings = json!([{ "name": "D", "type": "dispatch_namespace", "namespace": "ns" }]);
    if let Some(outbound) = more.get("outbound") {
        bindings[0]["outbound"] = outbound.clone();
    }
    gateway.upload_worker("dispatcher", source, bindings).await;
}

/// `script`: `scripts/NAME`, or `dispatch/namespaces/NS/scripts/NAME`.
async fn tails(gateway: &TestGateway, script: &str, consumers: Value) -> Answer {
    let end = if script.starts_with("dispatch") { "settings" } else { "script-settings" };
    let path = format!("/client/v4/accounts/{}/workers/{script}/{end}", gateway.account());
    let body = json!({ "tail_consumers": consumers }).to_string();
    gateway.api(Method::PATCH, &path, "application/json", body.into()).await
}

async fn tailed_by(gateway: &TestGateway, script: &str, consumers: Value) {
    let answer = tails(gateway, script, consumers).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The calls of the keeper's handler, once there are so many.
async fn told(gateway: &TestGateway, calls: usize) -> Vec<Value> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let told = gateway.get("told", "/").await.json();
        let told = told.as_array().unwrap();
        if told.len() >= calls {
            assert_eq!(told.len(), calls, "{told:#?}");
            return told.clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "{calls} calls did not come: {told:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn metric(gateway: &TestGateway, name: &str) -> u64 {
    let text = gateway.admin("/metrics").await.text().to_owned();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Until a counter stands still at this value.
async fn settles(gateway: &TestGateway, name: &str, value: u64) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while metric(gateway, name).await < value {
        assert!(tokio::time::Instant::now() < deadline, "{name} is not {value}: {}", metric(gateway, name).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(metric(gateway, name).await, value, "{name}");
}

const TOLD: &str = "switchyard_tail_worker_calls_total{end=\"ok\"}";
const FAILED: &str = "switchyard_tail_worker_calls_total{end=\"failed\"}";

#[tokio::test]
async fn a_tail_worker_is_told_what_its_producer_did() {
    let gateway = keeping().await;
    dispatching(&gateway, json!({})).await;
    gateway.get("x", "/own/before").await.is(200, "own");
    tailed_by(&gateway, "scripts/dispatcher", json!([{ "service": "keeper" }])).await;
    let secret = [("authorization", "Bearer s3cret"), ("x-shop", "one")];
    gateway
        .send(Method::POST, "x", "/own/0123456789abcdef0123456789abcdef", &secret, "body".into())
        .await
        .is(200, "own");
    let calls = told(&gateway, 1).await;
    let [event] = calls[0].as_array().unwrap().as_slice() else { panic!("{calls:#?}") };
    assert_eq!(
        (&event["scriptName"], &event["outcome"], &event["executionModel"]),
        (&json!("dispatcher"), &json!("ok"), &json!("stateless"))
    );
    assert_eq!(event["logs"][0]["message"][0], "dispatching");
    assert_eq!(event["logs"][0]["message"][1]["to"], "/own/0123456789abcdef0123456789abcdef");
    assert_eq!(
        (&event["exceptions"], &event["truncated"], event.get("dispatchNamespace")),
        (&json!([]), &json!(false), None)
    );
    assert_eq!(event["scriptVersion"]["id"].as_str().map(str::len), Some(36));
    assert!(
        event["eventTimestamp"].as_u64().unwrap() > 1_700_000_000_000
            && event["cpuTime"].is_u64()
            && event["wallTime"].is_u64()
    );
    assert_eq!(event["event"]["response"], json!({ "status": 200 }));
    let (shown, whole) = (&event["event"]["request"], &event["unredacted"]);
    assert_eq!((&shown["method"], &shown["url"]), (&json!("POST"), &json!("http://x.test/own/REDACTED")));
    assert_eq!((&shown["headers"]["authorization"], &shown["headers"]["x-shop"]), (&json!("REDACTED"), &json!("one")));
    assert_eq!(whole["url"], "http://x.test/own/0123456789abcdef0123456789abcdef");
    assert_eq!(whole["headers"]["authorization"], "Bearer s3cret");
    // At once, and as long as it is set.
    tailed_by(&gateway, "scripts/dispatcher", Value::Null).await;
    gateway.get("x", "/own/after").await.is(200, "own");
    told(&gateway, 1).await;
}

#[tokio::test]
async fn a_dispatch_workers_tail_worker_is_told_of_its_user_workers_in_one_call() {
    let gateway = keeping().await;
    gateway
        .upload_worker(
            "out",
            "export default { fetch(r) { console.log('out', r.url); return new Response('net') } };",
            json!([]),
        )
        .await;
    dispatching(&gateway, json!({ "outbound": { "worker": { "service": "out" } } })).await;
    let user = "export default { async fetch(r, env, ctx) {
        console.warn('user', [1]);
        ctx.waitUntil((async () => { await new Promise((r) => setTimeout(r, 50)); throw new RangeError('late') })());
        const answer = await fetch('http://elsewhere.test/');
        if (r.url.includes('throw')) throw new TypeError('user error');
        return answer } };";
    gateway.upload_with("ns", "user", user, json!({ "tags": ["customer-1"] })).await;
    gateway.upload("ns", "other", "export default { fetch() { return new Response('other') } };").await;
    tailed_by(&gateway, "scripts/dispatcher", json!([{ "service": "keeper" }])).await;
    // Both name it: told once.
    tailed_by(&gateway, "dispatch/namespaces/ns/scripts/user", json!([{ "service": "keeper" }])).await;
    gateway.get("x", "/user/one").await.is(200, "net");
    let calls = told(&gateway, 1).await;
    let events = calls[0].as_array().unwrap();
    let by_name =
        |name: &str| events.iter().find(|event| event["scriptName"] == name).unwrap_or_else(|| panic!("{events:#?}"));
    assert_eq!(events.len(), 3, "{events:#?}");
    let user = by_name("user");
    assert_eq!(
        (&user["dispatchNamespace"], &user["scriptTags"], &user["outcome"]),
        (&json!("ns"), &json!(["customer-1"]), &json!("ok"))
    );
    assert_eq!((&user["logs"][0]["level"], &user["logs"][0]["message"]), (&json!("warn"), &json!(["user", [1]])));
    // What came after the response is told too.
    assert_eq!(
        (&user["exceptions"][0]["name"], &user["exceptions"][0]["message"]),
        (&json!("RangeError"), &json!("late"))
    );
    assert!(user["exceptions"][0]["stack"].as_str().unwrap().trim_start().starts_with("at "), "{user:#?}");
    assert_eq!(by_name("out")["logs"][0]["message"], json!(["out", "http://elsewhere.test/"]));
    assert_eq!(by_name("dispatcher")["event"]["request"]["url"], "http://x.test/user/one");

    gateway.get("x", "/user/throw").await.is(500, "user error");
    let calls = told(&gateway, 2).await;
    let user = calls[1].as_array().unwrap().iter().find(|event| event["scriptName"] == "user").unwrap().clone();
    assert_eq!((&user["outcome"], user["event"].get("response")), (&json!("exception"), None));
    assert_eq!(user["exceptions"][0]["message"], "user error");
    // A user Worker's own tail Worker hears of that one alone.
    tailed_by(&gateway, "scripts/dispatcher", json!([])).await;
    gateway.get("x", "/other").await.is(200, "other");
    gateway.get("x", "/user/two").await.is(200, "net");
    let calls = told(&gateway, 3).await;
    let names: Vec<_> = calls[2].as_array().unwrap().iter().map(|event| &event["scriptName"]).collect();
    assert_eq!(names, ["user"]);
}

#[tokio::test]
async fn a_user_worker_can_be_a_tail_worker_and_is_in_its_namespace() {
    let gateway = keeping().await;
    dispatching(&gateway, json!({})).await;
    gateway.upload("ns", "keeper", KEEPS).await;
    gateway.upload("ns", "user", "export default { fetch() { return new Response('ok') } };").await;
    tailed_by(&gateway, "dispatch/namespaces/ns/scripts/user", json!([{ "service": "keeper", "namespace": "ns" }]))
        .await;
    gateway.get("x", "/user/hello").await.is(200, "ok");
    settles(&gateway, TOLD, 1).await;
    let kept = gateway.get("x", "/keeper/kept").await.json();
    assert_eq!(kept[0][0]["event"]["request"]["url"], "http://x.test/user/hello");
    told(&gateway, 0).await;
}

/// A tail Worker has limits of its own; its producer notices nothing of what it does.
#[tokio::test]
async fn a_tail_worker_that_fails_is_alone_with_it() {
    let gateway = keeping().await;
    let bad = [
        ("throws", "throw new Error('no')"),
        ("spins", "for (;;);"),
        ("grows", "const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))"),
        ("rejects", "return Promise.reject(new Error('no'))"),
    ];
    for (name, body) in bad {
        gateway.upload_worker(name, &format!("export default {{ tail() {{ {body} }} }}"), json!([])).await;
    }
    dispatching(&gateway, json!({})).await;
    let consumers = bad.map(|(name, _)| json!({ "service": name }));
    tailed_by(
        &gateway,
        "scripts/dispatcher",
        json!([consumers.as_slice(), &[json!({ "service": "keeper" })]].concat()),
    )
    .await;
    for n in 0..5 {
        gateway.get("x", &format!("/own/{n}")).await.is(200, "own");
        told(&gateway, n + 1).await;
        settles(&gateway, FAILED, 4 * (n as u64 + 1)).await;
    }
    // Deployed anew without a tail handler, it only fails; gone, nobody is called.
    gateway.upload_worker("throws", "export default { fetch() { return new Response('ok') } }", json!([])).await;
    gateway.get("x", "/own/5").await.is(200, "own");
    settles(&gateway, FAILED, 24).await;
    let path = |name: &str| format!("/client/v4/accounts/{}/workers/scripts/{name}?force=true", gateway.account());
    for (name, _) in bad {
        assert_eq!(gateway.api(Method::DELETE, &path(name), "", Bytes::new()).await.status, 200);
    }
    gateway.get("x", "/own/6").await.is(200, "own");
    told(&gateway, 7).await;
    settles(&gateway, FAILED, 24).await;
}

/// A handler that never ends is given up; nothing waits for it.
#[tokio::test]
async fn a_producer_does_not_wait_for_its_tail_worker() {
    let gateway = keeping().await;
    let slow = "export default { tail() { return new Promise((r) => setTimeout(r, 60000)) } };";
    gateway.upload_worker("slow", slow, json!([])).await;
    dispatching(&gateway, json!({})).await;
    tailed_by(&gateway, "scripts/dispatcher", json!([{ "service": "slow" }, { "service": "keeper" }])).await;
    let mut told = Events::open(&gateway, "/scripts/keeper/tail").await;
    let all = (0..200).map(|n| {
        let gateway = &gateway;
        async move { gateway.get("x", &format!("/own/{n}")).await.is(200, "own") }
    });
    tokio::time::timeout(PATIENCE, futures_util::stream::iter(all).buffer_unordered(8).collect::<Vec<_>>())
        .await
        .unwrap();
    // Every run is told of once, however they were put together.
    let mut runs = 0;
    while runs < 200 {
        let event = told.next().await;
        assert_eq!((&event["scriptName"], &event["outcome"]), (&json!("keeper"), &json!("ok")));
        runs += event["event"]["consumedEvents"].as_array().unwrap().len();
    }
    assert_eq!(runs, 200);
    assert_eq!(metric(&gateway, "switchyard_tail_events_dropped_total{to=\"worker\"}").await, 0);
}

#[tokio::test]
async fn events_of_tail_workers_do_not_go_round() {
    let gateway = keeping().await;
    dispatching(&gateway, json!({})).await;
    // One that tails itself is told of its requests, not of its tail handler.
    tailed_by(&gateway, "scripts/keeper", json!([{ "service": "keeper" }])).await;
    gateway.get("x", "/own").await.is(200, "own");
    gateway.get("told", "/").await.is(200, "[]");
    settles(&gateway, TOLD, 1).await;

    // Two that tail each other, and a third behind them: each once for one request.
    let tail = "export default { fetch() { return new Response('tail') }, async tail(events, env) { console.log(events.length); await env.BACK?.fetch('http://back/') } };";
    for name in ["a", "b", "c", "d"] {
        gateway.upload_worker(name, tail, json!([])).await;
    }
    for (name, consumers) in [("a", vec!["b"]), ("b", vec!["a", "c"]), ("c", vec!["d", "a"]), ("d", vec!["a"])] {
        let consumers: Vec<_> = consumers.iter().map(|name| json!({ "service": name })).collect();
        tailed_by(&gateway, &format!("scripts/{name}"), json!(consumers)).await;
    }
    let mut seen = Events::open(&gateway, "/scripts/b/tail").await;
    tailed_by(&gateway, "scripts/dispatcher", json!([{ "service": "a" }])).await;
    gateway.get("x", "/own").await.is(200, "own");
    // dispatcher -> a -> b -> c, and no further.
    settles(&gateway, TOLD, 1 + 3).await;
    let event = seen.next().await;
    assert_eq!(
        (&event["scriptName"], &event["event"]),
        (&json!("b"), &json!({ "consumedEvents": [{ "scriptName": "a" }] }))
    );
    drop(seen);

    // A handler that calls its producer by a binding.
    let back = json!([{ "name": "BACK", "type": "service", "service": "dispatcher" }]);
    gateway.upload_worker("a", tail, back).await;
    tailed_by(&gateway, "scripts/a", json!([])).await;
    gateway.get("x", "/own").await.is(200, "own");
    settles(&gateway, TOLD, 1 + 3 + 1).await;
}

#[tokio::test]
async fn settings_are_checked_and_hold_at_once() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "x", "export default { fetch() { return new Response('ok') } };").await;
    let refused = tails(&gateway, "dispatch/namespaces/ns/scripts/x", json!([{ "service": "nobody" }])).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["errors"][0]["code"]), (400, &json!(10203)));
    let refused =
        tails(&gateway, "dispatch/namespaces/ns/scripts/x", json!([{ "service": "x", "namespace": "other" }])).await;
    assert_eq!(refused.json()["errors"][0]["code"], 10203);
    gateway.upload_worker("plain", "export default { fetch() { return new Response('ok') } };", json!([])).await;
    let refused = tails(&gateway, "dispatch/namespaces/ns/scripts/x", json!([{ "service": "plain" }])).await;
    assert_eq!(
        (&refused.json()["errors"][0]["code"], refused.text().contains("has no tail handler")),
        (&json!(10021), true)
    );
    // With the upload, and from its first request on.
    gateway
        .upload_worker(
            "tail",
            "export default { tail(events) { console.log(events[0].event.request.url) } };",
            json!([]),
        )
        .await;
    let mut seen = Events::open(&gateway, "/scripts/tail/tail").await;
    let metadata = json!({ "tail_consumers": [{ "service": "tail" }] });
    gateway.upload_with("ns", "y", "export default { fetch() { return new Response('ok') } };", metadata).await;
    gateway.get("y", "/first").await.is(200, "ok");
    assert_eq!(seen.next().await["logs"][0]["message"], json!(["http://y.test/first"]));
    // What waits is told before the node goes.
    gateway.get("y", "/last").await.is(200, "ok");
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_that_ends_ends_its_tails() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "x", "export default { fetch() { return new Response('ok') } };").await;
    let tokens = format!("/client/v4/switchyard/accounts/{}/tokens", gateway.account());
    let token = async |more: Value| {
        let mut body = json!({ "name": "t", "access": "write", "scope": "account" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = gateway.api(Method::POST, &tokens, "application/json", body.to_string().into()).await.json();
        let text = |name: &str| made["result"][name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        (text("id"), text("value"))
    };
    let path = "/namespaces/ns/scripts/x/tail";
    let (revoked, value) = token(json!({})).await;
    let by_revoked = Events::open_by(&gateway, path, &value).await;
    let tail = open_tail_by(&gateway, "dispatch/namespaces/ns/scripts/x", json!({}), &value).await;
    let mut listening = socket(&gateway, tail["url"].as_str().unwrap(), "trace-v1").await.unwrap();
    let (rolled, value) = token(json!({})).await;
    let by_rolled = Events::open_by(&gateway, path, &value).await;
    let soon = std::time::SystemTime::now() + Duration::from_secs(3);
    let soon = soon.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64;
    let soon = switchyard_catalog::Timestamp::from_micros(soon).to_string();
    let (_, value) = token(json!({ "expires_on": soon })).await;
    let by_expiring = Events::open_by(&gateway, path, &value).await;
    let mut stays = Events::open(&gateway, path).await;
    gateway.get("x", "/").await.is(200, "ok");
    assert_eq!(message(&mut listening).await["scriptName"], "x");

    let ended = gateway.api(Method::DELETE, &format!("{tokens}/{revoked}"), "", Bytes::new()).await;
    assert_eq!(ended.status, 200, "{}", ended.text());
    by_revoked.ends().await;
    let closed = tokio::time::timeout(PATIENCE, listening.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(closed, Message::Close(Some(frame)) if frame.reason.contains("token")));
    // Its session is over for whoever has its id.
    assert_eq!(socket(&gateway, tail["url"].as_str().unwrap(), "trace-v1").await.err(), Some(404));
    let ended = gateway.api(Method::POST, &format!("{tokens}/{rolled}/roll"), "", Bytes::new()).await;
    assert_eq!(ended.status, 200, "{}", ended.text());
    by_rolled.ends().await;
    by_expiring.ends().await;
    assert_eq!(stays.next().await["scriptName"], "x");
    gateway.get("x", "/").await.is(200, "ok");
    assert_eq!(stays.next().await["scriptName"], "x");
}
