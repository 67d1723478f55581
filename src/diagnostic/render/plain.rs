//! For a person, of what has no lines of a file to show.

use super::super::{Diagnostic, Where};

/// `error: …` in one line with its place, and `hint: …` below it with what to do.
pub fn plain<P: Where>(diagnostic: &Diagnostic<P>) -> String {
    let Diagnostic { severity, help, .. } = diagnostic;
    let hint = help.as_ref().map(|help| format!("\nhint: {help}")).unwrap_or_default();
    format!("{}: {}{hint}", severity.name(), diagnostic.sentence())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{KeyPath, Severity};

    #[test]
    fn what_to_do_is_a_line_of_its_own() {
        let taken = Diagnostic::new(KeyPath::of(["services", "web", "ports"]), "port 80 is taken");
        insta::assert_snapshot!(plain(&taken), @"error: services.web.ports: port 80 is taken");
        insta::assert_snapshot!(plain(&taken.rated(Severity::Warning).help("publish another one")), @r"
        warning: services.web.ports: port 80 is taken
        hint: publish another one
        ");
    }
}
