//! Heads: what a guest reads of its request, and what its client gets of its response.

use super::*;
use crate::runtime::components::most_loaded;

/// What a guest answers to a request.
fn to(request: Request<Body>, instructions: &str) -> Got {
    run(Call::new(request).to(&worker(&handler(instructions))))
}

fn request(method: &str) -> Request<Body> {
    Request::builder().method(method).uri("http://guest.localhost:8080/a/b?c=d&e").body(Body::Empty).unwrap()
}

#[test]
fn a_guest_answers() {
    let got = run(Call::get("http://guest.localhost/").to(&hello()));
    assert_eq!((got.answer().status, got.text()), (StatusCode::OK, "hello"));
    assert_eq!(got.outcome.ending, crate::Ending::Ok);
    assert!(got.outcome.exception.is_none() && got.outcome.cpu > Duration::ZERO);
}

#[test]
fn methods_are_told_by_name_or_by_text() {
    let number = r#"(call $request.method (local.get $req) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load8_u (i32.const 16))))"#;
    let all = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PURGE"];
    for (place, method) in all.iter().enumerate().filter(|(_, method)| **method != "HEAD") {
        assert_eq!(to(request(method), number).text(), place.to_string(), "{method}");
    }
    let other = r#"(call $request.method (local.get $req) (i32.const 16))
        (call $answer (local.get $out) (i32.const 200) (i32.load (i32.const 20)) (i32.load (i32.const 24)))"#;
    assert_eq!(to(request("PURGE"), other).text(), "PURGE");
}

#[test]
fn path_authority_and_scheme_are_the_urls() {
    for (read, expected) in [("path", "/a/b?c=d&e"), ("authority", "guest.localhost:8080")] {
        let guest = format!(
            "(call $request.{read} (local.get $req) (i32.const 16)) (call $ok-some)
             (call $answer (local.get $out) (i32.const 200) (i32.load (i32.const 20)) (i32.load (i32.const 24)))"
        )
        .replace("(call $ok-some)", "(if (i32.eqz (i32.load8_u (i32.const 16))) (then unreachable))");
        assert_eq!(to(request("GET"), &guest).text(), expected);
    }
    let scheme = r#"(call $request.scheme (local.get $req) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.add
          (i32.mul (i32.const 10) (i32.load8_u (i32.const 16))) (i32.load8_u (i32.const 20)))))"#;
    assert_eq!(to(request("GET"), scheme).text(), "10");
    let mut secure = request("GET");
    *secure.uri_mut() = "https://guest.localhost/".parse().unwrap();
    assert_eq!(to(secure, scheme).text(), "11");
}

#[test]
fn headers_of_a_request_are_read_and_are_not_changed() {
    let read = r#"(local.set $a (call $request.headers (local.get $req)))
        (call $fields.get (local.get $a) @"x-own" (i32.const 16))
        (if (i32.ne (i32.load (i32.const 20)) (i32.const 2)) (then unreachable))
        (local.set $b (i32.load (i32.const 16)))
        (call $answer (local.get $out) (i32.const 200) (i32.load offset=8 (local.get $b)) (i32.load offset=12 (local.get $b)))"#;
    let mut with = request("GET");
    for (name, value) in [("x-own", "one"), ("x-own", "two"), ("host", "guest"), ("connection", "close")] {
        with.headers_mut().append(name, value.parse().unwrap());
    }
    assert_eq!(to(with, read).text(), "two");
    for name in ["host", "connection", "x-none"] {
        let has = format!(
            r#"(call $answer-number (local.get $out) (i64.extend_i32_u
                 (call $fields.has (call $request.headers (local.get $req)) @"{name}")))"#
        );
        let mut with = request("GET");
        with.headers_mut().append("host", "guest".parse().unwrap());
        with.headers_mut().append("connection", "close".parse().unwrap());
        assert_eq!(to(with, &has).text(), "0", "{name}");
    }
    let change = r#"(call $fields.append (call $request.headers (local.get $req)) @"a" @"b" (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load (i32.const 16))))"#;
    // An error, and which: immutable.
    assert_eq!(to(request("GET"), change).text(), (1 + (2 << 8)).to_string());
}

