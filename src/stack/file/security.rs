//! `security_opt`: the options that Swarm supports.

use super::fields::{Reader, quoted, spanned};
use super::types::Spanned;
use crate::stack::yaml::Node;
use crate::stack::{Privileges, SelinuxContext};

const HELP: &str = "Swarm has `no-new-privileges`, `seccomp=unconfined`, `apparmor=unconfined` and `label=…`; set the rest on the nodes";

impl Reader {
    pub(super) fn security(&mut self, node: &Node) -> Spanned<Privileges> {
        let mut privileges = Privileges::default();
        for option in self.strings("security_opt", node) {
            if !add(&mut privileges, &option) {
                let message = format!("`security_opt` has {}, which Swarm does not support", quoted(&option));
                self.problem(&option.span, message, HELP.to_owned());
            }
        }
        spanned(node, privileges)
    }
}

/// Adds an option. Returns whether Swarm supports it.
fn add(privileges: &mut Privileges, option: &str) -> bool {
    let (name, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
    match (name, value) {
        ("no-new-privileges", "" | "true") => privileges.no_new_privileges = true,
        ("no-new-privileges", "false") => privileges.no_new_privileges = false,
        ("seccomp", "unconfined") => "unconfined".clone_into(&mut privileges.seccomp),
        ("seccomp", "builtin") => "default".clone_into(&mut privileges.seccomp),
        ("apparmor", "unconfined") => "disabled".clone_into(&mut privileges.apparmor),
        ("apparmor", "docker-default") => "default".clone_into(&mut privileges.apparmor),
        ("label", label) => return selinux(privileges.selinux.get_or_insert_default(), label),
        _ => return false,
    }
    true
}

fn selinux(context: &mut SelinuxContext, label: &str) -> bool {
    let (name, value) = label.split_once(':').unwrap_or((label, ""));
    let field = match name {
        "disable" => {
            context.disable = true;
            return true;
        }
        "user" => &mut context.user,
        "role" => &mut context.role,
        "type" => &mut context.kind,
        "level" => &mut context.level,
        _ => return false,
    };
    value.clone_into(field);
    !value.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_swarm_has_is_taken() {
        let mut privileges = Privileges::default();
        for option in [
            "no-new-privileges:true",
            "seccomp=unconfined",
            "apparmor:unconfined",
            "label=type:svirt_t",
            "label:level:s0:c1",
        ] {
            assert!(add(&mut privileges, option), "{option}");
        }
        let context = privileges.selinux.unwrap();
        assert_eq!((context.kind.as_str(), context.level.as_str()), ("svirt_t", "s0:c1"));
        assert_eq!((privileges.seccomp.as_str(), privileges.apparmor.as_str()), ("unconfined", "disabled"));
        for option in ["seccomp=./profile.json", "apparmor=mine", "label=x", "systempaths=unconfined", ""] {
            assert!(!add(&mut Privileges::default(), option), "{option}");
        }
    }
}
