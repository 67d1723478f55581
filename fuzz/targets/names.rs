//! Names and addresses: what is taken for one can be trusted, and is the same when it is read again.
#![no_main]

use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use skep::lint::dockerfile::image::Image;
use skep::name::{CommitId, RepoPath, ServiceName, StackName};
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
    Image::of(text);
});

fn stays<T: FromStr + ToString>(text: &str) {
    if let Ok(name) = text.parse::<T>() {
        assert_eq!(name.to_string(), text);
    }
}
