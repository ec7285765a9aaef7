//! The image, made by the Dockerfile's own commands of the program that is there, and run as a container is: a root of its
//! own that cannot be written to, another user, a volume. Without Docker; it takes root and `unshare`, or is skipped.

use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::component_upload;
use crate::harness::PATIENCE;
use crate::manifests::{image, text};
use crate::process::get;
use crate::tools::{Said, file, say};

/// Of all files in it.
const MOST: u64 = 70 << 20;
/// Where the image has its engine.
const ENGINE: &str = "lib/switchyard";

/// What the build's last step does, with the program in the place of its own.
fn commands(program: &Path, root: &Path) -> String {
    let dockerfile = text("Dockerfile");
    let at = dockerfile.find("RUN set -eu; image=/image").unwrap() + "RUN ".len();
    let run = dockerfile[at..].split("\n\n").next().unwrap().replace("\\\n", " ");
    let mut run = run.replace("image=/image", &format!("image={}", root.display()));
    for used in ["cp /switchyard ", "ldd /switchyard ", "&& /switchyard engine "] {
        assert!(run.contains(used), "{run}");
        run = run.replace(used, &used.replace("/switchyard", program.to_str().unwrap()));
    }
    run
}

pub fn size(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(
            |entry| {
                if entry.file_type().unwrap().is_dir() { size(&entry.path()) } else { entry.metadata().unwrap().len() }
            },
        )
        .sum()
}

/// The image's files, with a configuration in the place of its own; and a volume beside them, as it begins.
pub struct Files {
    pub root: PathBuf,
    pub volume: PathBuf,
    pub place: tempfile::TempDir,
}

/// Where a container is reached, and the shipped configuration with these addresses and without a delay.
pub struct Reached {
    pub listen: SocketAddr,
    pub admin: SocketAddr,
    pub config: String,
}

impl Reached {
    pub fn new() -> Self {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (listen, admin) = (free(), free());
        let shipped = text("container.toml");
        let config = shipped.replace("0.0.0.0:8080", &listen.to_string()).replace("0.0.0.0:8081", &admin.to_string());
        let config = config.replace("drain_delay = \"5s\"", "drain_delay = \"0s\"");
        assert!(!config.contains(":808") && !config.contains("\"5s\""), "{config}");
        Self { listen, admin, config }
    }

    /// Uploads a script and a component from outside, and asks both.
    pub async fn serves(&self, volume: &Path) {
        let admin = format!("http://{}", self.admin);
        let place = tempfile::tempdir().unwrap();
        let script = file(place.path(), "a.mjs", "export default { fetch() { return new Response('script') } };");
        let wasm = place.path().join("c.wasm");
        std::fs::write(&wasm, component_upload::hello()).unwrap();
        let token = std::fs::read_to_string(volume.join("token")).unwrap();
        for (name, source) in [("dev/a", script.as_str()), ("dev/c", wasm.to_str().unwrap())] {
            let deploy = ["deploy", name, source, "--admin", &admin, "--token", token.trim(), "--json"];
            // The compiler is a process of this program, in this root.
            say(crate::process::switchyard(&deploy)).await.ok();
        }
        let url = format!("http://{}/", self.listen);
        assert_eq!(get(&url, "a.localhost").await, (200, "script".to_owned()));
        assert_eq!(get(&url, "c.localhost").await.0, 200);
    }
}

impl Files {
    pub async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let (root, volume) = (place.path().join("root"), place.path().join("volume"));
        let program = place.path().join("program");
        std::fs::copy(env!("CARGO_BIN_EXE_switchyard"), &program).unwrap();
        // As the profile that is shipped does.
        if !Command::new("strip").arg(&program).status().await.is_ok_and(|stripped| stripped.success()) {
            println!("SKIPPED: there is no strip, so the image's size says nothing");
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", &commands(&program, &root)]).kill_on_drop(true);
        say(shell).await.ok();
        let kept = std::fs::metadata(root.join("var/lib/switchyard")).unwrap();
        assert_eq!((kept.uid(), kept.gid(), kept.mode() & 0o777), (10_001, 10_001, 0o700));
        // A volume begins as the image's folder is.
        std::fs::create_dir(&volume).unwrap();
        std::os::unix::fs::chown(&volume, Some(kept.uid()), Some(kept.gid())).unwrap();
        std::fs::set_permissions(&volume, PermissionsExt::from_mode(0o700)).unwrap();
        std::fs::copy(crate::manifests::deploy().join("container.toml"), root.join("etc/switchyard/switchyard.toml"))
            .unwrap();
        let bytes = size(&root);
        println!("{:.1} MiB in the image", bytes as f64 / f64::from(1 << 20));
        // Other builds may be made for speed of building.
        assert!(bytes <= MOST || std::env::var_os("CI").is_none(), "{bytes} bytes");
        Self { root, volume, place }
    }

    /// What a node made in the volume, of the engine and its base.
    pub fn compiled(&self) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(self.volume.join("artefacts")) else { return Vec::new() };
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("engine-") || name.starts_with("base-")).collect()
    }
}

/// What `doctor` says of the engine.
pub fn engine(doctor: &Said) -> (String, String) {
    check(doctor, "engine")
}

