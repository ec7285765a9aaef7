//! Builds a node from its configuration and runs it: storage → runtime → catalog → routes →
//! dispatcher → resolvers → API → listeners, each part taking only those before it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use switchyard_api::{Api, ApiConfig};
use switchyard_catalog::{
    AccountId, AssetKey, Blobs, Catalog, CatalogError, CatalogSettings, Limits, Storage, StorageError, Validator,
};
use switchyard_runtime::{Runtime, RuntimeError};
use switchyard_storage::{DataLock, FileBlobs, OpenError, SecretKey, SqliteStorage};
use tokio::net::TcpListener;

use crate::admin::{Admin, AdminHandler};
use crate::admission::Admission;
use crate::announce::reachable;
use crate::bootstrap::{self, BootstrapError, Bootstrapped};
use crate::cache::Caches;
use crate::config::{self, Config, Wrong};
use crate::dispatch::{Dispatcher, Network};
use crate::egress::Egress;
use crate::gateway::{Bounds, Gateway, Live};
use crate::listen::{Deadlines, Handler, Server, ServerConfig};
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
use crate::upstream::Upstreams;
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
    background: Vec<tokio::task::JoinHandle<()>>,
    watcher: Option<Watcher>,
    websockets: Option<Arc<WebSockets>>,
    _reserve: Reserve,
    _lock: DataLock,
}

