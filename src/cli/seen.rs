//! Paths of this machine as the person who named them sees them.

use std::path::Path;

use crate::name::RepoPath;

/// A path below the root of the machine's files, as it is seen from the folder `here`: relative if it lies in it, or if
/// the person named it so, and absolute otherwise.
pub(super) fn seen_from(here: &RepoPath, path: &RepoPath, is_relative: bool) -> RepoPath {
    if let Some(below) = path.below(here) {
        return RepoPath::as_given(below);
    }
    if !is_relative {
        return RepoPath::as_given(&format!("/{path}"));
    }
    let parts = |path: &'_ RepoPath| {
        path.as_str().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let (here, path) = (parts(here), parts(path));
    let common = here.iter().zip(&path).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_owned(), here.len() - common);
    RepoPath::as_given(&up.chain(path[common..].iter().cloned()).collect::<Vec<_>>().join("/"))
}

/// The working folder, below the root of the machine's files.
pub(super) fn here() -> Option<RepoPath> {
    below_root(&std::env::current_dir().ok()?)
}

/// A path of this machine, below the root of its files.
pub(super) fn below_root(path: &Path) -> Option<RepoPath> {
    let path = std::path::absolute(path).ok()?;
    RepoPath::root().join(&format!("./{}", path.to_str()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_as_they_were_named() {
        let path = |text: &str| text.parse::<RepoPath>().unwrap();
        let seen = |of: &str, is_relative| seen_from(&path("home/ada/shop"), &path(of), is_relative).to_string();
        assert_eq!(seen("home/ada/shop/web/stack.yml", false), "web/stack.yml");
        assert_eq!(seen("home/ada/wiki/stack.yml", true), "../wiki/stack.yml");
        assert_eq!(seen("home/ada/wiki/stack.yml", false), "/home/ada/wiki/stack.yml");
        assert_eq!(seen("etc/stack.yml", true), "../../../etc/stack.yml");
    }
}
