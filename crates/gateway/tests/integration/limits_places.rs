//! Each limit from each place that it may come from: the node's configuration, the namespace, a plan, a row
//! of the operator's database, the script itself, a dispatch call. It holds from there, whatever the others
//! allow, and where nobody sets it nothing is reached. What a client reads of each is in `limits`.

use http::Method;
use serde_json::{Value, json};
use switchyard_catalog::Limit;
use switchyard_gateway::config::{Config, Plan, Resolver, ResolverKind};

use crate::harness::{Answer, PATIENCE, TestGateway, data};
use crate::namespace_settings::put;
use crate::origin::Origin;
use crate::resolvers_sql::{metric, sqlite};
use crate::tail::Events;

/// Does what its path says: more of one thing than the small limit allows, and less than the usual one.
fn source(origin: &Origin) -> String {
    format!(
        "export default {{ async fetch(r) {{
            switch (new URL(r.url).pathname.slice(1)) {{
                case 'cpu_ms': {{ let n = 0; for (let i = 0; i < 3e6; i++) n += i; return new Response('ok' + (n < 0)); }}
                case 'subrequests': for (let i = 0; i < 3; i++) {{
                    try {{ await (await fetch('{0}/')).text(); }} catch (e) {{ return new Response(e.message); }} }}
                    break;
                case 'memory': return new Response('' + new Uint8Array(40 << 20).length);
                case 'wall_ms': await scheduler.wait(300); break;
                case 'request_bytes': await r.text(); break;
                case 'response_bytes': return new Response('x'.repeat(100));
                case 'concurrent_requests': await scheduler.wait(200); break;
                case 'connections': await Promise.all([1, 2, 3].map(async () => (await fetch('{0}/')).text())); break;
                case 'log_bytes': console.log('x'.repeat(100)); break;
            }}
            return new Response('ok');
         }} }};",
        origin.url()
    )
}

/// Below what [`ask`] needs.
fn small(limit: Limit) -> u64 {
    match limit {
        Limit::Cpu => 2,
        Limit::Memory => 16 << 20,
        Limit::Wall => 50,
        Limit::RequestBytes | Limit::ResponseBytes | Limit::LogBytes => 10,
        Limit::Subrequests | Limit::ConcurrentRequests | Limit::RequestsPerSecond | Limit::Connections => 1,
    }
}

/// What would reach the small limit.
async fn ask(gateway: &TestGateway, host: &str, limit: Limit) -> Vec<Answer> {
    let at_once = match limit {
        Limit::ConcurrentRequests => 2,
        Limit::RequestsPerSecond => 8,
        _ => 1,
    };
    let path = format!("/{}", limit.as_str());
    let body = if limit == Limit::RequestBytes { "0123456789abc" } else { "" };
    let asks = (0..at_once).map(|_| gateway.send(Method::POST, host, &path, &[], body.into()));
    futures_util::future::join_all(asks).await
}

async fn reached(gateway: &TestGateway, limit: Limit) -> u64 {
    metric(gateway, &format!("switchyard_limits_total{{limit=\"{}\"}}", limit.as_str())).await
}

