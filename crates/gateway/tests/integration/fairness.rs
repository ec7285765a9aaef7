//! What one tenant leaves to the others, as clients see it.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, TestGateway};

/// Instances in a state, as `/metrics` says.
async fn instances(gateway: &TestGateway, state: &str) -> usize {
    let metrics = gateway.admin("/metrics").await;
    let line = metrics
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(&format!("switchyard_instances{{state=\"{state}\"}} ")).map(str::to_owned));
    line.unwrap().parse().unwrap()
}

async fn until(gateway: &TestGateway, state: &str, count: usize) {
    let reached = async {
        while instances(gateway, state).await != count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("never {count} {state}"));
}

#[tokio::test]
async fn a_loop_ends_when_its_client_closes_the_connection() {
    let gateway = TestGateway::with(|config| config.limits.cpu = Duration::from_secs(3_600)).await;
    gateway.upload("ns", "spin", "export default { fetch() { for (;;); } };").await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: spin.test\r\n\r\n").await.unwrap();
    until(&gateway, "running", 1).await;
    drop(stream);
    until(&gateway, "running", 0).await;
}

#[tokio::test]
async fn a_tenant_that_waits_leaves_instances_to_others_and_is_shed_first() {
    let gateway = TestGateway::with(|config| {
        config.runtime.instances_per_script = 5;
        config.runtime.queue_per_script = 10;
    });
    let gateway = Arc::new(gateway.await);
    gateway.upload("ns", "slow", "export default { fetch: () => new Promise(r => setTimeout(r, 600_000)) };").await;
    gateway.upload("ns", "ok", "export default { fetch: () => new Response('ok') };").await;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let gateway = Arc::clone(&gateway);
        waiting.spawn(async move { gateway.get("slow", "/").await });
    }
    // Five run and ten wait; all others are told so.
    for _ in 0..25 {
        let refused = waiting.join_next().await.unwrap().unwrap();
        refused.is(503, "the server is overloaded\n");
        assert_eq!(refused.header("retry-after"), "1");
    }
    assert_eq!((instances(&gateway, "running").await, instances(&gateway, "waited_for").await), (5, 10));
    for _ in 0..20 {
        gateway.get("ok", "/").await.is(200, "ok");
    }
    waiting.abort_all();
    until(&gateway, "running", 0).await;
    assert_eq!(instances(&gateway, "waited_for").await, 0);
}
