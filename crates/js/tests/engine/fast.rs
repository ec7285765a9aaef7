//! The engine's shorter ways answer as the long ones: variables, properties, comparisons, texts, JSON, Maps, arrays taken
//! apart, promises and private fields as V8 says, and searches as QuickJS's own code found them.

use crate::host::{Modules, on_a_large_stack, three_ways};

fn each_way_says(source: &str, expected: &str) {
    on_a_large_stack(|| {
        for (way, mut guest) in three_ways(&Modules::new(source)) {
            let said = guest.ask("run", &[]);
            let other = said.lines().zip(expected.lines()).position(|(said, expected)| said != expected);
            let line = other.map(|at| (at + 1, said.lines().nth(at), expected.lines().nth(at)));
            assert!(said.trim_end() == expected.trim_end(), "{way}: {line:?}");
        }
    });
}

/// What waits is done between two calls.
#[test]
fn short_ways_of_requests_say_what_v8_says() {
    on_a_large_stack(|| {
        for (way, mut guest) in three_ways(&Modules::new(include_str!("short.js"))) {
            guest.ask("begin", &[]);
            let said = guest.ask("run", &[]);
            let expected = include_str!("short.txt");
            let other = said.lines().zip(expected.lines()).find(|(said, expected)| said != expected);
            assert!(said.trim_end() == expected.trim_end(), "{way}: {other:?}");
        }
    });
}

#[test]
fn short_ways_say_what_v8_says() {
    each_way_says(include_str!("fast.js"), include_str!("fast.txt"));
}

/// What QuickJS-NG 0.16 said before its searches were changed; how many were asked, and how many found something.
#[test]
fn searches_find_what_they_found() {
    each_way_says(include_str!("searches.js"), "420768687 5996 2354");
}