impl App {
    /// Returns once gateway and admin answer.
    ///
    /// # Errors
    /// [`AppError`]; nothing is left running.
    // Boxed: what is polled elsewhere is compiled there, and with it all that it calls; the binary and the tests would
    // each compile the whole node once more.
    pub fn start(config: Config) -> BoxFuture<'static, Result<Self, AppError>> {
        Box::pin(Self::start_node(config))
    }

    async fn start_node(config: Config) -> Result<Self, AppError> {
        config.check()?;
        private_folder(&config.data);
        let lock = DataLock::acquire(&config.data)?;
        let mut sockets = Vec::new();
        for listener in &config.listener {
            sockets.push(bind(listener.bind).await?);
        }
        let reserve = Reserve::start().map_err(AppError::Thread)?;
        let refused = |source| AppError::Listen { address: config.admin.bind, source };
        let inside_socket = reserve.bind(config.admin.bind).await.map_err(refused)?;
        let admin_address = inside_socket.local_addr().map_err(refused)?;

        let connections = Connections {
            clients: config.limits.connections,
            origins: config.egress.connections,
            admin: ADMIN_CONNECTIONS,
        };
        let connections = connections.within_limit();
        let observer = Arc::new(Observer::new(&config.log, &config.trace)?);
        let inside = Server::new(&server_config(&config, connections.admin), None);
        let clients =
            Server::new(&server_config(&config, connections.clients), Some(observer.metrics.connections().clone()));
        let state = Admin::new(observer.clone());
        inside.serve_on(reserve.handle(), inside_socket, AdminHandler(state.clone()));
        let mut parts = Parts {
            clients,
            inside,
            state,
            observer,
            background: Vec::new(),
            watcher: None,
            websockets: None,
            _reserve: reserve,
            _lock: lock,
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
        for (listener, (socket, address)) in sockets.into_iter().enumerate() {
            addresses.push(address);
            parts.clients.serve(socket, GatewayHandler { gateway: served.gateway.clone(), listener });
        }
        let app = Self { gateway: addresses, admin: admin_address, bootstrapped, config, served, parts };
        if let Err(error) = app.node_file().write(&app.config.data) {
            tracing::warn!(%error, "could not write node.json: tools on this machine must be told the address");
        }
        Ok(app)
    }

    async fn start_rest(
        config: &Config,
        parts: &mut Parts,
        sockets: &[(TcpListener, SocketAddr)],
        admin: SocketAddr,
        origins: u32,
    ) -> Result<(Served, Option<Bootstrapped>), AppError> {
        let data = &config.data;
        let secret_key = SecretKey::load_or_create(&data.join("secret.key"))?;
        let asset_key = AssetKey::new(&secret_key.derive("assets uploads"));
        let storage: Arc<dyn Storage> = Arc::new(SqliteStorage::open(data, secret_key).await?);
        let blobs: Arc<dyn Blobs> = Arc::new(FileBlobs::open(&data.join("blobs"))?);

        let limits = node_limits(config);
        let runtime_config = runtime_config(config, limits);
        let key = bootstrap::node_key(&data.join("node.key"))?;
        let tokio = tokio::runtime::Handle::current();
        // Compiles the engine the first time: seconds that health must not wait for.
        let loops = Loops::new(&key);
        let runtime = tokio::task::spawn_blocking(move || Runtime::new(runtime_config, key, tokio));
        let runtime = runtime.await.map_err(|_| AppError::RuntimeThread)??;

        let settings = CatalogSettings {
            max_code_bytes: config.limits.script_bytes,
            max_component_bytes: config.compile.component_bytes,
            max_compressed_code_bytes: config.limits.compressed_script_bytes,
            max_variables: config.limits.variables as usize,
            max_variable_bytes: usize::try_from(config.limits.variable_bytes).unwrap_or(usize::MAX),
            keep_versions: config.limits.versions,
            isolation: config.runtime.isolation,
            max_assets: config.limits.assets as usize,
            max_asset_bytes: config.limits.asset_bytes,
            asset_key,
            grantable: config.egress.grantable(),
            ..CatalogSettings::default()
        };
        let websockets = parts.websockets(config);
        let egress = config::Egress { connections: origins, ..config.egress.clone() };
        let egress = Egress::new(&egress, loops, websockets.clone())?;
        for (_, address) in sockets {
            egress.forbid(*address);
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
        let api = ApiConfig {
            max_upload_bytes: config.limits.upload_bytes,
            max_uploads: config.limits.uploads as usize,
            max_compiling: config.compile.in_memory(),
            max_parts: config.limits.upload_parts as usize,
            max_json_bytes: config.limits.json_bytes,
            wrong_tokens_per_minute: config.limits.wrong_tokens,
            body_idle: config.timeouts.body,
            ..ApiConfig::default()
        };
        parts.background.push(tokio::spawn(sweep(catalog.clone(), runtime)));
        let compiles = dispatcher.clone();
        parts.background.push(tokio::spawn(async move { compiles.rebuild_components().await }));
        let gateway = Arc::new(Gateway::new(dispatcher.clone(), parts.observer.clone(), websockets, live));
        let listeners = config.listener.iter().map(|listener| listener.bind.to_string()).collect();
        let explainer = Explainer { gateway: gateway.clone(), listeners };
        let view = NodeView { dispatcher: dispatcher.clone(), observer: parts.observer.clone() };
        let api = Api::new(catalog.clone(), Arc::new(tails), api);
        let api = api.with_resolvers(Arc::new(explainer)).with_node(Arc::new(view));
        parts.state.ready(api, dispatcher);
        Ok((Served { gateway, catalog }, bootstrapped))
    }

    fn node_file(&self) -> NodeFile {
        let url = |address: SocketAddr| format!("http://{}", reachable(address));
        let bootstrap = &self.config.bootstrap;
        // A token that came from elsewhere is in no file.
        let in_file = bootstrap.token.is_none() && bootstrap.token_env.is_none();
        let token_file = std::path::absolute(self.config.data.join(&bootstrap.token_file)).ok();
        let known = self.bootstrapped.as_ref();
        NodeFile {
            admin: url(self.admin) + "/client/v4",
            gateway: self.gateway.iter().map(|address| url(*address)).collect(),
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
        gateway.replace(live);
        dispatcher.upstreams.replace(&next.upstream);
        dispatcher.set_terms(NodeTerms::of(&next, node_limits(&next)));
        dispatcher.admission.set_bounds(next.limits.requests_per_script, next.limits.requests);
        self.config = next;
        Ok(waiting)
    }

    /// Stops accepting, finishes what is under way, and ends. True: no request was cut.
    pub fn drain(self) -> BoxFuture<'static, bool> {
        Box::pin(async move {
            self.parts.state.draining();
            NodeFile::remove(&self.config.data);
            tokio::time::sleep(self.config.timeouts.drain_delay).await;
            self.parts.stop(self.config.timeouts.drain).await
        })
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

    async fn handle(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Recorded> {
        self.gateway.handle(peer.ip(), self.listener, request).await
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
    Ok(Live { resolvers, bounds, trusted: config.listener.iter().map(|listener| listener.trusted.clone()).collect() })
}

/// Tenants' code is nobody else's business. A folder that is there keeps the mode it has; one that
/// cannot be made is the lock's error.
fn private_folder(path: &std::path::Path) {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(parent) = path.parent() {
        let _ = std::fs::create_dir_all(parent);
    }
    let _ = std::fs::DirBuilder::new().mode(0o700).create(path);
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), AppError> {
    let failed = |source| AppError::Listen { address, source };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let real = socket.local_addr().map_err(failed)?;
    Ok((socket, real))
}

async fn sweep(catalog: Arc<Catalog>, runtime: Runtime) {
    loop {
        tokio::time::sleep(SWEEP).await;
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

fn server_config(config: &Config, connections: u32) -> ServerConfig {
    ServerConfig {
        deadlines: Deadlines {
            head: config.timeouts.head,
            idle: config.timeouts.idle,
            write: config.timeouts.body,
            drain_idle: config.timeouts.drain_idle,
        },
        connections,
        head_bytes: usize::try_from(config.limits.head_bytes).unwrap_or(usize::MAX),
        headers: config.limits.headers as usize,
    }
}

fn node_limits(config: &Config) -> Limits {
    let whole = |ms: u128| Some(u32::try_from(ms).unwrap_or(u32::MAX)).filter(|ms| *ms > 0);
    Limits {
        cpu_ms: Some(u32::try_from(config.limits.cpu.as_millis()).unwrap_or(u32::MAX)),
        subrequests: Some(config.limits.subrequests),
        memory_bytes: Some(config.limits.memory),
        wall_ms: whole(config.limits.wall.as_millis()),
        request_bytes: None, // before a Worker is known: `body_bytes`
        response_bytes: Some(config.limits.response_bytes).filter(|bytes| *bytes > 0),
        concurrent_requests: None, // admission has `requests_per_script`
        requests_per_second: Some(config.limits.requests_per_second).filter(|rate| *rate > 0),
        connections: Some(config.limits.fetches_at_once),
        log_bytes: Some(config.limits.log_bytes),
    }
}

fn runtime_config(config: &Config, limits: Limits) -> switchyard_runtime::Config {
    let artefacts: PathBuf = config.data.join("artefacts");
    switchyard_runtime::Config {
        artefacts,
        guest_threads: config.runtime.threads as usize,
        max_instances: config.runtime.instances,
        instances_per_tenant: config.runtime.instances_per_script,
        queue_per_tenant: config.runtime.queue_per_script as usize,
        queue_total: config.runtime.queue as usize,
        queue_timeout: config.runtime.queue_timeout,
        worker_cache_bytes: config.runtime.worker_cache,
        held_bytes: usize::try_from(config.runtime.held_bytes).unwrap_or(usize::MAX),
        held_bytes_per_script: usize::try_from(config.runtime.held_bytes_per_script).unwrap_or(usize::MAX),
        warm_instances: config.runtime.warm_instances,
        warm_bytes: usize::try_from(config.runtime.warm_bytes).unwrap_or(usize::MAX),
        warm_requests_at_once: config.runtime.warm_requests_at_once,
        warm_requests: config.runtime.warm_requests,
        warm_age: config.runtime.warm_age,
        warm_idle: config.runtime.warm_idle,
        auto_warm_cpu: config.runtime.auto_warm_cpu,
        compile: config.compile.runtime(),
        limits,
        ..switchyard_runtime::Config::default()
    }
}
