//! A Docker daemon that records what it is asked, and knows no more than the Docker CLI asks for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::case::Case;

/// A request, without the API version in its path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) auth: Option<String>,
    pub(crate) body: Value,
}

/// A daemon. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Daemon(Arc<Mutex<World>>);

struct World {
    api: String,
    requests: Vec<Request>,
    networks: Vec<Value>,
    secrets: Vec<Value>,
    configs: Vec<Value>,
    services: Vec<Value>,
}

impl Daemon {
    /// A daemon in the state that the case begins with.
    pub(crate) fn new(case: &Case) -> Self {
        let list = |key: &str| case.state[key].as_array().cloned().unwrap_or_default();
        let world = World {
            api: case.api.clone(),
            requests: Vec::new(),
            networks: list("networks"),
            secrets: list("secrets"),
            configs: list("configs"),
            services: list("services"),
        };
        Self(Arc::new(Mutex::new(world)))
    }

    /// Listens on a socket until the runtime ends.
    pub(crate) fn listen(&self, socket: &Path) {
        let listener = tokio::net::UnixListener::bind(socket).unwrap();
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    /// What it was asked, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.0.lock().unwrap().requests.clone()
    }
}

async fn answer(Shared(daemon): Shared<Daemon>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut world = daemon.0.lock().unwrap();
    let path = unversioned(uri.path());
    let query = uri.query().unwrap_or_default();
    let request = Request {
        method: method.to_string(),
        path: path.to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        auth: headers.get("X-Registry-Auth").map(|value| value.to_str().unwrap().to_owned()),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    world.requests.push(request.clone());
    let (status, body) =
        world.answered(&request).unwrap_or_else(|| (404, json!({ "message": format!("page not found: {path}") })));
    let headers = [
        ("Api-Version", world.api.clone()),
        ("Ostype", "linux".to_owned()),
        ("Content-Type", "application/json".to_owned()),
    ];
    (StatusCode::from_u16(status).unwrap(), headers, body.to_string()).into_response()
}

fn unversioned(path: &str) -> &str {
    let versioned = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|slash| &rest[slash..]));
    versioned.unwrap_or(path)
}

impl World {
    fn answered(&mut self, request: &Request) -> Option<(u16, Value)> {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), &parts[..]) {
            (_, ["_ping"]) => Some((200, "OK".into())),
            ("GET", ["info"]) => {
                Some((200, json!({ "Swarm": { "LocalNodeState": "active", "ControlAvailable": true } })))
            }
            ("GET", ["version"]) => Some((200, json!({ "ApiVersion": self.api, "MinAPIVersion": "1.24" }))),
            ("GET", ["distribution", image @ .., "json"]) => Some(distribution(&image.join("/"))),
            ("GET", [kind]) => Some((200, self.listed(kind, request)?)),
            ("GET", [kind, name]) => Some(self.inspected(kind, name)?),
            ("POST", [kind, "create"]) => Some(self.created(kind, request)?),
            ("POST", [kind, id, "update"]) => Some(self.updated(kind, id, request)?),
            _ => None,
        }
    }

    fn of(&mut self, kind: &str) -> Option<&mut Vec<Value>> {
        match kind {
            "networks" => Some(&mut self.networks),
            "secrets" => Some(&mut self.secrets),
            "configs" => Some(&mut self.configs),
            "services" => Some(&mut self.services),
            _ => None,
        }
    }

    fn listed(&mut self, kind: &str, request: &Request) -> Option<Value> {
        let filters: Value = serde_json::from_str(request.query.get("filters")?).ok()?;
        let passes = |object: &&Value| {
            let labels = ["label", "name"].map(|key| filters[key].as_object().cloned());
            let [label, name] = labels;
            label.is_none_or(|wanted| wanted.keys().all(|label| has_label(object, label)))
                && name.is_none_or(|wanted| wanted.keys().any(|prefix| name_of(object).starts_with(prefix.as_str())))
        };
        Some(self.of(kind)?.iter().filter(passes).cloned().collect())
    }

    fn inspected(&mut self, kind: &str, name: &str) -> Option<(u16, Value)> {
        let found = self.of(kind)?.iter().find(|object| name_of(object) == name || id_of(object) == name).cloned();
        let missing = json!({ "message": format!("{kind} {name} not found") });
        Some(found.map_or((404, missing), |object| (200, object)))
    }

    fn created(&mut self, kind: &str, request: &Request) -> Option<(u16, Value)> {
        let name = request.body["Name"].as_str().unwrap_or_default().to_owned();
        let id = format!("{kind}-{name}");
        let object = if kind == "networks" {
            let mut network = request.body.clone();
            (network["Id"], network["Scope"]) = (id.clone().into(), "swarm".into());
            network
        } else {
            json!({ "ID": id, "Version": { "Index": 10 }, "Spec": request.body })
        };
        let objects = self.of(kind)?;
        if objects.iter().any(|other| name_of(other) == name) {
            return Some((409, json!({ "message": format!("{name} already exists") })));
        }
        objects.push(object);
        Some((201, json!({ "ID": id, "Id": id })))
    }

    fn updated(&mut self, kind: &str, id: &str, request: &Request) -> Option<(u16, Value)> {
        let object = self.of(kind)?.iter_mut().find(|object| id_of(object) == id)?;
        let data = &object["Spec"]["Data"];
        if (kind == "configs" || kind == "secrets") && data.is_string() && *data != request.body["Data"] {
            return Some((
                400,
                json!({ "message": "rpc error: code = InvalidArgument desc = only updates to Labels are allowed" }),
            ));
        }
        object["Spec"] = request.body.clone();
        Some((200, json!({ "Warnings": [] })))
    }
}

fn name_of(object: &Value) -> &str {
    object["Name"].as_str().or(object["Spec"]["Name"].as_str()).unwrap_or_default()
}

fn id_of(object: &Value) -> &str {
    object["ID"].as_str().or(object["Id"].as_str()).unwrap_or_default()
}

fn has_label(object: &Value, wanted: &str) -> bool {
    let labels = if object["Labels"].is_object() { &object["Labels"] } else { &object["Spec"]["Labels"] };
    let (name, value) = wanted.split_once('=').unwrap_or((wanted, ""));
    labels[name] == value
}

/// Every image is in the registry, but for those that are called `missing`.
fn distribution(image: &str) -> (u16, Value) {
    if image.contains("missing") {
        return (404, json!({ "message": format!("manifest for {image} not found") }));
    }
    let digest =
        format!("sha256:{:064x}", image.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte)));
    let platforms = json!([
        { "architecture": "amd64", "os": "linux" },
        { "architecture": "arm", "os": "linux", "variant": "v7" },
        { "architecture": "unknown", "os": "unknown" },
    ]);
    (
        200,
        json!({ "Descriptor": { "digest": digest, "mediaType": "application/vnd.oci.image.index.v1+json", "size": 1 }, "Platforms": platforms }),
    )
}
