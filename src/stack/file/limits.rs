//! Compose keys with equivalents in `deploy`: `scale`, `cpus`, `mem_limit`, `mem_reservation`,
//! `pids_limit`. Equal values in both places are accepted, different ones are an error.

use super::fields::{Fields, Reader, spanned};
use super::types::{Deploy, Spanned};
use crate::diagnostic::Span;
use crate::stack::yaml::Node;
use crate::stack::{Mode, Resources};

impl Reader {
    pub(super) fn old_limits(&mut self, fields: &mut Fields<'_>, deploy: &mut Deploy) {
        if let Some(node) = fields.take("scale") {
            self.scale(node, deploy);
        }
        let cpus = fields.take("cpus").and_then(|node| Some(spanned(node, self.cpus("cpus", node)?)));
        let memory = fields.take("mem_limit").and_then(|node| Some(spanned(node, self.bytes("mem_limit", node)?)));
        let reserved =
            fields.take("mem_reservation").and_then(|node| Some(spanned(node, self.bytes("mem_reservation", node)?)));
        // In Compose -1 means no limit.
        let pids: Option<Spanned<i64>> = fields.integer(self, "pids_limit");
        let pids = pids.map(|pids| Spanned { span: pids.span, value: pids.value.max(0) });
        self.amount(("limits", "cpus"), "cpus", cpus, &mut deploy.limits, |amounts| &mut amounts.nano_cpus);
        self.amount(("limits", "memory"), "mem_limit", memory, &mut deploy.limits, |amounts| &mut amounts.memory);
        self.amount(("limits", "pids"), "pids_limit", pids, &mut deploy.limits, |amounts| &mut amounts.pids);
        let place = ("reservations", "memory");
        self.amount(place, "mem_reservation", reserved, &mut deploy.reservations, |amounts| &mut amounts.memory);
    }

    fn amount(
        &mut self,
        (section, name): (&str, &str),
        key: &str,
        amount: Option<Spanned<i64>>,
        amounts: &mut Option<Spanned<Resources>>,
        which: fn(&mut Resources) -> &mut i64,
    ) {
        let Some(Spanned { span, value }) = amount.filter(|amount| amount.value != 0) else { return };
        let amounts = amounts.get_or_insert_with(|| Spanned { span: span.clone(), value: Resources::default() });
        match which(&mut amounts.value) {
            there if *there == value => {}
            there @ 0 => *there = value,
            _ => self.twice(&span, key, &format!("deploy.resources.{section}.{name}")),
        }
    }

    fn scale(&mut self, node: &Node, deploy: &mut Deploy) {
        let Some(Spanned { span, value }) = self.integer("scale", node) else { return };
        match deploy.mode.value {
            Mode::Replicated(None) => deploy.mode = Spanned { span, value: Mode::Replicated(Some(value)) },
            Mode::ReplicatedJob(None) => deploy.mode = Spanned { span, value: Mode::ReplicatedJob(Some(value)) },
            Mode::Replicated(count) | Mode::ReplicatedJob(count) if count == Some(value) => {}
            Mode::Replicated(_) | Mode::ReplicatedJob(_) => self.twice(&span, "scale", "deploy.replicas"),
            Mode::Global | Mode::GlobalJob => {
                let help = "remove `scale`, or write `mode: replicated`".to_owned();
                self.problem(&span, "`scale` has no meaning for a service that runs on every node", help);
            }
        }
    }

    fn twice(&mut self, span: &Span, key: &str, place: &str) {
        let message = format!("`{key}` and `{place}` have different values");
        self.problem(span, message, format!("keep `{place}`"));
    }
}
