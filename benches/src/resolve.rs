//! `resolve`: what finding the tenant costs above bare HTTP, by each resolver, where the gateway answers
//! itself: every tenant's plan lets nobody in (`concurrent_requests = 0`), so that a request is resolved,
//! held against its tenant's terms, refused (1015), counted and logged, and no Worker runs.

use anyhow::Context;
use clap::Args;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

use crate::hello::names;
use crate::peers::{Peer, nginx};
use crate::report::{self, Row, Turn};
use crate::server::{Server, Setup};
use crate::{Common, load, scripts};

/// What such a tenant's clients get.
const REFUSED: u16 = 429;

#[derive(Args)]
pub struct Resolve {
    #[command(flatten)]
    common: Common,
    /// Tenants that are deployed, and rows in the database
    #[arg(long, default_value_t = 10_000)]
    tenants: usize,
}

impl Resolve {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let tenants = self.tenants.max(1);
        let folder = tempfile::tempdir()?;
        let database = folder.path().join("tenants.db");
        fill(&database, tenants)?;
        let bare = Server::bare()?;
        let setup = Setup { more: resolvers(&database), ..Setup::default() };
        let node = Server::start(setup)?;
        node.publish(names("t", tenants).map(|name| (name.clone(), scripts::small(&name))))?;
        node.namespace_settings(&json!({ "plan": "closed" }))?;

        let each = |suffix: &str| -> Vec<Vec<u8>> {
            names("t", tenants).map(|name| load::get(&format!("{name}.{suffix}"), "/")).collect()
        };
        let headers = names("t", tenants).map(|name| load::get_with("header.test", "/", &format!("x-tenant: {name}")));
        let mut turns = vec![Turn::new("bare-hyper", &bare, vec![load::get("one.localhost", "/")])];
        for (name, requests) in [
            ("fixed", vec![load::get("fixed.test", "/")]),
            ("header", headers.collect()),
            ("sql-cached", each("sql.test")),
            ("subdomain", each("localhost")),
        ] {
            let mut turn = Turn::new(name, &node, requests);
            turn.status = REFUSED;
            turns.push(turn);
        }
        turns.retain(|turn| turn.name == "bare-hyper" || self.common.wants(turn.name));
        let nginx = Peer::of(self.common.peers, "nginx", nginx::constant);
        turns.extend(nginx.turn("nginx-return", vec![load::get("one.localhost", "/")]));
        // Every row is in memory before anything is measured.
        let expect = load::Expect { status: REFUSED };
        load::run(node.gateway, &each("sql.test"), load::Order::Each, self.common.connections, expect)?;
        node.forget_log();
        let mut rows = report::rounds("resolve", &self.common, &turns)?;
        if rows.iter().any(|row| !row.more.contains_key("instructions")) {
            eprintln!("instructions could not be counted: no such counter here, or no right to it");
        }
        let ours = ["fixed", "header", "sql-cached", "subdomain"];
        report::compare(&mut rows, "nginx-return", "ratio_to_nginx", &ours, |row| row.cpu_us);
        rows.extend(nginx.left_out("resolve", "nginx-return"));
        Ok(rows)
    }
}

/// In the order in which they are asked.
fn resolvers(database: &std::path::Path) -> String {
    format!(
        "[[resolver]]\nkind = \"fixed\"\nhosts = [\"fixed.test\"]\nscript = \"t0\"\nnamespace = \"dev\"\n\
         [[resolver]]\nkind = \"header\"\nname = \"x-tenant\"\nnamespace = \"dev\"\ntrusted = [\"127.0.0.1\"]\n\
         [[resolver]]\nkind = \"sql\"\nurl = \"sqlite:{}\"\nkey = \"label\"\nsuffix = \"sql.test\"\n\
         namespace = \"dev\"\n\
         query = \"SELECT script FROM tenants WHERE label = ?\"\ncache = {{ ttl = \"1h\" }}\n\
         acquire_timeout = \"5s\"\nstatement_timeout = \"5s\"\n[plan.closed]\nconcurrent_requests = 0\n",
        database.display()
    )
}

fn fill(database: &std::path::Path, tenants: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let url = format!("sqlite:{}?mode=rwc", database.display());
        let mut connection = SqliteConnection::connect(&url).await.context("could not make the tenants' database")?;
        let rows = "CREATE TABLE tenants (label TEXT PRIMARY KEY, script TEXT NOT NULL) WITHOUT ROWID;
                    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
                    INSERT INTO tenants SELECT 't' || i, 't' || i FROM n";
        let (table, rows) = rows.split_once(';').context("two statements")?;
        sqlx::query(table).execute(&mut connection).await?;
        sqlx::query(rows).bind(i64::try_from(tenants)?).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    })
}
