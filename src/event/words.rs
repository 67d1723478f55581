//! Events in words that more than one reader needs.

use super::What;
use crate::health::Symptom;
use crate::name::{ServiceName, StackName};
use crate::release::{Outcome, ReleaseId};
use crate::text::one_line;

/// What a build says with this, and of which service.
pub fn build_line(what: &What) -> Option<(&ServiceName, String)> {
    let (service, line) = match what {
        What::BuildOutput { service, line } => (service, line.clone()),
        What::Pushed { service, image, new_layers, known_layers } => {
            (service, format!("pushed {image}: {new_layers} new layers, {known_layers} already there"))
        }
        What::Built { service, image, seconds } => (service, format!("built {image} in {seconds:.1} s")),
        What::BuildFailed { service, why, .. } => (service, format!("error: {}", one_line(why))),
        _ => return None,
    };
    Some((service, line))
}

/// What went wrong with a release, service by service, with what to do and the last lines of the log.
pub fn failed(stack: &StackName, release: ReleaseId, symptoms: &[Symptom]) -> Vec<String> {
    let mut lines = vec![format!("{stack} {release} failed")];
    lines.extend(symptoms.iter().flat_map(symptom));
    lines
}

/// One symptom in lines.
pub fn symptom(symptom: &Symptom) -> Vec<String> {
    let subject = symptom.service.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let mut lines = vec![format!("  {subject}{}", one_line(&symptom.message))];
    lines.extend(symptom.help.iter().map(|help| format!("    help: {}", one_line(help))));
    lines.extend(symptom.log.iter().map(|line| format!("    | {}", one_line(line))));
    lines
}

/// The verdict over a stack in one line.
pub fn verdict(stack: &StackName, release: Option<ReleaseId>, outcome: &Outcome, urls: &[String]) -> String {
    let release = release.map(|id| format!(" {id}")).unwrap_or_default();
    match outcome {
        Outcome::Promoted if urls.is_empty() => format!("{stack}{release} is deployed"),
        Outcome::Promoted => format!("{stack}{release} is deployed: {}", urls.join(" ")),
        Outcome::Unchanged => format!("{stack}{release} already runs: nothing to do"),
        Outcome::RolledBack { to: Some(to), .. } => format!("{stack}{release} was not healthy; {to} runs again"),
        Outcome::RolledBack { to: None, .. } => format!("{stack}{release} was not healthy; nothing of it is left"),
        Outcome::Halted { symptoms } => {
            let why = symptoms.last().map(|symptom| format!(" ({})", one_line(&symptom.message))).unwrap_or_default();
            format!("{stack}{release} was not healthy and could not be taken back{why}: look at `skep status {stack}`")
        }
        Outcome::Superseded { by } => format!("{stack}{release} gave way to the newer {by}"),
    }
}
