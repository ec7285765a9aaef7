//! What every guest here does, whatever it is made with: it greets, and fails where it is asked to.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

static GREETED: AtomicUsize = AtomicUsize::new(0);

/// With a variable of the Worker, and with how often this instance has greeted.
pub fn greet(method: &str, path: &str) -> String {
    let greeting = std::env::var("GREETING").unwrap_or_default();
    format!("{greeting} to {method} {path}, number {}", GREETED.fetch_add(1, Ordering::Relaxed) + 1)
}

/// The URL that guests fetch.
pub fn origin() -> String {
    std::env::var("ORIGIN").expect("ORIGIN is set")
}

/// Comes back for paths that ask for nothing bad.
pub fn fail_if_asked(path: &str) {
    match path {
        "/panic" => panic!("asked to"),
        "/spin" => loop {
            black_box(path);
        },
        "/grow" => {
            let mut kept = Vec::new();
            loop {
                kept.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        _ => {}
    }
}
