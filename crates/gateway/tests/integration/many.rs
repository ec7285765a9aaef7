//! More tenants than the node keeps in memory: each answers, from its file where it has to.

use crate::harness::TestGateway;
use crate::resolvers_sql::metric;

const TENANTS: u64 = 40;
/// Of these, some five are kept.
const CACHE: u64 = 64 << 10;

#[tokio::test]
async fn tenants_beyond_the_cache_are_opened_from_their_files() {
    let gateway = TestGateway::with(|config| config.runtime.worker_cache = CACHE).await;
    for number in 0..TENANTS {
        let source =
            format!("let calls = 0; export default {{ fetch() {{ return new Response(`t{number} ${{++calls}}`) }} }}");
        gateway.upload("ns", &format!("t{number}"), &source).await;
    }
    for _ in 0..3 {
        for number in 0..TENANTS {
            // Clean each time, from wherever it came.
            gateway.get(&format!("t{number}"), "/").await.is(200, &format!("t{number} 1"));
        }
    }
    let opened = metric(&gateway, "switchyard_worker_lookups_total{source=\"file\"}").await;
    assert!((TENANTS * 2..=TENANTS * 3).contains(&opened), "{opened} were opened");
    let kept = metric(&gateway, "switchyard_worker_cache_bytes").await;
    assert!(kept <= CACHE, "{kept} bytes are kept");
    // None was evaluated again.
    assert_eq!(metric(&gateway, "switchyard_evaluations_total{result=\"started\"}").await, TENANTS);
}
