//! Guests that do all they should not: each gets the right error, in time, and its neighbours notice nothing.

use std::time::Instant;

use super::*;
use crate::Ending;

/// What a hostile guest may use.
const LIMITS: Limits =
    Limits { cpu_ms: Some(500), memory_bytes: Some(16 << 20), wall_ms: Some(20_000), ..Limits::DEFAULT };

/// Runs all of them; each has to end as it says, with a message that has this part.
fn all_end(guests: &[(&str, Vec<u8>, Ending, &str)]) {
    for (name, bytes, ending, message) in guests {
        let began = Instant::now();
        let got = run(Call::post("a body").limits(LIMITS).to(&worker(bytes)));
        assert_eq!(got.outcome.ending, *ending, "{name}: {got:?}");
        if !message.is_empty() {
            assert!(got.error().message.contains(message), "{name}: {}", got.error().message);
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{name}");
        assert!(got.outcome.cpu < Duration::from_secs(3), "{name}: {:?}", got.outcome.cpu);
    }
    all_is_well();
    // Nothing is held for any of them.
    assert_eq!(BENCH.runtime.inner.held.used() >> 30, 0);
}

fn forever(instructions: &str) -> Vec<u8> {
    handler(&format!("(loop $more {instructions} (br $more))"))
}

#[test]
fn floods_of_handles_end_at_their_number() {
    let full = "table";
    let cases = [
        ("fields", "(drop (call $fields.new))"),
        ("copies", "(drop (call $fields.clone (call $request.headers (local.get $req))))"),
        ("heads", "(drop (call $request.headers (local.get $req)))"),
        ("responses", "(drop (call $response.new (call $fields.new)))"),
        ("requests", "(drop (call $asks.new (call $fields.new)))"),
        ("options", "(drop (call $options.new))"),
        ("timers", "(drop (call $clock.sleep (i64.const 1000000000000)))"),
        ("outputs", "(drop (call $cli.stdout))"),
        ("inputs", "(drop (call $cli.stdin))"),
        ("bodies", "(call $response.body (call $response.new (call $fields.new)) (i32.const 16))"),
    ];
    let guests: Vec<_> = cases.iter().map(|(name, flood)| (*name, forever(flood), Ending::Exception, full)).collect();
    all_end(&guests);
}

#[test]
fn growth_of_every_kind_has_an_end() {
    let memory = "(drop (memory.grow (i32.const 1)))";
    let table = format!(
        "(table $t 1 funcref)
        (func (export \"{}\") (param i32 i32)
          (loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
          unreachable)",
        guests::HANDLE
    );
    let fields = r#"(local.set $a (call $fields.new))
        (memory.fill (i32.const 65536) (i32.const 97) (i32.const 65000))
        (call $fields.append (local.get $a) @"a" (i32.const 65536) (i32.const 65000) (i32.const 16))"#;
    let responses = "(local.set $a (call $respond (local.get $out) (i32.const 200)))
        (local.set $b (call $stream-of (local.get $a)))
        (loop $more (call $write (local.get $b) (i32.const 0) (i32.const 4096)) (br $more))";
    all_end(&[
        ("memory", forever(memory), Ending::ExceededCpu, "CPU"),
        ("a table", guest(&table), Ending::Exception, "unreachable"),
        ("fields", forever(fields), Ending::ExceededMemory, "memory limit"),
        (
            "allocations",
            forever("(call $random.bytes (i64.const 1000000) (i32.const 16))"),
            Ending::ExceededMemory,
            "memory limit",
        ),
        (
            "randomness",
            handler("(call $random.bytes (i64.const 1000000000000) (i32.const 16))"),
            Ending::Exception,
            "exceeds limit",
        ),
        ("requests", forever(r#"(drop (call $sent (call $ask @"origin.test" @"/")))"#), Ending::Exception, ""),
    ]);
    // A response without end is read until its reader has enough.
    run(async {
        let (answer, told) =
            Call::get("http://guest.localhost/").limits(LIMITS).begin(&worker(&handler(responses))).await;
        let mut body = answer.unwrap().into_body();
        drop(body.frame().await);
        drop(body);
        assert_eq!(told.await.unwrap().ending, Ending::Canceled);
    });
}

#[test]
fn handles_that_are_none_end_their_guest() {
    let cases = [
        ("none", "(call $fields.drop (i32.const 0))"),
        ("no such", "(call $fields.drop (i32.const 77777))"),
        ("negative", "(call $fields.drop (i32.const -1))"),
        ("dropped twice", "(call $request.drop (local.get $req)) (call $request.drop (local.get $req))"),
        (
            "used after its drop",
            "(call $request.drop (local.get $req)) (drop (call $request.headers (local.get $req)))",
        ),
        (
            "moved twice",
            "(local.set $a (call $fields.new)) (drop (call $response.new (local.get $a))) (drop (call $response.new (local.get $a)))",
        ),
        (
            "a body finished twice",
            "(local.set $a (call $respond (local.get $out) (i32.const 200))) (call $finish (local.get $a)) (call $finish (local.get $a))",
        ),
    ];
    let mut guests: Vec<_> = cases.iter().map(|(name, guest)| (*name, handler(guest), Ending::Exception, "")).collect();
    guests.push(("another kind", handler("(call $fields.drop (local.get $req))"), Ending::Exception, ""));
    guests.push((
        "a loan that is given away",
        handler("(drop (call $response.new (local.get $req)))"),
        Ending::Exception,
        "",
    ));
    all_end(&guests);
}

#[test]
fn the_response_is_set_once() {
    let twice = "(call $set (local.get $out) (call $response.new (call $fields.new)))
        (call $set (local.get $out) (call $response.new (call $fields.new)))";
    let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(twice))));
    // The first went out; the second is an exception of what goes on.
    assert_eq!((got.answer().status, got.outcome.ending), (StatusCode::OK, Ending::Exception));
    let after_error = "(call $set-error (local.get $out) (i32.const 0)) (call $sleep (i64.const 1))";
    let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(after_error))));
    assert_eq!(got.outcome.ending, Ending::Exception);
    all_is_well();
}

