//! Files the runtime made for itself: the compiled engine and the sealed Workers. Each ends in a MAC
//! under the node's key; what does not bear it is treated as absent and made anew. Native code is
//! loaded from nowhere else.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;

/// A folder of artefacts, and the key that marks them as ours.
pub struct Artefacts {
    folder: PathBuf,
    key: hmac::Key,
}

const MAC_LEN: usize = 32;

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
        let mut bytes = fs::read(self.folder.join(name)).ok()?;
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

    pub fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.folder.join(name));
    }

    /// The files two folders below `folder`: their names as [`Artefacts::remove`] takes them, and how old they are.
    pub fn list(&self, folder: &str) -> Vec<(String, std::time::Duration)> {
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
        let mut context = hmac::Context::with_key(&self.key);
        context.update(name.as_bytes());
        context.update(&[0]);
        context.update(bytes);
        use_it(&context.sign())
    }
}

#[cfg(test)]
mod tests {
    use super::Artefacts;

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
}
