//! The key that secrets are encrypted with at rest: XChaCha20-Poly1305, a random nonce a value, and
//! the owner's ids as associated data, so that a row moved to another script does not open.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac, rand,
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use switchyard_catalog::{ScriptId, Secret, SecretId};

use crate::OpenError;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// 32 random bytes, kept outside the database.
pub struct SecretKey {
    cipher: XChaCha20Poly1305,
    root: hmac::Key,
    id: String,
}

/// A value as a row holds it.
pub(crate) struct Sealed {
    pub(crate) nonce: Vec<u8>,
    pub(crate) ciphertext: Vec<u8>,
}

/// Encryption or decryption failed; which of the two, the caller knows. Says nothing of the value.
#[derive(Debug)]
pub(crate) struct Unsealable;

impl SecretKey {
    /// Reads the key, or makes one: 64 hex digits in a file of mode 0600. A new file appears whole
    /// or not at all, and never replaces one.
    ///
    /// # Errors
    /// [`OpenError::SecretKey`] when the file can be read by others or does not hold a key.
    pub fn load_or_create(path: &Path) -> Result<Self, OpenError> {
        let io = |action, source| OpenError::Io { action, path: path.to_owned(), source };
        match File::open(path) {
            Ok(file) => Self::load(file, path),
            Err(e) if e.kind() == io::ErrorKind::NotFound => match Self::create(path) {
                Ok(key) => Ok(key),
                // Someone else made it in this moment.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    Self::load(File::open(path).map_err(|e| io("open the secret key", e))?, path)
                }
                Err(e) => Err(io("make the secret key", e)),
            },
            Err(e) => Err(io("open the secret key", e)),
        }
    }

    /// Reads 64 hex digits, as from an environment variable. `None`: it is not a key.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 2 * KEY_BYTES || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; KEY_BYTES];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        let key = Self::of(&bytes);
        wipe(&mut bytes);
        Some(key)
    }

    /// Tells keys apart without telling anything of them: 16 hex digits of a digest.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A key for another purpose: the same on every node that has this one, and telling nothing of it.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut named = b"switchyard derived key\0".to_vec();
        named.extend_from_slice(purpose.as_bytes());
        let derived = hmac::sign(&self.root, &named);
        let mut key = [0; 32];
        key.copy_from_slice(derived.as_ref());
        key
    }

    fn of(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut named = b"switchyard secret key\0".to_vec();
        named.extend_from_slice(bytes);
        let id = digest(&SHA256, &named).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        wipe(&mut named);
        let root = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        Self { cipher: XChaCha20Poly1305::new(bytes.into()), root, id }
    }

    fn load(mut file: File, path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { action: "read the secret key", path: path.to_owned(), source };
        let wrong = |rule| OpenError::SecretKey { path: path.to_owned(), rule };
        let meta = file.metadata().map_err(io)?;
        if meta.permissions().mode() & 0o077 != 0 {
            return Err(wrong("can be read by others: its mode must be 0600"));
        }
        let mut text = String::new();
        let read = (&mut file).take(1_024).read_to_string(&mut text);
        let key = match read {
            Ok(_) => Self::parse(&text),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => None,
            Err(e) => return Err(io(e)),
        };
        wipe_string(text);
        key.ok_or_else(|| wrong("does not hold a key: 64 hex digits"))
    }

    fn create(path: &Path) -> io::Result<Self> {
        let mut bytes = [0; KEY_BYTES];
        rand::fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        text.push('\n');
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        // Temporary files have mode 0600.
        let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(dir)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|e| e.error)?;
        File::open(dir)?.sync_all()?;
        let key = Self::of(&bytes);
        wipe(&mut bytes);
        wipe_string(text);
        Ok(key)
    }

    pub(crate) fn seal(&self, script: ScriptId, secret: SecretId, value: &Secret) -> Result<Sealed, Unsealable> {
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce).map_err(|_| Unsealable)?;
        let payload = Payload { msg: value.expose().as_bytes(), aad: &owner(script, secret) };
        let ciphertext = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| Unsealable)?;
        Ok(Sealed { nonce: nonce.to_vec(), ciphertext })
    }

    pub(crate) fn open(&self, script: ScriptId, secret: SecretId, sealed: &Sealed) -> Result<Secret, Unsealable> {
        let nonce: [u8; NONCE_BYTES] = sealed.nonce.as_slice().try_into().map_err(|_| Unsealable)?;
        let payload = Payload { msg: &sealed.ciphertext, aad: &owner(script, secret) };
        let text = self.cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| Unsealable)?;
        String::from_utf8(text).map(Secret::new).map_err(|_| Unsealable)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id)
    }
}

fn owner(script: ScriptId, secret: SecretId) -> [u8; 32] {
    let mut owner = [0; 32];
    owner[..16].copy_from_slice(script.as_uuid().as_bytes());
    owner[16..].copy_from_slice(secret.as_uuid().as_bytes());
    owner
}

fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}

fn wipe_string(text: String) {
    wipe(&mut text.into_bytes());
}
