//! Uploads: the rules, what carries over, and what a refusal leaves.

use switchyard_catalog::*;

use super::fixture::*;
use crate::sample;

#[track_caller]
fn invalid<T: std::fmt::Debug>(result: Result<T, CatalogError>, part: &str) {
    match result {
        Err(CatalogError::Invalid(message)) => assert!(message.contains(part), "{message:?} has no {part:?}"),
        other => panic!("expected a refusal with {part:?}, got {other:?}"),
    }
}

#[tokio::test]
async fn an_upload_is_started_stored_and_live() {
    let f = fixture().await;
    let new = NewScript {
        compatibility_date: Some("2025-01-01".to_owned()),
        compatibility_flags: vec!["nodejs_compat".to_owned()],
        limits: Limits { cpu_ms: Some(50), ..Limits::default() },
        tags: Some(sample::tags(&["customer:1"])),
        ..with(code("export default {}"), vec![text("GREETING", "hi"), secret("KEY", "s3")])
    };
    let done = f.upload(&at("a"), new).await.unwrap();
    let spec = f.validator.last();
    assert_eq!(spec.version, done.version.id);
    assert_eq!(spec.namespace.as_ref().map(|(_, name)| name.clone()), Some(prod()));
    assert_eq!(env(&spec), pairs(&[("GREETING", "hi"), ("KEY", "secret:s3")]));
    assert_eq!(done.version.handlers, ["fetch"]);
    assert_eq!((done.version.number, done.version.startup_time_ms), (1, 3));
    assert_eq!((done.version.author.as_str(), done.version.source.as_str()), ("token-1", "wrangler"));
    assert_eq!(done.deployment.versions, [VersionShare { version: done.version.id, percentage: 100.0 }]);
    assert_eq!(done.row, f.script_find(&f.actor, &at("a")).await.unwrap());
    assert_eq!(done.row.script.settings.last_deployed_from.as_deref(), Some("wrangler"));
    let route = f.storage.route_find(done.row.script.id).await.unwrap().unwrap();
    assert_eq!(route.versions, done.deployment.versions);

    let rebuilt = f.worker_spec(done.version.id).await.unwrap();
    assert_eq!(env(&rebuilt), env(&spec));
    assert_eq!((rebuilt.code, rebuilt.limits, rebuilt.script), (spec.code, spec.limits, spec.script));
    assert_eq!(rebuilt.compatibility_date, "2025-01-01");
    let missing = f.worker_spec(VersionId::random()).await;
    assert!(matches!(missing, Err(CatalogError::VersionNotFound)));
}

#[tokio::test]
async fn an_upload_replaces_all_but_secrets_and_tags() {
    let f = fixture().await;
    let first = NewScript {
        tags: Some(sample::tags(&["t"])),
        observability: Some(serde_json::json!({"enabled": true})),
        logpush: true,
        compatibility_date: Some("2025-01-01".to_owned()),
        migration_tag: Some("v1".to_owned()),
        ..with(code("one"), vec![text("A", "1"), text("B", "2"), secret("KEY", "s")])
    };
    f.upload(&at("a"), first).await.unwrap();
    f.script_subdomain_set(&f.actor, &at("a"), Some(true), None).await.unwrap();
    let done = f.upload(&at("a"), with(code("two"), vec![text("B", "3")])).await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("B", "3"), ("KEY", "secret:s")]));
    let script = done.row.script;
    assert_eq!(script.tags, sample::tags(&["t"]));
    assert_eq!((script.settings.observability, script.settings.logpush), (None, false));
    assert!(script.settings.subdomain_enabled);
    assert_eq!(done.version.compatibility_date, "2021-11-02");
    assert_eq!(done.version.migration_tag.as_deref(), Some("v1"));
    assert_eq!(done.version.number, 2);
}

