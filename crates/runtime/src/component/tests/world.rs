//! What there is of the world outside: vars, the clock, randomness, standard streams; and what there is not.

use super::*;
use crate::LogLevel;

#[test]
fn vars_and_secrets_are_the_environment() {
    let guest = r#"(call $cli.environment (i32.const 16))
        (local.set $a (i32.load (i32.const 16)))
        (local.set $b (i32.load (i32.const 20)))
        (local.set $c (call $respond (local.get $out) (i32.const 200)))
        (local.set $d (call $stream-of (local.get $c)))
        (block $end (loop $next
          (br_if $end (i32.eqz (local.get $b)))
          (call $write (local.get $d) (i32.load (local.get $a)) (i32.load offset=4 (local.get $a)))
          (call $write (local.get $d) @"=")
          (call $write (local.get $d) (i32.load offset=8 (local.get $a)) (i32.load offset=12 (local.get $a)))
          (call $write (local.get $d) @";")
          (local.set $a (i32.add (local.get $a) (i32.const 16)))
          (local.set $b (i32.sub (local.get $b) (i32.const 1)))
          (br $next)))
        (call $out.drop (local.get $d)) (call $finish (local.get $c))"#;
    let bindings = [
        ("TEXT", WorkerBinding::Text("a text".into())),
        ("JSON", WorkerBinding::Json(serde_json::json!({ "a": [1] }))),
        ("ASSETS", WorkerBinding::Assets { version: VersionId::random() }),
    ];
    let worker = worker_with(&handler(guest), &bindings);
    let got = run(Call::get("http://guest.localhost/").to(&worker));
    assert_eq!(got.text(), "TEXT=a text;JSON={\"a\":[1]};");
    assert_eq!(
        text(
            "(call $cli.arguments (i32.const 16)) (call $answer-number (local.get $out)
        (i64.extend_i32_u (i32.load (i32.const 20))))"
        ),
        "0"
    );
}

#[test]
fn lines_go_to_the_log_with_their_level() {
    let guest = r#"(call $print (call $cli.stdout) @"one")
        (call $print (call $cli.stdout) @" line\ntwo\n\n")
        (call $print (call $cli.stderr) @"an error")
        (call $answer (local.get $out) (i32.const 200) @"ok")"#;
    let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(guest))));
    let lines: Vec<_> =
        got.outcome.logs.iter().map(|line| (line.level, line.text.as_str(), line.values.as_str())).collect();
    let expected = [
        (LogLevel::Log, "one line", "[\"one line\"]"),
        (LogLevel::Log, "two", "[\"two\"]"),
        (LogLevel::Log, "", "[\"\"]"),
        (LogLevel::Error, "an error", "[\"an error\"]"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn lines_are_kept_up_to_the_limit() {
    let guest = r#"(local.set $a (call $cli.stdout))
        (local.set $b (i32.const 1000))
        (loop $next
          (memory.fill (i32.const 65536) (i32.const 97) (i32.const 4095))
          (i32.store8 (i32.const 69631) (i32.const 10))
          (call $write (local.get $a) (i32.const 65536) (i32.const 4096))
          (local.set $b (i32.sub (local.get $b) (i32.const 1)))
          (br_if $next (local.get $b)))
        (call $answer (local.get $out) (i32.const 200) @"ok")"#;
    let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(guest))));
    assert!((20..=32).contains(&got.outcome.logs.len()), "{}", got.outcome.logs.len());
    assert_eq!(got.outcome.logs.len() + got.outcome.logs_dropped as usize, 1000);
    // A line without an end is cut into lines.
    let endless = r#"(local.set $a (call $cli.stdout))
        (local.set $b (i32.const 30))
        (loop $next
          (call $write (local.get $a) (i32.const 65536) (i32.const 4096))
          (local.set $b (i32.sub (local.get $b) (i32.const 1)))
          (br_if $next (local.get $b)))
        (call $answer (local.get $out) (i32.const 200) @"ok")"#;
    let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(endless))));
    assert_eq!(got.outcome.logs.len() + got.outcome.logs_dropped as usize, 8);
}

/// Computes for some milliseconds.
const BURN: &str = "(local.set $b (i32.const 30000000))
    (loop $spin (local.set $b (i32.sub (local.get $b) (i32.const 1))) (br_if $spin (local.get $b)))";

