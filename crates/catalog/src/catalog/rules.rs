//! Rules that need nothing but the thing itself (contract §§1.5, 3.3, 5.2).

use std::collections::HashSet;

use ipnet::IpNet;
use time::{Date, Duration, OffsetDateTime, macros::format_description};

use super::{CatalogSettings, publish::Plan};
use crate::{
    Binding, BindingKind, CatalogError, Code, CodeSyntax, EgressRules, ModuleKind, NamespaceSettings, ScriptSettings,
    Secret, SecretId, Tag, TailConsumer,
};

/// The oldest behaviour, and what an upload without a date gets.
const OLDEST_DATE: &str = "2021-11-02";
/// A client's clock, or time zone, may be ahead by this much.
const DATE_SLACK: Duration = Duration::days(7);
const MAX_MODULE_NAME_BYTES: usize = 255;
const MAX_ENTRYPOINT_BYTES: usize = 255;
const MAX_FLAGS: usize = 64;
const MAX_FLAG_BYTES: usize = 128;
/// Bytes of one JSON setting, or of all annotations, as text.
const MAX_SETTING_BYTES: usize = 16 << 10;
/// Contract §5.2: at most five minutes.
const MAX_CPU_MS: u32 = 300_000;
/// The engine and its base take some of it.
const MIN_MEMORY: u64 = 8 << 20;
const MAX_MEMORY: u64 = 4 << 30;
/// Of one list: each connection looks through it.
const MAX_DESTINATIONS: usize = 100;

fn invalid<T>(message: String) -> Result<T, CatalogError> {
    Err(CatalogError::Invalid(message))
}

pub(super) fn code(settings: &CatalogSettings, code: &Code) -> Result<(), CatalogError> {
    if code.modules.len() > settings.max_modules {
        let (count, max) = (code.modules.len(), settings.max_modules);
        return Err(CatalogError::TooLarge(format!("the upload has {count} modules; at most {max} are allowed")));
    }
    let bytes: u64 = code.modules.iter().map(|module| module.content.len() as u64).sum();
    let is_component = code.modules.iter().any(|module| module.name == code.entry && module.kind == ModuleKind::Wasm);
    let max = if is_component { settings.max_component_bytes } else { settings.max_code_bytes };
    if bytes > max {
        return Err(CatalogError::TooLarge(format!(
            "the modules have {bytes} bytes together; at most {max} are allowed"
        )));
    }
    let mut names = HashSet::with_capacity(code.modules.len());
    for module in &code.modules {
        let name = &module.name;
        if name.is_empty() || name.len() > MAX_MODULE_NAME_BYTES || name.chars().any(char::is_control) {
            let shown: String = name.chars().take(80).collect();
            return invalid(format!(
                "module name {shown:?} is not valid: 1 to {MAX_MODULE_NAME_BYTES} bytes without control characters"
            ));
        }
        if !names.insert(name.as_str()) {
            return invalid(format!("module name {name:?} is used twice"));
        }
    }
    let Some(entry) = code.modules.iter().find(|module| module.name == code.entry) else {
        return invalid(format!("the entry {:?} is not among the uploaded modules", code.entry));
    };
    if code.syntax == CodeSyntax::ServiceWorker && entry.kind != ModuleKind::CommonJs {
        return invalid(format!(
            "the body_part {:?} is no script: a service worker is of application/javascript; ES modules are named by main_module",
            code.entry
        ));
    }
    match entry.kind {
        // A component brings all it needs; whether it is one, the validator says.
        ModuleKind::Wasm => return Ok(()),
        ModuleKind::EsModule => {}
        ModuleKind::CommonJs if code.syntax == CodeSyntax::ServiceWorker => {}
        _ => return invalid(format!("the entry {:?} is neither an ES module nor a wasm component", code.entry)),
    }
    for module in &code.modules {
        if module.kind == ModuleKind::Wasm {
            return invalid(format!(
                "module {:?}: WebAssembly modules inside a JavaScript Worker are not supported yet: upload a wasm component instead",
                module.name
            ));
        }
    }
    Ok(())
}

