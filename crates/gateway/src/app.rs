//! Builds a node from its configuration and runs it: storage → runtime → catalog → routes →
//! dispatcher → resolvers → API → listeners, each part taking only those before it.

mod settings;
mod succession;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use switchyard_api::Api;
use switchyard_catalog::{AccountId, AssetKey, Blobs, Catalog, CatalogError, Storage, StorageError, Validator};
use switchyard_runtime::{Runtime, RuntimeError};
use switchyard_storage::{DataLock, FileBlobs, OpenError, SecretKey, SqliteStorage};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::admin::{Admin, AdminHandler};
use crate::admission::Admission;
use crate::announce::reachable;
use crate::bootstrap::{self, BootstrapError, Bootstrapped};
use crate::cache::Caches;
use crate::config::{self, Config, Wrong};
use crate::dispatch::{Dispatcher, Network};
use crate::egress::Egress;
use crate::gateway::{Answering, Bounds, Gateway, Live};
use crate::handover::Inherited;
use crate::listen::{Handler, Peer, Server};
use crate::listeners::{Bound, Doors};
use crate::loops::Loops;
use crate::node_file::NodeFile;
use crate::node_view::NodeView;
use crate::observe::{Observer, ObserverError, Recorded};
use crate::overload::{Probe, Watcher};
use crate::reload::merge;
use crate::reserve::{Connections, Reserve};
use crate::resolve::{Explainer, Resolvers};
use crate::routes::Routes;
use crate::tail::{self, TailHub};
use crate::terms::NodeTerms;
use crate::tls::{self, CertificateError};
use crate::upstream::{Trust, Upstreams};
use crate::websocket::WebSockets;

