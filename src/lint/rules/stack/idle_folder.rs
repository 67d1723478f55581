use crate::lint::rule::{Found, rule};
use crate::revision::Revision;

rule! {
    /// A folder looks like a stack, but is not deployed.
    ///
    /// Its neighbours are deployed: folders below `stacks/` with a `stack.yml`, or folders that a pattern in `skep.yml` matches. This
    /// one has no stack file, or one with another name, which is ignored beside `stack.yml`.
    "SK2022", Warning, Revision(check)
}

fn check(revision: &Revision) -> Vec<Found> {
    if revision.stack_files().is_empty() {
        return Vec::new();
    }
    let others = revision.other_files();
    let told = |folder: crate::name::RepoPath| {
        let file = others.iter().find(|source| folder.holds(&source.path));
        let message = format!("the folder `{folder}` looks like a stack, but nothing in it is deployed");
        if let Some(source) = file {
            let help = "name the file like those of its neighbours, or list it in `skep.yml`";
            Found::new(&(0..0), message).in_file(source.path.clone()).help(help)
        } else {
            let help = "add a stack file like those of its neighbours, or move the folder";
            Found::new(&(0..0), message).in_file(folder).help(help)
        }
    };
    revision.idle_folders().into_iter().map(told).collect()
}
