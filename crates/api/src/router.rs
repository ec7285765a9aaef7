//! The one table of endpoints, in Cloudflare's order, and how a request finds its row.

use std::{future::Future, pin::Pin};

use http::Method;
use percent_encoding::percent_decode_str;
use switchyard_catalog::Access;

use crate::{
    account, accounts, assets, content,
    context::Context,
    envelope::Reply,
    error::{ApiError, Place, Refusal},
    namespaces, node, plans, references, resolve, scripts, secrets, settings, tags, tails, tokens, versions,
};

/// Everything is below this.
pub(crate) const BASE: &str = "/client/v4";

type Handler = for<'a, 'b> fn(&'a mut Context<'b>) -> Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send + 'a>>;

/// One row of the table.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// `{name}` stands for one segment, never empty.
    pub(crate) path: &'static str,
    /// The handler's name.
    pub(crate) name: &'static str,
    /// What the token must be allowed.
    pub(crate) access: Access,
    pub(crate) handler: Handler,
}

/// The decoded segments that stand for `{…}`, by name.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(&'static str, String)>);

/// A row as tests and documentation see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointName {
    pub method: &'static str,
    pub path: &'static str,
    pub handler: &'static str,
    /// What the token must be allowed.
    pub access: Access,
}

macro_rules! endpoints {
    ($($access:ident $method:ident $path:literal $handler:path;)*) => {
        pub(crate) const ENDPOINTS: &[Endpoint] = &[$(Endpoint {
            method: Method::$method,
            path: $path,
            access: Access::$access,
            name: stringify!($handler),
            handler: |context| Box::pin($handler(context)),
        },)*];
        const NAMES: &[EndpointName] = &[$(EndpointName {
            method: stringify!($method), path: $path, handler: stringify!($handler),
            access: Access::$access,
        },)*];
    };
}

