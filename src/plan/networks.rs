//! Networks that exist and are not what the file says: Swarm has no call that changes a network.

use super::observed::Observed;
use super::{FieldChange, difference, normal};
use crate::stack::{Network, OwnNetwork, Stack};

/// A network that stays as it is, whatever the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedNetwork {
    /// Its full name.
    pub name: String,
    /// The fields in which it is not what the file says.
    pub fields: Vec<FieldChange>,
}

/// The networks of a stack that exist and are not what they should be.
pub fn fixed_networks(desired: &Stack, observed: &Observed) -> Vec<FixedNetwork> {
    let own = desired.networks.iter().filter_map(|(name, network)| match (network, observed.networks.get(name)?) {
        (Network::Own(own), there) => Some((name, own, &there.network)),
        (Network::External, _) => None,
    });
    let differing = own.filter_map(|(name, own, there)| {
        let Network::Own(there) = there else { return None };
        let mut fields = difference::between(&normal::network(there, own), &normal::network(own, own));
        // Those of a service stand under `deploy`.
        for field in &mut fields {
            field.field = field.field.replacen("deploy.", "", 1);
        }
        (!fields.is_empty()).then(|| FixedNetwork { name: name.clone(), fields })
    });
    differing.collect()
}

/// Whether two descriptions of a network differ in their labels at most.
pub fn is_same_network(one: &OwnNetwork, other: &OwnNetwork) -> bool {
    let unlabelled = |network: &OwnNetwork| OwnNetwork {
        labels: std::collections::BTreeMap::new(),
        ..normal::network(network, network)
    };
    unlabelled(one) == unlabelled(other)
}

impl FixedNetwork {
    /// Whether it differs in its labels only, which no task notices.
    pub fn is_of_labels(&self) -> bool {
        self.fields.iter().all(|field| field.field.starts_with("labels"))
    }

    /// That it stays as it is, in a sentence with what to do.
    pub fn note(&self) -> String {
        let fields: Vec<_> = self.fields.iter().map(FieldChange::to_text).collect();
        format!(
            "network {} stays as it is, though the file says otherwise ({}): Swarm cannot change a network that exists; give \
             it another name, or remove the stack and deploy it again",
            self.name,
            fields.join(", ")
        )
    }
}