#[tokio::test]
async fn keep_bindings_keeps_the_types_it_names() {
    let f = fixture().await;
    let first = vec![
        text("A", "1"),
        text("B", "2"),
        binding("J", NewBindingKind::Kind(BindingKind::Json { value: 5.into() })),
        secret("KEY", "s"),
    ];
    f.upload(&at("a"), with(code("one"), first)).await.unwrap();
    let keep = |types: &[&str]| Some(types.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
    let second = NewScript {
        keep_bindings: keep(&["plain_text", "secret_key", "no_such_type"]),
        ..with(code("two"), vec![text("B", "new"), secret("C", "c")])
    };
    f.upload(&at("a"), second).await.unwrap();
    let expected = pairs(&[("A", "1"), ("B", "new"), ("C", "secret:c")]);
    assert_eq!(f.live_env(&at("a")).await, expected);
    let third = NewScript { keep_bindings: keep(&["secret_text"]), ..with(code("3"), vec![text("C", "text")]) };
    f.upload(&at("a"), third).await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("C", "text")]), "the new one of that name wins");
    let fourth = NewScript { keep_bindings: keep(&[]), ..code("4") };
    f.upload(&at("a"), fourth).await.unwrap();
    assert!(f.live_env(&at("a")).await.is_empty());
}

#[tokio::test]
async fn inherit_takes_the_previous_binding() {
    let f = fixture().await;
    let first = f.upload(&at("a"), with(code("one"), vec![text("A", "1"), secret("KEY", "s")])).await.unwrap();
    let kept = vec![inherit("A", None), inherit("RENAMED", Some("KEY"))];
    let none = Some(Vec::new());
    f.upload(&at("a"), NewScript { keep_bindings: none.clone(), ..with(code("two"), kept) }).await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("A", "1"), ("RENAMED", "secret:s")]));

    let missing = with(code("three"), vec![inherit("NOPE", None)]);
    let strict = NewScript { strict_inherit: true, ..missing.clone() };
    assert!(matches!(f.upload(&at("a"), strict.clone()).await, Err(CatalogError::InheritNotFound(_))));
    assert!(matches!(f.upload(&at("new"), strict).await, Err(CatalogError::InheritNotFound(_))));
    f.upload(&at("a"), NewScript { keep_bindings: none.clone(), ..missing }).await.unwrap();
    assert!(f.live_env(&at("a")).await.is_empty());

    let from_first = NewBindingKind::Inherit { old_name: None, version_id: Some(first.version.id) };
    let old = NewScript { strict_inherit: true, ..with(code("four"), vec![binding("KEY", from_first.clone())]) };
    f.upload(&at("a"), old.clone()).await.unwrap();
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("KEY", "secret:s")]));
    let foreign = f.upload(&at("b"), old).await;
    assert!(matches!(foreign, Err(CatalogError::InheritNotFound(_))), "another script's version is none");
}

#[tokio::test]
async fn a_dispatch_worker_is_deployed_again_with_inherit() {
    let f = fixture().await;
    let dispatch = |namespace: &str| {
        let namespace = NamespaceName::parse(namespace).unwrap();
        binding("dispatcher", NewBindingKind::Kind(BindingKind::DispatchNamespace { namespace, outbound: None }))
    };
    let refused = f.upload(&own("d"), with(code("one"), vec![dispatch("nowhere")])).await;
    assert!(matches!(refused, Err(CatalogError::BindingNamespace(m)) if m.contains("nowhere")));
    f.upload(&own("d"), with(code("one"), vec![dispatch("prod")])).await.unwrap();
    let again = NewScript { strict_inherit: true, ..with(code("two"), vec![inherit("dispatcher", None)]) };
    let version = f.version_create(&f.actor, &own("d"), again).await.unwrap();
    let live = f.script_find(&f.actor, &own("d")).await.unwrap();
    assert_ne!(live.deployed.unwrap().id, version.id);
    let share = VersionShare { version: version.id, percentage: 100.0 };
    let (worker, source) = (own("d"), "wrangler".to_owned());
    f.deployment_create(&f.actor, &worker, vec![share], source, Default::default()).await.unwrap();
    let live = f.script_find(&f.actor, &own("d")).await.unwrap().deployed.unwrap();
    assert_eq!(live.id, version.id);
    assert!(matches!(&live.bindings[0].kind, BindingKind::DispatchNamespace { namespace, .. } if *namespace == prod()));
}

