//! What a new version's `env` holds: the bindings sent, those inherited, those kept (contract §3.5).

use std::collections::{HashMap, HashSet};

use super::{Actor, Catalog, NewBinding, NewBindingKind, publish::Plan};
use crate::{
    Binding, BindingKind, BindingName, CatalogError, NamespaceName, NewSecret, Scope, ScriptId, ScriptName, SecretId,
    TokenScope, Version, VersionId,
};

/// One entry of the `env` to be.
pub(super) struct Planned {
    pub(super) name: BindingName,
    pub(super) kind: PlannedKind,
    /// Sent with this edit, not taken over: its target must exist.
    pub(super) sent: bool,
    /// A destroyed secret here is an error; else it is left out.
    pub(super) strict: bool,
}

pub(super) enum PlannedKind {
    Kind(BindingKind),
    NewSecret(NewSecret),
}

impl Planned {
    pub(super) fn kept(binding: &Binding) -> Self {
        let kind = PlannedKind::Kind(binding.kind.clone());
        Self { name: binding.name.clone(), kind, sent: false, strict: false }
    }

    pub(super) fn secret(name: BindingName, value: NewSecret) -> Self {
        Self { name, kind: PlannedKind::NewSecret(value), sent: true, strict: false }
    }

    pub(super) fn kept_secret(&self) -> Option<SecretId> {
        match &self.kind {
            PlannedKind::Kind(kind) => kind.secret(),
            PlannedKind::NewSecret(_) => None,
        }
    }
}

/// Kept when an upload says nothing about keeping (contract §3.3).
const KEPT_BY_DEFAULT: [&str; 2] = ["secret_text", "secret_key"];

impl Catalog {
    /// The bindings sent, with `inherit` resolved, then those of the previous version whose type is
    /// to be kept and whose name is still free.
    pub(super) async fn bindings_plan(
        &self,
        sent: &[NewBinding],
        keep: Option<&[String]>,
        strict: bool,
        script: Option<ScriptId>,
        previous: Option<&Version>,
    ) -> Result<Vec<Planned>, CatalogError> {
        let max = self.settings.max_bindings;
        if sent.len() > max {
            return Err(CatalogError::TooManyVariables(format!("a Worker has at most {max} bindings")));
        }
        let older = self.inherited_versions(sent, script).await?;
        let mut names = HashSet::with_capacity(sent.len());
        let mut planned = Vec::with_capacity(sent.len());
        for NewBinding { name, kind } in sent {
            if !names.insert(name) {
                return Err(CatalogError::BindingExists(name.as_str().to_owned()));
            }
            let kind = match kind {
                NewBindingKind::Kind(kind) if kind.secret().is_some() => {
                    return Err(CatalogError::Invalid(format!("the secret {name} has no value")));
                }
                NewBindingKind::Kind(kind) => PlannedKind::Kind(kind.clone()),
                NewBindingKind::Secret(value) => PlannedKind::NewSecret(NewSecret::from(value.clone())),
                NewBindingKind::SecretKey(value) => PlannedKind::NewSecret(value.clone()),
                NewBindingKind::Inherit { old_name, version_id } => {
                    let from = match version_id {
                        Some(id) => older.get(id),
                        None => previous,
                    };
                    let old_name = old_name.as_ref().unwrap_or(name);
                    match from.and_then(|version| find(&version.bindings, old_name)) {
                        Some(binding) => {
                            planned.push(Planned { name: name.clone(), strict, ..Planned::kept(binding) });
                        }
                        None if strict => {
                            let message = format!(
                                "the binding {name} is to be inherited, but the previous version has no binding {old_name}"
                            );
                            return Err(CatalogError::InheritNotFound(message));
                        }
                        None => {}
                    }
                    continue;
                }
            };
            planned.push(Planned { name: name.clone(), kind, sent: true, strict });
        }
        for binding in previous.map_or(&[][..], |version| &version.bindings) {
            let kind = binding.kind.type_name();
            let keep = keep.map_or(KEPT_BY_DEFAULT.contains(&kind), |keep| keep.iter().any(|k| k == kind));
            if keep && !names.contains(&binding.name) {
                planned.push(Planned::kept(binding));
            }
        }
        Ok(planned)
    }

