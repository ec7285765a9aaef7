//! What lies in `deploy/` is what we would run: policy, schemas, and that the parts fit each other and the program.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::process::Command;

use serde_json::Value;
use switchyard_gateway::Config;

use crate::manifests::{base, deploy, image, one, text, yaml};
use crate::packages;

/// Longest name first: ours alone in there.
const NAME: &str = "switchyard";

fn config() -> Config {
    let objects = base("t");
    let text = one(&objects, "ConfigMap", "switchyard-config")["data"]["switchyard.toml"].as_str().unwrap().to_owned();
    Config::parse(&text, std::path::Path::new("switchyard.toml")).unwrap()
}

#[test]
fn the_pod_may_do_nothing_that_it_need_not() {
    let objects = base("t");
    let set = one(&objects, "StatefulSet", NAME);
    let (pod, containers) = (&set["spec"]["template"]["spec"], &set["spec"]["template"]["spec"]["containers"]);
    let [container] = containers.as_array().unwrap().as_slice() else { panic!("{containers}") };
    assert!(pod["initContainers"].is_null());
    for host in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"] {
        assert!(pod[host].is_null(), "{host}");
    }
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(one(&objects, "ServiceAccount", NAME)["automountServiceAccountToken"], false);
    assert_eq!(pod["serviceAccountName"], NAME);
    // Variables by the names of services would be read as the program's own.
    assert_eq!(pod["enableServiceLinks"], false);
    let (all, own) = (&pod["securityContext"], &container["securityContext"]);
    assert_eq!((&all["runAsNonRoot"], &all["seccompProfile"]["type"]), (&true.into(), &"RuntimeDefault".into()));
    let user = format!("{}:{}", all["runAsUser"], all["runAsGroup"]);
    assert_eq!((user, &all["fsGroup"]), (image().user, &all["runAsGroup"]));
    assert_eq!(all["fsGroupChangePolicy"], "OnRootMismatch", "keys must keep their mode");
    assert_eq!((&own["allowPrivilegeEscalation"], &own["privileged"]), (&false.into(), &false.into()));
    assert_eq!(own["readOnlyRootFilesystem"], true);
    assert_eq!(own["capabilities"], serde_json::json!({ "drop": ["ALL"] }));
    let labels = &one(&objects, "Namespace", NAME)["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    let resources = &container["resources"];
    for (kind, key) in [("requests", "memory"), ("requests", "cpu"), ("limits", "memory")] {
        assert!(resources[kind][key].is_string(), "{kind}.{key}");
    }
    // Only the volume is written to.
    for mount in container["volumeMounts"].as_array().unwrap() {
        let volume = pod["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == mount["name"]).unwrap();
        assert!(mount["readOnly"] == true || volume["persistentVolumeClaim"].is_object(), "{mount}");
        assert!(volume["hostPath"].is_null());
    }
}

#[test]
fn there_is_one_replica_on_one_claim() {
    let objects = base("t");
    let spec = &one(&objects, "StatefulSet", NAME)["spec"];
    assert_eq!(spec["replicas"], 1);
    // By name: of a template each replica would get an empty one of its own, and serve other tenants.
    assert!(spec["volumeClaimTemplates"].is_null());
    let claims: Vec<&Value> = objects.iter().filter(|object| object["kind"] == "PersistentVolumeClaim").collect();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0]["spec"]["accessModes"], serde_json::json!(["ReadWriteOnce"]));
    let volumes = spec["template"]["spec"]["volumes"].as_array().unwrap();
    let claimed =
        volumes.iter().filter(|volume| volume["persistentVolumeClaim"]["claimName"] == claims[0]["metadata"]["name"]);
    assert_eq!(claimed.count(), 1);
    // What a second replica meets is held by `start::one_process_uses_a_data_folder`; a budget must not block drains.
    let budget = &one(&objects, "PodDisruptionBudget", NAME)["spec"];
    assert!(budget["maxUnavailable"] == 1 && budget["minAvailable"].is_null());
}

