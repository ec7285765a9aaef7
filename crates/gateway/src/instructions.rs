//! What the pieces of a request's way through the gateway cost, in instructions, which no other work on the machine
//! moves. This program of tests runs itself under callgrind: a piece is done so many times between the begin and the
//! end of [`switchyard_measured`], and what our own code executed meanwhile is compared with what is stored.
//!
//! What varies between machines is left out: the C library's instructions, since each system has another version of it
//! and it chooses by the processor (how often its allocator is asked is counted instead). The Rust code that chooses by
//! the processor sees the one that valgrind shows, which is the same on every machine with AVX2.

mod allocations;
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
/// The file to which the counted program writes each piece's name and allocations.
const TELL: &str = "SWITCHYARD_INSTRUCTIONS_TELL";
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
    let mut told = String::new();
    pieces::each(|name, piece| {
        (0..WARM_UP).for_each(&mut *piece);
        let before = allocations::asked();
        switchyard_measured(ROUNDS, piece);
        let asked = allocations::asked() - before;
        told.push_str(&format!("{name} {asked}\n"));
    });
    if let Some(file) = std::env::var_os(TELL) {
        std::fs::write(file, told).unwrap();
    }
}

#[test]
fn each_piece_takes_the_instructions_that_are_stored() {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) || !std::is_x86_feature_detected!("avx2") {
        return eprintln!("SKIPPED: instructions are counted on x86-64 Linux with AVX2");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    let Some(counts) = callgrind::run("instructions::rounds", "switchyard_measured", (TELL, &file)) else {
        return eprintln!("SKIPPED: instructions of the gateway's pieces: there is no valgrind (Debian: valgrind)");
    };
    let told = std::fs::read_to_string(file).unwrap();
    assert_eq!(told.lines().count(), counts.len(), "a count for each piece");
    let mut counted = BTreeMap::new();
    for (line, instructions) in told.lines().zip(counts) {
        let (name, asked) = line.split_once(' ').unwrap();
        counted.insert(name.to_owned(), instructions as f64 / ROUNDS as f64);
        counted.insert(format!("{name}-allocations"), asked.parse::<f64>().unwrap() / ROUNDS as f64);
    }
    // The gate can fail: the same piece with a short loop in it, and with one more allocation, is out of bounds.
    for of in ["", "-allocations"] {
        let plain = counted[&format!("{}{of}", pieces::PLAIN)];
        let longer = counted.remove(&format!("{}{of}", pieces::LONGER)).unwrap();
        println!("{}{of}: {plain}; with a loop of {} turns and an allocation {longer}", pieces::PLAIN, pieces::TURNS);
        assert!(longer > plain && !bounds::holds(plain, longer), "what was added went unseen: {plain}, {longer}");
    }

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