/// The date as it is kept.
pub(super) fn compatibility_date(sent: Option<&str>) -> Result<String, CatalogError> {
    let Some(text) = sent else { return Ok(OLDEST_DATE.to_owned()) };
    let shown: String = text.chars().take(40).collect();
    let format = format_description!("[year]-[month]-[day]");
    let date = match Date::parse(text, format) {
        // The parser also takes signs and other lengths; the API does not.
        Ok(date) if text.len() == 10 => date,
        _ => return invalid(format!("compatibility_date {shown:?} is not a date YYYY-MM-DD")),
    };
    if text < OLDEST_DATE {
        return invalid(format!("compatibility_date {shown} is before {OLDEST_DATE}, the oldest there is"));
    }
    if date > OffsetDateTime::now_utc().date() + DATE_SLACK {
        return invalid(format!("compatibility_date {shown} is in the future"));
    }
    Ok(text.to_owned())
}

/// Tags without repetition, in the order given.
pub(super) fn tags(sent: Vec<Tag>) -> Result<Vec<Tag>, CatalogError> {
    let mut tags: Vec<Tag> = Vec::new();
    for tag in sent {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        if tags.len() > Tag::MAX_PER_SCRIPT {
            return invalid(format!("a script has at most {} tags", Tag::MAX_PER_SCRIPT));
        }
    }
    Ok(tags)
}

pub(super) fn settings(settings: &ScriptSettings) -> Result<(), CatalogError> {
    let sizes = [
        ("tail_consumers", &settings.tail_consumers),
        ("observability", &settings.observability),
        ("placement", &settings.placement),
    ];
    if let Some(consumers) = &settings.tail_consumers {
        TailConsumer::read(consumers).map_err(CatalogError::Invalid)?;
    }
    for (name, value) in sizes {
        if value.as_ref().is_some_and(|value| value.to_string().len() > MAX_SETTING_BYTES) {
            return invalid(format!("{name} is larger than {MAX_SETTING_BYTES} bytes"));
        }
    }
    Ok(())
}

/// Limits under which a Worker can still start.
pub(super) fn namespace_settings(settings: &NamespaceSettings) -> Result<(), CatalogError> {
    let limits = &settings.limits;
    if limits.cpu_ms.is_some_and(|ms| !(1..=MAX_CPU_MS).contains(&ms)) {
        return invalid(format!("limits.cpu_ms is not within 1 to {MAX_CPU_MS}"));
    }
    if limits.memory_bytes.is_some_and(|bytes| !(MIN_MEMORY..=MAX_MEMORY).contains(&bytes)) {
        return invalid(format!("limits.memory is not within {MIN_MEMORY} to {MAX_MEMORY} bytes"));
    }
    let counts = [
        ("wall_ms", limits.wall_ms),
        ("concurrent_requests", limits.concurrent_requests),
        ("requests_per_second", limits.requests_per_second),
        ("connections", limits.connections),
    ];
    for (name, count) in counts {
        if count == Some(0) {
            return invalid(format!("limits.{name} is 0, under which no Worker could do anything"));
        }
    }
    for (what, worker) in [("outbound", &settings.outbound), ("inbound", &settings.inbound)] {
        let entrypoint = worker.as_ref().and_then(|worker| worker.entrypoint.as_ref());
        if entrypoint.is_some_and(|name| !(1..=MAX_ENTRYPOINT_BYTES).contains(&name.len())) {
            return invalid(format!("{what}.entrypoint is not 1 to {MAX_ENTRYPOINT_BYTES} bytes"));
        }
    }
    Ok(())
}

/// Where a namespace's Workers may connect, within what the node grants.
pub(super) fn egress(rules: &EgressRules, grantable: &[IpNet]) -> Result<(), CatalogError> {
    let only = rules.only.as_deref().unwrap_or_default();
    for (what, list) in [("also", &rules.also[..]), ("only", only)] {
        if list.len() > MAX_DESTINATIONS {
            return invalid(format!("egress.{what} has more than {MAX_DESTINATIONS} destinations"));
        }
    }
    for destination in &rules.also {
        // Where a name leads is known when it is asked for; then the same bound holds.
        let granted = match destination.net() {
            Some(net) => grantable.iter().any(|granted| granted.contains(&net)),
            None => !grantable.is_empty(),
        };
        if !granted {
            return invalid(format!(
                "egress.also: {destination} is outside of what this node grants (its setting egress.grantable)"
            ));
        }
    }
    Ok(())
}