#[test]
fn the_parts_fit_each_other_and_the_configuration() {
    let objects = base("t");
    let config = config();
    let set = one(&objects, "StatefulSet", NAME);
    let (pod, container) = (&set["spec"]["template"]["spec"], &set["spec"]["template"]["spec"]["containers"][0]);
    let ports = container["ports"].as_array().unwrap();
    let port = |name: &str| ports.iter().find(|port| port["name"] == name).unwrap()["containerPort"].as_u64().unwrap();
    assert_eq!(u64::from(config.listener[0].bind.port()), port("http"));
    assert_eq!(u64::from(config.admin.bind.port()), port("admin"));
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        assert_eq!(container[probe]["httpGet"]["port"], "admin", "{probe}");
    }
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/livez", "a node that drains must not be ended for it");
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    let drain = config.timeouts.drain_delay + config.timeouts.drain;
    assert!(grace >= drain.as_secs() + 10, "{grace} s are less than {drain:?} and what ending takes");
    assert!(config.timeouts.drain_delay.as_secs() >= 2, "endpoints take a moment");
    let mounts: Vec<&str> = container["volumeMounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| mount["mountPath"].as_str().unwrap())
        .collect();
    assert!(mounts.iter().any(|mount| config.data.starts_with(mount) && config.data != std::path::Path::new(mount)));
    let variables = container["env"].as_array().unwrap();
    let data = variables.iter().find(|variable| variable["name"] == "SWITCHYARD_DATA").unwrap();
    assert_eq!(data["value"].as_str(), config.data.to_str());
    let token = config.bootstrap.token_env.as_deref().unwrap();
    let variable = variables.iter().find(|variable| variable["name"] == token).unwrap();
    let reference = &variable["valueFrom"]["secretKeyRef"];
    assert!(
        one(&objects, "Secret", reference["name"].as_str().unwrap())["stringData"][reference["key"].as_str().unwrap()]
            .is_string()
    );
    // Selectors find the pod, by the label that the kustomization gives all.
    let label = serde_json::json!({ "app.kubernetes.io/name": NAME });
    let labels = &yaml(&text("kubernetes/base/kustomization.yaml"))[0]["labels"][0];
    assert_eq!((&labels["pairs"]["app.kubernetes.io/name"], &labels["includeTemplates"]), (&NAME.into(), &true.into()));
    assert_eq!(set["spec"]["selector"]["matchLabels"], label);
    for service in objects.iter().filter(|object| object["kind"] == "Service") {
        assert_eq!(service["spec"]["selector"], label);
        assert_eq!(service["spec"]["type"], "ClusterIP");
        assert!(ports.iter().any(|port| port["name"] == service["spec"]["ports"][0]["targetPort"]));
    }
    assert_eq!(set["spec"]["serviceName"], NAME);
}

#[test]
fn administration_is_for_the_inside_and_the_inside_is_not_for_workers() {
    let objects = base("t");
    let policy = &one(&objects, "NetworkPolicy", NAME)["spec"];
    assert_eq!(policy["policyTypes"], serde_json::json!(["Ingress", "Egress"]));
    for rule in policy["ingress"].as_array().unwrap() {
        let ports: Vec<u64> =
            rule["ports"].as_array().unwrap().iter().map(|port| port["port"].as_u64().unwrap()).collect();
        let open = rule["from"].is_null();
        assert_eq!(ports, [if open { 8080 } else { 8081 }]);
    }
    let blocks: Vec<&Value> =
        policy["egress"].as_array().unwrap().iter().flat_map(|rule| rule["to"].as_array().unwrap()).collect();
    let excepted = blocks.iter().filter_map(|to| to["ipBlock"]["except"].as_array()).flatten();
    let excepted: Vec<ipnet::IpNet> = excepted.map(|net| net.as_str().unwrap().parse().unwrap()).collect();
    for inside in [
        "10.0.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "127.0.0.1",
        "fd00::1",
        "fe80::1",
        "::1",
    ] {
        let inside: IpAddr = inside.parse().unwrap();
        assert!(excepted.iter().any(|net| net.contains(&inside)), "{inside}");
    }
    assert!(!excepted.iter().any(|net| net.contains(&"1.1.1.1".parse::<IpAddr>().unwrap())));
}

