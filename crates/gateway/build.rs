//! Tells the crate what builds it: counts of instructions hold for one compiler and one level of optimisation.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=SWITCHYARD_RUSTC={}", version.unwrap_or_default());
    for (name, of) in [("SWITCHYARD_OPT_LEVEL", "OPT_LEVEL"), ("SWITCHYARD_TARGET", "TARGET")] {
        println!("cargo::rustc-env={name}={}", std::env::var(of).unwrap_or_default());
    }
}
