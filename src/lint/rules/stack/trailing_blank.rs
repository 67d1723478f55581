use crate::diagnostic::{Fix, Span};
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::stack::yaml::{Node, Value};

rule! {
    /// A line has trailing spaces.
    ///
    /// They have no effect, but cause needless changes in later edits. Text blocks (`|`) may need
    /// them and are not checked. A matter of style, and off by default. Here `·` is a space.
    ///
    /// ```yaml bad
    /// services:··
    ///   web: { image: "nginx:1.27" }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "nginx:1.27" }
    /// ```
    "SK7003", Style, Stack(check), Off, Fixes
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    // Only the file itself is checked, not templates and included files.
    let Some(text) = subject.file.sources.first().map(|source| source.written.text().to_vec()) else {
        return Vec::new();
    };
    let mut texts = Vec::new();
    spread(&subject.file.tree, &mut texts);
    texts.sort_unstable_by_key(|text| text.start);
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split(|byte| *byte == b'\n') {
        let content = line.strip_suffix(b"\r").unwrap_or(line);
        let kept = content.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
        let blanks = start + kept..start + content.len();
        start += line.len() + 1;
        if blanks.is_empty() || is_within(&texts, blanks.start) {
            continue;
        }
        found.push(Found::new(&blanks, "trailing spaces").fix(Fix::safe("remove them").delete(&blanks)));
        if found.len() >= MAX_LOOKED_AT {
            break;
        }
    }
    found
}

/// Whether an offset is within one of these spans or at its end.
fn is_within(texts: &[Span], at: usize) -> bool {
    let behind = texts.partition_point(|text| text.start <= at);
    behind.checked_sub(1).is_some_and(|index| at <= texts[index].end)
}

/// Collects the spans of texts over several lines.
fn spread(node: &Node, texts: &mut Vec<Span>) {
    match &node.value {
        Value::Scalar { text, .. } if text.contains('\n') || text.ends_with(' ') => texts.push(node.span.clone()),
        Value::Scalar { .. } => {}
        Value::Sequence(items) => items.iter().for_each(|item| spread(item, texts)),
        Value::Mapping(entries) => entries.iter().for_each(|(key, value)| {
            spread(key, texts);
            spread(value, texts);
        }),
    }
}