/// As kubectl renders it; where there is none it is skipped, and the base itself is what the other tests read.
fn rendered() -> Option<Vec<Value>> {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(deploy().join("kubernetes")).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    let at = folder.path().join("kubernetes/base");
    let _ = std::fs::remove_file(at.join("token"));
    let run = || Command::new("kubectl").arg("kustomize").arg(&at).output();
    let Ok(without) = run() else {
        println!("SKIPPED: kubectl is not there, so nothing was rendered by it");
        return None;
    };
    assert!(!without.status.success(), "nothing may be rendered without a token of one's own");
    std::fs::write(at.join("token"), "a-token\n").unwrap();
    let with = run().unwrap();
    assert!(with.status.success(), "{with:?}");
    Some(yaml(&String::from_utf8(with.stdout).unwrap()))
}

#[test]
fn kubectl_renders_the_same_objects() {
    let Some(rendered) = rendered() else { return };
    let name = |object: &Value| {
        let name = object["metadata"]["name"].as_str().unwrap();
        // A digest behind the names of what is generated.
        let plain = if matches!(object["kind"].as_str(), Some("ConfigMap" | "Secret")) {
            name.rsplit_once('-').filter(|(_, digest)| digest.len() == 10).map_or(name, |(plain, _)| plain)
        } else {
            name
        };
        format!("{} {plain}", object["kind"].as_str().unwrap())
    };
    let named = |objects: &[Value]| objects.iter().map(name).collect::<BTreeSet<_>>();
    assert_eq!(named(&rendered), named(&base("t")));
    let set = rendered.iter().find(|object| object["kind"] == "StatefulSet").unwrap();
    let pod = &set["spec"]["template"];
    assert_eq!(pod["metadata"]["labels"]["app.kubernetes.io/name"], NAME);
    assert_eq!(pod["spec"]["containers"][0]["image"], format!("switchyard:{}", env!("CARGO_PKG_VERSION")));
    // By its digest, so that another configuration is another pod.
    let map = rendered.iter().find(|object| object["kind"] == "ConfigMap").unwrap();
    assert_eq!(pod["spec"]["volumes"][0]["configMap"]["name"], map["metadata"]["name"]);
    for object in rendered.iter().filter(|object| object["kind"] != "Namespace") {
        assert_eq!(object["metadata"]["namespace"], NAME);
    }
}

/// By the schemas of the oldest and the newest Kubernetes that the validator has; what it warns of fails.
#[tokio::test]
async fn the_schemas_of_kubernetes_take_them() {
    let Some(pip) = packages::pip("kubernetes-validate==1.37.0").await else { return };
    let objects = rendered().unwrap_or_else(|| base("t"));
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = objects
        .iter()
        .enumerate()
        .map(|(number, object)| {
            let path = folder.path().join(format!("{number}.yaml"));
            std::fs::write(&path, serde_yaml_ng::to_string(object).unwrap()).unwrap();
            path
        })
        .collect();
    let script = "
import sys, yaml, warnings, kubernetes_validate as k
warnings.simplefilter('error')
known = k.utils.all_versions()
for version in (known[0], known[-1]):
    for path in sys.argv[1:]:
        # Raises for what it has no schema of, too.
        k.validate(yaml.safe_load(open(path)), version, strict=True)
    print(version)
# The schemas must find something, or this says nothing.
wrong = yaml.safe_load(open(sys.argv[1]))
wrong['spec2'] = 1
try:
    k.validate(wrong, known[-1], strict=True)
except k.ValidationError as error:
    assert 'spec2' in error.message, error.message
else:
    raise SystemExit('an unknown field was taken')
";
    let mut python = tokio::process::Command::new("python3");
    python.args(["-c", script]).args(&files).env("PYTHONPATH", &pip).kill_on_drop(true);
    let output =
        tokio::time::timeout(crate::harness::PATIENCE, python.output()).await.expect("it ends in time").unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{error}");
    let versions: Vec<&str> = out.lines().collect();
    assert!(versions.len() == 2 && versions[0] != versions[1], "{out}");
}

