//! Tenants in a database of the operator's.

use std::path::Path;
use std::time::Duration;

use http::Method;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use switchyard_gateway::config::{LookupCache, Resolver, ResolverKind};

use crate::harness::{PATIENCE, TestGateway};
use crate::resolvers::{fixed, get, says};

pub const QUERY: &str = "SELECT namespace, script FROM tenants WHERE hostname = ";

/// One that looks up the host, whose answers count for a moment only.
pub fn by_host(url: &str, query: &str) -> Resolver {
    let cache = LookupCache {
        ttl: Duration::from_millis(300),
        negative_ttl: Duration::from_millis(300),
        ..LookupCache::default()
    };
    Resolver {
        url: Some(url.to_owned()),
        key: Some("host".into()),
        query: Some(query.to_owned()),
        cache: Some(cache),
        // Two busy cores, and tests beside.
        acquire_timeout: Some(Duration::from_secs(2)),
        statement_timeout: Some(Duration::from_secs(2)),
        ..Resolver::of(ResolverKind::Sql)
    }
}

/// A file that others may write meanwhile.
pub async fn sqlite(path: &Path, statements: &str) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap();
    run(&mut connection, statements).await;
    connection
}

async fn run(connection: &mut SqliteConnection, statements: &str) {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))).await.unwrap();
}

const TENANTS: &str = "CREATE TABLE tenants (hostname TEXT PRIMARY KEY, namespace TEXT, script TEXT, cpu_ms INTEGER,
    subrequests INTEGER, outbound TEXT);";

/// The value of a metric's line that begins so.
pub async fn metric(gateway: &TestGateway, begins: &str) -> u64 {
    let metrics = gateway.admin("/metrics").await;
    let line = metrics.text().lines().find(|line| line.starts_with(begins)).unwrap_or_default();
    line.rsplit_once(' ').map_or(0, |(_, value)| value.parse().unwrap())
}

pub async fn lookups(gateway: &TestGateway, source: &str) -> u64 {
    metric(gateway, &format!("switchyard_resolver_lookups_total{{source=\"{source}\"}}")).await
}

/// Asks until the answer is this one.
pub async fn becomes(gateway: &TestGateway, host: &str, status: u16, text: &str) {
    let asked = async {
        loop {
            let answer = get(gateway, host, "/", &[]).await;
            if (answer.status.as_u16(), answer.text()) == (status, text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, asked).await.is_ok(), "{host} never was {status} {text}");
}

#[tokio::test]
async fn a_row_says_who_gets_the_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenants.db");
    let mut database = sqlite(&path, TENANTS).await;
    run(
        &mut database,
        "INSERT INTO tenants (hostname, namespace, script, subrequests) VALUES
         ('a.example', 'ns', 'one', NULL), ('b.example', NULL, 'own', NULL), ('c.example', 'ns', 'nobody', NULL),
         ('few.example', 'ns', 'calls', 2), ('many.example', 'ns', 'calls', 5), ('odd.example', 'ns', 'one', 'x')",
    )
    .await;
    let url = format!("sqlite:{}", path.display());
    let gateway = TestGateway::with(|config| {
        let query = "SELECT namespace, script, subrequests FROM tenants WHERE hostname = $1";
        config.resolver = vec![by_host(&url, query), fixed("rest", Some("ns"), &[])];
    })
    .await;
    gateway.upload("ns", "one", &says("one")).await;
    gateway.upload("ns", "rest", &says("rest")).await;
    gateway.upload_worker("own", &says("own"), json!([])).await;
    let calls = "let n = 0; try { for (; n < 4; n++) await fetch('http://127.0.0.1:1/').catch(e => {
        if (/subrequest/i.test(e.message)) throw e; }) } catch {}; return new Response(`${n}`)";
    gateway.upload("ns", "calls", &format!("export default {{ async fetch() {{ {calls} }} }};")).await;

    for (host, answer) in [
        ("a.example", "one"),
        ("A.Example.", "one"),
        ("b.example", "own"),
        ("c.example", "rest"),
        ("nobody.example", "rest"),
        // Limits of the row hold, as far as they are tighter.
        ("few.example", "2"),
        ("many.example", "4"),
    ] {
        get(&gateway, host, "/", &[]).await.is(200, answer);
    }
    // What cannot be used is nobody's fault but the operator's: not a 404, and not somebody else's.
    let odd = get(&gateway, "odd.example", "/", &[]).await;
    assert_eq!((odd.status.as_u16(), odd.header("retry-after")), (503, "1"));

    // Other answers come in their time.
    run(&mut database, "UPDATE tenants SET script = 'rest' WHERE hostname = 'a.example'").await;
    run(&mut database, "INSERT INTO tenants (hostname, namespace, script) VALUES ('nobody.example', 'ns', 'one')")
        .await;
    run(&mut database, "DELETE FROM tenants WHERE hostname = 'b.example'").await;
    becomes(&gateway, "a.example", 200, "rest").await;
    becomes(&gateway, "nobody.example", 200, "one").await;
    becomes(&gateway, "b.example", 200, "rest").await;
}

