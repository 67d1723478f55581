//! The detailed view of a stack as text.

use crate::cli::history::{ansi, phase};
use crate::cli::workspace::painted;
use crate::event;
use crate::plan::Color;
use crate::release::Phase;
use crate::view::StackView;

/// The detailed view of a stack as text.
pub(super) fn of(view: &StackView, color: Color) -> String {
    let mut lines = vec![headline(view, color)];
    for service in &view.services {
        let wanted = service.wanted.map_or_else(String::new, |wanted| format!("/{wanted}"));
        lines.push(format!("  {:<20} {}{wanted} running", service.name, service.running));
    }
    lines.extend(view.urls.iter().map(|url| format!("  {url}")));
    if let Some(Phase::Failed { symptoms, .. }) = &view.phase {
        lines.extend(symptoms.iter().flat_map(event::symptom));
    }
    if !view.drift.is_empty() {
        lines.push("  differs from its release; changes needed to restore it:".into());
        lines.extend(view.drift.iter().map(|change| format!("    {change}")));
    }
    lines.extend(view.pending.iter().map(|pending| format!("  commit {}", pending.sentence)));
    lines.extend(view.notes.iter().map(|note| format!("  note: {note}")));
    lines.join("\n")
}

fn headline(view: &StackView, color: Color) -> String {
    let running = match (&view.promoted, &view.commit) {
        (Some(release), Some(commit)) => format!("{release} ({commit})"),
        (Some(_), None) if view.services.is_empty() => "nothing runs".to_owned(),
        (Some(release), None) => format!("{release} (running before skep)"),
        (None, _) => "no release".to_owned(),
    };
    let attempted = match (&view.attempted, &view.phase) {
        (Some(release), Some(last)) if view.attempted != view.promoted => {
            format!(", last attempt: {release} {}", painted(phase(last), ansi(last), color))
        }
        _ => String::new(),
    };
    let repository = view.repository.as_ref().map(|name| format!(", from {name}")).unwrap_or_default();
    format!("{}: {running}{attempted}{repository}", painted(view.stack.as_str(), "1", color))
}
