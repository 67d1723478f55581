//! `deploy`: replicas, placement and updates.

use std::collections::BTreeMap;

use super::fields::{Fields, Reader, spanned};
use super::types::{Deploy, Spanned};
use crate::stack::yaml::{Node, Scalar};
use crate::stack::{Mode, Resources, RestartPolicy, UpdateConfig};

impl Reader {
    pub(super) fn deploy(&mut self, node: &Node) -> Deploy {
        let mut fields = Fields::of(self, node, "deploy");
        let mut deploy = Deploy { span: node.span.clone(), ..Deploy::default() };
        deploy.mode = self.mode(&mut fields, node);
        deploy.labels = fields.labels(self, "labels");
        deploy.update_config = fields.take("update_config").map(|node| self.update_config(node));
        deploy.rollback_config = fields.take("rollback_config").map(|node| self.update_config(node));
        deploy.restart_policy = fields.take("restart_policy").map(|node| self.restart_policy(node));
        deploy.endpoint_mode = fields.take("endpoint_mode").and_then(|node| self.endpoint_mode(node));
        if let Some(node) = fields.take("resources") {
            self.resources(node, &mut deploy);
        }
        if let Some(node) = fields.take("placement") {
            self.placement(node, &mut deploy);
        }
        fields.finish(self);
        deploy
    }

    fn endpoint_mode(&mut self, node: &Node) -> Option<Spanned<String>> {
        let Spanned { span, value } = self.string("endpoint_mode", node)?;
        let value = value.to_ascii_lowercase();
        let is_none = self.read_mode.as_written && value.is_empty();
        if !is_none && !matches!(value.as_str(), "vip" | "dnsrr") {
            self.wrong("endpoint_mode", node, "`vip` or `dnsrr`", "");
        }
        Some(Spanned { span, value })
    }

    /// As Docker's `convertDeployMode`.
    fn mode(&mut self, fields: &mut Fields<'_>, deploy: &Node) -> Spanned<Mode> {
        const MODES: &[&str] = &["replicated", "global", "replicated-job", "global-job"];
        let mode = fields.take("mode").and_then(|node| self.one_of("mode", node, MODES));
        let replicas: Option<Spanned<u64>> = fields.integer(self, "replicas");
        let span = replicas.as_ref().map(|count| count.span.clone()).or(mode.as_ref().map(|mode| mode.span.clone()));
        let count = replicas.map(|count| count.value);
        let span = span.unwrap_or(deploy.span.start..deploy.span.start);
        let value = match mode.as_ref().map(|mode| mode.as_str()) {
            Some("replicated-job") => Mode::ReplicatedJob(count),
            Some(global @ ("global" | "global-job")) => {
                if count.is_some() {
                    let help = "remove `replicas`, or write `mode: replicated`".to_owned();
                    self.problem(&span, format!("`replicas` has no meaning in the mode `{global}`"), help);
                }
                if global == "global" { Mode::Global } else { Mode::GlobalJob }
            }
            _ => Mode::Replicated(count),
        };
        Spanned { span, value }
    }

    fn update_config(&mut self, node: &Node) -> Spanned<UpdateConfig> {
        const ACTIONS: &[&str] = &["pause", "continue", "rollback"];
        let mut fields = Fields::of(self, node, "update_config");
        let parallelism = fields.integer(self, "parallelism");
        let delay = fields.duration(self, "delay");
        let failure_action =
            fields.take("failure_action").and_then(|node| self.one_of("failure_action", node, ACTIONS));
        let monitor = fields.duration(self, "monitor");
        let max_failure_ratio = fields.take("max_failure_ratio").and_then(|node| self.ratio(node));
        let order = fields.take("order").and_then(|node| self.one_of("order", node, &["stop-first", "start-first"]));
        fields.finish(self);
        let config = UpdateConfig {
            parallelism: parallelism.map_or(1, |count| count.value),
            delay: delay.map(|time| time.value),
            failure_action: failure_action.map(|text| text.value).unwrap_or_default(),
            monitor: monitor.map(|time| time.value),
            max_failure_ratio: max_failure_ratio.unwrap_or(0.0),
            order: order.map(|text| text.value).unwrap_or_default(),
        };
        spanned(node, config)
    }

    fn ratio(&mut self, node: &Node) -> Option<f64> {
        let ratio = match node.scalar() {
            #[expect(clippy::cast_precision_loss, reason = "only 0 and 1 pass")]
            Some(Scalar::Int(value)) => Some(value as f64),
            Some(Scalar::Float(value)) => Some(value),
            Some(Scalar::Text(text)) => text.parse().ok(),
            _ => None,
        };
        let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
        if ratio.is_none() {
            self.wrong("max_failure_ratio", node, "a number between 0 and 1", "");
        }
        ratio
    }

