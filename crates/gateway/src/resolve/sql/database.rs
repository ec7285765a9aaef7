//! The operator's database: a few connections, each a session that can only read, and a deadline for
//! every step. Beyond a deadline a connection is thrown away: it may be in the middle of anything.
//!
//! sqlx's own pool is not used: it pings a connection that is given back without a deadline, so a
//! database that hangs would keep all places.

use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use sqlx_mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx_postgres::{PgConnectOptions, PgConnection};
use tokio::sync::Semaphore;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::dialect::Dialect;
use super::row::{self, Row};
use crate::config;

const CONNECTIONS: u32 = 8;
const ACQUIRE: Duration = Duration::from_millis(100);
const STATEMENT: Duration = Duration::from_millis(200);
/// How long a new connection may take; requests do not wait that long.
const CONNECT: Duration = Duration::from_secs(5);
/// Beyond the time that the database itself holds a statement to.
const GRACE: Duration = Duration::from_millis(50);
/// Older connections are replaced: an address may mean another machine by now, a path another file.
const LIFETIME: Duration = Duration::from_secs(300);
/// Steps of SQLite's machine between two looks at the clock.
const SQLITE_STEPS: i32 = 10_000;

/// Why the database gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum LookupError {
    #[error("the database is away: {0}")]
    Away(Arc<str>),
    #[error("the database refuses the statement: {0}")]
    Refused(Arc<str>),
    #[error("the row cannot be used: {0}")]
    Row(Arc<str>),
    #[error("too many look-ups are under way")]
    Busy,
}

/// The statement, and how a session is kept to the rules.
struct Statement {
    text: Arc<str>,
    limit: Duration,
    /// Transactions may each get another session: nothing is prepared, nothing is set for long.
    pooler: bool,
}

pub(super) struct Database(Kind);

enum Kind {
    Sqlite(Pool<SqliteConnectOptions>),
    Postgres(Pool<PgConnectOptions>),
    MySql(Pool<MySqlConnectOptions>),
}

impl Database {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// The key that is at fault, and why.
    pub(super) fn new(config: &config::Resolver) -> Result<Self, (&'static str, String)> {
        let (key, url) = match (&config.url, &config.url_env) {
            (Some(url), _) => ("url", url.clone()),
            (None, Some(name)) => {
                ("url_env", std::env::var(name).map_err(|_| ("url_env", format!("the variable {name} is not set")))?)
            }
            (None, None) => return Err(("url", "is missing".to_owned())),
        };
        let wrong = |error: sqlx::Error| (key, error.to_string());
        let pooler = config.pooler.unwrap_or(false);
        let text: Arc<str> = config.query.as_deref().unwrap_or_default().trim().trim_end_matches(';').into();
        let dialect = Dialect::of(&url).map_err(|message| (key, message))?;
        let parameter = if dialect == Dialect::Postgres { "$1" } else { "?" };
        if !(text.contains(parameter) || dialect == Dialect::Sqlite && text.contains("$1")) {
            return Err(("query", format!("the parameter of this database is written {parameter}")));
        }
        let statement = Statement { text, limit: config.statement_timeout.unwrap_or(STATEMENT), pooler };
        Ok(Self(match dialect {
            Dialect::Sqlite => {
                let options = SqliteConnectOptions::from_str(&url).map_err(wrong)?;
                let options = options.create_if_missing(false).read_only(true).busy_timeout(statement.limit);
                Kind::Sqlite(Pool::new(options, statement, config))
            }
            Dialect::Postgres => {
                let options = PgConnectOptions::from_str(&url).map_err(wrong)?.application_name("switchyard");
                let options = if pooler {
                    // PgBouncer takes no other parameters at the start of a session.
                    options.extra_float_digits(None).statement_cache_capacity(0)
                } else {
                    let limit = statement.limit.as_millis().to_string();
                    options.options([("statement_timeout", limit.as_str()), ("default_transaction_read_only", "on")])
                };
                Kind::Postgres(Pool::new(options, statement, config))
            }
            Dialect::MySql => {
                Kind::MySql(Pool::new(MySqlConnectOptions::from_str(&url).map_err(wrong)?, statement, config))
            }
        }))
    }

    /// The first row for this key.
    ///
    /// # Errors
    /// [`LookupError`]; within the time for a place, a connection and a statement.
    pub(super) async fn ask(&self, key: &str) -> Result<Option<Row>, LookupError> {
        match &self.0 {
            Kind::Sqlite(pool) => pool.ask(key).await,
            Kind::Postgres(pool) => pool.ask(key).await,
            Kind::MySql(pool) => pool.ask(key).await,
        }
    }

    /// How long a request waits for an answer.
    pub(super) fn patience(&self) -> Duration {
        match &self.0 {
            Kind::Sqlite(pool) => pool.patience(),
            Kind::Postgres(pool) => pool.patience(),
            Kind::MySql(pool) => pool.patience(),
        }
    }
}

/// A connection between two uses, with when it was made.
type Idle<C> = (C, Instant);

struct Pool<O: ConnectOptions<Connection: Session>> {
    options: O,
    statement: Statement,
    acquire: Duration,
    places: Semaphore,
    idle: Mutex<Vec<Idle<O::Connection>>>,
}

