//! Comments for properties that the Compose file cannot express, because `docker stack deploy` would refuse them.

use std::fmt::Write as _;

use crate::stack::{Condition, Network, Privileges, Stack};

/// Writes comments about properties that Docker's format lacks.
pub(super) fn tell(text: &mut String, stack: &Stack) {
    for (name, service) in &stack.services {
        for (what, words) in [("group_add", &service.group_add), ("dns_opt", &service.dns_opt)] {
            if !words.is_empty() {
                let _ = writeln!(text, "# Docker ignores: {what} of {name}: {}", shown(&words.join(", ")));
            }
        }
        for (other, condition) in &service.depends_on {
            match condition {
                Condition::Started => drop(writeln!(text, "# {name} waits until {other} is started.")),
                Condition::Healthy => {}
                Condition::Completed => drop(writeln!(text, "# {name} waits until {other} has succeeded.")),
            }
        }
    }
    for (name, network) in &stack.networks {
        let Network::Own(own) = network else { continue };
        let addresses = own.gateways.iter().map(|(subnet, gateway)| format!("gateway {gateway} of {subnet}"));
        let ranges = own.ip_ranges.iter().map(|(subnet, range)| format!("ip_range {range} of {subnet}"));
        for what in addresses.chain(ranges).chain(own.enable_ipv6.then(|| "enable_ipv6".to_owned())) {
            let _ = writeln!(text, "# Docker ignores: {} of the network {}", shown(&what), shown(name));
        }
    }
}

/// A text that stays on its line.
fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

/// `security_opt`, which Docker ignores in a swarm.
pub(super) fn security_opt(privileges: &Privileges) -> Vec<String> {
    let mut options = Vec::new();
    if privileges.no_new_privileges {
        options.push("no-new-privileges".to_owned());
    }
    match privileges.seccomp.as_str() {
        "" => {}
        "unconfined" => options.push("seccomp=unconfined".to_owned()),
        _ => options.push("seccomp=builtin".to_owned()),
    }
    match privileges.apparmor.as_str() {
        "" => {}
        "disabled" => options.push("apparmor=unconfined".to_owned()),
        _ => options.push("apparmor=docker-default".to_owned()),
    }
    let Some(context) = &privileges.selinux else { return options };
    if context.disable {
        options.push("label=disable".to_owned());
    }
    let labels = [("user", &context.user), ("role", &context.role), ("type", &context.kind), ("level", &context.level)];
    let given = labels.into_iter().filter(|(_, value)| !value.is_empty());
    options.extend(given.map(|(name, value)| format!("label={name}:{value}")));
    options
}
