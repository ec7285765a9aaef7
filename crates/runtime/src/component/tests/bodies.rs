//! Bodies in both directions: whole, in parts, cut, and with nobody at the other end.

use futures_util::StreamExt;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::mpsc;

use super::*;
use crate::BodyError;

const ECHO: &str = "(local.set $a (call $body-of (local.get $req)))
    (local.set $b (call $respond (local.get $out) (i32.const 200)))
    (local.set $c (call $stream-of (local.get $b)))
    (call $pass (local.get $a) (local.get $c))
    (call $out.drop (local.get $c))
    (call $finish (local.get $b))";

type Part = Result<Frame<Bytes>, BodyError>;

/// A body that is sent part by part.
fn channel() -> (mpsc::Sender<Part>, Body) {
    let (send, receive) = mpsc::channel(1);
    let parts =
        futures_util::stream::unfold(receive, |mut receive| async move { Some((receive.recv().await?, receive)) });
    (send, Body::Stream(http_body_util::combinators::UnsyncBoxBody::new(StreamBody::new(parts.boxed()))))
}

fn data(bytes: impl Into<Bytes>) -> Part {
    Ok(Frame::data(bytes.into()))
}

#[test]
fn a_body_is_echoed_whole_and_in_parts() {
    let echo = worker(&handler(ECHO));
    assert_eq!(run(Call::post("a body").to(&echo)).text(), "a body");
    assert_eq!(run(Call::post("").to(&echo)).text(), "");
    assert_eq!(run(Call::get("http://guest.localhost/").to(&echo)).text(), "");
    run(async {
        let (send, body) = channel();
        let got = tokio::spawn(async move { Call::post(body).to(&echo).await });
        for part in ["one", "", "two", "three"] {
            send.send(data(part)).await.unwrap();
            tokio::task::yield_now().await;
        }
        drop(send);
        assert_eq!(got.await.unwrap().text(), "onetwothree");
    });
}

#[test]
fn what_goes_through_is_what_was_sent() {
    let bytes: Vec<u8> = (0..8_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let got = run(Call::post(Body::Whole(bytes.clone().into())).to(&worker(&handler(ECHO))));
    assert!(got.answer().body.as_ref().unwrap().0 == bytes);
    assert!(got.outcome.cpu < Duration::from_secs(10));
}

#[test]
fn parts_come_while_the_guest_still_writes() {
    let guest = r#"(local.set $a (call $respond (local.get $out) (i32.const 200)))
        (local.set $b (call $stream-of (local.get $a)))
        (call $write (local.get $b) @"first")
        (local.set $c (call $body-of (local.get $req)))
        (call $in.blocking-read (local.get $c) (i64.const 9) (i32.const 16)) (call $ok)
        (call $write (local.get $b) @"second")
        (call $out.drop (local.get $b)) (call $finish (local.get $a))"#;
    run(async {
        let (send, body) = channel();
        let (answer, told) = Call::post(body).begin(&worker(&handler(guest))).await;
        let mut body = answer.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
        // It answered before it had its request's body.
        send.send(data("go on")).await.unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "second");
        assert_eq!(told.await.unwrap().ending, crate::Ending::Ok);
    });
}

#[test]
fn a_writer_waits_for_its_reader() {
    // Without end, as long as there is room.
    let guest = "(local.set $a (call $respond (local.get $out) (i32.const 200)))
        (local.set $b (call $stream-of (local.get $a)))
        (loop $more (call $write (local.get $b) (i32.const 0) (i32.const 4096)) (br $more))";
    run(async {
        let (answer, told) = Call::get("http://guest.localhost/").begin(&worker(&handler(guest))).await;
        let mut body = answer.unwrap().into_body();
        let mut read = 0;
        while read < 3_000_000 {
            read += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(body);
        let outcome = told.await.unwrap();
        assert_eq!(outcome.ending, crate::Ending::Canceled);
        assert!(outcome.cpu < Duration::from_secs(1), "{outcome:?}");
    });
}

#[test]
fn a_stream_is_written_without_blocking_too() {
    let guest = "(local.set $a (call $respond (local.get $out) (i32.const 200)))
        (local.set $b (call $stream-of (local.get $a)))
        (local.set $n (i64.const 1000000))
        (block $done (loop $more
          (br_if $done (i64.eqz (local.get $n)))
          (call $out.check-write (local.get $b) (i32.const 16)) (call $ok)
          (local.set $m (i64.load (i32.const 24)))
          (if (i64.eqz (local.get $m)) (then
            (local.set $c (call $out.subscribe (local.get $b)))
            (call $pollable.block (local.get $c)) (call $pollable.drop (local.get $c))
            (br $more)))
          (if (i64.gt_u (local.get $m) (local.get $n)) (then (local.set $m (local.get $n))))
          (if (i64.gt_u (local.get $m) (i64.const 65536)) (then (local.set $m (i64.const 65536))))
          (call $out.write (local.get $b) (i32.const 65536) (i32.wrap_i64 (local.get $m)) (i32.const 16)) (call $ok)
          (local.set $n (i64.sub (local.get $n) (local.get $m)))
          (br $more)))
        (call $out.flush (local.get $b) (i32.const 16)) (call $ok)
        (call $out.blocking-flush (local.get $b) (i32.const 16)) (call $ok)
        (call $out.drop (local.get $b)) (call $finish (local.get $a))";
    let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(guest))));
    assert_eq!(got.text().len(), 1_000_000);
}

