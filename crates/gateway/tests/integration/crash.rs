//! kill -9 while uploads run: after the restart a script is the old version or the new one, whole, and
//! what was acknowledged is not lost.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::harness::data;
use crate::process::{dev, get, line};

const KILLS: u64 = 50;
const TOKEN: &str = "a-token-of-this-test";

/// The version's number in two modules: a mix of two versions would show.
fn upload(number: u64) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n\
         {{\"main_module\":\"index.js\",\"bindings\":[{{\"name\":\"N\",\"type\":\"plain_text\",\"text\":\"{number}\"}},\
         {{\"name\":\"S\",\"type\":\"secret_text\",\"text\":\"{number}\"}}]}}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"index.js\"; filename=\"index.js\"\r\n\
         Content-Type: application/javascript+module\r\n\r\nimport {{ n }} from './n.js'; export default {{ fetch(r, env) {{ \
         return new Response([{number}, n, env.N, env.S].join()) }} }}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"n.js\"; filename=\"n.js\"\r\n\
         Content-Type: application/javascript+module\r\n\r\nexport const n = {number};\r\n--b--\r\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_has_the_old_version_or_the_new_one() {
    let data = data().await;
    std::fs::write(data.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let mut number = 0;
    let mut acknowledged = 0;
    for round in 0..=KILLS {
        let (mut child, mut lines) = dev(data.path(), &["--no-samples"]).await;
        let ready = line(&mut lines).await;
        let (gateway, admin) = ready.strip_prefix("ready gateway=").unwrap().split_once(" admin=").unwrap();
        if acknowledged > 0 {
            let (status, text) = get(&format!("{gateway}/"), "w.localhost").await;
            let parts: Vec<u64> = text.split(',').map(|part| part.parse().unwrap_or(u64::MAX)).collect();
            assert_eq!((status, parts.len()), (200, 4), "round {round}: {text}");
            assert!(parts.iter().all(|part| *part == parts[0]), "half of one, half of another: {text}");
            assert!(parts[0] >= acknowledged && parts[0] <= number, "{acknowledged} was acknowledged, {text} answers");
        }
        if round == KILLS {
            break;
        }
        // The first upload of a round is waited for; the kill comes somewhere in the ones after it.
        let url =
            format!("{admin}/accounts/00000000000000000000000000000001/workers/dispatch/namespaces/dev/scripts/w");
        let client = Client::builder(TokioExecutor::new()).build_http();
        let put = |number: u64| {
            let request = Request::put(&url)
                .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
                .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
                .body(Full::new(Bytes::from(upload(number))));
            client.request(request.unwrap())
        };
        let mut kill = std::pin::pin!(tokio::time::sleep(Duration::from_micros(1_000 + round * 997 % 40_000)));
        let mut first = true;
        loop {
            number += 1;
            let answer = put(number);
            let answered = if first {
                Some(answer.await)
            } else {
                tokio::select! {
                    answer = answer => Some(answer),
                    () = &mut kill => None,
                }
            };
            first = false;
            match answered {
                Some(Ok(response)) if response.status() == 200 => {
                    response.into_body().collect().await.unwrap();
                    acknowledged = number;
                }
                Some(other) => panic!("upload {number}: {other:?}"),
                None => break,
            }
        }
        child.kill().await.unwrap(); // SIGKILL
    }
}
