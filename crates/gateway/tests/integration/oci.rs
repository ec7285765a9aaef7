//! The image as other tools have it: packed as an OCI image by umoci with what the Dockerfile says of how it is run, unpacked
//! as a bundle, and run by runc as our Compose file and manifests ask: a root that cannot be written to, no privilege, no
//! capability, a volume. The network is the machine's own, on loopback.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::harness::PATIENCE;
use crate::image::{Files, Reached, check, engine, of_image, size};
use crate::manifests::image;
use crate::packages::debian;
use crate::process::get;
use crate::tools::{Said, say};

/// What the image keeps its data in.
const VOLUME: &str = "/var/lib/switchyard";

/// From `PATH`, else from their Debian packages, which are unpacked and not installed.
struct Tools {
    umoci: PathBuf,
    runc: PathBuf,
    /// Of the packages.
    libraries: PathBuf,
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from));
    places.map(|place| place.join(program)).find(|file| file.is_file())
}

impl Tools {
    /// `None`, with a word why: there are none here.
    async fn find() -> Option<Self> {
        if let (Some(umoci), Some(runc)) = (in_path("umoci"), in_path("runc")) {
            return Some(Self { umoci, runc, libraries: PathBuf::new() });
        }
        let place = debian("umoci-runc", &["umoci", "runc"]).await?;
        // What this machine has installed is not fetched.
        let one = |program: &str| {
            let unpacked = ["usr/bin", "usr/sbin"].map(|folder| place.join(folder).join(program));
            unpacked.into_iter().find(|file| file.is_file()).or_else(|| in_path(program)).expect(program)
        };
        let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
        Some(Self { umoci: one("umoci"), runc: one("runc"), libraries: place.join("usr/lib").join(machine) })
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env("LD_LIBRARY_PATH", &self.libraries).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    async fn umoci(&self, arguments: &[&str]) {
        let said = say(self.command(&self.umoci, arguments)).await;
        assert_eq!(said.code, Some(0), "umoci {arguments:?}: {}", said.error);
    }
}

/// Packs what the Dockerfile makes, and unpacks it as who pulls it does.
async fn packed(tools: &Tools, files: &Files) -> PathBuf {
    let (layout, bundle) = (files.place.path().join("layout"), files.place.path().join("bundle"));
    let named = format!("{}:0.1.0", layout.display());
    tools.umoci(&["init", "--layout", layout.to_str().unwrap()]).await;
    tools.umoci(&["new", "--image", &named]).await;
    tools.umoci(&["insert", "--image", &named, files.root.to_str().unwrap(), "/"]).await;
    let image = image();
    assert_eq!(image.from, "scratch");
    let mut said: Vec<(&str, String)> = vec![
        ("--config.user", image.user),
        ("--config.workingdir", image.folder),
        ("--config.stopsignal", image.stop_signal),
        ("--clear", "config.entrypoint".into()),
        ("--clear", "config.cmd".into()),
    ];
    said.extend(image.env.iter().map(|(key, value)| ("--config.env", format!("{key}={value}"))));
    said.extend(image.entrypoint.into_iter().map(|word| ("--config.entrypoint", word)));
    said.extend(image.arguments.into_iter().map(|word| ("--config.cmd", word)));
    said.extend(image.ports.into_iter().map(|port| ("--config.exposedports", port)));
    said.extend(image.volumes.into_iter().map(|volume| ("--config.volume", volume)));
    let words: Vec<&str> = said.iter().flat_map(|(key, value)| [*key, value.as_str()]).collect();
    tools.umoci(&[&["config", "--image", &named][..], &words].concat()).await;
    println!("{:.1} MiB as an OCI image, compressed", size(&layout) as f64 / f64::from(1 << 20));
    tools.umoci(&["unpack", "--image", &named, bundle.to_str().unwrap()]).await;
    bundle
}

struct Container {
    tools: Tools,
    files: Files,
    bundle: PathBuf,
    name: String,
}

impl Container {
    /// `None`, with a word why: containers cannot be run here.
    async fn new(reached: &Reached) -> Option<Self> {
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            println!("SKIPPED: the OCI image was not run, as that takes root");
            return None;
        }
        let tools = Tools::find().await?;
        let files = Files::new().await;
        let bundle = packed(&tools, &files).await;
        let name = format!("switchyard-test-{}", std::process::id());
        let container = Self { tools, files, bundle, name };
        container.configure(reached);
        // The program's own version, to see that containers run at all: what runc cannot do here is not the image's fault.
        let tried = say(container.once(&["--version"])).await;
        if tried.code != Some(0) && tried.error.contains("runc run failed") {
            println!("SKIPPED: runc runs no container here: {}", tried.error.trim());
            return None;
        }
        assert!(tried.out.starts_with("switchyard "), "{}{}", tried.out, tried.error);
        Some(container)
    }

