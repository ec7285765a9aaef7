//! The data folder: whose it is, who is on it, what it lies on.

use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use switchyard_storage::DataLock;

use super::{Finding, bytes};

const LITTLE_ROOM: u64 = 64 << 20;
const SOME_ROOM: u64 = 1 << 30;
/// An upload waits for two or three.
const SLOW_SYNC: Duration = Duration::from_millis(30);

pub(super) fn check(data: &Path) -> Vec<Finding> {
    let folder = match fs::metadata(data) {
        Ok(folder) => folder,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return absent(data),
        Err(error) => {
            let found = format!("{} cannot be looked at: {error}", data.display());
            return vec![Finding::fail("data folder", found, "let the node's user into the folders above it")];
        }
    };
    let rights = rights(data, &folder);
    vec![rights, lock(data), file_system(data), code(data), room(data), sync(data)]
}

/// The node makes it; then it must be able to.
fn absent(data: &Path) -> Vec<Finding> {
    let above = data.ancestors().skip(1).map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above });
    let Some(above) = above.into_iter().find(|above| above.is_dir()) else {
        let found = format!("{} is not there, nor any folder above it", data.display());
        return vec![Finding::fail("data folder", found, "make it, for the node's user alone")];
    };
    let made = tempfile::Builder::new().prefix(".switchyard-doctor-").tempdir_in(above);
    let first = match made {
        Ok(_) => Finding::ok("data folder", format!("{} is made at the first start", data.display())),
        Err(error) => {
            let found = format!("{} is not there and cannot be made: {error}", data.display());
            Finding::fail("data folder", found, format!("make it, or let the node's user write to {}", above.display()))
        }
    };
    vec![first, file_system(above), room(above)]
}

fn rights(data: &Path, folder: &fs::Metadata) -> Finding {
    const CHECK: &str = "data folder";
    let shown = data.display();
    if !folder.is_dir() {
        return Finding::fail(CHECK, format!("{shown} is not a folder"), "name another, or move that file away");
    }
    // SAFETY: reads the process's own id.
    let me = unsafe { libc::geteuid() };
    let mode = folder.permissions().mode() & 0o777;
    if folder.uid() != me && me != 0 {
        let found = format!("{shown} is of user {}, this is user {me}", folder.uid());
        return Finding::fail(CHECK, found, format!("run as that user, or chown -R {me} {shown}"));
    }
    let secrets = ["secret.key", "node.key", "token"]
        .iter()
        .find(|name| fs::metadata(data.join(name)).is_ok_and(|file| file.permissions().mode() & 0o077 != 0));
    if let Some(name) = secrets {
        let path = data.join(name);
        return Finding::fail(
            CHECK,
            format!("others can read {}", path.display()),
            format!("chmod 0600 {}", path.display()),
        );
    }
    if let Err(error) = tempfile::tempfile_in(data) {
        let found = format!("{shown} cannot be written to: {error}");
        return Finding::fail(CHECK, found, "mount it read-write, for the node's user");
    }
    let found = format!("{shown}, mode {mode:04o}, user {}", folder.uid());
    if mode & 0o077 != 0 {
        return Finding::warn(CHECK, found, format!("others on this machine can look into it: chmod 0700 {shown}"));
    }
    Finding::ok(CHECK, found)
}

fn lock(data: &Path) -> Finding {
    const CHECK: &str = "lock";
    if DataLock::is_half_restored(data) {
        let advice = "give the `switchyard restore` once more: it begins anew";
        return Finding::fail(CHECK, "a restore into the folder was not finished", advice);
    }
    match DataLock::is_held(data) {
        Ok(true) => Finding::ok(CHECK, "a node serves from the folder"),
        Ok(false) => Finding::ok(CHECK, "free"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Finding::ok(CHECK, "free, as no node has been here")
        }
        Err(error) => {
            let found = format!("the file system does not lock files: {error}");
            Finding::fail(CHECK, found, "use a local one: two nodes on one folder destroy it")
        }
    }
}

fn file_system(data: &Path) -> Finding {
    const CHECK: &str = "file system";
    let advice = "SQLite's log and mapped files need a local disk, or a block device of the network";
    match kind(data) {
        None => Finding::ok(CHECK, "the system does not say of which kind"),
        Some(NFS | SMB | SMB2 | CIFS | NINE_P) => Finding::fail(CHECK, "it is one of the network", advice),
        Some(FUSE | CEPH) => Finding::warn(CHECK, "it is one of a program, or of a cluster", advice),
        Some(TMPFS | RAMFS) => {
            let advice = "all is lost with the machine's next start, or the container's: use a disk, or a volume";
            Finding::warn(CHECK, "it lies in memory", advice)
        }
        Some(OVERLAY) => {
            let advice = "mount a volume at the data folder: this layer goes with the container";
            Finding::warn(CHECK, "it is a container's own layer", advice)
        }
        Some(_) => Finding::ok(CHECK, "a local one"),
    }
}

