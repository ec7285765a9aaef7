//! Names whose addresses change between being checked and being used, or of which only some are allowed.

use std::net::IpAddr;

use crate::dns::{Trap, serve};
use crate::egress::FETCHER;
use crate::harness::{TestGateway, scaled};
use crate::namespace_settings::put;

/// The trap stands at an address that the namespace may not reach, the origin at one that it may; both
/// on one port, so that the name alone decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_of_a_thousand_reaches_the_private_address() {
    let [good, bad]: [IpAddr; 2] = ["127.0.0.2", "127.0.0.1"].map(|address| address.parse().unwrap());
    let origin = Trap::at("127.0.0.2:0").await;
    let port = origin.address.port();
    let trap = Trap::at(&format!("127.0.0.1:{port}")).await;
    let (server, _) = serve(move |name, times| {
        let kind = name.split('.').next().unwrap().trim_end_matches(|digit: char| digit.is_ascii_digit()).to_owned();
        Some(match kind.as_str() {
            // Allowed when it is checked, and private ever after; or the other way round; or by turns.
            "first" => vec![if times == 0 { good } else { bad }],
            "then" => vec![if times == 0 { bad } else { good }],
            "turns" => vec![if times % 2 == 0 { good } else { bad }],
            // Both at once, in either order: only one is used.
            "both" => vec![good, bad],
            "mixed" => vec![bad, good, bad],
            // The same in the other family's clothes.
            "mapped" => vec![
                good,
                "::ffff:127.0.0.1".parse().unwrap(),
                "64:ff9b::7f00:1".parse().unwrap(),
                "::1".parse().unwrap(),
            ],
            _ => vec![bad],
        })
    })
    .await;
    let gateway = TestGateway::with(|config| {
        config.egress.grantable = vec!["127.0.0.2/32".parse().unwrap()];
        config.egress.nameservers = vec![server];
    })
    .await;
    gateway.upload("ns", "f", FETCHER).await;
    put(&gateway, serde_json::json!({ "egress": { "also": ["127.0.0.2"] } })).await;
    let gateway = std::sync::Arc::new(gateway);
    let kinds = ["first", "then", "turns", "both", "mixed", "mapped", "never"];
    let mut lanes = Vec::new();
    for lane in 0..8 {
        let gateway = gateway.clone();
        lanes.push(tokio::spawn(async move {
            let mut reached = 0;
            for number in (lane..scaled(1_000)).step_by(8) {
                // A few names come again, while they are known and after.
                let name = format!("{}{}.rebind.test", kinds[number % kinds.len()], number / kinds.len() / 3);
                let seen = gateway.get("f", &format!("/?url=http://{name}:{port}/")).await.text().to_owned();
                assert!(seen.starts_with("[200,") || seen.contains("internal error; reference = "), "{name}: {seen}");
                reached += usize::from(seen.starts_with("[200,"));
            }
            reached
        }));
    }
    let mut reached = 0;
    for lane in lanes {
        reached += lane.await.unwrap();
    }
    assert_eq!(trap.reached(), 0);
    assert_eq!(origin.reached(), reached);
    assert!(reached >= scaled(1_000) / 2, "{reached} reached the origin: the test tests little");
}
