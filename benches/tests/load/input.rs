//! What is asked for wrongly is refused in words that name it and its rule, before anything is sent.

use super::server::Server;
use super::{command, refusal, text};

#[test]
fn bad_input_is_named_with_its_rule() {
    for (words, rule) in [
        ("", "<URL>"),
        ("example.com", "the URL \"example.com\": begins with http:// or https://"),
        ("ftp://127.0.0.1/", "the URL \"ftp://127.0.0.1/\": begins with http:// or https://"),
        ("http://127.0.0.1:99999/", "its host or port is none"),
        ("http://me@127.0.0.1/", "a user in it is not sent"),
        ("http://127.0.0.1:1/ -r 0", "--rate 0: at least 0.01"),
        ("http://127.0.0.1:1/ -r 20001", "--rate 20001 is above 20000"),
        ("http://127.0.0.1:1/ -c 1001", "--connections 1001 is above 1000"),
        ("http://127.0.0.1:1/ -c 0", "--connections 0: from 1"),
        ("http://127.0.0.1:1/ -c 1000 --http2 -m 11", "11000, is above 10000"),
        ("http://127.0.0.1:1/ -c 2 -t 3", "--threads 3: more than --connections 2"),
        ("http://127.0.0.1:1/ http://127.0.0.1:2/ -c 1", "--connections 1: the URLs are of 2 servers"),
        ("http://127.0.0.1:1/ -m 2", "--streams 2: HTTP/1.1 has one at a time"),
        ("http://127.0.0.1:1/ -d 2h", "--duration 2h is above an hour"),
        ("http://127.0.0.1:1/ -r 1 -n 10000", "10000 s, above an hour"),
        ("http://127.0.0.1:1/ -d soon", "--duration"),
        ("http://127.0.0.1:1/ -d 1s -n 5", "cannot be used with"),
        ("http://127.0.0.1:1/ --poisson", "--rate"),
        ("http://127.0.0.1:1/ --timeout 11m", "--timeout 11m: from 1ms to 10m"),
        ("http://127.0.0.1:1/ --host t{9..0}.test", "the host pattern \"t{9..0}.test\": the range's first number"),
        ("http://127.0.0.1:1/ --hosts-file /nowhere/hosts", "/nowhere/hosts"),
        ("http://127.0.0.1:1/ --pick zipf --host t{0..9999999}.test", "--pick zipf: at most 1,000,000 hosts"),
        ("http://127.0.0.1:1/ -H x", "--header \"x\": a header is NAME: VALUE"),
        ("http://127.0.0.1:1/ -H host:x", "--host"),
        ("http://127.0.0.1:1/ -H connection:close", "what belongs to the connection"),
        ("http://127.0.0.1:1/ -X CONNECT", "--method CONNECT"),
        ("http://127.0.0.1:1/ --body-file /nowhere/body", "/nowhere/body"),
        ("http://127.0.0.1:1/ --insecure", "no URL is https"),
        ("https://127.0.0.1:1/ --ca /nowhere/ca.pem", "--ca /nowhere/ca.pem: a PEM file of certificates"),
        ("https://127.0.0.1:1/ --sni a_b..c", "--sni \"a_b..c\""),
        ("http://127.0.0.1:1/ --expect 99", "99"),
    ] {
        let said = refusal(words);
        assert!(said.contains(rule), "{words}: {said}");
    }
}

#[test]
fn a_hosts_file_is_refused_by_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hosts");
    std::fs::write(&file, "one.test\ntwo test\n").expect("a file");
    let said = refusal(&format!("http://127.0.0.1:1/ --hosts-file {}", file.display()));
    assert!(said.contains("line 2") && said.contains("two test"), "{said}");
    std::fs::write(&file, "# none\n").expect("a file");
    let said = refusal(&format!("http://127.0.0.1:1/ --hosts-file {}", file.display()));
    assert!(said.contains("no host in it"), "{said}");
}

#[test]
fn it_says_what_it_loads_and_what_it_saw() {
    let server = Server::hello();
    let words = format!("http://{}/x --host t{{0..9}}.test -r 50 -n 20 -c 2", server.address);
    let output = command(&words).output().expect("the program");
    assert!(output.status.success());
    let (said, table) = (text(&output.stderr), text(&output.stdout));
    let announced = format!(
        "loading http://{}/x: 2 connections of HTTP/1.1, 1 thread, open loop of 50 a second, 20 requests, 10 hosts from \
         t0.test to t9.test (Random)",
        server.address
    );
    assert!(said.contains(&announced), "{said}");
    for part in ["20 requests in ", "asked for 50 a second", "p99.99", "  200             20", "no errors"] {
        assert!(table.contains(part), "{table}");
    }
}

#[test]
fn a_flag_allows_more() {
    let server = Server::hello();
    let words = format!("http://{}/ -r 20001 -n 50 --beyond-bounds", server.address);
    let output = command(&words).output().expect("the program");
    assert!(output.status.success(), "{}", text(&output.stderr));
}