#[test]
fn streams_are_spliced_skipped_and_filled_with_zeroes() {
    let splice = "(local.set $a (call $body-of (local.get $req)))
        (local.set $b (call $respond (local.get $out) (i32.const 200)))
        (local.set $c (call $stream-of (local.get $b)))
        (call $in.skip (local.get $a) (i64.const 2) (i32.const 16)) (call $ok)
        (if (i64.ne (i64.load (i32.const 24)) (i64.const 2)) (then unreachable))
        (call $out.blocking-splice (local.get $c) (local.get $a) (i64.const 3) (i32.const 16)) (call $ok)
        (call $out.write-zeroes (local.get $c) (i64.const 1) (i32.const 16)) (call $ok)
        (call $out.splice (local.get $c) (local.get $a) (i64.const 99) (i32.const 16)) (call $ok)
        (call $out.drop (local.get $c)) (call $finish (local.get $b))";
    assert_eq!(run(Call::post("abcdefgh").to(&worker(&handler(splice)))).text(), "cde\0fgh");
}

#[test]
fn trailers_go_both_ways() {
    let guest = r#"(local.set $a (call $body-of (local.get $req)))
        (call $in.blocking-read (local.get $a) (i64.const 99) (i32.const 16)) (call $ok)
        (call $in.drop (local.get $a))
        (local.set $b (call $body.finish (i32.load (i32.const 8))))
        (local.set $c (call $trailers.subscribe (local.get $b)))
        (call $pollable.block (local.get $c)) (call $pollable.drop (local.get $c))
        (call $trailers.get (local.get $b) (i32.const 16))
        (if (i32.ne (i32.load8_u (i32.const 16)) (i32.const 1)) (then unreachable))
        (if (i32.load8_u (i32.const 24)) (then unreachable))
        (if (i32.load8_u (i32.const 32)) (then unreachable))
        (if (i32.eqz (i32.load8_u (i32.const 40))) (then unreachable))
        (local.set $d (call $fields.clone (i32.load (i32.const 44))))
        (call $append (local.get $d) @"x-more" @"2")
        ;; They are there once.
        (call $trailers.get (local.get $b) (i32.const 16))
        (if (i32.ne (i32.load8_u (i32.const 24)) (i32.const 1)) (then unreachable))
        (local.set $a (call $respond (local.get $out) (i32.const 200)))
        (local.set $b (call $stream-of (local.get $a)))
        (call $write (local.get $b) @"body")
        (call $out.drop (local.get $b))
        (call $writes.finish (local.get $a) (i32.const 1) (local.get $d) (i32.const 16)) (call $ok)"#;
    run(async {
        let (send, body) = channel();
        let got = tokio::spawn(async move { Call::post(body).to(&worker(&handler(guest))).await });
        send.send(data("x")).await.unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-one", "1".parse().unwrap());
        trailers.insert("connection", "close".parse().unwrap());
        send.send(Ok(Frame::trailers(trailers))).await.unwrap();
        drop(send);
        let got = got.await.unwrap();
        let (body, trailers) = got.answer().body.as_ref().unwrap();
        let trailers = trailers.as_ref().unwrap();
        assert_eq!(&body[..], b"body");
        assert!(trailers["x-one"] == "1" && trailers["x-more"] == "2", "{trailers:?}");
        assert_eq!(trailers.len(), 2);
    });
    // No trailers is an answer as well.
    let none = "(local.set $b (call $body.finish (block (result i32)
          (call $in.drop (call $body-of (local.get $req))) (i32.load (i32.const 8)))))
        (local.set $c (call $trailers.subscribe (local.get $b)))
        (call $pollable.block (local.get $c))
        (call $trailers.get (local.get $b) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load8_u (i32.const 40))))";
    assert_eq!(text(none), "0");
}

