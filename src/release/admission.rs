//! Admission: whether a repository may deploy a stack now, decided before anything is built.
//!
//! A stack belongs to one repository, so that two do not undo each other's releases. Each release records the owner. A
//! stack may be deployed by a command and still belongs to its repository; another repository needs
//! explicit consent to take it over.

use super::{Cause, History, Phase, ReleaseId};
use crate::name::{Repository, RepositoryKind, StackName, TreeId};
use crate::preflight::Consent;

/// A request to deploy a stack.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The stack.
    pub stack: &'a StackName,
    /// The repository of its files.
    pub repository: &'a Repository,
    /// The tree of its files, which identifies a failed release.
    pub tree: &'a TreeId,
    /// Whether something was pushed, so that a removed stack may be deployed again.
    pub news: bool,
    /// The given consent.
    pub consent: Consent,
}

/// The admission of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The owner of the stack from the next release on.
    pub owner: Repository,
    /// Notes for the user.
    pub note: Option<String>,
}

/// Why a stack is not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It belongs to another repository.
    #[error("the stack `{stack}` belongs to {}; give this one another name, or {remedy}", owner.described())]
    Foreign {
        /// The stack.
        stack: StackName,
        /// Its owner.
        owner: Repository,
        /// How to take it over.
        remedy: String,
    },
    /// The same files failed already.
    #[error("these files failed already, as {release}: {why}; change them, or try the same again with {remedy}")]
    Quarantined {
        /// The release that failed.
        release: ReleaseId,
        /// Its first symptom.
        why: String,
        /// How to retry.
        remedy: String,
    },
    /// It was removed by a command, and nothing was pushed since.
    #[error("the stack `{stack}` was removed, as {release}; nothing is deployed until something new is pushed")]
    Removed {
        /// The stack.
        stack: StackName,
        /// The release that removed it.
        release: ReleaseId,
    },
    /// It runs without a release of skep.
    #[error(
        "the stack `{stack}` already runs, and no release of it is recorded: somebody else deployed it, or its records were \
         removed; to take it over as it is and change it from there, use {remedy}"
    )]
    Unrecorded {
        /// The stack.
        stack: StackName,
        /// How to take it over.
        remedy: String,
    },
}

/// Admits a stack, or returns why not. `is_unrecorded` is whether it runs without any release ([`History::is_adoption`]).
///
/// Called first by every way to deploy: a push, a watched repository, and a command.
pub fn admit(candidate: &Candidate<'_>, history: &History, is_unrecorded: bool) -> Result<Admission, Refusal> {
    let Candidate { stack, repository, tree, news, consent } = *candidate;
    let admission = owner(candidate, history)?;
    if let Some(failed) = history.quarantine(tree).filter(|_| !consent.retry) {
        let why = match &failed.phase {
            Phase::Failed { symptoms, .. } => symptoms.first().map(|symptom| symptom.message.clone()),
            _ => None,
        };
        let (why, remedy) = (why.unwrap_or_default(), consent_to(repository, "retry"));
        return Err(Refusal::Quarantined { release: failed.id, why, remedy });
    }
    if let Some(last) = history.last().filter(|last| matches!(last.cause, Cause::Remove { .. }) && !news) {
        return Err(Refusal::Removed { stack: stack.clone(), release: last.id });
    }
    if is_unrecorded && !consent.adoption {
        let mut remedy = consent_to(repository, "adopt");
        if repository.kind() == RepositoryKind::Watched {
            remedy += ", or set `adopt: true` for it and push once more";
        }
        return Err(Refusal::Unrecorded { stack: stack.clone(), remedy });
    }
    Ok(admission)
}

/// The owner of the stack once this candidate is deployed.
fn owner(candidate: &Candidate<'_>, history: &History) -> Result<Admission, Refusal> {
    let Candidate { stack, repository, consent, .. } = *candidate;
    let to = |owner: &Repository| Admission { owner: owner.clone(), note: None };
    let Some(owner) = history.owner().filter(|owner| *owner != repository) else { return Ok(to(repository)) };
    let is_given = consent.takeover || (owner.is_by_hand() && consent.adoption);
    let by_hand = repository.is_by_hand();
    if (by_hand && owner.is_by_hand()) || (is_given && !owner.is_foreign()) {
        return Ok(to(repository));
    }
    if by_hand {
        let said = owner.described();
        let note = format!(
            "the stack `{stack}` belongs to {said}, whose next commit takes the place of this; `skep deploy --adopt` hands \
             it over to this folder"
        );
        return Ok(Admission { note: Some(note), ..to(owner) });
    }
    let remedy = if owner.is_foreign() {
        format!("remove it with the skep of that controller: `skep remove {stack}`")
    } else {
        format!("take it over with {}", consent_to(repository, "adopt"))
    };
    Err(Refusal::Foreign { stack: stack.clone(), owner: owner.clone(), remedy })
}

