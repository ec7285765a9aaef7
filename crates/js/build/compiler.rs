//! The C compiler for wasm: which one, how it is called, and what to say when there is none. In order: `zig`, the Python
//! package `ziglang`, clang with a WASI sysroot, and last the pinned `ziglang` installed privately by pip.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// With this one the build is reproducible, and `engine.sha256` holds what comes out.
pub const PINNED: &str = "0.17.1";

const NONE: &str = "no C compiler for wasm was found. Any of these will do:
  1. SWITCHYARD_ENGINE_WASM=<file>, an engine already built;
  2. zig on PATH;
  3. python3 with pip, or with apt-get to fetch pip by, which then installs the package ziglang privately (or one
     already installed);
  4. clang with a WASI sysroot: on Debian the packages clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32
     (WASI_SYSROOT names a sysroot elsewhere).";

const COMPILE: &[&str] = &[
    "-O2",
    "-DNDEBUG",
    "-D_GNU_SOURCE",
    "-D_WASI_EMULATED_SIGNAL",
    "-std=gnu11",
    "-g0",
    "-fno-builtin-malloc",
    "-fno-strict-aliasing",
    "-fwrapv",
    "-ffile-prefix-map=.=",
    "-Wno-everything",
    "-I.",
];

/// The stack must lie first in memory, so that running over its end traps instead of writing over data: zig does so by
/// itself and does not know the flag, lld wants to be told (`last` in `clang`).
const LINK: &[&str] = &[
    "-mexec-model=reactor",
    "-O2",
    "-Wl,--import-memory",
    "-Wl,--export=__stack_pointer",
    "-Wl,-z,stack-size=1048576",
    "-Wl,--initial-memory=2097152",
    "-Wl,--max-memory=134217728",
    "-s",
];

pub struct Compiler {
    program: OsString,
    arguments: Vec<OsString>,
    target: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    last: &'static [&'static str],
    extra: Vec<String>,
    /// Part of the digest: the same for the same compiler wherever it was found.
    pub identity: String,
}

/// Finds a compiler and adds to its flags those of SWITCHYARD_ENGINE_FLAGS, which are for trying things (`-UNDEBUG
/// -DFORCE_GC_AT_MALLOC`): an engine built with any is another one, beside the usual in the cache.
pub fn find(cache: &Path) -> Result<Compiler, String> {
    let mut compiler = find_any(cache)?;
    let extra = std::env::var("SWITCHYARD_ENGINE_FLAGS").unwrap_or_default();
    compiler.extra = extra.split_whitespace().map(str::to_owned).collect();
    if !compiler.extra.is_empty() {
        compiler.identity = format!("{} with {}", compiler.identity, compiler.extra.join(" "));
    }
    Ok(compiler)
}

/// `cache` is where the pinned one is installed and where zig keeps its own things.
fn find_any(cache: &Path) -> Result<Compiler, String> {
    let python = || ["python3", "python"].into_iter().find(|p| answers(p, &["--version"]).is_some());
    if let Some(version) = answers("zig", &["version"]) {
        return Ok(zig(cache, "zig".into(), vec![], version));
    }
    if let Some(python) = python()
        && let Some(version) = answers(python, &["-m", "ziglang", "version"])
    {
        return Ok(zig(cache, python.into(), vec!["-m".into(), "ziglang".into()], version));
    }
    let private = cache.join(format!("ziglang-{PINNED}"));
    let binary = private.join("ziglang").join(if cfg!(windows) { "zig.exe" } else { "zig" });
    if !binary.is_file()
        && let Some(clang) = clang()
    {
        return Ok(clang);
    }
    if !binary.is_file() {
        let python = python().ok_or(NONE)?;
        let pip = pip(python, cache).map_err(|e| format!("{e}\n{NONE}"))?;
        install(python, &pip, &private).map_err(|e| format!("{e}\n{NONE}"))?;
    }
    let version = answers(&binary, &["version"]).ok_or_else(|| format!("{} does not run", binary.display()))?;
    Ok(zig(cache, binary.into(), vec![], version))
}

