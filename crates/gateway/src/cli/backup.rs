//! `backup` and `restore`: the data folder of a node on this machine, which may be serving.

use std::io::{stdin, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use switchyard_storage::{BackupManifest, BackupSource, BackupTarget};

use super::client::CliError;
use crate::config::Config;

/// Which data folder is meant: the one named, else the configuration's, else that of the environment.
#[derive(Debug, Args)]
pub struct Place {
    /// The node's data folder; left out: that of the configuration, or SWITCHYARD_DATA
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// The node's configuration, which names its data folder
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CONFIG")]
    pub(super) config: Option<PathBuf>,
}

impl Place {
    /// The folder, as the node itself finds it; `None`: nothing names one.
    ///
    /// # Errors
    /// The configuration is wrong.
    fn named(&self) -> Result<Option<PathBuf>, CliError> {
        if let Some(data) = &self.data {
            return Ok(Some(data.clone()));
        }
        if let Some(file) = &self.config {
            let config = Config::load(file).map_err(|error| CliError::usage(crate::chain(&error)))?;
            return Ok(Some(config.data));
        }
        Ok(std::env::var_os("SWITCHYARD_DATA").filter(|data| !data.is_empty()).map(PathBuf::from))
    }

    /// As [`Place::named`], or else that of `switchyard dev`.
    pub(super) fn data(&self) -> Result<PathBuf, CliError> {
        Ok(self.named()?.unwrap_or_else(|| DEVELOPMENT.into()))
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
    #[command(flatten)]
    place: Place,
    /// The file with the key of the tenants' secrets, for a backup without it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

const STREAM: &str = "-";
/// The data folder of `switchyard dev`.
const DEVELOPMENT: &str = "./.switchyard";

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
        let unnamed = || CliError::usage("name the data folder to make, with --data or --config");
        let data = self.place.named()?.ok_or_else(unnamed)?;
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