/// A name for people: of an account or a token.
pub(super) fn title(what: &str, name: &str) -> Result<(), CatalogError> {
    const MOST: usize = 120;
    if name.trim().is_empty() || name.chars().count() > MOST || name.chars().any(char::is_control) {
        return invalid(format!("the name of {what} is 1 to {MOST} characters, none of them a control character"));
    }
    Ok(())
}

/// What a version says besides code and bindings.
pub(super) fn version(plan: &Plan) -> Result<(), CatalogError> {
    let flags = &plan.compatibility_flags;
    if flags.len() > MAX_FLAGS {
        return invalid(format!("a Worker has at most {MAX_FLAGS} compatibility flags"));
    }
    if let Some(flag) = flags.iter().find(|flag| flag.is_empty() || flag.len() > MAX_FLAG_BYTES) {
        let shown: String = flag.chars().take(80).collect();
        return invalid(format!("compatibility flag {shown:?} is not valid: 1 to {MAX_FLAG_BYTES} bytes"));
    }
    crate::compatibility::check(flags)?;
    if plan.limits.cpu_ms.is_some_and(|ms| !(1..=MAX_CPU_MS).contains(&ms)) {
        return invalid(format!("limits.cpu_ms is not within 1 to {MAX_CPU_MS}"));
    }
    if !["standard", "bundled", "unbound"].contains(&plan.usage_model.as_str()) {
        return invalid("usage_model is none of standard, bundled, unbound".to_owned());
    }
    if plan.migration_tag.as_ref().is_some_and(|tag| tag.len() > MAX_FLAG_BYTES) {
        return invalid(format!("the migration tag is longer than {MAX_FLAG_BYTES} bytes"));
    }
    annotations(&plan.annotations)
}

/// Annotations of a version or a deployment.
pub(super) fn annotations(sent: &serde_json::Map<String, serde_json::Value>) -> Result<(), CatalogError> {
    let bytes: usize = sent.iter().map(|(name, value)| name.len() + value.to_string().len()).sum();
    if bytes > MAX_SETTING_BYTES {
        return invalid(format!("the annotations are larger than {MAX_SETTING_BYTES} bytes"));
    }
    Ok(())
}

/// Count and size of variables and secrets (10054, 10055). Kept secrets were measured when they came.
pub(super) fn variables(
    limits: &CatalogSettings,
    bindings: &[Binding],
    new_secrets: &[(SecretId, Secret)],
) -> Result<(), CatalogError> {
    if bindings.len() > limits.max_bindings {
        let max = limits.max_bindings;
        return Err(CatalogError::TooManyVariables(format!("a Worker has at most {max} bindings")));
    }
    let new_bytes = |secret: SecretId| {
        let new = new_secrets.iter().find(|(id, _)| *id == secret);
        new.map_or(0, |(_, value)| value.expose().len())
    };
    let mut count = 0;
    for binding in bindings {
        let bytes = match &binding.kind {
            BindingKind::PlainText { text } => text.len(),
            BindingKind::Json { value } => value.to_string().len(),
            BindingKind::SecretText { secret } => new_bytes(*secret),
            BindingKind::SecretKey { secret, key } => {
                let usages: usize = key.usages.iter().map(|usage| usage.len() + 1).sum();
                new_bytes(*secret) + key.algorithm.to_string().len() + usages
            }
            // Not variables, but what they hold is bounded alike.
            BindingKind::Service { props, .. } => {
                too_large(limits, binding, props.as_ref().map_or(0, |props| props.to_string().len()))?;
                continue;
            }
            BindingKind::DispatchNamespace { outbound, .. } => {
                let params = outbound.iter().flat_map(|outbound| &outbound.params);
                too_large(limits, binding, params.map(|name| name.len() + 1).sum())?;
                continue;
            }
            BindingKind::VersionMetadata | BindingKind::Assets => continue,
        };
        count += 1;
        too_large(limits, binding, bytes)?;
    }
    if count > limits.max_variables {
        let max = limits.max_variables;
        return Err(CatalogError::TooManyVariables(format!(
            "the Worker has {count} variables and secrets; at most {max} are allowed"
        )));
    }
    Ok(())
}

fn too_large(limits: &CatalogSettings, binding: &Binding, bytes: usize) -> Result<(), CatalogError> {
    let max = limits.max_variable_bytes;
    if bytes <= max {
        return Ok(());
    }
    Err(CatalogError::VariableTooLarge(format!(
        "the binding {} has {bytes} bytes; at most {max} are allowed",
        binding.name
    )))
}
