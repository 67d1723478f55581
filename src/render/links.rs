//! `links`: another name for a service, which becomes an alias in the networks that both services join.

use super::Renderer;
use crate::stack::file::Link;

impl Renderer<'_> {
    /// Adds the link names as aliases to every linked service.
    pub(super) fn links(&mut self) {
        let file = self.file;
        for (name, service) in &file.services {
            let networks: Vec<String> = self.stack.services[name].networks.keys().cloned().collect();
            for link in &service.links {
                self.link(link, &networks);
            }
        }
    }

    fn link(&mut self, link: &Link, networks: &[String]) {
        let target = &link.service;
        let Some(service) = self.stack.services.get_mut(&target.value) else {
            let help = "define it, or join its network and use its name".to_owned();
            return self.problem(&target.span, format!("there is no service `{}` to link to", target.value), help);
        };
        let mut shared = service.networks.iter_mut().filter(|(network, _)| networks.contains(network)).peekable();
        if shared.peek().is_none() {
            let help = "let both join the same network".to_owned();
            let message = format!("this service and `{}` share no network, so it cannot be linked to", target.value);
            return self.problem(&target.span, message, help);
        }
        let Some(alias) = &link.alias else { return };
        for (_, attachment) in shared.filter(|(_, attachment)| !attachment.aliases.contains(alias)) {
            // The service's own name stays last, as in Docker.
            let behind = attachment.aliases.len().saturating_sub(1);
            attachment.aliases.insert(behind, alias.clone());
        }
    }
}
