//! References: who needs one of the account's own Workers, and what for.

use crate::{BindingName, NamespaceName, ScriptName};

/// A script that names a Worker of its account, in a binding of what is deployed of it or in its
/// settings. Its calls of that Worker fail when the Worker is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// `None`: one of the account's own Workers.
    pub namespace: Option<NamespaceName>,
    pub script: ScriptName,
    pub usage: ReferenceUsage,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceUsage {
    /// A service binding of this name.
    Service { binding: BindingName },
    /// The outbound Worker of a dispatch-namespace binding of this name.
    Outbound { binding: BindingName, namespace: NamespaceName },
    /// One of its `tail_consumers`.
    Tail,
}

impl Reference {
    /// `namespace/script`, or the name of an account's own Worker.
    pub fn address(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.script),
            None => self.script.to_string(),
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = self.address();
        match &self.usage {
            ReferenceUsage::Service { binding } => write!(f, "{address} (service binding {binding})"),
            ReferenceUsage::Outbound { binding, namespace } => {
                write!(f, "{address} (outbound Worker of binding {binding} to the dispatch namespace {namespace})")
            }
            ReferenceUsage::Tail => write!(f, "{address} (tail consumer)"),
        }
    }
}
