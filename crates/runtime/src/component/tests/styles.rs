//! Guests as frameworks make them, Spin's and wasmCloud's say: a standard library that looks around before anything
//! else, and an executor that waits for all it has by one `poll`. Written out here, since no toolchain is asked for.

use super::*;
use crate::Ending;

/// What a standard library does first: variables, arguments, open folders, a seed for its maps, its three streams.
const LIBRARY: &str = "(call $cli.environment (i32.const 16))
    (call $cli.arguments (i32.const 16))
    (if (i32.load (i32.const 20)) (then unreachable))
    (call $fs.preopens (i32.const 16))
    (if (i32.load (i32.const 20)) (then unreachable))
    (call $random.bytes (i64.const 16) (i32.const 16))
    (if (i32.ne (i32.load (i32.const 20)) (i32.const 16)) (then unreachable))
    (drop (call $cli.stdin))
    (global.set $stdout (call $cli.stdout))
    (drop (call $cli.stderr))";

fn program(handler: &str) -> Vec<u8> {
    guest(&format!(
        "(global $stdout (mut i32) (i32.const 0))
        (func (export \"{}\") (param $req i32) (param $out i32)
          (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $n i64) (local $m i64)
          {LIBRARY} {handler})",
        guests::HANDLE
    ))
}

#[test]
fn an_executor_of_one_poll_reads_a_body_and_writes_another() {
    // As a Spin SDK does: streams are never blocked on, but polled.
    let counts = r#"(local.set $a (call $body-of (local.get $req)))
        (local.set $b (call $in.subscribe (local.get $a)))
        (i32.store (i32.const 600) (local.get $b))
        (block $end (loop $more
          (call $poll (i32.const 600) (i32.const 1) (i32.const 16))
          (call $in.read (local.get $a) (i64.const 65536) (i32.const 16))
          (br_if $end (i32.load8_u (i32.const 16)))
          (local.set $n (i64.add (local.get $n) (i64.extend_i32_u (i32.load (i32.const 24)))))
          (global.set $heap (i32.const 65536))
          (br $more)))
        (call $pollable.drop (local.get $b))
        (call $in.drop (local.get $a))
        (call $print (global.get $stdout) @"counted\n")
        (local.set $c (call $fields.new))
        (call $append (local.get $c) @"content-type" @"text/plain")
        (local.set $a (call $respond-with (local.get $out) (i32.const 200) (local.get $c)))
        (local.set $c (call $stream-of (local.get $a)))
        ;; As many bytes as came, in parts.
        (loop $more
          (if (i64.gt_u (local.get $n) (i64.const 0)) (then
            (local.set $m (i64.const 10000))
            (if (i64.gt_u (local.get $m) (local.get $n)) (then (local.set $m (local.get $n))))
            (call $write-parts (local.get $c) (i32.const 65536) (i32.wrap_i64 (local.get $m)))
            (local.set $n (i64.sub (local.get $n) (local.get $m)))
            (br $more))))
        (call $out.drop (local.get $c))
        (call $finish (local.get $a))"#;
    let worker = worker(&program(counts));
    for length in [0, 1, 100_000, 1_000_000] {
        let got = run(Call::post(Body::Whole(vec![b'x'; length].into())).to(&worker));
        assert_eq!(got.answer().body.as_ref().unwrap().0.len(), length);
        assert_eq!(got.answer().headers["content-type"], "text/plain");
        assert_eq!((got.outcome.ending, got.outcome.logs[0].text.as_str()), (Ending::Ok, "counted"));
    }
}

#[test]
fn an_executor_races_an_answer_against_a_timer() {
    // As a wasmCloud component that calls another with a time-out of its own.
    let races = |nanos: u64| {
        worker(&program(
            &r#"(local.set $a (call $sent (call $ask @"other.test" @"/")))
        (i32.store (i32.const 600) (call $future.subscribe (local.get $a)))
        (i32.store (i32.const 604) (call $clock.sleep (i64.const NANOS)))
        (call $poll (i32.const 600) (i32.const 2) (i32.const 16))
        ;; The number of the first that is ready.
        (local.set $b (i32.load (i32.load (i32.const 16))))
        (call $pollable.drop (i32.load (i32.const 600)))
        (call $pollable.drop (i32.load (i32.const 604)))
        (if (local.get $b)
          (then
            (call $future.drop (local.get $a))
            (call $answer (local.get $out) (i32.const 504) @"too late"))
          (else (call $relay (local.get $out) (call $wait (local.get $a)))))"#
                .replace("NANOS", &nanos.to_string()),
        ))
    };
    let at_once = world(|_, _| Box::pin(async { Ok(came(201, "in time")) }));
    let got = run(Call::get("http://guest.localhost/").outbound(at_once).to(&races(600_000_000_000)));
    assert_eq!((got.answer().status.as_u16(), got.text()), (201, "in time"));
    let never = world(|_, _| Box::pin(std::future::pending()));
    let got = run(Call::get("http://guest.localhost/").outbound(never).to(&races(20_000_000)));
    assert_eq!((got.answer().status.as_u16(), got.text(), got.outcome.ending), (504, "too late", Ending::Ok));
}
