//! The JavaScript engine as a wasm module, the platform's JavaScript, and the language the two of them speak with the
//! host (`abi`). This crate holds bytes and constants; running them is the runtime's business.

pub mod abi;

/// The engine: QuickJS with the shim of `engine/`, a core module that imports its memory. Built by build.rs.
pub const ENGINE_WASM: &[u8] = include_bytes!(env!("SWITCHYARD_ENGINE_PATH"));

/// The platform's modules, name and source, in the order of their names.
pub static PLATFORM: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/platform.rs"));

/// The platform module to boot; it imports the others.
pub const PLATFORM_MAIN: &str = "platform:main.js";

/// SHA-256 of [`ENGINE_WASM`], in hex.
pub fn engine_digest() -> &'static str {
    env!("SWITCHYARD_ENGINE_DIGEST")
}

/// What compiled the engine, such as `zig 0.17.1`; `prebuilt` if it was given as a file.
pub fn engine_compiler() -> &'static str {
    env!("SWITCHYARD_ENGINE_COMPILER")
}

/// SHA-256 over the names and sources of [`PLATFORM`], in hex.
pub fn platform_digest() -> &'static str {
    env!("SWITCHYARD_PLATFORM_DIGEST")
}
