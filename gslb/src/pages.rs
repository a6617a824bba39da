//! What the GSLB adds to the admin endpoint; read-only, JSON.
//!
//! - `/explain?service=NAME&address=ADDRESS[&family=4|6]`: an answer and the reasons for it;
//! - `/reach`: which carrier reaches which prefix, how, since when;
//! - `/geo?address=ADDRESS`: where the map puts an address;
//! - `/world`: serial and id of the current world, how many answers it moved, its files, and why the
//!   operators' file is refused, if it is.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get};
use serde::{Deserialize, Serialize};
use serde_json::json;
use steering::explain::{WorldFacts, explain};
use steering::{Engine, Family, World};

/// What the pages look at.
#[derive(Clone)]
struct Shown {
    engine: Arc<Engine>,
    sources: Arc<ArcSwap<Sources>>,
}

/// The files that make a world, by their absolute paths.
#[derive(Clone, Debug, Serialize)]
pub struct Sources {
    /// The topology; a reload may name another.
    pub topology: PathBuf,
    /// The operators' file.
    pub overrides: PathBuf,
}

/// The pages.
pub fn pages(engine: Arc<Engine>, sources: Arc<ArcSwap<Sources>>) -> Router {
    Router::new()
        .route("/explain", get(explain_page))
        .route("/reach", get(reach_page))
        .route("/geo", get(geo_page))
        .route("/world", get(world_page))
        .with_state(Shown { engine, sources })
}

/// An error in the pages' own form.
fn problem(status: StatusCode, message: String) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

fn address_of(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is no IP address"))
}

#[derive(Deserialize)]
struct ExplainQuery {
    service: String,
    address: String,
    family: Option<String>,
}

async fn explain_page(State(shown): State<Shown>, Query(query): Query<ExplainQuery>) -> Response {
    let world = shown.engine.world();
    let family = match query.family.as_deref() {
        None | Some("4") => Family::V4,
        Some("6") => Family::V6,
        Some(other) => {
            return problem(StatusCode::BAD_REQUEST, format!("family {other:?} is neither 4 nor 6"));
        }
    };
    let address = match address_of(&query.address) {
        Ok(address) => address,
        Err(message) => return problem(StatusCode::BAD_REQUEST, message),
    };
    let name: wire::Name = match query.service.parse() {
        Ok(name) => name,
        Err(error) => return problem(StatusCode::BAD_REQUEST, format!("{:?}: {error}", query.service)),
    };
    match world.layout.find(&name.folded()) {
        Some(service) => {
            let mut explanation = explain(&world, service, address, family);
            if let Some(refused) = shown.engine.refused() {
                explanation.note_refused(&refused);
            }
            Json(explanation).into_response()
        }
        None => problem(StatusCode::NOT_FOUND, no_such_service(&world, &query.service)),
    }
}

fn no_such_service(world: &World, asked: &str) -> String {
    let known: Vec<_> = world.layout.topology.services().iter().map(|service| &*service.name).collect();
    format!("{asked} is no service; there are {}", known.join(", "))
}

/// One carrier's reach of one prefix.
#[derive(Serialize)]
struct ReachRow<'a> {
    carrier: &'a str,
    prefix: String,
    line: &'a str,
    reachable: bool,
    path: &'a [u32],
    since: jiff::Timestamp,
    sessions: Vec<&'a str>,
}

async fn reach_page(State(shown): State<Shown>) -> Response {
    let world = shown.engine.world();
    let topology = &world.layout.topology;
    let mut rows = Vec::new();
    for (carrier_id, carrier) in topology.carriers().entries() {
        for (prefix_id, prefix) in topology.prefixes().entries() {
            let reach = world.snapshot.reach(carrier_id, prefix_id);
            let announced = prefix.announcements.iter().map(|announcement| announcement.session);
            rows.push(ReachRow {
                carrier: &carrier.name,
                prefix: prefix.cidr.to_string(),
                line: &prefix.line,
                reachable: reach.reachable,
                path: &reach.path,
                since: reach.since,
                sessions: announced.map(|session| &*topology.sessions()[session].name).collect(),
            });
        }
    }
    Json(rows).into_response()
}

#[derive(Deserialize)]
struct GeoQuery {
    address: String,
}

async fn geo_page(State(shown): State<Shown>, Query(query): Query<GeoQuery>) -> Response {
    let address = match address_of(&query.address) {
        Ok(address) => address,
        Err(message) => return problem(StatusCode::BAD_REQUEST, message),
    };
    let world = shown.engine.world();
    let located = world.layout.map.locate(address);
    Json(json!({ "address": address, "prefix": located.prefix, "place": located.place })).into_response()
}

async fn world_page(State(shown): State<Shown>) -> Response {
    let world = shown.engine.world();
    let sources = shown.sources.load();
    let services = world.layout.services().iter().map(|service| service.name.to_string());
    Json(json!({
        "world": WorldFacts::of(&world),
        "topology": sources.topology,
        "overrides": sources.overrides,
        "refused": shown.engine.refused().as_deref(),
        "moved": world.moved,
        "services": services.collect::<Vec<_>>(),
        "groups": world.layout.groups().len(),
        "fallbacks": world.fallbacks(),
    }))
    .into_response()
}