impl<O> Pool<O>
where
    O: ConnectOptions<Connection: Session>,
{
    fn new(options: O, statement: Statement, config: &config::Resolver) -> Self {
        Self {
            options: options.disable_statement_logging(),
            statement,
            acquire: config.acquire_timeout.unwrap_or(ACQUIRE),
            places: Semaphore::new(config.connections.unwrap_or(CONNECTIONS) as usize),
            idle: Mutex::default(),
        }
    }

    fn patience(&self) -> Duration {
        self.acquire + self.statement.limit + GRACE
    }

    async fn ask(&self, key: &str) -> Result<Option<Row>, LookupError> {
        let place = timeout(self.acquire, self.places.acquire()).await;
        let _place = place.ok().and_then(Result::ok).ok_or(LookupError::Busy)?;
        let idle = self.idle.lock().pop().filter(|(_, since)| since.elapsed() < LIFETIME);
        if let Some(idle) = idle {
            match self.on(idle, key).await {
                // It was lost while nobody used it, and those beside it too: a new one tells whether that is all.
                Ok(Err(error)) if matches!(failure(&error), LookupError::Away(_)) => drop(self.take_idle()),
                answered => return settled(answered),
            }
        }
        let connect = async {
            let mut connection = self.options.connect().await?;
            connection.settle(&self.statement).await?;
            Ok(connection)
        };
        let connection = match timeout(CONNECT, connect).await {
            Ok(connected) => connected.map_err(|error| failure(&error))?,
            Err(_) => return Err(LookupError::Away("it accepts no connection in time".into())),
        };
        settled(self.on((connection, Instant::now()), key).await)
    }

    /// One look-up; the connection is kept for the next one if all went well. The outer error: it took too long.
    async fn on(&self, (mut connection, since): Idle<O::Connection>, key: &str) -> Result<Asked, Elapsed> {
        let asked = timeout(self.statement.limit + GRACE, connection.ask(&self.statement, key)).await;
        match &asked {
            Ok(Ok(_)) => self.idle.lock().push((connection, since)),
            Ok(Err(_)) => {}
            Err(_) => drop(self.take_idle()),
        }
        asked
    }

    fn take_idle(&self) -> Vec<Idle<O::Connection>> {
        std::mem::take(&mut *self.idle.lock())
    }
}

/// The first row, or why there is none.
type Asked = Result<Option<Result<Row, String>>, sqlx::Error>;

fn settled(asked: Result<Asked, Elapsed>) -> Result<Option<Row>, LookupError> {
    match asked {
        Ok(Ok(row)) => row.transpose().map_err(|message| LookupError::Row(message.into())),
        Ok(Err(error)) => Err(failure(&error)),
        Err(_) => Err(LookupError::Away("it does not answer in time".into())),
    }
}

/// What each kind of connection does in its own way.
trait Session: Connection + Sized {
    /// Once, when it is new.
    fn settle(&mut self, statement: &Statement) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    fn ask(&mut self, statement: &Statement, key: &str) -> impl Future<Output = Asked> + Send;
}

impl Session for SqliteConnection {
    async fn settle(&mut self, _: &Statement) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn ask(&mut self, statement: &Statement, key: &str) -> Asked {
        // SQLite has no time-out for what a statement computes.
        let until = Instant::now() + statement.limit;
        self.lock_handle().await?.set_progress_handler(SQLITE_STEPS, move || Instant::now() < until);
        let query = sqlx::query(AssertSqlSafe(statement.text.clone())).bind(key.to_owned());
        Ok(self.fetch_optional(query).await?.map(|row| row::of_sqlite(&row)))
    }
}

impl Session for PgConnection {
    async fn settle(&mut self, _: &Statement) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn ask(&mut self, statement: &Statement, key: &str) -> Asked {
        let query = sqlx::query(AssertSqlSafe(statement.text.clone())).bind(key.to_owned());
        if !statement.pooler {
            return Ok(self.fetch_optional(query).await?.map(|row| row::of_postgres(&row)));
        }
        // A transaction stays with one session of the pooler, and what it sets ends with it.
        let limit = statement.limit.as_millis();
        let begin = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {limit}");
        self.execute(sqlx::raw_sql(AssertSqlSafe(begin))).await?;
        let row = self.fetch_optional(query.persistent(false)).await?.map(|row| row::of_postgres(&row));
        self.execute(sqlx::raw_sql("COMMIT")).await?;
        Ok(row)
    }
}

impl Session for MySqlConnection {
    async fn settle(&mut self, statement: &Statement) -> Result<(), sqlx::Error> {
        if statement.pooler {
            return Ok(());
        }
        let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *self).await?;
        let limit = if version.contains("MariaDB") {
            format!("SET SESSION max_statement_time = {}", statement.limit.as_secs_f64())
        } else {
            format!("SET SESSION max_execution_time = {}", statement.limit.as_millis())
        };
        self.execute(sqlx::raw_sql(AssertSqlSafe(limit))).await?;
        self.execute(sqlx::raw_sql("SET SESSION TRANSACTION READ ONLY")).await?;
        Ok(())
    }

    async fn ask(&mut self, statement: &Statement, key: &str) -> Asked {
        let query = sqlx::query(AssertSqlSafe(statement.text.clone())).bind(key.to_owned());
        let query = query.persistent(!statement.pooler);
        Ok(self.fetch_optional(query).await?.map(|row| row::of_mysql(&row)))
    }
}

/// Whether the database is away, or there and says no.
fn failure(error: &sqlx::Error) -> LookupError {
    let text: Arc<str> = error.to_string().into();
    let sqlx::Error::Database(said) = error else { return LookupError::Away(text) };
    let code = said.code().unwrap_or_default();
    // SQLSTATE: the connection, too few resources, shutting down. SQLite: no such file, cannot read it.
    let away = ["08", "53", "57P"].iter().any(|class| code.len() == 5 && code.starts_with(class))
        || ["10", "14"].contains(&&*code);
    if away { LookupError::Away(text) } else { LookupError::Refused(text) }
}
