use crate::lint::rule::{Found, rule};
use crate::revision::Revision;

rule! {
    /// The folder of a stack file is not the name of a stack.
    ///
    /// `stacks/<name>/stack.yml` is deployed as the stack `<name>`, and so is a file that another layout or a pattern of
    /// `skep.yml` finds: lower-case letters, digits, `-` and `_`, beginning with a letter or digit. The file would be left
    /// out.
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
