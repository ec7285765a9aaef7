//! What makes components of Rust crates, the crates in `tests/guests` among them. Where the toolchain that builds the tests has
//! the target `wasm32-wasip2`, cargo alone does. Elsewhere Debian's packages of a compiler, of the standard library's
//! sources and of WASI's libc are unpacked, not installed, and the library is built for `wasm32-wasip1`: what cargo then
//! links is a core module, of which wit-component makes a component.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::sync::OnceCell;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wit_component::ComponentEncoder;

use crate::packages::debian;

const COMPONENTS: &str = "wasm32-wasip2";
const MODULES: &str = "wasm32-wasip1";

/// The minor version of the oldest compiler that all crates of the guests take.
const OLDEST: u32 = 94;

pub struct Toolchain {
    target: &'static str,
    /// Environment variables of cargo.
    settings: Vec<(&'static str, OsString)>,
}

/// `None`, with a word why: there is none here.
pub async fn toolchain() -> Option<&'static Toolchain> {
    static FOUND: OnceCell<Option<Toolchain>> = OnceCell::const_new();
    FOUND.get_or_init(Toolchain::find).await.as_ref()
}

/// What the compiler of the tests says.
async fn asked(arguments: &[&str]) -> PathBuf {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).args(arguments).output().await.unwrap();
    String::from_utf8(said.stdout).unwrap().trim().into()
}

impl Toolchain {
    async fn find() -> Option<Self> {
        let library = asked(&["--print", "target-libdir", "--target", COMPONENTS]).await;
        if std::fs::read_dir(library).is_ok_and(|mut files| files.next().is_some()) {
            return Some(Self { target: COMPONENTS, settings: Vec::new() });
        }
        println!("`rustup target add {COMPONENTS}` would do; without it, the compiler for guests is Debian's");
        let linker = asked(&["--print", "target-libdir"]).await.with_file_name("bin").join("rust-lld");
        if !linker.is_file() {
            println!("SKIPPED: guests in Rust: neither the target {COMPONENTS} nor {}", linker.display());
            return None;
        }
        let packages = ["rustc-web", "libstd-rust-web-dev", "rust-web-src", "wasi-libc"];
        let place = debian("rust-for-guests", &packages).await?;
        let root = place.join("usr");
        let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
        let mut libraries = vec![root.join("lib").join(machine)];
        libraries.extend(std::env::split_paths(&std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default()));
        let settings = vec![
            ("RUSTC", root.join("bin/rustc").into()),
            ("LD_LIBRARY_PATH", std::env::join_paths(libraries).unwrap()),
            ("CARGO_TARGET_WASM32_WASIP1_LINKER", linker.into()),
        ];
        let toolchain = Self { target: MODULES, settings };
        let release = toolchain.release(&root.join("bin/rustc")).await;
        if release < OLDEST {
            println!("SKIPPED: guests in Rust: Debian's compiler is 1.{release}, their crates ask for 1.{OLDEST}");
            // The next run looks for a newer one.
            std::fs::remove_dir_all(place).unwrap();
            return None;
        }
        toolchain.build_library(&root).await;
        Some(toolchain)
    }

    /// The minor version of Debian's compiler.
    async fn release(&self, rustc: &Path) -> u32 {
        let mut rustc = Command::new(rustc);
        rustc.arg("--version").envs(self.settings.iter().map(|(name, value)| (name, value)));
        let said = succeed(rustc, "rustc --version").await;
        let minor = said.strip_prefix("rustc 1.").and_then(|rest| rest.split('.').next());
        minor.and_then(|minor| minor.parse().ok()).unwrap_or_else(|| panic!("{said}"))
    }

    /// Makes the standard library and puts it where the compiler looks, once.
    async fn build_library(&self, root: &Path) {
        let place = root.join("lib/rustlib").join(self.target);
        if place.is_dir() {
            return;
        }
        let work = tempfile::tempdir_in(root).unwrap();
        let [lib, source, target] = ["part/lib", "source", "target"].map(|folder| work.path().join(folder));
        std::fs::create_dir_all(source.join("src")).unwrap();
        std::fs::write(source.join("src/lib.rs"), "").unwrap();
        // What guests instantiate is optimised as they ask; for the rest, soon ready comes first.
        let manifest =
            "[package]\nname = \"nothing\"\nedition = \"2024\"\n[profile.release]\nopt-level = 0\n[workspace]\n";
        std::fs::write(source.join("Cargo.toml"), manifest).unwrap();
        let mut cargo = self.cargo(&source, &target);
        cargo.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="]);
        // Guests may be linked with `lto`.
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Cembed-bitcode=yes");
        succeed(cargo, "Rust's standard library").await;
        let libc = lib.join("self-contained");
        std::fs::create_dir_all(&libc).unwrap();
        for file in ["libc.a", "crt1-command.o", "crt1-reactor.o"] {
            std::fs::copy(root.join("lib/wasm32-wasi").join(file), libc.join(file)).unwrap();
        }
        for file in std::fs::read_dir(target.join(self.target).join("release/deps")).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            if name.ends_with(".rlib") && !name.starts_with("libnothing") {
                std::fs::copy(file.path(), lib.join(name)).unwrap();
            }
        }
        let renamed = std::fs::rename(work.path().join("part"), &place);
        assert!(renamed.is_ok() || place.is_dir(), "{renamed:?}");
        // Half of all that was unpacked.
        let _ = std::fs::remove_dir_all(root.join("src"));
    }

    /// `cargo build`, behind the tests that run at the same time.
    fn cargo(&self, folder: &Path, target: &Path) -> Command {
        let mut cargo = Command::new("nice");
        cargo.args(["cargo", "build", "--release", "--quiet", "--target", self.target]);
        cargo.current_dir(folder).env("CARGO_TARGET_DIR", target).kill_on_drop(true);
        // What the tests are built with is not for another target.
        for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"] {
            cargo.env_remove(variable);
        }
        cargo.envs(self.settings.iter().map(|(name, value)| (name, value)));
        cargo
    }

    /// Builds what is in the folder, with these arguments beside; where the wasm files are then.
    pub async fn build(&self, folder: &Path, target: &Path, arguments: &[&str]) -> PathBuf {
        let mut cargo = self.cargo(folder, target);
        cargo.args(arguments);
        succeed(cargo, &folder.display().to_string()).await;
        target.join(self.target).join("release")
    }

    /// The component that was built as this file.
    pub fn component(&self, file: &Path) -> Vec<u8> {
        let built = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if self.target == COMPONENTS {
            return built;
        }
        let encoder = ComponentEncoder::default().module(&built).unwrap();
        encoder.adapter(ADAPTER_NAME, ADAPTER).unwrap().encode().unwrap()
    }
}

/// What it prints.
async fn succeed(mut command: Command, what: &str) -> String {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
