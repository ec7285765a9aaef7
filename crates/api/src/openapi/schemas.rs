//! Schemas of bodies and of what replies hold. Replies name every field that is always sent; clients
//! must expect more.

use std::collections::BTreeMap;

use switchyard_catalog::Limit;

use super::document::Schema;

type S = Schema;

pub(super) fn namespace_name() -> Schema {
    S::string().pattern("^[A-Za-z0-9_-]{1,64}$")
}

pub(super) fn script_name() -> Schema {
    // Neither `.` nor `..`.
    S::string().pattern("^(?!\\.{1,2}$)[A-Za-z0-9_.-]{1,255}$")
}

pub(super) fn tag() -> Schema {
    S::string().pattern("^[^,\\u0000-\\u001f\\u007f-\\u009f]{1,256}$")
}

fn tags() -> Schema {
    // A repeated one counts once, which `maxItems` cannot say.
    S::array(tag()).about("at most eight different ones")
}

/// One of these.
fn tail_filter() -> Schema {
    let texts = || S::array(S::string()).items(0, 50);
    let address = S::string().about("an IP address, or self");
    S::object(vec![
        ("sampling_rate?", S::number().about("above 0 and at most 1").or_null()),
        ("outcome?", texts().or_null()),
        ("method?", texts().or_null()),
        (
            "header?",
            S::object(vec![("key", S::string().length(0, 1_024)), ("query?", S::string().or_null())]).or_null(),
        ),
        ("client_ip?", S::array(address).items(0, 50).or_null()),
        ("query?", S::string().length(0, 256).or_null()),
        ("scriptVersion?", S::string().format("uuid").or_null()),
    ])
}

fn time() -> Schema {
    S::string().format("date-time")
}

fn hex32() -> Schema {
    S::string().pattern("^[0-9a-f]{32}$")
}

fn uuid() -> Schema {
    S::string().format("uuid")
}

fn title() -> Schema {
    S::string().pattern("^[^\\u0000-\\u001f\\u007f-\\u009f]*[!-~][^\\u0000-\\u001f\\u007f-\\u009f]*$").length(1, 120)
}

/// One that the configuration has, which no schema says.
fn plan() -> Schema {
    namespace_name()
}

fn top() -> Schema {
    let value = || {
        let fields = vec![("value", S::integer()), ("over", S::integer().about("the most by which it is too large"))];
        S::object(fields).or_null()
    };
    let script = S::object(vec![
        ("account", S::string()),
        ("namespace", S::string().or_null()),
        ("script", S::string()),
        ("tag", hex32()),
        ("requests", value()),
        ("cpu_us", value()),
        ("errors", value()),
    ]);
    S::object(vec![
        ("by", S::values(&["requests", "cpu", "errors"])),
        ("seconds", S::number().about("how far back it goes")),
        ("scripts", S::array(script)),
    ])
}

fn compilation() -> Schema {
    S::object(vec![
        ("state", S::values(&["none", "waiting", "compiling"])),
        ("place?", S::integer().about("waiting: the how manieth in the queue, from 1")),
        ("seconds?", S::integer().about("compiling: for how long")),
    ])
}

fn texts() -> Schema {
    S::array(S::string())
}

fn tail_consumers() -> Schema {
    let consumer = S::object(vec![
        ("service", S::string().about("a Worker whose default export has a tail handler")),
        ("environment?", S::string().or_null()),
        ("namespace?", S::string().or_null().about("its dispatch namespace; else it is one of the account's own")),
    ]);
    S::array(consumer).or_null()
}

fn handlers() -> Schema {
    S::array(S::object(vec![("name", S::string()), ("handlers", texts())]))
}

fn anything_or_null() -> Schema {
    S::any()
}

fn resolve_request() -> Schema {
    let header = S::object(vec![("name", S::string()), ("value", S::string())]);
    S::object(vec![
        ("url", S::string().about("http or https; its host is whom the request is for")),
        ("headers?", S::array(header).about("in order; a name may be there twice")),
        ("peer?", S::string().or_null().about("the address that it would come from; 127.0.0.1 if left out")),
        ("listener?", S::string().or_null().about("its address in the configuration; the first if left out")),
    ])
}

