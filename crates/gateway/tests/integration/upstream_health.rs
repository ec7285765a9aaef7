//! Several origins: their shares, and how one that is not well is left out and comes back.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::harness::TestGateway;
use crate::origin::{Origin, gateway, gateway_with, put, set};
use crate::upstream::metric;
use crate::upstream_faults::count;

#[tokio::test]
async fn requests_are_shared_by_weight() {
    let gateway = gateway().await;
    let (a, b, c) = (Origin::start("a").await, Origin::start("b").await, Origin::start("c").await);
    let origins = json!([{ "url": a.url(), "weight": 5 }, { "url": b.url(), "weight": 3 }, { "url": c.url() }]);
    assert_eq!(put(&gateway, "x", json!({ "origins": origins })).await.status, 200);
    for _ in 0..90 {
        gateway.get("x", "/").await;
    }
    assert_eq!([a.seen(), b.seen(), c.seen()], [50, 30, 10]);
    assert_eq!([a.opened(), b.opened(), c.opened()], [1, 1, 1]);
}

#[tokio::test]
async fn an_origin_that_fails_is_left_out_for_a_while_and_taken_back() {
    let out = Duration::from_millis(600);
    let gateway = gateway_with(|config| (config.upstream.failures, config.upstream.eject) = (2, out)).await;
    let (good, gone) = (Origin::start("good").await, Origin::start("gone").await);
    set(&gateway, "x", &[&gone, &good], json!({})).await;
    let address = gone.stop().await;
    for _ in 0..20 {
        gateway.get("x", "/").await.is(200, "good");
    }
    // Two met it, then nobody asked.
    assert_eq!(count(&gateway, "switchyard_upstream_retries_total").await, 2);
    assert_eq!(count(&gateway, "switchyard_upstream_taken_out_total{by=\"requests\"}").await, 1);
    let back = Origin::at(address, "back").await;
    tokio::time::timeout(crate::harness::PATIENCE, async {
        while back.seen() == 0 {
            gateway.get("x", "/").await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it is taken back");
    let before = (back.seen(), good.seen());
    for _ in 0..10 {
        gateway.get("x", "/").await;
    }
    assert_eq!((back.seen() - before.0, good.seen() - before.1), (5, 5));
}

#[tokio::test]
async fn without_any_origin_there_is_a_503_at_once() {
    let gateway = gateway_with(|config| config.upstream.failures = 2).await;
    let gone = Origin::start("gone").await;
    set(&gateway, "x", &[&gone], json!({})).await;
    gone.stop().await;
    for _ in 0..2 {
        gateway.get("x", "/").await.is(502, "the origin could not be reached\n");
    }
    let answer = gateway.get("x", "/").await;
    answer.is(503, "no origin of this script is available\n");
    assert_eq!(answer.header("retry-after"), "1");
    metric(&gateway, "switchyard_requests_total{class=\"5xx\",kind=\"upstream_unavailable\",side=\"tenant\"} 1").await;
    assert_eq!(count(&gateway, "switchyard_upstream_requests_total{end=\"connect\"}").await, 2);
    assert_eq!(count(&gateway, "switchyard_upstream_requests_total{end=\"unavailable\"}").await, 1);
    // What an origin answers is not a failure of it, whatever it is.
    let origin = Origin::start("one").await;
    set(&gateway, "x", &[&origin], json!({})).await;
    for _ in 0..5 {
        assert_eq!(gateway.get("x", "/missing").await.status, 404);
    }
}

/// Well or not, as the test says by what it writes.
async fn checked(gateway: &TestGateway, checked: &Origin, other: &Origin) {
    let health = json!({ "path": "/up?deep=1", "interval_ms": 1000, "timeout_ms": 500, "healthy": 1, "unhealthy": 1 });
    set(gateway, "x", &[checked, other], json!({ "health": health })).await;
}

#[tokio::test]
async fn checks_leave_an_origin_out_and_take_it_back() {
    let gateway = gateway().await;
    let (sick, good) = (Origin::sick_until_released().await, Origin::start("good").await);
    checked(&gateway, &sick, &good).await;
    assert_eq!((sick.seen(), good.seen()), (0, 0), "nobody has asked yet");
    // Requests are well answered by both; only the check says that one is not.
    let others = async |wanted: bool| {
        tokio::time::timeout(crate::harness::PATIENCE, async {
            let mut row = 0;
            while row < 6 {
                let sick = gateway.get("x", "/").await.text() == "sick";
                row = if sick == wanted { row + 1 } else { 0 };
                // Two good ones in turns, else one alone.
                if wanted && sick {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .expect("the check is heard in time");
    };
    others(false).await;
    assert_eq!(count(&gateway, "switchyard_upstream_taken_out_total{by=\"checks\"}").await, 1);
    sick.release.notify_one();
    others(true).await;
}

#[tokio::test]
async fn upstreams_that_nobody_uses_are_not_checked() {
    let lately = Duration::from_millis(100);
    let gateway = gateway_with(|config| config.upstream.check_for = lately).await;
    let origin = Origin::start("one").await;
    let health = json!({ "path": "/up", "interval_ms": 1000, "timeout_ms": 500 });
    set(&gateway, "x", &[&origin], json!({ "health": health })).await;
    gateway.send(Method::GET, "x", "/", &[], Default::default()).await.is(200, "one");
    // Its connection is not kept for longer either.
    metric(&gateway, "switchyard_upstream_connections{state=\"idle\"} 0").await;
    let seen = origin.seen();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(origin.seen(), seen);
}
