//! Live logs: sessions as wrangler opens them, and events as they come. The hub itself is the gateway's.

use std::ops::RangeInclusive;
use std::sync::Mutex;

use futures_util::{StreamExt, stream};
use http::{Method, Request, header};
use serde_json::{Value, json};
use switchyard_catalog::{
    TailFilters, TailOwner, TailSession, TailStream, TailTarget, Tails, Timestamp, TooManyTails, VersionId,
};

use crate::harness::{A, Harness, NS, READER, STRANGER, WRITER};

/// Sessions that are kept, and streams of two events.
#[derive(Default)]
pub struct FakeTails {
    pub opened: Mutex<Vec<(TailTarget, TailFilters, TailSession)>>,
    pub full: Mutex<bool>,
}

impl FakeTails {
    fn filters(&self) -> TailFilters {
        self.opened.lock().expect("no test panics here").last().expect("one was opened").1.clone()
    }
}

impl Tails for FakeTails {
    fn open(&self, _: &TailOwner, target: TailTarget, filters: TailFilters) -> Result<TailSession, TooManyTails> {
        if *self.full.lock().expect("no test panics here") {
            return Err(TooManyTails(3));
        }
        let id = VersionId::random().as_uuid().simple().to_string();
        let session = TailSession { id, expires_on: Timestamp::now() };
        self.opened.lock().expect("no test panics here").push((target, filters, session.clone()));
        Ok(session)
    }

    fn list(&self, target: TailTarget) -> Vec<TailSession> {
        let opened = self.opened.lock().expect("no test panics here");
        opened.iter().filter(|(of, ..)| *of == target).map(|(.., session)| session.clone()).collect()
    }

    fn close(&self, target: TailTarget, id: &str) -> bool {
        let mut opened = self.opened.lock().expect("no test panics here");
        let before = opened.len();
        opened.retain(|(of, _, session)| *of != target || session.id != id);
        opened.len() < before
    }

