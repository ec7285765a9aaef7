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

impl DataLock {
    /// Makes the folder if need be, and takes its lock without waiting.
    ///
    /// # Errors
    /// [`OpenError::Locked`] when another process holds it.
    pub fn acquire(dir: &Path) -> Result<Self, OpenError> {
        let io = |action, source| OpenError::Io { action, path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(|e| io("make the data folder", e))?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock"));
        let file = file.map_err(|e| io("open the lock in", e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked(dir.to_owned())),
            Err(TryLockError::Error(e)) => Err(io("lock", e)),
        }
    }
}