endpoints! {
    // User and accounts
    Read  GET    "/user"                             account::user_get;
    Read  GET    "/user/tokens/verify"               account::token_verify;
    Read  GET    "/memberships"                      account::membership_list;
    Read  GET    "/accounts"                         account::account_list;
    Read  GET    "/accounts/{account}"               account::account_get;
    Read  GET    "/accounts/{account}/tokens/verify" account::token_verify;

    // Dispatch namespaces
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces"             namespaces::namespace_list;
    Write POST   "/accounts/{account}/workers/dispatch/namespaces"             namespaces::namespace_create;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}" namespaces::namespace_get;
    Write PUT    "/accounts/{account}/workers/dispatch/namespaces/{namespace}" namespaces::namespace_put;
    Write PATCH  "/accounts/{account}/workers/dispatch/namespaces/{namespace}" namespaces::namespace_patch;
    Write DELETE "/accounts/{account}/workers/dispatch/namespaces/{namespace}" namespaces::namespace_delete;

    // Scripts in a dispatch namespace
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts"                             scripts::namespaced_script_list;
    Write DELETE "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts"                             scripts::namespaced_script_delete_by_tags;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}"                    scripts::namespaced_script_get;
    Write PUT    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}"                    scripts::script_upload;
    Write DELETE "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}"                    scripts::script_delete;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/content"            content::content_get;
    Write PUT    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/content"            content::content_put;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/settings"           settings::settings_get;
    Write PATCH  "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/settings"           settings::settings_patch;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/bindings"           settings::bindings_get;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/secrets"            secrets::secret_list;
    Write PUT    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/secrets"            secrets::secret_put;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/secrets/{secret}"   secrets::secret_get;
    Write DELETE "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/secrets/{secret}"   secrets::secret_delete;
    Write PATCH  "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/secrets-bulk"       secrets::secrets_bulk;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/tags"               tags::tag_list;
    Write PUT    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/tags"               tags::tags_put;
    Write PUT    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/tags/{tag}"         tags::tag_add;
    Write DELETE "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/tags/{tag}"         tags::tag_delete;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/versions"           versions::version_list;
    Write POST   "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/versions"           versions::version_create;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/versions/{version}" versions::version_get;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/deployments"        versions::deployment_list;
    Write POST   "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/deployments"        versions::deployment_create;

    Write POST   "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/assets-upload-session" assets::assets_upload_session;
    Read  POST   "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/tails"              tails::tail_create;
    Read  GET    "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/tails"              tails::tail_list;
    Read  DELETE "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/tails/{tail}"       tails::tail_delete;

    // The account's own Workers
    Read  GET    "/accounts/{account}/workers/scripts"                             scripts::account_script_list;
    Read  GET    "/accounts/{account}/workers/scripts/{script}"                    content::content_get;
    Write PUT    "/accounts/{account}/workers/scripts/{script}"                    scripts::script_upload;
    Write DELETE "/accounts/{account}/workers/scripts/{script}"                    scripts::script_delete;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/content/v2"         content::content_get;
    Write PUT    "/accounts/{account}/workers/scripts/{script}/content"            content::content_put;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/settings"           settings::settings_get;
    Write PATCH  "/accounts/{account}/workers/scripts/{script}/settings"           settings::settings_patch;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/secrets"            secrets::secret_list;
    Write PUT    "/accounts/{account}/workers/scripts/{script}/secrets"            secrets::secret_put;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/secrets/{secret}"   secrets::secret_get;
    Write DELETE "/accounts/{account}/workers/scripts/{script}/secrets/{secret}"   secrets::secret_delete;
    Write PATCH  "/accounts/{account}/workers/scripts/{script}/secrets-bulk"       secrets::secrets_bulk;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/script-settings"    settings::script_settings_get;
    Write PATCH  "/accounts/{account}/workers/scripts/{script}/script-settings"    settings::script_settings_patch;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/subdomain"          settings::subdomain_get;
    Write POST   "/accounts/{account}/workers/scripts/{script}/subdomain"          settings::subdomain_set;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/versions"           versions::version_list;
    Write POST   "/accounts/{account}/workers/scripts/{script}/versions"           versions::version_create;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/versions/{version}" versions::version_get;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/deployments"        versions::deployment_list;
    Write POST   "/accounts/{account}/workers/scripts/{script}/deployments"        versions::deployment_create;
    Write POST   "/accounts/{account}/workers/scripts/{script}/assets-upload-session" assets::assets_upload_session;
    Write POST   "/accounts/{account}/workers/assets/upload"                       assets::assets_upload;
    Read  POST   "/accounts/{account}/workers/scripts/{script}/tails"              tails::tail_create;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/tails"              tails::tail_list;
    Read  DELETE "/accounts/{account}/workers/scripts/{script}/tails/{tail}"       tails::tail_delete;
    Read  GET    "/accounts/{account}/workers/scripts/{script}/references"         references::reference_list;
    Read  GET    "/accounts/{account}/workers/tails/by-consumer/{script}"          references::tail_producer_list;
    Read  GET    "/accounts/{account}/workers/services/{script}"                   versions::service_get;
    Write DELETE "/accounts/{account}/workers/services/{script}"                   scripts::script_delete;
    Read  GET    "/accounts/{account}/workers/workers/{script}"                    versions::worker_get;

    // Ours, where Cloudflare has nothing that a self-hoster can use
    Read  GET    "/switchyard/accounts"                                            accounts::account_list;
    Write POST   "/switchyard/accounts"                                            accounts::account_create;
    Write PATCH  "/switchyard/accounts/{account}"                                  accounts::account_rename;
    Read  GET    "/switchyard/accounts/{account}/tokens"                           tokens::token_list;
    Write POST   "/switchyard/accounts/{account}/tokens"                           tokens::token_create;
    Write POST   "/switchyard/accounts/{account}/tokens/{token}/roll"              tokens::token_roll;
    Write DELETE "/switchyard/accounts/{account}/tokens/{token}"                   tokens::token_revoke;
    Read  GET    "/switchyard/accounts/{account}/namespaces/{namespace}/settings"  namespaces::settings_get;
    Write PUT    "/switchyard/accounts/{account}/namespaces/{namespace}/settings"  namespaces::settings_put;

    Read  GET    "/switchyard/accounts/{account}/namespaces/{namespace}/scripts/{script}/plan" plans::plan_get;
    Write PUT    "/switchyard/accounts/{account}/namespaces/{namespace}/scripts/{script}/plan" plans::plan_put;
    Read  GET    "/switchyard/accounts/{account}/scripts/{script}/plan"            plans::plan_get;
    Write PUT    "/switchyard/accounts/{account}/scripts/{script}/plan"            plans::plan_put;

    Read  GET    "/switchyard/accounts/{account}/namespaces/{namespace}/scripts/{script}/compilation" node::compilation;
    Read  GET    "/switchyard/accounts/{account}/scripts/{script}/compilation"     node::compilation;

    Read  GET    "/switchyard/accounts/{account}/namespaces/{namespace}/scripts/{script}/assets" assets::assets_list;
    Read  GET    "/switchyard/accounts/{account}/namespaces/{namespace}/scripts/{script}/assets/{asset}" assets::asset_get;

    Read  GET    "/switchyard/top"                                                 node::top;
    Read  GET    "/switchyard/accounts/{account}/top"                              node::account_top;
    Read  POST   "/switchyard/resolve"                                             resolve::resolve;
    Read  GET    "/switchyard/accounts/{account}/namespaces/{namespace}/tail"      tails::tail_follow;
    Read  GET    "/switchyard/accounts/{account}/namespaces/{namespace}/scripts/{script}/tail" tails::tail_follow;
    Read  GET    "/switchyard/accounts/{account}/scripts/{script}/tail"            tails::tail_follow;

    // What this server does not have: no workers.dev, and an account has none of these products
    Read  GET    "/accounts/{account}/workers/subdomain"                  account::account_subdomain_get;
    Read  GET    "/accounts/{account}/workers/durable_objects/namespaces" account::none_of_these;
    Read  GET    "/accounts/{account}/storage/kv/namespaces"              account::none_of_these;
}

