//! What a row says, by the names of its columns: `namespace`, `script`, and whatever of `account`,
//! `version`, `outbound`, `plan` and the limits, by their names in the namespace settings, the statement gives.

use std::sync::Arc;

use serde_json::value::RawValue;
use sqlx::{Column, Row as _, sqlite::SqliteRow};
use sqlx_mysql::MySqlRow;
use sqlx_postgres::PgRow;
use switchyard_catalog::{AccountId, Limits, NamespaceName, PlanName, ScriptName};

use crate::config::parse_size;
use crate::resolve::{Answer, Resolved, Why, find};
use crate::routes::{AccountRoutes, Routes};

/// A column's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
}

/// Name and value of each column that is not NULL.
pub(super) type Row = Vec<(String, Value)>;

macro_rules! columns {
    ($name:ident, $row:ty, $($kind:ty => $make:expr),*) => {
        /// # Errors
        /// The column whose type is none that is understood here.
        pub(super) fn $name(row: &$row) -> Result<Row, String> {
            let mut columns = Vec::new();
            for column in row.columns() {
                let name = column.name().to_ascii_lowercase();
                let read = || {
                    $(if let Ok(value) = row.try_get::<Option<$kind>, _>(column.ordinal()) {
                        return Ok(value.map($make));
                    })*
                    Err(format!("the type of column {name:?} is neither a text nor a whole number: cast it"))
                };
                if let Some(value) = read()? {
                    columns.push((name, value));
                }
            }
            Ok(columns)
        }
    };
}

columns!(of_sqlite, SqliteRow, String => Value::Text, i64 => Value::Whole);
columns!(
    of_postgres, PgRow,
    String => Value::Text,
    i64 => Value::Whole,
    i32 => |number| Value::Whole(number.into()),
    i16 => |number| Value::Whole(number.into()),
    sqlx::types::Json<Box<RawValue>> => |json| Value::Text(json.0.get().to_owned())
);
columns!(
    of_mysql, MySqlRow,
    String => Value::Text,
    i64 => Value::Whole,
    u64 => |number| Value::Whole(number.try_into().unwrap_or(i64::MAX)),
    sqlx::types::Json<Box<RawValue>> => |json| Value::Text(json.0.get().to_owned())
);

/// Makes targets of rows.
pub(super) struct Reader {
    /// Whose scripts they are, unless a row says otherwise.
    own: Option<Arc<AccountRoutes>>,
    namespace: Option<String>,
    routes: Arc<Routes>,
}

/// Who a row says gets the request. Names, looked up for each request: what they stand for moves.
pub(super) struct Target {
    routes: Arc<AccountRoutes>,
    namespace: Option<String>,
    script: String,
    limits: Limits,
    plan: Option<Arc<PlanName>>,
    /// Its id or its tag.
    version: Option<String>,
    outbound: Option<Arc<RawValue>>,
}

impl Target {
    pub(super) fn answer(&self) -> Answer {
        match find(&self.routes, self.namespace.as_deref(), &self.script) {
            Some(route) => Answer::Mine(Resolved {
                limits: self.limits,
                plan: self.plan.clone(),
                version: self.version.as_deref().and_then(|version| route.named(version)),
                route,
                outbound: self.outbound.clone(),
            }),
            None => Answer::NotMine(Why::NoScript),
        }
    }
}

impl Reader {
    pub(super) fn new(account: Option<&AccountId>, namespace: Option<String>, routes: &Arc<Routes>) -> Self {
        Self { own: account.map(|account| routes.account(account)), namespace, routes: routes.clone() }
    }

