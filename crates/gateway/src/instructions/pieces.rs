//! The pieces, each done for one tenant after the other. None waits for anything: what a request waits for is another's
//! work.

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderValue, Request, Response, Version, request};
use hyper::body::Incoming;
use sqlx::{Connection as _, SqliteConnection};
use switchyard_catalog::{AccountId, NamespaceId};
use switchyard_runtime::Body;

use crate::admission::Admission;
use crate::authority::Authority;
use crate::config::Config;
use crate::context::RequestContext;
use crate::dispatch::Call;
use crate::error::{Failure, Kind};
use crate::gateway::{Bounds, pieces as way};
use crate::headers::{RAY, wants_html};
use crate::ids;
use crate::listen::Peer;
use crate::observe::{Ending, Observer, Recorded};
use crate::resolve::{Question, Resolvers};
use crate::routes::{Route, Routes};
use crate::terms::NodeTerms;

/// A piece that is there twice, the second time with a loop of so many turns and an allocation in it.
pub const PLAIN: &str = "authority";
pub const LONGER: &str = "authority-and-a-loop";
pub const TURNS: usize = 50;

const TENANTS: usize = 1_000;
const NAMESPACE: &str = "dev";
const ORDER: [&str; 5] = ["fixed", "header", "subdomain", "sql-cached", "worker"];

/// Every tenant has a plan, as where tenants pay for what they use.
const CONFIG: &str = r#"
[[resolver]]
kind = "fixed"
script = "t0"
namespace = "dev"
[[resolver]]
kind = "header"
name = "x-tenant"
namespace = "dev"
trusted = ["127.0.0.1"]
[[resolver]]
kind = "subdomain"
suffix = "example.com"
namespace = "dev"
[[resolver]]
kind = "sql"
url = "sqlite:DATABASE"
key = "label"
suffix = "example.com"
namespace = "dev"
query = "SELECT script FROM tenants WHERE label = ?"
cache = { ttl = "1h" }
acquire_timeout = "5s"
statement_timeout = "5s"
[[resolver]]
kind = "worker"
script = "dispatcher"
[plan.paid]
cpu = "50ms"
concurrent_requests = 100
requests_per_second = 1000000
"#;