fn answers(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

fn zig(cache: &Path, program: OsString, mut arguments: Vec<OsString>, version: String) -> Compiler {
    arguments.push("cc".into());
    Compiler {
        program,
        arguments,
        target: ["-target", "wasm32-wasi", "-fno-sanitize=all"].map(Into::into).to_vec(),
        environment: vec![
            ("ZIG_GLOBAL_CACHE_DIR", cache.join("zig-cache").into()),
            ("ZIG_LOCAL_CACHE_DIR", cache.join("zig-cache").into()),
        ],
        last: &[],
        extra: vec![],
        identity: format!("zig {version}"),
    }
}

/// A clang that can build for WASI: tried, because the compiler alone, without libc and its runtime, is of no use.
fn clang() -> Option<Compiler> {
    let sysroot = std::env::var_os("WASI_SYSROOT").map_or_else(|| PathBuf::from("/usr"), PathBuf::from);
    let libc = ["lib/wasm32-wasi", "lib/wasm32-wasip1"].iter().any(|l| sysroot.join(l).join("libc.a").is_file());
    if !libc {
        return None;
    }
    ["clang-19", "clang"].into_iter().find_map(|program| {
        let version = answers(program, &["--version"])?;
        let mut root = OsString::from("--sysroot=");
        root.push(&sysroot);
        Some(Compiler {
            program: program.into(),
            arguments: vec![],
            target: vec!["--target=wasm32-wasi".into(), root],
            environment: vec![],
            last: &["-Wl,--stack-first"],
            extra: vec![],
            identity: version,
        })
    })
}

/// What python runs as pip: its own, or where it came without (as Debian's does), the one that Debian has for others,
/// fetched and unpacked privately: a wheel can be run as it is. With lists of its own, since a fresh machine has none.
fn pip(python: &str, cache: &Path) -> Result<Vec<OsString>, String> {
    const FETCH: &str = r#"
        apt() {
            apt-get -qq -o Debug::NoLocking=1 -o Dir::State::lists="$PWD/lists/" -o Dir::Cache="$PWD/cache/" "$@"
        }
        mkdir -p lists/partial cache/archives/partial
        apt update
        apt download python3-pip-whl && dpkg-deb -x python3-pip-whl_*.deb . || exit 1
        rm -r lists cache"#;
    if answers(python, &["-m", "pip", "--version"]).is_some() {
        return Ok(["-m", "pip"].map(Into::into).to_vec());
    }
    let folder = cache.join("pip");
    let wheel = || {
        let wheels = std::fs::read_dir(folder.join("usr/share/python-wheels")).ok()?;
        let mut files = wheels.filter_map(|file| Some(file.ok()?.path()));
        files.find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pip-")))
    };
    if wheel().is_none() {
        println!("cargo::warning=python3 has no pip: fetching the package python3-pip-whl");
        // Moved when it is whole: one that was interrupted is never taken for it.
        let partly = folder.with_extension(format!("{}.tmp", std::process::id()));
        std::fs::create_dir_all(&partly).map_err(|e| format!("cannot make {}: {e}", partly.display()))?;
        let fetched = Command::new("sh").args(["-c", FETCH]).current_dir(&partly).output();
        let fetched = fetched.map_err(|e| format!("python3 has no pip, and sh cannot be run: {e}"))?;
        if !fetched.status.success() {
            let why = String::from_utf8_lossy(&fetched.stderr);
            return Err(format!("python3 has no pip, and apt-get could not fetch it (python3-pip-whl):\n{why}"));
        }
        moved(&partly, &folder)?;
    }
    let wheel = wheel().ok_or("the package python3-pip-whl has no pip in it")?;
    Ok(vec![wheel.join("pip").into()])
}

fn install(python: &str, pip: &[OsString], to: &Path) -> Result<(), String> {
    let partly = to.with_extension(format!("{}.tmp", std::process::id()));
    let output = Command::new(python)
        .args(pip)
        .args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"])
        .arg(&partly)
        .arg(format!("ziglang=={PINNED}"))
        .output()
        .map_err(|e| format!("cannot run pip: {e}"))?;
    if !output.status.success() {
        return Err(format!("pip could not install ziglang:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    moved(&partly, to)
}

/// Another build may have been first.
fn moved(partly: &Path, to: &Path) -> Result<(), String> {
    match std::fs::rename(partly, to) {
        Err(e) if !to.is_dir() => Err(format!("cannot move {}: {e}", partly.display())),
        _ => Ok(()),
    }
}

/// Everything that decides what comes out, apart from the sources.
pub fn flags(compiler: &Compiler) -> String {
    [compiler.identity.clone(), COMPILE.join(" "), LINK.join(" "), compiler.last.join(" ")].join("\n")
}

impl Compiler {
    fn run(&self, dir: &Path, arguments: &[&str]) -> Result<(), String> {
        let output = Command::new(&self.program)
            .args(&self.arguments)
            .args(&self.target)
            .args(arguments)
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .current_dir(dir)
            .output()
            .map_err(|e| format!("cannot run {}: {e}", self.program.to_string_lossy()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!(
            "{} failed on {}:\n{}",
            self.identity,
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        ))
    }

    /// Compiles the units in `dir`, two at once, and links them to `dir`/engine.wasm.
    pub fn build(&self, dir: &Path, units: &[&str]) -> Result<PathBuf, String> {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                let object = format!("{unit}.o");
                let mut arguments = COMPILE.to_vec();
                arguments.extend(self.extra.iter().map(String::as_str));
                arguments.extend(["-c", unit, "-o", &object]);
                self.run(dir, &arguments)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(work);
            let mine: Result<(), String> = work();
            mine.and(other.join().unwrap_or_else(|_| Err("the compiling thread panicked".into())))
        })?;
        let objects: Vec<String> = units.iter().map(|u| format!("{u}.o")).collect();
        let mut arguments: Vec<&str> = objects.iter().map(String::as_str).collect();
        arguments.extend(LINK);
        arguments.extend(self.last);
        arguments.extend(["-o", "engine.wasm"]);
        self.run(dir, &arguments)?;
        Ok(dir.join("engine.wasm"))
    }
}
