//! The data folder: its lock and its secret key.

use std::{fs, os::unix::fs::PermissionsExt};

use switchyard_storage::{DataLock, OpenError, SecretKey};

#[test]
fn a_second_holder_is_refused_and_told_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let lock = DataLock::acquire(&data).unwrap();
    let error = DataLock::acquire(&data).unwrap_err();
    assert!(matches!(error, OpenError::Locked(_)));
    assert!(error.to_string().contains(data.to_str().unwrap()), "{error}");
    drop(lock);
    DataLock::acquire(&data).unwrap();
}

#[test]
fn a_key_is_made_once_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys/secret.key");
    let made = SecretKey::load_or_create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.trim().len(), 64);
    assert_eq!(SecretKey::load_or_create(&path).unwrap().id(), made.id());
    assert_eq!(SecretKey::parse(&text).unwrap().id(), made.id());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert!(!text.contains(made.id()) && !format!("{made:?}").contains(text.trim()));
    let other = SecretKey::load_or_create(&dir.path().join("other.key")).unwrap();
    assert_ne!(other.id(), made.id());
}

#[test]
fn a_key_that_others_can_read_or_that_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret.key");
    SecretKey::load_or_create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = SecretKey::load_or_create(&path).unwrap_err().to_string();
    assert!(error.contains("0600") && error.contains("secret.key"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for bad in ["", "abc", &"zz".repeat(32), &"ab".repeat(33)] {
        fs::write(&path, bad).unwrap();
        let error = SecretKey::load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("64 hex digits"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), bad, "it is left as it was");
    }
}
