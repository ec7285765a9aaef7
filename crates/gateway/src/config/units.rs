//! Durations and sizes as people write them: `"30s"`, `"150ms"`, `"128MiB"`.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::{InstanceType, Schema, SchemaObject, StringValidation};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// `"1m 30s"`, `"150ms"`, `"0s"`.
///
/// # Errors
/// A message that quotes the text.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| format!("{text:?} is not a duration, such as \"30s\" or \"150ms\""))
}

/// Bytes: a number, with `KiB`, `MiB`, `GiB`, `KB`, `MB`, `GB` or `B` behind it.
///
/// # Errors
/// A message that quotes the text.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size, such as \"64KiB\" or \"128MiB\"");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = match text[digits..].trim() {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

/// The largest unit that divides it.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    format!("{bytes}B")
}

/// For `#[serde(with)]` on a `Duration`.
#[expect(non_camel_case_types, reason = "serde's `with` names it like a module; for the schema it must be a type")]
pub(super) struct duration;

impl duration {
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*value))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        parse_duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for duration {
    fn is_referenceable() -> bool {
        false
    }

    fn schema_name() -> String {
        "duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        duration_schema()
    }
}

/// `"10.0.0.0/8"`, or one address.
///
/// # Errors
/// A message that quotes the text.
pub fn parse_net(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| format!("{text:?} is not a network, such as \"10.0.0.0/8\""))
}

/// For lists of networks.
pub(super) fn nets<'de, D: Deserializer<'de>, T: FromIterator<IpNet>>(deserializer: D) -> Result<T, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| parse_net(text).map_err(D::Error::custom)).collect()
}

/// As [`nets`], where leaving them out means something.
pub(super) fn optional_nets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<IpNet>>, D::Error> {
    nets(deserializer).map(Some)
}

/// As [`duration`], where leaving it out means something.
#[expect(non_camel_case_types, reason = "serde's `with` names it like a module; for the schema it must be a type")]
pub(super) struct optional_duration;

impl optional_duration {
    pub fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => duration::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        parse_duration(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
    }
}

impl JsonSchema for optional_duration {
    fn is_referenceable() -> bool {
        false
    }

    fn schema_name() -> String {
        "optional_duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        duration_schema()
    }
}

/// For `#[serde(with)]` on bytes.
#[expect(non_camel_case_types, reason = "serde's `with` names it like a module; for the schema it must be a type")]
pub(super) struct size;

impl size {
    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&show_size(*value))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        parse_size(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for size {
    fn is_referenceable() -> bool {
        false
    }

    fn schema_name() -> String {
        "size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        size_schema()
    }
}

/// As [`size`], where leaving it out means something.
#[expect(non_camel_case_types, reason = "serde's `with` names it like a module; for the schema it must be a type")]
pub(super) struct optional_size;

impl optional_size {
    pub fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => size::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        parse_size(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
    }
}

impl JsonSchema for optional_size {
    fn is_referenceable() -> bool {
        false
    }

    fn schema_name() -> String {
        "optional_size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        size_schema()
    }
}

fn duration_schema() -> Schema {
    text("duration", "^[0-9]")
}

fn size_schema() -> Schema {
    text("size", "^[0-9]+ *(B|KB|MB|GB|KiB|MiB|GiB)?$")
}

/// A text that matches. `format`: what people call it; none of the schema's own.
pub(super) fn text(format: &str, pattern: &str) -> Schema {
    let validation = StringValidation { pattern: Some(pattern.to_owned()), ..StringValidation::default() };
    let format = Some(format.to_owned()).filter(|format| !format.is_empty());
    Schema::Object(SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        format,
        string: Some(Box::new(validation)),
        ..SchemaObject::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses() {
        assert_eq!(parse_net("10.0.0.0/8").unwrap().prefix_len(), 8);
        assert_eq!(parse_net("::1").unwrap().prefix_len(), 128);
        for bad in ["", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.0/"] {
            assert!(parse_net(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_read_and_show() {
        for (text, bytes) in [("0", 0), ("5B", 5), ("64KiB", 65_536), ("128 MiB", 128 << 20), ("1GB", 1_000_000_000)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
            assert_eq!(parse_size(&show_size(bytes)), Ok(bytes));
        }
        for bad in ["", "MiB", "-1", "1.5MiB", "1 TiB", "99999999999GiB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