fn resolution() -> Schema {
    let step = S::object(vec![
        ("kind", S::values(&["fixed", "header", "sql", "subdomain", "worker"])),
        ("about", S::string()),
        ("outcome", S::values(&["mine", "not_mine", "failed", "not_asked"])),
        ("why", S::string().or_null()),
    ]);
    let limits = Limit::ALL.map(|limit| (limit.as_str(), S::integer().or_null()));
    let terms = S::object(vec![
        ("limits", S::object(limits.clone().into())),
        ("weight", S::integer().within(1, 65_535).about("the share of the CPU")),
    ]);
    let tenant = S::object(vec![
        ("account", S::string()),
        ("namespace", S::string().or_null()),
        ("script", S::string()),
        ("tag", hex32()),
        ("version", S::string().or_null()),
        ("limits", S::object(limits.into()).about("of the resolver alone")),
        ("plans", texts().about("of resolver, namespace and script")),
        ("terms", terms.about("what holds of all together")),
        ("outbound", S::map(S::any()).or_null()),
    ]);
    S::object(vec![
        ("host", S::string()),
        ("removed_headers", texts()),
        ("steps", S::array(step)),
        ("tenant", tenant.or_null()),
        ("status", S::integer().or_null().about("what a client is answered without a tenant")),
    ])
}

fn settings() -> Vec<(&'static str, Schema)> {
    vec![
        ("logpush", S::boolean()),
        ("observability", anything_or_null()),
        ("tags", tags()),
        ("tail_consumers", anything_or_null()),
    ]
}

fn script() -> Schema {
    S::object(vec![
        ("id", S::string().about("its name")),
        ("tag", hex32().about("its immutable id")),
        ("tags", tags()),
        ("has_assets", S::boolean()),
        ("logpush", S::boolean()),
        ("observability", anything_or_null()),
        ("placement", S::map(S::any())),
        ("tail_consumers", anything_or_null()),
        ("last_deployed_from", S::string()),
        ("created_on", time()),
        ("modified_on", time()),
        ("etag?", S::string()),
        ("handlers?", texts()),
        ("named_handlers?", handlers()),
        ("has_modules?", S::boolean()),
        ("compatibility_date?", S::string().format("date")),
        ("compatibility_flags?", texts()),
        ("usage_model?", S::string()),
        ("migration_tag?", S::string()),
        ("upstream?", S::reference("Upstream")),
    ])
}

fn token() -> Schema {
    S::object(vec![
        ("id", hex32()),
        ("name", S::string()),
        ("status", S::values(&["active", "expired"])),
        ("access", S::values(&["read", "write"])),
        ("scope", S::values(&["admin", "account", "namespace", "script"])),
        ("namespace", S::string().or_null()),
        ("script", S::string().or_null()),
        ("created_on", time()),
        ("expires_on", time().or_null()),
        ("plan", plan().or_null()),
    ])
}

fn new_token(scope: &'static str, more: Vec<(&'static str, Schema)>) -> Schema {
    let common = S::object(vec![
        ("name", title()),
        ("access", S::values(&["read", "write"])),
        ("scope", S::constant(scope)),
        ("expires_on?", time().or_null().about("in the future")),
        ("plan?", plan().or_null().about("what the token deploys is held to it")),
    ]);
    common.and(S::object(more))
}

fn version_head() -> Schema {
    S::object(vec![
        ("id", uuid()),
        ("number", S::integer()),
        ("annotations", S::map(S::any())),
        ("metadata", S::object(vec![("author_id", S::string()), ("source", S::string()), ("created_on", time())])),
    ])
}

fn deployment() -> Schema {
    let share = S::object(vec![("version_id", uuid()), ("percentage", S::number())]);
    S::object(vec![
        ("id", uuid()),
        ("source", S::string()),
        ("strategy", S::values(&["percentage"])),
        ("versions", S::array(share)),
        ("annotations", S::map(S::any())),
        ("created_on", time()),
    ])
}

