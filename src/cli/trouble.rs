//! Error messages of commands: the error, and a hint what to do about it.

use anyhow::Error;

use super::output;
use crate::build;
use crate::config::{self, docker};
use crate::controller::cluster;
use crate::controller::prepare::Refusal;
use crate::diagnostic::{Diagnostic, Spot, render};
use crate::engine;
use crate::store;
use crate::swarm;

/// Prints an error and, if there is one, a hint.
pub(super) fn tell(error: &Error) {
    output::line(&rendered(error));
    if away(error).is_some()
        && let Some(context) = docker::context()
    {
        output::line(&format!(
            "hint: skep does not read Docker's contexts; the address of `{context}` is in `docker context inspect {context}`"
        ));
    }
}

fn rendered(error: &Error) -> String {
    if let Some(wrong) = error.downcast_ref::<Diagnostic<()>>() {
        return render::plain(wrong);
    }
    if let Some(wrong) = error.downcast_ref::<Diagnostic<Spot>>() {
        return render::plain(wrong);
    }
    if let Some(config::Error::Misread { wrong, text }) = error.downcast_ref() {
        let texts = [(wrong.place.path.clone(), text.as_bytes().into())].into();
        return render::human(std::slice::from_ref(wrong), &texts, false).trim_end().to_owned();
    }
    render::plain(&Diagnostic { help: hint(error).map(str::to_owned), ..Diagnostic::new((), sentence(error)) })
}

/// The error with its causes, leaving out causes that the message already contains.
fn sentence(error: &Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

fn hint(error: &Error) -> Option<&'static str> {
    if matches!(error.downcast_ref(), Some(Refusal::Name(_))) {
        return Some("name the stack with `--stack NAME`, or with `name: NAME` at the top of its file");
    }
    if matches!(error.downcast_ref(), Some(cluster::Error::Stale { .. })) {
        return Some("review it with `skep plan`, and deploy it with the fingerprint that the plan prints");
    }
    if let Some(swarm::Error::Missing { kind, .. }) = error.downcast_ref() {
        return Some(match *kind {
            "network" => "it is external: create it first, with `docker network create --driver overlay NAME`",
            _ => "it is external: create it first, or define its contents in the file",
        });
    }
    let reason = away(error)?;
    Some(if reason.contains("ermission denied") {
        "run this as root, or as a member of the group `docker`"
    } else {
        "is Docker running there? set its address with `--host` or `DOCKER_HOST`"
    })
}

/// The reason why the engine could not be reached, if that is the error.
fn away(error: &Error) -> Option<&str> {
    match asked(error)? {
        engine::Error::Away { reason, .. } => Some(reason),
        _ => None,
    }
}

fn built(error: &Error) -> Option<&build::Error> {
    match error.downcast_ref() {
        Some(Refusal::Build(error)) => Some(error),
        _ => error.downcast_ref(),
    }
}

fn asked(error: &Error) -> Option<&engine::Error> {
    if let Some(
        cluster::Error::Swarm(swarm::Error::Engine(error)) | cluster::Error::Store(store::Error::Engine(error)),
    ) = error.downcast_ref()
    {
        return Some(error);
    }
    if let Some(store::Error::Engine(error)) = error.downcast_ref() {
        return Some(error);
    }
    if let Some(build::Error::Engine(error)) = built(error) {
        return Some(error);
    }
    match error.downcast_ref() {
        Some(swarm::Error::Engine(error)) => Some(error),
        _ => error.downcast_ref(),
    }
}
