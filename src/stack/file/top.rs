//! `networks`, `volumes`, `configs` and `secrets` at the top of the file.

use std::collections::BTreeMap;

use super::fields::{Fields, Reader, quoted, spanned};
use super::types::{Network, Origin, Source, Spanned, Volume};
use crate::diagnostic::Span;
use crate::stack::interpolate::Unset;
use crate::stack::yaml::{Node, Value};
use crate::stack::{OwnNetwork, RESERVED, SecretDriver, is_reserved};

impl Reader {
    pub(super) fn version(&mut self, node: &Node) -> Option<Spanned<String>> {
        let version = self.string("version", node)?;
        let old = version.starts_with('1') || version.starts_with('2');
        if old || !version.starts_with('3') {
            let help = "remove the line: the version no longer has a meaning".to_owned();
            self.problem(
                &node.span,
                format!("version {} of the Compose file cannot be deployed to a swarm", version.value),
                help,
            );
        }
        Some(version)
    }

    pub(super) fn networks(&mut self, node: &Node) -> BTreeMap<String, Network> {
        self.section("networks", node, Self::network)
    }

    pub(super) fn volumes(&mut self, node: &Node) -> BTreeMap<String, Volume> {
        self.section("volumes", node, Self::volume)
    }

    /// `configs` or `secrets`.
    pub(super) fn sources(&mut self, what: &'static str, node: &Node) -> BTreeMap<String, Source> {
        let key = if what == "config" { "configs" } else { "secrets" };
        let sources = self.section(key, node, |reader, key, node| reader.source(what, key, node));
        sources.into_iter().filter_map(|(key, source)| Some((key, source?))).collect()
    }

    fn section<T>(
        &mut self,
        key: &str,
        node: &Node,
        mut read: impl FnMut(&mut Self, &Node, &Node) -> T,
    ) -> BTreeMap<String, T> {
        if !matches!(node.value, Value::Mapping(_)) {
            self.wrong(key, node, "a map", "");
        }
        for (name, _) in node.entries() {
            self.check_key(name);
        }
        node.entries().iter().map(|(key, value)| (key.raw().to_owned(), read(self, key, value))).collect()
    }

    /// Checks a key against Docker's schema, excluding keys that mean a folder, since a volume's key becomes one.
    fn check_key(&mut self, node: &Node) {
        let key = node.raw();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !key.starts_with(|c: char| c.is_ascii_alphanumeric()) || !key.chars().all(allowed) {
            let help = "use letters, digits, `.`, `_` and `-`, and begin with a letter or digit".to_owned();
            self.problem(&node.span, format!("`{}` cannot be a name in a swarm", key.escape_debug()), help);
        }
    }

    fn network(&mut self, key: &Node, node: &Node) -> Network {
        let mut fields = Fields::of(self, node, "a network");
        let (external, name) = self.external(key, &mut fields);
        let driver = fields.string(self, "driver");
        let mut options = OwnNetwork {
            driver: driver.map(|text| text.value).unwrap_or_default(),
            driver_opts: fields.options(self, "driver_opts"),
            attachable: fields.boolean(self, "attachable").is_some_and(|flag| flag.value),
            internal: fields.boolean(self, "internal").is_some_and(|flag| flag.value),
            enable_ipv6: fields.boolean(self, "enable_ipv6").is_some_and(|flag| flag.value),
            labels: fields.options(self, "labels"),
            ..OwnNetwork::default()
        };
        if let Some(node) = fields.take("ipam") {
            self.ipam(node, &mut options);
        }
        fields.finish(self);
        Network { span: key.span.clone(), external, name, options }
    }

    fn ipam(&mut self, node: &Node, options: &mut OwnNetwork) {
        let mut fields = Fields::of(self, node, "ipam");
        options.ipam_driver = fields.string(self, "driver").map(|text| text.value);
        for item in fields.take("config").map(|node| self.list("config", node)).unwrap_or_default() {
            self.subnet(item, options);
        }
        fields.finish(self);
    }

    fn subnet(&mut self, node: &Node, options: &mut OwnNetwork) {
        let mut fields = Fields::of(self, node, "a subnet");
        let [subnet, gateway, range] = ["subnet", "gateway", "ip_range"].map(|key| fields.string(self, key));
        fields.finish(self);
        let Some(subnet) = subnet.map(|subnet| subnet.value) else {
            if let Some(other) = gateway.or(range) {
                let help = "add the `subnet` that contains it".to_owned();
                self.problem(&other.span, "a gateway or range needs a `subnet`", help);
            }
            return;
        };
        options.gateways.extend(gateway.map(|gateway| (subnet.clone(), gateway.value)));
        options.ip_ranges.extend(range.map(|range| (subnet.clone(), range.value)));
        options.subnets.push(subnet);
    }

