use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::RepoPath;

rule! {
    /// A stack file is ignored.
    ///
    /// If there are `stacks/<name>/stack.yml`, a stack file at the top is not deployed; and of several at the top only
    /// the first is deployed: `stack.yml`, `docker-stack.yml`, `compose.yaml`, `compose.yml`, `docker-compose.yaml`,
    /// `docker-compose.yml`. A `compose.yaml` for development beside the `stack.yml` is no problem; a
    /// `stack.yml` beside `stacks/` is probably a mistake. A file that another one includes or extends is part of that file.
    ///
    /// ```yaml bad
    /// # stack.yml
    /// services:
    ///   web: { image: "nginx:1.27" }
    /// # compose.yaml
    /// services:
    ///   web: { image: "nginx:1.27" }
    /// ```
    ///
    /// ```yaml good
    /// # stack.yml
    /// include: [compose.yaml]
    /// # compose.yaml
    /// services:
    ///   web: { image: "nginx:1.27" }
    /// ```
    "SK1019", Info, Stacks(check)
}

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    let Some(revision) = stacks.first().map(|stack| stack.revision) else { return Vec::new() };
    let deployed: Vec<String> = revision.stack_files().iter().map(|source| format!("`{}`", source.path)).collect();
    let instead = match deployed.as_slice() {
        [] => return Vec::new(),
        [one] => one.clone(),
        [first, .., last] => format!("{first} to {last}"),
    };
    let is_part = |path: &RepoPath| stacks.iter().any(|stack| stack.file.sources.paths().any(|part| part == path));
    let passed_over = revision.passed_over().into_iter().filter(|path| !is_part(path));
    passed_over
        .map(|path| {
            let help = format!("list it in `skep.yml` to deploy it as well; only {instead} is deployed");
            Found::new(&(0..0), "this stack file is not deployed").in_file(path).help(help)
        })
        .collect()
}