/// The small limit holds for `host`.
async fn holds(gateway: &TestGateway, place: &str, host: &str, limit: Limit) {
    let before = reached(gateway, limit).await;
    let answers = ask(gateway, host, limit).await;
    // Where a fetch waits, or lines are left out, the client sees nothing of it.
    let unseen = matches!(limit, Limit::Connections | Limit::LogBytes);
    let seen = answers.iter().any(|answer| answer.status != 200 || answer.text().contains("Too many subrequests"));
    assert_eq!(seen, !unseen, "{place}, {limit:?}: {answers:?}");
    let counted = async {
        while reached(gateway, limit).await == before {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            // On a busy machine one fetch may be done before the next one begins.
            if limit == Limit::Connections {
                ask(gateway, host, limit).await;
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, counted).await.is_ok(), "{place}, {limit:?}: not counted");
}

/// The configuration's key for it.
fn of_node(config: &mut Config, limit: Limit) {
    let (limits, small) = (&mut config.limits, small(limit));
    let count = u32::try_from(small).unwrap();
    let time = std::time::Duration::from_millis(small);
    match limit {
        Limit::Cpu => limits.cpu = time,
        Limit::Subrequests => limits.subrequests = count,
        Limit::Memory => limits.memory = small,
        Limit::Wall => limits.wall = time,
        Limit::RequestBytes => limits.body_bytes = small,
        Limit::ResponseBytes => limits.response_bytes = small,
        Limit::ConcurrentRequests => limits.requests_per_script = count,
        Limit::RequestsPerSecond => limits.requests_per_second = count,
        Limit::Connections => limits.fetches_at_once = count,
        Limit::LogBytes => limits.log_bytes = small,
    }
}

fn plan(limit: Limit) -> Plan {
    let small = small(limit);
    let text = match limit {
        Limit::Cpu => format!("cpu = \"{small}ms\""),
        Limit::Wall => format!("wall = \"{small}ms\""),
        Limit::Connections => format!("fetches_at_once = {small}"),
        Limit::Memory | Limit::RequestBytes | Limit::ResponseBytes | Limit::LogBytes => {
            format!("{} = \"{small}B\"", limit.as_str())
        }
        other => format!("{} = {small}", other.as_str()),
    };
    toml::from_str(&text).unwrap()
}

async fn reload(gateway: &mut TestGateway, config: &Config) {
    let mut app = gateway.take_app();
    assert_eq!(app.reload(config).await.unwrap(), Vec::<String>::new());
    gateway.put_app(app);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_holds_from_each_place() {
    let (folder, origin) = (data().await, Origin::start("one").await);
    // A row for each limit; the other columns say nothing.
    let path = folder.path().join("tenants.db");
    let names = Limit::ALL.map(Limit::as_str);
    let columns = names.map(|name| format!("{name} INTEGER")).join(", ");
    let mut rows = format!("CREATE TABLE t (label TEXT, {columns});");
    for limit in Limit::ALL {
        let name = limit.as_str();
        rows += &format!("INSERT INTO t (label, {name}) VALUES ('row-{}', {});", name.replace('_', "-"), small(limit));
    }
    drop(sqlite(&path, &rows).await);
    let with = |config: &mut Config| {
        let mut rows = Resolver::of(ResolverKind::Sql);
        rows.url = Some(format!("sqlite:{}", path.display()));
        (rows.key, rows.namespace) = (Some("label".into()), Some("ns".into()));
        rows.query = Some(format!("SELECT 'probe' AS script, {} FROM t WHERE label = ?", names.join(", ")));
        let patient = Some(std::time::Duration::from_secs(5));
        (rows.acquire_timeout, rows.statement_timeout) = (patient, patient);
        config.resolver.insert(0, rows);
        config.egress.private = true;
        for limit in Limit::ALL {
            config.plan.insert(limit.as_str().replace('_', "-"), plan(limit));
        }
    };
    let mut gateway = TestGateway::on(folder, with).await.unwrap();
    gateway.upload("ns", "probe", &source(&origin)).await;
    // Lines count where somebody listens.
    let _tail = Events::open(&gateway, "/namespaces/ns/scripts/probe/tail").await;
    for limit in Limit::ALL {
        for answer in ask(&gateway, "probe", limit).await {
            assert_eq!(answer.status, 200, "{limit:?}: {}", answer.text());
        }
    }
    for limit in Limit::ALL {
        assert_eq!(reached(&gateway, limit).await, 0, "{limit:?}");
    }

    for limit in Limit::ALL {
        put(&gateway, json!({ "limits": { limit.as_str(): small(limit) } })).await;
        holds(&gateway, "the namespace", "probe", limit).await;
        put(&gateway, json!({ "plan": limit.as_str().replace('_', "-") })).await;
        holds(&gateway, "a plan", "probe", limit).await;
        put(&gateway, json!({})).await;
        holds(&gateway, "a row", &format!("row-{}", limit.as_str().replace('_', "-")), limit).await;
    }
    let config = {
        let app = gateway.take_app();
        let config = app.config().clone();
        gateway.put_app(app);
        config
    };
    for limit in Limit::ALL {
        let mut tight = config.clone();
        of_node(&mut tight, limit);
        reload(&mut gateway, &tight).await;
        holds(&gateway, "the node", "probe", limit).await;
    }
    reload(&mut gateway, &config).await;

    // Of a script and of a dispatch call there are two.
    let two = [(Limit::Cpu, "cpuMs"), (Limit::Subrequests, "subRequests")];
    let binding = json!([{ "name": "NS", "type": "dispatch_namespace", "namespace": "ns" }]);
    for (limit, option) in two {
        let limits = json!({ limit.as_str(): small(limit) });
        gateway.upload_with("ns", "own", &source(&origin), json!({ "limits": limits })).await;
        holds(&gateway, "the script", "own", limit).await;
        let source = format!(
            "export default {{ async fetch(r, env) {{
                try {{ return await env.NS.get('probe', {{}}, {{ limits: {{ {option}: {} }} }}).fetch(r); }}
                catch (e) {{ return new Response(e.message, {{ status: 500 }}); }} }} }};",
            small(limit)
        );
        gateway.upload_worker("dispatcher", &source, binding.clone()).await;
        let front = "export default { fetch: (r, env) => env.D.fetch(r) };";
        let service = json!([{ "name": "D", "type": "service", "service": "dispatcher" }]);
        gateway.upload_with("ns", "front", front, json!({ "bindings": service })).await;
        holds(&gateway, "the call", "front", limit).await;
    }
    // And with none of them all is as before.
    for limit in Limit::ALL {
        let answers: Vec<Value> =
            ask(&gateway, "probe", limit).await.iter().map(|one| one.status.as_u16().into()).collect();
        assert!(answers.iter().all(|status| status == 200), "{limit:?}: {answers:?}");
    }
}