/// The option by which a user of a repository gives consent.
fn consent_to(repository: &Repository, option: &str) -> String {
    match repository.kind() {
        RepositoryKind::Hosted => format!("`git push -o {option}`"),
        RepositoryKind::Watched => format!("`skep sync {} -o {option}`", repository.name()),
        RepositoryKind::Folder | RepositoryKind::File | RepositoryKind::ByHand => format!("`skep deploy --{option}`"),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::health::Symptom;
    use crate::release::{Origin, Release};
    use crate::stack::Stack;

    /// A release of the stack `shop`: of which repository, why, and what owned the stack then.
    fn release(id: u64, repository: &Repository, cause: Cause, owner: Option<&Repository>) -> Release {
        let desired = Stack::empty("shop".parse().unwrap());
        Release {
            id: ReleaseId(id),
            stack: desired.name.clone(),
            origin: Origin { repository: repository.clone(), ..Origin::unknown() },
            owner: owner.cloned(),
            cause,
            created: jiff::Timestamp::UNIX_EPOCH,
            images: std::collections::BTreeMap::new(),
            desired: Some(desired),
            phase: Phase::promoted(jiff::Timestamp::UNIX_EPOCH),
            recorded: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn owned_by(owner: &Repository) -> History {
        History::new(vec![release(1, owner, Cause::Push, Some(owner))])
    }

    fn asked(repository: &Repository, consent: Consent, history: &History, is_unrecorded: bool) -> String {
        let (stack, tree) = ("shop".parse().unwrap(), "1".repeat(40).parse().unwrap());
        let candidate = Candidate { stack: &stack, repository, tree: &tree, news: false, consent };
        match admit(&candidate, history, is_unrecorded) {
            Ok(Admission { owner, note: None }) => format!("admitted, of {}", owner.described()),
            Ok(Admission { owner, note: Some(note) }) => format!("admitted, of {}; {note}", owner.described()),
            Err(refusal) => format!("refused: {refusal}"),
        }
    }

    const NOTHING: Consent =
        Consent { removal: false, recreation: false, unchecked: false, adoption: false, takeover: false, retry: false };
    const ADOPTION: Consent = Consent { adoption: true, ..NOTHING };
    const TAKEOVER: Consent = Consent { takeover: true, ..ADOPTION };

    #[test]
    fn a_stack_stays_with_its_owner_until_somebody_agrees_to_hand_it_over() {
        let (hosted, watched) = (Repository::hosted("shop"), Repository::watched("shop"));
        let (folder, other) = (Repository::folder("/srv/shop"), Repository::folder("/home/ada/shop"));
        let foreign = Repository::from("lab:shop");
        let said = [
            (&hosted, NOTHING, &hosted),
            (&hosted, NOTHING, &watched),
            (&watched, NOTHING, &hosted),
            // What the settings of a repository say once and for all takes no stack away from another one.
            (&watched, ADOPTION, &hosted),
            (&watched, TAKEOVER, &hosted),
            (&hosted, NOTHING, &folder),
            (&hosted, ADOPTION, &folder),
            (&folder, NOTHING, &hosted),
            (&folder, TAKEOVER, &hosted),
            (&folder, NOTHING, &other),
            (&hosted, TAKEOVER, &foreign),
            (&folder, TAKEOVER, &foreign),
        ];
        let said = said.map(|(repository, consent, owner)| asked(repository, consent, &owned_by(owner), false));
        assert_snapshot!(said.join("\n"), @"
        admitted, of the repository `shop` (pushed to skep)
        refused: the stack `shop` belongs to the repository `shop` (watched); give this one another name, or take it over with `git push -o adopt`
        refused: the stack `shop` belongs to the repository `shop` (pushed to skep); give this one another name, or take it over with `skep sync shop -o adopt`
        refused: the stack `shop` belongs to the repository `shop` (pushed to skep); give this one another name, or take it over with `skep sync shop -o adopt`
        admitted, of the repository `shop` (watched)
        refused: the stack `shop` belongs to the folder `/srv/shop`; give this one another name, or take it over with `git push -o adopt`
        admitted, of the repository `shop` (pushed to skep)
        admitted, of the repository `shop` (pushed to skep); the stack `shop` belongs to the repository `shop` (pushed to skep), whose next commit takes the place of this; `skep deploy --adopt` hands it over to this folder
        admitted, of the folder `/srv/shop`
        admitted, of the folder `/srv/shop`
        refused: the stack `shop` belongs to the repository `lab:shop` (pushed to skep); give this one another name, or remove it with the skep of that controller: `skep remove shop`
        admitted, of the repository `lab:shop` (pushed to skep); the stack `shop` belongs to the repository `lab:shop` (pushed to skep), whose next commit takes the place of this; `skep deploy --adopt` hands it over to this folder
        ");
    }

    #[test]
    fn releases_by_hand_take_no_stack_away_from_its_repository() {
        let (shop, folder) = (Repository::hosted("shop"), Repository::folder("/srv/shop"));
        let by_hand = |id| release(id, &folder, Cause::Command, Some(&shop));
        // The releases from the repository are too old to be kept.
        let history = History::new((7..17).map(by_hand).collect());
        assert_eq!(asked(&shop, NOTHING, &history, false), "admitted, of the repository `shop` (pushed to skep)");
        let history_of_old =
            History::new(vec![release(1, &shop, Cause::Push, None), release(2, &folder, Cause::Command, None)]);
        assert_eq!(
            asked(&shop, NOTHING, &history_of_old, false),
            "admitted, of the repository `shop` (pushed to skep)"
        );
    }

    #[test]
    fn what_failed_what_was_removed_and_what_nobody_recorded_is_refused_with_its_remedy() {
        let mut all = Vec::new();
        let places = [Repository::hosted("shop"), Repository::watched("team/shop"), Repository::folder("/srv/shop")];
        for place in &places {
            let mut failed = release(2, place, Cause::Push, Some(place));
            failed.origin.tree = "1".repeat(40).parse().unwrap();
            failed.phase = Phase::failed(failed.created, vec![Symptom::whole_stack("not healthy within 10m".into())]);
            let failed = History::new(vec![failed]);
            assert!(asked(place, Consent { retry: true, ..NOTHING }, &failed, false).starts_with("admitted"));
            let removed = History::new(vec![release(3, place, Cause::Remove { everything: false }, Some(place))]);
            let said = [(&failed, false), (&removed, false), (&History::default(), true)];
            let said = said.map(|(history, is_unrecorded)| asked(place, NOTHING, history, is_unrecorded));
            all.extend(said);
            assert!(asked(place, ADOPTION, &History::default(), true).starts_with("admitted"));
        }
        assert_snapshot!(all.join("\n"), @"
        refused: these files failed already, as r2: not healthy within 10m; change them, or try the same again with `git push -o retry`
        refused: the stack `shop` was removed, as r3; nothing is deployed until something new is pushed
        refused: the stack `shop` already runs, and no release of it is recorded: somebody else deployed it, or its records were removed; to take it over as it is and change it from there, use `git push -o adopt`
        refused: these files failed already, as r2: not healthy within 10m; change them, or try the same again with `skep sync team/shop -o retry`
        refused: the stack `shop` was removed, as r3; nothing is deployed until something new is pushed
        refused: the stack `shop` already runs, and no release of it is recorded: somebody else deployed it, or its records were removed; to take it over as it is and change it from there, use `skep sync team/shop -o adopt`, or set `adopt: true` for it and push once more
        refused: these files failed already, as r2: not healthy within 10m; change them, or try the same again with `skep deploy --retry`
        refused: the stack `shop` was removed, as r3; nothing is deployed until something new is pushed
        refused: the stack `shop` already runs, and no release of it is recorded: somebody else deployed it, or its records were removed; to take it over as it is and change it from there, use `skep deploy --adopt`
        ");
    }
}
