//! `switchyard init`: a configuration and a data folder to start from.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use switchyard_catalog::AccountId;

use super::client::CliError;
use crate::bootstrap::private_file;
use crate::config::Config;
use crate::ids;

/// Every key with its default and its reason.
const TEMPLATE: &str = include_str!("../../../../config/switchyard.toml");

#[derive(Debug, Args)]
pub struct Init {
    /// The configuration to write; one that exists is not touched
    #[arg(long, value_name = "FILE", default_value = "./switchyard.toml")]
    pub config: PathBuf,
    /// The data folder to make
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_DATA", default_value = "./switchyard-data")]
    pub data: PathBuf,
    /// The account's id; a random one if left out
    #[arg(long, value_name = "ID", env = "SWITCHYARD_ACCOUNT")]
    pub account: Option<String>,
    /// The account's name
    #[arg(long, value_name = "NAME", default_value = "first account")]
    pub account_name: String,
    /// The dispatch namespace to make
    #[arg(long, value_name = "NS", default_value = "dev")]
    pub namespace: String,
    /// Where clients come in
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where API, health and metrics are
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub admin: SocketAddr,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

impl Init {
    /// What was done, as it is printed.
    ///
    /// # Errors
    /// The configuration exists, or a value breaks a rule.
    pub(super) fn run(&self) -> Result<String, CliError> {
        let account = match &self.account {
            Some(id) => AccountId::parse(id)
                .ok_or_else(|| CliError::usage("the account's id must be 1 to 32 of A-Z a-z 0-9 _ -"))?,
            None => AccountId::random(),
        };
        let text = self.text(&account)?;
        Config::parse(&text, &self.config).map_err(|error| CliError::usage(error.to_string()))?;

        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.data)
            .map_err(CliError::file("make", &self.data))?;
        let token_file = self.data.join("token");
        private_file(&token_file, || ids::token() + "\n").map_err(|error| CliError::usage(crate::chain(&error)))?;
        // Last: while it is not there, the command can be given again.
        let created = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&self.config);
        let written = created.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(CliError::file("make", &self.config))?;

        let shown = |path: &Path| path.display().to_string();
        if self.json {
            let done = json!({
                "config": shown(&self.config), "data": shown(&self.data), "account": account.as_str(),
                "token_file": shown(&token_file),
            });
            return Ok(format!("{done:#}\n"));
        }
        Ok(format!(
            "configuration  {}\ndata           {}\naccount        {account}\ntoken          in {}\n\n\
             start it:      switchyard serve --config {}\n",
            shown(&self.config),
            shown(&self.data),
            shown(&token_file),
            shown(&self.config),
        ))
    }

    /// The shipped file with these values in place of its own.
    fn text(&self, account: &AccountId) -> Result<String, CliError> {
        let defaults = Config::default();
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let data = self.data.to_str().ok_or_else(|| CliError::usage("the data folder's path is not UTF-8"))?;
        let [listener] = defaults.listener.as_slice() else {
            return Err(CliError::usage("the shipped configuration has not one listener"));
        };
        let mut text = TEMPLATE.to_owned();
        for (key, old, new) in [
            ("data", quoted(&defaults.data.display().to_string()), quoted(data)),
            ("bind", quoted(&listener.bind.to_string()), quoted(&self.listen.to_string())),
            ("bind", quoted(&defaults.admin.bind.to_string()), quoted(&self.admin.to_string())),
            ("account", quoted(&defaults.bootstrap.account), quoted(account.as_str())),
            ("account_name", quoted(&defaults.bootstrap.account_name), quoted(&self.account_name)),
            ("namespace", quoted("dev"), quoted(&self.namespace)),
            ("namespaces", "[\"dev\"]".to_owned(), format!("[{}]", quoted(&self.namespace))),
        ] {
            text = text.replacen(&format!("\n{key} = {old}"), &format!("\n{key} = {new}"), 1);
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lands_in_the_file() {
        let init = Init {
            config: "c.toml".into(),
            data: "/some where/d".into(),
            account: None,
            account_name: "A \"B\"".into(),
            namespace: "prod".into(),
            listen: "0.0.0.0:80".parse().unwrap(),
            admin: "127.0.0.1:9".parse().unwrap(),
            json: false,
        };
        let account = AccountId::parse("acme").unwrap();
        let config = Config::parse(&init.text(&account).unwrap(), Path::new("c.toml")).unwrap();
        let mut wanted = Config { data: init.data.clone(), ..Config::default() };
        wanted.listener[0].bind = init.listen;
        wanted.admin.bind = init.admin;
        wanted.bootstrap.account = "acme".into();
        wanted.bootstrap.account_name = init.account_name.clone();
        wanted.bootstrap.namespaces = vec!["prod".into()];
        wanted.resolver[0].namespace = Some("prod".into());
        assert_eq!(config, wanted);
    }
}
