//! Reading a file only if nothing has to be waited for: its path and its bytes are in the kernel's caches. Then it is
//! a few microseconds of copying, which a thread that serves others may spend; the disk would be milliseconds.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The file's bytes, if it has at most `most` of them.
///
/// # Errors
/// `NotFound`: the kernel knows that there is none. Any other: it cannot be had so; whoever may wait reads it as any
/// file. So say kernels before 5.12, file systems that cannot tell, and files that are longer.
pub fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let len = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if len > most {
        return Err(io::Error::from(io::ErrorKind::WouldBlock));
    }
    let mut bytes: Vec<u8> = Vec::with_capacity(len);
    let part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: len };
    // SAFETY: the kernel writes at most `len` bytes into the vector, which has room for them.
    let read = unsafe { libc::preadv2(file.as_raw_fd(), &raw const part, 1, 0, libc::RWF_NOWAIT) };
    let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
    if read != len {
        // The rest is on the disk.
        return Err(io::Error::from(io::ErrorKind::WouldBlock));
    }
    // SAFETY: so many were written just now.
    unsafe { bytes.set_len(read) };
    Ok(bytes)
}

fn open(path: &Path) -> io::Result<File> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: an all-zero one asks for nothing special.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_RDONLY | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_CACHED;
    // SAFETY: the kernel reads the path, which ends in a zero, and a `how` of the size that is told.
    let opened = unsafe {
        libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, path.as_ptr(), &raw const how, size_of::<libc::open_how>())
    };
    let opened = i32::try_from(opened).ok().filter(|opened| *opened >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: it was opened just now, and nobody else has it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(opened) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_just_written_is_read_and_nothing_that_is_longer_or_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"twelve bytes").unwrap();
        match read(&file, 12) {
            Ok(bytes) => assert_eq!(bytes, b"twelve bytes"),
            // A file system that cannot tell.
            Err(error) => assert_ne!(error.kind(), io::ErrorKind::NotFound),
        }
        assert_eq!(read(&file, 11).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        std::fs::remove_file(&file).unwrap();
        assert!(read(&file, 12).is_err());
    }
}
