//! The context slot: one value that follows promises and jobs.

use crate::host::{Guest, Modules, on_base, three_ways};
use switchyard_js::abi::Value;

const MAIN: &str = r#"
const { contextGet: get, contextSet: set } = __host;
const within = (value, f) => { const before = set(value); try { return f() } finally { set(before) } };
const seen = async (f) => { const r = await f(); return r };
export const outside = () => String(get());
export const then = () => within("a", () => Promise.resolve().then(() => get()));
export const captured_at_then = async () => {
  let open; const p = new Promise((r) => { open = r });
  const one = within("one", () => p.then(() => get())), two = within("two", () => p.then(() => get()));
  within("opener", () => open());
  return (await one) + (await two);
};
export const awaits = () => within("w", async () => { const out = [get()]; await null; out.push(get()); await later(1); out.push(get()); return out.join() });
export const interleaved = async () => {
  const task = (name) => within(name, async () => { let s = ""; for (let i = 0; i < 4; i++) { await null; s += get() } return s });
  return (await Promise.all([task("a"), task("b"), task("c")])).join("|");
};
export const thenable = () => within("t", async () => { let inside; await { then(ok) { inside = get(); ok() } }; return inside + get() });
export const generator = () => within("g", async () => { let s = ""; for await (const v of (async function* () { yield get(); await null; yield get() })()) s += v; return s + get() });
export const microtask = () => within("m", () => new Promise((r) => queueMicrotask(() => r(get()))));
export const rejection = () => within("r", () => Promise.reject(1).catch(() => get()).finally(() => {}));
export const set_in_a_job = async () => {
  const inner = Promise.resolve().then(() => { set("left behind"); });
  const after = Promise.resolve().then(() => String(get()));
  await inner; return after;
};
export const restored = () => { const before = String(get()); within("x", () => {}); return before + get() };
export const objects = () => within({ id: 7 }, async () => { await null; return get().id });
export const leak = async () => { for (let i = 0; i < 200; i++) await within({ i, big: new Array(100).fill(i) }, () => Promise.resolve().then(() => get().i)); return "done" };
const forever = new Promise(() => {});
export const cycle = () => { const c = { }; within(c, () => { c.p = new Promise(() => {}); c.q = c.p.then(() => get()) }); return "made" };
const marked = {}, slot = (n) => { marked[n] ??= {}; return set(marked[n], n) };
export const turns = async () => {
  const work = async (n) => { await null; __host.op(6, n, "ran " + n); await null };
  const task = (n) => { const before = slot(n), done = work(n); set(before); return done };
  const done = task(7), other = task(8);
  await done; await other;
  return "over";
};
let open; const gate = new Promise((r) => { open = r }), resumed = [];
export const waits = (n) => { const before = slot(n); gate.then(() => resumed.push(n)); set(before); return "waits" };
export const opens = () => { open(); return Promise.resolve().then(() => resumed.join()) };
export const acts = (n) => { const before = slot(n); const code = __host.op(6, 1, "line"); set(before); return String(code) };
export const hang = (i) => { within({ i }, () => forever.then(() => get())); return "hung" };
"#;

fn ask_all(guest: &mut Guest) -> Vec<String> {
    [
        "outside",
        "then",
        "captured_at_then",
        "awaits",
        "interleaved",
        "thenable",
        "generator",
        "microtask",
        "rejection",
        "set_in_a_job",
        "restored",
        "objects",
        "outside",
    ]
    .iter()
    .map(|name| guest.ask(name, &[]))
    .collect()
}

#[test]
fn it_follows_promises_and_jobs() {
    for (way, mut guest) in three_ways(&Modules::new(MAIN)) {
        let expected = [
            "undefined",
            "a",
            "onetwo",
            "w,w,w",
            "aaaa|bbbb|cccc",
            "tt",
            "ggg",
            "m",
            "r",
            "undefined",
            "undefinedundefined",
            "7",
            "undefined",
        ];
        assert_eq!(ask_all(&mut guest), expected, "{way}");
    }
}

#[test]
fn it_is_freed_with_what_carries_it() {
    let mut guest = on_base(&Modules::new(MAIN));
    assert_eq!(guest.start(), 0);
    let round = |guest: &mut Guest| {
        assert_eq!(guest.ask("leak", &[]), "done");
        for _ in 0..200 {
            guest.ask("cycle", &[]);
        }
        guest.call("sy_gc", &[]);
        guest.heap_top()
    };
    for _ in 0..3 {
        round(&mut guest);
    }
    let before = round(&mut guest);
    for _ in 0..20 {
        round(&mut guest);
    }
    let after = round(&mut guest);
    assert!(after <= before + 8192, "{before} → {after}");
    assert_eq!(guest.ask("hang", &[Value::Int(1)]), "hung");
    guest.call("sy_gc", &[]);
    assert_eq!(guest.ask("outside", &[]), "undefined");
}

#[test]
fn the_host_is_told_whose_turn_it_is() {
    for (way, mut guest) in three_ways(&Modules::new(MAIN)) {
        guest.ask("outside", &[]);
        guest.store.data_mut().turns.clear();
        assert_eq!(guest.ask("turns", &[]), "over", "{way}");
        // Only when it changes, and before what the job does; what has no mark is nobody's.
        assert_eq!(guest.store.data().turns, [7, 8, 7, 8, 0], "{way}");
    }
}

#[test]
fn nothing_runs_of_a_request_that_is_over() {
    for (way, mut guest) in three_ways(&Modules::new(MAIN)) {
        for request in [3, 4, 5] {
            assert_eq!(guest.ask("waits", &[Value::Int(request)]), "waits");
        }
        guest.store.data_mut().over = vec![4];
        assert_eq!(guest.ask("opens", &[]), "3,5", "{way}");
        assert_eq!(guest.ask("acts", &[Value::Int(5)]), "0", "{way}");
        assert_eq!(guest.ask("acts", &[Value::Int(4)]), "3", "{way}");
    }
}
