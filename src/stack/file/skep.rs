//! `x-skep`: skep's own settings, at the top and in services.

use super::fields::{Fields, Reader, spanned};
use super::types::{Http, Service, Spanned};
use crate::stack::yaml::{Node, Value};
use crate::stack::{Drift, Settings};

impl Reader {
    pub(super) fn settings(&mut self, node: &Node) -> Settings {
        let mut settings = Settings::default();
        let mut fields = Fields::of(self, node, "x-skep");
        if let Some(deadline) = fields.duration_up_to(self, "deadline", Settings::LONGEST) {
            settings.deadline = deadline.value;
        }
        if let Some(stable) = fields.duration_up_to(self, "stable", Settings::LONGEST) {
            settings.stable = stable.value;
        }
        if let Some(drift) = fields.take("drift").and_then(|node| self.drift(node)) {
            settings.drift = drift;
        }
        if let Some(prune) = fields.boolean(self, "prune") {
            settings.prune = prune.value;
        }
        // Already removed: see `stack::gather`.
        fields.take("variables");
        // Already removed in a file that uses a template: see `stack::template`.
        let (template, values) = (fields.take("template"), fields.take("values"));
        if let Some(node) = template {
            self.problem(&node.span, "a template cannot be made from another one", "write it out".to_owned());
        } else if let Some(node) = values {
            let help = "write `template: NAME` beside it".to_owned();
            self.problem(&node.span, "`values` are for a template, and none is named", help);
        }
        fields.finish(self);
        settings
    }

    fn drift(&mut self, node: &Node) -> Option<Drift> {
        // YAML 1.1 parsers, such as those of editors, read `off` as false.
        if node.as_bool() == Some(false) {
            return Some(Drift::Off);
        }
        match self.one_of("drift", node, &["off", "warn", "heal"])?.as_str() {
            "off" => Some(Drift::Off),
            "warn" => Some(Drift::Warn),
            _ => Some(Drift::Heal),
        }
    }

    /// The path of keys to a value: `database.password`, or a list.
    pub(super) fn secret_settings(&mut self, node: &Node) -> Option<Spanned<Vec<String>>> {
        let mut fields = Fields::of(self, node, "x-skep of a secret");
        let key = fields.take("key");
        fields.finish(self);
        let key = key?;
        let keys: Vec<String> = match key.value {
            Value::Sequence(_) => self.strings("key", key).into_iter().map(|key| key.value).collect(),
            _ => self.string("key", key)?.split('.').map(str::to_owned).collect(),
        };
        if keys.is_empty() || keys.iter().any(String::is_empty) {
            let help = "separate the keys by dots, as in `database.password`".to_owned();
            self.problem(&key.span, "this is not a path of keys", help);
            return None;
        }
        Some(spanned(key, keys))
    }

    /// Reads `x-skep` of a service. `builds` is whether it has a `build`, even an invalid one.
    pub(super) fn service_settings(&mut self, node: &Node, builds: bool, service: &mut Service) {
        let mut fields = Fields::of(self, node, "x-skep of a service");
        service.http = fields.take("http").and_then(|node| self.http(node));
        let says = |reader: &mut Self, key, node: Option<&Node>, word| {
            node.and_then(|node| reader.one_of(key, node, &[word])).is_some()
        };
        let (replicas, recreate) = (fields.take("replicas"), fields.take("recreate"));
        service.scaled_elsewhere = says(self, "replicas", replicas, "external");
        service.may_be_recreated = says(self, "recreate", recreate, "allow");
        let test = fields.take("test");
        let checks = fields.take("check");
        fields.finish(self);
        if let Some(node) = checks {
            service.checks = self.checks(node, service.deploy.mode.value);
        }
        let Some(test) = test else { return };
        self.list("test", test);
        let words = self.strings("test", test).into_iter().map(|word| word.value).collect();
        match &mut service.build {
            Some(build) => build.test = words,
            None if builds => {}
            None => {
                let message = "only built images can be tested, but this service has no `build`";
                self.problem(&test.span, message, "add `build`, or remove `test`".to_owned());
            }
        }
    }

    fn http(&mut self, node: &Node) -> Option<Http> {
        if let Value::Scalar { .. } = node.value {
            let host = self.string("http", node)?;
            return Some(Http {
                host,
                path: None,
                port: None,
                sticky: false,
                middlewares: Vec::new(),
                entrypoint: None,
            });
        }
        let mut fields = Fields::of(self, node, "http");
        let host = fields.string(self, "host");
        let path = fields.string(self, "path");
        let port = fields.integer(self, "port");
        let sticky = fields.boolean(self, "sticky");
        let middlewares = fields.strings(self, "middlewares");
        let entrypoint = fields.string(self, "entrypoint");
        fields.finish(self);
        if node.get("host").is_none() {
            self.problem(&node.span, "http has no `host`", "write the public host name of the service".to_owned());
        }
        let host = spanned(node, host?.value);
        Some(Http { host, path, port, sticky: sticky.is_some_and(|sticky| sticky.value), middlewares, entrypoint })
    }
}