#[tokio::test]
async fn service_bindings_name_workers_that_are_there() {
    let f = fixture().await;
    let service = |name: &str| {
        let service = sample::name(name);
        let kind = BindingKind::Service { service, environment: None, entrypoint: None, props: None };
        vec![binding("SVC", NewBindingKind::Kind(kind))]
    };
    let missing = f.upload(&own("a"), with(code("x"), service("b"))).await;
    assert!(matches!(missing, Err(CatalogError::BindingTarget(m)) if m.contains("Worker b")));
    f.upload(&own("a"), with(code("x"), service("a"))).await.unwrap();
    f.upload(&own("b"), with(code("x"), service("a"))).await.unwrap();
    let inside = f.upload(&at("self"), with(code("x"), service("self"))).await;
    assert!(matches!(inside, Err(CatalogError::BindingTarget(_))), "a service is one of the account's own Workers");
    f.upload(&at("self"), with(code("x"), service("a"))).await.unwrap();
    f.script_delete(&f.actor, &own("a"), true).await.unwrap();
    let name = BindingName::parse("KEY").unwrap();
    let put = f.secret_put(&f.actor, &at("self"), &name, Secret::new("s".to_owned()), "api".to_owned()).await;
    put.expect("a secret stays changeable when a neighbour is gone");
}

#[tokio::test]
async fn a_refusal_leaves_everything_as_it_was() {
    let f = fixture().await;
    f.validator.answers(Err(InvalidScript::Refused("Uncaught SyntaxError: nope".to_owned())));
    let refused = f.upload(&at("new"), code("}")).await;
    assert!(matches!(refused, Err(CatalogError::Start(e)) if e.to_string() == "Uncaught SyntaxError: nope"));
    assert!(matches!(f.script_find(&f.actor, &at("new")).await, Err(CatalogError::ScriptNotFound)));
    f.validator.answers(Ok(Started::default()));
    assert!(matches!(f.upload(&at("new"), code("x")).await, Err(CatalogError::NoHandlers)));

    let named = NamedHandlers { name: "Api".to_owned(), handlers: vec!["fetch".to_owned()] };
    f.validator.answers(Ok(Started { named_handlers: vec![named], ..Started::default() }));
    let before = f.upload(&at("a"), with(code("one"), vec![secret("KEY", "s")])).await.unwrap();
    assert_eq!(before.version.startup_time_ms, 1);
    let (revision, _) = f.storage.routes_load().await.unwrap();
    f.validator.answers(Err(InvalidScript::Unavailable("no slot".to_owned())));
    let refused = f.upload(&at("a"), NewScript { tags: Some(sample::tags(&["x"])), ..code("two") }).await;
    assert!(matches!(refused, Err(CatalogError::Start(InvalidScript::Unavailable(_)))));
    assert_eq!(f.script_find(&f.actor, &at("a")).await.unwrap(), before.row);
    assert_eq!(f.storage.routes_load().await.unwrap().0, revision);
    assert_eq!(f.storage.blobs_in_use().await.unwrap().len(), 1);
}

#[tokio::test]
async fn code_may_stay_only_where_there_is_some() {
    let f = fixture().await;
    let no_code = NewScript { code: None, ..with(code(""), vec![text("A", "1")]) };
    invalid(f.upload(&at("a"), no_code.clone()).await, "no module");
    f.upload(&at("a"), code("one")).await.unwrap();
    let done = f.upload(&at("a"), no_code.clone()).await.unwrap();
    assert_eq!(done.version.code, sample::code("one").manifest());
    assert_eq!(f.live_env(&at("a")).await, pairs(&[("A", "1")]));
    let nowhere = ScriptRef { namespace: Some(NamespaceName::parse("no").unwrap()), ..at("a") };
    assert!(matches!(f.upload(&nowhere, no_code).await, Err(CatalogError::NamespaceNotFound)));
}

