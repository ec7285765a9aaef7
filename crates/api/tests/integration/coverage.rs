//! Every row of the route table has a test by name, and the test really calls that row. A new
//! endpoint without a line here fails the suite.

use std::collections::BTreeSet;

use http::Method;
use serde_json::json;
use switchyard_api::endpoints;

use crate::{
    account, accounts, assets, content,
    harness::{A, Harness, NS},
    namespace_settings, namespaces, node, plans, references, resolve, scripts, secrets, settings, tags, tails, tokens,
    versions,
};

/// The row's path, written short: `NS`, `S` (a script in a namespace), `W` (an account's Worker), `A`.
fn full(row: &str) -> (String, String) {
    let (method, path) = row.split_once(' ').expect("method and path");
    let namespaces = "/accounts/{account}/workers/dispatch/namespaces";
    let (first, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    let prefix = match first {
        "NS" => namespaces.to_owned(),
        "S" => format!("{namespaces}/{{namespace}}/scripts/{{script}}"),
        "W" => "/accounts/{account}/workers/scripts/{script}".to_owned(),
        "A" => "/accounts/{account}".to_owned(),
        "O" => "/switchyard/accounts/{account}".to_owned(),
        _ => String::new(),
    };
    (method.to_owned(), prefix + rest)
}

macro_rules! tests {
    ($($row:literal $name:ident $test:expr;)*) => {
        const COVERED: &[&str] = &[$($row),*];
        $(
            #[tokio::test]
            async fn $name() {
                let harness = Harness::new().await;
                $test(&harness).await;
                let (method, path) = full($row);
                assert!(harness.called(&method, &path), "the test does not call {method} {path}");
            }
        )*
    };
}

tests! {
    "GET /user"                                 user_get                    account::user_get;
    "GET /user/tokens/verify"                   user_token_verify           account::user_token_verify;
    "GET /memberships"                          membership_list             account::membership_list;
    "GET /accounts"                             account_list                account::account_list;
    "GET A"                                     account_get                 account::account_get;
    "GET A/tokens/verify"                       account_token_verify        account::account_token_verify;

    "GET NS"                                    namespace_list              namespaces::namespace_list;
    "POST NS"                                   namespace_create            namespaces::namespace_create;
    "GET NS/{namespace}"                        namespace_get               namespaces::namespace_get;
    "PUT NS/{namespace}"                        namespace_put               namespaces::namespace_put;
    "PATCH NS/{namespace}"                      namespace_patch             namespaces::namespace_patch;
    "DELETE NS/{namespace}"                     namespace_delete            namespaces::namespace_delete;

    "GET NS/{namespace}/scripts"                script_list                 scripts::script_list;
    "DELETE NS/{namespace}/scripts"             script_delete_by_tags       scripts::script_delete_by_tags;
    "GET S"                                     script_get                  scripts::script_get;
    "PUT S"                                     script_upload               scripts::script_upload;
    "DELETE S"                                  script_delete               scripts::script_delete;
    "GET S/content"                             content_get                 content::content_get;
    "PUT S/content"                             content_put                 content::content_put;
    "GET S/settings"                            settings_get                settings::settings_get;
    "PATCH S/settings"                          settings_patch              settings::settings_patch;
    "GET S/bindings"                            bindings_get                settings::bindings_get;
    "GET S/secrets"                             secret_list                 secrets::secret_list;
    "PUT S/secrets"                             secret_put                  secrets::secret_put;
    "GET S/secrets/{secret}"                    secret_get                  secrets::secret_get;
    "DELETE S/secrets/{secret}"                 secret_delete               secrets::secret_delete;
    "PATCH S/secrets-bulk"                      secrets_bulk                secrets::secrets_bulk;
    "GET S/tags"                                tag_list                    tags::tag_list;
    "PUT S/tags"                                tags_put                    tags::tags_put;
    "PUT S/tags/{tag}"                          tag_add                     tags::tag_add;
    "DELETE S/tags/{tag}"                       tag_delete                  tags::tag_delete;
    "POST S/assets-upload-session"              assets_upload_session       assets::assets_upload_session;
    "POST S/tails"                              tail_create                 tails::create;
    "GET S/tails"                               tail_list                   tails::list;
    "DELETE S/tails/{tail}"                     tail_delete                 tails::delete;
    "GET S/versions"                            version_list                versions::version_list;
    "POST S/versions"                           version_create              versions::version_create;
    "GET S/versions/{version}"                  version_get                 versions::version_get;
    "GET S/deployments"                         deployment_list             versions::deployment_list;
    "POST S/deployments"                        deployment_create           versions::deployment_create;

    "GET A/workers/scripts"                     account_script_list         scripts::account_script_list;
    "GET W"                                     account_script_content      content::account_script_content;
    "PUT W"                                     account_script_upload       scripts::account_script_upload;
    "DELETE W"                                  account_script_delete       scripts::account_script_delete;
    "GET W/content/v2"                          account_content_get         content::account_content_get;
    "PUT W/content"                             account_content_put         content::account_content_put;
    "GET W/settings"                            account_settings_get        settings::account_settings_get;
    "PATCH W/settings"                          account_settings_patch      settings::account_settings_patch;
    "GET W/secrets"                             account_secret_list         secrets::account_secret_list;
    "PUT W/secrets"                             account_secret_put          secrets::account_secret_put;
    "GET W/secrets/{secret}"                    account_secret_get          secrets::account_secret_get;
    "DELETE W/secrets/{secret}"                 account_secret_delete       secrets::account_secret_delete;
    "PATCH W/secrets-bulk"                      account_secrets_bulk        secrets::account_secrets_bulk;
    "GET W/script-settings"                     script_settings_get         settings::script_settings_get;
    "PATCH W/script-settings"                   script_settings_patch       settings::script_settings_patch;
    "GET W/subdomain"                           subdomain_get               settings::subdomain_get;
    "POST W/subdomain"                          subdomain_set               settings::subdomain_set;
    "GET W/versions"                            account_version_list        versions::account_version_list;
    "POST W/versions"                           account_version_create      versions::account_version_create;
    "GET W/versions/{version}"                  account_version_get         versions::account_version_get;
    "GET W/deployments"                         account_deployment_list     versions::account_deployment_list;
    "POST W/deployments"                        account_deployment_create   versions::account_deployment_create;
    "POST W/assets-upload-session"              account_assets_upload_session assets::account_assets_upload_session;
    "POST A/workers/assets/upload"              assets_upload               assets::assets_upload;
    "POST W/tails"                              account_tail_create         tails::account_create;
    "GET W/tails"                               account_tail_list           tails::account_list;
    "DELETE W/tails/{tail}"                     account_tail_delete         tails::account_delete;
    "GET W/references"                          reference_list              references::reference_list;
    "GET A/workers/tails/by-consumer/{script}"  tail_producer_list          references::tail_producer_list;
    "GET A/workers/services/{script}"           service_get                 versions::service_get;
    "DELETE A/workers/services/{script}"        service_delete              scripts::service_delete;
    "GET A/workers/workers/{script}"            worker_get                  versions::worker_get;
    "GET A/workers/subdomain"                   account_subdomain_get       account::account_subdomain_get;
    "GET A/workers/durable_objects/namespaces"  durable_object_namespaces   account::durable_object_namespaces;
    "GET A/storage/kv/namespaces"               kv_namespaces               account::kv_namespaces;

    "GET /switchyard/accounts"                  own_account_list            accounts::account_list;
    "POST /switchyard/accounts"                 own_account_create          accounts::account_create;
    "PATCH O"                                   own_account_rename          accounts::account_rename;
    "GET O/tokens"                              token_list                  tokens::token_list;
    "POST O/tokens"                             token_create                tokens::token_create;
    "POST O/tokens/{token}/roll"                token_roll                  tokens::token_roll;
    "DELETE O/tokens/{token}"                   token_revoke                tokens::token_revoke;
    "GET O/namespaces/{namespace}/settings"     namespace_settings_get      namespace_settings::get;
    "GET O/namespaces/{namespace}/tail"         namespace_tail              tails::follow_namespace;
    "GET O/namespaces/{namespace}/scripts/{script}/tail" script_tail        tails::follow_script;
    "GET O/scripts/{script}/tail"               account_script_tail         tails::follow_worker;
    "PUT O/namespaces/{namespace}/settings"     namespace_settings_put      namespace_settings::put;
    "GET O/namespaces/{namespace}/scripts/{script}/plan" script_plan_get    plans::get_namespaced;
    "PUT O/namespaces/{namespace}/scripts/{script}/plan" script_plan_put    plans::put_namespaced;
    "GET O/scripts/{script}/plan"               account_script_plan_get     plans::get_account;
    "PUT O/scripts/{script}/plan"               account_script_plan_put     plans::put_account;
    "GET O/namespaces/{namespace}/scripts/{script}/compilation" namespaced_compilation node::namespaced_compilation;
    "GET O/scripts/{script}/compilation"        account_compilation         node::account_compilation;
    "GET O/namespaces/{namespace}/scripts/{script}/assets" assets_list      assets::assets_list;
    "GET O/namespaces/{namespace}/scripts/{script}/assets/{asset}" asset_get assets::asset_get;
    "GET /switchyard/top"                       top                         node::top;
    "GET O/top"                                 account_top                 node::account_top;
    "POST /switchyard/resolve"                  resolve                     resolve::resolve;
}

#[test]
fn every_endpoint_has_a_test() {
    let covered: BTreeSet<_> = COVERED.iter().map(|row| full(row)).collect();
    let table: BTreeSet<_> = endpoints().iter().map(|row| (row.method.to_owned(), row.path.to_owned())).collect();
    let missing: Vec<_> = table.difference(&covered).collect();
    let stale: Vec<_> = covered.difference(&table).collect();
    assert!(missing.is_empty() && stale.is_empty(), "without a test: {missing:?}; without a row: {stale:?}");
    assert_eq!(table.len(), endpoints().len(), "a row is there twice");
}

/// The table's paths with something in each segment.
pub fn concrete(template: &str, namespace: &str, script: &str) -> String {
    template
        .replace("/accounts/{account}", A)
        .replace("{namespace}", namespace)
        .replace("{script}", script)
        .replace("{secret}", "KEY")
        .replace("{tag}", "gold")
        .replace("{asset}", "00000000000000000000000000000000")
        .replace("{tail}", "00000000000000000000000000000000")
        .replace("{token}", "00000000000000000000000000000000")
        .replace("{version}", "7d3b0c6e-5a0f-4f0e-9a57-4f3f5a9d1c11")
}

/// Those for which a script need not be there: they make it, or tell how far its upload is.
const MAKE_SCRIPTS: [&str; 3] = ["scripts::script_upload", "assets::assets_upload_session", "node::compilation"];

#[tokio::test]
async fn a_missing_namespace_is_told_first_then_a_missing_script() {
    let harness = Harness::new().await;
    harness.namespace("prod").await;
    for row in endpoints().iter().filter(|row| row.path.contains("{namespace}")) {
        let method: Method = row.method.parse().expect("a method");
        let path = concrete(row.path, "nowhere", "nobody");
        let reply = harness.json(method.clone(), &path, json!({})).await;
        reply.refused(404, 100_119);
        if row.path.contains("{script}") && !MAKE_SCRIPTS.contains(&row.handler) {
            let reply = harness.json(method, &concrete(row.path, "prod", "nobody"), json!({})).await;
            let reply = reply.refused(404, 10092);
            assert_eq!(reply.json["errors"][1]["code"], json!(10007), "{}", row.path);
        }
    }
    let account_rows =
        endpoints().iter().filter(|row| row.path.contains("{script}") && !row.path.contains("{namespace}"));
    for row in account_rows.filter(|row| !MAKE_SCRIPTS.contains(&row.handler)) {
        let method: Method = row.method.parse().expect("a method");
        let code = if row.path.contains("/services/") { 10090 } else { 10007 };
        harness.json(method, &concrete(row.path, "", "nobody"), json!({})).await.refused(404, code);
    }
}

#[tokio::test]
async fn an_unknown_path_is_7003_and_a_known_one_names_its_methods() {
    let harness = Harness::new().await;
    for path in
        ["", "/", "/nothing", &format!("{A}/workers"), &format!("{NS}//scripts"), &format!("{NS}/prod/scripts/x/y/z")]
    {
        let reply = harness.get(path).await.refused(404, 7003);
        assert!(reply.message().contains("Could not route to"), "{}", reply.message());
    }
    for row in endpoints() {
        for method in [Method::HEAD, Method::OPTIONS] {
            let path = concrete(row.path, "prod", "x");
            let reply =
                harness.send(crate::harness::request(method, &path).body(Default::default()).expect("a request"));
            let reply = reply.await.refused(405, 7001);
            let allow = reply.headers["allow"].to_str().expect("text").to_owned();
            assert!(allow.split(", ").any(|method| method == row.method), "{path}: {allow}");
        }
    }
}

#[tokio::test]
async fn one_slash_at_the_end_is_accepted_except_on_delete() {
    let harness = Harness::with_scripts(&["a"]).await;
    harness.get(&format!("{NS}/")).await.ok();
    harness.get(&format!("{NS}/prod/scripts/")).await.ok();
    // An item whose name came out empty must not mean the collection.
    harness.delete(&format!("{NS}/prod/scripts/?tags=x:no")).await.refused(404, 7003);
    harness.delete(&format!("{NS}/prod/")).await.refused(404, 7003);
    harness.get(&format!("{NS}/prod/scripts/a")).await.ok();
}

#[tokio::test]
async fn segments_are_decoded_once() {
    let harness = Harness::with_scripts(&["a.b"]).await;
    let reply = harness.get(&format!("{NS}/%70rod/scripts/a%2Eb")).await.ok();
    assert_eq!(reply.result()["script"]["id"], "a.b");
    harness.get(&format!("{NS}/prod/scripts/a%252Eb")).await.refused(400, 10016);
    harness.get(&format!("{NS}/prod/scripts/a%2Fb")).await.refused(400, 10016);
    harness.get(&format!("{NS}/prod/scripts/%FF")).await.refused(404, 7003);
    harness.get(&format!("{NS}/prod/scripts/..")).await.refused(400, 10016);
}
