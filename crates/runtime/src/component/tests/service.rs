//! `wasi:http` 0.3.

use super::*;
use crate::{Ending, RunErrorKind};

/// A guest that handles a request with these instructions, which leave the place of its result.
fn service(instructions: &str) -> Vec<u8> {
    guests::component(
        "service",
        &format!("(func (export \"wasi:http/handler@0.3.0#handle\") (param $req i32) (result i32) {instructions})"),
    )
}

#[test]
fn a_service_answers_with_what_it_was_sent() {
    let echo = worker(&service("(call $p3.body (local.get $req)) (call $p3.respond (i32.const 201) (i32.const 1))"));
    let got = run(Call::post("a body").to(&echo));
    assert_eq!((got.answer().status.as_u16(), got.text(), got.outcome.ending), (201, "a body", Ending::Ok));
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let got = run(Call::post(Body::Whole(bytes.clone().into())).to(&echo));
    assert!(got.answer().body.as_ref().unwrap().0 == bytes);
    let got = run(Call::get("http://guest.localhost/").to(&echo));
    assert_eq!((got.answer().status.as_u16(), got.text(), got.outcome.ending), (201, "", Ending::Ok));
}

#[test]
fn a_service_that_fails_is_an_exception() {
    let error = service(
        "(i32.store8 (i32.const 128) (i32.const 1)) (i32.store8 (i32.const 136) (i32.const 36)) (i32.const 128)",
    );
    let got = run(Call::get("http://guest.localhost/").to(&worker(&error)));
    assert_eq!(got.error().message, "The component answered with an error: ErrorCode::LoopDetected");
    let got = run(Call::get("http://guest.localhost/").to(&worker(&service("unreachable"))));
    assert_eq!((got.error().kind, got.error().name.as_str()), (RunErrorKind::Exception, "RuntimeError"));
    let limits = Limits { cpu_ms: Some(20), ..Limits::default() };
    let spin = worker(&service("(loop $spin (br $spin)) (i32.const 0)"));
    let got = run(Call::get("http://guest.localhost/").limits(limits).to(&spin));
    assert_eq!((got.error().kind, got.outcome.ending), (RunErrorKind::ExceededCpu, Ending::ExceededCpu));
    all_is_well();
}

#[test]
fn a_service_reaches_others_as_all_workers_do() {
    // It passes its request on, to where it was for.
    let proxy = worker(&service("(call $p3.send (local.get $req) (i32.const 128)) (i32.const 128)"));
    let outbound = world(|_, request| {
        Box::pin(async move {
            let body = request.body.collect().await.unwrap().to_bytes();
            Ok(came(202, format!("{} {} {}", request.method, request.url, std::str::from_utf8(&body).unwrap())))
        })
    });
    let request = Request::post("http://origin.test/a?b").body(Body::from("sent")).unwrap();
    let got = run(Call::new(request).outbound(outbound).to(&proxy));
    assert_eq!((got.answer().status.as_u16(), got.text()), (202, "POST http://origin.test/a?b sent"));
    assert_eq!(got.outcome.subrequests, 1);
    // To a binding that is not there.
    let none = service(
        r#"(drop (call $p3.request.set-authority (local.get $req) (i32.const 1) @"none.worker"))
        (call $p3.send (local.get $req) (i32.const 128)) (i32.const 128)"#,
    );
    let got = run(Call::get("http://guest.localhost/").to(&worker(&none)));
    assert_eq!(got.error().message, "The component answered with an error: ErrorCode::DestinationNotFound");
}

#[test]
fn the_client_of_a_service_may_go() {
    run(async {
        let echo =
            worker(&service("(call $p3.body (local.get $req)) (call $p3.respond (i32.const 200) (i32.const 1))"));
        let parts = futures_util::stream::repeat_with(|| {
            Ok::<_, crate::BodyError>(http_body::Frame::data(Bytes::from_static(&[7; 8192])))
        });
        let body = Body::stream(http_body_util::StreamBody::new(parts));
        let (answer, told) = Call::post(body).begin(&echo).await;
        let mut body = answer.unwrap().into_body();
        assert!(body.frame().await.unwrap().is_ok());
        drop(body);
        assert_eq!(told.await.unwrap().ending, Ending::Canceled);
    });
}

/// Fields of 64,000 bytes, of which `then` makes more; answers with 200.
fn of_fields(many: u32, then: &str) -> Vec<u8> {
    guests::component(
        "service",
        &format!(
            r#"(memory (export "memory") 4)
            (func (export "wasi:http/handler@0.3.0#handle") (param $req i32) (result i32)
              (local $a i32) (local $n i32)
              (memory.fill (i32.const 131072) (i32.const 97) (i32.const 64000))
              (loop $more
                (local.set $a (call $p3.fields.new))
                (call $p3.fields.append (local.get $a) @"a" (i32.const 131072) (i32.const 64000) (i32.const 16))
                (call $ok)
                {then}
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $more (i32.lt_u (local.get $n) (i32.const {many}))))
              (call $p3.body (local.get $req)) (call $p3.respond (i32.const 200) (i32.const 1)))"#
        ),
    )
}

#[test]
fn fields_of_a_service_are_its_memory() {
    // Its own takes 256 KiB of it.
    let limits = Limits { memory_bytes: Some((256 << 10) + 10 * 64_100), ..Limits::default() };
    let call =
        |many, then: &str| run(Call::get("http://guest.localhost/").limits(limits).to(&worker(&of_fields(many, then))));
    let fine = |got: Got, what: &str| {
        assert_eq!((got.answer().status, got.outcome.ending), (StatusCode::OK, Ending::Ok), "{what}")
    };
    let full = |got: Got, what: &str| {
        assert_eq!(
            (got.error().kind, got.outcome.ending),
            (RunErrorKind::ExceededMemory, Ending::ExceededMemory),
            "{what}"
        );
    };
    fine(call(10, ""), "up to the line");
    full(call(11, ""), "beyond it");
    // What is dropped, or taken out, is counted no more; what is copied is.
    fine(call(100, "(call $p3.fields.drop (local.get $a))"), "dropped");
    fine(call(100, r#"(call $p3.fields.delete (local.get $a) @"a" (i32.const 16)) (call $ok)"#), "deleted");
    let taken = r#"(call $p3.fields.get-and-delete (local.get $a) @"a" (i32.const 16)) (call $ok) (global.set $heap (i32.const 65536))"#;
    fine(call(100, taken), "taken out");
    fine(
        call(10, r#"(call $p3.fields.set (local.get $a) @"a" (i32.const 0) (i32.const 0) (i32.const 16)) (call $ok)"#),
        "emptied",
    );
    let listed = "(i32.store (i32.const 64) (i32.const 131072)) (i32.store (i32.const 68) (i32.const 1))
        (i32.store (i32.const 72) (i32.const 131072)) (i32.store (i32.const 76) (i32.const 64000))
        (call $p3.fields.from-list (i32.const 64) (i32.const 1) (i32.const 16)) (call $ok)";
    fine(call(5, listed), "of a list, up to the line");
    full(call(6, listed), "of a list, beyond it");
    fine(call(5, "(drop (call $p3.fields.clone (local.get $a)))"), "copied, up to the line");
    full(call(6, "(drop (call $p3.fields.clone (local.get $a)))"), "copied, beyond it");
    all_is_well();
}
