//! What is accepted is what `docs/stack-files.md` and the schema in `docs/x-skep.schema.json` say, key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use serde_json::Value;

use super::fields::Reader;
use super::{File, ReadMode, refused};
use crate::name::RepoPath;
use crate::stack::yaml;

const SCHEMA: &str = include_str!("../../../docs/x-skep.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// The keys that the reader asks for, by what they are keys of.
fn known() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let text = b"x-skep: {}
services: {a: {image: b, x-skep: {http: {host: c}, check: {tcp: \"c:1\"}}}}
secrets: {a: {file: b, x-skep: {}}}";
    let mut reader = Reader::new(Arc::default(), ReadMode::default());
    File::decode(&mut reader, &yaml::parse(text).unwrap());
    reader.known
}

fn properties(of: &str) -> BTreeMap<String, Value> {
    let properties = schema()["$defs"][of]["properties"].as_object().unwrap().clone();
    properties.into_iter().collect()
}

/// Puts an entry of a section into a stack file.
type Around = fn(&str) -> String;

/// The sections of the schema, what the reader calls them, and a file with one key of theirs.
const SECTIONS: [(&str, &str, Around); 5] = [
    ("stack", "x-skep", |entry| format!("x-skep: {{{entry}}}")),
    ("service", "x-skep of a service", |entry| format!("services: {{a: {{build: ., x-skep: {{{entry}}}}}}}")),
    ("http", "http", |entry| format!("services: {{a: {{image: b, x-skep: {{http: {{host: c, {entry}}}}}}}}}")),
    ("secret", "x-skep of a secret", |entry| format!("secrets: {{a: {{file: b, x-skep: {{{entry}}}}}}}")),
    ("check", "check", with_check),
];

/// A check asks one thing; what it asks may be the key in question.
fn with_check(entry: &str) -> String {
    let asks = ["http", "command", "tcp"].iter().any(|key| entry.starts_with(&format!("\"{key}\"")));
    let asked = if asks { "" } else { "http: \"http://c/\", " };
    format!("services: {{a: {{image: b, x-skep: {{check: {{{asked}{entry}}}}}}}}}")
}

#[test]
fn the_schema_has_the_keys_that_are_accepted_and_no_others() {
    let known = known();
    for (section, what, _) in SECTIONS {
        let properties = properties(section);
        let documented: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(documented, known[what], "{what}");
        assert_eq!(schema()["$defs"][section]["additionalProperties"], Value::Bool(false));
    }
}

#[test]
fn every_default_and_example_of_the_schema_is_accepted() {
    for (section, _, file) in SECTIONS {
        for (key, property) in properties(section) {
            if ["template", "values", "host"].contains(&key.as_str()) {
                continue;
            }
            let examples = property["examples"].as_array().unwrap();
            for example in examples.iter().chain(property.get("default")) {
                let text = file(&format!("\"{key}\": {example}"));
                File::read(&RepoPath::root(), text.as_bytes(), &BTreeMap::new()).expect(&text);
            }
        }
    }
}

/// `UPDATE=1 cargo test --lib contract` writes the tables anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "the person at the keyboard asks the test for something else")]
fn the_manual_has_every_key() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/stack-files.md");
    let written = fs::read_to_string(path).unwrap();
    let names: Vec<String> = known()["a service"].iter().map(|key| format!("`{key}`")).collect();
    let mut manual = replaced(&written, "understood", &format!("{}\n", names.join(", ")));
    manual = replaced(&manual, "ignored", &table(refused::IGNORED));
    manual = replaced(&manual, "refused", &table(refused::REFUSED));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &manual).unwrap();
    }
    assert!(fs::read_to_string(path).unwrap() == manual, "out of date: run `UPDATE=1 cargo test --lib contract`");
    for (section, ..) in SECTIONS {
        let prefix = if ["http", "check"].contains(&section) { format!("{section}.") } else { String::new() };
        for key in properties(section).keys() {
            assert!(
                manual.contains(&format!("| `{prefix}{key}` |")),
                "docs/stack-files.md does not have `{prefix}{key}`"
            );
        }
    }
}

fn table(keys: &[(&str, &str)]) -> String {
    let mut table = "| key | instead |\n| --- | --- |\n".to_owned();
    for (key, instead) in keys {
        writeln!(table, "| `{key}` | {instead} |").unwrap();
    }
    table
}

/// A text with what stands between `<!-- name -->` and `<!-- end -->` replaced.
fn replaced(text: &str, name: &str, with: &str) -> String {
    let (before, rest) = text.split_once(&format!("<!-- {name} -->\n")).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}<!-- {name} -->\n{with}<!-- end -->{after}")
}
