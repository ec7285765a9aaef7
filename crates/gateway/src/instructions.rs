//! What the pieces of a request's way through the gateway cost, in instructions, which no other work on the machine
//! moves. This program of tests runs itself under callgrind: a piece is done so many times between the begin and the
//! end of [`switchyard_measured`], and what our own code executed meanwhile is compared with what is stored.
//!
//! What varies between machines is left out: the C library's instructions, since each system has another version of it
//! (calls of its allocator are counted instead), and its choices by the processor. The Rust code that chooses by the
//! processor sees the one that valgrind shows, which is the same on every machine with AVX2.

mod callgrind;
mod pieces;

use std::collections::BTreeMap;
use std::path::Path;

#[path = "../../runtime/tests/bounds/mod.rs"]
mod bounds;

/// Before they are counted: caches fill, and what is made once is made.
const WARM_UP: usize = 1_000;
/// That are counted.
const ROUNDS: usize = 1_000;
/// How a count is stored anew.
const COMMAND: &str = "SWITCHYARD_BOUNDS=write cargo test --release --lib instructions";

/// What callgrind counts within. It has a name that a tool can be told.
#[unsafe(no_mangle)]
#[inline(never)]
fn switchyard_measured(rounds: usize, piece: &mut dyn FnMut(usize)) {
    for round in 0..rounds {
        piece(round);
    }
}

#[test]
#[ignore = "run under callgrind by the test below"]
fn rounds() {
    let mut names = Vec::new();
    pieces::names(|name| names.push(name));
    let mut names = names.into_iter();
    pieces::each(|name, piece| {
        assert_eq!(names.next(), Some(name), "counts are told apart by their order");
        (0..WARM_UP).for_each(&mut *piece);
        switchyard_measured(ROUNDS, piece);
    });
}

#[test]
fn each_piece_takes_the_instructions_that_are_stored() {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) || !std::is_x86_feature_detected!("avx2") {
        return eprintln!("SKIPPED: instructions are counted on x86-64 Linux with AVX2");
    }
    let mut names = Vec::new();
    pieces::names(|name| names.push(name));
    let Some(counts) = callgrind::run("instructions::rounds", "switchyard_measured") else {
        return eprintln!("SKIPPED: instructions of the gateway's pieces: there is no valgrind (Debian: valgrind)");
    };
    assert_eq!(counts.len(), names.len(), "a count for each piece");
    let each = |count: u64| count as f64 / ROUNDS as f64;
    let mut counted = BTreeMap::new();
    for (name, count) in names.iter().zip(&counts) {
        counted.insert((*name).to_owned(), each(count.instructions));
        counted.insert(format!("{name}-allocations"), each(count.allocations));
    }
    // The gate can fail: the same piece with a short loop in it, and with one more allocation, is out of bounds.
    let (plain, longer) = (counted[pieces::PLAIN], counted.remove(pieces::LONGER).expect("it was counted"));
    assert!(!bounds::holds(plain, longer), "a loop of {} turns went unseen: {plain}, {longer}", pieces::TURNS);
    let allocations = |name: &str| format!("{name}-allocations");
    let more = counted.remove(&allocations(pieces::LONGER)).expect("it was counted");
    assert!(!bounds::holds(counted[&allocations(pieces::PLAIN)], more), "an allocation went unseen");

    let made = [
        ("rustc", env!("SWITCHYARD_RUSTC")),
        ("opt-level", env!("SWITCHYARD_OPT_LEVEL")),
        ("target", env!("SWITCHYARD_TARGET")),
    ];
    let made = made.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bounds/instructions.toml");
    bounds::hold(&file, &made, &counted, COMMAND);
}

#[test]
fn three_in_a_hundred_are_the_bounds() {
    for (stored, counted, within) in [
        (1_000.0, 1_000.0, true),
        (1_000.0, 1_029.0, true),
        (1_000.0, 971.0, true),
        (1_000.0, 1_031.0, false),
        (1_000.0, 969.0, false),
        (0.0, 0.0, true),
        (0.0, 1.0, false),
        (3.0, 4.0, false),
    ] {
        assert_eq!(bounds::holds(stored, counted), within, "{stored} {counted}");
    }
}
