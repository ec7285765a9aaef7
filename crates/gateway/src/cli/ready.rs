//! `ready`: whether a node takes requests, for health checks of containers, which may have no other program.

use std::path::PathBuf;

use clap::Args;

use super::backup::Place;
use super::client::{CliError, normal, reachable_health};
use crate::node_file::NodeFile;

#[derive(Debug, Args)]
pub struct Ready {
    /// Address of the admin listener, such as http://127.0.0.1:8081; left out: that of the node on the data folder
    #[arg(long, value_name = "URL", env = "SWITCHYARD_ADMIN")]
    admin: Option<String>,
    /// A PEM file of authorities that may have signed the node's certificate, besides the public ones
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CA")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

impl Ready {
    /// What is printed.
    ///
    /// # Errors
    /// The node does not answer, or says no.
    pub(super) async fn run(&self) -> Result<String, CliError> {
        let (address, shown) = match &self.admin {
            Some(given) => (normal(given)?, None),
            None => {
                let data = self.place.data()?;
                let node = NodeFile::read(&data).ok_or_else(|| CliError::NoNode(data.display().to_string()))?;
                (node.admin, node.admin_certificate)
            }
        };
        let root = address.strip_suffix("/client/v4").unwrap_or(&address);
        reachable_health(root, self.ca.as_deref(), shown.as_deref()).await.map(|()| format!("{root} is ready\n"))
    }
}
