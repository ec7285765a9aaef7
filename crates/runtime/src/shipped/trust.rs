//! Who may have written what is run: the rule for files of machine code that bear no signature.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Those who are trusted with this process: they can put another program in its place.
pub struct Trust {
    owners: [u32; 2],
}

/// Group and others may write.
const WRITABLE: u32 = 0o022;
/// … but not move or remove what is another's.
const STICKY: u32 = 0o1000;

impl Trust {
    /// Root, and the owner of the program that runs.
    ///
    /// # Errors
    /// The system does not say whose the program is.
    pub fn of_program() -> Result<Self, String> {
        let program = fs::metadata("/proc/self/exe").map_err(|error| format!("whose this program is: {error}"))?;
        Ok(Self { owners: [0, program.uid()] })
    }

    /// Nobody else can put another folder, or another file of another's, under this name: neither on the way that it
    /// is named, nor on the one that links lead to.
    ///
    /// # Errors
    /// Who could, in words.
    pub fn path(&self, folder: &Path) -> Result<(), String> {
        let real = fs::canonicalize(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let named = std::path::absolute(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for path in named.ancestors().skip(1).chain(real.ancestors().skip(1)).chain([named.as_path()]) {
            let found = fs::symlink_metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
            self.owner(path, &found)?;
            if !found.is_symlink() && found.mode() & STICKY == 0 {
                Self::mode(path, &found)?;
            }
        }
        let found = fs::metadata(&real).map_err(|error| format!("{}: {error}", real.display()))?;
        self.owner(&real, &found).and_then(|()| Self::mode(&real, &found))
    }

    /// A file that nobody else can write to.
    ///
    /// # Errors
    /// Who could, in words; or why it cannot be opened.
    pub fn open(&self, path: &Path) -> Result<File, String> {
        let cannot = |error| format!("{} cannot be opened: {error}", path.display());
        let how = libc::O_NOFOLLOW | libc::O_NONBLOCK; // a pipe is not waited for
        let file = File::options().read(true).custom_flags(how).open(path).map_err(cannot)?;
        let found = file.metadata().map_err(cannot)?;
        if !found.is_file() {
            return Err(format!("{} is no file", path.display()));
        }
        self.owner(path, &found)?;
        Self::mode(path, &found)?;
        Ok(file)
    }

    fn owner(&self, path: &Path, found: &Metadata) -> Result<(), String> {
        if self.owners.contains(&found.uid()) {
            return Ok(());
        }
        Err(format!("{} is of user {}, neither root's nor this program's owner's", path.display(), found.uid()))
    }

    fn mode(path: &Path, found: &Metadata) -> Result<(), String> {
        if found.mode() & WRITABLE == 0 {
            return Ok(());
        }
        Err(format!("others than its owner can write to {} (mode {:04o})", path.display(), found.mode() & 0o7777))
    }
}
