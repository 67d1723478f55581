//! Repositories, the sources and owners of stacks.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Scope;

/// A repository: the source of a stack's files, and the owner of the stack.
///
/// Repositories of different kinds are different, even with the same name. Records name a repository as `shop` (hosted),
/// `watched shop`, `folder /srv/shop`, `file /srv/shop.yml` or `by hand`; in the scope `lab` as `lab:shop` and so on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Repository {
    /// The scope of its controller; `None` for the scope of the current process.
    other: Option<Scope>,
    kind: RepositoryKind,
    name: String,
}

/// The location of a repository, which determines how skep learns of its commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RepositoryKind {
    /// On the built-in Git server; it is pushed to.
    Hosted,
    /// On another server, named in the settings; it is fetched.
    Watched,
    /// A local folder, deployed by `skep deploy`.
    Folder,
    /// A local stack file, deployed by `skep deploy -c`.
    File,
    /// No repository: a stack that ran before skep, or that was released from its repository.
    ByHand,
}

impl RepositoryKind {
    const ALL: [Self; 5] = [Self::Watched, Self::Folder, Self::File, Self::ByHand, Self::Hosted];

    /// The prefix of a repository's text in records.
    fn prefix(self) -> &'static str {
        match self {
            Self::Hosted => "",
            Self::Watched => "watched ",
            Self::Folder => "folder ",
            Self::File => "file ",
            Self::ByHand => "by hand",
        }
    }
}

impl Repository {
    /// A repository on the built-in Git server.
    pub fn hosted(name: impl Into<String>) -> Self {
        Self::new(RepositoryKind::Hosted, name)
    }

    /// A repository named in the settings.
    pub fn watched(name: impl Into<String>) -> Self {
        Self::new(RepositoryKind::Watched, name)
    }

    /// A folder, by its path.
    pub fn folder(path: impl fmt::Display) -> Self {
        Self::new(RepositoryKind::Folder, path.to_string())
    }

    /// A stack file, by its path.
    pub fn file(path: impl fmt::Display) -> Self {
        Self::new(RepositoryKind::File, path.to_string())
    }

    /// No repository.
    pub fn by_hand() -> Self {
        Self::new(RepositoryKind::ByHand, "")
    }

    fn new(kind: RepositoryKind, name: impl Into<String>) -> Self {
        Self { other: None, kind, name: name.into() }
    }

    /// The kind of the repository.
    pub fn kind(&self) -> RepositoryKind {
        self.kind
    }

    /// Its name on the server or in the settings, or its path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name, if it is hosted by this controller.
    pub fn hosted_name(&self) -> Option<&str> {
        (self.kind == RepositoryKind::Hosted && self.other.is_none()).then_some(&self.name)
    }

    /// A description for messages about the owner of a stack.
    pub fn described(&self) -> String {
        match self.kind {
            RepositoryKind::Hosted => format!("the repository `{self}` (pushed to skep)"),
            RepositoryKind::Watched => format!("the repository `{self}` (watched)"),
            RepositoryKind::Folder => format!("the folder `{}`", self.name),
            RepositoryKind::File => format!("the file `{}`", self.name),
            RepositoryKind::ByHand => "nobody (it is deployed by hand)".to_owned(),
        }
    }

    /// Whether it belongs to a controller with another scope.
    pub fn is_foreign(&self) -> bool {
        self.other.is_some()
    }

    /// Whether its stacks are deployed by commands rather than by a controller.
    pub fn is_by_hand(&self) -> bool {
        matches!(self.kind, RepositoryKind::Folder | RepositoryKind::File | RepositoryKind::ByHand)
    }

    /// This repository as a watched one. Old records tell watched repositories only by the causes of releases.
    #[must_use]
    pub fn as_watched(self) -> Self {
        let kind = if self.kind == RepositoryKind::Hosted { RepositoryKind::Watched } else { self.kind };
        Self { kind, ..self }
    }