// `f_type` of statfs(2).
const NFS: i64 = 0x6969;
const SMB: i64 = 0x517b;
const SMB2: i64 = 0xfe53_4d42;
const CIFS: i64 = 0xff53_4d42;
const NINE_P: i64 = 0x0102_1997;
const FUSE: i64 = 0x6573_5546;
const CEPH: i64 = 0x00c3_6400;
const TMPFS: i64 = 0x0102_1994;
const RAMFS: i64 = 0x8584_58f6;
const OVERLAY: i64 = 0x794c_7630;

fn statfs(data: &Path) -> Option<libc::statfs> {
    let path = std::ffi::CString::new(data.as_os_str().as_encoded_bytes()).ok()?;
    // SAFETY: an all-zero statfs is a valid one.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends with a zero, the kernel fills what is ours.
    (unsafe { libc::statfs(path.as_ptr(), &raw mut found) } == 0).then_some(found)
}

/// Whether compiled code can be mapped from files in the folder.
fn code(data: &Path) -> Finding {
    const CHECK: &str = "compiled code";
    let Ok(file) = tempfile::tempfile_in(data).and_then(|file| file.set_len(4_096).map(|()| file)) else {
        return Finding::ok(CHECK, "not tried, as the folder cannot be written to");
    };
    let how = libc::PROT_READ | libc::PROT_EXEC;
    // SAFETY: a new mapping of a file of our own, where the kernel likes; nothing runs in it.
    let mapped = unsafe { libc::mmap(std::ptr::null_mut(), 4_096, how, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
    if mapped == libc::MAP_FAILED {
        let found = format!("its file system runs no code (noexec): {}", std::io::Error::last_os_error());
        return Finding::warn(CHECK, found, "Wasm components cannot be loaded: mount it without noexec");
    }
    // SAFETY: that mapping, which nobody else knows.
    unsafe { libc::munmap(mapped, 4_096) };
    Finding::ok(CHECK, "can be mapped from files of the data folder")
}

#[expect(clippy::unnecessary_cast, reason = "its type is not the same on all machines")]
fn kind(data: &Path) -> Option<i64> {
    statfs(data).map(|found| found.f_type as i64)
}

#[expect(clippy::unnecessary_cast, reason = "their types are not the same on all machines")]
fn room(data: &Path) -> Finding {
    const CHECK: &str = "disk";
    let Some(found) = statfs(data) else { return Finding::ok(CHECK, "the system does not say how much is free") };
    let free = (found.f_bavail as u64).saturating_mul(found.f_bsize as u64);
    // Some file systems have no fixed number of files.
    let files = (found.f_files as u64 > 0).then_some(found.f_ffree as u64);
    let shown = match files {
        Some(files) => format!("{} and {files} files are free", bytes(free)),
        None => format!("{} are free", bytes(free)),
    };
    if free < LITTLE_ROOM || files.is_some_and(|files| files < 1_000) {
        Finding::fail(CHECK, shown, "make room: uploads fail, and restarts may")
    } else if free < SOME_ROOM || files.is_some_and(|files| files < 100_000) {
        Finding::warn(CHECK, shown, "make room before it is used up; a small script takes some 100 KiB and 3 files")
    } else {
        Finding::ok(CHECK, shown)
    }
}

/// How long a small write takes until it is durable, as an upload waits for it.
fn sync(data: &Path) -> Finding {
    const CHECK: &str = "fsync";
    let tried = || -> std::io::Result<Duration> {
        let mut file = tempfile::tempfile_in(data)?;
        let mut took = Vec::new();
        for _ in 0..5 {
            let began = Instant::now();
            file.write_all(&[1; 4_096])?;
            file.sync_all()?;
            took.push(began.elapsed());
        }
        took.sort();
        Ok(took[took.len() / 2])
    };
    match tried() {
        Err(error) => {
            let found = format!("a file could not be made durable: {error}");
            Finding::fail(CHECK, found, "uploads fail so: mount the disk read-write, or mend it")
        }
        Ok(took) if took > SLOW_SYNC => {
            let found = format!("{:.1} ms", took.as_secs_f64() * 1e3);
            Finding::warn(
                CHECK,
                found,
                "each upload and each change of a setting waits for some of them: use a faster disk",
            )
        }
        Ok(took) => Finding::ok(CHECK, format!("{:.1} ms", took.as_secs_f64() * 1e3)),
    }
}
