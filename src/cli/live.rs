//! `skep lint --live`: checks of the stacks of a folder against the live swarm.

use std::collections::BTreeMap;

use super::workspace::{cluster, shaped};
use crate::config::Settings;
use crate::controller::cluster::Cluster;
use crate::diagnostic::{Diagnostic, KeyPath, Severity};
use crate::lint;
use crate::lint::live::{MANAGERS, NOTE, OBSTACLE, finding, managers};
use crate::name::StackName;
use crate::preflight::Consent;
use crate::render::{Inputs, render};
use crate::revision::Revision;
use crate::stack::Stack;
use crate::stack::file::File;

/// The findings of the live swarm about every valid stack file; `fallback` is the name of a stack without its own
/// name.
pub(super) async fn findings(
    settings: &Settings,
    revision: &Revision,
    variables: &BTreeMap<String, String>,
    levels: &lint::Settings,
    fallback: &str,
) -> anyhow::Result<Vec<Diagnostic>> {
    let settings = &shaped(settings.clone()).await?;
    let cluster = cluster(settings)?;
    let mut findings = Vec::new();
    for (number, source) in revision.stack_files().into_iter().enumerate() {
        let Some(gathered) = revision.gathered(&source, &variables.into()) else { continue };
        let (file, problems) = File::of(gathered);
        let named = file.name.as_ref().map_or(fallback, |name| name.value.as_str());
        let Some(name) = source
            .name
            .or_else(|| named.parse().ok())
            .filter(|_| problems.is_empty() && (file.unset.is_empty() || file.read_mode.as_written))
        else {
            continue;
        };
        let Ok(stack) = render(&file, &inputs(settings, revision, &file, name)) else { continue };
        let mut seen = seen(&cluster, &stack).await?;
        // The number of managers is reported once, not for each stack.
        seen.retain(|seen| number == 0 || seen.code != Some(MANAGERS));
        findings.extend(seen.into_iter().filter_map(|seen| finding(seen, &file, levels)));
    }
    Ok(findings)
}

/// The obstacles and notes that a deploy of the stack would meet now.
async fn seen(cluster: &Cluster, stack: &Stack) -> anyhow::Result<Vec<Diagnostic<KeyPath>>> {
    let (history, observed) = (cluster.history(&stack.name).await?, cluster.swarm.observe(&stack.name).await?);
    let (_, found) = cluster.preflight(stack, &history, &observed).await;
    let obstacles = found.refusals(Consent { removal: true, ..Consent::default() });
    let note = |message| Diagnostic::new(KeyPath::default(), message).code(NOTE).rated(Severity::Warning);
    let count = observed.nodes.iter().filter(|node| node.role == "manager").count();
    Ok(obstacles
        .into_iter()
        .map(|it| it.code(OBSTACLE))
        .chain(found.notes.into_iter().map(note))
        .chain(managers(count))
        .collect())
}

/// The inputs for rendering without building, resolving or decrypting anything.
fn inputs<'a>(settings: &Settings, revision: &'a Revision, file: &File, name: StackName) -> Inputs<'a> {
    Inputs {
        images: file.builds().map(|(name, _)| (name.clone(), "built".to_owned())).collect(),
        data_root: settings.data_root.clone(),
        traefik: settings.traefik.rendered(),
        as_written: revision.read_mode().as_written,
        ..Inputs::new(name, &revision.texts)
    }
}
