//! Where a backup goes to and comes from: a folder, a tar file, or a stream of one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use switchyard_catalog::Timestamp;

use super::BackupError;

/// Where a backup goes to.
pub enum BackupTarget {
    /// A folder that is not there yet.
    Folder(PathBuf),
    /// A tar file that is not there yet.
    File(PathBuf),
    /// A tar stream. Whole only when the call has succeeded: who reads it must look at that.
    Stream(Box<dyn Write + Send>),
}

/// What a backup is read from.
pub enum BackupSource {
    Folder(PathBuf),
    /// A tar file or stream.
    Stream(Box<dyn Read + Send>),
}

impl BackupSource {
    /// By what is at a path.
    ///
    /// # Errors
    /// When nothing can be read there.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let kind = fs::metadata(path).map_err(BackupError::io("read", path))?;
        if kind.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let file = File::open(path).map_err(BackupError::io("read", path))?;
        Ok(Self::Stream(Box::new(io::BufReader::with_capacity(1 << 20, file))))
    }
}

/// A backup that is being written.
pub(super) struct Out {
    sink: Sink,
    /// Where small files may be made meanwhile.
    scratch: PathBuf,
}

enum Sink {
    /// `opened`: the draft, since before anything was written to it.
    Folder {
        draft: tempfile::TempDir,
        opened: File,
        to: PathBuf,
    },
    File {
        tar: tar::Builder<io::BufWriter<tempfile::NamedTempFile>>,
        to: PathBuf,
    },
    Stream(tar::Builder<Box<dyn Write + Send>>),
}

impl BackupTarget {
    pub(super) fn open(self, data: &Path) -> Result<Out, BackupError> {
        let beside = |to: &Path| {
            if fs::symlink_metadata(to).is_ok() {
                return Err(BackupError::Exists(to.to_owned()));
            }
            Ok(to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned())
        };
        let draft = |dir: &Path| {
            let private = fs::Permissions::from_mode(0o700);
            tempfile::Builder::new().prefix(".switchyard-backup-").permissions(private).tempdir_in(dir)
        };
        match self {
            Self::Folder(to) => {
                let dir = beside(&to)?;
                let made = draft(&dir).and_then(|draft| File::open(draft.path()).map(|opened| (draft, opened)));
                let (draft, opened) = made.map_err(BackupError::io("write to", &dir))?;
                Ok(Out { scratch: dir, sink: Sink::Folder { draft, opened, to } })
            }
            Self::File(to) => {
                let dir = beside(&to)?;
                let file = tempfile::Builder::new().prefix(".switchyard-backup-").tempfile_in(&dir);
                let file = file.map_err(BackupError::io("write to", &dir))?;
                let tar = tar::Builder::new(io::BufWriter::with_capacity(1 << 20, file));
                Ok(Out { scratch: dir, sink: Sink::File { tar, to } })
            }
            // The one folder that is surely there and writable.
            Self::Stream(to) => Ok(Out { scratch: data.to_owned(), sink: Sink::Stream(tar::Builder::new(to)) }),
        }
    }
}

impl Out {
    pub(super) fn scratch(&self) -> &Path {
        &self.scratch
    }

    pub(super) fn put(&mut self, name: &str, content: &[u8]) -> Result<(), BackupError> {
        self.put_from(name, content.len() as u64, &mut io::Cursor::new(content))
    }

    /// Its bytes, and their SHA-256 in hex.
    pub(super) fn put_file(&mut self, name: &str, from: &Path) -> Result<(u64, String), BackupError> {
        let file = File::open(from).map_err(BackupError::io("read", from))?;
        let bytes = file.metadata().map_err(BackupError::io("read", from))?.len();
        let mut hashed = Hashed { from: io::BufReader::new(file), sum: Context::new(&SHA256) };
        self.put_from(name, bytes, &mut hashed)?;
        Ok((bytes, hashed.hex()))
    }

    fn put_from(&mut self, name: &str, bytes: u64, from: &mut dyn Read) -> Result<(), BackupError> {
        let failed = BackupError::io("write to the backup", Path::new(name));
        let put = match &mut self.sink {
            Sink::Folder { draft, .. } => write_whole(&draft.path().join(name), from),
            Sink::File { tar, .. } => append(tar, name, bytes, from),
            Sink::Stream(tar) => append(tar, name, bytes, from),
        };
        put.map_err(failed)
    }

    /// Durable, and under its name.
    pub(super) fn finish(self) -> Result<(), BackupError> {
        let end = |to: &Path, done: io::Result<()>| match done {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(BackupError::Exists(to.to_owned())),
            done => done.map_err(BackupError::io("write", to)),
        };
        match self.sink {
            Sink::Folder { draft, opened, to } => {
                // A rename would replace an empty folder: what has come there meanwhile is looked at once more.
                if fs::symlink_metadata(&to).is_ok() {
                    return Err(BackupError::Exists(to));
                }
                end(&to, sync_file_system(&opened))?;
                end(&to, fs::rename(draft.keep(), &to).and_then(|()| sync_parent(&to)))
            }
            Sink::File { tar, to } => {
                let done = tar.into_inner().and_then(|file| file.into_inner().map_err(|error| error.into_error()));
                let done = done.and_then(|file| {
                    file.as_file().sync_all()?;
                    file.persist_noclobber(&to).map_err(|error| error.error)?;
                    sync_parent(&to)
                });
                end(&to, done)
            }
            Sink::Stream(tar) => end(Path::new("the stream"), tar.into_inner().and_then(|mut to| to.flush())),
        }
    }
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, bytes: u64, from: &mut dyn Read) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(Timestamp::now().micros() / 1_000_000).unwrap_or_default());
    tar.append_data(&mut header, name, from)
}

/// A file for this user alone; its folders are made. Durable after [`sync_file_system`]: one wait for thousands of files.
pub(super) fn write_whole(path: &Path, from: &mut dyn Read) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::copy(from, &mut file).map(drop)
}

/// All that was written to the file system of this folder is durable.
///
/// # Errors
/// Also where something could not be written back since the folder was opened.
pub(super) fn sync_file_system(folder: &File) -> io::Result<()> {
    // SAFETY: a plain call on a descriptor that is open.
    if unsafe { libc::syncfs(folder.as_raw_fd()) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

/// Reads, and sums up what was read.
pub(super) struct Hashed<R> {
    pub(super) from: R,
    pub(super) sum: Context,
}

impl<R> Hashed<R> {
    /// SHA-256 of all that was read, in hex.
    pub(super) fn hex(self) -> String {
        self.sum.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.sum.update(&into[..read]);
        Ok(read)
    }
}
