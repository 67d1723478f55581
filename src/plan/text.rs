//! A plan as text, similar to a diff.

use std::fmt::Write as _;

use super::{Action, Change, FieldChange, Plan, Reason, Stall, Subject};
use crate::text::{self, one_line, visible};

/// Whether text carries ANSI colours: on a terminal, and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// It does.
    Always,
    /// It does not; everything can be understood without.
    Never,
}

/// The longest line with several fields; longer ones are split into one line per field.
const LONG: usize = 100;
/// The most characters shown of a value.
const MOST: usize = 100;
/// The length of a digest.
const DIGEST: usize = 64;
/// The number of digits shown of a digest.
const DIGITS: usize = 12;

impl Plan {
    /// The plan in lines, with reasons, and a summary at the end.
    pub fn to_text(&self, color: Color) -> String {
        let mut text = String::new();
        for change in &self.changes {
            let reason = change.reason.to_text().map(|reason| format!(" ({reason})")).unwrap_or_default();
            text.push_str(&change.painted(&format!("{}{reason}", change.line()), color));
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {}", visible(note));
        }
        text + &self.summary()
    }

    /// A summary in one line: `1 to create, 2 to change, 0 to remove, 5 unchanged`.
    pub fn summary(&self) -> String {
        let unchanged = self.unchanged.len();
        if self.is_empty() {
            return format!("nothing to do, {unchanged} unchanged");
        }
        let count = |wanted: fn(&Action) -> bool| self.changes.iter().filter(|change| wanted(&change.action)).count();
        format!(
            "{} to create, {} to change, {} to remove, {unchanged} unchanged",
            count(|action| matches!(action, Action::Create)),
            count(|action| !matches!(action, Action::Create | Action::Remove)),
            count(|action| matches!(action, Action::Remove))
        )
    }
}

impl Change {
    /// The change in one line, or in one line per field if that would be long.
    pub fn to_text(&self, color: Color) -> String {
        self.painted(&self.line(), color)
    }

    fn line(&self) -> String {
        let sign = match self.action {
            Action::Create => "+",
            Action::Update { .. } | Action::Resume { .. } => "~",
            Action::Recreate { .. } => "-/+",
            Action::Remove => "-",
        };
        format!("{sign} {}{}", self.subject, self.action.to_text())
    }

    fn painted(&self, text: &str, color: Color) -> String {
        let paint = match self.action {
            Action::Create => "\u{1b}[32m",
            Action::Update { .. } | Action::Resume { .. } => "\u{1b}[33m",
            Action::Recreate { .. } | Action::Remove => "\u{1b}[31m",
        };
        match color {
            Color::Always => text.lines().map(|line| format!("{paint}{line}\u{1b}[0m")).collect::<Vec<_>>().join("\n"),
            Color::Never => text.to_owned(),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(name) => write!(f, "network {}", one_line(name)),
            Self::Secret(name) => write!(f, "secret {}", one_line(name)),
            Self::Config(name) => write!(f, "config {}", one_line(name)),
            Self::Service(name) => write!(f, "service {name}"),
        }
    }
}

impl Reason {
    /// The reason in words; `None` if the change is self-explanatory.
    fn to_text(self) -> Option<&'static str> {
        match self {
            Self::New => Some("new in the file"),
            Self::Missing => Some("it was removed by hand"),
            Self::Different => None,
            Self::Gone => Some("the file no longer has it"),
            Self::Unneeded => Some("no kept release needs it"),
        }
    }
}

impl Action {
    fn to_text(&self) -> String {
        match self {
            Self::Create | Self::Remove => String::new(),
            Self::Update { fields, restarts } => told(fields, &effect(fields, *restarts)),
            Self::Resume { stall: Stall::NodeDown { node } } => {
                format!(": its update is restarted, because it waits for a task on node {node}, which is down")
            }
            Self::Resume { stall: Stall::NeverStarts } => {
                ": its update is restarted, because it waits for a task that Swarm has given up".to_owned()
            }
            Self::Resume { stall: Stall::Stopped } => ": its update, which Swarm had stopped, is resumed".to_owned(),
            Self::Recreate { fields, restarts } => {
                told(fields, &format!("Swarm cannot change the mode: removed and created again, {}", stops(*restarts)))
            }
        }
    }
}

fn told(fields: &[FieldChange], effect: &str) -> String {
    // The label repeats the image.
    let image = fields.iter().any(|field| field.field == "image");
    let told = fields.iter().filter(|field| !(image && field.field == "image label"));
    let told: Vec<_> = told.map(FieldChange::to_text).collect();
    let line = told.join(", ");
    if told.len() > 1 && line.chars().count() > LONG {
        format!(" ({effect})\n    {}", told.join("\n    "))
    } else {
        format!(": {line} ({effect})")
    }
}

fn effect(fields: &[FieldChange], restarts: usize) -> String {
    let is_label = |field: &FieldChange| !field.restarts && field.field.contains("label");
    let only_labels = fields.iter().all(is_label);
    match restarts {
        0 if fields.iter().any(FieldChange::restarts) => "no task runs now".to_owned(),
        0 if only_labels => "labels only, no restart".to_owned(),
        0 => "no restart".to_owned(),
        1 => "restarts 1 task".to_owned(),
        many => format!("restarts {many} tasks"),
    }
}

fn stops(tasks: usize) -> String {
    match tasks {
        0 => "no task runs now".to_owned(),
        1 => "1 task stops first".to_owned(),
        many => format!("{many} tasks stop first"),
    }
}

impl FieldChange {
    /// The change in the terms of the file: `image a -> b`.
    pub fn to_text(&self) -> String {
        let field = &one_line(&self.field);
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => {
                let (from, to) = (shortened(from), shortened(to));
                format!("{field} {from} -> {to}")
            }
            // An item of a list, which is its own name.
            (None, Some(to)) if let Some(list) = list_of(&self.field, to) => {
                format!("{} {} added", one_line(list), shortened(to))
            }
            (Some(from), None) if let Some(list) = list_of(&self.field, from) => {
                format!("{} {} removed", one_line(list), shortened(from))
            }
            (None, Some(to)) => format!("{field} set to {}", shortened(to)),
            (Some(from), None) => format!("{field} {} removed", shortened(from)),
            (None, None) => field.to_string(),
        }
    }
}

fn list_of<'a>(field: &'a str, item: &str) -> Option<&'a str> {
    field.strip_suffix(item)?.strip_suffix('.').filter(|list| !list.is_empty())
}

/// Shortens a digest to twelve digits, and long values to fit.
fn shortened(value: &str) -> String {
    let is_digest = |digest: &str| digest.len() == DIGEST && digest.bytes().all(|digit| digit.is_ascii_hexdigit());
    let value = match value.split_once("@sha256:") {
        Some((name, digest)) if is_digest(digest) => {
            format!("{name}@{}", digest.chars().take(DIGITS).collect::<String>())
        }
        _ => value.to_owned(),
    };
    text::shortened(&one_line(&value), MOST).into_owned()
}