/// `ours`: those of a namespace, of which Cloudflare's scripts have two.
fn limits(ours: bool) -> Schema {
    let mut fields = vec![
        ("cpu_ms?", S::integer().within(1, 300_000).or_null()),
        ("subrequests?", S::integer().within(0, 4_294_967_295).or_null()),
    ];
    if ours {
        let count = || S::integer().within(1, 4_294_967_295).or_null();
        let bytes = || S::integer().within(0, (1 << 53) - 1).or_null().about("bytes");
        fields.extend([
            ("memory?", S::integer().within(8 << 20, 4 << 30).or_null().about("bytes")),
            ("wall_ms?", count().about("to the end of all that a request started")),
            ("request_bytes?", bytes()),
            ("response_bytes?", bytes()),
            ("concurrent_requests?", count().about("of one script, on one node")),
            ("requests_per_second?", count().about("of one script, on one node")),
            ("connections?", count().about("to the network, of one request at once; further ones wait")),
            ("log_bytes?", bytes()),
        ]);
    }
    S::object(fields)
}

/// Ours: an origin instead of code. As replies show it; in an upload's metadata all is optional but the
/// origins with their URLs, and a health check's path.
fn upstream() -> Schema {
    let url = S::string().about("http(s)://host:port and nothing more; private addresses only as the node allows");
    let origin = S::object(vec![("url", url), ("weight", S::integer().within(1, 1_000).about("its share; 1"))]);
    let health = S::object(vec![
        ("path", S::string().pattern("^/[!-~]*$").length(1, 1_024).about("answers 200 to 399 when the origin is well")),
        ("interval_ms", S::integer().within(1_000, 300_000)),
        ("timeout_ms", S::integer().within(1, 60_000).about("at most the interval")),
        ("healthy", S::integer().within(1, 10).about("good ones that take it back")),
        ("unhealthy", S::integer().within(1, 10).about("bad ones that take it out")),
    ]);
    let retries = "of requests that got no answer, where that is safe; 1 if left out";
    S::object(vec![
        ("origins", S::array(origin).items(1, 16)),
        ("host", S::values(&["keep", "origin"]).about("which Host an origin gets; keep")),
        ("protocol", S::values(&["http1", "http2"]).about("what origins are spoken to in; http1")),
        ("health?", health.about("checks that are made while the upstream is used")),
        ("connect_timeout_ms?", S::integer().within(1, 60_000)),
        ("head_timeout_ms?", S::integer().within(1, 600_000)),
        ("idle_timeout_ms?", S::integer().within(1, 3_600_000)),
        ("retries?", S::integer().within(0, 5).about(retries)),
    ])
}

fn binding() -> Schema {
    S::object(vec![("name", S::string()), ("type", S::string())])
}

