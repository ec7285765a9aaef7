//! Static assets of Workers: which requests they answer before the Worker, and what a Worker's
//! `env.ASSETS.fetch()` gives. A version's manifest and rules are kept in memory, bounded; files are
//! streamed from blobs. The order of decisions is that of Cloudflare's router and asset workers.

mod custom;
mod intent;
mod pattern;
mod range;
mod redirects;
mod respond;
mod site;

use std::ops::ControlFlow;
use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response};
use switchyard_catalog::{Catalog, CatalogError, VersionId};
use switchyard_runtime::Body;

use site::Site;

/// Bytes of manifests and rules in memory: some 300,000 files.
const MEMORY: u64 = 64 << 20;

/// Serves assets. One a node.
pub struct Assets {
    catalog: Arc<Catalog>,
    /// Of versions, which never change: an entry never needs invalidating.
    sites: moka::future::Cache<VersionId, Arc<Site>>,
}

/// Why an asset was not served.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AssetsError {
    #[error(transparent)]
    Catalog(Arc<CatalogError>),
    #[error("the version has no assets")]
    None,
}

impl Assets {
    pub fn new(catalog: Arc<Catalog>) -> Self {
        let sites = moka::future::Cache::builder()
            .max_capacity(MEMORY)
            .weigher(|_, site: &Arc<Site>| u32::try_from(site.bytes()).unwrap_or(u32::MAX))
            .build();
        Self { catalog, sites }
    }

    /// What becomes of a request to a version with assets: answered, or handed on to its Worker.
    /// `named`: it is for a named entrypoint, which assets do not stand before.
    ///
    /// # Errors
    /// [`AssetsError`]: ours.
    pub async fn before_worker(
        &self,
        version: VersionId,
        named: bool,
        request: Request<Body>,
    ) -> Result<ControlFlow<Response<Body>, Request<Body>>, AssetsError> {
        let site = self.site(version).await?;
        let (head, body) = request.into_parts();
        if site.has_worker() && (named || site.goes_to_worker(&head)) {
            return Ok(ControlFlow::Continue(Request::from_parts(head, body)));
        }
        drop(body);
        self.answer(&site, &head).await.map(ControlFlow::Break)
    }

    /// What `env.ASSETS.fetch(request)` gives: always a response.
    ///
    /// # Errors
    /// [`AssetsError`]: ours.
    pub async fn fetch(&self, version: VersionId, head: &Parts) -> Result<Response<Body>, AssetsError> {
        let site = self.site(version).await?;
        self.answer(&site, head).await
    }

    async fn answer(&self, site: &Site, head: &Parts) -> Result<Response<Body>, AssetsError> {
        let Some(target) = site::target(head) else { return Ok(respond::nothing()) };
        let intent = site.intent(&head.method, &target, site.config.not_found_handling);
        let mut response = match intent {
            site::Outcome::Asset { path, asset, status } => {
                let plan = respond::plan(&head.method, &head.headers, path, asset, status);
                let body = match plan.body.clone() {
                    None => Body::Empty,
                    Some(range) => respond::body(self.catalog.asset_open(asset.digest, range).await, &plan)?,
                };
                plan.head.map(|()| body)
            }
            site::Outcome::Redirect { location, status } => respond::redirect(status, &location),
            site::Outcome::MethodNotAllowed => respond::method_not_allowed(),
            site::Outcome::Nothing => respond::nothing(),
        };
        site.custom.apply(&target, response.headers_mut());
        Ok(response)
    }

    async fn site(&self, version: VersionId) -> Result<Arc<Site>, AssetsError> {
        let load = async {
            match self.catalog.assets_site(version).await {
                Ok(Some(site)) => Ok(Arc::new(Site::new(site))),
                Ok(None) => Err(AssetsError::None),
                Err(error) => Err(AssetsError::Catalog(Arc::new(error))),
            }
        };
        // One loads while the others wait.
        self.sites.try_get_with(version, load).await.map_err(|error| AssetsError::clone(&error))
    }
}
