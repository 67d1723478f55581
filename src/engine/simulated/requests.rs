//! Requests and answers: which path means what, filters, refusals.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Meta, State, Write};

/// A request, without the API version in its path.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Option<Value>,
    pub(super) registry_auth: Option<String>,
    pub(super) over_socket: bool,
    /// The body of a build.
    pub(super) tarball: Bytes,
}

impl Request {
    /// A request with a method and a path alone.
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            query: BTreeMap::new(),
            body: None,
            registry_auth: None,
            over_socket: false,
            tarball: Bytes::new(),
        }
    }
}

/// An answer as it goes over the wire.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// What a handler says: a body, or a status and why not.
pub(super) type Outcome = Result<Value, Refusal>;

/// A status and the engine's words.
pub(super) struct Refusal(pub(super) u16, pub(super) String);

/// The `filters` of a list.
pub(super) struct Filters(Value);

impl State {
    pub(super) fn answer(&mut self, request: &Request) -> Option<Answer> {
        if let Some((path, left)) = &mut self.panicking
            && request.path == *path
            && *left > 0
        {
            *left -= 1;
            panic!("made to panic at {path}");
        }
        if let Some(left) = &mut self.reachable_for {
            *left = left.checked_sub(1)?;
        }
        if self.failing > 0 {
            self.failing -= 1;
            let status = self.failing_with;
            return Some(Answer::of(Err(Refusal(status, "this request was made to fail".into()))));
        }
        let is_write = request.is_write();
        if is_write {
            self.writes.push(Write {
                method: request.method.clone(),
                path: request.path.clone(),
                body: request.body.clone().unwrap_or_default(),
                registry_auth: request.registry_auth.clone(),
                over_socket: request.over_socket,
            });
            if let Some((status, message)) = self.refusal.take() {
                return Some(Answer::of(Err(Refusal(status, message))));
            }
        }
        if request.looks_at_records() {
            self.advance(self.next);
        }
        let answer = self.routed(request);
        if is_write && answer.is_refusal() {
            self.refusals.push(format!("{} {}: {}", request.method, request.path, answer.text()));
        } else if is_write {
            self.tell_of(request);
        }
        if is_write && std::mem::take(&mut self.loses_answer) { None } else { Some(answer) }
    }

    fn routed(&mut self, request: &Request) -> Answer {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let tail = request.query.get("tail").and_then(|tail| tail.parse().ok());
        match parts[..] {
            ["tasks", id, "logs"] => return Answer::raw(self.task_log(id, tail)),
            ["services", id, "logs"] => return Answer::raw(self.service_log(id, tail)),
            ["exec", id, "start"] => return Answer::raw(self.start_execution(id)),
            _ => {}
        }
        match (request.method.as_str(), &parts[..]) {
            ("POST", ["build"]) => return self.build(request),
            ("POST", ["images", name @ .., "push"]) => return self.push_image(&name.join("/"), request),
            (_, ["containers", rest @ ..]) => {
                if let Some(answer) = self.trials_request(request, rest) {
                    return answer;
                }
            }
            _ => {}
        }
        let outcome = match (request.method.as_str(), &parts[..]) {
            ("GET", ["_ping"]) => Ok("OK".into()),
            ("GET", ["version"]) => {
                Ok(json!({ "Version": "simulated", "ApiVersion": "1.41", "MinAPIVersion": "1.41" }))
            }
            ("GET", ["info"]) => Ok(self.info()),
            ("GET", ["nodes"]) => Ok(self.list_nodes()),
            ("GET", ["volumes"]) => Ok(json!({ "Volumes": null, "Warnings": null })),
            ("GET", ["tasks"]) => Ok(self.list_tasks(&request.filters())),
            ("GET", ["tasks", id]) => self.inspect_task(id),
            (_, ["containers", rest @ ..]) => self.containers_request(request, rest),
            ("GET", ["exec", id, "json"]) => self.inspect_execution(id),
            (_, ["services", rest @ ..]) => self.services_request(request, rest),
            (_, ["networks", rest @ ..]) => self.networks_request(request, rest),
            (_, ["configs", rest @ ..]) => self.files_request("config", request, rest),
            (_, ["secrets", rest @ ..]) => self.files_request("secret", request, rest),
            ("POST", ["session"]) => Ok(Value::Null),
            (_, ["images", rest @ ..]) => self.images_request(request, rest),
            ("GET", ["distribution", name @ .., "json"]) => self.ask_registry(&name.join("/")),
            _ => Err(Refusal(404, "page not found".into())),
        };
        Answer::of(outcome)
    }

    fn info(&self) -> Value {
        let swarm = json!({
            "NodeID": "node-1", "LocalNodeState": "active", "ControlAvailable": true, "Nodes": self.nodes,
            "Cluster": { "DefaultAddrPool": null, "SubnetSize": 24 },
        });
        json!({ "ID": "simulated", "Name": "node-1", "ServerVersion": "simulated", "OSType": "linux", "Architecture": "x86_64", "Swarm": swarm })
    }

