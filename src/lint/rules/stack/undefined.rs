use std::collections::BTreeMap;

use crate::diagnostic::suggest;
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{File, Service, Spanned};
use crate::text;

rule! {
    /// A service uses a network, volume, config or secret that the file does not define.
    ///
    /// `docker stack deploy` notices it only after it has created the other networks, configs and secrets, which it then
    /// leaves in the swarm.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     networks: [front]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     networks: [front, default]
    ///     volumes: ["data:/data", "/etc/localtime:/etc/localtime"]
    /// networks: { front: {} }
    /// volumes: { data: {} }
    /// ```
    "SK1003", Error, Stack(check), Holds, Names
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let services = subject.file.services.values();
    services.flat_map(|service| undefined(service, subject.file)).take(MAX_FOUND + 1).collect()
}

fn undefined<'a>(service: &'a Service, file: &'a File) -> impl Iterator<Item = Found> + 'a {
    let networks = service.networks.iter().map(|network| &network.name).filter(|name| name.value != "default");
    let volumes = service.volumes.iter().filter(|mount| mount.kind == "volume" && !mount.source.is_empty());
    let networks = networks.filter_map(|name| missing("network", name, &name.value, &file.networks));
    let volumes = volumes.filter_map(|mount| missing("volume", mount, &mount.source, &file.volumes));
    let configs = service.configs.iter().filter_map(|one| missing("config", one, &one.source, &file.configs));
    let secrets = service.secrets.iter().filter_map(|one| missing("secret", one, &one.source, &file.secrets));
    networks.chain(volumes).chain(configs).chain(secrets)
}

fn missing<P, T>(what: &str, place: &Spanned<P>, name: &str, defined: &BTreeMap<String, T>) -> Option<Found> {
    if defined.contains_key(name) {
        return None;
    }
    let help = suggest::did_you_mean(name, defined.keys().map(String::as_str))
        .unwrap_or_else(|| format!("define it under `{what}s:` at the top of the file"));
    Some(Found::new(&place.span, format!("there is no {what} `{}` in this file", text::cut(name))).help(help))
}
