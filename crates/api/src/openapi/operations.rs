//! What the table's rows cannot say of themselves, by the name of the handler.

use super::document::{Parameter, Schema};

pub(super) struct Doc {
    handler: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: &'static [Query],
    /// Names of request headers that change what is done.
    pub(super) headers: &'static [&'static str],
    pub(super) body: Body,
    pub(super) outcome: Outcome,
    /// Further successes: status and the schema of `result`.
    pub(super) also: &'static [(u16, &'static str)],
    /// Let in without one of the API's tokens.
    pub(super) open: bool,
}

/// What a request brings.
pub(super) enum Body {
    None,
    Json(&'static str),
    /// The same, which may be left out.
    OptionalJson(&'static str),
    /// A script: metadata and modules.
    Upload,
    /// Modules.
    Code,
    /// JSON, alone or as a part.
    Settings,
    Form(&'static str),
}

/// What success answers: the schema of `result`.
pub(super) enum Outcome {
    Result(&'static str),
    List(&'static str),
    Paged(&'static str),
    /// A list within an object, with `result_info`.
    PagedObject(&'static str),
    Null,
    /// A script's modules, without an envelope.
    Content,
    /// A file, without an envelope.
    File,
    /// Server-sent events, without an end.
    Events,
    /// It always refuses.
    Refused,
}

pub(super) enum Query {
    Text(&'static str, &'static str),
    Whole(&'static str, u64, u64, &'static str),
    Flag(&'static str, &'static str),
    Choice(&'static str, &'static [&'static str], &'static str),
}

impl Query {
    pub(super) fn parameter(&self) -> Parameter {
        let (name, description, schema) = match self {
            Self::Text(name, about) => (name, about, Schema::string()),
            Self::Whole(name, least, most, about) => (name, about, Schema::integer().within(*least, *most)),
            Self::Flag(name, about) => (name, about, Schema::boolean()),
            Self::Choice(name, values, about) => (name, about, Schema::values(values)),
        };
        Parameter { name, place: "query", required: false, description, schema }
    }
}

pub(super) const TAGS: &[(&str, &str)] = &[
    ("Dispatch namespaces", "Namespaces, and the scripts in them."),
    ("Workers", "The account's own Workers: dispatchers, outbound and service Workers."),
    ("Account", "The caller and its accounts."),
    ("Switchyard", "Ours, under the same envelope, where Cloudflare has nothing that a self-hoster could use."),
];

pub(super) fn tag(path: &str) -> &'static str {
    match path {
        path if path.starts_with("/switchyard/") => "Switchyard",
        path if path.contains("/dispatch/") => "Dispatch namespaces",
        path if path.contains("/workers/") => "Workers",
        _ => "Account",
    }
}

const PLAIN: Doc = Doc {
    handler: "",
    summary: "",
    query: &[],
    headers: &[],
    body: Body::None,
    outcome: Outcome::Null,
    also: &[],
    open: false,
};

const fn get(handler: &'static str, summary: &'static str, outcome: Outcome) -> Doc {
    Doc { handler, summary, outcome, ..PLAIN }
}

const fn set(handler: &'static str, summary: &'static str, body: Body, outcome: Outcome) -> Doc {
    Doc { handler, summary, body, outcome, ..PLAIN }
}

/// The entry of a handler; one that says nothing for a handler that has none, which a test refuses.
pub(super) fn find(handler: &str) -> &'static Doc {
    DOCS.iter().find(|doc| doc.handler == handler).unwrap_or(&PLAIN)
}

const TAG_FILTER: Query = Query::Text("tags", "comma-separated <tag>:yes or <tag>:no; all must hold");
const LIMIT: Query = Query::Whole("limit", 1, 1_000, "scripts in one page");
const LIST: &[Query] = &[TAG_FILTER, LIMIT, Query::Text("cursor", "result_info.cursor of the page before")];
const PAGE: &[Query] = &[Query::Whole("page", 1, 1_000_000, "there is one page; further ones are empty")];
const UPLOAD: &[Query] = &[Query::Choice(
    "bindings_inherit",
    &["strict"],
    "strict: an inherit binding without a counterpart is an error (10057)",
)];
const SECRET: &[Query] = &[Query::Flag("url_encoded", "the name in the path is encoded once more")];
const FORCE: &[Query] = &[Query::Flag("force", "although other Workers need it (10064 without)")];
const TAIL: &[Query] = &[
    Query::Text("status", "ok, error, canceled, a status code or a class such as 5xx; may be repeated"),
    Query::Text("method", "the request's method; may be repeated"),
    Query::Text("header", "a header's name, or name:text that its value contains"),
    Query::Text("search", "a text in some console line"),
    Query::Text("sampling_rate", "the share of events, above 0 and at most 1"),
    Query::Text("ip", "the client's address, or self; may be repeated"),
    Query::Text("version_id", "the script's version"),
];
const TOP: &[Query] = &[
    Query::Choice("by", &["requests", "cpu", "errors"], "what they are ordered by; requests if left out"),
    Query::Whole("limit", 1, 100, "how many; 10 if left out"),
];
const IF_MATCH: &[&str] = &["If-Match", "If-None-Match"];

use Body::{Code, Form, Json, OptionalJson, Settings, Upload};
use Outcome::{Content, Events, File, List, Null, Paged, PagedObject, Refused, Result};

const DOCS: &[Doc] = &[
    get("account::user_get", "The caller", Result("User")),
    get("account::token_verify", "Whether the token is good", Result("TokenStatus")),
    get("account::membership_list", "The accounts that the token is for, as memberships", Paged("Membership")),
    get("account::account_list", "The accounts that the token is for", Paged("Account")),
    get("account::account_get", "An account", Result("Account")),
    get("account::account_subdomain_get", "Refused: there is no workers.dev here", Refused),
    get("account::none_of_these", "An account has none of this product here", List("Anything")),
    Doc { query: PAGE, ..get("namespaces::namespace_list", "List namespaces", Paged("Namespace")) },
    set("namespaces::namespace_create", "Make a namespace", Json("NewNamespace"), Result("Namespace")),
    get("namespaces::namespace_get", "A namespace", Result("Namespace")),
    set("namespaces::namespace_put", "Rename or change a namespace", Json("NamespacePatch"), Result("Namespace")),
    set("namespaces::namespace_patch", "Rename or change a namespace", Json("NamespacePatch"), Result("Namespace")),
    get("namespaces::namespace_delete", "Delete a namespace and all its scripts", Null),
    Doc { query: LIST, ..get("scripts::namespaced_script_list", "List scripts", Paged("ScriptInNamespace")) },
    Doc {
        query: &[TAG_FILTER, LIMIT],
        ..get("scripts::namespaced_script_delete_by_tags", "Delete scripts by tags", Result("BulkDeleted"))
    },
    get("scripts::namespaced_script_get", "A script", Result("ScriptInNamespace")),
    Doc { query: LIST, ..get("scripts::account_script_list", "List the account's Workers", Paged("Script")) },
    Doc {
        query: UPLOAD,
        headers: IF_MATCH,
        ..set(
            "scripts::script_upload",
            "Upload a script; the reply means that it is live",
            Upload,
            Result("UploadedScript"),
        )
    },
    Doc { query: FORCE, ..get("scripts::script_delete", "Delete a script", Null) },
    get("references::reference_list", "Who needs a Worker, by bindings", Result("References")),
    get("references::tail_producer_list", "Whose tail consumer a Worker is", List("TailProducer")),
    get("content::content_get", "A script's modules", Content),
    Doc { headers: IF_MATCH, ..set("content::content_put", "Replace a script's code alone", Code, Result("Script")) },
    get("settings::settings_get", "Settings of a script", Result("Settings")),
    set("settings::settings_patch", "Change settings of a script", Settings, Result("Settings")),
    get("settings::bindings_get", "Bindings of a script", List("Binding")),
    get("settings::script_settings_get", "Settings that need no version", Result("ScriptSettings")),
    set(
        "settings::script_settings_patch",
        "Change settings that need no version",
        Json("ScriptSettingsPatch"),
        Result("ScriptSettings"),
    ),
    get("settings::subdomain_get", "The workers.dev setting, kept and without effect", Result("Subdomain")),
    set("settings::subdomain_set", "Keep the workers.dev setting", Json("SubdomainPatch"), Result("Subdomain")),
    get("secrets::secret_list", "Names of a script's secrets", List("SecretName")),
    set("secrets::secret_put", "Set a secret", Json("Secret"), Result("SecretName")),
    Doc { query: SECRET, ..get("secrets::secret_get", "Whether there is a secret", Result("SecretName")) },
    Doc { query: SECRET, ..get("secrets::secret_delete", "Destroy a secret, in old versions too", Null) },
    set("secrets::secrets_bulk", "Set and delete secrets, all or none", Json("SecretsBulk"), Result("SecretNames")),
    get("tags::tag_list", "Tags of a script", Result("Tags")),
    set("tags::tags_put", "Replace the tags of a script", Json("TagsOrNull"), Result("Tags")),
    get("tags::tag_add", "Add a tag", Null),
    get("tags::tag_delete", "Remove a tag", Null),
    get("versions::version_list", "List versions, the newest first", PagedObject("VersionList")),
    Doc {
        query: UPLOAD,
        ..set("versions::version_create", "Upload a version without deploying it", Upload, Result("Version"))
    },
    get("versions::version_get", "A version", Result("Version")),
    get("versions::deployment_list", "Deployments, the newest (in force) first", Result("DeploymentList")),
    set(
        "versions::deployment_create",
        "Make one or two versions live, in these shares",
        Json("NewDeployment"),
        Result("Deployment"),
    ),
    get("versions::service_get", "A Worker, by its older name", Result("Service")),
    get("versions::worker_get", "A Worker, by name", Result("Worker")),
    set(
        "assets::assets_upload_session",
        "Begin an upload of static assets",
        Json("AssetManifest"),
        Result("AssetSession"),
    ),
    Doc {
        query: &[Query::Flag("base64", "the parts are base64; they must be")],
        also: &[(201, "AssetToken"), (202, "AssetTokenOrNothing")],
        open: true,
        ..set("assets::assets_upload", "Upload static assets, with the session's token", Form("AssetFiles"), Refused)
    },
    get("accounts::account_list", "List the accounts that the token is for", List("Account")),
    set("accounts::account_create", "Make an account", Json("NewAccount"), Result("Account")),
    set("accounts::account_rename", "Rename an account", Json("AccountPatch"), Result("Account")),
    get("tokens::token_list", "List tokens", List("Token")),
    set(
        "tokens::token_create",
        "Make a token; its value is shown here alone",
        Json("NewToken"),
        Result("TokenWithValue"),
    ),
    get("tokens::token_roll", "Give a token another value; the old one is refused", Result("TokenWithValue")),
    get("tokens::token_revoke", "Revoke a token", Null),
    get("plans::plan_get", "Which plan holds for a script", Result("ScriptPlan")),
    set("plans::plan_put", "Set which plan holds for a script", Json("ScriptPlanPut"), Result("ScriptPlan")),
    get("assets::assets_list", "Static assets of what is live of a script", Result("ScriptAssets")),
    get("assets::asset_get", "One of them, by its hash", File),
    get("node::compilation", "How far the compilation of an upload to a script is", Result("Compilation")),
    Doc { query: TOP, ..get("node::top", "Which scripts of the node use the most of it", Result("Top")) },
    Doc { query: TOP, ..get("node::account_top", "Which scripts of the account use the most", Result("Top")) },
    set(
        "resolve::resolve",
        "Who would get a request, and what each resolver says to it; nothing is sent",
        Json("ResolveRequest"),
        Result("Resolution"),
    ),
    set(
        "tails::tail_create",
        "Open a live log; its URL is a WebSocket of trace-v1",
        OptionalJson("TailFilters"),
        Result("Tail"),
    ),
    get("tails::tail_list", "Live logs that are open", List("Tail")),
    get("tails::tail_delete", "End a live log", Null),
    Doc {
        query: TAIL,
        ..get("tails::tail_follow", "The live log as server-sent events, each a tail event in JSON", Events)
    },
    get("namespaces::settings_get", "What holds for all scripts of a namespace", Result("NamespaceSettings")),
    set(
        "namespaces::settings_put",
        "Replace it; it holds for the next request",
        Json("NamespaceSettingsPut"),
        Result("NamespaceSettings"),
    ),
];
