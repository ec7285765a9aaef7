//! The manifests, run: a pod of the StatefulSet as a process of this machine, with its arguments, variables, mounts, user,
//! probes, signal and grace, and an update as the controller does one.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::harness::scaled;
use crate::manifests::{base, image, one};
use crate::process::{get, switchyard};
use crate::restarts::{SCRIPT, client};
use crate::tools::{file, say};

const TOKEN: &str = "the-first-token-of-this-pod";

/// What the kubelet has on a machine: volumes that outlive pods, and where each port is reached.
struct Machine {
    place: tempfile::TempDir,
    program: PathBuf,
    ports: BTreeMap<u64, SocketAddr>,
    /// Files that a pod's user may not read are of this user.
    root: bool,
}

struct Pod {
    child: Child,
    spec: Value,
    container: Value,
    ports: BTreeMap<u64, SocketAddr>,
}

impl Machine {
    fn new(objects: &[Value]) -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
        // Where another user can start it, too.
        let program = place.path().join("switchyard");
        std::fs::copy(env!("CARGO_BIN_EXE_switchyard"), &program).unwrap();
        let listed =
            one(objects, "StatefulSet", "switchyard")["spec"]["template"]["spec"]["containers"][0]["ports"].clone();
        let taken: Vec<(u64, TcpListener)> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|port| (port["containerPort"].as_u64().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()))
            .collect();
        let ports = taken.iter().map(|(port, taken)| (*port, taken.local_addr().unwrap())).collect();
        let root = std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
        Self { place, program, ports, root }
    }

    /// The folder behind a mount, made as the kubelet makes it.
    fn volume(&self, objects: &[Value], pod: &Value, mount: &Value, own: &Path) -> PathBuf {
        let volume = pod["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == mount["name"]).unwrap();
        if let Some(name) = volume["configMap"]["name"].as_str() {
            let folder = own.join(name);
            std::fs::create_dir_all(&folder).unwrap();
            for (file, text) in one(objects, "ConfigMap", name)["data"].as_object().unwrap() {
                let mut text = text.as_str().unwrap().to_owned();
                for (port, address) in &self.ports {
                    text = text.replace(&format!("0.0.0.0:{port}"), &address.to_string());
                }
                for mount in pod["containers"][0]["volumeMounts"].as_array().unwrap() {
                    let path = mount["mountPath"].as_str().unwrap();
                    if path != mount_path(pod, name) {
                        text = text.replace(path, self.claim().to_str().unwrap());
                    }
                }
                std::fs::write(folder.join(file), text).unwrap();
            }
            return folder;
        }
        assert!(volume["persistentVolumeClaim"].is_object(), "{volume}");
        let folder = self.claim();
        if !folder.exists() {
            std::fs::create_dir(&folder).unwrap();
            // A new file system's root: of root, and of the pod's group.
            std::fs::create_dir(folder.join("lost+found")).unwrap();
            if self.root {
                let group = pod["securityContext"]["fsGroup"].as_u64().unwrap();
                std::os::unix::fs::chown(&folder, Some(0), Some(u32::try_from(group).unwrap())).unwrap();
            }
            std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o2775)).unwrap();
        }
        folder
    }

    fn claim(&self) -> PathBuf {
        self.place.path().join("claim")
    }

    fn data(&self) -> PathBuf {
        self.claim().join("data")
    }

    fn start(&self, objects: &[Value], name: &str) -> Pod {
        let set = one(objects, "StatefulSet", "switchyard");
        let spec = set["spec"]["template"]["spec"].clone();
        let container = spec["containers"][0].clone();
        let image = image();
        let own = self.place.path().join(name);
        std::fs::create_dir_all(&own).unwrap();
        std::fs::set_permissions(&own, PermissionsExt::from_mode(0o755)).unwrap();
        let mounts: Vec<(String, PathBuf)> = container["volumeMounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mount| (mount["mountPath"].as_str().unwrap().to_owned(), self.volume(objects, &spec, mount, &own)))
            .collect();
        let placed = |text: &str| {
            let mount = mounts.iter().find(|(path, _)| text.starts_with(path.as_str()));
            mount.map_or(text.to_owned(), |(path, folder)| text.replacen(path, folder.to_str().unwrap(), 1))
        };
        let words = |list: &Value| -> Option<Vec<String>> {
            Some(list.as_array()?.iter().map(|word| word.as_str().unwrap().to_owned()).collect())
        };
        let entrypoint = words(&container["command"]).unwrap_or(image.entrypoint);
        assert_eq!(entrypoint, ["/switchyard"]);
        let mut command = Command::new(&self.program);
        command.args(words(&container["args"]).unwrap_or(image.arguments).iter().map(|word| placed(word)));
        command.env_clear().envs(image.env.iter().map(|(key, value)| (key, placed(value))));
        for variable in container["env"].as_array().unwrap() {
            let value = match variable["value"].as_str() {
                Some(value) => placed(value),
                None => {
                    let reference = &variable["valueFrom"]["secretKeyRef"];
                    let secret = one(objects, "Secret", reference["name"].as_str().unwrap());
                    secret["stringData"][reference["key"].as_str().unwrap()].as_str().unwrap().to_owned()
                }
            };
            command.env(variable["name"].as_str().unwrap(), value);
        }
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
        if self.root {
            let id = |key: &str| u32::try_from(spec["securityContext"][key].as_u64().unwrap()).unwrap();
            command.gid(id("runAsGroup")).uid(id("runAsUser"));
        }
        Pod { child: command.spawn().unwrap(), spec, container, ports: self.ports.clone() }
    }
}

