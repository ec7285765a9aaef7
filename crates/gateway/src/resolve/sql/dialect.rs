//! Which database a URL means.

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
    /// And MariaDB.
    MySql,
}

impl Dialect {
    /// # Errors
    /// What is wrong with the URL, without quoting it: it may hold a password.
    pub(crate) fn of(url: &str) -> Result<Self, String> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            Some("mysql" | "mariadb") => Ok(Self::MySql),
            _ => Err("url must begin with sqlite:, postgres://, mysql:// or mariadb://".to_owned()),
        }
    }
}
