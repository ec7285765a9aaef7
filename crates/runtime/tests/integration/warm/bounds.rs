//! When a request gets another instance, and when one ends that is idle.

use std::sync::Arc;
use std::time::Duration;

use switchyard_catalog::Isolation;
use switchyard_runtime::{Ending, RunErrorKind, Worker};

use super::{COUNTS, Running, SOON, Warm};
use crate::harness::{get, spec, text};

#[tokio::test]
async fn a_full_instance_gets_a_second_one_and_then_a_queue() {
    let warm = Warm::with(|config| {
        config.warm_requests_at_once = 2;
        config.max_instances = 4; // of which clients' requests may hold two
        config.queue_per_tenant = 1;
        config.guest_threads = 1;
    });
    let worker = warm.worker(COUNTS).await;
    let mut running: Vec<Running> = Vec::new();
    for path in ["/a", "/b", "/c", "/d"] {
        running.push(warm.call(&worker, get(path)));
        warm.asked(path).await;
    }
    assert_eq!(warm.bench.runtime.stats().instances_running, 2);
    let waits = warm.call(&worker, get("/e"));
    while warm.bench.runtime.stats().requests_waiting == 0 {
        tokio::task::yield_now().await;
    }
    let refused = warm.call(&worker, get("/f")).both().await.0.unwrap_err();
    assert_eq!(refused.kind, RunErrorKind::Overloaded);
    // The first that has room takes it, before an instance comes free.
    warm.open("/a");
    warm.asked("/e").await;
    ["/b", "/c", "/d", "/e"].iter().for_each(|path| warm.open(path));
    let mut all = vec![waits.text().await];
    for running in running {
        all.push(running.text().await);
    }
    assert_eq!(all, ["3 /e 2", "1 /a 2", "2 /b 2", "1 /c 2", "2 /d 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_another_computes_has_an_instance_of_its_own() {
    let warm = Warm::with(|config| config.guest_threads = 2);
    let source = "let n = 0; export default { async fetch(r) { n++; if (r.url.endsWith('/burn')) { await fetch('https://o.test/burn'); for (;;); } return new Response('' + n) } }";
    let worker = warm.worker(source).await;
    let burns = warm.call(&worker, get("/burn"));
    warm.asked("/burn").await;
    assert_eq!(warm.call(&worker, get("/")).text().await, "2");
    warm.open("/burn");
    // Some may still come in before its first millisecond is over, and go elsewhere then.
    while warm.call(&worker, get("/")).text().await != "1" {}
    assert_eq!(burns.gone().await.ending, Ending::Canceled);
}

async fn number(warm: &Warm, worker: &Arc<Worker>) -> String {
    let text = warm.call(worker, get("/")).text().await;
    text.split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn instances_end_by_their_bounds() {
    let warm = Warm::with(|config| config.warm_requests = 3);
    let worker = warm.worker(COUNTS).await;
    for wanted in ["1", "2", "3", "1", "2", "3", "1"] {
        assert_eq!(number(&warm, &worker).await, wanted);
    }
    let warm = Warm::with(|config| config.warm_age = Duration::from_millis(300));
    let worker = warm.worker(COUNTS).await;
    assert_eq!([number(&warm, &worker).await, number(&warm, &worker).await], ["1", "2"]);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(number(&warm, &worker).await, "1");
    let warm = Warm::with(|config| config.warm_idle = Duration::from_millis(400));
    let worker = warm.worker(COUNTS).await;
    assert_eq!([number(&warm, &worker).await, number(&warm, &worker).await], ["1", "2"]);
    assert_eq!(warm.bench.runtime.stats().warm_idle, 1);
    tokio::time::timeout(SOON, async {
        while warm.bench.runtime.stats().slots_live > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(warm.bench.runtime.stats().warm_idle, 0);
    assert_eq!(number(&warm, &worker).await, "1");
}

#[tokio::test]
async fn idle_instances_give_way_to_those_used_since() {
    for by_bytes in [false, true] {
        let warm = Warm::with(|config| match by_bytes {
            false => config.warm_instances = 2,
            true => config.warm_bytes = 40 << 20,
        });
        let source = "const held = new Uint8Array(15 << 20).fill(1); let n = 0; export default { fetch() { return new Response(++n + ' ' + held.length) } }";
        let mut workers = Vec::new();
        for _ in 0..3 {
            workers.push(warm.worker(source).await);
        }
        for worker in &workers[..2] {
            assert_eq!(number(&warm, worker).await, "1");
        }
        assert_eq!(number(&warm, &workers[0]).await, "2");
        assert_eq!(number(&warm, &workers[2]).await, "1");
        assert_eq!(warm.bench.runtime.stats().warm_idle, 2, "by bytes: {by_bytes}");
        assert_eq!(number(&warm, &workers[0]).await, "3");
        assert_eq!(number(&warm, &workers[1]).await, "1");
        assert_eq!(number(&warm, &workers[2]).await, "1");
    }
}

#[tokio::test]
async fn auto_is_warm_where_a_first_request_is_dear() {
    let warm = Warm::with(|config| config.auto_warm_cpu = Duration::from_millis(5));
    let source = |burns: u32| {
        format!(
            "let n = 0, ready; export default {{ fetch() {{ if (!ready) {{ ready = 1; for (let i = 0; i < {burns}; i++) ready = (ready * 3) | 0 }} return new Response('' + ++n) }} }}"
        )
    };
    for (burns, wanted) in [(0, ["1"; 8]), (1_000_000, ["1", "1", "1", "1", "1", "2", "3", "4"])] {
        let mut spec = spec(&source(burns));
        spec.isolation = Isolation::Auto;
        let (worker, _) = warm.bench.start(spec).await.unwrap();
        let mut got = Vec::new();
        for _ in 0..8 {
            got.push(number(&warm, &worker).await);
        }
        assert_eq!(got, wanted, "{burns}");
    }
}

#[tokio::test]
async fn a_version_that_is_forgotten_leaves_nothing() {
    let warm = Warm::with(|_| {});
    let worker = warm.worker(COUNTS).await;
    let runs = warm.call(&worker, get("/gate"));
    warm.asked("/gate").await;
    switchyard_catalog::Validator::forget(&warm.bench.runtime, &[worker.about().version]).await;
    warm.open("/gate");
    assert_eq!(runs.text().await, "1 /gate 1");
    tokio::time::timeout(SOON, async {
        while warm.bench.runtime.stats().slots_live > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(warm.bench.runtime.stats().warm_idle, 0);
    assert_eq!(text(worker.handle(get("/"), warm.bench.invocation()).await.unwrap()).await, "1  1");
}

#[tokio::test]
async fn a_runtime_that_ends_takes_its_idle_instances_along() {
    let warm = Warm::with(|_| {});
    let worker = warm.worker(COUNTS).await;
    assert_eq!(number(&warm, &worker).await, "1");
    assert_eq!(warm.bench.runtime.stats().warm_idle, 1);
    let left = Arc::downgrade(&worker);
    drop((worker, warm));
    tokio::time::timeout(SOON, async {
        while left.upgrade().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}
