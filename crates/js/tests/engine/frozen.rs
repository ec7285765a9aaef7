//! Freezing changes no answer, and a warm frozen instance does not grow.

use switchyard_js::abi::Value;

use crate::host::{Guest, Modules, on_base, three_ways};

const MAIN: &str = r#"
const names = Object.keys(scenarios);
export const count = () => names.length;
export const run = (i) => scenarios[names[i % names.length]](i);
export const one = (name, i) => scenarios[name](i);
"#;

fn scale() -> u32 {
    std::env::var("SWITCHYARD_TEST_SCALE")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(1)
}

fn run(guest: &mut Guest, i: u32) -> String {
    guest.ask("run", &[Value::Int(i as i32)])
}

#[test]
fn every_scenario_answers_alike_in_all_three_ways() {
    let mut ways = three_ways(&Modules::new(MAIN));
    let count: u32 = ways[0].1.ask("count", &[]).parse().expect("a number");
    println!("{count} scenarios");
    assert!(count >= 50);
    for i in 0..count * 60 * scale() {
        let answers: Vec<_> = ways.iter_mut().map(|(_, g)| run(g, i)).collect();
        assert_ne!(answers[0], "no answer", "scenario {}", i % count);
        for (way, answer) in ways.iter().zip(&answers) {
            assert_eq!(
                *answer,
                answers[0],
                "scenario {} at {i}, {}",
                i % count,
                way.0
            );
        }
        if i % 1999 == 0 {
            ways.iter_mut().for_each(|(_, g)| {
                g.call("sy_gc", &[]);
            });
        }
    }
}

/// A collection after every request finds what was counted wrongly sooner than the heap's own rhythm does.
#[test]
fn collecting_after_every_request_changes_nothing() {
    let mut ways = three_ways(&Modules::new(MAIN));
    for i in 0..600 * scale() {
        let answers: Vec<_> = ways
            .iter_mut()
            .map(|(_, g)| {
                let answer = run(g, i);
                g.call("sy_gc", &[]);
                answer
            })
            .collect();
        assert!(
            answers.iter().all(|a| *a == answers[0]),
            "at {i}: {answers:?}"
        );
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
    println!(
        "heap ends at {} KiB, memory {} KiB",
        top >> 10,
        guest.memory.data_size(&guest.store) >> 10
    );
    // The end rises to what two collections' worth of garbage needs, then stays, however many requests there are.
    assert!(top < 2600 << 10, "{top}");
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
    let found = memory
        .windows(secret.len())
        .filter(|w| *w == secret.as_bytes())
        .count();
    assert_eq!(found, 0, "whole copies of a dead string are left");
}

#[test]
fn a_small_script_changes_few_pages() {
    let modules =
        Modules::new("export const hello = (n) => 'hello ' + n; export default { hello };");
    let mut guest = on_base(&modules);
    let before = guest.memory.data(&guest.store).to_vec();
    assert_eq!(guest.start(), 0);
    guest.call("sy_gc", &[]);
    let pages = |a: &[u8], b: &[u8]| {
        a.chunks(4096)
            .zip(b.chunks(4096))
            .filter(|(a, b)| a != b)
            .count()
    };
    let delta = pages(&before, guest.memory.data(&guest.store));
    let started = guest.memory.data(&guest.store).to_vec();
    assert_eq!(guest.ask("hello", &[Value::Text("you")]), "hello you");
    let dirtied = pages(&started, guest.memory.data(&guest.store));
    println!("delta {delta} pages, a request dirties {dirtied}");
    assert!(delta <= 24, "{delta}");
    assert!(dirtied <= 24, "{dirtied}");
    assert_eq!(
        before.len(),
        guest.memory.data_size(&guest.store),
        "no growth"
    );
}
