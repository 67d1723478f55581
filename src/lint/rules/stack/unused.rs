use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Span;
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::File;

rule! {
    /// A network, volume, config or secret is defined and not used.
    ///
    /// A network or volume that no service uses is not created; a config or secret is, and stays unused in the swarm. Often the use
    /// was forgotten: a service with the path of a secret in its environment must also list the secret.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "nginx:1.27", networks: [front] }
    /// networks: { front: {}, back: {} }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "nginx:1.27", networks: [front, default] }
    /// networks: { front: {}, default: { driver_opts: { encrypted: "" } } }
    /// ```
    "SK2003", Info, Stack(check), Uses
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let file = subject.file;
    // Objects used by a service that is left out because of its profiles count as used.
    if !file.left_out.is_empty() {
        return Vec::new();
    }
    let used = used(file);
    // A name with a variable may be any name.
    let is_known = |what: &str| !used.iter().any(|(kind, name)| *kind == what && name.contains('$'));
    let of = |what: &'static str, defined: BTreeMap<&String, &Span>| {
        let unused: Vec<Found> = defined
            .into_iter()
            .filter(|(key, _)| is_known(what) && !used.contains(&(what, key.as_str())))
            .map(|(key, span)| {
                Found::new(span, format!("no service uses the {what} `{key}`")).help("use it, or remove it")
            })
            .collect();
        unused
    };
    let networks =
        file.networks.iter().filter(|(key, _)| *key != "default").map(|(key, one)| (key, &one.span)).collect();
    let volumes = file.volumes.iter().map(|(key, one)| (key, &one.span)).collect();
    let configs = file.configs.iter().map(|(key, one)| (key, &one.span)).collect();
    let secrets = file.secrets.iter().map(|(key, one)| (key, &one.span)).collect();
    let all = [of("network", networks), of("volume", volumes), of("config", configs), of("secret", secrets)];
    all.concat().into_iter().take(MAX_LOOKED_AT).collect()
}

fn used(file: &File) -> BTreeSet<(&'static str, &str)> {
    let mut used = BTreeSet::new();
    for service in file.services.values() {
        used.extend(service.networks.iter().map(|network| ("network", network.name.as_str())));
        used.extend(service.volumes.iter().map(|mount| ("volume", mount.source.as_str())));
        used.extend(service.configs.iter().map(|config| ("config", config.source.as_str())));
        used.extend(service.credential_spec.iter().map(|spec| ("config", spec.config.as_str())));
        used.extend(service.secrets.iter().map(|secret| ("secret", secret.source.as_str())));
    }
    used
}
