//! Files the runtime made for itself: the compiled engine and the sealed Workers. Each ends in a MAC
//! under the node's key; what does not bear it is treated as absent and made anew. Native code is
//! loaded from nowhere else, but for the engine that came with the program (`shipped`).

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::hmac;

mod cached;
mod retired;

/// A folder of artefacts, and the key that marks them as ours.
pub struct Artefacts {
    folder: PathBuf,
    key: hmac::Key,
}

const MAC_LEN: usize = 32;
/// Bytes of a large file that are read at a time.
const CHUNK: usize = 64 << 10;

/// A file on its way to become an artefact: what others write into it counts only once it is signed. Dropped
/// before that, it is gone.
pub struct Draft {
    file: File,
    temporary: PathBuf,
    name: String,
}

impl Draft {
    /// The file, for who fills it.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

/// What is under a name.
pub enum Found {
    /// It is as we wrote it.
    Whole(File),
    Nothing,
    /// It does not bear our MAC under this name, or cannot be read.
    NotOurs,
}

impl Artefacts {
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path, node_key: &[u8; 32]) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        // A key of its own for this use, derived so that the same node key may serve others.
        let root = hmac::Key::new(hmac::HMAC_SHA256, node_key);
        let derived = hmac::sign(&root, b"switchyard artefact mac v1");
        Ok(Self { folder: folder.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()) })
    }

    /// The bytes kept under a name; `None` when there are none or they are not as we wrote them.
    /// The name is part of what is signed, so a file moved to another name is no artefact.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        self.verified(name, fs::read(self.folder.join(name)).ok()?)
    }

    /// As [`Artefacts::read`], without waiting for the disk; of at most `most` bytes.
    ///
    /// # Errors
    /// As [`cached::read`].
    pub fn read_at_hand(&self, name: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        let bytes = cached::read(&self.folder.join(name), most)?;
        Ok(self.verified(name, bytes))
    }

    fn verified(&self, name: &str, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let at = bytes.len().checked_sub(MAC_LEN)?;
        let mac = bytes.split_off(at);
        self.mac(name, &bytes, |ours| aws_lc_rs::constant_time::verify_slices_are_equal(ours.as_ref(), &mac).is_ok())
            .then_some(bytes)
    }

    /// Keeps bytes under a name, whole or not at all.
    ///
    /// # Errors
    /// When the disk does not take them; nothing is visible then.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = path.with_extension(format!("tmp-{}", uuid::Uuid::new_v4().simple()));
        let written = (|| {
            let mut file = fs::File::create_new(&temporary)?;
            file.write_all(bytes)?;
            self.mac(name, bytes, |mac| file.write_all(mac.as_ref()))?;
            fs::rename(&temporary, &path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Begins a file that is too large to be in memory.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn begin(&self, name: &str) -> io::Result<Draft> {
        let path = self.folder.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = path.with_extension(format!("tmp-{}", uuid::Uuid::new_v4().simple()));
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&temporary)?;
        Ok(Draft { file, temporary, name: name.to_owned() })
    }

    /// Signs what was written and makes it visible. Reads it once.
    ///
    /// # Errors
    /// When the disk does not do it; nothing is visible then.
    pub fn finish(&self, mut draft: Draft) -> io::Result<()> {
        draft.file.rewind()?;
        let mut context = self.begin_mac(&draft.name);
        let mut chunk = vec![0; CHUNK];
        loop {
            match draft.file.read(&mut chunk)? {
                0 => break,
                len => context.update(&chunk[..len]),
            }
        }
        draft.file.write_all(context.sign().as_ref())?;
        fs::rename(&draft.temporary, self.folder.join(&draft.name))
    }

    /// As [`Artefacts::read`], for what is to be mapped: the file, whose last bytes are the MAC. Who can change it
    /// afterwards could read the key as well.
    pub fn find(&self, name: &str) -> Found {
        let mut file = match File::open(self.folder.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            Err(_) => return Found::NotOurs,
        };
        match self.verify(name, &mut file) {
            Ok(true) => Found::Whole(file),
            Ok(false) | Err(_) => Found::NotOurs,
        }
    }

    /// As [`Artefacts::find`], by the name under which a process maps it: of the file that was verified, whatever
    /// another process puts in its place meanwhile.
    pub fn find_mappable(&self, name: &str) -> Option<(File, PathBuf)> {
        let Found::Whole(file) = self.find(name) else { return None };
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Some((file, path))
    }

    fn verify(&self, name: &str, file: &mut File) -> io::Result<bool> {
        let Some(mut left) = file.metadata()?.len().checked_sub(MAC_LEN as u64) else { return Ok(false) };
        let mut context = self.begin_mac(name);
        let mut chunk = vec![0; CHUNK];
        while left > 0 {
            let part = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            file.read_exact(&mut chunk[..part])?;
            context.update(&chunk[..part]);
            left -= part as u64;
        }
        let mut mac = [0; MAC_LEN];
        file.read_exact(&mut mac)?;
        Ok(aws_lc_rs::constant_time::verify_slices_are_equal(context.sign().as_ref(), &mac).is_ok())
    }

    /// Another name for a file; what was under it is replaced.
    ///
    /// # Errors
    /// When the file is not there, or the disk knows no links.
    pub fn link(&self, name: &str, other: &str) -> io::Result<()> {
        let path = self.folder.join(other);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::hard_link(self.folder.join(name), path),
        }
    }

    /// Of the files two folders below `folder`, those that have no other name and are older than `min_age`.
    pub fn unlinked(&self, folder: &str, min_age: Duration) -> Vec<String> {
        let mut names = self.list(folder);
        names.retain(|(name, age)| {
            let links = fs::metadata(self.folder.join(name)).map_or(0, |metadata| metadata.nlink());
            *age >= min_age && links == 1
        });
        names.into_iter().map(|(name, _)| name).collect()
    }

    /// Whether there is a file or a folder of this name.
    pub fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    pub fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.folder.join(name));
    }

    /// The files two folders below `folder`: their names as [`Artefacts::remove`] takes them, and how old they are.
    pub fn list(&self, folder: &str) -> Vec<(String, Duration)> {
        let inside = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().collect::<Vec<_>>();
        let files = inside(&self.folder.join(folder)).into_iter().flat_map(|entry| inside(&entry.path()));
        let named = files.filter_map(|file| {
            let age = file.metadata().ok()?.modified().ok()?.elapsed().unwrap_or_default();
            let path = file.path();
            Some((path.strip_prefix(&self.folder).ok()?.to_str()?.to_owned(), age))
        });
        named.collect()
    }

    fn mac<T>(&self, name: &str, bytes: &[u8], use_it: impl FnOnce(&hmac::Tag) -> T) -> T {
        let mut context = self.begin_mac(name);
        context.update(bytes);
        use_it(&context.sign())
    }

    fn begin_mac(&self, name: &str) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(name.as_bytes());
        context.update(&[0]);
        context
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{Artefacts, Found};

    #[test]
    fn only_what_we_wrote_under_that_name_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let ours = Artefacts::open(folder.path(), &[1; 32]).unwrap();
        ours.write("a/b", b"hello").unwrap();
        assert_eq!(ours.read("a/b").as_deref(), Some(&b"hello"[..]));
        assert_eq!(Artefacts::open(folder.path(), &[2; 32]).unwrap().read("a/b"), None);
        std::fs::copy(folder.path().join("a/b"), folder.path().join("c")).unwrap();
        assert_eq!(ours.read("c"), None);
        let mut bytes = std::fs::read(folder.path().join("a/b")).unwrap();
        bytes[0] ^= 1;
        std::fs::write(folder.path().join("a/b"), bytes).unwrap();
        assert_eq!(ours.read("a/b"), None);
        std::fs::write(folder.path().join("d"), b"short").unwrap();
        assert_eq!(ours.read("d"), None);
    }

    #[test]
    fn what_is_listed_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let ours = Artefacts::open(folder.path(), &[1; 32]).unwrap();
        ours.write("workers/ab/one.sealed", b"x").unwrap();
        std::fs::write(folder.path().join("workers/ab/two.tmp-1"), b"cut off").unwrap();
        let mut names: Vec<String> = ours.list("workers").into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, ["workers/ab/one.sealed", "workers/ab/two.tmp-1"]);
        names.iter().for_each(|name| ours.remove(name));
        assert!(ours.list("workers").is_empty());
    }

    #[test]
    fn a_large_file_is_ours_once_it_is_signed_and_under_its_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let ours = Artefacts::open(folder.path(), &[1; 32]).unwrap();
        let bytes: Vec<u8> = (0..200_000u32).map(|at| at as u8).collect();
        let draft = ours.begin("components/ab/one.cwasm").unwrap();
        draft.file().unwrap().write_all(&bytes).unwrap();
        assert!(matches!(ours.find("components/ab/one.cwasm"), Found::Nothing), "not before it is signed");
        ours.finish(draft).unwrap();
        assert!(matches!(ours.find("components/ab/one.cwasm"), Found::Whole(_)));
        assert!(ours.read("components/ab/one.cwasm").is_some_and(|read| read == bytes), "as one that was read");
        let path = |name: &str| folder.path().join(name);
        std::fs::copy(path("components/ab/one.cwasm"), path("components/ab/two.cwasm")).unwrap();
        assert!(matches!(ours.find("components/ab/two.cwasm"), Found::NotOurs), "moved");
        let other = Artefacts::open(folder.path(), &[2; 32]).unwrap();
        assert!(matches!(other.find("components/ab/one.cwasm"), Found::NotOurs), "another node's");
        for at in [0, 65_535, 65_536, 199_999, 200_000, 200_031] {
            let mut changed = std::fs::read(path("components/ab/one.cwasm")).unwrap();
            changed[at] ^= 1;
            std::fs::write(path("components/ab/two.cwasm"), &changed).unwrap();
            std::fs::rename(path("components/ab/two.cwasm"), path("components/ab/one.cwasm")).unwrap();
            assert!(matches!(ours.find("components/ab/one.cwasm"), Found::NotOurs), "a bit at {at}");
            changed[at] ^= 1;
            std::fs::write(path("components/ab/one.cwasm"), &changed).unwrap();
            assert!(matches!(ours.find("components/ab/one.cwasm"), Found::Whole(_)));
        }
        std::fs::write(path("components/ab/one.cwasm"), b"short").unwrap();
        assert!(matches!(ours.find("components/ab/one.cwasm"), Found::NotOurs));
        drop(ours.begin("components/ab/three.cwasm").unwrap());
        assert_eq!(ours.list("components").len(), 1, "what was begun and dropped is gone");
    }

    #[test]
    fn what_has_another_name_is_not_unlinked() {
        let folder = tempfile::tempdir().unwrap();
        let ours = Artefacts::open(folder.path(), &[1; 32]).unwrap();
        ours.write("components/ab/one.cwasm", b"x").unwrap();
        ours.write("components/ab/two.cwasm", b"x").unwrap();
        ours.link("components/ab/one.cwasm", "workers/cd/v.cwasm").unwrap();
        let none = std::time::Duration::ZERO;
        assert_eq!(ours.unlinked("components", none), ["components/ab/two.cwasm"]);
        assert!(ours.unlinked("components", std::time::Duration::from_secs(3_600)).is_empty(), "too young");
        // A version's link moves on to another file.
        ours.link("components/ab/two.cwasm", "workers/cd/v.cwasm").unwrap();
        assert_eq!(ours.unlinked("components", none), ["components/ab/one.cwasm"]);
    }
}
