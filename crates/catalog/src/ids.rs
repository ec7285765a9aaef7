//! Immutable identifiers. Every cache, log, limit and state key is one of these, never a name, so
//! that rename, delete and recreate can not mix two tenants.

use std::fmt;

use uuid::Uuid;

/// An account: what the API's path calls `account_id`. Any text of 1 to 32 of `[A-Za-z0-9_-]`
/// (32 hex digits in the real service; contract §1.1).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

impl AccountId {
    /// Parses what a path segment or a config file says.
    pub fn parse(text: &str) -> Option<Self> {
        let fits =
            (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        fits.then(|| Self(text.to_owned()))
    }

    /// 32 hex digits, unique in time and space.
    pub fn random() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh one, unique in time and space.
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// Reads the hyphenated or the bare 32-digit form.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }

            /// For storage, which keeps ids as 16 bytes.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub fn as_uuid(&self) -> &Uuid {
                &self.0
            }

            /// 32 lower-case hex digits without hyphens.
            pub fn simple(&self) -> String {
                let mut buffer = Uuid::encode_buffer();
                (&*self.0.simple().encode_lower(&mut buffer)).to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

uuid_id!(
    /// A dispatch namespace, over all its names.
    NamespaceId
);
uuid_id!(
    /// A script: Cloudflare's immutable `tag`, shown as 32 hex digits ([`ScriptId::simple`]).
    ScriptId
);
uuid_id!(
    /// One immutable version of a script.
    VersionId
);
uuid_id!(
    /// One deployment: a decision which versions are live.
    DeploymentId
);
uuid_id!(
    /// One stored secret value. A changed secret is a new one.
    SecretId
);