#[tokio::test]
async fn code_is_held_to_its_rules() {
    let settings = CatalogSettings { max_code_bytes: 1_000, max_modules: 3, ..CatalogSettings::default() };
    let f = with_settings(settings).await;
    let upload = async |entry: &str, modules: Vec<Module>| {
        let code = Code { syntax: CodeSyntax::Modules, entry: entry.to_owned(), modules, upstream: None };
        f.upload(&at("a"), NewScript { code: Some(code), ..NewScript::default() }).await
    };
    let es = |name: &str| module(name, ModuleKind::EsModule, "x");
    invalid(upload("b.js", vec![es("a.js")]).await, "\"b.js\" is not among");
    invalid(upload("b.js", vec![]).await, "is not among");
    invalid(upload("a.js", vec![es("a.js"), es("a.js")]).await, "used twice");
    invalid(upload("a.js", vec![es("a.js"), es("")]).await, "module name");
    invalid(upload("a.js", vec![es("a.js"), es("b\n")]).await, "module name");
    invalid(upload("a.js", vec![es("a.js"), es(&"x".repeat(256))]).await, "module name");
    invalid(upload("a.txt", vec![module("a.txt", ModuleKind::Text, "x")]).await, "neither an ES module");
    let wasm = module("a.wasm", ModuleKind::Wasm, "\0asm");
    invalid(upload("a.js", vec![es("a.js"), wasm.clone()]).await, "upload a wasm component instead");
    let common = module("c.cjs", ModuleKind::CommonJs, "x");
    invalid(upload("c.cjs", vec![es("a.js"), common.clone()]).await, "neither an ES module");
    let script = async |entry: Module| {
        let (entry, modules) = (entry.name.clone(), vec![entry]);
        let code = Code { syntax: CodeSyntax::ServiceWorker, entry, modules, upstream: None };
        f.upload(&at("a"), NewScript { code: Some(code), ..NewScript::default() }).await
    };
    invalid(script(es("a.js")).await, "is no script");
    script(common).await.expect("a service worker");
    let large = upload("a.js", vec![es("a.js"), module("b", ModuleKind::Data, &"x".repeat(1_000))]).await;
    assert!(matches!(large, Err(CatalogError::TooLarge(m)) if m.contains("1001") && m.contains("1000")));
    let many = upload("0", (0..4).map(|n| es(&n.to_string())).collect()).await;
    assert!(matches!(many, Err(CatalogError::TooLarge(m)) if m.contains("4 modules")));
    upload("a.js", vec![es("a.js"), module("b", ModuleKind::Data, &"x".repeat(999))]).await.unwrap();
    upload("a.wasm", vec![wasm]).await.expect("whether it is a component, the validator says");
}

#[tokio::test]
async fn without_a_network_no_script_is_an_upstream() {
    let f = fixture().await;
    let code = Some(Code::of_upstream(crate::sample::upstream()));
    let refused = f.upload(&at("a"), NewScript { code, ..NewScript::default() }).await;
    invalid(refused, "this server has no upstreams");
}

#[tokio::test]
async fn code_is_measured_compressed_too() {
    let settings = CatalogSettings { max_compressed_code_bytes: 1_000, ..CatalogSettings::default() };
    let f = with_settings(settings).await;
    // What gzip can do nothing with, and what it can do nearly everything with.
    let noise = |bytes: usize| -> String {
        let digests = (0_u64..).flat_map(|n| BlobDigest::of(&n.to_le_bytes()).hex().into_bytes());
        digests.take(bytes).map(char::from).collect()
    };
    let upload = async |modules: Vec<Module>| {
        let modules = [vec![module("a.js", ModuleKind::EsModule, "x")], modules].concat();
        let code = Code { syntax: CodeSyntax::Modules, entry: "a.js".to_owned(), modules, upstream: None };
        f.upload(&at("a"), NewScript { code: Some(code), ..NewScript::default() }).await
    };
    upload(vec![module("zeros", ModuleKind::Data, &"0".repeat(100_000))]).await.unwrap();
    // 4 bits of noise a byte: gzip makes a bit more than half of it.
    upload(vec![module("noise", ModuleKind::Data, &noise(1_600))]).await.unwrap();
    let large = upload(vec![
        module("one", ModuleKind::Data, &noise(1_200)),
        module("two", ModuleKind::Data, &noise(2_400)[1_200..]),
    ]);
    assert!(
        matches!(large.await, Err(CatalogError::TooLarge(m)) if m.contains("gzip") && m.contains("2401") && m.contains("1000"))
    );
    let map = module("a.js.map", ModuleKind::SourceMap, &noise(4_000));
    upload(vec![map]).await.expect("source maps do not count");
    // A change of the code alone goes the same way.
    let code = Code {
        syntax: CodeSyntax::Modules,
        entry: "a.js".to_owned(),
        modules: vec![module("a.js", ModuleKind::EsModule, &noise(4_000))],
        upstream: None,
    };
    let refused = f.script_content_put(&f.actor, &at("a"), code, Precondition::None, "api".to_owned()).await;
    assert!(matches!(refused, Err(CatalogError::TooLarge(_))));
}

