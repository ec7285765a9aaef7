//! Components for tests out of a few lines of WAT: the imports and helpers that a guest names are put beside
//! it, and wit-component makes a component of it. `"…"` after an `@` is a text's place and length.

#![allow(dead_code, reason = "each program of tests uses some of it")]

use std::collections::BTreeMap;
use std::fmt::Write;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const IMPORTS: &str = include_str!("imports.txt");
const HELPERS: &str = include_str!("helpers.wat");
const WORLDS: &str = include_str!("worlds.wit");
/// Where texts begin.
const TEXTS: usize = 1024;
/// The export that takes requests.
pub const HANDLE: &str = "wasi:http/incoming-handler@0.2.0#handle";

/// A component that handles a request with these instructions: `$req` and `$out` are its parameters, `$a` to
/// `$d` locals for handles, `$n` and `$m` for numbers of 64 bits.
pub fn handler(instructions: &str) -> Vec<u8> {
    guest(&format!(
        "(func (export \"{HANDLE}\") (param $req i32) (param $out i32)
           (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $n i64) (local $m i64)
           {instructions})"
    ))
}

/// Asks for `http://HOST/PATH`, and answers with what comes, or with the number of the error.
pub fn relay(host: &str, path: &str) -> Vec<u8> {
    handler(&format!(
        r#"(local.set $a (call $wait (call $sent (call $ask @"{host}" @"{path}"))))
        (if (i32.eqz (local.get $a))
          (then (call $answer-number (local.get $out) (i64.extend_i32_u (i32.load8_u (i32.const 40)))))
          (else (call $relay (local.get $out) (local.get $a))))"#
    ))
}

/// A component of these fields of a module.
pub fn guest(fields: &str) -> Vec<u8> {
    component("proxy", fields)
}

/// A component of a world of `worlds.wit`.
pub fn component(world: &str, fields: &str) -> Vec<u8> {
    let module = module(fields);
    let mut bytes = wat::parse_str(&module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    let mut resolve = Resolve::default();
    let package = resolve.push_source("worlds.wit", WORLDS).unwrap_or_else(|error| panic!("{error:#}"));
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().module(&bytes).unwrap_or_else(|error| panic!("{error:#}\n{module}"));
    encoder.validate(true).encode().unwrap_or_else(|error| panic!("{error:#}\n{module}"))
}

/// The module, in WAT.
fn module(fields: &str) -> String {
    let mut texts = Texts { data: String::new(), at: TEXTS };
    let mut used: BTreeMap<String, String> = BTreeMap::new();
    let mut left = vec![texts.placed(fields)];
    let mut own = String::new();
    let helpers = helpers();
    while let Some(text) = left.pop() {
        for name in names(&text) {
            if used.contains_key(name) {
                continue;
            }
            if let Some(helper) = helpers.get(name) {
                used.insert(name.to_owned(), helper.clone());
                left.push(helper.clone());
            } else if let Some(import) = import(name) {
                used.insert(name.to_owned(), import);
            }
        }
        if own.is_empty() {
            own = text;
        }
    }
    let (imports, helpers): (Vec<_>, Vec<_>) = used.values().partition(|text| text.starts_with("(import"));
    let mut module = String::from("(module\n");
    for part in imports.iter().chain(&helpers) {
        writeln!(module, "{part}").unwrap();
    }
    let realloc = if own.contains("cabi_realloc") { "" } else { REALLOC };
    let memory = if own.contains("(memory (") { "" } else { "(memory (export \"memory\") 4)" };
    write!(module, "{memory}\n(global $heap (mut i32) (i32.const 65536))\n{realloc}\n{}\n{own})", texts.data).unwrap();
    module
}

/// Space in order, never given back; more memory where there is not enough.
const REALLOC: &str = r#"
(func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and
    (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
  (global.set $heap (i32.add (local.get $at) (local.get $size)))
  (loop $more
    (if (i32.gt_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))) (then
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
      (br $more))))
  (local.get $at))"#;

fn import(name: &str) -> Option<String> {
    let line = IMPORTS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    let mut parts = line.splitn(3, ' ');
    let (module, field, ty) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("(import \"{module}\" \"{field}\" (func ${name} {ty}))"))
}

/// By name, each with its text.
fn helpers() -> BTreeMap<&'static str, String> {
    let functions = HELPERS.split("\n\n").filter_map(|text| text.find("(func $").map(|at| &text[at..]));
    functions.filter_map(|text| Some((names(text).next()?, text.to_owned()))).collect()
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    let end = |c: char| c.is_whitespace() || c == ')' || c == '(';
    text.split('$').skip(1).map(move |rest| &rest[..rest.find(end).unwrap_or(rest.len())])
}

/// The texts of a guest, as data of its module.
struct Texts {
    data: String,
    at: usize,
}

impl Texts {
    /// With each text replaced by its place and its length.
    fn placed(&mut self, wat: &str) -> String {
        let mut parts = wat.split("@\"");
        let mut placed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (text, rest) = part.split_once('"').expect("a text has an end");
            // An escape is one byte: a letter, or two digits.
            let escapes: usize = text.split('\\').skip(1).map(|rest| if rest.starts_with('n') { 1 } else { 2 }).sum();
            let len = text.len() - escapes;
            write!(placed, "(i32.const {}) (i32.const {len}){rest}", self.at).unwrap();
            writeln!(self.data, "(data (i32.const {}) \"{text}\")", self.at).unwrap();
            self.at += len;
        }
        placed
    }
}
