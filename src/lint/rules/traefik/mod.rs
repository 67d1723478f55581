//! Rules about the labels that Traefik reads, and about Traefik's own stack.

mod basic_auth;
mod both_providers;
mod certificates;
mod constrained;
mod container_labels;
mod docker_label;
mod duplicate_name;
mod duplicate_rule;
mod exposed_by_default;
mod host_sni;
mod label_value;
mod labels_of_1;
mod name_of_before;
mod not_on_manager;
mod off_network;
mod old_option;
mod port;
mod redirected;
mod rule_of_2;
mod rule_syntax;
mod shared_service;
mod short_drain;
mod too_old_for_docker;
mod unknown_entry_point;
mod unknown_label;
mod unknown_middleware;
mod unlinked_router;
mod without_tls;

use crate::lint::rule::{Found, MAX_FOUND, Rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::labels::Labels;
use crate::stack::file::Service;

/// The rules about Traefik, in the order of the manual.
pub(super) static RULES: &[&Rule] = &[
    &container_labels::RULE,
    &port::RULE,
    &unknown_label::RULE,
    &rule_syntax::RULE,
    &rule_of_2::RULE,
    &label_value::RULE,
    &labels_of_1::RULE,
    &unknown_middleware::RULE,
    &unknown_entry_point::RULE,
    &unlinked_router::RULE,
    &duplicate_name::RULE,
    &shared_service::RULE,
    &duplicate_rule::RULE,
    &off_network::RULE,
    &both_providers::RULE,
    &docker_label::RULE,
    &basic_auth::RULE,
    &exposed_by_default::RULE,
    &without_tls::RULE,
    &host_sni::RULE,
    &certificates::RULE,
    &not_on_manager::RULE,
    &old_option::RULE,
    &too_old_for_docker::RULE,
    &short_drain::RULE,
    &redirected::RULE,
    &constrained::RULE,
    &name_of_before::RULE,
];

/// Findings about the labels of each service, if Traefik 2 or 3 reads them; limited to little more than is shown.
fn in_each(subject: &StackSubject<'_>, look: impl Fn(&Service, &Labels<'_>) -> Vec<Found>) -> Vec<Found> {
    let mut found = Vec::new();
    if subject.traefik.is_old() {
        return found;
    }
    for service in subject.file.services.values() {
        found.extend(look(service, &Labels::of(service)));
        if found.len() > MAX_FOUND {
            break;
        }
    }
    found
}
