//! Freezing changes no answer, and a warm frozen instance does not grow.

use switchyard_js::abi::Value;

use crate::host::{Guest, Modules, SLACK, on_base, three_ways};

/// The scenarios by theme, and what they share.
pub const THEMES: &[(&str, &str)] = &[
    ("all.js", include_str!("scenarios/all.js")),
    ("arrays.js", include_str!("scenarios/arrays.js")),
    ("async.js", include_str!("scenarios/async.js")),
    ("binary.js", include_str!("scenarios/binary.js")),
    ("classes.js", include_str!("scenarios/classes.js")),
    ("code.js", include_str!("scenarios/code.js")),
    ("collections.js", include_str!("scenarios/collections.js")),
    ("counter.js", include_str!("scenarios/counter.js")),
    ("data.js", include_str!("scenarios/data.js")),
    ("functions.js", include_str!("scenarios/functions.js")),
    ("look.js", include_str!("scenarios/look.js")),
    ("modules.js", include_str!("scenarios/modules.js")),
    ("numbers.js", include_str!("scenarios/numbers.js")),
    ("objects.js", include_str!("scenarios/objects.js")),
    ("program.js", include_str!("scenarios/program.js")),
    ("reflection.js", include_str!("scenarios/reflection.js")),
    ("regexps.js", include_str!("scenarios/regexps.js")),
    ("sloppy.js", include_str!("scenarios/sloppy.js")),
    ("text.js", include_str!("scenarios/text.js")),
];

const MAIN: &str = r#"
const names = Object.keys(scenarios);
export const count = () => names.length;
export const run = (i) => scenarios[names[i % names.length]](i);
export const name = (i) => names[i % names.length];
"#;

pub fn scale() -> u32 {
    std::env::var("SWITCHYARD_TEST_SCALE").ok().and_then(|s| s.parse().ok()).unwrap_or(1)
}

fn run(guest: &mut Guest, i: u32) -> String {
    guest.ask("run", &[Value::Int(i as i32)])
}