#[test]
fn time_stands_still_while_a_guest_computes_and_goes_on_while_it_waits() {
    let still = format!(
        "(local.set $n (call $clock.now)) {BURN}
        (call $answer-number (local.get $out) (i64.sub (call $clock.now) (local.get $n)))"
    );
    assert_eq!(text(&still), "0");
    let moves = "(local.set $n (call $clock.now)) (call $sleep (i64.const 20))
        (call $answer-number (local.get $out) (i64.sub (call $clock.now) (local.get $n)))";
    let nanos: u64 = text(moves).parse().unwrap();
    assert!(nanos >= 20_000_000 && nanos.is_multiple_of(1_000_000), "{nanos}");
    let wall = "(call $wall.now (i32.const 16))
        (call $answer-number (local.get $out) (i64.load (i32.const 16)))";
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let seen: u64 = text(wall).parse().unwrap();
    assert!((now..now + 60).contains(&seen), "{seen} {now}");
    assert_eq!(text("(call $answer-number (local.get $out) (call $clock.resolution))"), "1000000");
}

#[test]
fn randomness_is_new_in_every_instance() {
    let guest = "(call $answer-number (local.get $out) (call $random.u64))";
    let numbers: std::collections::HashSet<String> = (0..8).map(|_| text(guest)).collect();
    assert_eq!(numbers.len(), 8);
    let bytes = "(call $random.bytes (i64.const 32) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load (i32.const 20))))";
    assert_eq!(text(bytes), "32");
}

#[test]
fn there_are_no_files_no_sockets_and_no_input() {
    let files = "(call $fs.preopens (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load (i32.const 20))))";
    assert_eq!(text(files), "0");
    // An error: access denied.
    let socket = "(call $tcp.create (i32.const 0) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u
          (i32.add (i32.mul (i32.load8_u (i32.const 16)) (i32.const 100)) (i32.load8_u (i32.const 20)))))";
    assert_eq!(text(socket), "101");
    let input = "(call $in.blocking-read (call $cli.stdin) (i64.const 9) (i32.const 16))
        (call $answer-number (local.get $out) (i64.extend_i32_u
          (i32.add (i32.mul (i32.load8_u (i32.const 16)) (i32.const 100)) (i32.load8_u (i32.const 20)))))";
    assert_eq!(text(input), "101");
}

#[test]
fn several_things_are_waited_for_at_once() {
    let guest = "(i32.store (i32.const 600) (call $clock.sleep (i64.const 60000000000)))
        (i32.store (i32.const 604) (call $clock.sleep (i64.const 10000000)))
        (call $poll (i32.const 600) (i32.const 2) (i32.const 16))
        (if (i32.ne (i32.load (i32.const 20)) (i32.const 1)) (then unreachable))
        (if (call $pollable.ready (i32.load (i32.const 600))) (then unreachable))
        (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load (i32.load (i32.const 16)))))";
    assert_eq!(text(guest), "1");
}

#[test]
fn an_exit_ends_the_request() {
    let got = run(Call::get("http://guest.localhost/").to(&worker(&handler("(call $cli.exit (i32.const 1))"))));
    assert_eq!(got.error().message, "The component exited with code 1.");
    let after = r#"(call $answer (local.get $out) (i32.const 200) @"ok") (call $cli.exit (i32.const 0))"#;
    let got = run(Call::get("http://guest.localhost/").to(&worker(&handler(after))));
    assert_eq!((got.text(), got.outcome.ending), ("ok", crate::Ending::Ok));
}

#[test]
fn what_is_not_given_is_refused_by_its_name() {
    let refused = |bytes: &[u8]| code(bytes).err().unwrap_or_default();
    let keyvalue = handler(r#"(drop (call $kv.increment @"key"))"#);
    let message = refused(&keyvalue);
    assert!(
        message.starts_with("The component imports \"wasi:keyvalue/atomics@0.2.0\", which Workers are not given."),
        "{message}"
    );
    let own = guests::component("imports", "(func)");
    let message = refused(&own);
    assert!(
        message.starts_with("The component handles no requests: it has to export wasi:http/incoming-handler@0.2"),
        "{message}"
    );
    let tables: String = (0..17).map(|_| "(table 1 funcref)").collect();
    let message = refused(&guest(&format!("{tables} (func (export \"{}\") (param i32 i32))", guests::HANDLE)));
    assert!(message.starts_with("The component has ") && message.ends_with(" tables; 16 are allowed."), "{message}");
}
