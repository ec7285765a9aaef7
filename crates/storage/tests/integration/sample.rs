//! Rows as tests want them: valid, small, and named after what the test says.

use switchyard_catalog::*;

pub fn account() -> AccountId {
    AccountId::parse("0123456789abcdef0123456789abcdef").unwrap()
}

pub fn namespace(name: &str) -> Namespace {
    let now = Timestamp::now();
    Namespace {
        id: NamespaceId::random(),
        account: account(),
        name: NamespaceName::parse(name).unwrap(),
        trusted_workers: false,
        settings: NamespaceSettings::default(),
        script_count: 0,
        created_on: now,
        created_by: "maker".to_owned(),
        modified_on: now,
        modified_by: "maker".to_owned(),
    }
}

pub fn name(text: &str) -> ScriptName {
    ScriptName::parse(text).unwrap()
}

pub fn tags(texts: &[&str]) -> Vec<Tag> {
    texts.iter().map(|text| Tag::parse(text).unwrap()).collect()
}

pub fn binding(name: &str, kind: BindingKind) -> Binding {
    Binding { name: BindingName::parse(name).unwrap(), kind }
}

pub fn text(name: &str, text: &str) -> Binding {
    binding(name, BindingKind::PlainText { text: text.to_owned() })
}

pub fn code(source: &str) -> Code {
    let content = bytes::Bytes::copy_from_slice(source.as_bytes());
    let module = Module { name: "index.js".to_owned(), kind: ModuleKind::EsModule, content };
    Code { syntax: CodeSyntax::Modules, entry: "index.js".to_owned(), modules: vec![module], upstream: None }
}

/// With nothing left at its default.
pub fn upstream() -> Upstream {
    let origin = |url, weight| Origin::parse(url, weight).unwrap();
    Upstream {
        origins: vec![origin("http://10.0.0.1:3000", 1), origin("https://a.example", 7)],
        host: UpstreamHost::Origin,
        protocol: UpstreamProtocol::Http2,
        health: Some(HealthCheck { path: "/up?a=\"b\"".to_owned(), ..HealthCheck::at("") }),
        connect_timeout_ms: Some(1),
        head_timeout_ms: Some(2),
        idle_timeout_ms: Some(3),
        retries: Some(0),
        inside: true,
    }
}

/// A publish of a new script that is deployed.
pub fn publish(scope: Scope, script_name: &str) -> Publish {
    let now = Timestamp::now();
    let script = Script {
        id: ScriptId::random(),
        account: account(),
        scope,
        name: name(script_name),
        tags: Vec::new(),
        settings: ScriptSettings::default(),
        created_on: now,
        modified_on: now,
    };
    let version = version(script.id, "one");
    let deployment = Some(deployment(script.id, &[(version.id, 100.0)]));
    Publish {
        script,
        base: None,
        seen: None,
        version: NewVersion { version, secrets: Vec::new() },
        deployment,
        destroy_secrets: Vec::new(),
        keep_versions: 10,
    }
}

/// The next publish of the same script, deployed, without secrets.
pub fn next(previous: &Publish, source: &str) -> Publish {
    let mut publish = previous.clone();
    publish.base = Some(previous.version.version.id);
    publish.seen = Some(previous.script.modified_on);
    publish.script.modified_on = Timestamp::from_micros(previous.script.modified_on.micros() + 1);
    publish.version = NewVersion { version: version(publish.script.id, source), secrets: Vec::new() };
    publish.version.version.number = previous.version.version.number + 1;
    publish.deployment = Some(deployment(publish.script.id, &[(publish.version.version.id, 100.0)]));
    publish
}

pub fn version(script: ScriptId, source: &str) -> Version {
    Version {
        id: VersionId::random(),
        script,
        number: 1,
        code: code(source).manifest(),
        assets: None,
        bindings: vec![text("GREETING", "hé 你好 🦀")],
        compatibility_date: "2025-01-01".to_owned(),
        compatibility_flags: vec!["nodejs_compat".to_owned()],
        limits: Limits { cpu_ms: Some(50), ..Limits::default() },
        handlers: vec!["fetch".to_owned()],
        named_handlers: vec![NamedHandlers { name: "Api".to_owned(), handlers: vec!["fetch".to_owned()] }],
        startup_time_ms: 3,
        annotations: serde_json::Map::from_iter([("workers/message".to_owned(), "grüße".into())]),
        usage_model: "standard".to_owned(),
        migration_tag: Some("v1".to_owned()),
        source: "wrangler".to_owned(),
        author: "maker".to_owned(),
        created_on: Timestamp::now(),
    }
}

pub fn deployment(script: ScriptId, shares: &[(VersionId, f64)]) -> Deployment {
    let versions = shares.iter().map(|&(version, percentage)| VersionShare { version, percentage });
    Deployment {
        id: DeploymentId::random(),
        script,
        versions: versions.collect(),
        source: "wrangler".to_owned(),
        author: "maker".to_owned(),
        annotations: serde_json::Map::new(),
        created_on: Timestamp::now(),
    }
}