    /// This repository as recorded: with the scope of its controller, which is `own` unless it belongs to
    /// another one.
    #[must_use]
    pub fn recorded(&self, own: &Scope) -> Self {
        let scope = self.other.as_ref().unwrap_or(own);
        Self { other: Some(scope.clone()).filter(|scope| scope.name().is_some()), ..self.clone() }
    }

    /// A repository read from a record, relative to the scope `own`.
    #[must_use]
    pub fn seen_from(self, own: &Scope) -> Self {
        let scope = self.other.unwrap_or_default();
        Self { other: Some(scope).filter(|scope| scope != own), ..self }
    }

    /// A text that identifies the repository among all that are known at the same time: a controller does not watch a
    /// repository and host another one with the same name.
    pub fn key(&self) -> String {
        match self.kind {
            RepositoryKind::Watched => String::from(Self { kind: RepositoryKind::Hosted, ..self.clone() }),
            _ => String::from(self.clone()),
        }
    }
}

/// Parses the text of a record.
impl From<String> for Repository {
    fn from(text: String) -> Self {
        let (scope, rest) = Scope::split(&text);
        let has_prefix = |kind: &RepositoryKind| rest.starts_with(kind.prefix());
        let kind = RepositoryKind::ALL.into_iter().find(has_prefix).unwrap_or(RepositoryKind::Hosted);
        let name = rest.strip_prefix(kind.prefix()).unwrap_or(rest).to_owned();
        Self { other: Some(scope).filter(|scope| scope.name().is_some()), kind, name }
    }
}

impl From<&str> for Repository {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// The text of a record.
impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        let scope =
            repository.other.as_ref().and_then(Scope::name).map(|scope| format!("{scope}:")).unwrap_or_default();
        format!("{scope}{}{}", repository.kind.prefix(), repository.name)
    }
}

/// The repository as shown to users.
impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scope) = self.other.as_ref().and_then(Scope::name) {
            write!(f, "{scope}:")?;
        }
        match self.kind {
            RepositoryKind::Hosted | RepositoryKind::Watched => f.write_str(&self.name)?,
            kind => write!(f, "{}{}", kind.prefix(), self.name)?,
        }
        match &self.other {
            Some(scope) if scope.name().is_none() => f.write_str(" of the controller without SKEP_SCOPE"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [Repository; 5] {
        let folder = Repository::folder("/srv/shop");
        [
            Repository::hosted("shop"),
            Repository::watched("shop"),
            folder,
            Repository::file("a:b"),
            Repository::by_hand(),
        ]
    }

    #[test]
    fn a_repository_is_of_the_scope_that_recorded_it_and_of_no_other() {
        let scopes = [Scope::default(), "lab".parse().unwrap(), "live".parse().unwrap()];
        for (writer, reader) in scopes.iter().flat_map(|writer| scopes.iter().map(move |reader| (writer, reader))) {
            for repository in all() {
                let recorded = String::from(repository.recorded(writer));
                let read = Repository::from(recorded.clone()).seen_from(reader);
                assert_eq!(read == repository, reader == writer, "{recorded}");
                assert_eq!(read.is_foreign(), reader != writer, "{recorded}");
                assert_eq!(String::from(read.recorded(reader)), recorded);
            }
        }
    }

    #[test]
    fn two_of_one_name_are_two_and_look_alike_to_a_person() {
        let recorded = all().map(String::from).join("\n");
        insta::assert_snapshot!(recorded, @r"
        shop
        watched shop
        folder /srv/shop
        file a:b
        by hand
        ");
        assert_eq!(Repository::hosted("shop").to_string(), Repository::watched("shop").to_string());
        let lab = "lab".parse().unwrap();
        let seen = Repository::watched("shop").recorded(&Scope::default()).seen_from(&lab);
        assert_eq!(seen.to_string(), "shop of the controller without SKEP_SCOPE");
        assert_eq!(Repository::hosted("shop").recorded(&lab).to_string(), "lab:shop");
    }
}
