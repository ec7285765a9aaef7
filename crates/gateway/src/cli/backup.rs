//! `backup` and `restore`: the data folder of a node on this machine, which may be serving.

use std::io::{stdin, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use switchyard_storage::{BackupManifest, BackupSource, BackupTarget};

use super::client::CliError;
use crate::config::Config;

/// Which data folder is meant.
#[derive(Debug, Args)]
pub struct Place {
    /// The node's data folder
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_DATA", default_value = "./.switchyard")]
    data: PathBuf,
    /// The node's configuration, which names its data folder; wins over --data
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CONFIG")]
    config: Option<PathBuf>,
}

impl Place {
    /// The folder, as the node itself finds it.
    pub(super) fn data(&self) -> Result<PathBuf, CliError> {
        let Some(file) = &self.config else { return Ok(self.data.clone()) };
        let config = Config::load(file).map_err(|error| CliError::usage(crate::chain(&error)))?;
        Ok(config.data)
    }
}

#[derive(Debug, Args)]
pub struct Backup {
    /// A new folder; a new file that ends in .tar; or "-": a tar stream on the output
    #[arg(value_name = "DIR|FILE.tar|-")]
    to: PathBuf,
    /// Leave the key of the tenants' secrets out: a restore needs it from elsewhere (secret.key of the data folder)
    #[arg(long)]
    without_key: bool,
    #[command(flatten)]
    place: Place,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// The backup: a folder, a tar file, or "-": a tar stream on the input
    #[arg(value_name = "DIR|FILE.tar|-")]
    from: PathBuf,
    /// The data folder to make: new, or empty
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_DATA", required_unless_present = "config")]
    data: Option<PathBuf>,
    /// The node's configuration, which names the data folder; wins over --data
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CONFIG")]
    config: Option<PathBuf>,
    /// The file with the key of the tenants' secrets, for a backup without it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

const STREAM: &str = "-";

impl Backup {
    /// What was done, as it is printed.
    pub(super) async fn run(&self) -> Result<String, CliError> {
        let data = self.place.data()?;
        let streamed = self.to == Path::new(STREAM);
        let to = if streamed {
            BackupTarget::Stream(Box::new(std::io::BufWriter::with_capacity(1 << 20, stdout())))
        } else if self.to.extension().is_some_and(|extension| extension == "tar") {
            BackupTarget::File(self.to.clone())
        } else {
            BackupTarget::Folder(self.to.clone())
        };
        let made = switchyard_storage::backup(&data, to, !self.without_key).await;
        let made = made.map_err(|error| CliError::usage(crate::chain(&error)))?;
        let key = match made.with_key {
            true => "with the key of the tenants' secrets: guard it as you guard the node",
            false => "without the key of the tenants' secrets: keep secret.key of the data folder elsewhere",
        };
        let text = shown(self.json, &made, &format!("backed up {} to {}", data.display(), self.to.display()), key);
        if streamed {
            // The output is the backup itself.
            eprint!("{text}");
            return Ok(String::new());
        }
        Ok(text)
    }
}

impl Restore {
    /// What was done, as it is printed.
    pub(super) async fn run(&self) -> Result<String, CliError> {
        let default = self.data.clone().unwrap_or_default();
        let data = Place { data: default, config: self.config.clone() }.data()?;
        let failed = |error| CliError::usage(crate::chain(&error));
        let from = if self.from == Path::new(STREAM) {
            BackupSource::Stream(Box::new(stdin()))
        } else {
            BackupSource::open(&self.from).map_err(failed)?
        };
        let restored = switchyard_storage::restore(from, &data, self.key.as_deref()).await.map_err(failed)?;
        let what = format!("restored {} of {} into {}", self.from.display(), restored.created_on, data.display());
        Ok(shown(self.json, &restored, &what, "Workers are made of their source again, each at its first request"))
    }
}

fn shown(as_json: bool, manifest: &BackupManifest, what: &str, more: &str) -> String {
    if as_json {
        return format!("{:#}\n", json!(manifest));
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!(
        "{what}: a catalog of {:.1} MiB, {} files of code and assets of {:.1} MiB;\n{more}\n",
        mib(manifest.catalog_bytes),
        manifest.blobs,
        mib(manifest.blob_bytes),
    )
}
