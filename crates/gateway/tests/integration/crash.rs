//! kill -9 of the binary while four clients upload, put secrets and delete through the API: after the
//! restart each script is exactly what the acknowledged steps made of it, or those and the one that was
//! under way. `SWITCHYARD_TEST_SCALE` (1 by default) times 25 kills.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

use crate::harness::data;
use crate::process::{dev, get, line};

const TOKEN: &str = "a-token-of-this-test";
const WRITERS: usize = 4;
/// Steps of a script's life: upload, secret, upload that keeps it, secret deleted, script deleted.
const CYCLE: u64 = 5;

fn kills() -> u64 {
    let scale: f64 = std::env::var("SWITCHYARD_TEST_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0);
    (25.0 * scale).ceil() as u64
}

/// What the script answers after so many steps: the number of its code in two modules and a variable, so
/// that a mix of two versions would show, then its secret. `None`: there is no such script.
fn expected(steps: u64) -> Option<String> {
    let in_cycle = steps % CYCLE;
    let (first, kept) = (steps - in_cycle, steps - in_cycle + 2);
    match in_cycle {
        0 => None,
        1 => Some(format!("{first},{first},{first},none")),
        2 => Some(format!("{first},{first},{first},secret {}", first + 1)),
        3 => Some(format!("{kept},{kept},{kept},secret {}", first + 1)),
        _ => Some(format!("{kept},{kept},{kept},none")),
    }
}

fn upload(number: u64) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n\
         {{\"main_module\":\"index.js\",\"keep_bindings\":[\"secret_text\"],\
         \"bindings\":[{{\"name\":\"N\",\"type\":\"plain_text\",\"text\":\"{number}\"}}]}}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"index.js\"; filename=\"index.js\"\r\n\
         Content-Type: application/javascript+module\r\n\r\nimport {{ n }} from './n.js'; export default {{ fetch(r, env) {{ \
         return new Response([{number}, n, env.N, env.S ?? 'none'].join()) }} }}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"n.js\"; filename=\"n.js\"\r\n\
         Content-Type: application/javascript+module\r\n\r\nexport const n = {number};\r\n--b--\r\n"
    )
}

/// The step after so many, answered with 200 or the test fails.
async fn perform(client: &Client<HttpConnector, Full<Bytes>>, script: &str, steps: u64) {
    let json = "application/json";
    let (method, path, kind, body) = match steps % CYCLE {
        0 | 2 => (Method::PUT, "", "multipart/form-data; boundary=b", upload(steps)),
        1 => {
            let secret = format!(r#"{{"name":"S","type":"secret_text","text":"secret {steps}"}}"#);
            (Method::PUT, "/secrets", json, secret)
        }
        3 => (Method::DELETE, "/secrets/S", json, String::new()),
        _ => (Method::DELETE, "", json, String::new()),
    };
    let request = Request::builder().method(method).uri(format!("{script}{path}"));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {TOKEN}")).header(header::CONTENT_TYPE, kind);
    let response = client.request(request.body(Full::new(Bytes::from(body))).unwrap()).await;
    let response = response.unwrap_or_else(|e| panic!("step {steps} of {script}: {e:?}"));
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, StatusCode::OK, "step {steps} of {script}: {body:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_has_all_that_was_acknowledged_and_nothing_half() {
    let data = data().await;
    std::fs::write(data.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let mut done = [0_u64; WRITERS];
    for round in 0..=kills() {
        let (mut child, mut lines) = dev(data.path(), &["--no-samples"]).await;
        let ready = line(&mut lines).await;
        let (gateway, admin) = ready.strip_prefix("ready gateway=").unwrap().split_once(" admin=").unwrap();
        for (writer, done) in done.iter_mut().enumerate() {
            let (status, text) = get(&format!("{gateway}/"), &format!("w{writer}.localhost")).await;
            let seen = if status == 404 { None } else { Some(text) };
            if seen == expected(*done + 1) && round > 0 {
                *done += 1;
            }
            assert_eq!(seen, expected(*done), "round {round}, writer {writer}, {done} steps acknowledged");
        }
        if round == kills() {
            break;
        }
        let scripts =
            format!("{admin}/accounts/00000000000000000000000000000001/workers/dispatch/namespaces/dev/scripts");
        let client = Client::builder(TokioExecutor::new()).build_http();
        {
            let writers = done.iter_mut().enumerate().map(|(writer, done)| {
                let (client, script) = (&client, format!("{scripts}/w{writer}"));
                async move {
                    loop {
                        perform(client, &script, *done).await;
                        *done += 1;
                    }
                }
            });
            let kill = tokio::time::sleep(Duration::from_micros(5_000 + round * 9_973 % 150_000));
            tokio::select! {
                _ = futures_util::future::join_all(writers) => unreachable!("they do not end"),
                () = kill => {}
            }
        }
        child.kill().await.unwrap(); // SIGKILL
    }
    assert!(done.iter().all(|done| *done > CYCLE), "each has been through a whole life: {done:?}");
}