#[test]
fn a_response_has_the_status_and_the_headers_it_was_given() {
    let guest = r#"(local.set $a (call $fields.new))
        (call $append (local.get $a) @"x-a" @"1")
        (call $append (local.get $a) @"X-A" @"2")
        (call $append (local.get $a) @"content-type" @"text/plain")
        (call $fill (call $respond-with (local.get $out) (i32.const 203) (local.get $a)) @"ok")"#;
    let got = to(request("GET"), guest);
    let headers = &got.answer().headers;
    assert_eq!(got.answer().status, 203);
    assert_eq!(headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!((headers["content-type"].to_str().unwrap(), got.text()), ("text/plain", "ok"));
}

#[test]
fn a_status_is_one_of_a_final_response() {
    for (status, refused) in [(0, 1), (99, 1), (100, 1), (101, 1), (199, 1), (200, 0), (599, 0), (999, 0), (1000, 1)] {
        let guest = format!(
            r#"(local.set $a (call $response.new (call $fields.new)))
            (local.set $b (call $response.set-status (local.get $a) (i32.const {status})))
            (call $response.drop (local.get $a))
            (call $answer-number (local.get $out) (i64.extend_i32_u (local.get $b)))"#
        );
        assert_eq!(text(&guest), refused.to_string(), "{status}");
    }
    let default = "(call $answer-number (local.get $out)
        (i64.extend_i32_u (call $response.status (call $response.new (call $fields.new)))))";
    assert_eq!(text(default), "200");
}

#[test]
fn headers_of_a_response_are_closed_once_it_is_made() {
    let guest = r#"(local.set $a (call $response.new (call $fields.new)))
        (call $fields.append (call $response.headers (local.get $a)) @"a" @"b" (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load (i32.const 16))))"#;
    assert_eq!(text(guest), (1 + (2 << 8)).to_string());
}

#[test]
fn a_body_is_there_once() {
    let request_body = "(call $request.consume (local.get $req) (i32.const 16))
        (call $request.consume (local.get $req) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load8_u (i32.const 16))))";
    assert_eq!(text(request_body), "1");
    let response_body = "(local.set $a (call $response.new (call $fields.new)))
        (call $response.body (local.get $a) (i32.const 16))
        (call $response.body (local.get $a) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load8_u (i32.const 16))))";
    assert_eq!(text(response_body), "1");
    let stream = "(drop (call $body-of (local.get $req)))
        (call $body.stream (i32.load (i32.const 8)) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load8_u (i32.const 16))))";
    assert_eq!(text(stream), "1");
    let write = "(local.set $a (call $response.new (call $fields.new)))
        (call $response.body (local.get $a) (i32.const 16))
        (local.set $b (i32.load (i32.const 20)))
        (call $writes.write (local.get $b) (i32.const 16))
        (call $writes.write (local.get $b) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load8_u (i32.const 16))))";
    assert_eq!(text(write), "1");
}

#[test]
fn a_response_without_a_body_has_no_length_but_for_head() {
    let guest = r#"(local.set $a (call $fields.new))
        (call $append (local.get $a) @"content-length" @"7")
        (call $set (local.get $out) (call $response.new (local.get $a)))"#;
    let got = to(request("GET"), guest);
    assert_eq!((got.answer().headers.get("content-length"), got.text()), (None, ""));
    let got = to(request("HEAD"), guest);
    assert_eq!((got.answer().headers["content-length"].to_str().unwrap(), got.text()), ("7", ""));
}

#[test]
fn a_coding_that_a_guest_names_is_its_own_work() {
    let guest = r#"(local.set $a (call $fields.new))
        (call $append (local.get $a) @"content-encoding" @"gzip")
        (call $fill (call $respond-with (local.get $out) (i32.const 200) (local.get $a)) @"gz")"#;
    let (answer, _told) = run(Call::get("http://guest.localhost/").begin(&worker(&handler(guest))));
    assert!(answer.unwrap().extensions().get::<crate::Verbatim>().is_some());
    let (answer, _told) = run(Call::get("http://guest.localhost/").begin(&hello()));
    assert!(answer.unwrap().extensions().get::<crate::Verbatim>().is_none());
}

#[test]
fn no_response_is_an_exception_that_says_why() {
    let cases = [
        ("", "The component returned without a response: response-outparam.set was not called."),
        ("(call $outparam.drop (local.get $out))", "The component dropped its response-outparam without setting it."),
        (
            "(call $set-error (local.get $out) (i32.const 36))",
            "The component answered with an error: ErrorCode::LoopDetected",
        ),
    ];
    for (guest, message) in cases {
        let got = to(request("GET"), guest);
        assert_eq!((got.error().kind, got.error().message.as_str()), (crate::RunErrorKind::Exception, message));
        assert_eq!(got.outcome.ending, crate::Ending::Exception);
        assert_eq!(got.outcome.exception.as_ref().unwrap().message, message);
    }
}

#[test]
fn no_more_are_loaded_than_the_system_has_mappings_for() {
    let cached = Config::default().worker_cache_bytes as usize;
    let (most, each) = (most_loaded(), hello().size());
    assert!(most >= 16, "{most}");
    assert!(each * most >= cached * 9 / 10 && each <= cached / most + (64 << 10), "{each} bytes of {most}");
}
