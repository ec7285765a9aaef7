//! Lists, details, uploads, deletes (contract §§3.1, 3.2, 3.4).

use http::Method;
use serde_json::{Value, json};

use crate::harness::{A, Form, Harness, NS, Reply};

fn names(reply: &Reply) -> Vec<String> {
    let items = reply.result().as_array().expect("a list");
    items.iter().map(|item| item["id"].as_str().expect("a name").to_owned()).collect()
}

async fn tagged(h: &Harness) {
    h.namespace("prod").await;
    for (name, tags) in [("a", vec!["gold", "eu"]), ("b", vec!["gold"]), ("c", vec!["plan:gold"]), ("d", vec![])] {
        let form = Form::worker(json!({ "tags": tags }));
        h.form(Method::PUT, &format!("{NS}/prod/scripts/{name}"), form).await.ok();
    }
}

pub async fn script_list(h: &Harness) {
    tagged(h).await;
    let path = format!("{NS}/prod/scripts");
    h.get(&format!("{path}?limit=2")).await.ok().golden("script_list");

    let all = h.get(&path).await.ok();
    assert_eq!(names(&all), ["a", "b", "c", "d"]);
    assert_eq!(all.json["result_info"], json!({ "count": 4, "per_page": 1000, "cursor": "" }));
    assert_eq!(all.result()[0]["script"]["id"], "a", "the name is there twice");

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = h.get(&format!("{path}?limit=1&cursor={cursor}")).await.ok();
        seen.extend(names(&page));
        // A colon in front is accepted: the docs' sample sends one.
        cursor = format!(":{}", page.json["result_info"]["cursor"].as_str().expect("a cursor"));
        if cursor == ":" {
            break;
        }
        assert_eq!(page.json["result_info"]["count"], json!(1));
    }
    assert_eq!(seen, ["a", "b", "c", "d"]);

    for (tags, expected) in [
        ("gold:yes", vec!["a", "b"]),
        ("gold:yes,eu:no", vec!["b"]),
        (":gold:yes,eu:no", vec!["b"]),
        ("gold%3Ayes%2Ceu%3Ano", vec!["b"]),
        ("plan:gold:yes", vec!["c"]),
        ("gold:no", vec!["c", "d"]),
        ("", vec!["a", "b", "c", "d"]),
    ] {
        let reply = h.get(&format!("{path}?tags={tags}&unknown=1")).await.ok();
        assert_eq!(names(&reply), expected, "{tags}");
    }
    for query in [
        "tags=gold",
        "tags=gold:maybe",
        "tags=:yes,",
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=-1",
        "cursor=!!",
        "cursor=Li4",
    ] {
        h.get(&format!("{path}?{query}")).await.refused(400, 10026);
    }
}

pub async fn account_script_list(h: &Harness) {
    h.namespace("prod").await;
    h.upload(&format!("{NS}/prod/scripts/tenant")).await;
    h.upload(&format!("{A}/workers/scripts/dispatcher")).await;
    let reply = h.get(&format!("{A}/workers/scripts")).await.ok();
    assert_eq!(names(&reply), ["dispatcher"], "a namespace's scripts are not the account's");
    reply.golden("account_script_list");
}

pub async fn script_delete_by_tags(h: &Harness) {
    tagged(h).await;
    let path = format!("{NS}/prod/scripts");
    for query in ["", "?tags=", "?tags=:", "?limit=5"] {
        h.delete(&format!("{path}{query}")).await.refused(400, 10026);
    }
    let tag = h.get(&format!("{path}/a")).await.ok().result()["script"]["tag"].clone();
    let reply = h.delete(&format!("{path}?tags=gold:yes&limit=1")).await.ok();
    reply.golden("script_delete_by_tags");
    assert_eq!(reply.result()["deleted"][0]["id"], tag, "the immutable id, not the name");
    let reply = h.delete(&format!("{path}?tags=gold:yes")).await.ok();
    assert_eq!(reply.result()["deleted_count"], json!(1));
    assert_eq!(reply.result()["has_more"], json!(false));
    assert_eq!(names(&h.get(&path).await.ok()), ["c", "d"]);
}

