//! The Workers that are measured, and the bytes by which the API is asked to take them.

use std::fmt::Write as _;

use serde_json::{Value, json};

#[allow(clippy::unwrap_used, reason = "it is written for tests; its texts are ours")]
#[path = "../../crates/runtime/tests/guests/mod.rs"]
mod guests;

/// A hello of its own: every tenant's code differs.
pub fn small(name: &str) -> String {
    format!(
        "const name = {name:?};\nexport default {{\n  fetch(request, env, ctx) {{\n    return new Response(`hello from ${{name}}\\n`);\n  }},\n}};\n"
    )
}

/// Uses a core for about 150 ms, then answers.
pub const BURNER: &str = "export default {
  fetch() {
    const end = 4_000_000;
    let sum = 0;
    for (let i = 0; i < end; i++) sum = (sum * 31 + i) | 0;
    return new Response(`${sum}`);
  },
};
";

/// Never ends by itself.
pub const LOOP: &str = "export default { fetch() { for (;;); } };";

/// Asks its dispatch namespace for the tenant of the host's first label, as Cloudflare's
/// documentation writes it.
pub const DISPATCHER: &str = "export default {
  async fetch(request, env) {
    try {
      const name = new URL(request.url).host.split('.')[0];
      const worker = env.dispatcher.get(name);
      return await worker.fetch(request);
    } catch (e) {
      if (e.message.startsWith('Worker not found')) return new Response('', { status: 404 });
      return new Response(e.message, { status: 500 });
    }
  },
};
";

/// Of about `bytes`: what a bundler makes of many small modules. All of it is evaluated at the start;
/// a request calls some of it.
pub fn bundle(name: &str, bytes: usize) -> String {
    let mut code = format!("const name = {name:?};\nconst modules = new Map();\n");
    let mut number = 0;
    while code.len() + 700 < bytes {
        let _ = write!(
            code,
            "// module {number}\n\
             modules.set('m{number}', (() => {{\n  \
             const options = {{ id: {number}, label: 'module {number} of ' + name, retries: {}, weights: [{}, {}, {}], nested: {{ on: {}, path: '/api/v1/m{number}/items' }} }};\n  \
             class Model{number} {{\n    \
             #state; constructor(state) {{ this.#state = {{ ...options, ...state }}; }}\n    \
             get label() {{ return this.#state.label; }}\n    \
             score(n) {{ let sum = 0; for (const w of this.#state.weights) sum += w * n; return sum % 1009; }}\n    \
             toJSON() {{ return {{ id: this.#state.id, label: this.label, score: this.score({number}) }}; }}\n  }}\n  \
             const check = (value) => {{ if (typeof value !== 'object' || value === null) throw new TypeError('m{number}: not an object'); return value; }};\n  \
             return {{ make: (state) => new Model{number}(check(state)), pattern: /^\\/api\\/v1\\/m{number}\\/(\\d+)$/, options }};\n}})());\n",
            number % 5,
            number % 7 + 1,
            number % 11 + 1,
            number % 13 + 1,
            number % 2 == 0,
        );
        number += 1;
    }
    let _ = write!(
        code,
        "export default {{\n  fetch(request) {{\n    const url = new URL(request.url);\n    const out = [];\n    \
         for (let i = 0; i < 20; i++) out.push(modules.get('m' + (i * 7) % {number}).make({{ path: url.pathname }}));\n    \
         return new Response(JSON.stringify(out) + '\\n', {{ headers: {{ 'content-type': 'application/json' }} }});\n  }},\n}};\n"
    );
    code
}

/// As [`bundle`], but a request waits for a timer: many of them are under way at once, each in an instance of its own.
pub fn slow_bundle(name: &str, bytes: usize) -> String {
    let code = bundle(name, bytes);
    code.replace(
        "  fetch(request) {\n",
        "  async fetch(request) {\n    await new Promise((done) => setTimeout(done, 20));\n",
    )
}

/// A small script padded with code to about `bytes`.
pub fn padded(name: &str, bytes: usize) -> String {
    let mut code = small(name);
    let mut number = 0;
    while code.len() + 130 < bytes {
        let _ = writeln!(
            code,
            "function helper{number}(input) {{ const parts = String(input).split('/'); return parts[{}] ?? 'nothing of {number}'; }}",
            number % 4
        );
        number += 1;
    }
    code
}

/// A hello of its own as a component, of the shape that toolchains make: one module with its memory and its data.
pub fn component(number: usize) -> Vec<u8> {
    guests::handler(&format!(r#"(call $answer (local.get $out) (i32.const 200) @"hello from tenant {number}\n")"#))
}

/// A component that answers with what it is posted, in parts of 64 KiB as a program copies them through its memory.
pub fn echo() -> Vec<u8> {
    guests::handler(
        "(local.set $a (call $body-of (local.get $req)))
        (local.set $b (call $respond (local.get $out) (i32.const 200)))
        (local.set $c (call $stream-of (local.get $b)))
        (block $end (loop $more
          (call $in.blocking-read (local.get $a) (i64.const 65536) (i32.const 16))
          (br_if $end (i32.load8_u (i32.const 16)))
          (call $write-parts (local.get $c) (i32.load (i32.const 20)) (i32.load (i32.const 24)))
          (global.set $heap (i32.const 65536))
          (br $more)))
        (call $out.drop (local.get $c))
        (call $finish (local.get $b))",
    )
}

/// As [`echo`], but the bytes never enter its memory.
pub fn spliced() -> Vec<u8> {
    guests::handler(
        "(local.set $a (call $body-of (local.get $req)))
        (local.set $b (call $respond (local.get $out) (i32.const 200)))
        (local.set $c (call $stream-of (local.get $b)))
        (block $end (loop $more
          (call $out.blocking-splice (local.get $c) (local.get $a) (i64.const 65536) (i32.const 16))
          (br_if $end (i32.load8_u (i32.const 16)))
          (br $more)))
        (call $out.drop (local.get $c))
        (call $finish (local.get $b))",
    )
}

/// The main module of an upload.
#[derive(Debug, Clone, Copy)]
pub enum Main<'a> {
    Script(&'a str),
    Component(&'a [u8]),
}

/// A PUT of a main module to `path`, below `/client/v4`, as wrangler sends it; `more` goes into its metadata.
pub fn upload(path: &str, token: &str, more: &Value, main: Main<'_>) -> Vec<u8> {
    const BOUNDARY: &str = "----formdata-undici-0123456789";
    let (name, kind, code) = match main {
        Main::Script(code) => ("index.js", "application/javascript+module", code.as_bytes()),
        Main::Component(bytes) => ("index.wasm", "application/wasm", bytes),
    };
    let mut metadata = json!({
        "main_module": name, "bindings": [],
        "compatibility_date": "2026-01-01", "compatibility_flags": [],
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        metadata[key] = value.clone();
    }
    let before = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
         Content-Type: {kind}\r\n\r\n"
    );
    let after = format!("\r\n--{BOUNDARY}--\r\n");
    let head = format!(
        "PUT /client/v4{path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
         content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n\r\n",
        before.len() + code.len() + after.len()
    );
    [head.as_bytes(), before.as_bytes(), code, after.as_bytes()].concat()
}