/// Hands each piece, in order, to `act`: its name, and what does it once.
pub fn each(mut act: impl FnMut(&'static str, &mut dyn FnMut(usize))) {
    // Timers and tasks that nobody waits for; requests are polled by hand.
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _entered = tokio.enter();
    let folder = tempfile::tempdir().expect("a folder");
    let node = Node::new(folder.path(), &tokio);
    let heads: Vec<request::Parts> = (0..TENANTS).map(|number| head(number).into_parts().0).collect();
    let authorities: Vec<Authority> = heads.iter().map(authority).collect();
    let names: Vec<String> = (0..TENANTS).map(|number| format!("t{number}")).collect();
    let peer = Peer::plain(SocketAddr::from(([127, 0, 0, 1], 4_000)));
    let question = |number: usize| Question {
        authority: &authorities[number],
        head: &heads[number],
        peer: peer.address.ip(),
        vouched: false,
    };

    for (name, resolvers) in ORDER.iter().zip(&node.resolvers) {
        let mut once = |round: usize| {
            let found = resolvers.resolve_now(question(round % TENANTS));
            black_box(found.expect("it waits for nothing").expect("a tenant"));
        };
        act(name, &mut once);
    }
    let account = node.routes.account(&account());
    act("route", &mut |round| _ = black_box(account.dispatched(NAMESPACE, &names[round % TENANTS]).expect("a route")));
    act(PLAIN, &mut |round| _ = black_box(authority(&heads[round % TENANTS])));
    act(LONGER, &mut |round| {
        _ = black_box(authority(&heads[round % TENANTS]));
        _ = black_box(Box::new(round));
        (0..TURNS).for_each(|turn| _ = black_box(turn));
    });
    let routes: Vec<Arc<Route>> =
        names.iter().map(|name| account.dispatched(NAMESPACE, name).expect("a route")).collect();
    act("terms", &mut |round| _ = black_box(node.terms.for_call(&routes[round % TENANTS], &Call::default())));
    act("admission", &mut |round| {
        let route = &routes[round % TENANTS];
        let (terms, _) = node.terms.for_call(route, &Call::default());
        let permits = (node.admission.enter_node(), node.admission.enter_script(&route.usage, &terms.limits));
        assert!(black_box(&permits).1.is_ok());
    });
    act("observed", &mut |round| {
        let ctx = node.context(&peer, &heads[round % TENANTS]);
        let ending = Ending::new(ctx.clone());
        ctx.set_route(&routes[round % TENANTS]);
        _ = black_box(Recorded::new(Body::from("hello"), ending, 200, Kind::Ok, true));
    });
    // They are used up: one of each is made beforehand.
    let (mut requests, mut contexts) = (node.incoming(&tokio), Vec::new());
    contexts.resize_with(requests.len(), || node.context(&peer, &heads[0]));
    act("head-in", &mut |round| {
        let (head, body) = requests.pop().expect("as many as there are rounds").into_parts();
        let ctx = &contexts[round % TENANTS];
        _ = black_box(way::head_in(&node.bounds, ctx, &authorities[round % TENANTS], head, body));
    });
    drop(contexts);
    act("head-out", &mut |_| _ = black_box(way::head_out(answer())));
    act("refusal", &mut |_| {
        _ = black_box(Failure::TenantBusy.response(false, &HeaderValue::from_static("0"), None));
    });
    let mut requests = node.incoming(&tokio);
    act("refused-whole", &mut |_| node.refuse(&peer, requests.pop().expect("as many as there are rounds")));
}

/// What of a node needs no guest.
struct Node {
    routes: Arc<Routes>,
    /// In [`ORDER`], each alone.
    resolvers: Vec<Resolvers>,
    terms: NodeTerms,
    /// Of a tenant that may have nothing under way.
    closed: Arc<Admission>,
    admission: Arc<Admission>,
    observer: Arc<Observer>,
    bounds: Bounds,
}

impl Node {
    fn new(folder: &Path, tokio: &tokio::runtime::Runtime) -> Self {
        let database = folder.join("tenants.db");
        tokio.block_on(fill(&database)).expect("the tenants' database");
        let text = CONFIG.replace("DATABASE", &database.display().to_string());
        let config = Config::parse(&text, Path::new("pieces.toml")).expect("a configuration");
        let routes = Arc::new(Routes::default());
        let scope = Some((NamespaceId::random(), NAMESPACE));
        for number in 0..TENANTS {
            routes.set_sample(account(), scope, &format!("t{number}"), Some("paid"));
        }
        routes.set_sample(account(), None, "dispatcher", None);
        let observer = Arc::new(Observer::new(&config.log, &config.trace).expect("an observer"));
        let lookups = observer.metrics.lookups();
        let one = |config: &_| Resolvers::build(std::slice::from_ref(config), &[account()], &routes, lookups, None);
        let resolvers = config.resolver.iter().map(|config| one(config).expect("a resolver")).collect::<Vec<_>>();
        let node = Self {
            resolvers,
            terms: NodeTerms::of(&config, switchyard_catalog::Limits::DEFAULT),
            closed: Arc::new(Admission::new(0, 1_000)),
            admission: Arc::new(Admission::new(1_000, 10_000)),
            bounds: Bounds {
                uri_bytes: 16 << 10,
                body_bytes: config.limits.body_bytes,
                body_silence: config.timeouts.body,
            },
            observer,
            routes,
        };
        // Every row is in memory before anything is counted.
        tokio.block_on(async {
            for number in 0..TENANTS {
                let (head, _) = head(number).into_parts();
                let authority = authority(&head);
                let peer = [127, 0, 0, 1].into();
                let question = Question { authority: &authority, head: &head, peer, vouched: false };
                if let Err(waits) = node.resolvers[3].resolve_now(question) {
                    node.resolvers[3].resolve_from(waits, question).await.expect("a row");
                }
            }
        });
        node
    }

    fn context(&self, peer: &Peer, head: &request::Parts) -> Arc<RequestContext> {
        RequestContext::new(self.observer.clone(), ids::ray(), peer, false, head)
    }

    /// A request's whole way where its tenant's terms let nobody in, but for reading and writing it.
    fn refuse(&self, peer: &Peer, request: Request<Incoming>) {
        let (mut head, body) = request.into_parts();
        let html = wants_html(&head.headers);
        let ctx = self.context(peer, &head);
        let mut ending = Ending::new(ctx.clone());
        way::check(&self.bounds, &ctx, &head, &body).expect("it may come");
        let authority = Authority::of(&head.uri, &head.headers, head.version == Version::HTTP_2, false);
        let authority = authority.expect("a host");
        ending.node = Some(self.closed.enter_node().expect("a place"));
        let resolvers = &self.resolvers[2];
        resolvers.strip(&mut head.headers, ctx.peer, false);
        let question = Question { authority: &authority, head: &head, peer: ctx.peer, vouched: false };
        let resolved = resolvers.resolve_now(question).expect("it waits for nothing").expect("a tenant");
        ctx.set_route(&resolved.route);
        let (terms, _) = self.terms.for_call(&resolved.route, &Call::default());
        let Err(failure) = self.closed.enter_script(&resolved.route.usage, &terms.limits) else {
            panic!("nobody is let in");
        };
        self.observer.called(resolved.route.script);
        self.observer.failed(resolved.route.script);
        let mut response = failure.response(html, &ctx.ray, Some(ctx.trace.id));
        response.headers_mut().insert(RAY, ctx.ray.clone());
        let status = response.status().as_u16();
        _ = black_box(response.map(|body| Recorded::new(body, ending, status, failure.kind(), true)));
    }

    /// As many requests as there are rounds, of one tenant after the other, as a server hands them on.
    fn incoming(&self, tokio: &tokio::runtime::Runtime) -> Vec<Request<Incoming>> {
        tokio.block_on(way::incoming(super::WARM_UP + super::ROUNDS, |round| head(round % TENANTS)))
    }
}

fn account() -> AccountId {
    AccountId::parse("a").expect("an account")
}

fn authority(head: &request::Parts) -> Authority {
    Authority::of(&head.uri, &head.headers, false, false).expect("a host")
}

/// As browsers send them.
fn head(number: usize) -> Request<()> {
    let request = Request::get("/a/path?q=1").header("host", format!("t{number}.example.com"));
    let request = request.header("x-tenant", format!("t{number}")).header("connection", "keep-alive");
    let request =
        request.header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let request = request.header("accept", "*/*").header("accept-language", "en-US,en;q=0.5");
    let request = request.header("accept-encoding", "gzip, deflate, br, zstd").header("cookie", "a=1; b=2");
    request.header("referer", "https://example.com/").body(()).expect("a request")
}

/// As Workers make them.
fn answer() -> Response<Body> {
    let response = Response::builder().header("content-type", "text/plain;charset=UTF-8").header("connection", "close");
    let response = response.header("cache-control", "no-store").header("x-one", "1").header("x-two", "2");
    response.header("set-cookie", "a=1").body(Body::from("hello")).expect("a response")
}

async fn fill(database: &Path) -> Result<(), sqlx::Error> {
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", database.display())).await?;
    let table = "CREATE TABLE tenants (label TEXT PRIMARY KEY, script TEXT NOT NULL) WITHOUT ROWID";
    sqlx::query(table).execute(&mut connection).await?;
    let rows = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
                INSERT INTO tenants SELECT 't' || i, 't' || i FROM n";
    sqlx::query(rows).bind(TENANTS as i64).execute(&mut connection).await?;
    connection.close().await
}