#[tokio::test]
async fn a_row_may_ask_for_a_live_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenants.db");
    let mut database = sqlite(&path, "CREATE TABLE t (h TEXT, v TEXT)").await;
    let query = "SELECT 'split' AS script, v AS version FROM t WHERE h = ?";
    let url = format!("sqlite:{}", path.display());
    let resolver = Resolver { namespace: Some("ns".into()), ..by_host(&url, query) };
    let gateway = TestGateway::with(|config| config.resolver = vec![resolver]).await;
    for (text, tag) in [("stable", "v1"), ("canary", "v2")] {
        let metadata = json!({ "annotations": { "workers/tag": tag } });
        gateway.upload_with("ns", "split", &says(text), metadata).await;
    }
    let script = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/split", gateway.account());
    let versions = gateway.admin(&format!("{script}/versions")).await.json();
    let id = |at: usize| versions["result"]["items"][at]["id"].as_str().unwrap().to_owned();
    let (stable, canary) = (id(1), id(0));
    let shares = json!({ "strategy": "percentage", "versions": [
        { "version_id": stable, "percentage": 100 }, { "version_id": canary, "percentage": 0 } ] });
    let path = format!("{script}/deployments");
    let made = gateway.api(Method::POST, &path, "application/json", shares.to_string().into()).await;
    assert!(made.status.is_success(), "{}", made.text());
    let gone = "7d3b0c6e-5a0f-4f0e-9a57-4f3f5a9d1c11";
    run(
        &mut database,
        &format!(
            "INSERT INTO t VALUES ('none.example', NULL), ('tag.example', 'v2'), ('id.example', '{canary}'),
             ('first.example', 'v1'), ('gone.example', '{gone}'), ('odd.example', 'v3')"
        ),
    )
    .await;
    for (host, answer) in [
        ("none.example", "stable"),
        ("tag.example", "canary"),
        ("id.example", "canary"),
        ("first.example", "stable"),
        // Not live (any more): by the deployment's shares.
        ("gone.example", "stable"),
        ("odd.example", "stable"),
    ] {
        get(&gateway, host, "/", &[]).await.is(200, answer);
    }
}

#[tokio::test]
async fn labels_headers_and_paths_are_looked_up_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenants.db");
    let _database = sqlite(
        &path,
        "CREATE TABLE t (k TEXT PRIMARY KEY, s TEXT); INSERT INTO t VALUES
         ('alpha', 'one'), ('h-1', 'two'), ('p 1', 'three'), ('x', 'one');",
    )
    .await;
    let url = format!("sqlite:{}", path.display());
    let by = |key: &str| Resolver {
        key: Some(key.into()),
        namespace: Some("ns".into()),
        ..by_host(&url, "SELECT s AS script FROM t WHERE k = ?")
    };
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![
            Resolver {
                trusted: Some(vec!["127.0.0.1".parse::<std::net::IpAddr>().unwrap().into()]),
                ..by("header:X-Key")
            },
            Resolver { trusted: Some(vec!["192.0.2.0/24".parse().unwrap()]), ..by("header:X-Other") },
            by("path:1"),
            Resolver { suffix: Some("tenants.test".into()), ..by("label") },
        ];
    })
    .await;
    for script in ["one", "two", "three"] {
        gateway.upload("ns", script, &says(script)).await;
    }
    get(&gateway, "alpha.tenants.test", "/", &[]).await.is(200, "one");
    get(&gateway, "alpha.tenants.test", "/", &[("x-key", "h-1")]).await.is(200, "two");
    get(&gateway, "elsewhere.test", "/apps/p%201?x", &[]).await.is(200, "three");
    for (host, path, headers) in [
        ("alpha.other.test", "/", vec![]),
        ("a.alpha.tenants.test", "/", vec![]),
        ("tenants.test", "/p%201", vec![]),
        ("tenants.test", "/a/p%2001", vec![]),
        ("tenants.test", "/a/%00", vec![]),
        ("tenants.test", "/a/%ff", vec![]),
        ("tenants.test", "/", vec![("x-other", "h-1")]),
        ("tenants.test", "/", vec![("x_key", "h-1")]),
    ] {
        assert_eq!(get(&gateway, host, path, &headers).await.status, 404, "{host}{path} {headers:?}");
    }
    assert_eq!(get(&gateway, "a.test", "/", &[("x-key", "h-1"), ("x-key", "h-1")]).await.status, 400);
}

