//! Requests that guests make: to the network, and to bindings by their host names.

use std::sync::atomic::{AtomicU32, Ordering};

use switchyard_catalog::Limit;

use super::*;
use crate::RedirectMode;

fn seen(request: &FetchRequest) -> String {
    let mut headers: Vec<_> =
        request.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
    headers.sort();
    format!("{} {} [{}]", request.method, request.url, headers.join(" "))
}

#[test]
fn a_response_is_passed_on_with_its_status() {
    let outbound = world(|target, request| {
        assert!(matches!(target, Target::Internet));
        assert_eq!((request.redirect, request.raw), (RedirectMode::Manual, true));
        let text = seen(&request);
        Box::pin(async move { Ok(came(418, text)) })
    });
    let got =
        run(Call::get("http://guest.localhost/").outbound(outbound).to(&worker(&relay("origin.test:81", "/a?b"))));
    assert_eq!((got.answer().status.as_u16(), got.text()), (418, "GET http://origin.test:81/a?b []"));
    assert_eq!(got.outcome.subrequests, 1);
}

#[test]
fn a_request_is_sent_as_it_was_made() {
    let guest = r#"(local.set $b (call $fields.new))
        (call $append (local.get $b) @"x-own" @"1")
        (call $append (local.get $b) @"content-length" @"4")
        (local.set $a (call $asks.new (local.get $b)))
        (if (call $asks.set-method (local.get $a) (i32.const 3) (i32.const 0) (i32.const 0)) (then unreachable))
        (if (call $asks.set-authority (local.get $a) (i32.const 1) @"origin.test") (then unreachable))
        (call $asks.body (local.get $a) (i32.const 16)) (call $ok)
        (local.set $b (i32.load (i32.const 20)))
        (local.set $c (call $sent (local.get $a)))
        (call $fill (local.get $b) @"body")
        (call $relay (local.get $out) (call $wait (local.get $c)))"#;
    let outbound = world(|_, request| {
        Box::pin(async move {
            let head = seen(&request);
            assert_eq!(http_body::Body::size_hint(&request.body).exact(), Some(4));
            let body = request.body.collect().await.unwrap().to_bytes();
            Ok(came(200, format!("{head} {}", std::str::from_utf8(&body).unwrap())))
        })
    });
    let got = run(Call::get("http://guest.localhost/").outbound(outbound).to(&worker(&handler(guest))));
    // Without a scheme it is https, without a path the root.
    assert_eq!(got.text(), "PUT https://origin.test/ [x-own=1] body");
}

