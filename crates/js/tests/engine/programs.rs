//! Programs made at random (scenarios/program.js) over state of the base, in every way an instance can come about. A
//! difference is reported with its seed and step; SWITCHYARD_TEST_SEED=n runs that seed alone.

use switchyard_js::abi::Value;

use crate::frozen::scale;
use crate::host::{Guest, Modules, SLACK, three_ways};

const MAIN: &str = r#"
export const seed = (n) => program.seed(n);
export const steps = (n) => program.steps(n);
"#;

/// How often an instance collects, or is frozen again.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rhythm {
    Never,
    CollectEachStep,
    FreezeNow,
}

fn instances(modules: &Modules) -> Vec<(String, Rhythm, Guest)> {
    let mut all = Vec::new();
    for rhythm in [Rhythm::Never, Rhythm::CollectEachStep, Rhythm::FreezeNow] {
        for (way, mut guest) in three_ways(modules) {
            // Freezing what was never frozen is another way of being frozen, and so is no way of its own.
            if rhythm == Rhythm::FreezeNow && way != "on a frozen base" {
                continue;
            }
            guest.store.data_mut().collect = rhythm == Rhythm::CollectEachStep;
            all.push((format!("{way}, {rhythm:?}"), rhythm, guest));
        }
    }
    all
}

fn run_seed(modules: &Modules, seed: i32, steps: i32) -> usize {
    let mut all = instances(modules);
    for (_, _, guest) in &mut all {
        guest.ask("seed", &[Value::Int(seed)]);
    }
    let (mut done, mut batch, mut seen) = (0, 1, 0);
    while done < steps {
        let mut expected: Option<String> = None;
        for (way, rhythm, guest) in &mut all {
            let answer = guest.ask("steps", &[Value::Int(batch)]);
            match rhythm {
                Rhythm::Never => {}
                Rhythm::CollectEachStep => {
                    guest.call("sy_gc", &[]);
                }
                Rhythm::FreezeNow if done % 7 == 0 => guest.freeze(SLACK),
                Rhythm::FreezeNow => {}
            }
            let expected = expected.get_or_insert_with(|| answer.clone());
            if answer != *expected {
                let differing = answer.lines().zip(expected.lines()).enumerate();
                let first = differing.into_iter().find(|(_, (a, b))| a != b);
                panic!("seed {seed}, steps from {done}, {way}: {first:#?}");
            }
        }
        let answer = expected.unwrap_or_default();
        assert_eq!(answer.lines().count() as i32, batch, "seed {seed} at {done}: {answer}");
        seen += answer.len();
        done += batch;
        batch = batch % 5 + 1;
    }
    seen
}

#[test]
fn random_programs_see_the_same_in_all_ways() {
    let modules = Modules::themed(MAIN);
    let alone = std::env::var("SWITCHYARD_TEST_SEED").ok();
    let seeds = match alone.and_then(|s| s.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 1..1 + 4 * scale() as i32,
    };
    let mut seen = 0;
    for seed in seeds.clone() {
        seen += run_seed(&modules, seed, 2500);
    }
    println!("seeds {seeds:?}: {seen} bytes of observations");
}
