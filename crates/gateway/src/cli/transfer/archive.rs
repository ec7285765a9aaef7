//! The file: a tar with `namespace.json`, of each script `scripts/NAME.json` (what its upload says) and
//! `scripts/NAME.form` (its modules, as a multipart form), and `assets/HASH`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Exported, Script};
use crate::cli::client::CliError;

/// Of this module's writing.
pub(super) const FORMAT: u32 = 1;
pub(super) const NAMESPACE: &str = "namespace.json";
const SCRIPTS: &str = "scripts/";
const ASSETS: &str = "assets/";
/// Of one file in it: more than an upload may have.
const MAX_PART: u64 = 256 << 20;
/// Files in it.
const MAX_FILES: usize = 10_000_000;

pub(super) fn script_name(script: &str) -> String {
    format!("{SCRIPTS}{script}.json")
}

pub(super) fn form_name(script: &str) -> String {
    format!("{SCRIPTS}{script}.form")
}

pub(super) fn asset_name(hash: &str) -> String {
    format!("{ASSETS}{hash}")
}

/// A file that is being written. It appears whole or not at all.
pub(super) struct Writing {
    tar: tar::Builder<tempfile::NamedTempFile>,
    to: PathBuf,
}

impl Writing {
    pub(super) fn begin(to: &Path) -> Result<Self, CliError> {
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = tempfile::NamedTempFile::new_in(folder).map_err(CliError::file("write", to))?;
        Ok(Self { tar: tar::Builder::new(draft), to: to.to_owned() })
    }

    pub(super) fn add(&mut self, name: &str, content: &[u8]) -> Result<(), CliError> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        self.tar.append_data(&mut header, name, content).map_err(CliError::file("write", &self.to))
    }

    pub(super) fn add_json(&mut self, name: &str, value: &impl Serialize) -> Result<(), CliError> {
        self.add(name, &serde_json::to_vec_pretty(value).unwrap_or_default())
    }

    pub(super) fn finish(self) -> Result<(), CliError> {
        let done = || -> io::Result<()> {
            let mut draft = self.tar.into_inner()?;
            draft.flush()?;
            draft.as_file().sync_all()?;
            draft.persist_noclobber(&self.to).map_err(|error| error.error)?;
            Ok(())
        };
        let to = self.to.clone();
        done().map_err(CliError::file("write", &to))
    }
}

/// A file that was looked through: what is in it is read when it is wanted.
pub(super) struct Archive {
    path: PathBuf,
    file: File,
    places: BTreeMap<String, (u64, usize)>,
}

impl Archive {
    /// All of it is there and belongs together.
    pub(super) fn open(path: &Path) -> Result<(Self, Exported), CliError> {
        let file = File::open(path).map_err(CliError::file("read", path))?;
        let mut this = Self { path: path.to_owned(), file, places: BTreeMap::new() };
        let places = this.index().map_err(|error| this.wrong(&error.to_string()))?;
        this.places = places;
        let head: Exported = this.json(NAMESPACE)?;
        if head.format != FORMAT {
            return Err(this.wrong(&format!("it is of format {}, this program knows format {FORMAT}", head.format)));
        }
        let scripts = this.scripts();
        if head.scripts != scripts.len() {
            return Err(this.wrong(&format!("it has {} of {} scripts", scripts.len(), head.scripts)));
        }
        for name in &scripts {
            let script: Script = this.json(&script_name(name))?;
            let files =
                script.assets.iter().flat_map(|assets| assets.files.values().map(|file| asset_name(&file.hash)));
            let form = script.content_type.iter().map(|_| form_name(name));
            if let Some(missing) = form.chain(files).find(|file| !this.places.contains_key(file)) {
                return Err(this.wrong(&format!("{missing} of the script {name:?} is not in it")));
            }
        }
        Ok((this, head))
    }

    fn index(&self) -> io::Result<BTreeMap<String, (u64, usize)>> {
        let length = self.file.metadata()?.len();
        let mut archive = tar::Archive::new(io::BufReader::new(&self.file));
        let mut places = BTreeMap::new();
        for entry in archive.entries()? {
            let entry = entry?;
            let name = entry.path()?.to_string_lossy().into_owned();
            let known = name == NAMESPACE || name.starts_with(SCRIPTS) || name.starts_with(ASSETS);
            let size = entry.size();
            if !known || !entry.header().entry_type().is_file() || size > MAX_PART || places.len() >= MAX_FILES {
                return Err(io::Error::other(format!("{name:?} does not belong there")));
            }
            let at = entry.raw_file_position();
            if at.saturating_add(size) > length {
                return Err(io::Error::other(format!("it ends within {name:?}")));
            }
            places.insert(name, (at, usize::try_from(size).map_err(io::Error::other)?));
        }
        Ok(places)
    }

    pub(super) fn scripts(&self) -> Vec<String> {
        let names = self.places.keys().filter_map(|name| name.strip_prefix(SCRIPTS)?.strip_suffix(".json"));
        names.map(str::to_owned).collect()
    }

    pub(super) fn read(&mut self, name: &str) -> Result<Vec<u8>, CliError> {
        let (at, size) = *self.places.get(name).ok_or_else(|| self.wrong(&format!("{name} is not in it")))?;
        let mut content = vec![0; size];
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut content));
        read.map_err(CliError::file("read", &self.path))?;
        Ok(content)
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, CliError> {
        let content = self.read(name)?;
        serde_json::from_slice(&content).map_err(|error| self.wrong(&format!("{name}: {error}")))
    }

    pub(super) fn wrong(&self, what: &str) -> CliError {
        CliError::usage(format!("{} is no export: {what}", self.path.display()))
    }
}
