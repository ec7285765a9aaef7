//! `[runtime] engine`: where the compiled JavaScript engine comes from at a first start.

use std::path::PathBuf;

use schemars::{JsonSchema, r#gen::SchemaGenerator, schema::Schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::units;

/// What is kept in the data folder of an earlier start goes before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineSource {
    /// What came with the program, if anything did; else as [`EngineSource::Compile`].
    Auto,
    /// Compiled by the node, for its own CPU.
    Compile,
    /// What came with the program, from an absolute folder.
    Folder(PathBuf),
}

impl EngineSource {
    /// Where to look for what came with the program.
    pub fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::Auto => switchyard_runtime::beside_program(),
            Self::Compile => None,
            Self::Folder(folder) => Some(folder.clone()),
        }
    }
}

impl JsonSchema for EngineSource {
    fn is_referenceable() -> bool {
        false
    }

    fn schema_name() -> String {
        "EngineSource".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        units::text("", "^(auto|compile|/.*)$")
    }
}

impl Serialize for EngineSource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => to.serialize_str("auto"),
            Self::Compile => to.serialize_str("compile"),
            Self::Folder(folder) => folder.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for EngineSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match String::deserialize(from)?.as_str() {
            "auto" => Ok(Self::Auto),
            "compile" => Ok(Self::Compile),
            path if path.starts_with('/') => Ok(Self::Folder(path.into())),
            other => {
                Err(D::Error::custom(format!("{other:?} is neither \"auto\", \"compile\" nor an absolute folder")))
            }
        }
    }
}