    /// # Errors
    /// What the row lacks, or which column breaks a rule.
    pub(super) fn read(&self, row: Row) -> Result<Target, String> {
        let (mut account, mut namespace, mut script) = (None, self.namespace.clone(), None);
        let (mut limits, mut plan, mut version, mut outbound) = (Limits::default(), None, None, None);
        for (name, value) in row {
            match name.as_str() {
                "account" => account = Some(text(&name, value)?),
                "namespace" => namespace = Some(text(&name, value)?),
                "script" => script = Some(text(&name, value)?),
                "version" => version = Some(text(&name, value)?),
                "plan" => {
                    let named = PlanName::parse(&text(&name, value)?).map_err(|error| error.to_string())?;
                    plan = Some(Arc::new(named));
                }
                "cpu_ms" => limits.cpu_ms = Some(small(&name, value)?),
                "subrequests" => limits.subrequests = Some(small(&name, value)?),
                "wall_ms" => limits.wall_ms = Some(small(&name, value)?),
                "concurrent_requests" => limits.concurrent_requests = Some(small(&name, value)?),
                "requests_per_second" => limits.requests_per_second = Some(small(&name, value)?),
                "connections" => limits.connections = Some(small(&name, value)?),
                "memory" => limits.memory_bytes = Some(size(&name, value)?),
                "request_bytes" => limits.request_bytes = Some(size(&name, value)?),
                "response_bytes" => limits.response_bytes = Some(size(&name, value)?),
                "log_bytes" => limits.log_bytes = Some(size(&name, value)?),
                "outbound" => outbound = Some(object(&text(&name, value)?)?),
                _ => {
                    return Err(format!(
                        "column {name:?} is not known: account, namespace, script, version, outbound, plan, cpu_ms, \
                         subrequests, memory, wall_ms, request_bytes, response_bytes, concurrent_requests, \
                         requests_per_second, connections, log_bytes are"
                    ));
                }
            }
        }
        let script = script.ok_or("it has no script")?;
        ScriptName::parse(&script).map_err(|error| error.to_string())?;
        if let Some(namespace) = &namespace {
            NamespaceName::parse(namespace).map_err(|error| error.to_string())?;
        }
        let routes = match account {
            Some(account) => {
                let id =
                    AccountId::parse(&account).ok_or_else(|| format!("account {account:?} is not an account's id"))?;
                self.routes.account(&id)
            }
            None => self.own.clone().ok_or("it has no account, nor has its resolver")?,
        };
        Ok(Target { routes, namespace, script, limits, plan, version, outbound })
    }
}

fn text(name: &str, value: Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text),
        Value::Whole(_) => Err(format!("column {name:?} must be a text")),
    }
}

fn small<T: TryFrom<i64>>(name: &str, value: Value) -> Result<T, String> {
    let whole = match value {
        Value::Whole(whole) => Some(whole),
        Value::Text(_) => None,
    };
    whole
        .and_then(|whole| T::try_from(whole).ok())
        .ok_or_else(|| format!("column {name:?} must be a whole number from 0 upwards"))
}

/// Bytes: a number, or a text such as `64MiB`.
fn size(name: &str, value: Value) -> Result<u64, String> {
    match value {
        Value::Text(text) => parse_size(&text).map_err(|message| format!("{name}: {message}")),
        whole => small(name, whole),
    }
}

fn object(text: &str) -> Result<Arc<RawValue>, String> {
    let wrong = |_| "column \"outbound\" must be a JSON object".to_owned();
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).map_err(wrong)?;
    serde_json::value::to_raw_value(&object).map(Arc::from).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(row: &[(&str, Value)]) -> Result<Target, String> {
        let routes = Arc::new(Routes::default());
        let reader = Reader::new(AccountId::parse("a").as_ref(), None, &routes);
        reader.read(row.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn columns_are_read_by_name() {
        let word = |text: &str| Value::Text(text.to_owned());
        let target = read(&[
            ("outbound", word("{ \"customer\": \"c1\" }")),
            ("script", word("hello")),
            ("namespace", word("prod")),
            ("cpu_ms", Value::Whole(50)),
            ("plan", word("gold")),
            ("memory", word("64MiB")),
            ("response_bytes", Value::Whole(1_000)),
            ("requests_per_second", Value::Whole(20)),
        ]);
        let target = target.unwrap_or_else(|message| panic!("{message}"));
        assert_eq!((target.namespace.as_deref(), target.script.as_str()), (Some("prod"), "hello"));
        let wanted = Limits {
            cpu_ms: Some(50),
            memory_bytes: Some(64 << 20),
            response_bytes: Some(1_000),
            requests_per_second: Some(20),
            ..Limits::default()
        };
        assert_eq!(target.plan.as_deref().map(PlanName::as_str), Some("gold"));
        assert_eq!((target.limits, target.outbound.unwrap().get()), (wanted, "{\"customer\":\"c1\"}"));

        let hello = || ("script", word("hello"));
        for (row, said) in [
            (vec![("namespace", word("prod"))], "it has no script"),
            (vec![hello(), ("cpu", Value::Whole(1))], "column \"cpu\" is not known"),
            (vec![hello(), ("cpu_ms", Value::Whole(-1))], "column \"cpu_ms\" must be a whole number"),
            (vec![hello(), ("cpu_ms", word("1"))], "column \"cpu_ms\" must be a whole number"),
            (vec![hello(), ("plan", word("a b"))], "plan \"a b\" is not valid"),
            (vec![hello(), ("outbound", word("[1]"))], "must be a JSON object"),
            (vec![hello(), ("account", word("a b"))], "is not an account's id"),
            (vec![("script", word("a/b"))], "script"),
            (vec![("script", Value::Whole(1))], "column \"script\" must be a text"),
        ] {
            let error = read(&row).err().unwrap();
            assert!(error.contains(said), "{error}");
        }
    }
}
