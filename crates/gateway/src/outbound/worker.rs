//! Outbound Workers (contract §5.3): a Worker of the account that gets every `fetch` of a user Worker
//! instead of the network. Which one: that of the dispatch binding by which it was called; else that of
//! the Worker that called it; else that of the namespace it lives in.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use switchyard_catalog::{DispatchOutbound, ScriptName};
use switchyard_runtime::FetchError;

use crate::routes::Route;

/// Bytes of all parameters of one call, as JSON: each fetch takes them along.
const MAX_PARAMETERS: usize = 128 << 10;

/// `get(name, args, {outbound: {…}})` as sent: the values stay text.
pub type Parameters = BTreeMap<String, Box<RawValue>>;

/// The outbound Worker of one call, by name: it is looked up at each fetch, as every binding is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundWorker {
    pub service: ScriptName,
    pub entrypoint: Option<String>,
    /// Entries of its `env`, as the text of a JSON object.
    pub parameters: Option<Arc<str>>,
}

impl OutboundWorker {
    /// That of a dispatch binding, with the parameters of one call.
    ///
    /// # Errors
    /// A TypeError for a parameter that the binding does not declare, or for too many bytes.
    pub fn of_binding(binding: &DispatchOutbound, sent: &Parameters) -> Result<Arc<Self>, FetchError> {
        if let Some(name) = sent.keys().find(|name| !binding.params.contains(name)) {
            let declared = match binding.params.join(", ") {
                none if none.is_empty() => "none".to_owned(),
                names => names,
            };
            let shown: String = name.chars().take(80).collect();
            return Err(FetchError::type_error(format!(
                "The dispatch namespace binding declares no outbound parameter {shown:?}; it declares {declared}."
            )));
        }
        Ok(Arc::new(Self {
            service: binding.service.clone(),
            entrypoint: binding.entrypoint.clone(),
            parameters: text(sent)?,
        }))
    }

    /// The default of the script's namespace, if it has one. It declares nothing, so it takes any
    /// parameters: the text of a JSON object.
    pub fn of_namespace(route: &Route, parameters: Option<Arc<str>>) -> Option<Arc<Self>> {
        let worker = route.settings.outbound.as_ref()?;
        Some(Arc::new(Self { service: worker.service.clone(), entrypoint: worker.entrypoint.clone(), parameters }))
    }
}

/// A call's parameters as the text of a JSON object; `None`: it gives none.
///
/// # Errors
/// A TypeError for too many bytes.
pub fn text(sent: &Parameters) -> Result<Option<Arc<str>>, FetchError> {
    if sent.is_empty() {
        return Ok(None);
    }
    let text =
        serde_json::to_string(sent).map_err(|_| FetchError::type_error("The outbound parameters are no JSON."))?;
    if text.len() > MAX_PARAMETERS {
        return Err(FetchError::type_error(format!(
            "The outbound parameters have {} bytes as JSON; at most {MAX_PARAMETERS} are allowed.",
            text.len()
        )));
    }
    Ok(Some(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(params: &[&str]) -> DispatchOutbound {
        DispatchOutbound {
            service: ScriptName::parse("out").unwrap(),
            environment: None,
            entrypoint: None,
            params: params.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn made(params: &[&str], sent: &str) -> Result<Option<Arc<str>>, String> {
        let sent: Parameters = serde_json::from_str(sent).unwrap();
        let made = OutboundWorker::of_binding(&binding(params), &sent);
        made.map(|made| made.parameters.clone()).map_err(|error| error.message)
    }

    #[test]
    fn declared_parameters_pass_as_they_were_written() {
        let sent = r#"{"b":[0.30000000000000004,1e400],"a":{"__proto__":null}}"#;
        let kept = made(&["a", "b", "c"], sent).unwrap().unwrap();
        assert_eq!(&*kept, r#"{"a":{"__proto__":null},"b":[0.30000000000000004,1e400]}"#);
        assert_eq!(made(&["a"], "{}"), Ok(None));
    }

    #[test]
    fn what_is_not_declared_is_named() {
        let error = made(&["a", "b"], r#"{"c":1}"#).unwrap_err();
        assert!(error.contains("\"c\"") && error.ends_with("it declares a, b."), "{error}");
        assert!(made(&[], r#"{"c":1}"#).unwrap_err().ends_with("it declares none."));
    }

    #[test]
    fn parameters_have_a_most() {
        let sent = |len: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(len));
        let frame = sent(0).len();
        assert!(made(&["a"], &sent(MAX_PARAMETERS - frame)).is_ok());
        assert!(made(&["a"], &sent(MAX_PARAMETERS - frame + 1)).unwrap_err().contains("at most 131072"));
    }
}