    fn volume(&mut self, key: &Node, node: &Node) -> Volume {
        let mut fields = Fields::of(self, node, "a volume");
        let (external, name) = self.external(key, &mut fields);
        let driver = fields.string(self, "driver");
        let volume = Volume {
            span: key.span.clone(),
            external,
            name,
            driver: driver.map(|text| text.value).unwrap_or_default(),
            driver_opts: fields.options(self, "driver_opts"),
            labels: fields.options(self, "labels"),
        };
        fields.finish(self);
        if external && !(volume.driver.is_empty() && volume.driver_opts.is_empty() && volume.labels.is_empty()) {
            let message =
                format!("the volume `{}` is external, so its driver and labels cannot be set here", key.raw());
            self.problem(&key.span, message, "remove `external`, or the other keys".to_owned());
        }
        volume
    }

    fn source(&mut self, what: &'static str, key: &Node, node: &Node) -> Option<Source> {
        let mut fields = Fields::of(self, node, if what == "config" { "a config" } else { "a secret" });
        let (external, name) = self.external(key, &mut fields);
        let labels = fields.options(self, "labels");
        let file = fields.take("file").map(|node| {
            let folder = self.sources.folder(&node.span);
            self.path("file", node, &folder).map(Origin::File)
        });
        let content = if what == "config" {
            fields.take("content").map(|node| self.string("content", node).map(Origin::Content))
        } else {
            None
        };
        let variable = fields.take("environment").map(|node| self.value_of(node));
        let driver = if what == "secret" { self.secret_driver(&mut fields) } else { None };
        let settings = if what == "secret" { fields.take("x-skep") } else { None };
        let taken = settings.and_then(|node| self.secret_settings(node));
        let template_driver = fields.string(self, "template_driver");
        fields.finish(self);
        let driver = driver.map(Origin::Driver).map(Some);
        let given = [external.then_some(Some(Origin::External)), file, content, variable, driver];
        let mut origins = given.into_iter().flatten();
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            let from = if what == "config" {
                "`file`, `content`, `environment` or `external: true`"
            } else {
                "`file`, `environment`, `driver` or `external: true`"
            };
            self.problem(
                &key.span,
                format!("the {what} `{}` has no source, or several", key.raw()),
                format!("write one of {from}"),
            );
            return None;
        };
        let template_driver = template_driver.map(|text| text.value).filter(|text| !text.is_empty());
        Some(Source { span: key.span.clone(), name, labels, template_driver, key: taken, origin: origin? })
    }

    /// The value of a variable as contents.
    fn value_of(&mut self, node: &Node) -> Option<Origin> {
        let name = self.string("environment", node)?;
        let Some(value) = self.variable(&node.span, &name) else {
            if !self.read_mode.as_written {
                let Spanned { span, value } = name;
                let unknown = format!("${{{value}}}");
                self.unset.push(Unset { span, name: value, is_empty: false, about: None });
                return Some(Origin::Content(spanned(node, unknown)));
            }
            let help = format!("set {}", name.value);
            self.problem(&node.span, format!("the variable {} is not set", name.value.escape_debug()), help);
            return None;
        };
        Some(Origin::Content(spanned(node, value)))
    }

    fn secret_driver(&mut self, fields: &mut Fields<'_>) -> Option<SecretDriver> {
        let name = fields.string(self, "driver");
        let options = fields.options(self, "driver_opts");
        let name = name.map(|name| name.value).filter(|name| !name.is_empty())?;
        Some(SecretDriver { name, options })
    }

    /// `external`, also in its old form with a name, and `name`. The default name of an external object is its key.
    fn external(&mut self, key: &Node, fields: &mut Fields<'_>) -> (bool, Option<Spanned<String>>) {
        let (external, name) = self.external_and_name(fields);
        match &name {
            Some(name) => self.check_not_reserved(&name.span, &name.value),
            None if external => self.check_not_reserved(&key.span, key.raw()),
            None => {}
        }
        (external, name)
    }

    /// Refuses reserved names, by which a stack could forge or read the records of other stacks.
    fn check_not_reserved(&mut self, span: &Span, name: &str) {
        if is_reserved(name) {
            let message = format!("the name {} is reserved: skep's own records begin with `{RESERVED}`", quoted(name));
            self.problem(span, message, "choose another `name`".to_owned());
        }
    }

    fn external_and_name(&mut self, fields: &mut Fields<'_>) -> (bool, Option<Spanned<String>>) {
        let name = fields.string(self, "name").filter(|name| !name.is_empty());
        let Some(node) = fields.take("external") else { return (false, name) };
        if let Value::Scalar { .. } = node.value {
            return (self.boolean("external", node).is_some_and(|external| external.value), name);
        }
        let mut inner = Fields::of(self, node, "external");
        let old = inner.string(self, "name");
        inner.finish(self);
        if let (Some(old), Some(_)) = (&old, &name) {
            self.problem(&old.span, "`external.name` and `name` are both given", "keep `name`".to_owned());
        }
        (true, name.or(old))
    }
}
