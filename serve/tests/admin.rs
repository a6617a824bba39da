//! The admin endpoint over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::routing::{get, post};
use common::*;
use prometheus::Registry;
use serve::Admin;

#[tokio::test(flavor = "multi_thread")]
async fn metrics_health_readiness_and_pages() {
    let running = Running::start(&config(&["127.0.0.1:0"]), Mirror::default()).await;
    let ready = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&ready);
    let pages =
        Router::new().route("/explain", get(async || "because")).route("/change", post(async || "no"));
    let admin = Admin::new(running.registry.clone())
        .ready(|| true)
        .ready(move || asked.load(Ordering::Relaxed))
        .merge(pages)
        .start("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    udp(running.address(), &ask(1, "www.example."));

    let at = admin.local_addr();
    let (status, body) = http(at, "GET", "/metrics");
    assert_eq!(status, 200);
    assert!(body.contains("tern_queries_total{service=\"mirror\",transport=\"udp\"} 1"), "{body}");
    for name in body.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = name.split_once(' ').unwrap();
        assert!(name.starts_with("tern_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} {kind}");
    }
    assert_eq!(http(at, "GET", "/healthz").0, 200);
    assert_eq!(http(at, "GET", "/readyz").0, 503);
    ready.store(true, Ordering::Relaxed);
    assert_eq!(http(at, "GET", "/readyz").0, 200);
    assert_eq!(http(at, "HEAD", "/metrics"), (200, String::new()));
    assert_eq!(http(at, "GET", "/explain"), (200, "because".to_owned()));
    assert_eq!(http(at, "GET", "/nowhere").0, 404);
    for (method, path) in
        [("POST", "/change"), ("POST", "/metrics"), ("DELETE", "/nowhere"), ("PUT", "/explain")]
    {
        assert_eq!(http(at, method, path).0, 405, "{method} {path}");
    }
    admin.stop().await;
    assert!(std::net::TcpStream::connect(at).is_err());
    running.server.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = Admin::new(Registry::new()).start(taken.local_addr().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("mend: stop what listens there"), "{error}");
}
