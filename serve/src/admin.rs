//! The admin endpoint: metrics, health, and the pages that services add. It only reads.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::StartError;

/// How long a stop waits for pages that are being read.
const LAST_PAGES: Duration = Duration::from_millis(200);

/// An admin endpoint in the making.
pub struct Admin {
    registry: Registry,
    ready: Arc<dyn Fn() -> bool + Send + Sync>,
    pages: Router,
}

impl Admin {
    /// `/metrics` from `registry`, `/healthz` (the process lives), `/readyz`.
    pub fn new(registry: Registry) -> Self {
        Self { registry, ready: Arc::new(|| true), pages: Router::new() }
    }

    /// What `/readyz` asks, with all that was given before: has the service something to serve from?
    #[must_use]
    pub fn ready(mut self, ready: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let before = self.ready;
        self.ready = Arc::new(move || before() && ready());
        self
    }

    /// Adds pages. Only GET and HEAD reach them.
    #[must_use]
    pub fn merge(mut self, pages: Router) -> Self {
        self.pages = self.pages.merge(pages);
        self
    }

    /// All pages.
    pub fn router(self) -> Router {
        let ready = move || async move { if (self.ready)() { Ok("ready\n") } else { Err(not_ready()) } };
        Router::new()
            .route("/metrics", get(metrics).with_state(self.registry))
            .route("/healthz", get(async || "alive\n"))
            .route("/readyz", get(ready))
            .merge(self.pages)
            .layer(middleware::from_fn(only_read))
    }

    /// Listens on `address` and answers from now on. Runs within a tokio runtime.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub async fn start(self, address: SocketAddr) -> Result<AdminServer, StartError> {
        let failed = |source| StartError::listen("admin", address, source);
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, self.router())
            .with_graceful_shutdown(async { drop(stopped.await) })
            .into_future();
        let task = tokio::spawn(async {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the admin endpoint has ended");
            }
        });
        tracing::info!(%address, "admin endpoint");
        Ok(AdminServer { address, stop, task })
    }
}

/// A running admin endpoint; it ends when dropped.
#[derive(Debug)]
#[must_use = "an endpoint that is dropped ends"]
pub struct AdminServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl AdminServer {
    /// The address that it listens on, the port filled in.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, when the pages that are being read have been.
    pub async fn stop(mut self) {
        drop(self.stop);
        if timeout(LAST_PAGES, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn metrics(State(registry): State<Registry>) -> Response {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn not_ready() -> (StatusCode, &'static str) {
    (StatusCode::SERVICE_UNAVAILABLE, "not ready: nothing to serve from yet\n")
}

async fn only_read(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let told = "this endpoint only reads; change the files instead\n";
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")], told).into_response()
}
