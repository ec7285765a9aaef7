//! JSON bodies as typed structs: an object and nothing else, and a misfit told with its place.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

/// A struct that is read from an object only: derived ones would take a list of their fields' values
/// as well, which no client means and our document does not offer.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let object = Map::<String, Value>::deserialize(from)?;
        read(Value::Object(object)).map(Self).map_err(D::Error::custom)
    }
}

/// What is wrong, and where. Shown with [`MARK`] between the two, so that a place within a place can be
/// put together again from the text, which is all that errors of serde carry through one another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// RFC 6901; empty for the whole.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

/// A control character that no pointer and no message of serde has.
const MARK: &str = "\u{1f}";

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}{MARK}{}", self.pointer, self.message)
    }
}

/// # Errors
/// The first field that does not fit.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Misfit> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            let name = match segment {
                Segment::Seq { index } => index.to_string(),
                Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
                Segment::Enum { .. } | Segment::Unknown => continue,
            };
            pointer.push('/');
            pointer.push_str(&name);
        }
        let text = error.into_inner().to_string();
        match text.split_once(MARK) {
            Some((within, message)) => Misfit { pointer: pointer + within, message: message.to_owned() },
            None => Misfit { pointer, message: text },
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, Debug)]
    struct Limit {
        most: Option<u32>,
    }

    #[derive(Deserialize, Debug)]
    struct Limits {
        limits: Vec<Object<Limit>>,
    }

    #[test]
    fn a_list_is_no_object() {
        let read = |text| serde_json::from_str::<Object<Limit>>(text).map(|Object(limit)| limit.most);
        assert_eq!(read(r#"{"most":3}"#).ok(), Some(Some(3)));
        assert_eq!(read("{}").ok(), Some(None));
        assert!(read("[3]").is_err_and(|error| error.to_string().contains("expected a map")));
    }

    #[test]
    fn a_misfit_is_placed_through_objects_in_objects() {
        let found = |value| read::<Object<Limits>>(value).map(|Object(read)| read.limits.len());
        assert_eq!(found(json!({ "limits": [{}] })), Ok(1));
        let misfit = found(json!({ "limits": [{}, { "most": "x" }] })).expect_err("a text is no number");
        assert_eq!(misfit.pointer, "/limits/1/most");
        assert!(misfit.message.starts_with("invalid type: string"), "{}", misfit.message);
    }
}
