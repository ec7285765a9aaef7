//! What every guest here can do wrong, by the request's path.

use std::hint::black_box;

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
