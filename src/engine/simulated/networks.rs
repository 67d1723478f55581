//! Networks.

use serde_json::{Value, json};

use super::State;
use super::names::check_part_of_dns;
use super::requests::{Outcome, Refusal, Request, name_taken, not_found};

/// A network, as the API shows it.
#[derive(Debug)]
pub(super) struct Network(Value);

impl State {
    pub(super) fn networks_request(&mut self, request: &Request, rest: &[&str]) -> Outcome {
        match (request.method.as_str(), rest) {
            ("GET", []) => Ok(self.list_networks(request)),
            ("POST", ["create"]) => self.create_network(request.body()?),
            ("GET", [id]) => self.network(id).map(|network| network.0.clone()),
            ("DELETE", [id]) => self.delete_network(id),
            _ => request.not_allowed(),
        }
    }

    /// Those that every engine has.
    pub(super) fn add_predefined_networks(&mut self) {
        for (name, driver, scope) in [
            ("ingress", "overlay", "swarm"),
            ("bridge", "bridge", "local"),
            ("host", "host", "local"),
            ("none", "null", "local"),
        ] {
            self.add_network(&json!({ "Name": name, "Driver": driver }), scope);
        }
    }

    /// The id of the network that a service's attachment means.
    pub(super) fn network_id(&self, id_or_name: &str) -> Result<String, Refusal> {
        // The engine of 20.10 says 500 here and not 404.
        let network = self.network(id_or_name).map_err(|Refusal(_, words)| Refusal(500, words))?;
        Ok(network.id().to_owned())
    }

    fn network(&self, id_or_name: &str) -> Result<&Network, Refusal> {
        let by_name = || self.networks.values().find(|network| network.name() == id_or_name);
        self.networks.get(id_or_name).or_else(by_name).ok_or_else(|| not_found("network", id_or_name))
    }

    fn list_networks(&self, request: &Request) -> Value {
        let filters = request.filters();
        let fits = |network: &&Network| {
            filters.any("name", |part| network.name().contains(part))
                && filters.any("id", |id| network.id().starts_with(id))
                && filters.any("scope", |scope| network.0["Scope"] == scope)
                && filters.labels(&network.0["Labels"])
        };
        self.networks.values().filter(fits).map(|network| network.0.clone()).collect()
    }

    fn create_network(&mut self, body: &Value) -> Outcome {
        let name = body["Name"].as_str().unwrap_or_default();
        if self.network(name).is_ok() {
            return Err(name_taken("network", name));
        }
        if matches!(name, "none" | "default") {
            return Err(Refusal(403, format!("operation is not permitted on predefined {name} network ")));
        }
        check_part_of_dns(name)?;
        let scope = if body["Driver"] == "overlay" { "swarm" } else { "local" };
        Ok(json!({ "Id": self.add_network(body, scope) }))
    }

    fn add_network(&mut self, body: &Value, scope: &str) -> String {
        let meta = self.new_meta("network");
        let number = self.networks.len();
        let allocated = json!([{ "Subnet": format!("10.0.{number}.0/24"), "Gateway": format!("10.0.{number}.1") }]);
        let wanted = &body["IPAM"]["Config"];
        let network = json!({
            "Name": body["Name"], "Id": meta.id, "Created": meta.created.to_string(), "Scope": scope,
            "Driver": body["Driver"], "EnableIPv6": false,
            "IPAM": {
                "Driver": body["IPAM"]["Driver"].as_str().filter(|driver| !driver.is_empty()).unwrap_or("default"),
                "Options": null,
                "Config": if wanted.as_array().is_none_or(Vec::is_empty) { &allocated } else { wanted },
            },
            "Internal": body["Internal"] == true, "Attachable": body["Attachable"] == true,
            "Ingress": body["Name"] == "ingress", "ConfigOnly": false, "Containers": null,
            "Options": with_allocated(&body["Options"], number), "Labels": body["Labels"],
        });
        self.networks.insert(meta.id.clone(), Network(network));
        meta.id
    }

    fn delete_network(&mut self, id: &str) -> Outcome {
        let id = self.network(id)?.id().to_owned();
        if let Some(user) = self.services.values().find(|service| service.uses_network(&id)) {
            let words = format!("network {id} is in use by service {}", user.id());
            return Err(Refusal(400, format!("rpc error: code = FailedPrecondition desc = {words}")));
        }
        if let Some(task) = self.tasks.iter().find(|task| uses(&task.spec, &id)) {
            let words = format!("network {id} is in use by task {}", task.id);
            return Err(Refusal(400, format!("rpc error: code = FailedPrecondition desc = {words}")));
        }
        self.networks.remove(&id);
        Ok(Value::Null)
    }
}

impl Network {
    fn id(&self) -> &str {
        self.0["Id"].as_str().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.0["Name"].as_str().unwrap_or_default()
    }
}

/// Whether what a task was made from is attached to a network.
fn uses(task_template: &Value, id: &str) -> bool {
    task_template["Networks"].as_array().into_iter().flatten().any(|network| network["Target"] == id)
}

/// libnetwork keeps the number of an overlay network among the options that were asked for.
fn with_allocated(options: &Value, number: usize) -> Value {
    let mut options = options.as_object().cloned().unwrap_or_default();
    options.insert("com.docker.network.driver.overlay.vxlanid_list".into(), (4096 + number).to_string().into());
    options.into()
}
