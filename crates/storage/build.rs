//! A new migration must be embedded: cargo does not see by itself that a folder was read.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
