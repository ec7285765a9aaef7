//! What every `Storage` must hold. `storage_suite!(fixture)` makes one test of each function, where
//! `fixture` is an async function that gives an empty storage with the sample's account, and
//! something that keeps it alive.

pub mod accounts;
pub mod assets;
pub mod changes;
pub mod deployments;
pub mod namespaces;
pub mod publishes;
pub mod references;
pub mod scripts;
pub mod secrets;

macro_rules! storage_suite {
    ($fixture:path) => {
        crate::suite::storage_suite! { $fixture;
            accounts: account_is_renamed_and_listed, token_is_found_by_its_hash,
                token_of_no_account_is_refused, token_with_the_same_text_stays, account_id_is_taken_once,
                tokens_of_every_scope_round_trip, revoked_and_rolled_tokens_stay_revoked;
            namespaces: namespace_round_trips, namespace_name_is_unique_in_its_account,
                namespace_rename_frees_the_old_name, namespace_update_sees_other_changes,
                namespace_settings_round_trip,
                namespace_list_is_bytewise_and_counts_scripts, namespace_delete_takes_everything_with_it;
            scripts: script_round_trips, list_is_bytewise_and_pages, cursor_survives_changes,
                list_filters_by_tags, list_leaves_other_scopes_alone, list_takes_any_number_of_tags,
                update_writes_tags_and_settings, update_sees_other_changes, delete_frees_the_name,
                delete_returns_those_that_were_there;
            publishes: publish_counts_versions, publish_on_an_old_base_conflicts,
                publish_after_a_change_of_tags_conflicts, publish_of_a_taken_name_conflicts,
                publish_into_a_deleted_namespace_is_gone, publish_of_a_deleted_script_is_gone,
                refused_publish_leaves_nothing, undeployed_version_leaves_the_deployment,
                old_versions_are_pruned_and_deployed_ones_stay, one_of_many_at_once_wins,
                blobs_in_use_follow_versions;
            references: deployed_bindings_are_references, references_follow_deployments, tail_consumers_are_references,
                references_go_with_their_script;
            deployments: deployment_splits_and_rolls_back, deployment_of_a_foreign_version_is_gone,
                deployment_moves_modified_on, history_is_bounded;
            assets: asset_round_trips, assets_are_shared_within_their_owner_alone, assets_of_a_deleted_namespace_go,
                versions_with_assets_are_known, unused_assets_are_found_and_deleted;
            secrets: secrets_round_trip, secrets_go_with_their_last_version, destroyed_secret_is_gone_everywhere,
                publish_naming_a_missing_secret_is_gone;
            changes: every_change_has_a_line, changes_page, trimmed_feed_says_so, routes_follow_changes,
                route_shows_the_namespace_name_of_now;
        }
    };
    ($fixture:path; $($module:ident: $($test:ident),+;)+) => {
        $(mod $module {
            $(
                #[tokio::test]
                async fn $test() {
                    let (storage, _alive) = $fixture().await;
                    crate::suite::$module::$test(&*storage).await;
                }
            )+
        })+
    };
}

pub(crate) use storage_suite;
