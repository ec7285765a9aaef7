//! One process a data folder: an advisory lock on a file in it, given up by the kernel when the
//! process ends, however it ends.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
};

use crate::OpenError;

/// Held for as long as the process writes the folder.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// Lies in a folder while a backup is restored into it: nothing in it counts yet.
pub(crate) const RESTORING: &str = "restoring";

impl DataLock {
    pub(crate) const FILE: &str = "lock";

    /// Makes the folder if need be, and takes its lock without waiting.
    ///
    /// # Errors
    /// [`OpenError::Locked`] when another process holds it; [`OpenError::Restoring`] when what is in it is half of a
    /// backup.
    pub fn acquire(dir: &Path) -> Result<Self, OpenError> {
        let lock = Self::take(dir)?;
        if dir.join(RESTORING).exists() {
            return Err(OpenError::Restoring(dir.to_owned()));
        }
        Ok(lock)
    }

    /// Whether a process holds the folder. Makes nothing, and holds nothing when it returns; asked in the very moment in
    /// which a node starts, it can be in that node's way.
    ///
    /// # Errors
    /// What the file system says; `NotFound` where no node has been.
    pub fn is_held(dir: &Path) -> std::io::Result<bool> {
        let file = File::open(dir.join(Self::FILE))?;
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether a restore into the folder was begun and not finished.
    pub fn is_half_restored(dir: &Path) -> bool {
        dir.join(RESTORING).exists()
    }

    /// As [`DataLock::acquire`], whatever is in the folder.
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let io = |action, source| OpenError::Io { action, path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(|e| io("make the data folder", e))?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(Self::FILE));
        let file = file.map_err(|e| io("open the lock in", e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked(dir.to_owned())),
            Err(TryLockError::Error(e)) => Err(io("lock", e)),
        }
    }
}
