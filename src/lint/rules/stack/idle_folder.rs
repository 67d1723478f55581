use crate::lint::rule::{Found, rule};
use crate::revision::Revision;

rule! {
    /// A folder looks like that of a stack, and nothing in it is deployed.
    ///
    /// Its neighbours are: each folder below `stacks/` with a `stack.yml`, or each that a pattern in `skep.yml` finds. This
    /// one has no stack file, or one of another name, which does not count beside `stack.yml`.
    "SK2022", Warning, Revision(check)
}

fn check(revision: &Revision) -> Vec<Found> {
    if revision.stack_files().is_empty() {
        return Vec::new();
    }
    let others = revision.other_files();
    let told = |folder: crate::name::RepoPath| {
        let file = others.iter().find(|source| folder.holds(&source.path));
        let message = format!("the folder `{folder}` looks like a stack, and nothing in it is deployed");
        if let Some(source) = file {
            let help = "call the file as those of its neighbours are called, or list it in `skep.yml`";
            Found::new(&(0..0), message).in_file(source.path.clone()).help(help)
        } else {
            let help = "add a stack file as its neighbours have one, or move it elsewhere";
            Found::new(&(0..0), message).in_file(folder).help(help)
        }
    };
    revision.idle_folders().into_iter().map(told).collect()
}
