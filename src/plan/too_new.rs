//! Fields that an engine is too old for. It silently drops them, so they are not differences to
//! apply, but are reported.

use std::borrow::Cow;
use std::mem::take;

use crate::stack::{Service, Stack};

/// A version of the Docker API.
pub type ApiVersion = (u32, u32);

/// Fields, the first version of the API with each (moby `docs/api/version-history.md`), and how each is removed:
/// whether it was set.
type Field = (&'static str, ApiVersion, fn(&mut Service) -> bool);

const FIELDS: [Field; 6] = [
    ("healthcheck.start_interval", (1, 44), |service| {
        service.healthcheck.as_mut().and_then(|check| check.start_interval.take()).is_some_and(|it| it.0 != 0)
    }),
    ("security_opt: no-new-privileges", (1, 44), |service| take(&mut service.security_opt.no_new_privileges)),
    ("security_opt: seccomp", (1, 44), |service| !take(&mut service.security_opt.seccomp).is_empty()),
    ("security_opt: apparmor", (1, 44), |service| !take(&mut service.security_opt.apparmor).is_empty()),
    ("volumes: subpath", (1, 45), |service| {
        let volumes = service.volumes.iter_mut().filter_map(|mount| mount.volume.as_mut());
        let taken: Vec<String> = volumes.map(|volume| take(&mut volume.subpath)).collect();
        taken.iter().any(|subpath| !subpath.is_empty())
    }),
    ("oom_score_adj", (1, 46), |service| take(&mut service.oom_score_adj) != 0),
];

/// Sentences about the fields of a stack that an engine with `api` ignores.
pub fn left_out(stack: &Stack, api: ApiVersion) -> Vec<String> {
    stack.services.iter().flat_map(|(name, service)| kept(name.as_str(), service, api).1).collect()
}

/// A service as stored by an engine with `api`, and sentences about the ignored fields.
pub(super) fn kept<'a>(name: &str, service: &'a Service, api: ApiVersion) -> (Cow<'a, Service>, Vec<String>) {
    let mut without = service.clone();
    let too_new = FIELDS.iter().filter(|(_, since, takes)| api < *since && takes(&mut without));
    let sentence = |(field, (major, minor), _): &Field| {
        let (has, has_minor) = api;
        format!(
            "service {name}: `{field}` needs Docker API {major}.{minor}; this engine has {has}.{has_minor} and ignores it"
        )
    };
    let left_out: Vec<String> = too_new.map(sentence).collect();
    (if left_out.is_empty() { Cow::Borrowed(service) } else { Cow::Owned(without) }, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Privileges;

    #[test]
    fn what_an_engine_is_too_old_for_is_left_out_and_told() {
        let privileges = Privileges { no_new_privileges: true, ..Privileges::default() };
        let service = Service { oom_score_adj: 5, security_opt: privileges, ..Service::default() };
        let (old, said) = kept("web", &service, (1, 41));
        assert_eq!(*old, Service::default());
        insta::assert_snapshot!(said.join("\n"), @"
        service web: `security_opt: no-new-privileges` needs Docker API 1.44; this engine has 1.41 and ignores it
        service web: `oom_score_adj` needs Docker API 1.46; this engine has 1.41 and ignores it
        ");
        assert_eq!(kept("web", &service, (1, 46)), (Cow::Borrowed(&service), Vec::new()));
    }
}