/// The same requests to all; every answer must be the one that was never frozen. Some instances collect in the middle of
/// scenarios and after each, which finds what was counted wrongly sooner than the heap's own rhythm does.
fn compare(ways: &mut [(&'static str, Guest)], from: u32, count: u32) {
    let total: u32 = ways[0].1.ask("count", &[]).parse().expect("a number");
    for i in from..from + count {
        let mut expected = None;
        for (way, guest) in ways.iter_mut() {
            let answer = run(guest, i);
            if guest.store.data().collect {
                guest.call("sy_gc", &[]);
            }
            let expected = expected.get_or_insert_with(|| answer.clone());
            assert_ne!(*expected, "no answer", "scenario {} at {i}", i % total);
            if answer != *expected {
                let name = guest.ask("name", &[Value::Int(i as i32)]);
                panic!("{name} at {i}, {way}:\n{answer}\ninstead of\n{expected}");
            }
        }
    }
}

#[test]
fn every_scenario_answers_alike_in_all_three_ways() {
    let mut ways = three_ways(&Modules::themed(MAIN));
    let count: u32 = ways[0].1.ask("count", &[]).parse().expect("a number");
    println!("{count} scenarios");
    assert!(count >= 400);
    for round in 0..40 * scale() {
        compare(&mut ways, round * count, count);
        if round % 8 == 7 {
            ways.iter_mut().for_each(|(_, g)| {
                g.call("sy_gc", &[]);
            });
        }
    }
}

/// A scenario that fails says nothing about the rest of it. These are meant to.
#[test]
fn scenarios_work() {
    let mut guest = on_base(&Modules::themed(MAIN));
    assert_eq!(guest.start(), 0);
    let count: u32 = guest.ask("count", &[]).parse().expect("a number");
    let mut wrong = Vec::new();
    for i in 0..count * 3 {
        let name = guest.ask("name", &[Value::Int(i as i32)]);
        let answer = run(&mut guest, i);
        let failed = answer.starts_with("threw") || answer.starts_with("rejected");
        let meant = ["throws", "rejects"].contains(&name.as_str());
        if failed != meant {
            wrong.push(format!("{name} at {i}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn collecting_all_the_time_changes_nothing() {
    let modules = Modules::themed(MAIN);
    let mut ways = Vec::from(three_ways(&modules));
    ways.insert(0, ("never frozen, never collected", Guest::booted(&modules)));
    assert_eq!(ways[0].1.start(), 0);
    for (_, guest) in &mut ways[1..] {
        guest.store.data_mut().collect = true;
    }
    let count: u32 = ways[0].1.ask("count", &[]).parse().expect("a number");
    compare(&mut ways, 0, count * 3 * scale());
}

/// Freezing is no event of the script's: it may come between any two requests, again and again.
#[test]
fn freezing_again_at_any_time_changes_nothing() {
    let modules = Modules::themed(MAIN);
    let [plain, _, mut again] = three_ways(&modules);
    again.0 = "frozen every few requests";
    let mut ways = [plain, again];
    let count: u32 = ways[0].1.ask("count", &[]).parse().expect("a number");
    let (mut at, mut step) = (0, 1);
    while at < count * 4 {
        compare(&mut ways, at, step);
        at += step;
        step = step * 5 % 97 + 1;
        ways[1].1.freeze(SLACK);
    }
}

#[test]
fn a_warm_frozen_instance_stays_flat_over_two_hundred_thousand_requests() {
    let mut guest = on_base(&Modules::new(MAIN));
    assert_eq!(guest.start(), 0);
    for i in 0..200_000 * scale() {
        run(&mut guest, i);
    }
    guest.call("sy_gc", &[]);
    let top = guest.heap_top();
    println!("heap ends at {} KiB, memory {} KiB", top >> 10, guest.memory.data_size(&guest.store) >> 10);
    // The end rises to what two collections' worth of garbage needs, then stays, however many requests there are.
    assert!(top < 3100 << 10, "{top}");
}

#[test]
fn each_copy_of_a_base_starts_afresh() {
    let modules = Modules::new(MAIN);
    let (mut one, mut two) = (on_base(&modules), on_base(&modules));
    assert_eq!(one.start(), 0);
    for i in 0..500 {
        run(&mut one, i);
    }
    assert_eq!(two.start(), 0);
    let mut three = on_base(&modules);
    assert_eq!(three.start(), 0);
    for i in 0..200 {
        assert_eq!(run(&mut two, i), run(&mut three, i));
    }
}

#[test]
fn freezing_blanks_what_is_dead() {
    let secret = "s3cr3t-of-the-base";
    let main = format!(
        r#"let kept = "";
        for (let i = 0; i < 200; i++) {{ const s = "{}" + "{}" + i; kept = s.slice(-1) + new Uint8Array(900).length; JSON.parse(`{{"${{s}}":[1]}}`); }}
        export const f = () => kept;"#,
        &secret[..6],
        &secret[6..]
    );
    let mut guest = Guest::booted(&Modules::new(&main));
    assert_eq!(guest.start(), 0);
    guest.put(secret.as_bytes());
    guest.freeze(0);
    let memory = guest.memory.data(&guest.store);
    let found = memory.windows(secret.len()).filter(|w| *w == secret.as_bytes()).count();
    assert_eq!(found, 0, "whole copies of a dead string are left");
}

#[test]
fn a_small_script_changes_few_pages() {
    let modules = Modules::new("export const hello = (n) => 'hello ' + n; export default { hello };");
    let mut guest = on_base(&modules);
    let before = guest.memory.data(&guest.store).to_vec();
    assert_eq!(guest.start(), 0);
    guest.call("sy_gc", &[]);
    let pages = |a: &[u8], b: &[u8]| a.chunks(4096).zip(b.chunks(4096)).filter(|(a, b)| a != b).count();
    let delta = pages(&before, guest.memory.data(&guest.store));
    let started = guest.memory.data(&guest.store).to_vec();
    assert_eq!(guest.ask("hello", &[Value::Text("you")]), "hello you");
    let dirtied = pages(&started, guest.memory.data(&guest.store));
    println!("delta {delta} pages, a request dirties {dirtied}");
    assert!(delta <= 24, "{delta}");
    assert!(dirtied <= 24, "{dirtied}");
    assert_eq!(before.len(), guest.memory.data_size(&guest.store), "no growth");
}