#[test]
fn a_length_that_was_given_is_kept() {
    let with_length = |length: u32, text: &str, result: &str| {
        handler(&format!(
            r#"(local.set $a (call $fields.new))
            (call $append (local.get $a) @"content-length" @"{length}")
            (local.set $b (call $respond-with (local.get $out) (i32.const 200) (local.get $a)))
            (local.set $c (call $stream-of (local.get $b)))
            (call $out.blocking-write (local.get $c) @"{text}" (i32.const 16))
            {result}
            (call $out.drop (local.get $c))
            (call $writes.finish (local.get $b) (i32.const 0) (i32.const 0) (i32.const 16))
            (if (i32.ne (i32.load8_u (i32.const 16)) (i32.const {})) (then unreachable))"#,
            u32::from(text.len() as u32 != length),
        ))
    };
    let got = run(Call::get("http://guest.localhost/").to(&worker(&with_length(5, "hello", "(call $ok)"))));
    assert_eq!((got.text(), got.answer().headers["content-length"].to_str().unwrap()), ("hello", "5"));
    let got = run(Call::get("http://guest.localhost/").to(&worker(&with_length(6, "hello", "(call $ok)"))));
    assert_eq!(got.answer().body.as_ref().unwrap_err(), "the Worker wrote less than the length it gave");
    // Refused, and said to be refused for its size.
    let failed = "(if (i32.ne (i32.load16_u (i32.const 16)) (i32.const 1)) (then unreachable))
        (call $error-code (i32.load (i32.const 24)) (i32.const 32))
        (if (i32.ne (i32.load8_u (i32.const 40)) (i32.const 28)) (then unreachable))
        (call $error.drop (i32.load (i32.const 24)))";
    let got = run(Call::get("http://guest.localhost/").to(&worker(&with_length(4, "hello", failed))));
    assert_eq!(got.answer().body.as_ref().unwrap_err(), "the Worker wrote more than the length it gave");
}

#[test]
fn a_body_that_was_not_finished_does_not_look_whole() {
    let begin = r#"(local.set $a (call $respond (local.get $out) (i32.const 200)))
        (local.set $b (call $stream-of (local.get $a)))
        (call $write (local.get $b) @"part")"#;
    for (end, ending) in [
        ("(call $out.drop (local.get $b)) (call $writes.drop (local.get $a))", crate::Ending::Ok),
        ("", crate::Ending::Hung),
        ("unreachable", crate::Ending::Exception),
    ] {
        let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(&format!("{begin} {end}")))));
        assert_eq!(got.answer().body.as_ref().unwrap_err(), "the Worker ended before its body did", "{end}");
        assert_eq!(got.outcome.ending, ending, "{end}");
    }
}

#[test]
fn a_sender_that_fails_is_an_error_with_its_text() {
    let guest = "(local.set $a (call $body-of (local.get $req)))
        (call $in.blocking-read (local.get $a) (i64.const 99) (i32.const 16)) (call $ok)
        (call $in.blocking-read (local.get $a) (i64.const 99) (i32.const 16))
        (if (i32.ne (i32.load16_u (i32.const 16)) (i32.const 1)) (then unreachable))
        (if (i32.load8_u (i32.const 20)) (then unreachable))
        (local.set $b (i32.load (i32.const 24)))
        (call $error-code (local.get $b) (i32.const 32))
        ;; Some error: internal, with a text.
        (if (i32.ne (i32.load8_u (i32.const 40)) (i32.const 38)) (then unreachable))
        ;; Once; then it is closed.
        (call $in.blocking-read (local.get $a) (i64.const 99) (i32.const 16))
        (if (i32.ne (i32.load8_u (i32.const 20)) (i32.const 1)) (then unreachable))
        (call $answer (local.get $out) (i32.const 200) (i32.load (i32.const 52)) (i32.load (i32.const 56)))";
    run(async {
        let (send, body) = channel();
        let got = tokio::spawn(async move { Call::post(body).to(&worker(&handler(guest))).await });
        send.send(data("x")).await.unwrap();
        send.send(Err(BodyError("the client went away".into()))).await.unwrap();
        assert_eq!(got.await.unwrap().text(), "the client went away");
    });
}

#[test]
fn a_closed_reader_closes_the_stream() {
    let guest = "(local.set $a (call $respond (local.get $out) (i32.const 200)))
        (local.set $b (call $stream-of (local.get $a)))
        (call $finish (local.get $a))
        (call $out.write (local.get $b) (i32.const 0) (i32.const 1) (i32.const 16))
        (if (i32.ne (i32.load8_u (i32.const 20)) (i32.const 1)) (then unreachable))
        (call $out.check-write (local.get $b) (i32.const 16))
        (if (i32.ne (i32.load8_u (i32.const 24)) (i32.const 1)) (then unreachable))";
    let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(guest))));
    assert_eq!((got.text(), got.outcome.ending), ("", crate::Ending::Ok));
}