#[test]
fn compose_holds_the_container_as_the_pod_is_held() {
    let compose = yaml(&text("compose.yaml")).remove(0);
    let service = &compose["services"]["switchyard"];
    assert_eq!((&service["read_only"], &service["user"]), (&true.into(), &image().user.into()));
    assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]));
    assert_eq!(service["security_opt"], serde_json::json!(["no-new-privileges:true"]));
    assert!(service["privileged"].is_null() && service["cap_add"].is_null() && service["network_mode"].is_null());
    assert_eq!(service["image"], format!("switchyard:{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(service["build"]["dockerfile"], "deploy/Dockerfile");
    let container = Config::parse(&text("container.toml"), std::path::Path::new("container.toml")).unwrap();
    let admin = container.admin.bind.port();
    for port in service["ports"].as_array().unwrap() {
        let port = port.as_str().unwrap();
        assert!(!port.ends_with(&format!(":{admin}")) || port.starts_with("127.0.0.1:"), "{port}");
    }
    let volume = service["volumes"][0].as_str().unwrap();
    assert_eq!(volume, format!("data:{}", container.data.display()));
    let seconds = |text: &Value| text.as_str().unwrap().trim_end_matches('s').parse::<u64>().unwrap();
    let drain = container.timeouts.drain_delay + container.timeouts.drain;
    assert!(seconds(&service["stop_grace_period"]) >= drain.as_secs() + 10);
    let test: Vec<&str> =
        service["healthcheck"]["test"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert_eq!(test, ["CMD", &image().entrypoint[0], "ready"]);
}

#[test]
fn the_image_has_the_program_alone() {
    let image = image();
    assert_eq!((image.from.as_str(), image.user.as_str()), ("scratch", "10001:10001"));
    assert_eq!(image.entrypoint, ["/switchyard"]);
    assert_eq!(image.arguments, ["serve"]);
    assert_eq!(image.env["SWITCHYARD_CONFIG"], "/etc/switchyard/switchyard.toml");
    let container = Config::parse(&text("container.toml"), std::path::Path::new("container.toml")).unwrap();
    assert_eq!(std::path::Path::new(&image.env["SWITCHYARD_DATA"]), container.data);
    assert!(text("Dockerfile").contains(&format!("-t switchyard:{}", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_unit_is_hardened_and_fits_the_program() {
    let unit = text("switchyard.service");
    let value = |key: &str| {
        let values = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        values.collect::<Vec<_>>()
    };
    assert_eq!(value("ExecStart"), ["/usr/local/bin/switchyard serve --config /etc/switchyard/switchyard.toml"]);
    let stop: u64 = value("TimeoutStopSec")[0].parse().unwrap();
    let defaults = Config::default().timeouts;
    assert!(stop >= (defaults.drain_delay + defaults.drain).as_secs() + 10);
    // The engine's code is mapped executable after it was written.
    assert_eq!(value("MemoryDenyWriteExecute"), ["no"]);
    let ran = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold=20"])
        .arg(deploy().join("switchyard.service"))
        .output();
    match ran {
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("unrecognized option") => {
            println!("SKIPPED: this systemd-analyze does not look at files");
        }
        // The threshold is in tenths: 2.0.
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(_) => println!("SKIPPED: there is no systemd-analyze"),
    }
}

#[test]
fn each_alert_has_its_section_of_the_runbook() {
    let runbook = std::fs::read_to_string(deploy().join("../docs/runbook.md")).unwrap();
    let sections: BTreeSet<String> =
        runbook.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect();
    let alerts = yaml(&text("alerts.yml")).remove(0);
    let rules: Vec<&Value> =
        alerts["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    let mut named = BTreeSet::new();
    for rule in &rules {
        let name = rule["alert"].as_str().unwrap();
        for key in ["expr", "for"] {
            assert!(rule[key].is_string(), "{name}: {key}");
        }
        assert!(rule["annotations"]["summary"].is_string(), "{name}");
        let link = format!("docs/runbook.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook"].as_str(), Some(link.as_str()));
        named.insert(name.to_owned());
    }
    assert!(rules.len() >= 8);
    assert_eq!(named, sections, "alerts, and sections of the runbook");
}
