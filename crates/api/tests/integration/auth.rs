//! Credentials on every endpoint (contract §1.1, §1.3), and the brake on wrong tokens.

use std::net::IpAddr;

use http::{Method, Request, header};
use http_body_util::Full;
use switchyard_api::{ApiConfig, endpoints};

use crate::{
    coverage::concrete,
    harness::{Harness, NS, READER, Reply, STRANGER, WRITER},
};

async fn with(h: &Harness, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::builder().method(method).uri(format!("/client/v4{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    h.send(request.body(Full::default()).expect("a request")).await
}

async fn bearer(h: &Harness, method: &str, path: &str, token: &str) -> Reply {
    with(h, method, path, &[("authorization", &format!("Bearer {token}"))]).await
}

#[tokio::test]
async fn every_endpoint_wants_a_token_of_the_account_with_the_right_scope() {
    // Many wrong tokens in a row: the brake would hide what is tested here.
    let h = Harness::with(ApiConfig { wrong_tokens_per_minute: 10_000, ..ApiConfig::default() }).await;
    // Assets are uploaded under a session's token, not one of these.
    for row in endpoints().iter().filter(|row| row.handler != "assets::assets_upload") {
        let path = concrete(row.path, "prod", "x");
        with(&h, row.method, &path, &[]).await.refused(400, 9106);
        bearer(&h, row.method, &path, "not-a-token-of-anyone").await.refused(401, 10000);
        if row.path.contains("{account}") {
            let reply = bearer(&h, row.method, &path, STRANGER).await.refused(403, 9109);
            assert_eq!(reply.json["errors"][1]["code"], 10000);
        }
        let reply = bearer(&h, row.method, &path, READER).await;
        if row.path == "/switchyard/top" {
            // It names scripts of all accounts.
            reply.refused(403, 10000);
            continue;
        }
        // A live log is opened and ended by whoever may read it.
        if row.method == "GET" || row.handler.starts_with("tails::") {
            assert_ne!(reply.json["errors"][0]["code"], 10000, "a reader may {} {path}", row.method);
        } else {
            reply.refused(403, 10000);
        }
    }
}

#[tokio::test]
async fn credentials_are_told_apart() {
    let h = Harness::new().await;
    with(&h, "GET", NS, &[]).await.golden("no_credentials");
    let legacy = [("x-auth-email", "me@example.com"), ("x-auth-key", "0123456789")];
    let reply = with(&h, "GET", NS, &legacy).await.refused(401, 10000);
    assert!(reply.message().contains("Bearer"), "{}", reply.message());
    for header in ["", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Token", "\u{e4}"] {
        let reply = with(&h, "GET", NS, &[("authorization", header)]).await.refused(400, 6003);
        assert_eq!(reply.json["errors"][0]["error_chain"][0]["code"], 6111);
    }
    let long = format!("Bearer {}", "x".repeat(5000));
    with(&h, "GET", NS, &[("authorization", &long)]).await.refused(400, 6003).golden("malformed_authorization");
    with(&h, "GET", NS, &[("authorization", &format!("bearer   {WRITER} "))]).await.ok();
    let both = [("authorization", format!("Bearer {WRITER}")), ("x-auth-key", "x".to_owned())];
    let both: Vec<_> = both.iter().map(|(name, value)| (*name, value.as_str())).collect();
    with(&h, "GET", NS, &both).await.ok();
    bearer(&h, "GET", NS, "wrong-token-0000000").await.golden("unknown_token");
    bearer(&h, "POST", NS, READER).await.golden("read_only_token");
}

#[tokio::test]
async fn ten_wrong_tokens_make_an_address_wait() {
    let h = Harness::new().await;
    let from = |peer: &str, token: &str| {
        let peer: IpAddr = peer.parse().expect("an address");
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("/client/v4{NS}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        h.send_from(peer, request.body(Full::default()).expect("a request"))
    };
    for n in 0..10 {
        from("192.0.2.1", &format!("wrong-{n}")).await.refused(401, 10000);
        if n < 9 {
            from("192.0.2.1", WRITER).await.ok();
        }
    }
    for token in ["wrong-11", WRITER] {
        let reply = from("192.0.2.1", token).await.refused(429, 10502);
        let wait: u64 = reply.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
        assert!((1..=61).contains(&wait), "{wait}");
    }
    from("192.0.2.2", WRITER).await.ok();
    from("::ffff:192.0.2.1", WRITER).await.refused(429, 10502);
}