#[tokio::test]
async fn random_hosts_leave_the_known_ones_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenants.db");
    let _database = sqlite(
        &path,
        &format!(
            "{TENANTS} WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
             INSERT INTO tenants (hostname, namespace, script) SELECT 'h' || i || '.example', 'ns', 'one' FROM n;"
        ),
    )
    .await;
    let url = format!("sqlite:{}", path.display());
    let gateway = TestGateway::with(|config| {
        // Longer than a slow machine takes for all this.
        let ttl = Duration::from_secs(3_600);
        let cache = LookupCache { ttl, entries: 1_100, negative_entries: 500, ..LookupCache::default() };
        config.resolver = vec![Resolver { cache: Some(cache), ..by_host(&url, &format!("{QUERY}?")) }];
    })
    .await;
    gateway.upload("ns", "one", &says("one")).await;
    let walk = async || {
        for number in 0..1_000 {
            get(&gateway, &format!("h{number}.example"), "/", &[]).await.is(200, "one");
        }
    };
    walk().await;
    assert_eq!((lookups(&gateway, "row").await, lookups(&gateway, "hit").await), (1_000, 0));
    for number in 0..10_000 {
        assert_eq!(get(&gateway, &format!("r{number}.example"), "/", &[]).await.status, 404);
    }
    walk().await;
    let hits = lookups(&gateway, "hit").await;
    assert!(hits >= 990, "{hits} of 1,000");
}

#[tokio::test]
async fn many_that_ask_at_once_are_one_look_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenants.db");
    // A statement that takes its time.
    let _database =
        sqlite(&path, &format!("{TENANTS} INSERT INTO tenants VALUES ('a.example', 'ns', 'one', NULL, NULL, NULL);"))
            .await;
    let url = format!("sqlite:{}", path.display());
    let slow = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
                SELECT namespace, script FROM tenants WHERE hostname = ? AND (SELECT count(*) FROM n) > 0";
    let gateway = TestGateway::with(|config| {
        let cache = LookupCache::default();
        config.resolver = vec![Resolver { cache: Some(cache), ..by_host(&url, slow) }];
    })
    .await;
    gateway.upload("ns", "one", &says("one")).await;
    futures_util::future::join_all((0..50).map(|_| get(&gateway, "a.example", "/", &[])))
        .await
        .into_iter()
        .for_each(|answer| answer.is(200, "one"));
    let asked = lookups(&gateway, "row").await + lookups(&gateway, "hit").await;
    assert_eq!(asked, 50);
    assert_eq!(metric(&gateway, "switchyard_resolver_statements_total").await, 1);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_a_503_for_its_own_tenant_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenants.db");
    let _database = sqlite(
        &path,
        &format!(
            "{TENANTS} INSERT INTO tenants (hostname, namespace, script) VALUES
             ('a.example', 'ns', 'one'), ('slow.example', 'ns', 'one');"
        ),
    )
    .await;
    let url = format!("sqlite:{}", path.display());
    let endless = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n)
                   SELECT namespace, script FROM tenants WHERE hostname = ?1
                   AND (hostname = 'a.example' OR (SELECT count(*) FROM n) > 0)";
    let gateway = TestGateway::with(|config| {
        let statement_timeout = Some(Duration::from_millis(500));
        config.resolver = vec![Resolver { statement_timeout, ..by_host(&url, endless) }];
    })
    .await;
    gateway.upload("ns", "one", &says("one")).await;
    assert_eq!(get(&gateway, "slow.example", "/", &[]).await.status, 503);
    get(&gateway, "a.example", "/", &[]).await.is(200, "one");
    assert_eq!(metric(&gateway, "switchyard_resolver_stale").await, 0);
}

#[tokio::test]
async fn a_node_starts_without_its_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenants.db");
    let url = format!("sqlite:{}", path.display());
    let gateway = TestGateway::with(|config| config.resolver = vec![by_host(&url, &format!("{QUERY}?"))]).await;
    gateway.upload("ns", "one", &says("one")).await;
    let answer = get(&gateway, "a.example", "/", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
    assert_eq!(metric(&gateway, "switchyard_resolver_stale").await, 1);
    gateway.admin("/readyz").await.is(200, "ok\n");
    let _database = sqlite(
        &path,
        &format!("{TENANTS} INSERT INTO tenants (hostname, namespace, script) VALUES ('a.example', 'ns', 'one');"),
    )
    .await;
    becomes(&gateway, "a.example", 200, "one").await;
    assert_eq!(metric(&gateway, "switchyard_resolver_stale").await, 0);
}
