//! What the patches change in the language: randomness, eval, deep recursion, stacks of errors.

use switchyard_js::abi::{Value, op};

use crate::host::{Guest, Modules, on_base};
use wasmtime::Val;

fn started(main: &str) -> Guest {
    let mut guest = on_base(&Modules::new(main));
    assert_eq!(guest.start(), 0, "{:?}", guest.take_ops().iter().map(|o| o.texts()).collect::<Vec<_>>());
    guest
}

/// The report of a script that does not start.
fn start_error(main: &str) -> Vec<String> {
    let mut guest = on_base(&Modules::new(main));
    assert_eq!(guest.start(), 1);
    let ops = guest.take_ops();
    let report = ops.iter().find(|o| o.kind == op::START_ERROR).expect("a report");
    report.texts()
}

#[test]
fn random_is_seeded_anew() {
    let modules = Modules::new("export const draw = () => [Math.random(), Math.random()].join()");
    let draw = |seed| {
        let mut guest = on_base(&modules);
        assert_eq!(guest.start(), 0);
        guest.call("sy_seed", &[Val::I64(seed)]);
        guest.ask("draw", &[])
    };
    assert_eq!(draw(5), draw(5));
    assert_ne!(draw(5), draw(6));
    assert_eq!(draw(0), draw(1), "zero would stay zero");
}

#[test]
fn eval_can_be_switched_off() {
    let mut guest = started(
        r#"const ways = {
          direct: () => eval("1 + 1"), indirect: () => (0, eval)("1 + 1"), spread: () => eval(...["1 + 1"]),
          function: () => new Function("return 2")(), called: () => Function("return 2")(),
          async: () => { (async () => {}).constructor("return 2"); return 2 },
          generator: () => { (function* () {}).constructor("yield 2"); return 2 },
          asyncGenerator: () => { (async function* () {}).constructor("yield 2"); return 2 },
        };
        const here = ways.direct();
        export const all = () => Object.values(ways).map((f) => { try { return f() } catch (e) { return `${e instanceof EvalError} ${e}` } }).join("|");
        export const other = () => eval(42) + here;
        export const imports = async () => (await import("late.js")).default;"#,
    );
    guest.set_modules(&Modules::new("").with("late.js", 0, "export default 7"));
    assert_eq!(guest.ask("all", &[]), ["2"; 8].join("|"));
    guest.call("sy_allow_eval", &[Val::I32(0)]);
    let refused = "true EvalError: Code generation from strings disallowed for this context";
    assert_eq!(guest.ask("all", &[]), [refused; 8].join("|"));
    assert_eq!(guest.ask("other", &[]), "44");
    assert_eq!(guest.ask("imports", &[]), "7", "modules are not eval");
    guest.call("sy_allow_eval", &[Val::I32(1)]);
    assert_eq!(guest.ask("all", &[]), ["2"; 8].join("|"));
}

#[test]
fn deep_recursion_is_a_range_error() {
    crate::host::on_a_large_stack(recurse);
}

