//! Names and addresses: what is taken for one can be trusted, and is the same when it is read again.
#![no_main]

use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use skep::name::{CommitId, ImageReference, RepoPath, Repository, ServiceName, StackName};
use skep::source::Remote;

fuzz_target!(|text: &str| {
    stays::<StackName>(text);
    stays::<ServiceName>(text);
    stays::<CommitId>(text);
    stays::<RepoPath>(text);
    if let Ok(path) = RepoPath::root().join(text) {
        assert!(path.as_str().split('/').all(|part| part != ".."), "{path}");
    }
    if let Ok((remote, _)) = Remote::parse(text) {
        assert_eq!(
            Remote::parse(remote.as_str()).map(|(again, credentials)| (again, credentials.is_some())).ok(),
            Some((remote, false))
        );
    }
    let image = ImageReference::of(text);
    assert!(text.starts_with(image.repository()) && text.starts_with(image.tagged()));
    assert!(!image.registry().as_str().is_empty() && image.path.ends_with(image.base()));
    if ImageReference::can_be_pulled(text) {
        let familiar = image.familiar();
        assert_eq!(ImageReference::parse(&familiar).map(|again| again.familiar()), Ok(familiar.clone()));
    }
    let recorded = String::from(Repository::from(text));
    assert_eq!(String::from(Repository::from(recorded.as_str())), recorded);
});

fn stays<T: FromStr + ToString>(text: &str) {
    if let Ok(name) = text.parse::<T>() {
        assert_eq!(name.to_string(), text);
    }
}
