//! What a machine gives the runtime, tried for real: for those who look before they start a node.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use switchyard_catalog::{AccountId, InvalidScript, ScriptName};

use crate::compile::{CompileConfig, Compiler, Who};
use crate::component::{ComponentEngine, Model};
use crate::pagemap::Pagemap;
use crate::{RuntimeError, engine};

/// How the pages that a guest has written to are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageScan {
    /// The kernel looks (PAGEMAP_SCAN, Linux 6.7).
    ByCall,
    /// By reading `/proc/self/pagemap`, at about the same price.
    ByRead,
}

/// # Errors
/// When this process cannot see its own pages: no Worker could run clean.
pub fn page_scan() -> io::Result<PageScan> {
    let mut pagemap = Pagemap::open()?;
    let touched = vec![1_u8; 4 * crate::image::PAGE];
    let start = touched.as_ptr() as usize & !(crate::image::PAGE - 1);
    pagemap.private(start as *const u8, 2 * crate::image::PAGE, &mut Vec::new())?;
    Ok(if pagemap.is_by_read() { PageScan::ByRead } else { PageScan::ByCall })
}

/// Reserves the address space that so many instances of Workers and of components need, and gives it back. Returns how
/// many bytes that were.
///
/// # Errors
/// When the system does not give it.
pub fn reserve(instances: u32) -> Result<u64, RuntimeError> {
    let before = address_space().unwrap_or_default();
    let workers = engine::reserve(instances)?;
    let components: Result<Vec<_>, _> =
        Model::ALL.map(|model| ComponentEngine::new(model, instances)).into_iter().collect();
    let components = components?;
    let after = address_space().unwrap_or_default();
    drop((workers, components));
    Ok(after.saturating_sub(before))
}

/// Bytes of address space of this process.
fn address_space() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().next()?.parse().ok()?;
    pages.checked_mul(crate::image::PAGE as u64)
}

/// Compiles an empty component as an uploaded one is: in a process of its own, in its cell, under its limits. Returns
/// how long it took.
/// `output`: a file, for what comes of it.
///
/// # Errors
/// With what the compiler, or the system, said.
pub async fn compile_nothing(config: CompileConfig, output: File) -> Result<Duration, String> {
    /// `(component)`
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
    let (Some(account), Ok(script)) = (AccountId::parse("doctor"), ScriptName::parse("doctor")) else {
        return Err("names are not understood".to_owned());
    };
    let began = Instant::now();
    let who = Who { account, namespace: None, script };
    let done = Compiler::new(config).compile(&who, Bytes::from_static(EMPTY), Model::Plain, output).await;
    done.map(|_| began.elapsed()).map_err(|error| match error {
        InvalidScript::Refused(message) | InvalidScript::Busy(message) | InvalidScript::Unavailable(message) => message,
    })
}

/// What the program's engine is, by digests: which sealed Workers fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineDigests {
    /// SHA-256 of the JavaScript engine's module, in hex.
    pub engine: &'static str,
    /// What compiled it.
    pub compiler: &'static str,
    /// SHA-256 of the platform's JavaScript, in hex.
    pub platform: &'static str,
}

pub fn engine_digests() -> EngineDigests {
    EngineDigests {
        engine: switchyard_js::engine_digest(),
        compiler: switchyard_js::engine_compiler(),
        platform: switchyard_js::platform_digest(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_will_do() {
        page_scan().unwrap();
        // Two engines with room for ten each: 4 GiB an instance at least.
        assert!(reserve(10).unwrap() > 80 << 30);
        assert_eq!(engine_digests().engine.len(), 64);
    }
}
