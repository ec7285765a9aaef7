//! What goes wrong is counted as what it is.

use serde_json::json;

use super::server::{Server, Ways};
use super::{command, load, refusal, text};

#[test]
fn each_error_is_counted_as_its_kind() {
    let server = Server::hello();
    let urls: Vec<String> = ["hello", "404", "503", "broken", "long", "closed", "silent", "last"]
        .iter()
        .map(|path| format!("http://{}/{path}", server.address))
        .collect();
    let seen = load(&format!("{} -n 40 -c 1 --timeout 150ms", urls.join(" ")));
    assert_eq!(seen["statuses"], json!({ "200": 10, "404": 5, "503": 5 }), "{seen}");
    let kinds = json!({ "status_4xx": 5, "status_5xx": 5, "broken": 10, "closed": 5, "timeout": 5 });
    assert_eq!(seen["errors_by_kind"], kinds, "{seen}");
    assert_eq!((seen["requests"].as_u64(), seen["answers"].as_u64()), (Some(40), Some(20)));
    assert_eq!(seen["errors"], 30);
    // A time-out has taken its time; what failed at once has no latency.
    assert_eq!(seen["latency_ms"]["count"], 25);
    assert!(seen["latency_ms"]["max"].as_f64().is_some_and(|ms| ms >= 150.0), "{seen}");
    assert!(seen["first_errors"]["closed"].as_str().is_some_and(|why| why.contains("within the body")), "{seen}");
}

#[test]
fn the_status_that_is_right_may_be_another() {
    let server = Server::hello();
    let seen = load(&format!("http://{0}/429 http://{0}/hello -n 10 -c 1 --expect 429", server.address));
    assert_eq!(seen["errors_by_kind"], json!({ "status_2xx": 5 }), "{seen}");
}

#[test]
fn time_outs_are_counted_with_both_protocols() {
    for (server, more) in [(Server::hello(), ""), (Server::hyper(None), "--http2 --streams 2")] {
        let silent = format!("http://{0}/silent http://{0}/hello -n 12 -c 1 --timeout 200ms {more}", server.address);
        let seen = load(&silent);
        assert_eq!(seen["errors_by_kind"], json!({ "timeout": 6 }), "{more}: {seen}");
        assert_eq!(seen["answers"], 6, "{more}: {seen}");
    }
}

#[test]
fn what_could_not_be_sent_is_counted() {
    let server = Server::hello();
    let words = format!("http://{0}/silent http://{0}/hello -r 100 -d 1s -c 1 --timeout 400ms", server.address);
    let seen = load(&words);
    assert_eq!(seen["requests"], 100, "{seen}");
    let kinds = &seen["errors_by_kind"];
    // One connection, every other request of which takes 400 ms, in a second and 400 ms after it.
    assert!(kinds["unsent"].as_u64().is_some_and(|unsent| (85..=98).contains(&unsent)), "{seen}");
    assert!(kinds["timeout"].as_u64().is_some_and(|timeout| (2..=4).contains(&timeout)), "{seen}");
}

#[test]
fn a_server_that_is_gone_is_a_connect_error() {
    // The first connection is the generator's own look whether anybody is there.
    let server = Server::start(Ways { accepts: Some(2), ..Ways::default() });
    let seen = load(&format!("http://{}/last -n 4 -c 1", server.address));
    assert_eq!(seen["errors_by_kind"], json!({ "connect": 3 }), "{seen}");
    assert_eq!(seen["answers"], 1, "{seen}");
}

#[test]
fn where_nobody_listens_nothing_is_loaded() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let said = refusal(&format!("http://{free}/ -d 1s"));
    assert!(said.contains("nothing can be loaded there") && said.contains("refused"), "{said}");
}

#[test]
fn a_run_without_an_answer_fails() {
    let server = Server::hello();
    let output = command(&format!("http://{}/broken -n 3 --json", server.address)).output().expect("the program");
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("nothing was answered"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("\"broken\":3"), "{}", text(&output.stdout));
}
