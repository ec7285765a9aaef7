//! Names that people choose, parsed once at the edge and valid ever after (contract §1.5).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is wrong with a name: the kind of name, the text, the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} is not valid: {rule}")]
pub struct NameError {
    pub what: &'static str,
    pub text: String,
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// # Errors
            /// When the text breaks the rule that the type names.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let fits: fn(&str) -> bool = $fits;
                if fits(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    let mut shown: String = text.chars().take(80).collect();
                    if shown.len() < text.len() { shown.push('…') }
                    Err(NameError { what: $what, text: shown, rule: $rule })
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

fn all(text: &str, extra: &[u8]) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || extra.contains(&b))
}

name!(
    /// A dispatch namespace's name.
    NamespaceName, "namespace name", "1 to 64 of A-Z a-z 0-9 _ -",
    |t| (1..=64).contains(&t.len()) && all(t, b"_-")
);
name!(
    /// A plan's name: what `[plan.NAME]` of the configuration sets limits and a weight by.
    PlanName, "plan", "1 to 64 of A-Z a-z 0-9 _ -",
    |t| (1..=64).contains(&t.len()) && all(t, b"_-")
);
name!(
    /// A script's name. One that cannot be a DNS label is not reachable by subdomain.
    ScriptName, "script name", "1 to 255 of A-Z a-z 0-9 _ . -, and not . or ..",
    |t| (1..=255).contains(&t.len()) && all(t, b"_.-") && t != "." && t != ".."
);
name!(
    /// A tag on a script. At most 8 a script ([`Tag::MAX_PER_SCRIPT`]).
    Tag, "tag", "1 to 256 characters without a comma",
    |t| (1..=256).contains(&t.chars().count()) && !t.contains(',') && !t.chars().any(char::is_control)
);
name!(
    /// A binding's name: a JavaScript identifier (ASCII), since it is a property of `env`.
    BindingName, "binding name", "a JavaScript variable name of at most 255 ASCII characters",
    |t| (1..=255).contains(&t.len()) && all(t, b"_$") && !t.as_bytes()[0].is_ascii_digit()
);

impl Tag {
    /// Contract §1.5.
    pub const MAX_PER_SCRIPT: usize = 8;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_their_rules_on_both_sides() {
        assert!(NamespaceName::parse("prod-1_X").is_ok());
        assert!(NamespaceName::parse(&"a".repeat(64)).is_ok());
        assert!(NamespaceName::parse(&"a".repeat(65)).is_err());
        for bad in ["", "a.b", "a/b", "ä"] {
            assert!(NamespaceName::parse(bad).is_err(), "{bad}");
        }
        assert!(ScriptName::parse("a.b-c_D").is_ok());
        for bad in ["", ".", "..", "a b", "a/b"] {
            assert!(ScriptName::parse(bad).is_err(), "{bad}");
        }
        assert!(Tag::parse("a:b").is_ok());
        assert!(Tag::parse("a,b").is_err() && Tag::parse("").is_err());
        assert!(BindingName::parse("$a_1").is_ok());
        assert!(BindingName::parse("1a").is_err() && BindingName::parse("a-b").is_err());
        let message = ScriptName::parse("a b").unwrap_err().to_string();
        assert!(message.contains("script name \"a b\"") && message.contains("255"), "{message}");
    }
}
