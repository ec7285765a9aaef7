//! .
#[allow(unused_imports, reason = "comes")]
use super::*;
