//! Completions: labels of Traefik, and the keys of `x-skep`.

use lsp_types::{CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, TextEdit};
use serde_json::{Value, json};

use super::document::{Document, Kind};
use super::place::range;
use crate::lint;

/// The schema of `x-skep`, the source of its keys and their descriptions.
const SCHEMA: &str = include_str!("../../../docs/x-skep.schema.json");

/// The completions at the cursor; `None` if there are none.
pub(super) fn completions(document: &Document, params: &Value) -> Option<Value> {
    if document.kind != Kind::Stack {
        return None;
    }
    let at = document.offset(params)?;
    let line_start = document.text[..at].rfind('\n').map_or(0, |end| end + 1);
    let before = &document.text[line_start..at];
    let begin = before.find(|c: char| !c.is_whitespace() && !"-\"'".contains(c)).unwrap_or(before.len());
    let word = &before[begin..];
    let items = if "traefik.".starts_with(word) && !word.is_empty() || word.starts_with("traefik.") {
        let span = line_start + begin..at;
        labels(word).map(|label| item(document, &span, label, None)).collect::<Vec<_>>()
    } else {
        let span = line_start + begin..at;
        let keys = keys_at(&document.text[..line_start], indent(before))?;
        keys.into_iter().map(|(key, about)| item(document, &span, key, about)).collect()
    };
    Some(json!(items))
}

fn item(document: &Document, span: &std::ops::Range<usize>, text: String, about: Option<String>) -> CompletionItem {
    CompletionItem {
        label: text.clone(),
        kind: Some(CompletionItemKind::PROPERTY),
        documentation: about.map(Documentation::String),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(range(&document.text, span), text))),
        ..CompletionItem::default()
    }
}

/// The labels that complete a word, keeping its names.
fn labels(word: &str) -> impl Iterator<Item = String> {
    let typed: Vec<String> = word.split('.').map(str::to_owned).collect();
    lint::traefik_labels().filter_map(move |label| {
        let mut parts: Vec<&str> = label.split('.').collect();
        let (last, whole) = typed.split_last()?;
        for (number, part) in whole.iter().enumerate() {
            match parts.get(number)? {
                &"*" | &"**" => parts[number] = part,
                known if known.eq_ignore_ascii_case(part) => {}
                _ => return None,
            }
        }
        let next = *parts.get(whole.len())?;
        if next == "*" && !last.is_empty() {
            parts[whole.len()] = last;
        } else if !next.starts_with(&last.to_ascii_lowercase()) {
            return None;
        }
        Some(parts.join(".").replace('*', "name"))
    })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The keys of the `x-skep` section that contains a line with this indent, found from the lines above.
fn keys_at(above: &str, mut indent_here: usize) -> Option<Vec<(String, Option<String>)>> {
    let mut path = Vec::new();
    for line in above.lines().rev() {
        let text = line.trim_start();
        let deeper = indent(line) >= indent_here;
        if text.is_empty() || text.starts_with('#') || deeper {
            continue;
        }
        indent_here = indent(line);
        path.push(text.split(':').next()?.trim().to_owned());
    }
    path.reverse();
    let at = path.iter().position(|key| key == "x-skep")?;
    let kind = match path.first().map(String::as_str) {
        Some("services") => "service",
        Some("secrets") => "secret",
        _ => "stack",
    };
    let schema: Value = serde_json::from_str(SCHEMA).ok()?;
    let node = path[at + 1..].iter().try_fold(&schema["$defs"][kind], |node, key| properties(&schema, node)?.get(key));
    let properties = properties(&schema, node?)?.as_object()?;
    Some(
        properties.iter().map(|(key, value)| (key.clone(), value["description"].as_str().map(str::to_owned))).collect(),
    )
}

/// The properties of a part of the schema, also if it is one of several.
fn properties<'s>(schema: &'s Value, node: &'s Value) -> Option<&'s Value> {
    if let Some(name) = node["$ref"].as_str() {
        return properties(schema, schema.pointer(name.strip_prefix('#')?)?);
    }
    let choices = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|word| node[word].as_array()).flatten();
    let own = node.get("properties");
    own.or_else(|| choices.into_iter().find_map(|choice| properties(schema, choice)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_goes_on_with_the_names_that_were_typed() {
        let of = |word: &str| labels(word).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(of("traefik.http.routers.shop.en"), @"traefik.http.routers.shop.entrypoints");
        insta::assert_snapshot!(of("traefik.http.services.shop.loadbalancer.server.p"), @"
        traefik.http.services.shop.loadbalancer.server.port
        traefik.http.services.shop.loadbalancer.server.preservepath
        ");
        assert_eq!(of("traefik.http.routers.shop.what."), "");
    }

    #[test]
    fn the_keys_of_a_service_are_those_of_the_schema() {
        let keys = |text: &str, indent: usize| {
            let keys = keys_at(text, indent).unwrap_or_default();
            keys.into_iter().map(|(key, _)| key).collect::<Vec<_>>().join(" ")
        };
        insta::assert_snapshot!(keys("x-skep:\n", 2), @"deadline stable drift prune template values variables");
        insta::assert_snapshot!(keys("services:\n  web:\n    image: a\n    x-skep:\n", 6), @"http replicas recreate test check");
        insta::assert_snapshot!(keys("services:\n  web:\n    x-skep:\n      http:\n", 8), @"host path port sticky middlewares entrypoint");
        assert_eq!(keys("services:\n  web:\n    x-skep:\n    image: a\n", 4), "");
    }
}
