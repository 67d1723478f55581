//! Networks whose options differ from the file: Swarm cannot change them, and tasks would stay in the old network.

use super::in_the_way;
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::plan::fixed_networks;
use crate::plan::networks::{FixedNetwork, is_same_network};
use crate::plan::observed::Observed;
use crate::stack::{Network, Stack};

/// Obstacles for networks that exist with other options than in the file. If the release that `runs` already differed
/// in the same way, this deploy does not cause it, and it is only a note of the plan.
pub fn changed(desired: &Stack, observed: &Observed, runs: Option<&Stack>) -> Vec<(FixedNetwork, Diagnostic<KeyPath>)> {
    let is_old = |network: &FixedNetwork| match (
        runs.and_then(|it| it.networks.get(&network.name)),
        &desired.networks[&network.name],
    ) {
        (Some(Network::Own(before)), Network::Own(now)) => is_same_network(before, now),
        _ => false,
    };
    let fixed = fixed_networks(desired, observed).into_iter();
    let new = fixed.filter(|network| !network.is_of_labels() && !is_old(network));
    new.map(|network| (network.clone(), unchangeable(&network, desired))).collect()
}

fn unchangeable(network: &FixedNetwork, desired: &Stack) -> Diagnostic<KeyPath> {
    let key = network.name.strip_prefix(&desired.name.scoped("")).unwrap_or(&network.name);
    let fields: Vec<String> = network.fields.iter().map(|field| format!("`{}`", field.field)).collect();
    in_the_way(
        KeyPath::of(["networks", key]),
        format!(
            "the network `{}` exists with another {}, and Swarm cannot change a network: the tasks would go on in the old one",
            network.name,
            fields.join(" and ")
        ),
        "give it another key or `name`: it is then made anew, and the services move to it; or remove the stack (`skep \
               remove`) and deploy it again",
    )
}