/// Connections of the inside listener: orchestrators, scrapers and uploads.
const ADMIN_CONNECTIONS: u32 = 256;
/// How often code that no version names any more is looked for.
const SWEEP: Duration = Duration::from_secs(3_600);

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("the configuration is wrong")]
    Config(#[from] Wrong),
    #[error(transparent)]
    Data(#[from] OpenError),
    #[error("could not listen on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error(transparent)]
    Observer(#[from] ObserverError),
    #[error("could not start the runtime")]
    Runtime(#[from] RuntimeError),
    #[error("could not start the runtime: its thread ended")]
    RuntimeThread,
    #[error("could not start a thread")]
    Thread(#[source] std::io::Error),
    #[error("could not set up TLS for outgoing requests")]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("could not read the catalog")]
    Catalog(#[from] CatalogError),
    #[error("could not read the routes")]
    Routes(#[from] StorageError),
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

/// A node that answers.
pub struct App {
    gateway: Vec<SocketAddr>,
    admin: SocketAddr,
    bootstrapped: Option<Bootstrapped>,
    config: Config,
    served: Served,
    parts: Parts,
}

/// What answers clients, and knows the accounts.
struct Served {
    gateway: Arc<Gateway>,
    catalog: Arc<Catalog>,
}

/// What the drain needs, and what lives as long as the node.
struct Parts {
    clients: Server,
    inside: Server,
    state: Arc<Admin>,
    observer: Arc<Observer>,
    doors: Arc<Doors>,
    background: Vec<tokio::task::JoinHandle<()>>,
    watcher: Option<Watcher>,
    websockets: Option<Arc<WebSockets>>,
    reserve: Reserve,
    /// The listeners once more, for the process that comes after this one.
    shared: Vec<OwnedFd>,
    /// `None`: another process has the data.
    lock: Option<DataLock>,
    handed_over: bool,
}

impl App {
    /// Returns once gateway and admin answer.
    ///
    /// # Errors
    /// [`AppError`]; nothing is left running.
    // Boxed: what is polled elsewhere is compiled there, and with it all that it calls; the binary and the tests would
    // each compile the whole node once more.
    pub fn start(config: Config) -> BoxFuture<'static, Result<Self, AppError>> {
        Self::start_with(config, Inherited::default())
    }

    /// As [`App::start`], on sockets that were passed in, and after the process that passes its data on.
    ///
    /// # Errors
    /// As [`App::start`].
    pub fn start_with(config: Config, inherited: Inherited) -> BoxFuture<'static, Result<Self, AppError>> {
        Box::pin(Self::start_node(config, inherited))
    }

    async fn start_node(config: Config, mut inherited: Inherited) -> Result<Self, AppError> {
        config.check()?;
        let observer = Arc::new(Observer::new(&config.log, &config.trace)?);
        let doors = Arc::new(Doors::open(&config, &observer.metrics)?);
        private_folder(&config.data);
        let (lock, predecessor) = inherited.lock(&config.data).await?;
        inherited.keep(config.listener.iter().map(|listener| listener.bind).chain([config.admin.bind]));
        let mut sockets = Vec::new();
        for listener in &config.listener {
            sockets.push(Bound::to(listener.bind, &Handle::current(), &mut inherited).await?);
        }
        let reserve = Reserve::start().map_err(AppError::Thread)?;
        let inside_bound = Bound::to(config.admin.bind, reserve.handle(), &mut inherited).await?;
        let shared = sockets.iter().chain([&inside_bound]).map(Bound::share).collect::<Result<_, _>>()?;
        let Bound { socket: inside_socket, address: admin_address } = inside_bound;

        let connections = Connections {
            clients: config.limits.connections,
            origins: config.egress.connections,
            admin: ADMIN_CONNECTIONS,
        };
        let connections = connections.within_limit();
        let inside = Server::new(&settings::server(&config, connections.admin, true), None);
        let counts = Some(observer.metrics.connections().clone());
        let clients = Server::new(&settings::server(&config, connections.clients, false), counts);
        let state = Admin::new(observer.clone());
        let (door, health) = (doors.admin.clone(), AdminHandler(state.clone()));
        // From the first moment, except where the process before still answers for the service.
        let mut inside_socket = Some(inside_socket);
        if predecessor.is_none()
            && let Some(socket) = inside_socket.take()
        {
            inside.serve_on(reserve.handle(), socket, door.clone(), health.clone());
        }
        let watch = tls::watch(doors.terminations(), observer.metrics.tls().clone());
        let mut parts = Parts {
            clients,
            inside,
            state,
            observer,
            doors,
            background: vec![tokio::spawn(watch)],
            watcher: None,
            websockets: None,
            reserve,
            shared,
            lock: Some(lock),
            handed_over: false,
        };

        let started = Self::start_rest(&config, &mut parts, &sockets, admin_address, connections.origins).await;
        let (served, bootstrapped) = match started {
            Ok(started) => started,
            Err(error) => {
                parts.stop(Duration::ZERO).await;
                return Err(error);
            }
        };
        let mut addresses = Vec::new();
        for (listener, Bound { socket, address }) in sockets.into_iter().enumerate() {
            addresses.push(address);
            let door = parts.doors.clients.get(listener).cloned().unwrap_or_default();
            parts.clients.serve(socket, door, GatewayHandler { gateway: served.gateway.clone(), listener });
        }
        if let Some(socket) = inside_socket {
            parts.inside.serve_on(parts.reserve.handle(), socket, door, health);
        }
        let app = Self { gateway: addresses, admin: admin_address, bootstrapped, config, served, parts };
        if let Err(error) = app.node_file().write(&app.config.data) {
            tracing::warn!(%error, "could not write node.json: tools on this machine must be told the address");
        }
        if let Some(predecessor) = predecessor {
            predecessor.ready().await;
        }
        Ok(app)
    }

    async fn start_rest(
        config: &Config,
        parts: &mut Parts,
        sockets: &[Bound],
        admin: SocketAddr,
        origins: u32,
    ) -> Result<(Served, Option<Bootstrapped>), AppError> {
        let data = &config.data;
        let secret_key = SecretKey::load_or_create(&data.join("secret.key"))?;
        let asset_key = AssetKey::new(&secret_key.derive("assets uploads"));
        let storage: Arc<dyn Storage> = Arc::new(SqliteStorage::open(data, secret_key).await?);
        let blobs: Arc<dyn Blobs> = Arc::new(FileBlobs::open(&data.join("blobs"))?);

        let limits = settings::limits(config);
        let runtime_config = settings::runtime(config, limits);
        let key = bootstrap::node_key(&data.join("node.key"))?;
        let tokio = tokio::runtime::Handle::current();
        // Compiles the engine the first time: seconds that health must not wait for.
        let loops = Loops::new(&key);
        let runtime = tokio::task::spawn_blocking(move || Runtime::new(runtime_config, key, tokio));
        let runtime = runtime.await.map_err(|_| AppError::RuntimeThread)??;

        let settings = settings::catalog(config, asset_key);
        let websockets = parts.websockets(config);
        let egress = config::Egress { connections: origins, ..config.egress.clone() };
        let egress = Egress::new(&egress, loops, websockets.clone())?;
        for bound in sockets {
            egress.forbid(bound.address);
        }
        egress.forbid(admin);
        let metrics = parts.observer.metrics.upstream().clone();
        let upstreams = Upstreams::new(&config.upstream, egress.policy().clone(), metrics, websockets.clone())?;
        parts.background.push(tokio::spawn(upstreams.clone().run()));
        let catalog = Catalog::new(storage.clone(), blobs, Arc::new(runtime.clone()), settings);
        let catalog = Arc::new(catalog.with_origins(upstreams.clone()));
        let bootstrapped = bootstrap::bootstrap(&catalog, &config.bootstrap, data).await?;

        // Followed before it is loaded: what changes in between is then read again.
        let follower = catalog.follow();
        let routes = Arc::new(Routes::load(&*storage).await?);
        let forgetful = runtime.clone();
        parts.background.push(tokio::spawn(routes.clone().follow(storage.clone(), follower, move |versions| {
            let runtime = forgetful.clone();
            tokio::spawn(async move { runtime.forget(&versions).await });
        })));

        let caches = Arc::new(Caches::new(&config.cache));
        let admission = Arc::new(Admission::new(config.limits.requests_per_script, config.limits.requests));
        let watcher = match Probe::of(config.overload.memory) {
            Some(probe) => Some(
                Watcher::start(probe, &config.overload, admission.overload.clone(), runtime.clone(), caches.clone())
                    .map_err(AppError::Thread)?,
            ),
            None => None,
        };
        parts.watcher = watcher;
        let tails = TailHub::new(config.limits.tails, parts.observer.clone());
        parts.background.push(tokio::spawn(tail::watch(tails.clone(), catalog.clone())));
        let (told, of) = (tails.clone(), routes.clone());
        runtime.tell_compilations(move |who, news| {
            let scripts = of.account(&who.account);
            let route = match &who.namespace {
                Some(namespace) => scripts.dispatched(namespace.as_str(), who.script.as_str()),
                None => scripts.worker(who.script.as_str()),
            };
            if let Some(route) = route {
                told.compilation(&route, news);
            }
        });
        let dispatcher = {
            let (terms, network) = (NodeTerms::of(config, limits), Network { egress, upstreams, caches });
            Dispatcher::new(runtime.clone(), catalog.clone(), routes.clone(), admission, network, tails.clone(), terms)
        };
        let live = live(config, &catalog, &routes, &parts.observer, None).await?;

        if config.bootstrap.samples
            && let Some(Bootstrapped { actor, .. }) = &bootstrapped
            && let Some(namespace) = config.bootstrap.namespaces.first()
        {
            bootstrap::samples(&catalog, actor, namespace).await?;
        }
        parts.background.push(tokio::spawn(sweep(catalog.clone(), runtime, parts.state.writers())));
        let compiles = dispatcher.clone();
        parts.background.push(tokio::spawn(async move { compiles.rebuild_components().await }));
        let gateway = Arc::new(Gateway::new(dispatcher.clone(), parts.observer.clone(), websockets, live));
        let listeners = config.listener.iter().map(|listener| listener.bind.to_string()).collect();
        let explainer = Explainer { gateway: gateway.clone(), listeners };
        let view = NodeView { dispatcher: dispatcher.clone(), observer: parts.observer.clone() };
        let api = Api::new(catalog.clone(), Arc::new(tails), settings::api(config));
        let api = api.with_resolvers(Arc::new(explainer)).with_node(Arc::new(view));
        parts.state.ready(api, dispatcher);
        Ok((Served { gateway, catalog }, bootstrapped))
    }

    fn node_file(&self) -> NodeFile {
        let url = |address: SocketAddr, tls: &Option<config::Tls>| {
            format!("{}://{}", if tls.is_some() { "https" } else { "http" }, reachable(address))
        };
        let listeners = self.gateway.iter().zip(&self.config.listener);
        let bootstrap = &self.config.bootstrap;
        let absolute = |path: &Path| std::path::absolute(path).ok();
        // A token that came from elsewhere is in no file.
        let in_file = bootstrap.token.is_none() && bootstrap.token_env.is_none();
        let token_file = absolute(&self.config.data.join(&bootstrap.token_file));
        let shown = self.config.admin.tls.as_ref().and_then(|tls| tls.certificates.first());
        let known = self.bootstrapped.as_ref();
        NodeFile {
            admin: url(self.admin, &self.config.admin.tls) + "/client/v4",
            admin_certificate: shown.and_then(|files| absolute(&files.cert)),
            gateway: listeners.map(|(address, listener)| url(*address, &listener.tls)).collect(),
            account: known.map(|known| known.actor.account.to_string()),
            token_file: token_file.filter(|_| in_file && known.is_some()),
        }
    }

    /// Where clients come in, in the configured order; real ports.
    pub fn gateway(&self) -> &[SocketAddr] {
        &self.gateway
    }

    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Account and token, where the node made or knows them.
    pub fn bootstrapped(&self) -> Option<&Bootstrapped> {
        self.bootstrapped.as_ref()
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Resolvers, plans, limits of requests, `[upstream]` and trusted peers are those of `read` from the next request on;
    /// requests under way go by the old ones. Returns the keys that a restart alone would take over.
    ///
    /// # Errors
    /// [`AppError`]; then nothing has changed.
    pub async fn reload(&mut self, read: &Config) -> Result<Vec<String>, AppError> {
        read.check()?;
        let (next, waiting) = merge(&self.config, read);
        let Served { gateway, catalog } = &self.served;
        let dispatcher = &gateway.dispatcher;
        let live = live(&next, catalog, &dispatcher.routes, &gateway.observer, Some(&gateway.live())).await?;
        let (doors, config) = (self.parts.doors.clone(), next.clone());
        let files = move || Ok::<_, AppError>((doors.prepare(&config)?, Trust::read(&config.upstream.ca)?));
        let files = tokio::task::spawn_blocking(files).await;
        let (doors, trust) = files.map_err(|error| AppError::Thread(std::io::Error::other(error)))??;
        self.parts.doors.replace(&next, doors);
        gateway.replace(live);
        dispatcher.upstreams.replace(&next.upstream, trust);
        dispatcher.set_terms(NodeTerms::of(&next, settings::limits(&next)));
        dispatcher.admission.set_bounds(next.limits.requests_per_script, next.limits.requests);
        self.config = next;
        Ok(waiting)
    }
}

impl Parts {
    /// Made once, before those who use it.
    fn websockets(&mut self, config: &Config) -> Arc<WebSockets> {
        let metrics = self.observer.metrics.websockets().clone();
        let websockets = WebSockets::new(&config.websocket, config.timeouts.body, metrics);
        self.websockets = Some(websockets.clone());
        websockets
    }

    async fn stop(self, grace: Duration) -> bool {
        let websockets = async {
            match &self.websockets {
                Some(websockets) => websockets.drain(grace).await,
                None => true,
            }
        };
        // A WebSocket that is closed is no request that was cut; one that does not end is.
        let (answered, closed) = tokio::join!(self.clients.drain(grace), websockets);
        let done = answered && closed;
        // Nothing runs any more that they could hear of.
        self.state.end_tails(grace.min(Duration::from_secs(5))).await;
        // Uploads finish too; health is the last to go.
        self.inside.drain(grace.min(Duration::from_secs(5))).await;
        for task in self.background {
            task.abort();
            let _ = task.await;
        }
        drop(self.watcher);
        let observer = self.observer;
        observer.tracer.end().await;
        let _ = tokio::task::spawn_blocking(move || observer.flush()).await;
        done
    }
}

#[derive(Clone)]
struct GatewayHandler {
    gateway: Arc<Gateway>,
    /// Its number.
    listener: usize,
}

impl Handler for GatewayHandler {
    type Body = Recorded;
    type Answer = Answering;

    fn handle(&self, peer: Peer, request: Request<Incoming>) -> Answering {
        self.gateway.handle(peer, self.listener, request)
    }
}

/// What requests go by. What `before` has learnt is taken over.
async fn live(
    config: &Config,
    catalog: &Catalog,
    routes: &Arc<Routes>,
    observer: &Observer,
    before: Option<&Live>,
) -> Result<Live, AppError> {
    let accounts: Vec<AccountId> = catalog.account_list().await?.into_iter().map(|account| account.id).collect();
    let before = before.map(|live| &live.resolvers);
    let resolvers = Resolvers::build(&config.resolver, &accounts, routes, observer.metrics.lookups(), before)?;
    let bounds = Bounds {
        uri_bytes: usize::try_from(config.limits.uri_bytes).unwrap_or(usize::MAX),
        body_bytes: config.limits.body_bytes,
        body_silence: config.timeouts.body,
    };
    let listeners = config.listener.iter();
    let redirects = listeners.clone().map(config::Listener::redirects_to).collect();
    Ok(Live { resolvers, bounds, trusted: listeners.map(|listener| listener.trusted.clone()).collect(), redirects })
}

/// Tenants' code is nobody else's business. A folder that is there keeps the mode it has; one that
/// cannot be made is the lock's error.
fn private_folder(path: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(parent) = path.parent() {
        let _ = std::fs::create_dir_all(parent);
    }
    let _ = std::fs::DirBuilder::new().mode(0o700).create(path);
}

async fn sweep(catalog: Arc<Catalog>, runtime: Runtime, writers: Arc<Semaphore>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Ok(_writer) = writers.acquire().await else { return };
        match catalog.blobs_sweep().await {
            Ok(removed) => tracing::debug!(removed, "swept code that nothing names"),
            Err(error) => tracing::warn!(%error, "could not sweep code that nothing names"),
        }
        match catalog.versions_kept().await {
            Ok(kept) => {
                let removed = runtime.sweep(kept, SWEEP).await;
                tracing::debug!(removed, "swept sealed Workers of versions that are gone");
            }
            Err(error) => tracing::warn!(%error, "could not list the versions that are kept"),
        }
    }
}
