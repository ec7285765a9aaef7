//! The database of the tenants goes away and comes back: those who are known do not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use switchyard_gateway::config::{LookupCache, Resolver};

use crate::databases::postgres;
use crate::harness::{PATIENCE, TestGateway};
use crate::resolvers::{get, says};
use crate::resolvers_servers::run_postgres;
use crate::resolvers_sql::{QUERY, becomes, by_host, lookups, metric};

const KNOWN: u64 = 1_000;

/// Clients of all known hosts, until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(gateway: &Arc<TestGateway>) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let tasks = (0..4).map(|task| {
            let (gateway, stop, sent) = (gateway.clone(), stop.clone(), sent.clone());
            tokio::spawn(async move {
                let mut failed = Vec::new();
                for number in (task * KNOWN / 4..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    let host = format!("h{}.example", number % KNOWN);
                    let answer = get(&gateway, &host, "/", &[]).await;
                    if answer.status != 200 {
                        failed.push(format!("{host}: {} {}", answer.status, answer.text()));
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                failed
            })
        });
        Self { tasks: tasks.collect(), stop, sent }
    }

    /// Until every known host was asked for twice more.
    async fn rounds(&self) {
        let until = self.sent.load(Ordering::Relaxed) + 2 * KNOWN;
        while self.sent.load(Ordering::Relaxed) < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut failed = Vec::new();
        for task in self.tasks {
            failed.extend(task.await.unwrap());
        }
        failed
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_hosts_do_not_notice() {
    let Some(mut server) = postgres().await else { return };
    run_postgres(
        &server.url,
        "CREATE TABLE tenants (hostname text PRIMARY KEY, namespace text, script text);
         INSERT INTO tenants SELECT 'h' || i || '.example', 'ns', 'one' FROM generate_series(0, 999) i;
         INSERT INTO tenants VALUES ('late.example', 'ns', 'one')",
    )
    .await;
    let gateway = TestGateway::with(|config| {
        let (ttl, negative_ttl) = (Duration::from_millis(200), Duration::from_millis(200));
        let cache = LookupCache { ttl, negative_ttl, ..LookupCache::default() };
        let resolver = Resolver {
            cache: Some(cache),
            // As they are unless somebody changes them.
            acquire_timeout: None,
            statement_timeout: None,
            ..by_host(&server.url, &format!("{QUERY}$1"))
        };
        config.resolver = vec![resolver];
    })
    .await;
    gateway.upload("ns", "one", &says("one")).await;
    gateway.upload("ns", "two", &says("two")).await;
    // The first walk may meet a busy machine: only what is known has a promise.
    for number in 0..KNOWN {
        becomes(&gateway, &format!("h{number}.example"), 200, "one").await;
    }
    let gateway = Arc::new(gateway);
    let load = Load::start(&gateway);
    load.rounds().await;
    for outage in ["stop", "freeze"] {
        match outage {
            "stop" => server.stop().await,
            _ => server.freeze(),
        }
        load.rounds().await;
        let unknown = get(&gateway, "late.example", "/", &[]).await;
        assert_eq!((unknown.status.as_u16(), unknown.header("retry-after")), (503, "1"), "{outage}");
        // Told as soon as the first statement has had its time.
        let told = async {
            while metric(&gateway, "switchyard_resolver_stale").await != 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("{outage}: nobody says so"));
        gateway.admin("/readyz").await.is(200, "ok\n");
        // Hardly anything is sent to a database that does not answer.
        let before = metric(&gateway, "switchyard_resolver_statements_total").await;
        load.rounds().await;
        let statements = metric(&gateway, "switchyard_resolver_statements_total").await - before;
        assert!(statements <= 100, "{statements} statements in an outage");
        match outage {
            "stop" => server.start().await,
            _ => server.thaw(),
        }
        // Back by itself, and what changed meanwhile is seen.
        let target = if outage == "stop" { "two" } else { "one" };
        run_postgres(&server.url, &format!("UPDATE tenants SET script = '{target}' WHERE hostname = 'late.example'"))
            .await;
        becomes(&gateway, "late.example", 200, target).await;
        assert_eq!(metric(&gateway, "switchyard_resolver_stale").await, 0, "{outage}");
        run_postgres(&server.url, "UPDATE tenants SET script = 'one' WHERE hostname = 'late.example'").await;
        becomes(&gateway, "late.example", 200, "one").await;
        // Not known any more, for the next time.
        run_postgres(&server.url, "DELETE FROM tenants WHERE hostname = 'late.example'").await;
        becomes(&gateway, "late.example", 404, "there is no Worker for this host\n").await;
        run_postgres(&server.url, "INSERT INTO tenants VALUES ('late.example', 'ns', 'one')").await;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    let stale = lookups(&gateway, "stale").await;
    assert!(stale >= 2 * KNOWN, "{stale} were served what was old");
    let failed = load.end().await;
    assert_eq!(failed, Vec::<String>::new());
}