/// Where the files of a ConfigMap are mounted.
fn mount_path(pod: &Value, config: &str) -> String {
    let volume =
        pod["volumes"].as_array().unwrap().iter().find(|volume| volume["configMap"]["name"] == config).unwrap();
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    mounts.iter().find(|mount| mount["name"] == volume["name"]).unwrap()["mountPath"].as_str().unwrap().to_owned()
}

impl Pod {
    fn address(&self, port: &str) -> SocketAddr {
        let port = self.container["ports"].as_array().unwrap().iter().find(|known| known["name"] == port).unwrap();
        self.ports[&port["containerPort"].as_u64().unwrap()]
    }

    /// One look of the kubelet.
    async fn probe(&self, probe: &str) -> bool {
        let said = &self.container[probe];
        let asked = &said["httpGet"];
        let address = self.address(asked["port"].as_str().unwrap());
        let wait = Duration::from_secs(said["timeoutSeconds"].as_u64().unwrap());
        let Ok(Ok(_)) = tokio::time::timeout(wait, tokio::net::TcpStream::connect(address)).await else { return false };
        let url = format!("http://{address}{}", asked["path"].as_str().unwrap());
        tokio::time::timeout(wait, get(&url, "kubelet")).await.is_ok_and(|(status, _)| (200..400).contains(&status))
    }

    /// As the kubelet waits for a start: a look a period, so many failures.
    async fn started(&mut self) {
        let said = self.container["startupProbe"].clone();
        let number = |key: &str| said[key].as_u64().unwrap();
        for _ in 0..number("failureThreshold") {
            if self.probe("startupProbe").await {
                assert!(self.probe("readinessProbe").await && self.probe("livenessProbe").await);
                return;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "the container ended by itself");
            tokio::time::sleep(Duration::from_secs(number("periodSeconds"))).await;
        }
        panic!("the kubelet gave the pod up");
    }

    /// SIGTERM; what still runs after the grace period would be killed.
    async fn terminated(mut self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").arg(id).status().await.unwrap().success());
        // Out of the endpoints, yet alive, as long as it drains.
        let mut ready = true;
        while ready && self.child.try_wait().unwrap().is_none() {
            ready = self.probe("readinessProbe").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(!ready && self.child.try_wait().unwrap().is_none(), "it says that it drains, and drains");
        assert!(self.probe("livenessProbe").await);
        let grace = Duration::from_secs(self.spec["terminationGracePeriodSeconds"].as_u64().unwrap());
        let ended = tokio::time::timeout(grace, self.child.wait()).await.expect("within the grace period").unwrap();
        assert_eq!(ended.code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_loses_no_request_that_was_accepted() {
    let mut objects = base(&format!("{TOKEN}\n"));
    let machine = Machine::new(&objects);
    let mut pod = machine.start(&objects, "switchyard-0-first");
    pod.started().await;
    let (node, admin) = (pod.address("http"), pod.address("admin"));
    let source = file(machine.place.path(), "t.js", SCRIPT);
    let deploy = ["deploy", "production/t", &source, "--admin", &format!("http://{admin}"), "--token", TOKEN];
    say(switchyard(&deploy)).await.ok();
    let mode = std::fs::metadata(machine.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "the data folder is the node's alone, whatever the volume's root is");

    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..6)
        .map(|number| tokio::spawn(client(number, node, "t.apps.example.com", stop.clone(), sent.clone())))
        .collect();
    for round in 0..scaled(1).max(1) {
        let before = sent.load(Ordering::Relaxed);
        while sent.load(Ordering::Relaxed) < before + 100 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Another configuration is another pod; the controller waits for the old one's end.
        for object in objects.iter_mut().filter(|object| object["kind"] == "ConfigMap") {
            let text = object["data"]["switchyard.toml"].as_str().unwrap().to_owned();
            object["data"]["switchyard.toml"] =
                format!("{text}\n[runtime]\nqueue_timeout = \"{}s\"\n", 10 + round).into();
            if round > 0 {
                object["data"]["switchyard.toml"] =
                    text.replace(&format!("\"{}s\"", 9 + round), &format!("\"{}s\"", 10 + round)).into();
            }
        }
        pod.terminated().await;
        let away = std::time::Instant::now();
        pod = machine.start(&objects, &format!("switchyard-0-{round}"));
        pod.started().await;
        println!("away for {} ms, as a kubelet sees it", away.elapsed().as_millis());
    }
    let before = sent.load(Ordering::Relaxed);
    while sent.load(Ordering::Relaxed) < before + 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut failed = Vec::new();
    for client in clients {
        failed.extend(client.await.unwrap());
    }
    assert_eq!(failed, Vec::<String>::new(), "of {}", sent.load(Ordering::Relaxed));

    // A second replica, on the claim of the first, does not start, and the first serves on.
    let mut second = machine.start(&objects, "switchyard-1");
    let ended = tokio::time::timeout(crate::harness::PATIENCE, second.child.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(1));
    assert!(pod.probe("readinessProbe").await);
}

#[tokio::test]
async fn without_a_token_it_does_not_start() {
    let objects = base(" \n");
    let machine = Machine::new(&objects);
    let mut pod = machine.start(&objects, "switchyard-0");
    let ended = tokio::time::timeout(crate::harness::PATIENCE, pod.child.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(1));
}
