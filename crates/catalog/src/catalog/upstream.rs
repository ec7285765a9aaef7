//! What an upload that names an origin instead of code has to keep to.

use super::{Actor, Catalog, publish::Plan};
use crate::{CatalogError, Code, Version};

/// Whether a version with this new code, or with that of the previous one, is an upstream.
pub(super) fn stays_or_comes(new: Option<&Code>, previous: Option<&Version>) -> bool {
    match new {
        Some(code) => code.upstream.is_some(),
        None => previous.is_some_and(|version| version.code.upstream.is_some()),
    }
}

/// An origin has neither `env` nor assets; secrets of a version before stay, for the one after.
pub(super) fn stands_alone(bindings: bool, assets: bool) -> Result<(), CatalogError> {
    let what = match (bindings, assets) {
        (true, _) => "bindings",
        (_, true) => "assets",
        _ => return Ok(()),
    };
    Err(CatalogError::Invalid(format!("an upstream has no {what}: it is an origin instead of a Worker")))
}

impl Catalog {
    /// Rules of the thing itself, then whether each origin may be reached by whoever sets it.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`].
    pub(super) async fn upstream_check(&self, actor: &Actor, plan: &mut Plan) -> Result<(), CatalogError> {
        let Some(upstream) = plan.code.as_mut().and_then(|code| code.upstream.as_mut()) else { return Ok(()) };
        upstream.check().map_err(CatalogError::Invalid)?;
        upstream.inside = actor.sees_account();
        let none = || CatalogError::Invalid("this server has no upstreams".to_owned());
        let policy = self.origins.as_ref().ok_or_else(none)?;
        for origin in &upstream.origins {
            policy.may_reach(origin, upstream.inside).await.map_err(CatalogError::Invalid)?;
        }
        Ok(())
    }
}
