//! `[overload]`: how much memory the process may have, and what it does before it has it.

use schemars::{JsonSchema, r#gen::SchemaGenerator, schema::Schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::Wrong;
use super::units::{self, parse_size, show_size};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Overload {
    pub memory: MemoryCeiling,
    /// Per cent of it, here and below.
    pub evict: u8,
    pub shed: u8,
    pub refuse: u8,
}

/// How much memory the process may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryCeiling {
    /// What its control groups (version 2) allow; no ceiling where they say nothing.
    Auto,
    None,
    Bytes(u64),
}

impl JsonSchema for MemoryCeiling {
    fn is_referenceable() -> bool {
        false
    }

    fn schema_name() -> String {
        "MemoryCeiling".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        units::text("", "^(auto|none|[0-9]+ *(B|KB|MB|GB|KiB|MiB|GiB)?)$")
    }
}

impl Serialize for MemoryCeiling {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => to.serialize_str("auto"),
            Self::None => to.serialize_str("none"),
            Self::Bytes(bytes) => to.collect_str(&show_size(*bytes)),
        }
    }
}

impl<'de> Deserialize<'de> for MemoryCeiling {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match String::deserialize(from)?.as_str() {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            size => parse_size(size).map(Self::Bytes).map_err(|_| {
                D::Error::custom(format!("{size:?} is neither \"auto\", \"none\" nor a size, such as \"2GiB\""))
            }),
        }
    }
}

impl Overload {
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let wrong = |key, message: &str| Err(Wrong { key: Some(key), ..Wrong::new("overload", 0, message) });
        if matches!(self.memory, MemoryCeiling::Bytes(bytes) if bytes < 128 << 20) {
            return wrong("memory", "memory is too small: at least 128MiB");
        }
        if self.evict < 10 || self.evict > self.shed {
            return wrong("evict", "evict must be from 10 to shed");
        }
        if self.shed > self.refuse {
            return wrong("shed", "shed must not be above refuse");
        }
        if self.refuse > 100 {
            return wrong("refuse", "refuse is a share of memory in per cent");
        }
        Ok(())
    }
}
