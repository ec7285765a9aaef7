//! The image, made by the Dockerfile's own commands of the program that is there, and run as a container is: a root of its
//! own that cannot be written to, another user, a volume. Without Docker; it takes root and `unshare`, or is skipped.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::component_upload;
use crate::harness::PATIENCE;
use crate::manifests::{image, text};
use crate::process::get;
use crate::tools::{file, say};

/// Of all files in it.
const MOST: u64 = 70 << 20;

struct Sandbox {
    root: PathBuf,
    volume: PathBuf,
    _place: tempfile::TempDir,
}

/// What the build's last step does, with the program in the place of its own.
fn commands(program: &Path, root: &Path) -> String {
    let dockerfile = text("Dockerfile");
    let at = dockerfile.find("RUN set -eu; image=/image").unwrap() + "RUN ".len();
    let run = dockerfile[at..].split("\n\n").next().unwrap().replace("\\\n", " ");
    let run = run.replace("image=/image", &format!("image={}", root.display()));
    for used in ["cp /switchyard ", "ldd /switchyard "] {
        assert!(run.contains(used), "{run}");
    }
    run.replace("cp /switchyard ", &format!("cp {} ", program.display()))
        .replace("ldd /switchyard ", &format!("ldd {} ", program.display()))
}

fn size(folder: &Path) -> u64 {
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

impl Sandbox {
    async fn new(config: &str) -> Option<Self> {
        let me = std::fs::metadata("/proc/self").unwrap().uid();
        let may = Command::new("unshare").args(["--mount", "--pid", "--fork", "true"]).output().await;
        if me != 0 || !may.is_ok_and(|ran| ran.status.success()) {
            println!("SKIPPED: the image was not run, as that takes root and mounts of one's own");
            return None;
        }
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
        std::fs::write(root.join("etc/switchyard/switchyard.toml"), config).unwrap();
        std::fs::create_dir(root.join("dev")).unwrap();
        Some(Self { root, volume, _place: place })
    }

    /// A container's process.
    fn run(&self, arguments: &[&str]) -> Command {
        let (root, volume, image) = (self.root.display(), self.volume.display(), image());
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
}

async fn terminate(mut child: Child) -> Option<i32> {
    let outer = child.id().unwrap();
    let inner = std::fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap();
    assert!(Command::new("kill").arg(inner.trim()).status().await.unwrap().success());
    tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap().code()
}

#[tokio::test]
async fn it_serves_from_a_root_that_cannot_be_written_to() {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (listen, admin) = (free(), free());
    let shipped = text("container.toml");
    let config = shipped.replace("0.0.0.0:8080", &listen.to_string()).replace("0.0.0.0:8081", &admin.to_string());
    let config = config.replace("drain_delay = \"5s\"", "drain_delay = \"0s\"");
    assert!(!config.contains(":808") && !config.contains("\"5s\""), "{config}");
    let Some(sandbox) = Sandbox::new(&config).await else { return };
    let bytes = size(&sandbox.root);
    println!("{:.1} MiB in the image", bytes as f64 / f64::from(1 << 20));
    // Other builds may be made for speed of building.
    assert!(bytes <= MOST || std::env::var_os("CI").is_none(), "{bytes} bytes");

    let doctor = say(sandbox.run(&["doctor", "--json"])).await;
    assert_eq!((doctor.code, doctor.error.as_str()), (Some(0), ""), "{}", doctor.out);
    let arguments = image().arguments;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let child = sandbox.run(&arguments).spawn().unwrap();
    let admin = format!("http://{admin}");
    let ready = async {
        while say(sandbox.run(&["ready", "--admin", &admin])).await.code != Some(0) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("it is ready in time");
    // The health check as it stands there finds the node by its folder.
    say(sandbox.run(&["ready"])).await.ok();

    let place = tempfile::tempdir().unwrap();
    let script = file(place.path(), "a.mjs", "export default { fetch() { return new Response('script') } };");
    let wasm = place.path().join("c.wasm");
    std::fs::write(&wasm, component_upload::hello()).unwrap();
    let token = std::fs::read_to_string(sandbox.volume.join("token")).unwrap();
    for (name, source) in [("dev/a", script.as_str()), ("dev/c", wasm.to_str().unwrap())] {
        let deploy = ["deploy", name, source, "--admin", &admin, "--token", token.trim(), "--json"];
        // The compiler is a process of this program, in this root.
        say(crate::process::switchyard(&deploy)).await.ok();
    }
    assert_eq!(get(&format!("http://{listen}/"), "a.localhost").await, (200, "script".to_owned()));
    assert_eq!(get(&format!("http://{listen}/"), "c.localhost").await.0, 200);
    let backup = sandbox.run(&["backup", "-"]).output().await.unwrap();
    assert!(backup.status.success() && backup.stdout.len() > 10_000, "{}", String::from_utf8_lossy(&backup.stderr));
    assert_eq!(terminate(child).await, Some(0));
}
