//! Settings (contract §3.7). What a version holds (bindings, compatibility, limits) is changed by a
//! new version of the same code, deployed; the rest is changed on the script.

use serde_json::{Map, Value};

use super::{
    Actor, Catalog, NewBinding,
    publish::{Edit, Plan},
    rules,
};
use crate::{CatalogError, Limits, PlanName, Script, ScriptRef, ScriptRow, Tag};

/// `PATCH …/settings`. `None` leaves as it is; an inner `None` unsets.
#[derive(Debug, Clone, Default)]
pub struct SettingsPatch {
    /// Replaces the whole list; secrets are kept with `inherit`.
    pub bindings: Option<Vec<NewBinding>>,
    pub compatibility_date: Option<String>,
    pub compatibility_flags: Option<Vec<String>>,
    pub limits: Option<Limits>,
    pub usage_model: Option<String>,
    pub placement: Option<Option<Value>>,
    pub account: AccountSettingsPatch,
    /// Of the version and deployment that are made; ignored when none is.
    pub annotations: Map<String, Value>,
}

/// `PATCH …/script-settings`: what needs no version.
#[derive(Debug, Clone, Default)]
pub struct AccountSettingsPatch {
    pub tags: Option<Vec<Tag>>,
    pub observability: Option<Option<Value>>,
    pub logpush: Option<bool>,
    pub tail_consumers: Option<Option<Value>>,
}

impl AccountSettingsPatch {
    fn apply(&self, script: &mut Script) -> Result<(), CatalogError> {
        if let Some(tags) = &self.tags {
            script.tags = rules::tags(tags.clone())?;
        }
        if let Some(observability) = &self.observability {
            script.settings.observability.clone_from(observability);
        }
        if let Some(logpush) = self.logpush {
            script.settings.logpush = logpush;
        }
        if let Some(tail_consumers) = &self.tail_consumers {
            script.settings.tail_consumers.clone_from(tail_consumers);
        }
        rules::settings(&script.settings)
    }
}

impl SettingsPatch {
    fn needs_version(&self) -> bool {
        self.bindings.is_some()
            || self.compatibility_date.is_some()
            || self.compatibility_flags.is_some()
            || self.limits.is_some()
            || self.usage_model.is_some()
    }

    pub(super) fn apply_to_script(&self, script: &mut Script) -> Result<(), CatalogError> {
        if let Some(placement) = &self.placement {
            script.settings.placement.clone_from(placement);
        }
        self.account.apply(script)
    }

    pub(super) fn apply_to_version(&self, plan: &mut Plan) -> Result<(), CatalogError> {
        if let Some(date) = &self.compatibility_date {
            plan.compatibility_date = rules::compatibility_date(Some(date))?;
        }
        if let Some(flags) = &self.compatibility_flags {
            plan.compatibility_flags.clone_from(flags);
        }
        if let Some(limits) = self.limits {
            plan.limits = limits;
        }
        if let Some(usage_model) = &self.usage_model {
            plan.usage_model.clone_from(usage_model);
        }
        Ok(())
    }
}

impl Catalog {
    /// # Errors
    /// As [`Catalog::script_upload`] when a version is made, also
    /// [`CatalogError::LatestNotDeployed`]; else [`CatalogError::Invalid`].
    pub async fn script_settings_patch(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        patch: SettingsPatch,
        source: String,
    ) -> Result<ScriptRow, CatalogError> {
        if patch.needs_version() {
            let published = self.publish(actor, script, Edit::Settings(Box::new(patch)), source);
            return Ok(published.await?.row);
        }
        self.tail_consumers_check(actor, script, patch.account.tail_consumers.iter().flatten().next()).await?;
        self.script_change(actor, script, |script| patch.apply_to_script(script)).await
    }

    /// # Errors
    /// [`CatalogError::Invalid`] for more than 8 tags or a setting that is too large,
    /// [`CatalogError::TailConsumer`].
    pub async fn script_settings_account_patch(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        patch: AccountSettingsPatch,
    ) -> Result<ScriptRow, CatalogError> {
        self.tail_consumers_check(actor, script, patch.tail_consumers.iter().flatten().next()).await?;
        self.script_change(actor, script, |script| patch.apply(script)).await
    }

    /// Which plan holds for a script from the next request on; `None`: none of its own.
    ///
    /// # Errors
    /// [`CatalogError::OutOfScope`] for tokens of less than an account: nobody lifts their own limits.
    pub async fn script_plan_set(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        plan: Option<PlanName>,
    ) -> Result<ScriptRow, CatalogError> {
        actor.needs_account()?;
        let changed = self.script_change(actor, script, |script| {
            script.settings.plan.clone_from(&plan);
            Ok(())
        });
        changed.await
    }

    /// `workers.dev` reachability; what is `None` stays.
    pub async fn script_subdomain_set(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        enabled: Option<bool>,
        previews_enabled: Option<bool>,
    ) -> Result<ScriptRow, CatalogError> {
        let changed = self.script_change(actor, script, |script| {
            let settings = &mut script.settings;
            settings.subdomain_enabled = enabled.unwrap_or(settings.subdomain_enabled);
            settings.previews_enabled = previews_enabled.unwrap_or(settings.previews_enabled);
            Ok(())
        });
        changed.await
    }
}
