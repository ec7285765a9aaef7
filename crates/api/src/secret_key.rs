//! `secret_key` as sent, in `bindings` and in secrets (contract §3.5): a key, and how `crypto.subtle` is to take it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use switchyard_catalog::{KEY_USAGES, KeyFormat, KeyInfo, NewSecret, Secret};

/// The fields beside name and type. No `Debug`: the key must not be printable.
#[derive(Deserialize)]
pub(crate) struct SentKey {
    #[serde(default)]
    algorithm: Option<Value>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    usages: Option<Vec<String>>,
    #[serde(default)]
    key_base64: Option<String>,
    #[serde(default)]
    key_jwk: Option<Map<String, Value>>,
}

impl SentKey {
    /// # Errors
    /// The field and what it must be.
    pub(crate) fn parse(self) -> Result<NewSecret, String> {
        let format = self.format.ok_or("format is missing")?;
        let formats = KeyFormat::ALL.map(KeyFormat::name).join(", ");
        let format = KeyFormat::parse(&format).ok_or(format!("format must be one of {formats}"))?;
        let algorithm = self.algorithm.ok_or("algorithm is missing")?;
        let named = match &algorithm {
            Value::String(name) => !name.is_empty(),
            Value::Object(fields) => fields.get("name").is_some_and(Value::is_string),
            _ => false,
        };
        if !named {
            return Err("algorithm must be a name, or an object with a name".into());
        }
        let usages = self.usages.ok_or("usages is missing")?;
        if usages.len() > KEY_USAGES.len() || usages.iter().any(|usage| !KEY_USAGES.contains(&usage.as_str())) {
            return Err(format!("usages must be among {}", KEY_USAGES.join(", ")));
        }
        let key = match (format, self.key_base64, self.key_jwk) {
            (KeyFormat::Jwk, None, Some(jwk)) => Value::Object(jwk).to_string(),
            (KeyFormat::Jwk, ..) => return Err("a key of format jwk is given as key_jwk".into()),
            (_, Some(base64), None) => {
                let bytes = STANDARD.decode(base64.trim()).map_err(|_| "key_base64 is not base64")?;
                STANDARD.encode(bytes)
            }
            _ => return Err(format!("a key of format {} is given as key_base64", format.name())),
        };
        Ok(NewSecret { value: Secret::new(key), key: Some(KeyInfo { format, algorithm, usages }) })
    }
}

/// What replies show of a key.
pub(crate) fn show(key: &KeyInfo) -> Value {
    json!({ "algorithm": key.algorithm, "format": key.format.name(), "usages": key.usages })
}
