//! `.hadolint.yaml`, and the variables that hadolint reads: what they say counts for skep.

use std::collections::BTreeMap;

use crate::diagnostic::suggest::did_you_mean;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::settings::reader::Reader;
use crate::lint::settings::{LabelType, Level, Settings, Written};
use crate::name::RepoPath;
use crate::stack::yaml::{Node, Value};

/// The keys that hadolint knows. It passes over all others, and so does skep.
const KEYS: [&str; 10] = [
    "ignored",
    "override",
    "trustedRegistries",
    "label-schema",
    "strict-labels",
    "failure-threshold",
    "no-fail",
    "disable-ignore-pragma",
    "format",
    "no-color",
];

/// Reads the file.
pub(super) fn read(path: &RepoPath, text: &[u8]) -> Written {
    let (mut reader, tree) = Reader::of(path, text);
    for (key, value) in tree.iter().flat_map(Node::entries) {
        if !value.is_null() {
            setting(&mut reader, key, value);
        }
    }
    reader.written
}

fn setting(reader: &mut Reader<'_>, key: &Node, value: &Node) {
    let name = key.raw();
    match name {
        "ignored" => levels(reader, name, value, Level::Off),
        "override" => overridden(reader, value),
        "trustedRegistries" => {
            reader.written.settings.trusted_registries = reader.texts(name, value).into_iter().collect();
        }
        "label-schema" => reader.labels(name, value),
        "strict-labels" => reader.written.settings.strict_labels = reader.boolean(name, value),
        "failure-threshold" => threshold(reader, name, value),
        "no-fail" => reader.written.settings.no_fail = reader.boolean(name, value),
        "disable-ignore-pragma" => reader.written.settings.disable_ignore_pragma = reader.boolean(name, value),
        "format" => reader.written.settings.format = format(value.raw()),
        _ => misspelt(reader, key),
    }
}

/// A key that hadolint does not know is only in doubt if it looks like one that it does.
fn misspelt(reader: &mut Reader<'_>, key: &Node) {
    let help = did_you_mean(key.raw(), KEYS);
    if help.is_some() && !KEYS.contains(&key.raw()) {
        reader.doubt(key, format!("hadolint has no setting `{}`", key.raw()), help);
    }
}

fn levels(reader: &mut Reader<'_>, key: &str, node: &Node, level: Level) {
    for id in reader.list(key, node) {
        reader.level(id, level);
    }
}

fn overridden(reader: &mut Reader<'_>, node: &Node) {
    if !matches!(node.value, Value::Mapping(_)) {
        return reader.wrong(node, "`override` is a map", "write `override: { info: [DL3008] }`");
    }
    for (key, ids) in node.entries() {
        match Severity::named(key.raw()) {
            Some(severity) => levels(reader, key.raw(), ids, Level::At(severity)),
            None => reader.wrong(key, "a level is `error`, `warning`, `info` or `style`", "write one of them"),
        }
    }
}

/// `ignore` and `none` let nothing fail.
fn threshold(reader: &mut Reader<'_>, key: &str, node: &Node) {
    match node.raw() {
        "ignore" | "none" => reader.written.settings.no_fail = true,
        _ => reader.written.settings.fail_on = reader.severity(key, node),
    }
}

/// The format of skep that one of hadolint's is; none if there is none like it.
fn format(name: &str) -> Option<String> {
    let same = match name {
        "tty" => "human",
        "gnu" => "short",
        "gitlab_codeclimate" | "codeclimate" => "gitlab",
        "json" | "sarif" | "checkstyle" | "junit" => name,
        _ => return None,
    };
    Some(same.to_owned())
}

/// Variables by their names.
pub type Variables = BTreeMap<String, String>;

/// The settings in `HADOLINT_*`, or a sentence about the variable that is not understood.
pub fn of_variables(variables: &Variables) -> Result<Settings, Diagnostic<()>> {
    let mut settings = Settings::default();
    for (name, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
        variable(&mut settings, name, value)?;
    }
    Ok(settings)
}

fn variable(settings: &mut Settings, name: &str, value: &str) -> Result<(), Diagnostic<()>> {
    let words = || value.split(',').map(str::trim).filter(|word| !word.is_empty());
    let mut levels = |level| settings.levels.extend(words().map(|id| (id.to_ascii_uppercase(), level)));
    match name {
        "HADOLINT_IGNORE" => levels(Level::Off),
        "HADOLINT_OVERRIDE_ERROR" => levels(Level::At(Severity::Error)),
        "HADOLINT_OVERRIDE_WARNING" => levels(Level::At(Severity::Warning)),
        "HADOLINT_OVERRIDE_INFO" => levels(Level::At(Severity::Info)),
        "HADOLINT_OVERRIDE_STYLE" => levels(Level::At(Severity::Style)),
        "HADOLINT_TRUSTED_REGISTRIES" => settings.trusted_registries = words().map(str::to_owned).collect(),
        "HADOLINT_REQUIRE_LABELS" => {
            for word in words() {
                let (label, kind) = label(name, word)?;
                settings.label_schema.insert(label, kind);
            }
        }
        "HADOLINT_STRICT_LABELS" => settings.strict_labels = is_on(value),
        "HADOLINT_NOFAIL" => settings.no_fail = is_on(value),
        "HADOLINT_DISABLE_IGNORE_PRAGMA" => settings.disable_ignore_pragma = is_on(value),
        "HADOLINT_FORMAT" => settings.format = format(value),
        "HADOLINT_FAILURE_THRESHOLD" if matches!(value, "ignore" | "none") => settings.no_fail = true,
        "HADOLINT_FAILURE_THRESHOLD" => settings.fail_on = Some(severity(name, value)?),
        _ => {}
    }
    Ok(())
}

fn is_on(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "y" | "yes" | "on" | "true")
}

fn severity(name: &str, value: &str) -> Result<Severity, Diagnostic<()>> {
    let wrong = || format!("{name} is `error`, `warning`, `info`, `style`, `ignore` or `none`, not `{value}`");
    Severity::named(value).ok_or_else(|| Diagnostic::new((), wrong()))
}

fn label(name: &str, word: &str) -> Result<(String, LabelType), Diagnostic<()>> {
    let types = LabelType::NAMES.join(", ");
    let message = format!("{name} is a list of `label:type` with the types {types}, and `{word}` is not one of these");
    let wrong = || Diagnostic::new((), message.clone());
    let (label, kind) = word.rsplit_once(':').ok_or_else(wrong)?;
    Ok((label.to_owned(), LabelType::named(kind).ok_or_else(wrong)?))
}
