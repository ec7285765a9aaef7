//! Plans of the configuration: what they limit, who chooses them, what a SIGHUP changes, and that the
//! CPU follows their weights; and which scripts the node says use the most of it.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use switchyard_gateway::config::Plan;

use crate::harness::{PATIENCE, TestGateway};
use crate::namespace_settings::put;

const BUSY: &str =
    "export default { fetch() { let n = 0; for (let i = 0; i < 3e6; i++) n += i; return new Response('done') } }";
/// About a tick of CPU, so that there is always another one to give the thread to.
const SLICE: &str =
    "export default { fetch() { let n = 0; for (let i = 0; i < 2e5; i++) n += i; return new Response('done') } }";

fn plan(text: &str) -> Plan {
    toml::from_str(text).unwrap()
}

async fn set(gateway: &TestGateway, script: &str, plan: Value) {
    let account = gateway.account();
    let path = format!("/client/v4/switchyard/accounts/{account}/namespaces/ns/scripts/{script}/plan");
    let body = json!({ "plan": plan }).to_string();
    let answer = gateway.api(Method::PUT, &path, "application/json", body.into()).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

async fn top(gateway: &TestGateway, by: &str) -> Vec<Value> {
    let path = format!("/client/v4/switchyard/accounts/{}/top?by={by}&limit=100", gateway.account());
    gateway.admin(&path).await.json()["result"]["scripts"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_plan_holds_where_it_is_named() {
    let gateway = TestGateway::with(|config| {
        config.plan.insert("tight".into(), plan("cpu = \"2ms\""));
        config.plan.insert("loose".into(), plan("weight = 4\ncpu = \"20s\""));
    });
    let gateway = gateway.await;
    gateway.upload("ns", "busy", BUSY).await;
    gateway.get("busy", "/").await.is(200, "done");
    // By the script, by the namespace, and both: the smaller wins.
    set(&gateway, "busy", json!("tight")).await;
    gateway.get("busy", "/").await.is(503, "error code: 1102\n");
    set(&gateway, "busy", json!("loose")).await;
    gateway.get("busy", "/").await.is(200, "done");
    put(&gateway, json!({ "plan": "tight" })).await;
    gateway.get("busy", "/").await.is(503, "error code: 1102\n");
    put(&gateway, json!({})).await;
    gateway.get("busy", "/").await.is(200, "done");
    // It survives an upload, and a restart; a plan that is not there any more says nothing, and is counted.
    set(&gateway, "busy", json!("tight")).await;
    gateway.upload("ns", "busy", BUSY).await;
    gateway.get("busy", "/").await.is(503, "error code: 1102\n");
    let gateway = TestGateway::on(gateway.stop().await, |_| {}).await.unwrap();
    gateway.get("busy", "/").await.is(200, "done");
    assert!(gateway.admin("/metrics").await.text().contains("\nswitchyard_plans_missing_total 1\n"));
}

#[tokio::test]
async fn a_row_names_a_plan() {
    let folder = crate::harness::data().await;
    let path = folder.path().join("tenants.db");
    let rows =
        "CREATE TABLE t (h TEXT, s TEXT, p TEXT); INSERT INTO t VALUES ('a', 'busy', 'tight'), ('b', 'busy', NULL);";
    drop(crate::resolvers_sql::sqlite(&path, rows).await);
    let gateway = TestGateway::on(folder, |config| {
        config.plan.insert("tight".into(), plan("cpu = \"2ms\""));
        let url = format!("url = \"sqlite:{}\"\nnamespace = \"ns\"\nkey = \"label\"\n", path.display());
        let times = "acquire_timeout = \"5s\"\nstatement_timeout = \"5s\"\n";
        let query = "query = \"SELECT s AS script, p AS plan FROM t WHERE h = ?\"\n";
        config.resolver = vec![toml::from_str(&format!("kind = \"sql\"\n{url}{times}{query}")).unwrap()];
    });
    let gateway = gateway.await.unwrap();
    gateway.upload("ns", "busy", BUSY).await;
    gateway.get("a", "/").await.is(503, "error code: 1102\n");
    gateway.get("b", "/").await.is(200, "done");
}

#[tokio::test]
async fn a_reload_takes_plans_over() {
    let mut gateway = TestGateway::with(|config| {
        config.plan.insert("p".into(), plan("cpu = \"20s\""));
    })
    .await;
    gateway.upload("ns", "busy", BUSY).await;
    set(&gateway, "busy", json!("p")).await;
    gateway.get("busy", "/").await.is(200, "done");
    let mut app = gateway.take_app();
    let mut config = app.config().clone();
    config.plan.insert("p".into(), plan("cpu = \"2ms\""));
    assert_eq!(app.reload(&config).await.unwrap(), Vec::<String>::new());
    gateway.put_app(app);
    gateway.get("busy", "/").await.is(503, "error code: 1102\n");
}

/// CPU of each script, as the node counted it.
async fn cpu_of(gateway: &TestGateway, script: &str) -> f64 {
    let scripts = top(gateway, "cpu").await;
    scripts.iter().find(|row| row["script"] == script).map_or(0.0, |row| row["cpu_us"]["value"].as_f64().unwrap())
}

#[tokio::test]
async fn the_cpu_follows_the_weights() {
    let gateway = TestGateway::with(|config| {
        config.plan.insert("one".into(), plan("weight = 1"));
        config.plan.insert("three".into(), plan("weight = 3"));
        config.runtime.threads = 1;
    });
    let gateway = Arc::new(gateway.await);
    for (script, plan) in [("small", "one"), ("large", "three")] {
        gateway.upload("ns", script, SLICE).await;
        set(&gateway, script, json!(plan)).await;
    }
    let mut clients = tokio::task::JoinSet::new();
    for script in ["small", "large"] {
        for _ in 0..8 {
            let gateway = Arc::clone(&gateway);
            clients.spawn(async move {
                loop {
                    gateway.get(script, "/").await.is(200, "done");
                }
            });
        }
    }
    // What both have used of the thread since both were there, when there is enough of it to tell.
    let both = async || (cpu_of(&gateway, "small").await, cpu_of(&gateway, "large").await);
    let enough = async {
        while both().await.0 < 20_000.0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let before = both().await;
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = both().await;
            let used = (now.0 - before.0, now.1 - before.1);
            if used.0 + used.1 > 1_000_000.0 {
                return used;
            }
        }
    };
    let (small, large) = tokio::time::timeout(PATIENCE, enough).await.expect("a second of CPU in time");
    let share = large / (small + large);
    assert!((0.68..=0.82).contains(&share), "large has {share:.3} of {small} + {large} µs, not three quarters");
}

#[tokio::test]
async fn the_heaviest_scripts_are_told() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "quiet", "export default { fetch: () => new Response('ok') };").await;
    gateway.upload("ns", "busy", BUSY).await;
    gateway.upload("ns", "bad", "export default { fetch() { throw new Error('no'); } };").await;
    for _ in 0..5 {
        gateway.get("quiet", "/").await.is(200, "ok");
    }
    for _ in 0..3 {
        assert_eq!(gateway.get("bad", "/").await.status, 500);
    }
    gateway.get("busy", "/").await.is(200, "done");
    let names = |rows: &[Value]| rows.iter().map(|row| row["script"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let requests = top(&gateway, "requests").await;
    assert_eq!(names(&requests), ["quiet", "bad", "busy"]);
    assert_eq!(requests[0]["requests"], json!({ "value": 5, "over": 0 }));
    assert_eq!((&requests[0]["namespace"], &requests[0]["errors"]), (&json!("ns"), &Value::Null));
    let errors = top(&gateway, "errors").await;
    assert_eq!((names(&errors), &errors[0]["errors"]["value"]), (vec!["bad".to_owned()], &json!(3)));
    // CPU is told when a run ends, a moment after its response.
    let counted = async {
        while names(&top(&gateway, "cpu").await).first().map(String::as_str) != Some("busy") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("the busy script leads by CPU");
    let all = gateway.admin("/client/v4/switchyard/top").await.json();
    assert_eq!(all["result"]["scripts"].as_array().unwrap().len(), 3);
}
