//! `If-Match` and `If-None-Match` on what changes code (10018).

use http::Method;
use serde_json::json;

use crate::harness::{Form, Harness, NS, Reply, request};

async fn put(h: &Harness, path: &str, header: &str, value: &str, source: &str) -> Reply {
    let metadata = json!({ "main_module": "index.js" }).to_string();
    let form = Form::new().part("name=\"metadata\"", None, metadata).module("index.js", source);
    let (content_type, body) = form.finish();
    let request = request(Method::PUT, path).header("content-type", content_type).header(header, value);
    h.send(request.body(body.into()).expect("a request")).await
}

#[tokio::test]
async fn code_is_replaced_only_if_it_is_the_code_that_is_named() {
    let h = Harness::with_scripts(&[]).await;
    let path = format!("{NS}/prod/scripts/a");
    put(&h, &path, "if-match", "*", "one").await.refused(412, 10018);
    put(&h, &path, "if-match", "\"0\"", "one").await.refused(412, 10018);
    h.get(&path).await.refused(404, 10092);
    let first = put(&h, &path, "if-none-match", "*", "one").await.ok();
    put(&h, &path, "if-none-match", "*", "two").await.refused(412, 10018).golden("precondition_failed");
    let etag = |reply: &Reply| format!("\"{}\"", reply.result()["etag"].as_str().expect("text"));
    // The etag of the content is the one that the upload told.
    let content = h.get(&format!("{path}/content")).await;
    assert_eq!(content.headers["etag"].to_str().expect("text"), etag(&first));

    let second = put(&h, &path, "if-match", &format!("\"x\", {}", etag(&first)), "two").await.ok();
    put(&h, &path, "if-match", &etag(&first), "three").await.refused(412, 10018);
    put(&h, &path, "if-match", &format!("W/{}", etag(&second)), "three").await.refused(412, 10018);
    put(&h, &format!("{path}/content"), "if-match", &etag(&first), "three").await.refused(412, 10018);
    put(&h, &format!("{path}/content"), "if-match", &etag(&second), "three").await.ok();
    put(&h, &path, "if-match", "*", "four").await.ok();
    for (header, value) in [("if-match", "bare"), ("if-match", ""), ("if-none-match", "\"x\"")] {
        put(&h, &path, header, value, "five").await.refused(400, 10026);
    }
}

#[tokio::test]
async fn of_many_who_name_the_same_code_one_wins() {
    let h = Harness::with_scripts(&["a"]).await;
    let path = format!("{NS}/prod/scripts/a");
    let etag = h.get(&path).await.ok().result()["etag"].as_str().expect("text").to_owned();
    let etag = format!("\"{etag}\"");
    let sources: Vec<String> = (0..8).map(|n| format!("export default {n}")).collect();
    let puts = sources.iter().map(|source| put(&h, &path, "if-match", &etag, source));
    let replies = futures_util::future::join_all(puts).await;
    assert_eq!(replies.iter().filter(|reply| reply.status.is_success()).count(), 1);
    for reply in replies.into_iter().filter(|reply| !reply.status.is_success()) {
        reply.refused(412, 10018);
    }
}
