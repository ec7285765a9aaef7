//! Many writers on one script through the API: every answer is true, and what is live at the end is
//! what was acknowledged last.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Form, Harness, NS};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_to_ten_writers_is_true() {
    let h = Harness::with_scripts(&["a"]).await;
    let path = format!("{NS}/prod/scripts/a");
    for round in 0..5 {
        let puts = (0..10).map(|n| {
            let number = (round * 10 + n).to_string();
            let metadata = json!({
                "main_module": "index.js", "bindings": [{ "type": "plain_text", "name": "N", "text": number }],
            });
            let form = Form::new().part("name=\"metadata\"", None, metadata.to_string());
            let form = form.module("index.js", &format!("export default {number}"));
            let (h, path) = (&h, &path);
            async move { (number, h.form(Method::PUT, path, form).await) }
        });
        let replies = futures_util::future::join_all(puts).await;
        let (told, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|(_, reply)| reply.status.is_success());
        assert!(!told.is_empty());
        for (_, reply) in refused {
            reply.refused(409, 10035);
        }
        let list = h.get(&format!("{path}/versions")).await.ok();
        let items = list.result()["items"].as_array().expect("a list").clone();
        let number_of = |id: &str| {
            let bare = |text: &str| text.replace('-', "");
            let found = items.iter().find(|item| bare(item["id"].as_str().expect("text")) == id);
            found.unwrap_or_else(|| panic!("{id} was acknowledged and is not there"))["number"].as_u64()
        };
        // Each acknowledged upload is a version, of the bindings that were sent with it.
        let mut last: Option<(u64, String)> = None;
        for (number, reply) in &told {
            let id = reply.result()["deployment_id"].as_str().expect("text");
            let at = number_of(id).expect("a number");
            let version = h.get(&format!("{path}/versions/{id}")).await.ok();
            assert_eq!(version.result()["resources"]["bindings"][0]["text"], number.as_str());
            if last.as_ref().is_none_or(|(highest, _)| at > *highest) {
                last = Some((at, number.clone()));
            }
        }
        let (highest, number) = last.expect("one was acknowledged");
        // None that was refused has left a version.
        assert_eq!(items.iter().map(|item| item["number"].as_u64()).max(), Some(Some(highest)));
        assert_eq!(items.len(), usize::try_from(highest).expect("few"));
        let bindings = h.get(&format!("{path}/bindings")).await.ok();
        assert_eq!(bindings.result()[0]["text"], Value::from(number));
        let settings = h.get(&path).await.ok();
        let newest = told.iter().filter_map(|(_, reply)| reply.result()["modified_on"].as_str()).max();
        assert_eq!(settings.result()["modified_on"].as_str(), newest);
    }
}
