use crate::lint::rule::{Found, rule};
use crate::revision::Revision;

rule! {
    /// The folder of a stack file is not a valid name for a stack.
    ///
    /// `stacks/<name>/stack.yml`, like files of other layouts and patterns in `skep.yml`, is deployed as the stack `<name>`. A
    /// name has lower-case letters, digits, `-` and `_`, and begins with a letter or digit. Otherwise the file would be
    /// ignored.
    "SK1013", Error, Revision(check), Holds
}

fn check(revision: &Revision) -> Vec<Found> {
    let misnamed = revision.misnamed().into_iter();
    misnamed
        .map(|(path, invalid)| {
            Found::new(&(0..0), invalid.to_string())
                .in_file(path)
                .help("rename the folder, or list the file in `skep.yml`")
        })
        .collect()
}
