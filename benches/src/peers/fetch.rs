//! Fetches peers by package name, through the ordinary client of each registry, into a folder beside this program.
//! Nothing is installed into the system, no script of a package runs, and no right is needed beyond writing there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// No fetch takes longer; building one does.
const LONGEST: Duration = Duration::from_secs(300);
pub const LONGEST_BUILD: Duration = Duration::from_secs(3_600);

/// Where all of them are.
///
/// # Errors
/// When the place of this program is unknown.
pub fn folder() -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("peers"))
}

/// A package of npm and what it depends on; the folder that has `node_modules`.
///
/// # Errors
/// When npm is missing or refuses.
pub fn npm(package: &str, version: &str) -> anyhow::Result<PathBuf> {
    once(&format!("{package}-{version}"), |into| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(into);
        run(npm.arg(format!("{package}@{version}")), LONGEST)
    })
}

/// A package of PyPI without what it depends on; the folder that it is unpacked in.
///
/// # Errors
/// When pip is missing or refuses.
pub fn pip(package: &str, version: &str) -> anyhow::Result<PathBuf> {
    once(&format!("{package}-{version}"), |into| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--no-deps", "--no-compile", "--only-binary", ":all:", "--target"]).arg(into);
        run(pip.arg(format!("{package}=={version}")), LONGEST)
    })
}

/// A program of a Debian package, ready for more arguments: the one in `PATH`, else that of the package, which is
/// unpacked and not installed, with the packages that it needs and the system lacks.
///
/// # Errors
/// When there is neither.
pub fn debian(package: &str, program: &str) -> anyhow::Result<Command> {
    if let Some(found) = in_path(program) {
        return Ok(Command::new(found));
    }
    let root = once(&format!("debian-{package}"), |into| {
        // The system's own lists first; where it has none, lists of our own.
        download(package, into, &[]).or_else(|first| {
            let own = ["Dir::State::lists=lists", "Dir::Cache=cache"]
                .map(|option| option.replace('=', &format!("={}/", into.display())));
            let mut update = apt();
            fs::create_dir_all(into.join("lists/partial"))?;
            fs::create_dir_all(into.join("cache"))?;
            run(update.arg("update").args(own.iter().flat_map(|option| ["-o", option])), LONGEST)?;
            download(package, into, &own).context(first)
        })
    })?;
    let place =
        ["usr/sbin", "usr/bin"].into_iter().map(|place| root.join(place).join(program)).find(|path| path.is_file());
    let mut command = Command::new(place.with_context(|| format!("the package {package} has no {program}"))?);
    command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries(&root)?)?);
    Ok(command)
}

fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    // Nothing of the system is written, so that nothing need be locked.
    apt.args(["-q", "-y", "-o", "Debug::NoLocking=1"]);
    apt
}

fn download(package: &str, into: &Path, options: &[String]) -> anyhow::Result<()> {
    let archives = into.join("archives");
    fs::create_dir_all(archives.join("partial"))?;
    let mut command = apt();
    command.args(options.iter().flat_map(|option| ["-o", option]));
    command.arg("-o").arg(format!("Dir::Cache::archives={}", archives.display()));
    run(command.args(["install", "--download-only", "--no-install-recommends", package]), LONGEST)?;
    let mut unpacked = 0;
    for archive in fs::read_dir(&archives)? {
        let archive = archive?.path();
        if archive.extension() == Some(OsStr::new("deb")) {
            run(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(into), LONGEST)?;
            unpacked += 1;
        }
    }
    ensure!(unpacked > 0, "no package came");
    Ok(())
}

/// Where its libraries are: `usr/lib`, and a folder below it for each kind of machine.
fn libraries(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for lib in ["usr/lib", "lib"].map(|lib| root.join(lib)) {
        let Ok(below) = fs::read_dir(&lib) else { continue };
        for below in below {
            let below = below?.path();
            if below.is_dir() && below.to_string_lossy().contains("-linux-") {
                all.push(below);
            }
        }
        all.push(lib);
    }
    Ok(all)
}

/// A program that is there already. System programs are not in everybody's `PATH`.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from));
    places.map(|place| place.join(program)).find(|file| file.is_file())
}

/// Whether a folder of that name was filled before.
pub fn is_here(name: &str) -> bool {
    folder().is_ok_and(|all| all.join(name).is_dir())
}

/// The folder of that name, which is filled the first time: beside its place, so that what was broken off is not
/// taken for whole.
fn once(name: &str, fill: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
    let all = folder()?;
    let place = all.join(name);
    if place.is_dir() {
        return Ok(place);
    }
    eprintln!("fetching {name} into {}", all.display());
    fs::create_dir_all(&all)?;
    let part = tempfile::Builder::new().prefix(".part-").tempdir_in(&all)?;
    fill(part.path()).with_context(|| format!("could not fetch {name}"))?;
    fs::rename(part.keep(), &place)?;
    Ok(place)
}

/// Runs a client to its end; what it said is told where it fails.
///
/// # Errors
/// When it cannot be started, fails, or takes longer than it may.
pub fn run(command: &mut Command, longest: Duration) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let said = tempfile::NamedTempFile::new()?;
    let file = said.reopen()?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn().with_context(|| format!("{program} cannot be started"))?;
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if began.elapsed() > longest {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{program} does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(said.path()).unwrap_or_default();
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    bail!("{program} failed ({status}): {}", lines[lines.len().saturating_sub(3)..].join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_fails_or_hangs_says_so() {
        let shell =
            |script: &str, longest| run(Command::new("sh").args(["-c", script]), longest).map_err(|e| e.to_string());
        let long = Duration::from_secs(20);
        assert_eq!(shell("true", long), Ok(()));
        let error = shell("echo one; echo two; echo three >&2; echo four; exit 3", long).unwrap_err();
        assert!(error.contains("3") && error.ends_with("two; three; four"), "{error}");
        assert!(shell("sleep 20", Duration::from_millis(50)).unwrap_err().contains("does not end"));
        assert!(run(&mut Command::new("no-such-client"), long).is_err());
    }

    #[test]
    fn programs_are_found() {
        assert!(in_path("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(in_path("no-such-program"), None);
    }
}