pub async fn script_get(h: &Harness) {
    h.namespace("prod").await;
    let path = format!("{NS}/prod/scripts/customer-1");
    h.get(&path).await.refused(404, 10092).golden("script_not_found");
    h.get(&format!("{NS}/nowhere/scripts/customer-1")).await.refused(404, 100_119);
    h.upload(&path).await;
    let reply = h.get(&path).await.ok();
    reply.golden("script_get");
    assert_eq!(reply.result()["script"]["id"], "customer-1");
    h.get(&format!("{NS}/prod/scripts/a%20b")).await.refused(400, 10016);
}

pub async fn script_upload(h: &Harness) {
    h.namespace("prod").await;
    let path = format!("{NS}/prod/scripts/customer-1?excludeScript=true&bindings_inherit=strict");
    let reply = h.upload(&path).await;
    reply.golden("script_upload");
    let (etag, tag) = (reply.result()["etag"].clone(), reply.result()["tag"].clone());
    assert_eq!(reply.result()["deployment_id"].as_str().expect("a text").len(), 32);

    let again = h.upload(&path).await;
    assert_eq!((&again.result()["etag"], &again.result()["tag"]), (&etag, &tag));
    assert_ne!(again.result()["deployment_id"], reply.result()["deployment_id"]);

    let refused = h.form(Method::PUT, &path, bad_code()).await.refused(400, 10021);
    refused.golden("script_upload_refused");
    let now = h.get(&format!("{NS}/prod/scripts/customer-1")).await.ok();
    assert_eq!(now.result()["script"]["etag"], etag, "a refused upload leaves the script as it was");
    h.form(Method::PUT, &format!("{NS}/prod/scripts/new"), bad_code()).await.refused(400, 10021);
    h.get(&format!("{NS}/prod/scripts/new")).await.refused(404, 10092);
    h.form(Method::PUT, &format!("{NS}/nowhere/scripts/x"), Form::worker(json!({}))).await.refused(404, 100_119);
    h.form(Method::PUT, &format!("{NS}/prod/scripts/a%20b"), Form::worker(json!({}))).await.refused(400, 10016);
}

fn bad_code() -> Form {
    let metadata = json!({ "main_module": "index.js" }).to_string();
    Form::new().part("name=\"metadata\"", None, metadata).module("index.js", "export default { refuse me")
}

pub async fn account_script_upload(h: &Harness) {
    let path = format!("{A}/workers/scripts/dispatcher?excludeScript=true&bindings_inherit=strict");
    h.upload(&path).await.golden("account_script_upload");
    // A name is unique in its scope only.
    h.namespace("prod").await;
    let tenant = h.upload(&format!("{NS}/prod/scripts/dispatcher")).await;
    let own = h.get(&format!("{A}/workers/services/dispatcher")).await.ok();
    assert_ne!(tenant.result()["tag"], own.result()["default_environment"]["script"]["tag"]);
}

pub async fn script_delete(h: &Harness) {
    h.namespace("prod").await;
    let path = format!("{NS}/prod/scripts/one");
    let first = h.upload(&path).await;
    let reply = h.delete(&format!("{path}?force=true")).await.ok();
    assert_eq!(*reply.result(), Value::Null);
    assert!(!reply.body.is_empty(), "wrangler reports an empty body as malformed");
    h.delete(&path).await.refused(404, 10092);
    h.get(&path).await.refused(404, 10092);
    let second = h.upload(&path).await;
    assert_ne!(first.result()["tag"], second.result()["tag"], "a script made anew is another one");
}

pub async fn account_script_delete(h: &Harness) {
    let path = format!("{A}/workers/scripts/one");
    h.upload(&path).await;
    h.delete(&path).await.ok();
    h.delete(&path).await.refused(404, 10007);
}

pub async fn service_delete(h: &Harness) {
    h.upload(&format!("{A}/workers/scripts/one")).await;
    let path = format!("{A}/workers/services/one?force=true");
    assert_eq!(*h.delete(&path).await.ok().result(), Value::Null);
    h.delete(&path).await.refused(404, 10090).golden("service_not_found");
}