/// Of one thing: its health, and what was found.
pub fn check(doctor: &Said, name: &str) -> (String, String) {
    let said: Value = serde_json::from_str(&doctor.out).unwrap_or_else(|_| panic!("{}", doctor.out));
    let check = said["checks"].as_array().unwrap().iter().find(|check| check["check"] == name).unwrap().clone();
    (check["health"].as_str().unwrap().to_owned(), check["found"].as_str().unwrap().to_owned())
}

/// What it says where the image's own is used.
pub fn of_image() -> (String, String) {
    let cpu = if cfg!(target_arch = "aarch64") { "armv8-a" } else { "x86-64-v2" };
    ("ok".to_owned(), format!("came with the program, for {cpu}: /{ENGINE}"))
}

struct Sandbox {
    files: Files,
}

impl Sandbox {
    async fn new(config: &str) -> Option<Self> {
        let me = std::fs::metadata("/proc/self").unwrap().uid();
        let may = Command::new("unshare").args(["--mount", "--pid", "--fork", "true"]).output().await;
        if me != 0 || !may.is_ok_and(|ran| ran.status.success()) {
            println!("SKIPPED: the image was not run, as that takes root and mounts of one's own");
            return None;
        }
        let files = Files::new().await;
        std::fs::write(files.root.join("etc/switchyard/switchyard.toml"), config).unwrap();
        std::fs::create_dir(files.root.join("dev")).unwrap();
        Some(Self { files })
    }

    /// A container's process.
    fn run(&self, arguments: &[&str]) -> Command {
        let (root, volume, image) = (self.files.root.display(), self.files.volume.display(), image());
        let script = format!(
            "set -e; mount --bind {root} {root}; mount --bind {volume} {root}/var/lib/switchyard; \
             mount -t proc proc {root}/proc; mount --bind /dev {root}/dev; mount -o remount,bind,ro {root}; \
             exec chroot --userspec={} {root} \"$@\"",
            image.user
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", &script, "sh"]);
        command.args(&image.entrypoint).args(arguments).env_clear().envs(&image.env);
        // For sh; the container has none.
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    async fn start(&self, reached: &Reached) -> Child {
        let arguments = image().arguments;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let child = self.run(&arguments).spawn().unwrap();
        let admin = format!("http://{}", reached.admin);
        let ready = async {
            while say(self.run(&["ready", "--admin", &admin])).await.code != Some(0) {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("it is ready in time");
        child
    }
}

/// Its code, and what it said to its log.
async fn terminate(child: Child) -> (Option<i32>, String) {
    let outer = child.id().unwrap();
    let inner = std::fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap();
    assert!(Command::new("kill").arg(inner.trim()).status().await.unwrap().success());
    let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("it ends in time").unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[tokio::test]
async fn it_serves_from_a_root_that_cannot_be_written_to() {
    let reached = Reached::new();
    let Some(sandbox) = Sandbox::new(&reached.config).await else { return };
    let doctor = say(sandbox.run(&["doctor", "--json"])).await;
    assert_eq!((doctor.code, doctor.error.as_str()), (Some(0), ""), "{}", doctor.out);
    assert_eq!(engine(&doctor), of_image());
    let child = sandbox.start(&reached).await;
    // The health check as it stands there finds the node by its folder.
    say(sandbox.run(&["ready"])).await.ok();
    reached.serves(&sandbox.files.volume).await;
    let backup = sandbox.run(&["backup", "-"]).output().await.unwrap();
    assert!(backup.status.success() && backup.stdout.len() > 10_000, "{}", String::from_utf8_lossy(&backup.stderr));
    let (code, log) = terminate(child).await;
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(sandbox.files.compiled(), [""; 0], "the image had all of it");
    assert!(!log.contains("engine"), "{log}");
}

/// What is done to a file of it.
type Damage = fn(&Path);

/// Whatever is wrong with the image's engine, the node tells it, makes its own, and serves.
#[tokio::test]
async fn an_engine_that_others_may_have_written_is_not_used() {
    let reached = Reached::new();
    let Some(sandbox) = Sandbox::new(&reached.config).await else { return };
    let path = sandbox.files.root.join(ENGINE).join("engine.cwasm");
    let whole = std::fs::read(&path).unwrap();
    let flip = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    let give = |path: &Path| std::os::unix::fs::chown(path, Some(10_001), None).unwrap();
    let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o666)).unwrap();
    let wrong: [(Damage, &str); 3] = [
        (flip, "is not as it was made"),
        // The node's own user is not the program's owner.
        (give, "of user 10001, neither root's nor this program's owner's"),
        (open, "others than its owner can write to /lib/switchyard/engine.cwasm (mode 0666)"),
    ];
    for (damage, why) in wrong {
        damage(&path);
        let (health, found) = engine(&say(sandbox.run(&["doctor", "--json"])).await);
        assert!(health == "warn" && found.contains(why), "{found}");
        let child = sandbox.start(&reached).await;
        assert_eq!(get(&format!("http://{}/", reached.listen), "nobody.localhost").await.0, 404);
        let (code, log) = terminate(child).await;
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("the engine that came with the program is not used") && log.contains(why), "{log}");
        assert_eq!(sandbox.files.compiled().len(), 3, "engine, base, and what maps it");
        // As a new volume, and the image once more.
        std::fs::remove_dir_all(sandbox.files.volume.join("artefacts")).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &whole).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert_eq!(engine(&say(sandbox.run(&["doctor", "--json"])).await), of_image());
    }
}