#[test]
fn memory_that_a_guest_points_to_has_to_be_its_own() {
    let cases = [
        ("a name beyond the end", "(drop (call $fields.has (call $fields.new) (i32.const -8) (i32.const 16)))"),
        ("a name too long", "(drop (call $fields.has (call $fields.new) (i32.const 0) (i32.const -1)))"),
        (
            "no text",
            "(i32.store (i32.const 600) (i32.const -1)) (drop (call $fields.has (call $fields.new) (i32.const 600) (i32.const 4)))",
        ),
        ("a list too long", "(call $fields.from-list (i32.const 0) (i32.const 0x0fffffff) (i32.const 16))"),
        ("a list not aligned", "(call $fields.from-list (i32.const 1) (i32.const 1) (i32.const 16))"),
        ("a result beyond the end", "(call $request.path (local.get $req) (i32.const -4))"),
        ("a result not aligned", "(call $request.path (local.get $req) (i32.const 3))"),
        (
            "a variant that is none",
            "(drop (call $asks.set-method (call $asks.new (call $fields.new)) (i32.const 99) (i32.const 0) (i32.const 0)))",
        ),
        ("a poll of nothing", "(call $poll (i32.const 0) (i32.const 0) (i32.const 16))"),
        ("a poll of too much", "(call $poll (i32.const 0) (i32.const 100000) (i32.const 16))"),
    ];
    let guests: Vec<_> = cases.iter().map(|(name, guest)| (*name, handler(guest), Ending::Exception, "")).collect();
    all_end(&guests);
}

