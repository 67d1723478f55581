//! `skep-lint.yaml`.

use crate::lint::settings::reader::Reader;
use crate::lint::settings::{Ignored, Level, Written};
use crate::name::RepoPath;
use crate::stack::yaml::{Node, Value};

/// The keys, in the order of the manual.
const KEYS: [&str; 10] = [
    "rules",
    "ignore",
    "trusted-registries",
    "label-schema",
    "strict-labels",
    "disable-ignore-pragma",
    "fail-on",
    "no-fail",
    "shellcheck",
    "format",
];

/// Reads the file.
pub(super) fn read(path: &RepoPath, text: &[u8]) -> Written {
    let (mut reader, tree) = Reader::of(path, text);
    for (key, value) in tree.iter().flat_map(Node::entries) {
        setting(&mut reader, key, value);
    }
    reader.written
}

fn setting(reader: &mut Reader<'_>, key: &Node, value: &Node) {
    let name = key.raw();
    match name {
        _ if value.is_null() && KEYS.contains(&name) => {}
        "rules" => rules(reader, value),
        "ignore" => reader.list(name, value).iter().for_each(|item| ignored(reader, item)),
        "trusted-registries" => {
            reader.written.settings.trusted_registries = reader.texts(name, value).into_iter().collect();
        }
        "label-schema" => reader.labels(name, value),
        "strict-labels" => reader.written.settings.strict_labels = reader.boolean(name, value),
        "disable-ignore-pragma" => reader.written.settings.disable_ignore_pragma = reader.boolean(name, value),
        "fail-on" => reader.written.settings.fail_on = reader.severity(name, value),
        "no-fail" => reader.written.settings.no_fail = reader.boolean(name, value),
        "shellcheck" => reader.written.settings.shellcheck = reader.boolean(name, value),
        "format" => reader.written.settings.format = value.to_text(),
        _ => reader.unknown_key(key, &KEYS),
    }
}

fn rules(reader: &mut Reader<'_>, node: &Node) {
    if !matches!(node.value, Value::Mapping(_)) {
        return reader.wrong(node, "`rules` is a map", "write each rule with its level: `SK3001: off`");
    }
    for (id, level) in node.entries() {
        let Some(level) = level_of(level) else {
            let what = "a level is `off`, `on`, `style`, `info`, `warning` or `error`";
            reader.wrong(level, what, "write one of them");
            continue;
        };
        reader.level(id, level);
    }
}

/// A level; `off` and `on` are true and false to YAML.
fn level_of(node: &Node) -> Option<Level> {
    match node.as_bool() {
        Some(true) => Some(Level::On),
        Some(false) => Some(Level::Off),
        None => Level::named(node.raw()),
    }
}

/// A pattern of paths, or one with rules.
fn ignored(reader: &mut Reader<'_>, node: &Node) {
    let Value::Mapping(entries) = &node.value else {
        let glob = reader.glob(node);
        let all = |files| Ignored { files, rules: Vec::new() };
        return reader.written.settings.ignored.extend(glob.map(|glob| all(glob.compile_matcher())));
    };
    for (key, _) in entries.iter().filter(|(key, _)| !matches!(key.raw(), "path" | "rules")) {
        reader.unknown_key(key, &["path", "rules"]);
    }
    let Some(path) = node.get("path") else {
        return reader.wrong(node, "what is ignored has a `path`", "write `{ path: \"vendor/**\", rules: [DL3008] }`");
    };
    let Some(glob) = reader.glob(path) else { return };
    let ids = node.get("rules").map(|rules| reader.list("rules", rules)).unwrap_or_default();
    let rules = ids.iter().map(|id| reader.rule(id, true)).collect();
    reader.written.settings.ignored.push(Ignored { files: glob.compile_matcher(), rules });
}
