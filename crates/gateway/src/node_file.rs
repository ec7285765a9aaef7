//! `node.json` in the data folder of a running node: where it answers, for tools on the same machine.
//! Written when the node is ready, removed when it drains; after a crash it is left and names nothing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const NAME: &str = "node.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFile {
    /// With `/client/v4`.
    pub admin: String,
    /// The file with the certificate that is shown there, where it speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_certificate: Option<PathBuf>,
    pub gateway: Vec<String>,
    /// The bootstrap account, and the file that holds its token.
    pub account: Option<String>,
    pub token_file: Option<PathBuf>,
}

impl NodeFile {
    /// Of the node on this folder. `None`: none is running, as far as one can tell.
    pub fn read(data: &Path) -> Option<Self> {
        let text = std::fs::read(data.join(NAME)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Appears whole or not at all.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, data: &Path) -> std::io::Result<()> {
        let draft = data.join(format!("{NAME}.draft-{}", std::process::id()));
        std::fs::write(&draft, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&draft, data.join(NAME))
    }

    pub fn remove(data: &Path) {
        let _ = std::fs::remove_file(data.join(NAME));
    }
}
