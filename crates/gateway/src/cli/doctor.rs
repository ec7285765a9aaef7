//! `doctor`: whether this machine, as this process sees it, will do for a node, and what to do where it will not. It
//! tries things for real, makes nothing that stays, and may be run beside a node that serves.

mod data;
mod kernel;
mod machine;
mod ports;

use clap::Args;
use serde::Serialize;

use super::backup::Place;
use super::client::CliError;
use super::print::table;
use crate::config::Config;

#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    Ok,
    /// A node runs, but worse or with less than it could.
    Warn,
    /// A node does not start, or cannot be relied on.
    Fail,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    health: Health,
    found: String,
    /// What to do; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, health: Health::Ok, found: found.into(), advice: None }
    }

    fn warn(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, health: Health::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    fn fail(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, health: Health::Fail, found: found.into(), advice: Some(advice.into()) }
    }
}

impl Doctor {
    /// What was found.
    ///
    /// # Errors
    /// [`CliError::Unwell`], which holds what was found, where a check failed.
    pub(super) async fn run(&self) -> Result<String, CliError> {
        let (config, first) = self.read();
        let mut findings = vec![first];
        findings.extend(machine::check(&config));
        findings.extend(kernel::check(&config).await);
        findings.extend(data::check(&config.data));
        findings.extend(ports::check(&config).await);
        let failed = findings.iter().filter(|finding| finding.health == Health::Fail).count();
        let shown =
            if self.json { format!("{:#}\n", serde_json::json!({ "checks": findings })) } else { lines(&findings) };
        match failed {
            0 => Ok(shown),
            _ => Err(CliError::Unwell { shown, failed, of: findings.len() }),
        }
    }

    fn read(&self) -> (Config, Finding) {
        const CHECK: &str = "configuration";
        let read = self.place.config.as_ref().map(|file| (file, Config::load(file)));
        // What is named beside a configuration is what is looked at; without one, what `switchyard dev` would take.
        let data = || Place { data: self.place.data.clone(), config: None }.data().unwrap_or_default();
        match read {
            None => {
                let found = "none was named; these are the defaults, with the data folder given";
                (Config { data: data(), ..Config::default() }, Finding::ok(CHECK, found))
            }
            Some((file, Ok(config))) => {
                let data = self.place.data.clone().unwrap_or_else(|| config.data.clone());
                (Config { data, ..config }, Finding::ok(CHECK, format!("{} is good", file.display())))
            }
            Some((_, Err(error))) => {
                let advice = "mend that line; what follows is of the defaults";
                let config = Config { data: data(), ..Config::default() };
                (config, Finding::fail(CHECK, crate::chain(&error), advice))
            }
        }
    }
}

fn lines(findings: &[Finding]) -> String {
    let rows = findings.iter().flat_map(|finding| {
        let health = match finding.health {
            Health::Ok => "ok",
            Health::Warn => "warn",
            Health::Fail => "FAIL",
        };
        let line = vec![health.to_owned(), finding.check.to_owned(), finding.found.clone()];
        let advice = finding.advice.as_ref().map(|advice| vec![String::new(), String::new(), format!("-> {advice}")]);
        [Some(line), advice].into_iter().flatten()
    });
    table(&[], rows)
}

/// As people read sizes.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut count, mut unit) = (count as f64, 0);
    while count >= 1024.0 && unit + 1 < UNITS.len() {
        count /= 1024.0;
        unit += 1;
    }
    if count >= 10.0 || unit == 0 {
        format!("{count:.0} {}", UNITS[unit])
    } else {
        format!("{count:.1} {}", UNITS[unit])
    }
}