    fn follow(&self, owner: &TailOwner, target: TailTarget, filters: TailFilters) -> Result<TailStream, TooManyTails> {
        self.open(owner, target, filters)?;
        Ok(stream::iter([r#"{"n":1}"#.to_owned(), r#"{"n":2}"#.to_owned()]).boxed())
    }
}

async fn opened(h: &Harness, tails: &str) -> String {
    let reply = h.by(READER, "POST", tails, json!({ "filters": [] })).await.ok();
    let id = reply.result()["id"].as_str().expect("text").to_owned();
    assert_eq!(reply.result()["url"], format!("ws://localhost/client/v4/switchyard/tails/{id}"));
    assert!(reply.result()["expires_at"].as_str().is_some_and(|time| time.ends_with('Z')));
    id
}

async fn listed(h: &Harness, tails: &str) {
    h.by(READER, "GET", tails, Value::Null).await.ok();
    let id = opened(h, tails).await;
    let reply = h.by(READER, "GET", tails, Value::Null).await.ok();
    assert_eq!((reply.result().as_array().map(Vec::len), &reply.result()[0]["id"]), (Some(1), &json!(id)));
    h.by(STRANGER, "GET", tails, Value::Null).await.refused(403, 9109);
}

async fn deleted(h: &Harness, tails: &str, other: &str) {
    let id = opened(h, tails).await;
    // Known by another script's path, it is not there.
    h.by(READER, "DELETE", &format!("{other}/{id}"), Value::Null).await.refused(404, 10007);
    h.by(READER, "DELETE", &format!("{tails}/{id}"), Value::Null).await.ok();
    h.by(READER, "DELETE", &format!("{tails}/{id}"), Value::Null).await.refused(404, 10007);
}

async fn scripts() -> Harness {
    Harness::with_scripts(&["a", "b"]).await
}

fn script(name: &str) -> String {
    format!("{NS}/prod/scripts/{name}/tails")
}

fn worker(name: &str) -> String {
    format!("{A}/workers/scripts/{name}/tails")
}

async fn make(h: &Harness) {
    h.namespace("prod").await;
    for name in ["a", "b"] {
        h.upload(&format!("{NS}/prod/scripts/{name}")).await;
        h.upload(&format!("{A}/workers/scripts/{name}")).await;
    }
}

pub async fn create(h: &Harness) {
    make(h).await;
    opened(h, &script("a")).await;
}

pub async fn list(h: &Harness) {
    make(h).await;
    listed(h, &script("a")).await;
}

pub async fn delete(h: &Harness) {
    make(h).await;
    deleted(h, &script("a"), &script("b")).await;
}

pub async fn account_create(h: &Harness) {
    make(h).await;
    opened(h, &worker("a")).await;
    // The host that the caller has reached, and how.
    let request = crate::harness::request(Method::POST, &worker("a")).header(header::HOST, "admin.test:81");
    let request = request.header("x-forwarded-proto", "https").body(Default::default()).expect("a request");
    let reply = h.send(request).await.ok();
    let url = reply.result()["url"].as_str().expect("text");
    assert!(url.starts_with("wss://admin.test:81/client/v4/switchyard/tails/"), "{url}");
}

pub async fn account_list(h: &Harness) {
    make(h).await;
    listed(h, &worker("a")).await;
}

pub async fn account_delete(h: &Harness) {
    make(h).await;
    deleted(h, &worker("a"), &script("a")).await;
}

async fn followed(h: &Harness, path: &str) {
    let path = format!("/client/v4/switchyard{A}{path}");
    let request = Request::builder().uri(&path).header(header::AUTHORIZATION, format!("Bearer {READER}"));
    let reply = h.send(request.body(Default::default()).expect("a request")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    assert_eq!(&*reply.body, b": listening\n\ndata: {\"n\":1}\n\ndata: {\"n\":2}\n\n");
}

pub async fn follow_namespace(h: &Harness) {
    make(h).await;
    followed(h, "/namespaces/prod/tail").await;
    assert!(matches!(h.tails.opened.lock().expect("one thread")[0].0, TailTarget::Namespace(_)));
}

pub async fn follow_script(h: &Harness) {
    make(h).await;
    followed(h, "/namespaces/prod/scripts/a/tail").await;
}

pub async fn follow_worker(h: &Harness) {
    make(h).await;
    followed(h, "/scripts/a/tail").await;
    let id = VersionId::random();
    let query = format!(
        "?status=error&status=404&status=5xx&method=GET&method=POST&header=X-Shop:%20one&search=a%20b\
         &sampling_rate=0.5&ip=self&ip=2001:db8::1&version_id={id}&unknown=1&method="
    );
    followed(h, &format!("/scripts/a/tail{query}")).await;
    let filters = h.tails.filters();
    assert!(filters.outcomes.iter().any(|outcome| outcome == "exceededMemory"));
    let ranges: [RangeInclusive<u16>; 2] = [404..=404, 500..=599];
    assert_eq!(filters.statuses, ranges);
    assert_eq!(filters.methods, ["GET", "POST"]);
    assert_eq!(filters.header, Some(("x-shop".to_owned(), Some("one".to_owned()))));
    assert_eq!((filters.query.as_deref(), filters.sampling_rate, filters.version), (Some("a b"), Some(0.5), Some(id)));
    assert_eq!(filters.client_ips.len(), 2);
    let path = format!("/switchyard{A}/scripts/a/tail");
    for wrong in ["status=teapot", "sampling_rate=0", "sampling_rate=2", "sampling_rate=x", "ip=here", "version_id=1"] {
        h.get(&format!("{path}?{wrong}")).await.refused(400, 10026);
    }
    *h.tails.full.lock().expect("one thread") = true;
    assert!(h.get(&path).await.refused(429, 10013).message().contains('3'));
}

#[tokio::test]
async fn filters_are_read_as_wrangler_sends_them() {
    let h = scripts().await;
    let id = VersionId::random();
    let all = json!({ "filters": [
        { "sampling_rate": 0.25 },
        { "outcome": ["exception", "exceededCpu", "exceededMemory", "unknown"] },
        { "method": ["GET"] },
        { "header": { "key": "X-Shop", "query": "one" } },
        { "client_ip": ["192.0.2.1", "self"] },
        { "query": "needle" },
        { "scriptVersion": id.to_string() },
    ] });
    h.by(WRITER, "POST", &script("a"), all).await.ok();
    let expected = TailFilters {
        sampling_rate: Some(0.25),
        outcomes: ["exception", "exceededCpu", "exceededMemory", "unknown"].map(str::to_owned).to_vec(),
        methods: vec!["GET".to_owned()],
        statuses: Vec::new(),
        header: Some(("x-shop".to_owned(), Some("one".to_owned()))),
        client_ips: vec!["192.0.2.1".parse().expect("an address"), "127.0.0.1".parse().expect("an address")],
        query: Some("needle".to_owned()),
        version: Some(id),
    };
    assert_eq!(h.tails.filters(), expected);
    for none in [json!({}), json!({ "filters": null }), Value::Null] {
        h.by(WRITER, "POST", &script("a"), none).await.ok();
        assert_eq!(h.tails.filters(), TailFilters::default());
    }
    let many: Vec<Value> = (0..51).map(|_| json!({ "query": "x" })).collect();
    for wrong in [
        json!([]),
        json!({ "filters": [{ "colour": "red" }] }),
        json!({ "filters": [{ "sampling_rate": 1.5 }] }),
        json!({ "filters": [{ "client_ip": ["there"] }] }),
        json!({ "filters": [{ "scriptVersion": "latest" }] }),
        json!({ "filters": [{ "query": "x".repeat(1_025) }] }),
        json!({ "filters": many }),
    ] {
        h.by(WRITER, "POST", &script("a"), wrong).await.refused(400, 10026);
    }
}
