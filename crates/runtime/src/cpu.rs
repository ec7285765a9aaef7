//! CPUs that code can be compiled for: this machine's, with all that it has, or less, so that the code runs on others.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What compiled code asks of a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cpu {
    /// SSE 4.2 and POPCNT: servers from 2009 on.
    #[serde(rename = "x86-64-v2")]
    X86V2,
    /// AVX2, BMI and FMA too: servers from 2015 on (Haswell, Zen), and most of what clouds rent.
    #[serde(rename = "x86-64-v3")]
    X86V3,
    /// What the architecture began with.
    #[serde(rename = "armv8-a")]
    Arm8,
}

impl Cpu {
    const ALL: [Self; 3] = [Self::X86V2, Self::X86V3, Self::Arm8];

    fn as_str(self) -> &'static str {
        match self {
            Self::X86V2 => "x86-64-v2",
            Self::X86V3 => "x86-64-v3",
            Self::Arm8 => "armv8-a",
        }
    }

    /// What the engine is shipped for: as little as there is, for what interprets gains nothing by more. (Eight small
    /// programs took 0.94 to 1.03 times what they took with code for a CPU with AVX-512, in the mean 0.99.)
    pub const BASELINE: Self = if cfg!(target_arch = "aarch64") { Self::Arm8 } else { Self::X86V2 };

    /// Sets a compiler to it.
    ///
    /// # Errors
    /// It is another architecture's.
    pub(crate) fn set(self, config: &mut wasmtime::Config) -> wasmtime::Result<()> {
        let (triple, preset) = match self {
            Self::X86V2 => ("x86_64-unknown-linux-gnu", Some("x86-64-v2")),
            Self::X86V3 => ("x86_64-unknown-linux-gnu", Some("x86-64-v3")),
            Self::Arm8 => ("aarch64-unknown-linux-gnu", None),
        };
        if !triple.starts_with(std::env::consts::ARCH) {
            wasmtime::bail!("{self} is no {}", std::env::consts::ARCH);
        }
        // Named, the target has nothing of the machine that compiles.
        config.target(triple)?;
        if let Some(preset) = preset {
            // SAFETY: it adds instructions to those that may be used, and is in the code's own description, by which
            // wasmtime refuses it on a machine without them.
            unsafe { config.cranelift_flag_enable(preset) };
        }
        Ok(())
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Cpu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|cpu| cpu.as_str() == text);
        found.ok_or_else(|| format!("one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}
