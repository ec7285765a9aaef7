//! What lies in `deploy/`, read as Kubernetes, Compose and Docker read it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

pub fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

pub fn text(name: &str) -> String {
    let path = deploy().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every document of a file.
pub fn yaml(text: &str) -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}

/// The objects of a base: its resources, and what its generators make, under the names without digest.
pub fn base(token: &str) -> Vec<Value> {
    let folder = "kubernetes/base";
    let kustomization = yaml(&text(&format!("{folder}/kustomization.yaml"))).remove(0);
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let mut objects: Vec<Value> = names(&kustomization["resources"])
        .iter()
        .flat_map(|resource| yaml(&text(&format!("{folder}/{resource}"))))
        .collect();
    for (kind, generators, place) in
        [("ConfigMap", "configMapGenerator", "data"), ("Secret", "secretGenerator", "stringData")]
    {
        for made in kustomization[generators].as_array().unwrap() {
            let content = names(&made["files"]).into_iter().map(|file| {
                let text = if file == "token" { token.to_owned() } else { text(&format!("{folder}/{file}")) };
                (file, Value::from(text))
            });
            let content: serde_json::Map<String, Value> = content.collect();
            objects.push(
                json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": made["name"] }, place: content }),
            );
        }
    }
    objects
}

pub fn one<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// What an image says of how it is run: the last stage of the Dockerfile.
pub struct Image {
    pub entrypoint: Vec<String>,
    pub arguments: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub user: String,
    /// Where it starts.
    pub folder: String,
    pub volumes: Vec<String>,
    pub ports: Vec<String>,
    pub stop_signal: String,
    pub from: String,
}

pub fn image() -> Image {
    let text = text("Dockerfile");
    let last = text.rfind("\nFROM ").unwrap() + 1;
    let said = |word: &str| {
        let lines = text[last..].lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let list = |word: &str| serde_json::from_str(&said(word)[0]).unwrap();
    let env = said("ENV")
        .iter()
        .map(|pair| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap())
        .collect();
    Image {
        entrypoint: list("ENTRYPOINT"),
        arguments: list("CMD"),
        env,
        user: said("USER")[0].clone(),
        folder: said("WORKDIR")[0].clone(),
        volumes: said("VOLUME"),
        ports: said("EXPOSE").iter().flat_map(|ports| ports.split(' ')).map(str::to_owned).collect(),
        stop_signal: said("STOPSIGNAL")[0].clone(),
        from: said("FROM")[0].clone(),
    }
}
