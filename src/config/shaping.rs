//! The settings that shape stacks: what the controller keeps of them in the swarm, and what a command on
//! another machine takes from there.

use std::collections::BTreeMap;

use super::{Registry, Settings, Traefik};
use crate::release::{Place, Proxy, Shaping};
use crate::stack::Stack;

/// The prefix of images that stay on the engine that built them (`build::LOCAL`).
const LOCAL: &str = "skep.local/";

impl Settings {
    /// The settings that others need to render the same stacks.
    pub fn shaping(&self) -> Shaping {
        let Traefik { network, entrypoint, insecure_entrypoint, resolver, refresh_seconds } = self.traefik.clone();
        let place = |registry: &Registry| Place { prefix: registry.prefix.clone(), insecure: registry.insecure };
        Shaping {
            registry: self.registry.as_ref().map(place),
            data_root: self.data_root.clone(),
            data_shared: self.data_shared,
            traefik: Proxy { network, entrypoint, insecure_entrypoint, resolver, refresh_seconds },
            variables: self.variable_names(),
        }
    }

    /// Takes settings that are not set here from the controller of the swarm; returns a sentence for each setting that
    /// differs.
    pub fn take(&mut self, controller: &Shaping) -> Vec<String> {
        let own = self.shaping();
        let mut differing = Vec::new();
        let mut note = |key: &str, here: &str, there: &str| {
            if here != there {
                differing.push(format!("`{key}` is {here} here, and {there} at the controller of this swarm"));
            }
        };
        let prefix = |place: &Option<Place>| place.as_ref().map_or("none".to_owned(), |place| place.prefix.clone());
        if self.given.contains("registry") {
            note("registry.prefix", &prefix(&own.registry), &prefix(&controller.registry));
        } else {
            self.registry = controller.registry.clone().map(registry);
        }
        if self.given.contains("data_root") {
            note("data_root", &own.data_root, &controller.data_root);
        } else {
            self.data_root.clone_from(&controller.data_root);
        }
        if !self.given.contains("data_shared") {
            self.data_shared = controller.data_shared;
        }
        if self.given.contains("traefik") {
            note("traefik.network", &own.traefik.network, &controller.traefik.network);
            let seconds = |proxy: &Proxy| format!("{} s", proxy.refresh_seconds);
            note("traefik.refresh_seconds", &seconds(&own.traefik), &seconds(&controller.traefik));
        } else {
            let Proxy { network, entrypoint, insecure_entrypoint, resolver, refresh_seconds } =
                controller.traefik.clone();
            self.traefik = Traefik { network, entrypoint, insecure_entrypoint, resolver, refresh_seconds };
        }
        self.given.extend(["registry", "data_root", "data_shared", "traefik"]);
        differing
    }

    /// The variables that the controller sets and this machine does not, so that their values are unknown here.
    pub fn variables_of(&self, controller: &Shaping, here: &BTreeMap<String, String>) -> Vec<String> {
        let own = self.variable_names();
        let is_set = |name: &&String| own.contains(*name) || here.contains_key(*name);
        controller.variables.iter().filter(|name| !is_set(name)).cloned().collect()
    }

    /// What is assumed of settings that neither this machine nor a controller of the swarm has told, as far as the stack
    /// depends on them.
    pub fn assumptions(&self, stack: &Stack) -> Vec<String> {
        let unknown = |key: &str| !self.given.contains(key);
        let why = "no controller has recorded its settings in this swarm, and none is set here";
        let mut assumed = Vec::new();
        if unknown("registry") && stack.services.values().any(|service| service.image.starts_with(LOCAL)) {
            assumed
                .push(format!("no registry is assumed, so that built images stay on this engine: {why} (`registry`)"));
        }
        if unknown("data_root") && !stack.folders.is_empty() {
            assumed.push(format!("volumes are assumed to be below {}: {why} (`data_root`)", self.data_root));
        }
        if unknown("traefik") && stack.services.values().any(|service| service.url.is_some()) {
            let network = &self.traefik.network;
            assumed.push(format!("Traefik is assumed to be on the network `{network}`: {why} (`traefik`)"));
        }
        assumed
    }
}

fn registry(place: Place) -> Registry {
    Registry { prefix: place.prefix, username: None, password_file: None, insecure: place.insecure, ca_file: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROLLER: &str = "registry: { prefix: registry.example.com/apps }\ndata_root: /srv\n\
                              traefik: { network: edge }\nvariables: { DOMAIN: example.com, MAIL: a@example.com }\n";

    #[test]
    fn what_is_not_set_here_is_taken_from_the_controller() {
        let controller = Settings::parse(CONTROLLER).unwrap().shaping();
        let mut here = Settings::parse("data_root: /mnt\nvariables: { DOMAIN: localhost }\n").unwrap();
        insta::assert_snapshot!(here.take(&controller).join("\n"), @"`data_root` is /mnt here, and /srv at the controller of this swarm");
        assert_eq!((here.data_root.as_str(), here.traefik.network.as_str()), ("/mnt", "edge"));
        assert_eq!(here.registry.as_ref().unwrap().prefix, "registry.example.com/apps");
        assert_eq!(here.variables_of(&controller, &BTreeMap::new()), ["MAIL"]);
        assert_eq!(Settings::parse(CONTROLLER).unwrap().take(&controller), Vec::<String>::new());
    }

    #[test]
    fn what_nobody_has_told_is_assumed_and_said_where_the_stack_depends_on_it() {
        let mut stack = Stack::empty("shop".parse().unwrap());
        let mut here = Settings::parse("").unwrap();
        assert_eq!(here.assumptions(&stack), Vec::<String>::new());
        let service = crate::stack::Service {
            image: "skep.local/shop/web:1".into(),
            url: Some("https://shop.example.com/".into()),
            ..crate::stack::Service::default()
        };
        stack.services.insert("web".parse().unwrap(), service);
        insta::assert_snapshot!(here.assumptions(&stack).join("\n"), @"
        no registry is assumed, so that built images stay on this engine: no controller has recorded its settings in this swarm, and none is set here (`registry`)
        Traefik is assumed to be on the network `traefik`: no controller has recorded its settings in this swarm, and none is set here (`traefik`)
        ");
        here.take(&Settings::parse("").unwrap().shaping());
        assert_eq!(here.assumptions(&stack), Vec::<String>::new());
    }
}
