//! What came with the program is used where nobody else can have written it, and nowhere else.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use wasmtime::Engine;

use super::{CODE, MANIFEST, MEMORY, load, make};
use crate::artefacts::Artefacts;
use crate::base::Base;
use crate::cpu::Cpu;
use crate::engine::{self, EngineCore};

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| engine::reserve(2).unwrap())
}

/// Of all these tests.
fn made() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let place = MADE.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        let made = make(&place.path().join("engine"), Cpu::BASELINE).unwrap();
        assert!(made.cpu == Cpu::BASELINE && made.bytes > 1 << 20, "{made:?}");
        place
    });
    // The name stands as long as the process: statics are not dropped.
    Box::leak(place.path().join("engine").into_boxed_path())
}

struct Copy {
    place: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let copy = Self { place: tempfile::tempdir().unwrap() };
        fs::create_dir_all(copy.folder()).unwrap();
        for name in [CODE, MEMORY, MANIFEST] {
            fs::copy(made().join(name), copy.file(name)).unwrap();
        }
        copy
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("lib/engine")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    #[track_caller]
    fn refused(&self, why: &str) {
        let said = load(engine(), &self.folder()).map(|found| found.is_some()).unwrap_err();
        assert!(said.contains(why), "{said}");
    }

    #[track_caller]
    fn used(&self) {
        assert_eq!(load(engine(), &self.folder()).unwrap().map(|found| found.cpu), Some(Cpu::BASELINE));
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn it_is_the_engine_that_would_be_compiled() {
    let copy = Copy::new();
    let data = tempfile::tempdir().unwrap();
    let artefacts = Artefacts::open(&data.path().join("a"), &[1; 32]).unwrap();
    let (core, shipped) = EngineCore::load(&artefacts, Some(&copy.folder()), 4).unwrap();
    assert!(shipped.is_some());
    let base = Base::load(&core, &artefacts, shipped).unwrap();
    assert_eq!(fs::read_dir(data.path().join("a")).unwrap().count(), 0, "nothing was made");
    // Sealed Workers of one fit the other.
    let (core, shipped) = EngineCore::load(&artefacts, None, 4).unwrap();
    assert!(shipped.is_none());
    let own = Base::load(&core, &artefacts, None).unwrap();
    assert_eq!((base.digest, base.stack_pointer), (own.digest, own.stack_pointer));
    // What was compiled here is for this CPU, and goes before.
    let (_, shipped) = EngineCore::load(&artefacts, Some(&copy.folder()), 4).unwrap();
    assert!(shipped.is_none());
}

#[test]
fn where_nothing_lies_there_is_nothing_to_say() {
    assert!(load(engine(), Path::new("/no/such/folder")).unwrap().is_none());
    let copy = Copy::new();
    copy.used();
    fs::remove_file(copy.file(MANIFEST)).unwrap();
    assert!(load(engine(), &copy.folder()).unwrap().is_none());
}

#[test]
fn a_bit_is_seen_wherever_it_is() {
    for name in [CODE, MEMORY] {
        let len = fs::metadata(made().join(name)).unwrap().len() as usize;
        for at in [0, len / 2, len - 1] {
            let copy = Copy::new();
            let mut bytes = fs::read(copy.file(name)).unwrap();
            bytes[at] ^= 1;
            fs::write(copy.file(name), bytes).unwrap();
            copy.refused("is not as it was made");
        }
        let copy = Copy::new();
        fs::File::options().write(true).open(copy.file(name)).unwrap().set_len(len as u64 / 2).unwrap();
        copy.refused("is not as it was made");
        fs::remove_file(copy.file(name)).unwrap();
        copy.refused("cannot be opened");
    }
}

#[test]
fn what_others_could_have_written_is_refused() {
    for name in [CODE, MEMORY, MANIFEST] {
        for writable in [0o664, 0o646] {
            let copy = Copy::new();
            mode(&copy.file(name), writable);
            copy.refused("others than its owner can write to");
            mode(&copy.file(name), 0o644);
            copy.used();
        }
        let copy = Copy::new();
        fs::rename(copy.file(name), copy.place.path().join("elsewhere")).unwrap();
        symlink(copy.place.path().join("elsewhere"), copy.file(name)).unwrap();
        copy.refused("cannot be opened");
    }
    // The folder, and the one above it.
    let copy = Copy::new();
    for folder in [copy.folder(), copy.place.path().join("lib")] {
        for writable in [0o775, 0o757] {
            mode(&folder, writable);
            copy.refused("others than its owner can write to");
        }
        mode(&folder, 0o755);
        copy.used();
    }
    // As /tmp is, where nobody can move what is another's: above it, not itself.
    mode(&copy.place.path().join("lib"), 0o1777);
    copy.used();
    mode(&copy.folder(), 0o1777);
    copy.refused("others than its owner can write to");
}

#[test]
fn what_is_somebody_elses_is_refused() {
    const SOMEBODY: u32 = 54_321;
    let copy = Copy::new();
    if chown(copy.file(CODE), Some(SOMEBODY), None).is_err() {
        println!("SKIPPED: only root can give files away");
        return;
    }
    copy.refused("of user 54321");
    for name in [CODE, MEMORY, MANIFEST, "", "..", "../.."] {
        let copy = Copy::new();
        copy.used();
        chown(copy.file(name), Some(SOMEBODY), None).unwrap();
        copy.refused("of user 54321");
    }
    // A way to it that is somebody's.
    let copy = Copy::new();
    fs::rename(copy.place.path().join("lib"), copy.place.path().join("true")).unwrap();
    symlink("true", copy.place.path().join("lib")).unwrap();
    copy.used();
    std::os::unix::fs::lchown(copy.place.path().join("lib"), Some(SOMEBODY), None).unwrap();
    copy.refused("of user 54321");
}

#[test]
fn another_builds_is_refused() {
    for (key, why) in [
        ("engine", "its engine is"),
        ("base", "its platform is"),
        ("compatibility", "its compiler is"),
        ("image", "is another base"),
    ] {
        let copy = Copy::new();
        let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(copy.file(MANIFEST)).unwrap()).unwrap();
        manifest[key] = "0123456789abcdef".into();
        fs::write(copy.file(MANIFEST), manifest.to_string()).unwrap();
        copy.refused(why);
        manifest[key] = serde_json::Value::Null;
        fs::write(copy.file(MANIFEST), manifest.to_string()).unwrap();
        copy.refused("is not understood");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_cpu_that_has_less_is_named() {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    config.target("x86_64-unknown-linux-gnu").unwrap();
    // SAFETY: it says less than there is.
    unsafe { config.detect_host_feature(|feature| Some(feature != "sse4.2")) };
    let engine = Engine::new(&config).unwrap();
    let said = load(&engine, made()).map(|_| ()).unwrap_err();
    assert!(said.contains("has_sse42") && said.contains("not available on the host"), "{said}");
}

#[test]
fn a_cpu_of_another_architecture_is_no_choice() {
    let other = if cfg!(target_arch = "x86_64") { Cpu::Arm8 } else { Cpu::X86V2 };
    let place = tempfile::tempdir().unwrap();
    assert!(make(place.path(), other).is_err());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    assert_eq!("x86-64-v2".parse(), Ok(Cpu::X86V2));
    assert!("x86-64-v9".parse::<Cpu>().unwrap_err().contains("x86-64-v3"));
}