#[test]
fn what_is_no_request_is_refused() {
    let cases = [
        (r#"(call $asks.set-method (local.get $a) (i32.const 9) @"a b")"#, "1"),
        (r#"(call $asks.set-method (local.get $a) (i32.const 9) @"PURGE")"#, "0"),
        (r#"(call $asks.set-authority (local.get $a) (i32.const 1) @"a b")"#, "1"),
        (r#"(call $asks.set-path (local.get $a) (i32.const 1) @"http://other.test/")"#, "1"),
        (r#"(call $asks.set-path (local.get $a) (i32.const 1) @"x")"#, "1"),
        (r#"(call $asks.set-path (local.get $a) (i32.const 1) @"/a b")"#, "1"),
        (r#"(call $asks.set-path (local.get $a) (i32.const 1) @"?q")"#, "0"),
        (r#"(call $asks.set-scheme (local.get $a) (i32.const 1) (i32.const 2) @"1:")"#, "1"),
        (r#"(call $asks.set-scheme (local.get $a) (i32.const 0) (i32.const 0) @"")"#, "0"),
    ];
    for (set, refused) in cases {
        let guest = format!(
            "(local.set $a (call $asks.new (call $fields.new)))
            (call $answer-number (local.get $out) (i64.extend_i32_u {set}))"
        );
        assert_eq!(text(&guest), refused, "{set}");
    }
    // No authority; a scheme that is not HTTP's; a length without a body: each with its code.
    let send = "(call $send (local.get $a) (i32.const 0) (i32.const 0) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u
          (i32.add (i32.mul (i32.load8_u (i32.const 16)) (i32.const 100)) (i32.load8_u (i32.const 24)))))";
    assert_eq!(text(&format!("(local.set $a (call $asks.new (call $fields.new))) {send}")), "119");
    let ftp = r#"(local.set $a (call $ask @"origin.test" @"/"))
        (drop (call $asks.set-scheme (local.get $a) (i32.const 1) (i32.const 2) @"ftp"))"#;
    assert_eq!(text(&format!("{ftp} {send}")), "135");
    let length = r#"(local.set $b (call $fields.new)) (call $append (local.get $b) @"content-length" @"4")
        (local.set $a (call $asks.new (local.get $b)))
        (drop (call $asks.set-authority (local.get $a) (i32.const 1) @"origin.test"))"#;
    assert_eq!(text(&format!("{length} {send}")), "117");
}

#[test]
fn failures_have_codes() {
    for (message, code) in [("Network connection lost.", 7), ("Worker not found.", 2), ("something else", 38)] {
        let outbound = world(move |_, _| Box::pin(async move { Err(FetchError::error(message)) }));
        let got = run(Call::get("http://guest.localhost/").outbound(outbound).to(&worker(&relay("origin.test", "/"))));
        assert_eq!(got.text(), code.to_string(), "{message}");
    }
}

fn service(name: &str) -> WorkerBinding {
    WorkerBinding::Service { service: ScriptName::parse(name).unwrap(), entrypoint: None, props: None }
}

#[test]
fn bindings_have_host_names() {
    let namespace =
        WorkerBinding::DispatchNamespace { namespace: NamespaceName::parse("prod").unwrap(), outbound: None };
    let bindings = [("BACK", service("backend")), ("back", service("lower")), ("Tenants", namespace)];
    let outbound = world(|target, _| {
        let whom = match target {
            Target::Internet => "internet".to_owned(),
            Target::Binding { binding: WorkerBinding::Service { service, .. } } => {
                format!("service {}", service.as_str())
            }
            Target::Dispatch { name, options, .. } => format!("dispatch {name} {options:?}"),
            other => format!("{other:?}"),
        };
        Box::pin(async move { Ok(came(200, whom)) })
    });
    let cases = [
        ("BACK.worker", "service backend"),
        ("back.worker", "service lower"),
        ("Back.WORKER:80", "service backend"),
        ("shop.tenants.worker", "dispatch shop None"),
        ("My_Shop.Tenants.worker", "dispatch My_Shop None"),
        ("worker", "internet"),
        ("back.worker.test", "internet"),
        // Not found: 2.
        ("tenants.worker", "2"),
        ("a.back.worker", "2"),
        ("none.worker", "2"),
    ];
    for (host, whom) in cases {
        let worker = worker_with(&relay(host, "/"), &bindings);
        let got = run(Call::get("http://guest.localhost/").outbound(Arc::clone(&outbound)).to(&worker));
        assert_eq!(got.text(), whom, "{host}");
    }
    let options = r#"(local.set $b (call $fields.new))
        (i32.store8 (i32.const 600) (i32.const 123)) (i32.store8 (i32.const 601) (i32.const 125))
        (call $append (local.get $b) @"switchyard-dispatch" (i32.const 600) (i32.const 2))
        (local.set $a (call $asks.new (local.get $b)))
        (drop (call $asks.set-authority (local.get $a) (i32.const 1) @"shop.tenants.worker"))
        (call $relay (local.get $out) (call $wait (call $sent (local.get $a))))"#;
    let got =
        run(Call::get("http://guest.localhost/").outbound(outbound).to(&worker_with(&handler(options), &bindings)));
    assert_eq!(got.text(), "dispatch shop Some(\"{}\")");
}

#[test]
fn subrequests_are_counted_to_their_limit() {
    let guest = r#"(local.set $n (i64.const 0))
        (loop $next
          (local.set $a (call $wait (call $sent (call $ask @"origin.test" @"/"))))
          (if (local.get $a) (then
            (call $answer.drop (local.get $a))
            (local.set $n (i64.add (local.get $n) (i64.const 1)))
            (br $next))))
        (call $answer-number (local.get $out) (local.get $n))"#;
    let outbound = world(|_, _| Box::pin(async { Ok(came(200, "")) }));
    let limits = Limits { subrequests: Some(3), ..Limits::default() };
    let got = run(Call::get("http://guest.localhost/").limits(limits).outbound(outbound).to(&worker(&handler(guest))));
    assert_eq!((got.text(), got.outcome.subrequests), ("3", 4));
    assert!(got.outcome.limits().contains(switchyard_catalog::Limit::Subrequests));
}

/// Sends so many requests, and waits for all of them.
fn fan_out(many: u32) -> Vec<u8> {
    fan_out_then(many, "")
}

/// Asks so often, does this, and waits for all of it.
fn fan_out_then(many: u32, then: &str) -> Vec<u8> {
    handler(&format!(
        r#"(local.set $b (i32.const 0))
        (loop $next
          (i32.store (i32.add (i32.const 8192) (i32.shl (local.get $b) (i32.const 2)))
            (call $sent (call $ask @"origin.test" @"/")))
          (local.set $b (i32.add (local.get $b) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $b) (i32.const {many}))))
        {then}
        (local.set $b (i32.const 0))
        (loop $next
          (if (i32.eqz (call $wait (i32.load (i32.add (i32.const 8192) (i32.shl (local.get $b) (i32.const 2))))))
            (then unreachable))
          (local.set $b (i32.add (local.get $b) (i32.const 1)))
          (br_if $next (i32.lt_u (local.get $b) (i32.const {many}))))
        (call $answer-number (local.get $out) (i64.extend_i32_u (local.get $b)))"#
    ))
}

#[test]
fn as_many_go_out_at_once_as_there_are_connections() {
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    // Six go on when all six are there.
    let counts = (Arc::clone(&now), Arc::clone(&most), Arc::new(tokio::sync::Barrier::new(6)));
    let outbound = world(move |_, _| {
        let (now, most, six) = counts.clone();
        Box::pin(async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            six.wait().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(came(200, ""))
        })
    });
    let got = run(Call::get("http://guest.localhost/").outbound(outbound).to(&worker(&fan_out(18))));
    assert_eq!((got.text(), most.load(Ordering::SeqCst)), ("18", 6));
}

#[test]
fn who_has_to_wait_for_a_connection_met_its_limit() {
    let two = Limits { connections: Some(2), ..Limits::default() };
    for (many, met) in [(2, false), (3, true)] {
        // Nothing comes from the network before the guest has asked for all of it: then it calls a binding.
        let asked = Arc::new(tokio::sync::Semaphore::new(0));
        let now = Arc::new(AtomicU32::new(0));
        let outbound = world(move |target, _| {
            let (asked, now) = (Arc::clone(&asked), Arc::clone(&now));
            Box::pin(async move {
                if !matches!(target, Target::Internet) {
                    asked.add_permits(100);
                    return Ok(came(200, ""));
                }
                assert!(now.fetch_add(1, Ordering::SeqCst) < 2, "two at once");
                drop(asked.acquire().await);
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(came(200, ""))
            })
        });
        let service =
            WorkerBinding::Service { service: ScriptName::parse("back").unwrap(), entrypoint: None, props: None };
        let guest = fan_out_then(many, r#"(drop (call $wait (call $sent (call $ask @"go.worker" @"/"))))"#);
        let got = run(Call::get("http://guest.localhost/")
            .limits(two)
            .outbound(outbound)
            .to(&worker_with(&guest, &[("go", service)])));
        assert_eq!(got.text(), many.to_string());
        assert_eq!(got.outcome.met.contains(Limit::Connections), met, "{many}");
    }
}

#[test]
fn a_guest_waits_as_long_as_it_says() {
    let first_byte = r#"(local.set $b (call $options.new))
        (if (call $options.set-first-byte (local.get $b) (i32.const 1) (i64.const 20000000)) (then unreachable))
        (call $send (call $ask @"origin.test" @"/") (i32.const 1) (local.get $b) (i32.const 16)) (call $ok)
        (drop (call $wait (i32.load (i32.const 24))))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load8_u (i32.const 40))))"#;
    let never = world(|_, _| Box::pin(std::future::pending()));
    let got = run(Call::get("http://guest.localhost/").outbound(never).to(&worker(&handler(first_byte))));
    assert_eq!(got.text(), "33");
    let between = r#"(local.set $b (call $options.new))
        (if (call $options.set-between (local.get $b) (i32.const 1) (i64.const 20000000)) (then unreachable))
        (call $send (call $ask @"origin.test" @"/") (i32.const 1) (local.get $b) (i32.const 16)) (call $ok)
        (local.set $a (call $wait (i32.load (i32.const 24))))
        (call $answer.consume (local.get $a) (i32.const 16)) (call $ok)
        (call $body.stream (i32.load (i32.const 20)) (i32.const 16)) (call $ok)
        (call $in.blocking-read (i32.load (i32.const 20)) (i64.const 9) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load16_u (i32.const 16))))"#;
    let stalls = world(|_, _| {
        let body =
            http_body_util::StreamBody::new(futures_util::stream::pending::<Result<http_body::Frame<Bytes>, String>>());
        Box::pin(async move { Ok(came(200, Body::stream(body))) })
    });
    let got = run(Call::get("http://guest.localhost/").outbound(stalls).to(&worker(&handler(between))));
    assert_eq!(got.text(), "1");
}

#[test]
fn a_future_gives_its_response_once_and_dropped_it_cancels() {
    let twice = r#"(local.set $b (call $sent (call $ask @"origin.test" @"/")))
        (drop (call $wait (local.get $b)))
        (call $future.get (local.get $b) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load8_u (i32.const 24))))"#;
    let outbound = world(|_, _| Box::pin(async { Ok(came(200, "")) }));
    let got = run(Call::get("http://guest.localhost/").outbound(outbound).to(&worker(&handler(twice))));
    assert_eq!(got.text(), "1");
    struct Gone(Mutex<Option<oneshot::Sender<()>>>);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = self.0.lock().take().unwrap().send(());
        }
    }
    let (tell, told) = oneshot::channel();
    let gone = Mutex::new(Some(Gone(Mutex::new(Some(tell)))));
    let outbound = world(move |_, _| {
        let gone = gone.lock().take();
        Box::pin(async move {
            let _gone = gone;
            std::future::pending().await
        })
    });
    let dropped = r#"(local.set $b (call $sent (call $ask @"origin.test" @"/")))
        (call $sleep (i64.const 10))
        (call $future.get (local.get $b) (i32.const 16))
        (if (i32.load8_u (i32.const 16)) (then unreachable))
        (call $future.drop (local.get $b))
        (call $sleep (i64.const 10))
        (call $answer (local.get $out) (i32.const 200) @"dropped")"#;
    let got = run(Call::get("http://guest.localhost/").outbound(outbound).to(&worker(&handler(dropped))));
    assert_eq!(got.text(), "dropped");
    run(told).unwrap();
}

#[test]
fn a_request_body_that_is_given_up_is_cut_for_its_reader() {
    let guest = r#"(local.set $a (call $ask @"origin.test" @"/"))
        (call $asks.body (local.get $a) (i32.const 16)) (call $ok)
        (local.set $b (i32.load (i32.const 20)))
        (local.set $c (call $sent (local.get $a)))
        (local.set $d (call $stream-of (local.get $b)))
        (call $write (local.get $d) @"part")
        (call $out.drop (local.get $d))
        (call $writes.drop (local.get $b))
        (call $relay (local.get $out) (call $wait (local.get $c)))"#;
    let outbound = world(|_, request| {
        Box::pin(async move {
            let error = request.body.collect().await.unwrap_err();
            Ok(came(200, error.0))
        })
    });
    let got = run(Call::get("http://guest.localhost/").outbound(outbound).to(&worker(&handler(guest))));
    assert_eq!(got.text(), "the Worker ended before its body did");
}
