//! The node's listeners as the configuration has them: their sockets, and the door that each puts before HTTP. What
//! of the doors can change while they serve is replaced here when the configuration is read again.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::app::AppError;
use crate::config::{self, Config};
use crate::handover::Inherited;
use crate::listen::{Clients, Door, PerAddress, ProxyHeaders};
use crate::observe::Metrics;
use crate::tls::{CertificateError, Prepared, Shared, Termination};

/// A socket that clients connect to, and its real address.
pub struct Bound {
    pub socket: TcpListener,
    pub address: SocketAddr,
}

impl Bound {
    /// On the threads that will serve it: one that was passed in, where there is one for this address.
    ///
    /// # Errors
    /// [`AppError::Listen`].
    pub async fn to(address: SocketAddr, threads: &Handle, inherited: &mut Inherited) -> Result<Self, AppError> {
        let failed = |source| AppError::Listen { address, source };
        let passed = inherited.take(address);
        let bound = threads.spawn(async move {
            let Some(passed) = passed else { return TcpListener::bind(address).await };
            passed.set_nonblocking(true)?;
            TcpListener::from_std(passed)
        });
        let bound = bound.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        let socket = bound.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address })
    }

    /// A descriptor of the same socket, for a process that comes after this one.
    ///
    /// # Errors
    /// [`AppError::Listen`].
    pub fn share(&self) -> Result<OwnedFd, AppError> {
        let shared = self.socket.as_fd().try_clone_to_owned();
        shared.map_err(|source| AppError::Listen { address: self.address, source })
    }
}

/// What stands before HTTP.
pub struct Doors {
    /// In the configured order.
    pub clients: Vec<Door>,
    pub admin: Door,
    /// Of all listeners for clients.
    counted: Arc<Clients>,
}

/// What [`Doors::replace`] puts in place.
pub struct Next {
    certificates: Vec<(Arc<Termination>, Prepared)>,
}

impl Doors {
    /// Blocks on files.
    ///
    /// # Errors
    /// A certificate cannot be used.
    pub fn open(config: &Config, metrics: &Metrics) -> Result<Self, CertificateError> {
        let shared = || Shared {
            metrics: metrics.tls().clone(),
            turns: Arc::new(Semaphore::new(config.limits.handshakes as usize)),
            deadline: config.timeouts.handshake,
        };
        // Clients are in nobody's way on the inside.
        let (of_clients, of_admin) = (shared(), shared());
        let terminated = |tls: &Option<config::Tls>, shared: &Shared| match tls {
            Some(tls) => Termination::new(tls, shared.clone()).map(Some),
            None => Ok(None),
        };
        let counted = Clients::new(config.limits.connections_per_address, metrics.connections().refused.clone());
        let door = |listener: &config::Listener| {
            let proxy = listener.proxy_protocol.as_ref().map(|proxy| {
                ProxyHeaders::new(proxy.trusted.clone(), metrics.proxy().clone(), config.timeouts.handshake)
            });
            let per_address = Some(PerAddress::new(counted.clone(), listener.trusted.clone()));
            Ok(Door { proxy, tls: terminated(&listener.tls, &of_clients)?, per_address })
        };
        let clients = config.listener.iter().map(door).collect::<Result<_, _>>()?;
        let admin = Door { tls: terminated(&config.admin.tls, &of_admin)?, ..Door::default() };
        Ok(Self { clients, admin, counted })
    }

    /// All that have certificates.
    pub fn terminations(&self) -> Vec<Arc<Termination>> {
        self.clients.iter().chain([&self.admin]).filter_map(|door| door.tls.clone()).collect()
    }

    /// Reads what a new configuration names; nothing has changed yet. Blocks on files.
    ///
    /// # Errors
    /// A certificate that was not in use before cannot be used.
    pub fn prepare(&self, config: &Config) -> Result<Next, CertificateError> {
        let mut certificates = Vec::new();
        let configured = config.listener.iter().map(|listener| &listener.tls).chain([&config.admin.tls]);
        for (door, tls) in self.clients.iter().chain([&self.admin]).zip(configured) {
            if let (Some(termination), Some(tls)) = (&door.tls, tls) {
                certificates.push((termination.clone(), termination.prepare(tls)?));
            }
        }
        Ok(Next { certificates })
    }

    /// From the next connection on.
    pub fn replace(&self, config: &Config, next: Next) {
        for (termination, prepared) in next.certificates {
            termination.replace(prepared);
        }
        self.counted.set_most(config.limits.connections_per_address);
        for (door, listener) in self.clients.iter().zip(&config.listener) {
            if let Some(clients) = &door.per_address {
                clients.trust(listener.trusted.clone());
            }
            if let (Some(headers), Some(proxy)) = (&door.proxy, &listener.proxy_protocol) {
                headers.trust(proxy.trusted.clone());
            }
        }
    }
}
