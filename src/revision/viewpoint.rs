//! How the paths of a revision are shown.

use crate::name::RepoPath;

/// How the paths of a revision are shown: paths in a repository unchanged, and paths of local files,
/// whose revision begins at the root of the file system, relative to the working folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Viewpoint {
    /// The working folder, relative to the root of the file system; `None` for a repository.
    pub here: Option<RepoPath>,
    /// Whether the files were given relative to it.
    pub is_relative: bool,
}

impl Viewpoint {
    /// A path for display: relative if it is in the working folder, or if the files were given as relative paths, and
    /// absolute otherwise.
    pub fn shown(&self, path: &RepoPath) -> RepoPath {
        let Some(here) = &self.here else { return path.clone() };
        if let Some(below) = path.below(here) {
            return RepoPath::as_given(below);
        }
        if !self.is_relative {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_as_they_were_named() {
        let path = |text: &str| text.parse::<RepoPath>().unwrap();
        let seen = |of: &str, is_relative| {
            Viewpoint { here: Some(path("home/ada/shop")), is_relative }.shown(&path(of)).to_string()
        };
        assert_eq!(seen("home/ada/shop/web/stack.yml", false), "web/stack.yml");
        assert_eq!(seen("home/ada/wiki/stack.yml", true), "../wiki/stack.yml");
        assert_eq!(seen("home/ada/wiki/stack.yml", false), "/home/ada/wiki/stack.yml");
        assert_eq!(seen("etc/stack.yml", true), "../../../etc/stack.yml");
        assert_eq!(Viewpoint::default().shown(&path("web/stack.yml")), path("web/stack.yml"), "of a repository");
    }
}