    /// The older versions that `inherit` bindings name. One of another script is as good as none.
    async fn inherited_versions(
        &self,
        sent: &[NewBinding],
        script: Option<ScriptId>,
    ) -> Result<HashMap<VersionId, Version>, CatalogError> {
        let mut versions = HashMap::new();
        for binding in sent {
            let NewBindingKind::Inherit { version_id: Some(id), .. } = &binding.kind else { continue };
            if versions.contains_key(id) {
                continue;
            }
            if let Some(version) = self.storage.version_find(*id).await?
                && Some(version.script) == script
            {
                versions.insert(*id, version);
            }
        }
        Ok(versions)
    }

    /// Namespaces and Workers that the sent bindings name must be there. Those taken over are not
    /// looked at again: a secret must stay changeable when a neighbour was deleted.
    pub(super) async fn binding_targets_check(&self, actor: &Actor, plan: &Plan) -> Result<(), CatalogError> {
        let mut seen: HashSet<Target<'_>> = HashSet::new();
        for planned in plan.bindings.iter().filter(|planned| planned.sent) {
            let (first, second) = match &planned.kind {
                PlannedKind::Kind(BindingKind::Service { service, .. }) => (Some(Target::Worker(service)), None),
                PlannedKind::Kind(BindingKind::DispatchNamespace { namespace, outbound }) => {
                    let outbound = outbound.as_ref().map(|outbound| Target::Worker(&outbound.service));
                    (Some(Target::Namespace(namespace)), outbound)
                }
                _ => (None, None),
            };
            for target in [first, second].into_iter().flatten() {
                if seen.insert(target) && !self.target_exists(actor, plan, target).await? {
                    let message = format!("the binding {} names {target}, which does not exist", planned.name);
                    return Err(match target {
                        Target::Namespace(_) => CatalogError::BindingNamespace(message),
                        Target::Worker(_) => CatalogError::BindingTarget(message),
                    });
                }
            }
        }
        Ok(())
    }

    async fn target_exists(&self, actor: &Actor, plan: &Plan, target: Target<'_>) -> Result<bool, CatalogError> {
        // A narrow token binds to nothing beyond its scope: else its Worker would call what it must not see.
        match target {
            Target::Worker(name) if !actor.sees_account() => {
                let found = self.storage.script_find(&actor.account, Scope::Account, name).await?;
                Ok(found.is_some_and(|row| actor.may_see(&row.script)))
            }
            Target::Namespace(name) if !actor.sees_account() => match self.namespace_or_not_found(actor, name).await {
                // The namespace of a script's token is where it lives, not what it is for.
                Ok(_) => Ok(matches!(actor.scope, TokenScope::Namespace(_))),
                Err(CatalogError::NamespaceNotFound) => Ok(false),
                Err(other) => Err(other),
            },
            Target::Namespace(name) => Ok(self.storage.namespace_find(&actor.account, name).await?.is_some()),
            // A Worker may bind to itself before it exists.
            Target::Worker(name) if plan.script.scope == Scope::Account && *name == plan.script.name => Ok(true),
            Target::Worker(name) => Ok(self.storage.script_find(&actor.account, Scope::Account, name).await?.is_some()),
        }
    }
}

/// What a binding points at, by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Target<'a> {
    Namespace(&'a NamespaceName),
    Worker(&'a ScriptName),
}

impl std::fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Namespace(name) => write!(f, "the dispatch namespace {name}"),
            Self::Worker(name) => write!(f, "the Worker {name}"),
        }
    }
}

fn find<'a>(bindings: &'a [Binding], name: &BindingName) -> Option<&'a Binding> {
    bindings.iter().find(|binding| binding.name == *name)
}