fn recurse() {
    let mut guest = started(
        r#"const ways = {
          plain: () => { const f = () => f() + 1; return f() },
          method: () => { const o = { toString() { return `${this}` } }; return String(o) },
          getter: () => { const o = { get x() { return this.x } }; return o.x },
          construct: () => { class A { constructor() { new A() } } return new A() },
          apply: () => { const f = (...a) => f.apply(null, a); return f(1, 2, 3) },
          bound: () => { let f = () => 1; for (let i = 0; i < 1e5; i++) f = f.bind(null); return f() },
          proxies: () => { let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p.x },
          proxyProto: () => { let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return Object.getPrototypeOf(p) },
          array: () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return String(a) },
          flat: () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a.flat(Infinity).length },
          parse: () => JSON.parse("[".repeat(1e5) + "]".repeat(1e5)).length,
          parseObject: () => JSON.parse('{"a":'.repeat(1e5) + "1" + "}".repeat(1e5)).length,
          reviver: () => { let s = "[".repeat(3000) + "]".repeat(3000); return JSON.parse(s, (k, v) => v).length },
          stringify: () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return JSON.stringify(a).length },
          stringifyTo: () => { const o = { toJSON() { return JSON.stringify(this) } }; return JSON.stringify(o) },
          regex: () => new RegExp("(".repeat(1e5) + ")".repeat(1e5)).test(""),
          regexClass: () => new RegExp("[".repeat(1e5) + "]".repeat(1e5), "v").test(""),
          lookahead: () => new RegExp("(?=".repeat(5000) + ")".repeat(5000)).test(""),
          parens: () => eval("(".repeat(2e4) + "1" + ")".repeat(2e4)),
          brackets: () => eval("[".repeat(2e4) + "]".repeat(2e4)),
          blocks: () => eval("{".repeat(2e4) + "}".repeat(2e4)),
          unary: () => eval("!".repeat(2e4) + "1"),
          arrows: () => eval("x=>".repeat(2e4) + "1"),
          ternary: () => eval("1?".repeat(2e4) + "1" + ":1".repeat(2e4)),
          assignment: () => eval("var a;" + "a=".repeat(2e4) + "1"),
          functions: () => eval("(function(){".repeat(8e3) + "})".repeat(8e3)),
          templates: () => eval("`${".repeat(8e3) + "}`".repeat(8e3)),
          exponents: () => eval("2**".repeat(2e4) + "1"),
          news: () => eval("new ".repeat(2e4) + "Date"),
          destructuring: () => eval("var " + "[".repeat(2e4) + "a" + "]".repeat(2e4) + "=[]"),
          ifs: () => eval("if(1)".repeat(2e4) + ";"),
          labels: () => eval(Array.from({ length: 2e4 }, (_, i) => `a${i}:`).join("") + ";"),
          classes: () => eval("(class extends ".repeat(8e3) + "Object" + "{})".repeat(8e3)),
          sort: () => { const f = () => [1, 2].sort(f); return f() },
          replace: () => { const f = () => "a".replace(/a/, f); return f() },
          iterator: () => { const o = { *[Symbol.iterator]() { yield* o } }; return [...o] },
          generators: () => { function* g() { yield* g() } return [...g()] },
          instance: () => { let f = class {}; for (let i = 0; i < 1e5; i++) f = f.bind(); return ({}) instanceof f },
          rope: () => { let s = "a"; for (let i = 0; i < 2e4; i++) s = i & 1 ? s + "bcdefghi" : "jklmnop" + s; return s.charCodeAt(77) },
          symbolPrimitive: () => { const o = { [Symbol.toPrimitive]() { return +o } }; return +o },
          concat: () => { const o = { get [Symbol.isConcatSpreadable]() { return [].concat(o) } }; return [].concat(o) },
          errors: () => { const e = { get message() { return String(Object.assign(new Error(), {}) + e.message) } }; return e.message },
          free: () => { let o = null; for (let i = 0; i < 3e5; i++) o = { o }; o = null; return 1 },
          freeClosures: () => { let f = null; for (let i = 0; i < 1e5; i++) { const g = f; f = () => g; } f = null; return 1 },
          freePromises: () => { let p = Promise.resolve(); for (let i = 0; i < 5e4; i++) p = p.then(() => 1); return 1 },
          freeProtos: () => { let o = null; for (let i = 0; i < 1e5; i++) o = Object.create(o); o = null; return 1 },
          freeMaps: () => { let m = new Map(); for (let i = 0; i < 1e5; i++) m = new Map([[1, m]]); m = null; return 1 },
          freeWeak: () => { let o = {}; const w = new WeakMap(); for (let i = 0; i < 1e5; i++) { const n = {}; w.set(o, n); o = n } o = null; return 1 },
        };
        export const names = () => Object.keys(ways).join();
        export const deep = (name) => { try { return "fine " + ways[name]() } catch (e) { return e instanceof RangeError || e instanceof InternalError || e instanceof SyntaxError ? `caught ${e.name}` : "other " + e } };
        export const fine = () => "fine";"#,
    );
    let mut trapped = Vec::new();
    for name in guest.ask("names", &[]).split(',') {
        let started = std::time::Instant::now();
        let mut fresh = guest.copy();
        let pointer = fresh.stack_pointer();
        let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let answer = fresh.ask("deep", &[Value::Text(name)]);
            assert_eq!(fresh.ask("fine", &[]), "fine");
            assert_eq!(fresh.stack_pointer(), pointer);
            answer
        }));
        match answer {
            Ok(answer) => println!("{name}: {answer} in {:?}", started.elapsed()),
            Err(_) => trapped.push(name.to_owned()),
        }
    }
    assert!(trapped.is_empty(), "ended the instance: {trapped:?}");
}

