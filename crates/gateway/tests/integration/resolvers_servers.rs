//! Tenants in a database server: what each kind of server has of its own.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use sqlx_mysql::MySqlConnectOptions;
use sqlx_postgres::PgConnectOptions;
use switchyard_gateway::config::Resolver;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::databases::{mariadb, postgres};
use crate::harness::{PATIENCE, TestGateway};
use crate::packages::pip;
use crate::process::line;
use crate::resolve::ask;
use crate::resolvers::{get, says};
use crate::resolvers_sql::by_host;

/// Statements, one after the other, once the server is up.
pub async fn run_postgres(url: &str, statements: &str) {
    let options: PgConnectOptions = url.parse().unwrap();
    let connected = async {
        loop {
            match options.connect().await {
                Ok(connection) => return connection,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let mut connection = tokio::time::timeout(PATIENCE, connected).await.expect("the server is up in time");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))).await.unwrap();
}

async fn node(resolvers: Vec<Resolver>) -> TestGateway {
    let gateway = TestGateway::with(|config| config.resolver = resolvers).await;
    gateway.upload("ns", "one", &says("one")).await;
    gateway
}

/// The rows that both servers have: two tenants, one that cannot be read, one that takes too long.
async fn serves_the_rows(gateway: &TestGateway, pooler: bool) {
    for _ in 0..3 {
        get(gateway, "a.example", "/", &[]).await.is(200, "one");
        get(gateway, "b.example", "/", &[]).await.is(200, "one");
        assert_eq!(get(gateway, "nobody.example", "/", &[]).await.status, 404);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for host in ["odd.example", "slow.example"] {
        assert_eq!(get(gateway, host, "/", &[]).await.status, 503, "{host} {pooler}");
    }
    let told = ask(gateway, json!({ "url": "http://a.example/" })).await;
    let limits = &told["tenant"]["limits"];
    assert_eq!((&limits["cpu_ms"], &limits["subrequests"], &limits["memory"]), (&json!(50), &json!(7), &Value::Null));
    assert_eq!(told["tenant"]["outbound"], json!({ "customer": "c-1" }));
}

#[tokio::test]
async fn postgresql() {
    let Some(server) = postgres().await else { return };
    run_postgres(
        &server.url,
        "CREATE TABLE tenants (hostname varchar(253) PRIMARY KEY, ns text, script varchar(63), cpu integer,
             sub bigint, mem smallint, args jsonb);
         INSERT INTO tenants VALUES ('a.example', 'ns', 'one', 50, 7, NULL, '{\"customer\": \"c-1\"}'),
             ('b.example', 'ns', 'one', NULL, NULL, NULL, NULL), ('odd.example', 'ns', 'one', -1, NULL, NULL, NULL),
             ('slow.example', 'ns', 'one', NULL, NULL, NULL, NULL)",
    )
    .await;
    let columns = "SELECT ns AS namespace, script, cpu AS cpu_ms, sub AS subrequests, mem AS memory, args AS outbound
                   FROM tenants WHERE hostname = $1";
    for pooler in [false, true] {
        // Every session only reads; through a pooler it prepares nothing that outlives a statement.
        let checked = format!(
            "{columns} AND current_setting('transaction_read_only') = 'on'
             AND (SELECT count(*) FROM pg_prepared_statements) = {}
             AND (hostname <> 'slow.example' OR pg_sleep(20) IS NULL)",
            i32::from(!pooler)
        );
        let resolver = Resolver { pooler: Some(pooler), ..by_host(&server.url, &checked) };
        let gateway = node(vec![resolver]).await;
        serves_the_rows(&gateway, pooler).await;
        let told = ask(&gateway, json!({ "url": "http://odd.example/" })).await;
        assert!(told["steps"][0]["why"].as_str().unwrap().contains("column \"cpu_ms\""), "{told}");
        let told = ask(&gateway, json!({ "url": "http://slow.example/" })).await;
        assert!(told["steps"][0]["why"].as_str().unwrap().contains("statement timeout"), "{told}");
    }
    let wrong = node(vec![by_host(&server.url, "SELECT nothing FROM nowhere WHERE x = $1")]).await;
    assert_eq!(get(&wrong, "a.example", "/", &[]).await.status, 503);
    let told = ask(&wrong, json!({ "url": "http://a.example/" })).await;
    assert!(told["steps"][0]["why"].as_str().unwrap().contains("\"nowhere\" does not exist"), "{told}");
    let writes = "WITH gone AS (DELETE FROM tenants WHERE hostname = $1 RETURNING script) SELECT script FROM gone";
    let writes = node(vec![by_host(&server.url, writes)]).await;
    assert_eq!(get(&writes, "a.example", "/", &[]).await.status, 503);
    let told = ask(&writes, json!({ "url": "http://a.example/" })).await;
    assert!(told["steps"][0]["why"].as_str().unwrap().contains("read-only"), "{told}");
}