    fn restart_policy(&mut self, node: &Node) -> Spanned<RestartPolicy> {
        let mut fields = Fields::of(self, node, "restart_policy");
        let condition = fields.take("condition").and_then(|node| self.restart_condition(node));
        let delay = fields.duration(self, "delay");
        let max_attempts = fields.integer(self, "max_attempts");
        let window = fields.duration(self, "window");
        fields.finish(self);
        let policy = RestartPolicy {
            condition: condition.map(|text| text.value).unwrap_or_default(),
            delay: delay.map(|time| time.value),
            max_attempts: max_attempts.map(|count| count.value),
            window: window.map(|time| time.value),
        };
        spanned(node, policy)
    }

    /// The condition of a restart. `always` and `unless-stopped` are values of `restart`, which mean `any` here.
    fn restart_condition(&mut self, node: &Node) -> Option<Spanned<String>> {
        const CONDITIONS: &[&str] = &["none", "on-failure", "any"];
        if !["always", "unless-stopped"].contains(&node.raw()) {
            return self.one_of("condition", node, CONDITIONS);
        }
        self.wrong("condition", node, "one of `none`, `on-failure`, `any`", "write `any`");
        None
    }

    fn resources(&mut self, node: &Node, deploy: &mut Deploy) {
        let mut fields = Fields::of(self, node, "resources");
        deploy.limits = fields.take("limits").map(|node| self.limits(node));
        deploy.reservations = fields.take("reservations").map(|node| self.reservations(node));
        fields.finish(self);
    }

    fn limits(&mut self, node: &Node) -> Spanned<Resources> {
        let mut fields = Fields::of(self, node, "limits");
        let mut amounts = self.amounts(&mut fields);
        amounts.pids = fields.integer(self, "pids").map_or(0, |pids| pids.value);
        fields.finish(self);
        spanned(node, told(amounts))
    }

    fn reservations(&mut self, node: &Node) -> Spanned<Resources> {
        let mut fields = Fields::of(self, node, "reservations");
        let mut amounts = self.amounts(&mut fields);
        amounts.generic = fields.take("generic_resources").map(|node| self.generic(node)).unwrap_or_default();
        if let Some(node) = fields.take("devices") {
            let help =
                "announce it as a generic resource of the node, and reserve it in `generic_resources`".to_owned();
            self.problem(&node.span, "Swarm cannot reserve `devices`", help);
        }
        fields.finish(self);
        spanned(node, told(amounts))
    }

    fn amounts(&mut self, fields: &mut Fields<'_>) -> Resources {
        Resources {
            nano_cpus: fields.take("cpus").and_then(|node| self.cpus("cpus", node)).unwrap_or(0),
            memory: fields.take("memory").and_then(|node| self.bytes("memory", node)).unwrap_or(0),
            ..Resources::default()
        }
    }

    fn generic(&mut self, node: &Node) -> BTreeMap<String, i64> {
        self.list("generic_resources", node).iter().filter_map(|item| self.one_generic(item)).collect()
    }

    fn one_generic(&mut self, node: &Node) -> Option<(String, i64)> {
        let mut outer = Fields::of(self, node, "a generic resource");
        let spec = outer.take("discrete_resource_spec");
        outer.finish(self);
        let spec = spec?;
        let mut fields = Fields::of(self, spec, "discrete_resource_spec");
        let kind = fields.string(self, "kind");
        let value = fields.integer(self, "value");
        fields.finish(self);
        if spec.get("kind").is_none() || spec.get("value").is_none() {
            self.problem(&spec.span, "a generic resource needs `kind` and `value`", None);
        }
        Some((kind?.value, value?.value))
    }

    fn placement(&mut self, node: &Node, deploy: &mut Deploy) {
        let mut fields = Fields::of(self, node, "placement");
        deploy.constraints = fields.strings(self, "constraints");
        deploy.preferences = fields.take("preferences").map(|node| self.preferences(node)).unwrap_or_default();
        deploy.max_replicas_per_node = fields.integer(self, "max_replicas_per_node");
        fields.finish(self);
    }

    fn preferences(&mut self, node: &Node) -> Vec<Spanned<String>> {
        let mut spreads = Vec::new();
        for item in self.list("preferences", node) {
            let mut fields = Fields::of(self, item, "a preference");
            spreads.extend(fields.string(self, "spread"));
            fields.finish(self);
        }
        spreads
    }
}

/// Marks a section as present, even if it is empty.
fn told(amounts: Resources) -> Resources {
    Resources { empty: amounts == Resources::default(), ..amounts }
}