#[test]
fn allocators_that_lie_end_their_guest() {
    let with = |body: &str| {
        let module = format!(
            "(func $mine (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) {body})
             (memory (export \"memory\") 4)
             (func (export \"{}\") (param i32 i32) (call $request.path (local.get 0) (i32.const 16)))",
            guests::HANDLE
        );
        guests::component("proxy", &module)
    };
    all_end(&[
        ("out of bounds", with("(i32.const -4)"), Ending::Exception, ""),
        ("a trap", with("unreachable"), Ending::Exception, "unreachable"),
        ("without end", with("(loop $l (br $l)) (i32.const 0)"), Ending::ExceededCpu, "CPU"),
    ]);
}

#[test]
fn waiting_and_computing_without_end_have_an_end() {
    let sleeps = handler("(call $sleep (i64.const 100000000))");
    let got =
        run(Call::get("http://guest.localhost/").limits(Limits { wall_ms: Some(100), ..LIMITS }).to(&worker(&sleeps)));
    assert_eq!(got.outcome.ending, Ending::ExceededWall);
    let start =
        format!("(func $s (loop $l (br $l))) (start $s) (func (export \"{}\") (param i32 i32))", guests::HANDLE);
    all_end(&[
        ("a start", guest(&start), Ending::ExceededCpu, "CPU"),
        ("calls", forever("(drop (call $clock.now))"), Ending::ExceededCpu, "CPU"),
        ("short waits", forever("(call $pollable.drop (call $clock.sleep (i64.const 0)))"), Ending::ExceededCpu, "CPU"),
        (
            "lines",
            forever("(call $print (call $cli.stdout) (i32.const 0) (i32.const 4096))"),
            Ending::ExceededCpu,
            "CPU",
        ),
    ]);
}

#[test]
fn parents_may_go_before_their_children() {
    let stream = r#"(local.set $a (call $body-of (local.get $req)))
        (call $body.drop (i32.load (i32.const 8)))
        (call $request.drop (local.get $req))
        (call $in.blocking-read (local.get $a) (i64.const 99) (i32.const 16)) (call $ok)
        (call $answer (local.get $out) (i32.const 200) (i32.load (i32.const 20)) (i32.load (i32.const 24)))"#;
    let got = run(Call::post("a body").to(&worker(&handler(stream))));
    assert_eq!(got.text(), "a body");
    let writes = r#"(local.set $a (call $response.new (call $fields.new)))
        (call $response.body (local.get $a) (i32.const 16)) (call $ok)
        (local.set $b (i32.load (i32.const 20)))
        (local.set $c (call $stream-of (local.get $b)))
        (call $response.drop (local.get $a))
        (call $out.write (local.get $c) (i32.const 0) (i32.const 4) (i32.const 16))
        (call $writes.drop (local.get $b))
        (call $out.drop (local.get $c))
        (call $answer (local.get $out) (i32.const 200) @"fine")"#;
    assert_eq!(text(writes), "fine");
    let stdout = r#"(local.set $a (call $cli.stdout))
        (local.set $b (call $out.subscribe (local.get $a)))
        (call $pollable.drop (local.get $b)) (call $out.drop (local.get $a))
        (call $answer (local.get $out) (i32.const 200) @"fine")"#;
    assert_eq!(text(stdout), "fine");
}

#[test]
fn a_guest_that_writes_too_much_at_once_is_ended() {
    let begin = "(local.set $a (call $respond (local.get $out) (i32.const 200)))
        (local.set $b (call $stream-of (local.get $a)))";
    for write in [
        "(call $out.write (local.get $b) (i32.const 0) (i32.const 65537) (i32.const 16))",
        "(call $out.blocking-write (local.get $b) (i32.const 0) (i32.const 4097) (i32.const 16))",
        "(call $out.write-zeroes (local.get $b) (i64.const 1000000) (i32.const 16))",
    ] {
        let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(&format!("{begin} {write}")))));
        assert_eq!(got.outcome.ending, Ending::Exception, "{write}");
        assert!(got.answer().body.is_err());
    }
    all_is_well();
}
