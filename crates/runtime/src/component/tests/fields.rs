//! `fields`, by themselves.

use super::*;

/// The last call's result, with its error's number in the second byte: 0, or 1 + 256 × the error.
const RESULT: &str = "(call $answer-number (local.get $out) (i64.extend_i32_u
    (if (result i32) (i32.load8_u (i32.const 16))
      (then (i32.add (i32.const 1) (i32.shl (i32.load8_u (i32.const 17)) (i32.const 8)))) (else (i32.const 0)))))";
const SYNTAX: u32 = 1;
const FORBIDDEN: u32 = 1 + (1 << 8);

fn result(instructions: &str) -> u32 {
    text(&format!("(local.set $a (call $fields.new)) {instructions} {RESULT}")).parse().unwrap()
}

/// The values of `a`, joined.
fn values(instructions: &str) -> String {
    text(&format!(
        r#"(local.set $a (call $fields.new)) {instructions}
        (call $fields.get (local.get $a) @"a" (i32.const 16))
        (local.set $b (i32.load (i32.const 16)))
        (local.set $c (i32.load (i32.const 20)))
        (local.set $d (call $respond (local.get $out) (i32.const 200)))
        (local.set $n (i64.extend_i32_u (call $stream-of (local.get $d))))
        (block $end (loop $next
          (br_if $end (i32.eqz (local.get $c)))
          (call $write (i32.wrap_i64 (local.get $n)) (i32.load (local.get $b)) (i32.load offset=4 (local.get $b)))
          (call $write (i32.wrap_i64 (local.get $n)) @",")
          (local.set $b (i32.add (local.get $b) (i32.const 8)))
          (local.set $c (i32.sub (local.get $c) (i32.const 1)))
          (br $next)))
        (call $out.drop (i32.wrap_i64 (local.get $n)))
        (call $finish (local.get $d))"#
    ))
}

#[test]
fn values_are_appended_set_and_deleted() {
    let two = r#"(call $append (local.get $a) @"a" @"1") (call $append (local.get $a) @"A" @"2")"#;
    assert_eq!(values(two), "1,2,");
    let set = r#"(i32.store (i32.const 600) (i32.const 700)) (i32.store (i32.const 604) (i32.const 1))
        (i32.store8 (i32.const 700) (i32.const 57))
        (call $fields.set (local.get $a) @"a" (i32.const 600) (i32.const 1) (i32.const 16)) (call $ok)"#;
    assert_eq!(values(&format!("{two} {set}")), "9,");
    let none = r#"(call $fields.set (local.get $a) @"a" (i32.const 600) (i32.const 0) (i32.const 16)) (call $ok)"#;
    assert_eq!(values(&format!("{two} {none}")), "");
    let delete = r#"(call $fields.delete (local.get $a) @"A" (i32.const 16)) (call $ok)"#;
    assert_eq!(values(&format!("{two} {delete}")), "");
    assert_eq!(values(&format!("{delete} {two}")), "1,2,");
}

#[test]
fn a_copy_is_its_own() {
    let copy = r#"(call $append (local.get $a) @"a" @"1")
        (local.set $b (call $fields.clone (local.get $a)))
        (call $append (local.get $b) @"a" @"2")"#;
    assert_eq!(values(copy), "1,");
    assert_eq!(values(&format!("{copy} (local.set $a (local.get $b))")), "1,2,");
    // One of what cannot be changed can.
    let of_request = r#"(local.set $a (call $fields.clone (call $request.headers (local.get $req))))
        (call $append (local.get $a) @"a" @"3")"#;
    assert_eq!(values(of_request), "3,");
}

