//! Variables that are not set: a warning when a file is only checked, an error when it is deployed.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity};
use crate::diagnostic::{Place, line_column};
use crate::lint::check::stack_file::StackFile;
use crate::lint::check::{Inspection, finding, sort};
use crate::lint::rule::Found;
use crate::lint::rules::stack::{looks_secret, unset_variable};
use crate::name::RepoPath;
use crate::stack::file::File;
use crate::stack::interpolate::Unset;
use crate::text::cut;

pub(super) use unset_variable::ID;

/// The most lines that are named for one variable.
const MAX_LINES: usize = 5;
/// The most uses of one variable whose lines are looked up.
const MAX_LOOKED_UP: usize = 20;
/// The most variables of which more than the name is shown.
const MAX_PLACED: usize = 50;

impl Inspection<'_> {
    /// Replaces the warnings of each stack with an error that names all of them, regardless of settings and comments:
    /// the stack cannot be deployed without its variables.
    pub(super) fn insist_on_variables(&self, findings: &mut Vec<Diagnostic>) {
        findings.retain(|finding| finding.id() != ID);
        findings.extend(self.stacks.iter().filter_map(|stack| self.missing(stack)));
        sort(findings);
    }

    fn missing(&self, stack: &StackFile) -> Option<Diagnostic> {
        let file = stack.file().filter(|file| !file.read_mode.as_written)?;
        let first = file.unset.first()?;
        let mut by_name: BTreeMap<&str, Vec<&Unset>> = BTreeMap::new();
        file.unset.iter().for_each(|unset| by_name.entry(&unset.name).or_default().push(unset));
        let told = by_name.iter().enumerate().map(|(number, (name, uses))| match number {
            0..MAX_PLACED => format!("{} ({})", cut(name), self.described(stack, file, uses)),
            _ => cut(name).into_owned(),
        });
        let told: Vec<String> = told.collect();
        let message = match told.as_slice() {
            [one] => format!("the variable {one} is not set"),
            all => format!("{} variables are not set: {}", all.len(), all.join(", ")),
        };
        let names: Vec<&str> = by_name.into_keys().collect();
        let found = Found::new(&first.span, message).help(remedy(&names, &stack.source.path.parent()));
        Some(finding(ID, Severity::Error, &stack.source.path, found.placed(&file.sources)))
    }

    /// The lines in which a variable is used, and the author's comment about it.
    fn described(&self, stack: &StackFile, file: &File, uses: &[&Unset]) -> String {
        let mut places: Vec<String> = Vec::new();
        for unset in uses.iter().take(MAX_LOOKED_UP) {
            let place = self.line(stack, file, unset);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let more = places.len().saturating_sub(MAX_LINES);
        places.truncate(MAX_LINES);
        let lines = if places.len() == 1 { "line" } else { "lines" };
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let about = uses.iter().find_map(|unset| unset.about.as_ref()).map(|about| format!(": {about}"));
        format!("{lines} {}{more}{}", places.join(", "), about.unwrap_or_default())
    }

    /// Where a variable is used: the number of the line, with the file if it is another one.
    fn line(&self, stack: &StackFile, file: &File, unset: &Unset) -> String {
        let Place { path, span } = file.sources.place(&unset.span);
        let text = self.revision.texts.get(&path).map_or(&[][..], AsRef::as_ref);
        let (line, _) = line_column(text, span.start);
        if path == stack.source.path { line.to_string() } else { format!("{line} of {path}") }
    }
}

/// Where to set each of them.
fn remedy(names: &[&str], folder: &RepoPath) -> String {
    let (secret, open): (Vec<&str>, Vec<&str>) =
        names.iter().take(MAX_PLACED).copied().partition(|name| looks_secret(name));
    let file = folder.join(".env").map_or_else(|_| ".env".to_owned(), |path| path.to_string());
    let settings = "`variables` of skep's settings";
    let of_secret = |names: &[&str]| {
        format!("set {} in {settings}, not in the repository: it looks like a secret", names.join(", "))
    };
    let of_open = |names: &[&str]| {
        format!(
            "set {} in `{file}`, in `x-skep.variables` of the stack file or in {settings}, or write a default: `${{{}:-…}}`",
            names.join(", "),
            names[0]
        )
    };
    match (open.as_slice(), secret.as_slice()) {
        ([], secret) => of_secret(secret),
        (open, []) => of_open(open),
        (open, secret) => format!("{}; {}", of_open(open), of_secret(secret)),
    }
}
