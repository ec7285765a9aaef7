//! Compiled engines and bases of other builds, other platforms, other CPUs: 12 MiB each time the program or the machine
//! changes. Of each kind the one in use stays, and of the others the one that was used last, for who goes back to the
//! program before. The rest is removed at a start, when what the start needs is loaded.
//!
//! A process that still runs with a file maps it, and has it whatever becomes of the name; no process opens one after
//! its start. One that starts meanwhile and finds its file gone compiles it anew.

use std::fs::{self, DirEntry, File};
use std::time::{Duration, SystemTime};

use super::Artefacts;

/// Beginning and end of the names of one kind.
const KINDS: [(&str, &str); 3] = [("engine-", ".cwasm"), ("base-", ".image"), ("base-", ".cwasm")];
/// Besides those in use.
const KEPT: usize = 1;
/// No file is written for so long: what is older was cut off.
const CUT_OFF: Duration = Duration::from_secs(3_600);

impl Artefacts {
    /// Marks those in use as used now, and removes what nobody is likely to want. Returns how many files.
    pub fn retire(&self, in_use: &[String]) -> usize {
        for name in in_use {
            let marked = File::open(self.folder.join(name)).and_then(|file| file.set_modified(SystemTime::now()));
            if let Err(error) = marked {
                tracing::debug!(name, %error, "could not be marked as used");
            }
        }
        let files: Vec<DirEntry> = fs::read_dir(&self.folder).into_iter().flatten().flatten().collect();
        let name = |file: &DirEntry| file.file_name().into_string().unwrap_or_default();
        let mut gone = Vec::new();
        for (begin, end) in KINDS {
            let of_kind = files.iter().map(|file| (file, name(file)));
            let mut others: Vec<_> = of_kind
                .filter(|(_, name)| name.starts_with(begin) && name.ends_with(end) && !in_use.contains(name))
                .map(|(file, name)| (used(file), name))
                .collect();
            others.sort_unstable_by(|a, b| b.cmp(a));
            gone.extend(others.into_iter().skip(KEPT).map(|(_, name)| name));
        }
        gone.extend(files.iter().filter(|file| is_cut_off(&name(file), used(file))).map(name));
        gone.iter().for_each(|name| self.remove(name));
        gone.len()
    }
}

/// When a start used it, or made it.
fn used(file: &DirEntry) -> SystemTime {
    file.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn is_cut_off(name: &str, written: SystemTime) -> bool {
    let ours = KINDS.iter().any(|(begin, _)| name.starts_with(begin)) && name.contains(".tmp-");
    ours && written.elapsed().is_ok_and(|age| age > CUT_OFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    struct Folder {
        place: tempfile::TempDir,
        artefacts: Artefacts,
    }

    impl Folder {
        fn new() -> Self {
            let place = tempfile::tempdir().unwrap();
            let artefacts = Artefacts::open(place.path(), &[1; 32]).unwrap();
            Self { place, artefacts }
        }

        fn write(&self, name: &str, hours: u32) {
            self.artefacts.write(name, b"x").unwrap();
            let file = File::open(self.place.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - HOUR * hours).unwrap();
        }

        fn names(&self) -> Vec<String> {
            let files = fs::read_dir(self.place.path()).unwrap();
            let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn the_one_before_stays_and_no_more() {
        let folder = Folder::new();
        for (number, hours) in [(1, 9), (2, 7), (3, 8)] {
            folder.write(&format!("engine-{number}.cwasm"), hours);
            folder.write(&format!("base-{number}.image"), hours);
            folder.write(&format!("base-{number}-x.cwasm"), hours);
        }
        folder.write("workers/ab/one.sealed", 100);
        folder.write("else", 100);
        let in_use = |number: u32| {
            ["engine-N.cwasm", "base-N.image", "base-N-x.cwasm"].map(|name| name.replace('N', &number.to_string()))
        };
        let kept = |pairs: [u32; 2]| {
            let mut names: Vec<String> = pairs.iter().flat_map(|number| in_use(*number)).collect();
            names.extend(["else".into(), "workers".into()]);
            names.sort();
            names
        };
        // The oldest file is in use now; of the others the newest goes before.
        assert_eq!(folder.artefacts.retire(&in_use(1)), 3);
        assert_eq!(folder.names(), kept([1, 2]));
        // The way back, and forth: nothing is lost, and each use counts.
        assert_eq!(folder.artefacts.retire(&in_use(2)), 0);
        assert_eq!(folder.artefacts.retire(&in_use(1)), 0);
        in_use(4).iter().for_each(|name| folder.write(name, 0));
        assert_eq!(folder.artefacts.retire(&in_use(4)), 3);
        assert_eq!(folder.names(), kept([1, 4]), "1 was used after 2");
        assert!(folder.artefacts.has("workers/ab/one.sealed"));
        // What came with the program is in no file here.
        assert_eq!(folder.artefacts.retire(&[]), 3);
        assert_eq!(folder.names(), ["base-4-x.cwasm", "base-4.image", "else", "engine-4.cwasm", "workers"]);
    }

    #[test]
    fn what_was_cut_off_goes_when_it_is_old() {
        let folder = Folder::new();
        folder.write("engine-1.tmp-abc", 2);
        folder.write("base-1.tmp-abc", 0);
        folder.write("other.tmp-abc", 2);
        assert_eq!(folder.artefacts.retire(&[]), 1);
        assert_eq!(folder.names(), ["base-1.tmp-abc", "other.tmp-abc"]);
    }

    /// An old process goes on with what it mapped.
    #[test]
    fn a_file_that_is_removed_is_still_mapped() {
        let folder = Folder::new();
        let engine = wasmtime::Engine::default();
        let wasm = wat::parse_str(
            "(module (memory 1) (data (i32.const 9) \"old\") (func (export \"f\") (result i32) (i32.const 7)))",
        );
        let made = crate::engine::compile(&engine, &wasm.unwrap(), &folder.artefacts, "engine-1.cwasm").unwrap();
        for number in 2..4 {
            folder.write(&format!("engine-{number}.cwasm"), 0);
        }
        let file = File::open(folder.place.path().join("engine-1.cwasm")).unwrap();
        file.set_modified(SystemTime::now() - HOUR).unwrap();
        assert_eq!(folder.artefacts.retire(&["engine-2.cwasm".into()]), 1);
        assert!(!folder.artefacts.has("engine-1.cwasm"));
        let mut store = wasmtime::Store::new(&engine, ());
        let instance = wasmtime::Instance::new(&mut store, &made, &[]).unwrap();
        let called = instance.get_typed_func::<(), i32>(&mut store, "f").unwrap().call(&mut store, ()).unwrap();
        assert_eq!(called, 7);
    }
}