#[test]
fn a_list_is_made_into_fields_or_refused_whole() {
    let list = |name: &str| {
        format!(
            r#"(i32.store (i32.const 600) (i32.const 700)) (i32.store (i32.const 604) (i32.const {}))
            (i32.store (i32.const 608) (i32.const 720)) (i32.store (i32.const 612) (i32.const 1))
            (memory.copy (i32.const 700) {})
            (i32.store8 (i32.const 720) (i32.const 55))
            (call $fields.from-list (i32.const 600) (i32.const 1) (i32.const 16))"#,
            name.len(),
            format_args!("@\"{name}\""),
        )
    };
    assert_eq!(values(&format!("{} (call $ok) (local.set $a (i32.load (i32.const 20)))", list("a"))), "7,");
    let error = "(i32.store8 (i32.const 17) (i32.load8_u (i32.const 20)))";
    assert_eq!(result(&format!("{} {error}", list("host"))), FORBIDDEN);
    assert_eq!(result(&format!("{} {error}", list("a b"))), SYNTAX);
}

#[test]
fn names_and_values_have_to_be_some() {
    for name in ["", " ", "a b", "a:", "ä"] {
        assert_eq!(result(&format!(r#"(call $fields.append (local.get $a) @"{name}" @"x" (i32.const 16))"#)), SYNTAX);
    }
    for value in ["\\0a", "\\0d", "\\01"] {
        let text = format!(r#"(i32.store8 (i32.const 600) (i32.const 0x{}))"#, &value[1..]);
        let append = r#"(call $fields.append (local.get $a) @"x" (i32.const 600) (i32.const 1) (i32.const 16))"#;
        assert_eq!(result(&format!("{text} {append}")), SYNTAX, "{value}");
    }
    // What is no name is in no fields, and that is no error.
    assert_eq!(
        text(
            r#"(call $answer-number (local.get $out) (i64.extend_i32_u
        (call $fields.has (call $fields.new) @"a b")))"#
        ),
        "0"
    );
}

#[test]
fn what_belongs_to_the_connection_is_forbidden() {
    for name in [
        "connection",
        "Keep-Alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
        "HOST",
        "http2-settings",
    ] {
        assert_eq!(
            result(&format!(r#"(call $fields.append (local.get $a) @"{name}" @"x" (i32.const 16))"#)),
            FORBIDDEN
        );
        assert_eq!(result(&format!(r#"(call $fields.delete (local.get $a) @"{name}" (i32.const 16))"#)), FORBIDDEN);
    }
}

#[test]
fn a_length_is_a_number_and_there_is_one() {
    let length =
        |value: &str| format!(r#"(call $fields.append (local.get $a) @"content-length" @"{value}" (i32.const 16))"#);
    for value in ["", "+1", "-1", "0x1", "1 2", "18446744073709551616"] {
        assert_eq!(result(&length(value)), SYNTAX, "{value}");
    }
    assert_eq!(result(&length("0")), 0);
    assert_eq!(result(&format!("{} {}", length("1"), length("1"))), SYNTAX);
}

#[test]
fn they_are_bounded_and_what_is_taken_out_makes_room() {
    // Values of 4,000 bytes: 32 of them fit.
    let fill = |many: u32| {
        format!(
            r#"(memory.fill (i32.const 8192) (i32.const 97) (i32.const 4000))
            (local.set $b (i32.const {many}))
            (loop $next
              (call $fields.append (local.get $a) @"a" (i32.const 8192) (i32.const 4000) (i32.const 16))
              (local.set $b (i32.sub (local.get $b) (i32.const 1)))
              (br_if $next (local.get $b)))"#
        )
    };
    assert_eq!(result(&fill(32)), 0);
    assert_eq!(result(&fill(33)), SYNTAX);
    let delete = r#"(call $fields.delete (local.get $a) @"a" (i32.const 16)) (call $ok)"#;
    assert_eq!(result(&format!("{} {delete} {}", fill(32), fill(32))), 0);
}

#[test]
fn entries_are_all_there_is() {
    let guest = r#"(local.set $a (call $fields.new))
        (call $append (local.get $a) @"A" @"1") (call $append (local.get $a) @"b" @"2")
        (call $append (local.get $a) @"a" @"3")
        (call $fields.entries (local.get $a) (i32.const 16))
        (if (i32.ne (i32.load (i32.const 20)) (i32.const 3)) (then unreachable))
        (local.set $b (i32.load (i32.const 16)))
        (call $answer (local.get $out) (i32.const 200) (i32.load (local.get $b)) (i32.load offset=4 (local.get $b)))"#;
    assert_eq!(text(guest), "a");
}