    fn list_nodes(&self) -> Value {
        let node = |id: String| {
            let state = if self.down.contains(&id) { "down" } else { "ready" };
            json!({
                "ID": id, "Version": { "Index": 1 }, "UpdatedAt": self.registered.get(&id),
                "Spec": { "Role": "manager", "Availability": "active", "Labels": {} },
                "Description": {
                    "Hostname": id, "Platform": { "Architecture": "x86_64", "OS": "linux" },
                    "Resources": { "NanoCPUs": 4_000_000_000_u64, "MemoryBytes": 8_u64 << 30 },
                },
                "Status": { "State": state, "Addr": "127.0.0.1" },
            })
        };
        self.node_ids().map(node).collect()
    }
}

impl Request {
    /// Whether it may change the swarm. A command in a container or a build does not, and neither does a write with a version index
    /// that nothing has.
    fn is_write(&self) -> bool {
        if self.query.get("version").is_some_and(|version| version == "0") {
            return false;
        }
        // What the swarm does not know of: containers, images, builds and their sessions.
        let elsewhere = ["/containers/", "/exec/", "/images/", "/build", "/session"];
        let is_elsewhere = elsewhere.iter().any(|beginning| self.path.starts_with(beginning));
        self.method != "GET" && self.method != "HEAD" && !is_elsewhere
    }

    fn looks_at_records(&self) -> bool {
        let names = |filters: Filters| filters.values("name").is_some();
        self.method == "GET" && self.path == "/configs" && names(self.filters())
    }

    pub(super) fn filters(&self) -> Filters {
        let text = self.query.get("filters").map_or("{}", String::as_str);
        Filters(serde_json::from_str(text).unwrap_or_default())
    }

    /// The version index that a write carries.
    pub(super) fn version(&self) -> Result<u64, Refusal> {
        let version = self.query.get("version").and_then(|version| version.parse().ok());
        version.ok_or_else(|| Refusal(400, "invalid version".into()))
    }

    pub(super) fn body(&self) -> Result<&Value, Refusal> {
        self.body.as_ref().ok_or_else(|| Refusal(400, "EOF".into()))
    }

    pub(super) fn not_allowed<T>(&self) -> Result<T, Refusal> {
        Err(Refusal(404, format!("page not found: {} {}", self.method, self.path)))
    }
}

impl Answer {
    /// A stream of JSON values.
    pub(super) fn lines(values: &[Value]) -> Self {
        let lines: String = values.iter().flat_map(|value| [value.to_string(), "\r\n".to_owned()]).collect();
        Self { status: 200, body: lines.into() }
    }

    pub(super) fn of(outcome: Outcome) -> Self {
        match outcome {
            Ok(Value::Null) => Self { status: 204, body: Bytes::new() },
            Ok(body) => Self { status: 200, body: body.to_string().into() },
            Err(Refusal(status, message)) => Self { status, body: json!({ "message": message }).to_string().into() },
        }
    }

    /// An answer whose body is not JSON.
    fn raw(outcome: Result<Vec<u8>, Refusal>) -> Self {
        match outcome {
            Ok(body) => Self { status: 200, body: body.into() },
            Err(refusal) => Self::of(Err(refusal)),
        }
    }
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether it says no for another reason than a stale version index.
    fn is_refusal(&self) -> bool {
        self.status >= 400 && !self.text().contains("out of sequence")
    }
}

impl Filters {
    /// The values given for a key, in either of the two notations that the API takes; none if the key does not exist.
    fn values(&self, key: &str) -> Option<Vec<&str>> {
        match self.0.get(key)? {
            Value::Array(values) => Some(values.iter().filter_map(Value::as_str).collect()),
            Value::Object(values) => Some(values.keys().map(String::as_str).collect()),
            _ => None,
        }
    }

    /// Whether one of the values given for a key, if any, passes.
    pub(super) fn any(&self, key: &str, passes: impl Fn(&str) -> bool) -> bool {
        self.values(key).is_none_or(|values| values.into_iter().any(passes))
    }

    /// Whether all labels asked for are there, as `key` or `key=value`.
    pub(super) fn labels(&self, labels: &Value) -> bool {
        let has = |wanted: &str| match wanted.split_once('=') {
            Some((key, value)) => labels[key].as_str() == Some(value),
            None => labels.get(wanted).is_some(),
        };
        self.values("label").is_none_or(|wanted| wanted.into_iter().all(has))
    }

    /// Whether the name begins with one that is asked for, and the id and labels fit.
    pub(super) fn object(&self, id: &str, spec: &Value) -> bool {
        let name = spec["Name"].as_str().unwrap_or_default();
        self.any("name", |prefix| name.starts_with(prefix))
            && self.any("id", |wanted| id.starts_with(wanted))
            && self.labels(&spec["Labels"])
    }
}

impl Meta {
    pub(super) fn json(&self) -> Value {
        json!({
            "ID": self.id, "Version": { "Index": self.version },
            "CreatedAt": self.created.to_string(), "UpdatedAt": self.updated.to_string(),
        })
    }
}

/// `first` with the fields of `more`.
pub(super) fn joined(mut first: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut first, more) {
        fields.extend(more);
    }
    first
}

pub(super) fn not_found(kind: &str, id: &str) -> Refusal {
    Refusal(404, format!("{kind} {id} not found"))
}

pub(super) fn out_of_sequence() -> Refusal {
    Refusal(500, "rpc error: code = Unknown desc = update out of sequence".into())
}

pub(super) fn name_taken(kind: &str, name: &str) -> Refusal {
    let words = format!("name conflicts with an existing object: {kind} {name} already exists");
    Refusal(409, format!("rpc error: code = AlreadyExists desc = {words}"))
}
