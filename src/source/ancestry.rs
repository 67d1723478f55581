//! The relation of two commits.

use git2::{ErrorCode, Oid};

use super::objects::{Held, Reader};
use super::{Error, Objects};
use crate::name::CommitId;

/// The relation of a commit to one that was deployed earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// It is that commit or descends from it.
    Descends,
    /// It does not descend from it.
    Diverged,
    /// The repository does not have that commit.
    Unknown,
}

impl Objects {
    /// Returns the relation of `commit` to `earlier`. A folder has no history and counts as a descendant of every
    /// commit. Blocks.
    pub fn ancestry(&self, commit: &CommitId, earlier: &CommitId) -> Result<Ancestry, Error> {
        match self.open()? {
            Reader(Held::Folder(_)) => Ok(Ancestry::Descends),
            Reader(Held::Repository(repository)) => {
                let doing = || format!("compare the commits {commit} and {earlier}");
                let id = |commit: &CommitId| Oid::from_str(commit.as_str()).map_err(Error::local(doing()));
                let (commit_id, earlier_id) = (id(commit)?, id(earlier)?);
                if commit_id == earlier_id {
                    return Ok(Ancestry::Descends);
                }
                match repository.find_commit(earlier_id) {
                    Ok(_) => {}
                    Err(error) if error.code() == ErrorCode::NotFound => return Ok(Ancestry::Unknown),
                    Err(error) => return Err(Error::local(doing())(error)),
                }
                let descends = repository.graph_descendant_of(commit_id, earlier_id);
                let descends = descends.map_err(Error::local(doing()))?;
                Ok(if descends { Ancestry::Descends } else { Ancestry::Diverged })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use git2::{Repository, Signature};

    use super::*;

    #[test]
    fn a_commit_goes_on_from_its_ancestors_only() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let (who, tree) = (Signature::now("a", "a@example.com").unwrap(), repository.treebuilder(None).unwrap());
        let tree = repository.find_tree(tree.write().unwrap()).unwrap();
        let commit = |message: &str, parent: Option<Oid>| {
            let parents: Vec<_> = parent.iter().map(|id| repository.find_commit(*id).unwrap()).collect();
            repository.commit(None, &who, &who, message, &tree, &parents.iter().collect::<Vec<_>>()).unwrap()
        };
        let first = commit("first", None);
        let (second, other) = (commit("second", Some(first)), commit("other", Some(first)));
        let third = commit("third", Some(second));
        let objects = Objects::of_repository(folder.path(), None);
        let ancestry = |commit: Oid, earlier: &str| {
            objects.ancestry(&commit.to_string().parse().unwrap(), &earlier.parse().unwrap()).unwrap()
        };
        assert_eq!(ancestry(third, &first.to_string()), Ancestry::Descends);
        assert_eq!(ancestry(third, &third.to_string()), Ancestry::Descends);
        assert_eq!(ancestry(first, &third.to_string()), Ancestry::Diverged, "an older commit");
        assert_eq!(ancestry(other, &second.to_string()), Ancestry::Diverged, "a rewritten history");
        assert_eq!(ancestry(third, &"1".repeat(40)), Ancestry::Unknown);
    }
}