#[tokio::test]
async fn variables_are_counted_and_measured() {
    let f = fixture().await;
    let many = |count: usize| (0..count).map(|n| text(&format!("V{n}"), "x")).collect::<Vec<_>>();
    f.upload(&at("a"), with(code("x"), many(128))).await.unwrap();
    let refused = f.upload(&at("a"), with(code("x"), many(129))).await;
    assert!(matches!(refused, Err(CatalogError::TooManyVariables(_))));
    f.upload(&at("b"), with(code("x"), vec![secret("KEY", "s")])).await.unwrap();
    let refused = f.upload(&at("b"), with(code("x"), many(128))).await;
    assert!(matches!(refused, Err(CatalogError::TooManyVariables(_))), "the kept secret counts");
    let (fits, too_large) = ("x".repeat(5_120), "x".repeat(5_121));
    f.upload(&at("c"), with(code("x"), vec![text("A", &fits), secret("B", &fits)])).await.unwrap();
    let json = NewBindingKind::Kind(BindingKind::Json { value: too_large.clone().into() });
    for large in [text("A", &too_large), secret("A", &too_large), binding("A", json)] {
        let refused = f.upload(&at("c"), with(code("x"), vec![large])).await;
        assert!(matches!(refused, Err(CatalogError::VariableTooLarge(m)) if m.contains("5120")));
    }
    let twice = f.upload(&at("c"), with(code("x"), vec![text("A", "1"), secret("A", "2")])).await;
    assert!(matches!(twice, Err(CatalogError::BindingExists(name)) if name == "A"));
}

#[tokio::test]
async fn compatibility_dates_are_dates() {
    let f = fixture().await;
    let dated = |date: &str| NewScript { compatibility_date: Some(date.to_owned()), ..code("x") };
    for good in ["2021-11-02", "2024-02-29", "2025-12-31"] {
        assert_eq!(f.upload(&at("a"), dated(good)).await.unwrap().version.compatibility_date, good);
    }
    for bad in ["", "2025-02-29", "2025-13-01", "2025-1-1", "20250101", "+2025-01-01", "yesterday", "2025-01-01T00"] {
        invalid(f.upload(&at("a"), dated(bad)).await, "YYYY-MM-DD");
    }
    invalid(f.upload(&at("a"), dated("2021-11-01")).await, "before");
    invalid(f.upload(&at("a"), dated("2999-01-01")).await, "future");
    let flags = NewScript { compatibility_flags: vec!["f".to_owned(); 65], ..code("x") };
    invalid(f.upload(&at("a"), flags).await, "compatibility flags");
    let limits = Limits { cpu_ms: Some(300_001), ..Limits::default() };
    invalid(f.upload(&at("a"), NewScript { limits, ..code("x") }).await, "cpu_ms");
    let usage_model = Some("free".to_owned());
    invalid(f.upload(&at("a"), NewScript { usage_model, ..code("x") }).await, "usage_model");
    let observability = Some("x".repeat(20_000).into());
    invalid(f.upload(&at("a"), NewScript { observability, ..code("x") }).await, "observability");
}

#[tokio::test]
async fn uploads_at_once_both_count() {
    let f = fixture().await;
    f.upload(&at("a"), with(code("one"), vec![text("A", "1")])).await.unwrap();
    let keep = |n: usize| NewScript {
        keep_bindings: Some(vec!["plain_text".to_owned()]),
        ..with(code(&format!("c{n}")), vec![text(&format!("B{n}"), "x")])
    };
    let script = at("a");
    let uploads = (0..3).map(|n| f.upload(&script, keep(n)));
    for done in futures_util::future::join_all(uploads).await {
        done.unwrap();
    }
    let expected = pairs(&[("A", "1"), ("B0", "x"), ("B1", "x"), ("B2", "x")]);
    assert_eq!(f.live_env(&at("a")).await, expected, "each saw what the others had added");
    assert_eq!(f.version_list(&f.actor, &at("a")).await.unwrap().len(), 4);
    let fresh = (0..3).map(|n| f.upload(&script, keep(n)));
    futures_util::future::join_all(fresh).await;
    let many = (0..3).map(|n| {
        let f = &f;
        async move { f.upload(&at("new"), keep(n)).await }
    });
    for done in futures_util::future::join_all(many).await {
        done.unwrap();
    }
    assert_eq!(f.version_list(&f.actor, &at("new")).await.unwrap().len(), 3);
}

#[tokio::test]
async fn sweeping_keeps_what_versions_name() {
    let f = fixture().await;
    f.upload(&at("a"), code("one")).await.unwrap();
    assert_eq!(f.blobs_sweep().await.unwrap(), 0);
    f.script_content(&f.actor, &at("a")).await.unwrap();
}
