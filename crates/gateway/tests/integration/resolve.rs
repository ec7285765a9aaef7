//! `switchyard resolve`, and the endpoint behind it: who would get a request, without sending it.

use http::Method;
use serde_json::{Value, json};
use switchyard_gateway::config::{Listener, Resolver, ResolverKind};

use crate::harness::TestGateway;
use crate::process::switchyard;
use crate::resolvers::{fixed, says};
use crate::resolvers_sql::{by_host, lookups, sqlite};

/// What the node says to this request.
pub async fn ask(gateway: &TestGateway, request: Value) -> Value {
    let path = "/client/v4/switchyard/resolve";
    let answer = gateway.api(Method::POST, path, "application/json", request.to_string().into()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["result"].take()
}

async fn node(url: &str) -> TestGateway {
    let gateway = TestGateway::with(|config| {
        let trusted = vec!["192.0.2.0/24".parse().unwrap()];
        let other = Listener { trusted: vec!["10.0.0.0/8".parse().unwrap()], ..config.listener[0].clone() };
        config.listener.push(Listener { bind: "127.0.0.2:0".parse().unwrap(), ..other });
        let query = "SELECT namespace, script, 9 AS cpu_ms, '{\"a\":1}' AS outbound FROM tenants WHERE hostname = ?";
        config.resolver = vec![
            Resolver {
                name: Some("x-tenant".into()),
                namespace: Some("ns".into()),
                trusted: Some(trusted),
                ..Resolver::of(ResolverKind::Header)
            },
            by_host(url, query),
            Resolver::subdomain("test", "ns"),
            fixed("rest", None, &["*.rest.test"]),
        ];
    })
    .await;
    gateway.upload("ns", "one", &says("one")).await;
    gateway
}

#[tokio::test]
async fn every_step_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenants.db");
    let _database = sqlite(
        &path,
        "CREATE TABLE tenants (hostname TEXT PRIMARY KEY, namespace TEXT, script TEXT);
         INSERT INTO tenants VALUES ('a.example', 'ns', 'one'), ('gone.example', 'ns', 'nobody');",
    )
    .await;
    let gateway = node(&format!("sqlite:{}", path.display())).await;
    let outcomes = |told: &Value| -> Vec<String> {
        let steps = told["steps"].as_array().unwrap().iter();
        steps.map(|step| step["outcome"].as_str().unwrap().to_owned()).collect()
    };
    let why = |told: &Value, step: usize| told["steps"][step]["why"].as_str().unwrap_or_default().to_owned();

    let told = ask(&gateway, json!({ "url": "https://One.test:443/x?y" })).await;
    assert_eq!(told["host"], "one.test");
    assert_eq!(outcomes(&told), ["not_mine", "not_mine", "mine", "not_asked"]);
    assert_eq!(why(&told, 1), "\"one.test\": no row, from the database: the database has no row for it");
    assert_eq!((&told["tenant"]["namespace"], &told["tenant"]["script"]), (&json!("ns"), &json!("one")));
    assert_eq!(told["status"], Value::Null);
    // Another port than the scheme's own is part of what a Worker sees.
    for (url, host) in [
        ("https://one.test:80/", "one.test:80"),
        ("http://one.test:80/", "one.test"),
        ("http://one.test:443/", "one.test:443"),
    ] {
        let told = ask(&gateway, json!({ "url": url })).await;
        assert_eq!((&told["host"], outcomes(&told)[2].as_str()), (&json!(host), "mine"), "{url}");
    }

    let told = ask(&gateway, json!({ "url": "http://a.example/" })).await;
    assert_eq!(outcomes(&told), ["not_mine", "mine", "not_asked", "not_asked"]);
    assert_eq!(why(&told, 1), "\"a.example\": a row, from the database");
    let limits = told["tenant"]["limits"].as_object().unwrap();
    assert!(limits.len() == 10 && limits.iter().all(|(name, limit)| limit.is_null() || name == "cpu_ms"), "{limits:?}");
    assert_eq!((&limits["cpu_ms"], &told["tenant"]["outbound"]), (&json!(9), &json!({ "a": 1 })));
    let terms = &told["tenant"]["terms"];
    assert_eq!((&terms["weight"], &terms["limits"]["cpu_ms"]), (&json!(1), &json!(9)));
    assert_eq!(terms["limits"]["memory"], json!(128 << 20));
    assert_eq!(told["tenant"]["plans"], json!([]));
    let told = ask(&gateway, json!({ "url": "http://a.example/" })).await;
    assert_eq!(why(&told, 1), "\"a.example\": a row, from memory");

    let told = ask(&gateway, json!({ "url": "http://gone.example/" })).await;
    assert_eq!(outcomes(&told), ["not_mine"; 4]);
    assert!(why(&told, 1).ends_with("the script it leads to is not deployed"), "{told}");
    assert!(why(&told, 2).contains("not one label below"), "{told}");
    assert_eq!((&told["tenant"], &told["status"]), (&Value::Null, &json!(404)));

    // By header: as that peer would be believed, at that listener.
    let with = |peer: &str, listener: Option<&str>, headers: &[(&str, &str)]| {
        let headers: Vec<Value> = headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        json!({ "url": "http://b.example/", "peer": peer, "listener": listener, "headers": headers })
    };
    let told = ask(&gateway, with("198.51.100.1", None, &[("X-Tenant", "one"), ("x_tenant", "one")])).await;
    assert_eq!(told["removed_headers"].as_array().unwrap().len(), 2);
    assert_eq!(outcomes(&told)[0], "not_mine");
    let told = ask(&gateway, with("192.0.2.9", None, &[("X-Tenant", "one"), ("x_tenant", "one")])).await;
    assert_eq!((&told["removed_headers"], outcomes(&told)[0].as_str()), (&json!(["x_tenant"]), "mine"));
    let told = ask(&gateway, with("192.0.2.9", None, &[("X-Tenant", "one"), ("x-tenant", "one")])).await;
    assert_eq!((outcomes(&told)[0].as_str(), &told["status"]), ("failed", &json!(400)));
    assert_eq!(outcomes(&told)[1], "not_asked");
    let told = ask(&gateway, with("10.1.1.1", Some("127.0.0.2:0"), &[("x-tenant", "one")])).await;
    assert_eq!(outcomes(&told)[0], "mine");

    for (wrong, field) in [
        (json!({ "url": "one.test" }), "/url"),
        (json!({ "url": "ftp://one.test/" }), "/url"),
        (json!({ "url": "http://one.test/", "listener": "127.0.0.9:1" }), "/listener"),
        (json!({ "url": "http://one.test/", "headers": [{ "name": "a b", "value": "c" }] }), "/headers"),
        (json!({ "url": "http://one.test/", "headers": [{ "name": "a", "value": "c\n" }] }), "/headers"),
    ] {
        let path = "/client/v4/switchyard/resolve";
        let answer = gateway.api(Method::POST, path, "application/json", wrong.to_string().into()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["source"]["pointer"]), (400, &json!(field)));
    }
    // Nothing was sent to a Worker.
    let metrics = gateway.admin("/metrics").await;
    let runs: Vec<&str> = metrics.text().lines().filter(|line| line.starts_with("switchyard_runs_total")).collect();
    assert!(!runs.is_empty() && runs.iter().all(|line| line.ends_with(" 0")), "{runs:?}");
    assert!(lookups(&gateway, "hit").await >= 1);
}