/// A script that names another, or is named.
fn reference(more: Vec<(&'static str, Schema)>) -> Schema {
    let common = vec![
        ("service", S::string().about("its name")),
        ("environment", S::values(&["production"])),
        ("script?", S::string().about("of a script in a dispatch namespace: namespace/name")),
        ("dispatch_namespace?", namespace_name().about("where it is")),
    ];
    S::object([common, more].concat())
}

/// A secret as sent, with these fields beside its value.
fn secret_value(beside: &[(&'static str, Schema)]) -> Schema {
    let text = vec![("text", S::string().length(0, 5_120)), ("type?", S::values(&["secret_text"]).or_null())];
    let base64 = secret_key("key_base64", &["raw", "pkcs8", "spki"]);
    let all = [text, base64, secret_key("key_jwk", &["jwk"])];
    S::one_of(all.into_iter().map(|fields| S::object([beside.to_vec(), fields].concat())).collect())
}

/// A key for crypto.subtle, given in one of these formats.
fn secret_key(key: &'static str, formats: &'static [&'static str]) -> Vec<(&'static str, Schema)> {
    let given = if key == "key_jwk" { S::map(S::any()) } else { S::string() };
    let mut fields = key_info();
    fields.extend([("type", S::values(&["secret_key"])), ("format", S::values(formats)), (key, given)]);
    fields
}

fn key_info() -> Vec<(&'static str, Schema)> {
    vec![
        ("algorithm", S::any().about("as crypto.subtle.importKey takes it: a name, or an object with a name")),
        ("usages", S::array(S::values(&switchyard_catalog::KEY_USAGES))),
    ]
}

fn secret_name() -> Schema {
    S::string().pattern("^[A-Za-z_$][A-Za-z0-9_$]{0,254}$")
}

pub(super) fn all() -> BTreeMap<&'static str, Schema> {
    let fault = S::object(vec![
        ("code", S::integer().within(1_000, 4_294_967_295)),
        ("message", S::string()),
        ("error_chain?", S::array(S::reference("Fault"))),
        ("source?", S::object(vec![("pointer", S::string())])),
    ]);
    let failure = S::object(vec![
        ("result", S::null()),
        ("success", S::constant(false)),
        ("errors", S::array(S::reference("Fault"))),
        ("messages", S::array(S::any())),
    ]);
    let result_info = S::object(vec![
        ("count", S::integer()),
        ("per_page", S::integer()),
        ("page?", S::integer()),
        ("total_count?", S::integer()),
        ("total_pages?", S::integer()),
        ("cursor?", S::string().about("for the next page; empty on the last")),
    ]);
    let account = S::object(vec![("id", S::string()), ("name", S::string()), ("type", S::string())]);
    let namespace = S::object(vec![
        ("namespace_id", uuid()),
        ("namespace_name", namespace_name()),
        ("script_count", S::integer()),
        ("trusted_workers", S::boolean()),
        ("created_on", time()),
        ("created_by", S::string()),
        ("modified_on", time()),
        ("modified_by", S::string()),
    ]);
    let uploaded = script().and(S::object(vec![
        ("startup_time_ms", S::integer()),
        ("entry_point", S::string()),
        ("deployment_id", hex32().about("the new version's id")),
    ]));
    let version = version_head().and(S::object(vec![
        ("startup_time_ms", S::integer()),
        (
            "resources",
            S::object(vec![
                ("bindings", S::array(S::reference("Binding"))),
                ("script", S::object(vec![("etag", S::string()), ("handlers", texts())])),
                ("script_runtime", S::map(S::any())),
            ]),
        ),
        ("upstream?", S::reference("Upstream")),
    ]));
    let full_settings = S::object(settings()).and(S::object(vec![
        ("placement", S::map(S::any())),
        ("bindings?", S::array(S::reference("Binding"))),
        ("compatibility_date?", S::string()),
        ("compatibility_flags?", texts()),
        ("limits?", limits(false)),
        ("usage_model?", S::string()),
        ("migration_tag?", S::string()),
    ]));
    // Null is as if absent, or unsets what can be unset.
    let settings_patch = S::object(vec![
        ("bindings?", S::array(S::reference("Binding")).or_null()),
        ("compatibility_date?", S::string().format("date").or_null()),
        ("compatibility_flags?", texts().or_null()),
        ("limits?", limits(false).or_null()),
        ("tags?", tags().or_null()),
        ("logpush?", S::boolean().or_null()),
        ("observability?", S::map(S::any()).or_null()),
        ("tail_consumers?", tail_consumers()),
        ("placement?", S::map(S::any()).or_null()),
        ("usage_model?", S::values(&["standard", "bundled", "unbound"]).or_null()),
        ("annotations?", S::map(S::string()).or_null()),
    ]);
    let metadata = "JSON: main_module, bindings, keep_bindings, compatibility_date, compatibility_flags, tags, limits, \
                    observability, assets …; at most 1 MiB. Ours: upstream (Upstream), an origin instead of modules";
    let share = S::object(vec![("version_id", uuid()), ("percentage", S::number().within(0, 100))]);
    let asset = S::object(vec![("hash", S::string().pattern("^[0-9a-f]{32}$")), ("size", S::integer())]);
    let worker = |optional: bool| {
        let entrypoint = if optional { "entrypoint?" } else { "entrypoint" };
        let worker = vec![("service", script_name()), (entrypoint, S::string().or_null())];
        S::object(worker).about("one of the account's own Workers")
    };
    let destination = || {
        S::string().about("10.1.0.0/16, 10.1.2.3:8080, [fd00::/8]:443, api.example.com, *.example.com:8000-8999, *:443")
    };
    let destinations = || S::array(destination());
    let egress = |optional: bool| {
        let also = destinations().about("beyond the public internet, as far as the node grants it; at most 100");
        let only = destinations().about("nothing but these; null: all that the node allows; at most 100").or_null();
        let also = if optional { ("also?", also.or_null()) } else { ("also", also) };
        S::object(vec![also, (if optional { "only?" } else { "only" }, only)])
            .about("what its Workers' fetches may reach")
    };
    let namespace_settings = |optional: bool| {
        let name = |plain, marked| if optional { marked } else { plain };
        S::object(vec![
            (name("limits", "limits?"), if optional { limits(true).or_null() } else { limits(true) }),
            (name("plan", "plan?"), plan().or_null()),
            (name("isolation", "isolation?"), S::values(&["auto", "request", "warm"]).or_null()),
            (name("trusted", "trusted?"), if optional { S::boolean().or_null() } else { S::boolean() }),
            (name("outbound", "outbound?"), worker(optional).or_null()),
            (name("inbound", "inbound?"), worker(optional).or_null()),
            (name("egress", "egress?"), if optional { egress(true).or_null() } else { egress(false) }),
        ])
    };
    BTreeMap::from([
        ("Account", account),
        ("AccountPatch", S::object(vec![("name", title())])),
        ("Anything", S::any()),
        ("AssetFiles", S::map(S::string().about("one part a file: its name the hash, its content base64"))),
        ("AssetManifest", S::object(vec![("manifest", S::map(asset))])),
        ("AssetSession", S::object(vec![("jwt", S::string()), ("buckets", S::array(texts()))])),
        ("AssetToken", S::object(vec![("jwt", S::string())])),
        ("AssetTokenOrNothing", S::any()),
        ("Binding", binding()),
        (
            "BulkDeleted",
            S::object(vec![
                ("deleted", S::array(S::object(vec![("id", hex32())]))),
                ("deleted_count", S::integer()),
                ("has_more", S::boolean()),
            ]),
        ),
        ("Compilation", compilation()),
        ("CodeUpload", S::map(S::any()).about("one part a module, and metadata with main_module")),
        ("Deployment", deployment()),
        ("DeploymentList", S::object(vec![("deployments", S::array(S::reference("Deployment")))])),
        ("Failure", failure),
        ("Fault", fault),
        (
            "Membership",
            S::object(vec![("id", S::string()), ("status", S::string()), ("account", S::reference("Account"))]),
        ),
        ("Namespace", namespace),
        (
            "NamespacePatch",
            S::object(vec![("name?", namespace_name().or_null()), ("trusted_workers?", S::boolean().or_null())]),
        ),
        ("NamespaceSettings", namespace_settings(false)),
        ("NamespaceSettingsPut", namespace_settings(true)),
        (
            "NewAccount",
            S::object(vec![("id?", S::string().pattern("^[A-Za-z0-9_-]{1,32}$").or_null()), ("name", title())]),
        ),
        (
            "NewDeployment",
            S::object(vec![
                ("strategy?", S::values(&["percentage"]).or_null()),
                ("versions", S::array(share).items(1, 2).about("the percentages add up to 100")),
                ("annotations?", S::map(S::any()).or_null()),
            ]),
        ),
        ("NewNamespace", S::object(vec![("name", namespace_name())])),
        (
            "NewToken",
            S::one_of(vec![
                new_token("admin", vec![]),
                new_token("account", vec![]),
                new_token("namespace", vec![("namespace", namespace_name())]),
                new_token("script", vec![("namespace?", namespace_name().or_null()), ("script", script_name())]),
            ]),
        ),
        (
            "References",
            S::object(vec![
                (
                    "services",
                    S::object(vec![
                        ("incoming", S::array(reference(vec![("name", S::string().about("the binding"))]))),
                        ("outgoing", S::array(S::any())),
                        ("pages_function", S::constant(false)),
                    ]),
                ),
                ("durable_objects", S::array(S::any())),
                (
                    "dispatch_outbounds",
                    S::array(reference(vec![
                        ("name", S::string().about("the binding")),
                        ("namespace", namespace_name().about("that it dispatches to")),
                    ])),
                ),
            ]),
        ),
        ("ResultInfo", result_info),
        ("Script", script()),
        (
            "ScriptAssets",
            S::object(vec![
                ("config", S::map(S::any())),
                (
                    "files",
                    S::map(S::object(vec![
                        ("hash", hex32()),
                        ("size", S::integer()),
                        ("content_type", S::string().or_null()),
                    ])),
                ),
            ]),
        ),
        (
            "ScriptInNamespace",
            script().and(S::object(vec![("script", S::reference("Script")), ("dispatch_namespace", namespace_name())])),
        ),
        ("ScriptPlan", S::object(vec![("plan", plan().or_null())])),
        ("ScriptPlanPut", S::object(vec![("plan?", plan().or_null())])),
        ("ScriptSettings", S::object(settings())),
        (
            "ScriptSettingsPatch",
            S::object(vec![
                ("logpush?", S::boolean().or_null()),
                ("observability?", S::map(S::any()).or_null()),
                ("tags?", tags().or_null()),
                ("tail_consumers?", tail_consumers()),
            ]),
        ),
        ("Secret", secret_value(&[("name", secret_name())])),
        (
            "SecretName",
            S::object(vec![
                ("name", secret_name()),
                ("type", S::values(&["secret_text", "secret_key"])),
                ("algorithm?", S::any()),
                ("format?", S::string()),
                ("usages?", S::array(S::string())),
            ]),
        ),
        ("SecretNames", S::map(S::reference("SecretName"))),
        ("SecretsBulk", S::object(vec![("secrets", S::map(secret_value(&[]).or_null()))])),
        (
            "Service",
            S::object(vec![
                ("id", S::string()),
                ("created_on", time()),
                ("modified_on", time()),
                ("default_environment", S::map(S::any())),
                ("environments", S::array(S::map(S::any()))),
            ]),
        ),
        ("Settings", full_settings),
        ("Resolution", resolution()),
        ("ResolveRequest", resolve_request()),
        ("SettingsForm", S::object(vec![("settings", S::string().about("JSON: SettingsPatch"))])),
        ("SettingsPatch", settings_patch),
        ("Subdomain", S::object(vec![("enabled", S::boolean()), ("previews_enabled", S::boolean())])),
        (
            "SubdomainPatch",
            S::object(vec![("enabled?", S::boolean().or_null()), ("previews_enabled?", S::boolean().or_null())]),
        ),
        ("Tags", tags()),
        ("TagsOrNull", tags().or_null()),
        ("Tail", S::object(vec![("id", hex32()), ("url", S::string()), ("expires_at", time())])),
        ("TailFilters", S::object(vec![("filters?", S::array(tail_filter()).items(0, 50).or_null())])),
        ("TailProducer", S::object(vec![("consumer", reference(Vec::new())), ("producer", reference(Vec::new()))])),
        ("Token", token()),
        ("TokenStatus", S::object(vec![("id", hex32()), ("status", S::string()), ("expires_on?", time())])),
        ("TokenWithValue", token().and(S::object(vec![("value", S::string().about("shown here alone"))]))),
        ("Top", top()),
        ("Upstream", upstream().own()),
        ("Upload", S::object(vec![("metadata", S::string().about(metadata))])),
        ("UploadedScript", uploaded),
        (
            "User",
            S::object(vec![
                ("id", hex32()),
                ("email", S::string()),
                ("first_name", S::string().or_null()),
                ("last_name", S::string().or_null()),
                ("created_on", time()),
            ]),
        ),
        ("Version", version),
        ("VersionList", S::object(vec![("items", S::array(version_head()))])),
        (
            "Worker",
            S::object(vec![
                ("id", hex32()),
                ("name", S::string()),
                ("subdomain", S::reference("Subdomain")),
                ("tags", tags()),
                ("logpush", S::boolean()),
                ("created_on", time()),
                ("updated_on", time()),
            ]),
        ),
    ])
}
