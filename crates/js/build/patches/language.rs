//! What current V8 runs and QuickJS lacks, or does otherwise where programs notice.

use super::Patch;

pub const PATCHES: &[Patch] = &[];