#[test]
fn stacks_read_as_in_v8() {
    let mut guest = started(
        r#"function inner() { throw new TypeError("broken"); }
export function outer() { try { inner() } catch (e) { return e.stack } }
export const custom = () => { class E extends Error {} ; return new E("x").stack.split("\n")[0] };
export const bare = () => new Error().stack.split("\n")[0];
export const native = () => { try { [1].map(() => { null.x }) } catch (e) { return e.stack } };"#,
    );
    let stack = guest.ask("outer", &[]);
    let lines: Vec<_> = stack.lines().collect();
    assert_eq!(lines[0], "TypeError: broken");
    assert_eq!(lines[1], "    at inner (main.js:1:26)");
    assert!(lines[2].starts_with("    at Module.outer (main.js:2:"), "{stack}");
    assert!(!stack.ends_with('\n'));
    assert_eq!(guest.ask("custom", &[]), "Error: x");
    assert_eq!(guest.ask("bare", &[]), "Error");
    let native = guest.ask("native", &[]);
    assert!(native.starts_with("TypeError: "), "{native}");
    assert!(native.contains("\n    at Array.map (<anonymous>)\n"), "{native}");
    assert!(native.contains("\n    at main.js:5:"), "{native}");
}

#[test]
fn a_script_that_fails_to_start_says_why() {
    let error = start_error("const a = 1;\nfunction boom() { throw new RangeError('no') }\nboom();");
    assert_eq!(error[..2], ["RangeError", "no"]);
    assert!(error[2].starts_with("RangeError: no\n    at boom (main.js:2:"), "{}", error[2]);
    assert!(error[2].contains("\n    at main.js:3:"), "{}", error[2]);

    let error = start_error("export default {\n  fetch() { return 1 +; }\n};");
    assert_eq!(error[0], "SyntaxError");
    assert!(error[2].contains("at main.js:2:"), "{}", error[2]);

    assert_eq!(start_error("throw 'text'"), ["Error", "text", ""]);
    assert_eq!(start_error("throw { a: 1 }"), ["Error", "#<Object>", ""]);
    assert_eq!(start_error("throw undefined"), ["Error", "undefined", ""]);
    assert_eq!(start_error("throw Symbol('s')")[0], "Error");
    assert_eq!(start_error("throw { get name() { throw 1 }, toString() { throw 2 } }"), ["Error", "#<Object>", ""]);
    assert_eq!(
        start_error("const e = new Error('m'); Object.defineProperty(e, 'name', { get() { throw 1 } }); throw e")[..2],
        ["Error", "m"]
    );
    assert_eq!(start_error("await Promise.reject(new URIError('later'))")[..2], ["URIError", "later"]);
    assert_eq!(start_error("import './none.js'")[..2], ["Error", "No such module \"./none.js\"."]);
}

#[test]
fn a_top_level_await_that_never_settles_is_told_apart() {
    let mut guest = on_base(&Modules::new("await new Promise(() => {})"));
    assert_eq!(guest.start(), 2);
    let mut guest = on_base(&Modules::new("const v = await Promise.resolve(3); export const f = () => v"));
    assert_eq!(guest.start(), 0);
    assert_eq!(guest.ask("f", &[]), "3");
}

#[test]
fn a_callback_that_throws_is_reported_and_harms_nothing() {
    let mut guest = started("export const bad = () => { throw new TypeError('oh') }; export const good = () => 'good'");
    assert_eq!(guest.ask("bad", &[]), "threw TypeError: oh");
    assert_eq!(guest.ask("missing", &[]), "threw TypeError: worker[name] is not a function");
    assert_eq!(guest.ask("good", &[]), "good");
    assert_eq!(guest.event(31, 9, 0, &[]), 1, "nobody registered for that kind");
    assert_eq!(guest.event(0, 9, 0, &[9, 9]), 1, "hostile bytes");
    assert_eq!(guest.event(0, 9, 0, &[3, 255, 255, 255, 255]), 1);
    assert_eq!(guest.ask("good", &[]), "good");
}

#[test]
fn a_job_that_throws_does_not_stop_the_others() {
    let mut guest = started(
        r#"export const go = async () => {
          const seen = [];
          queueMicrotask(() => { seen.push(1); throw new Error("one") });
          queueMicrotask(() => { seen.push(2); throw 2 });
          Promise.reject(new Error("nobody sees"));
          queueMicrotask(() => seen.push(3));
          await null; await null;
          return seen.join();
        }"#,
    );
    assert_eq!(guest.ask("go", &[]), "1,2,3");
}

#[test]
fn memory_has_an_end() {
    let mut guest = started(
        r#"export const fill = () => { const all = []; try { for (;;) all.push(new Uint8Array(1 << 20)) } catch (e) { const n = all.length; all.length = 0; return n > 50 ? "full" : "early " + n } };
        export const fine = () => "fine";"#,
    );
    assert_eq!(guest.ask("fill", &[]), "full");
    assert_eq!(guest.ask("fine", &[]), "fine");
}