#[tokio::test]
async fn the_command_line_tells_it_to_people_and_programs() {
    let gateway = node("sqlite:/nowhere/tenants.db").await;
    let run = async |arguments: &[&str]| {
        let mut command = switchyard(&[&["resolve"], arguments].concat());
        command.env("SWITCHYARD_ADMIN", format!("http://{}", gateway.admin_address()));
        command.env("SWITCHYARD_TOKEN", gateway.token());
        let output = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, text, error) = run(&["https://one.test/", "-H", "X-Tenant: one", "--peer", "192.0.2.1"]).await;
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "host  one.test");
    assert_eq!(lines[1..3], ["1  header     header x-tenant -> namespace ns", "   mine"], "{text}");
    assert!(lines[3].starts_with("2  sql        host -> SELECT namespace"), "{text}");
    assert_eq!(lines[4], "   not asked");
    assert!(lines[9].starts_with("goes to ns/one of the account "), "{text}");

    let (code, text, _) = run(&["https://one.test/", "-H", "X-Tenant: one", "--json"]).await;
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &told["removed_headers"], &told["status"]), (Some(0), &json!(["x-tenant"]), &json!(503)));
    assert_eq!(told["steps"][1]["outcome"], "failed");
    let (_, text, _) = run(&["https://one.test/"]).await;
    assert!(text.contains("the database is away") && text.ends_with("nobody's: a client gets 503\n"), "{text}");

    let (code, _, error) = run(&["https://one.test/", "-H", "nonsense"]).await;
    assert_eq!((code, error.as_str()), (Some(1), "error: the header \"nonsense\" is not NAME: VALUE\n"));
}