    fn spec(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.bundle.join("config.json")).unwrap()).unwrap()
    }

    fn write(&self, spec: &Value) {
        std::fs::write(self.bundle.join("config.json"), spec.to_string()).unwrap();
    }

    /// What a container engine makes of our Compose file, over what the image says.
    fn configure(&self, reached: &Reached) {
        let mut spec = self.spec();
        let process = &mut spec["process"];
        assert_eq!(process["args"], json!(["/switchyard", "serve"]));
        assert_eq!((&process["user"]["uid"], &process["user"]["gid"]), (&json!(10_001), &json!(10_001)));
        assert_eq!(process["cwd"], VOLUME);
        assert_eq!(image().volumes, [VOLUME]);
        assert!(process["env"].as_array().unwrap().contains(&json!("SWITCHYARD_DATA=/var/lib/switchyard")));
        process["terminal"] = false.into();
        process["noNewPrivileges"] = true.into();
        process["capabilities"] =
            json!({ "bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": [] });
        spec["root"]["readonly"] = true.into();
        let config = self.files.place.path().join("switchyard.toml");
        std::fs::write(&config, &reached.config).unwrap();
        let mounts = spec["mounts"].as_array_mut().unwrap();
        mounts.retain(|mount| mount["destination"] != VOLUME);
        for (destination, source, more) in
            [(VOLUME, &self.files.volume, "rw"), ("/etc/switchyard/switchyard.toml", &config, "ro")]
        {
            mounts.push(json!({
                "destination": destination, "type": "bind", "source": source,
                "options": ["bind", "nosuid", "nodev", more],
            }));
        }
        let namespaces = spec["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "network");
        self.write(&spec);
    }

    fn runc(&self, arguments: &[&str]) -> Command {
        let state = self.files.place.path().join("state");
        let mut command = self.tools.command(&self.tools.runc, &["--root", state.to_str().unwrap()]);
        command.args(arguments);
        command
    }

    fn run(&self, name: &str) -> Command {
        self.runc(&["run", "--bundle", self.bundle.to_str().unwrap(), name])
    }

    /// A container for one command.
    fn once(&self, arguments: &[&str]) -> Command {
        self.once_of(self.spec(), arguments)
    }

    /// … of another specification.
    fn once_of(&self, mut spec: Value, arguments: &[&str]) -> Command {
        let words: Vec<&str> = [&["/switchyard"][..], arguments].concat();
        spec["process"]["args"] = json!(words);
        let bundle = self.files.place.path().join(format!("once-{}", arguments[0].trim_start_matches('-')));
        std::fs::create_dir_all(&bundle).unwrap();
        spec["root"]["path"] = self.bundle.join("rootfs").to_str().unwrap().into();
        std::fs::write(bundle.join("config.json"), spec.to_string()).unwrap();
        let name = format!("{}-{}", self.name, arguments[0].trim_start_matches('-'));
        self.runc(&["run", "--bundle", bundle.to_str().unwrap(), &name])
    }

    async fn exec(&self, arguments: &[&str]) -> Said {
        say(self.runc(&[&["exec", &self.name, "/switchyard"][..], arguments].concat())).await
    }

    async fn start(&self, reached: &Reached) -> Child {
        let child = self.run(&self.name).spawn().unwrap();
        let admin = format!("http://{}", reached.admin);
        let ready = async {
            while say(crate::process::switchyard(&["ready", "--admin", &admin])).await.code != Some(0) {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("it is ready in time");
        child
    }

    /// As `docker stop` does; the code and the log of the container.
    async fn stop(&self, child: Child) -> (Option<i32>, String) {
        say(self.runc(&["kill", &self.name, &image().stop_signal])).await.ok();
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("within its grace").unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    }
}

impl Drop for Container {
    /// A test that fails leaves no container, nor its groups.
    fn drop(&mut self) {
        let state = self.files.place.path().join("state");
        let mut runc = std::process::Command::new(&self.tools.runc);
        runc.env("LD_LIBRARY_PATH", &self.tools.libraries).arg("--root").arg(state);
        let _ = runc.args(["delete", "--force", &self.name]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

#[tokio::test]
async fn runc_runs_it_without_a_privilege() {
    let reached = Reached::new();
    let Some(container) = Container::new(&reached).await else { return };
    let doctor = say(container.once(&["doctor", "--json"])).await;
    assert_eq!((doctor.code, doctor.error.as_str()), (Some(0), ""), "{}", doctor.out);
    assert_eq!(engine(&doctor), of_image());
    // A volume that runs no code is seen before it is missed.
    let mut bare = container.spec();
    let volume =
        bare["mounts"].as_array_mut().unwrap().iter_mut().find(|mount| mount["destination"] == VOLUME).unwrap();
    volume["options"].as_array_mut().unwrap().push("noexec".into());
    let doctor = say(container.once_of(bare, &["doctor", "--json"])).await;
    let (health, found) = check(&doctor, "compiled code");
    assert!(health == "warn" && found.contains("noexec"), "{found}");

    let child = container.start(&reached).await;
    // What an engine's health check does, in the container.
    container.exec(&["ready"]).await.ok();
    reached.serves(&container.files.volume).await;
    let state: Value = serde_json::from_str(&say(container.runc(&["state", &container.name])).await.ok()).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", state["pid"])).unwrap();
    for line in
        ["NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "Uid:\t10001\t10001\t10001"]
    {
        assert!(status.contains(line), "{line} is not in\n{status}");
    }
    let root = format!("/proc/{}/root", state["pid"]);
    let mounts = std::fs::read_to_string(format!("/proc/{}/mountinfo", state["pid"])).unwrap();
    let of = |place: &str| mounts.lines().find(|line| line.split(' ').nth(4) == Some(place)).unwrap_or_default();
    assert!(of("/").contains(" ro,"), "{mounts}");
    assert!(of("/var/lib/switchyard").contains(" rw,"), "{mounts}");
    assert!(Path::new(&root).join("switchyard").exists());
    let backup = container.runc(&["exec", &container.name, "/switchyard", "backup", "-"]).output().await.unwrap();
    assert!(backup.status.success() && backup.stdout.len() > 10_000, "{}", String::from_utf8_lossy(&backup.stderr));
    let (code, log) = container.stop(child).await;
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(container.files.compiled(), [""; 0], "the image had its engine");

    // A new container on the same volume has all that was there.
    let child = container.start(&reached).await;
    assert_eq!(get(&format!("http://{}/", reached.listen), "a.localhost").await, (200, "script".to_owned()));
    let (code, log) = container.stop(child).await;
    assert_eq!(code, Some(0), "{log}");
}