/// The table, for the tests that walk it.
pub fn endpoints() -> &'static [EndpointName] {
    NAMES
}

/// The narrowest scope of tokens that may call an endpoint at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    Script,
    Namespace,
    Account,
    Admin,
}

impl Endpoint {
    /// By what the path names. Where it names neither script nor namespace, an endpoint is the
    /// account's, unless it is listed here; what changes a namespace itself is the account's too: the
    /// owner of a namespace's token must not lift its limits.
    pub(crate) fn reach(&self) -> Reach {
        let read = self.method == Method::GET;
        match self.path {
            "/user" | "/user/tokens/verify" | "/memberships" | "/accounts" => Reach::Script,
            "/accounts/{account}" | "/accounts/{account}/tokens/verify" => Reach::Script,
            "/accounts/{account}/workers/dispatch/namespaces" if read => Reach::Namespace,
            "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts" if read => Reach::Script,
            "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts" => Reach::Namespace,
            "/switchyard/accounts" if !read => Reach::Admin,
            // It names scripts of all accounts.
            "/switchyard/resolve" | "/switchyard/top" => Reach::Admin,
            // The owner of a script must not lift its limits.
            path if path.ends_with("/plan") && !read => Reach::Account,
            path if path.contains("{script}") => Reach::Script,
            path if path.contains("{namespace}") && read => Reach::Namespace,
            _ => Reach::Account,
        }
    }

    /// Whether its bearer is the token of an assets session, not one of the API's.
    pub(crate) fn takes_session(&self) -> bool {
        self.path == "/accounts/{account}/workers/assets/upload"
    }

    /// Whether it may make the script of its path.
    pub(crate) fn makes_script(&self) -> bool {
        self.method == Method::PUT && self.path.ends_with("/scripts/{script}")
    }

    /// Where this endpoint looks for scripts.
    pub(crate) fn place(&self) -> Place {
        if self.path.contains("/namespaces/{namespace}") {
            Place::Namespace
        } else if self.path.contains("/workers/services/") {
            Place::Services
        } else {
            Place::Account
        }
    }
}

impl Params {
    /// The segment of that name. Empty when the endpoint's path has none, which no handler asks for.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

/// The row for a request, and its segments, each decoded once. One slash at the end is accepted,
/// except on DELETE: there it is an item whose name came out empty, and must not mean the collection.
///
/// # Errors
/// 7003 when no path fits, 405 with `Allow` when only the method does not.
pub(crate) fn find(method: &Method, path: &str) -> Result<(&'static Endpoint, Params), ApiError> {
    let no_route = || ApiError::no_route(path);
    let rest = path.strip_prefix(BASE).and_then(|rest| rest.strip_prefix('/')).ok_or_else(no_route)?;
    let rest = match rest.strip_suffix('/') {
        Some(shorter) if method != Method::DELETE => shorter,
        _ => rest,
    };
    let segments = decode(rest).ok_or_else(no_route)?;
    let mut allow: Vec<&str> = Vec::new();
    for endpoint in ENDPOINTS {
        if let Some(params) = fit(endpoint.path, &segments) {
            if endpoint.method == method {
                return Ok((endpoint, params));
            }
            allow.push(endpoint.method.as_str());
        }
    }
    if allow.is_empty() { Err(no_route()) } else { Err(ApiError::wrong_method(method, allow.join(", "))) }
}

fn decode(path: &str) -> Option<Vec<String>> {
    /// More than any template has; keeps a path of slashes from costing anything.
    const MOST: usize = 16;
    if path.split('/').count() > MOST {
        return None;
    }
    path.split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8().ok().map(|text| text.into_owned()))
        .collect()
}

fn fit(template: &'static str, segments: &[String]) -> Option<Params> {
    let parts = template.strip_prefix('/')?.split('/');
    if parts.clone().count() != segments.len() {
        return None;
    }
    let mut params = Params::default();
    for (part, segment) in parts.zip(segments) {
        match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if segment.is_empty() => return None,
            Some(name) => params.0.push((name, segment.clone())),
            None if part == segment => {}
            None => return None,
        }
    }
    Some(params)
}