#[tokio::test]
async fn mysql() {
    let Some(server) = mariadb().await else { return };
    let options: MySqlConnectOptions = server.url.parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let statements =
        "CREATE DATABASE t; CREATE TABLE t.tenants (hostname VARCHAR(253) PRIMARY KEY, ns TEXT, script VARCHAR(63)
             COLLATE utf8mb4_bin, cpu INT, sub BIGINT UNSIGNED, mem TINYINT, args JSON);
         INSERT INTO t.tenants VALUES ('a.example', 'ns', 'one', 50, 7, NULL, '{\"customer\": \"c-1\"}'),
             ('b.example', 'ns', 'one', NULL, NULL, NULL, NULL), ('odd.example', 'ns', 'one', -1, NULL, NULL, NULL),
             ('slow.example', 'ns', 'one', NULL, NULL, NULL, NULL)";
    connection.execute(sqlx::raw_sql(statements)).await.unwrap();
    let columns = "SELECT ns AS namespace, script, cpu AS cpu_ms, sub AS subrequests, mem AS memory, args AS outbound
                   FROM t.tenants WHERE hostname = ? AND (hostname <> 'slow.example' OR SLEEP(20) = 1)";
    for (pooler, url) in [(false, server.url.clone()), (true, server.url.replace("mysql://", "mariadb://"))] {
        let gateway = node(vec![Resolver { pooler: Some(pooler), ..by_host(&url, columns) }]).await;
        serves_the_rows(&gateway, pooler).await;
    }
}

/// The driver against a partner that speaks the protocol: what a machine without MariaDB can still see.
#[tokio::test]
async fn mysql_over_the_wire() {
    let Some(packages) = pip("mysql-mimic==3.0.5").await else { return };
    for (version, limit) in [("11.4.2-MariaDB", "max_statement_time = 2"), ("8.4.1", "max_execution_time = 2000")] {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/mysql_partner.py");
        let mut partner = Command::new("python3");
        partner.arg(script).arg(version).env("PYTHONPATH", &packages).kill_on_drop(true);
        let mut partner = partner.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(partner.stdout.take().unwrap()).lines();
        let url = format!("mysql://reader@127.0.0.1:{}/platform", line(&mut lines).await);
        let query = "SELECT ns AS namespace, script, cpu AS cpu_ms, args AS outbound FROM tenants WHERE hostname = ?";
        let gateway = node(vec![by_host(&url, query)]).await;
        get(&gateway, "a.example", "/", &[]).await.is(200, "one");
        get(&gateway, "b.example", "/", &[]).await.is(200, "one");
        assert_eq!(get(&gateway, "nobody.example", "/", &[]).await.status, 404);
        assert_eq!(get(&gateway, "odd.example", "/", &[]).await.status, 503);
        let told = ask(&gateway, json!({ "url": "http://a.example/" })).await;
        assert_eq!(
            (&told["tenant"]["limits"]["cpu_ms"], &told["tenant"]["outbound"]["customer"]),
            (&json!(50), &json!("c-1"))
        );
        let mut settings = Vec::new();
        while settings.last().is_none_or(|setting: &String| !setting.contains("READ ONLY")) {
            settings.push(line(&mut lines).await);
        }
        assert!(settings.iter().any(|setting| setting.contains(limit)), "{settings:?}");
        partner.kill().await.unwrap();
    }
}
