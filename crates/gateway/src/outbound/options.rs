//! The options of a dispatch call: `get(name, args, {limits: {cpuMs, subRequests}, outbound: {…}})`.

use serde::Deserialize;
use switchyard_catalog::Limits;
use switchyard_runtime::FetchError;

use super::worker::Parameters;

/// What a dispatcher asks for.
#[derive(Debug, Default)]
pub struct Options {
    /// They can only tighten.
    pub limits: Limits,
    /// For the outbound Worker.
    pub parameters: Parameters,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Sent {
    limits: Option<SentLimits>,
    outbound: Option<Parameters>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct SentLimits {
    cpu_ms: Option<f64>,
    sub_requests: Option<f64>,
}

impl Options {
    /// # Errors
    /// A TypeError for limits that are no numbers.
    pub fn read(text: Option<&str>) -> Result<Self, FetchError> {
        let Some(text) = text else { return Ok(Self::default()) };
        let wrong = |_| FetchError::type_error("The limits of a dispatch call must be numbers.");
        let sent: Option<Sent> = serde_json::from_str(text).map_err(wrong)?;
        let Sent { limits, outbound } = sent.unwrap_or_default();
        let limits = limits.unwrap_or_default();
        // Nonsense (negative) is the strictest limit, not none.
        let whole = |number: f64| number.clamp(0.0, f64::from(u32::MAX)) as u32;
        let limits = Limits {
            cpu_ms: limits.cpu_ms.map(whole),
            subrequests: limits.sub_requests.map(whole),
            ..Limits::default()
        };
        Ok(Self { limits, parameters: outbound.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calls_limits_are_read_as_sent() {
        let limits = |text| Options::read(Some(text)).unwrap().limits;
        assert_eq!(Options::read(None).unwrap().limits, Limits::default());
        assert_eq!(limits("null"), Limits::default());
        assert_eq!(limits("{\"args\":{}}"), Limits::default());
        let both = limits("{\"limits\":{\"cpuMs\":10.7,\"subRequests\":5}}");
        assert_eq!((both.cpu_ms, both.subrequests), (Some(10), Some(5)));
        assert_eq!(limits("{\"limits\":{\"cpuMs\":-1}}").cpu_ms, Some(0));
        assert_eq!(limits("{\"limits\":{\"cpuMs\":1e30}}").cpu_ms, Some(u32::MAX));
        assert_eq!(Options::read(Some("{\"limits\":{\"cpuMs\":\"x\"}}")).unwrap_err().name, "TypeError");
    }

    #[test]
    fn parameters_stay_text() {
        let options = Options::read(Some("{\"outbound\":{\"a\":{\"n\":1.0}}}")).unwrap();
        assert_eq!(options.parameters["a"].get(), "{\"n\":1.0}");
    }
}
