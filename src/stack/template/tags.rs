//! The allowed contents of a template's tags: names, comparisons, `if` and `for`, but nothing that makes text grow.
//!
//! Anyone who may push can write a template. The engine limits its steps and its output, but in a general language a
//! few steps can make gigabytes (`s ~ s`, thirty times) or a comparison that never ends. Without joins, lists, calls
//! and captures, the size of the result is bounded by the number of steps.

use crate::diagnostic::{Diagnostic, Span};

/// The longest tag, in bytes: it bounds how deeply an expression can be nested.
const LONGEST: usize = 400;
/// The most `{% … %}` in one body: they may all be nested, and the engine compiles them by recursion.
const MOST: usize = 150;
/// The keywords of `{% … %}`.
const WORDS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor", "raw", "endraw"];

/// The places of the tags in a body, or an error about the first forbidden one.
///
/// Text that only looks like a tag, in a comment or between `raw` and `endraw`, is checked in the same way, so that the
/// check does not depend on telling them apart.
pub(super) fn tags(body: &str) -> Result<Vec<Span>, Diagnostic<Span>> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some((open, close)) = next(body, at) {
        let inside = &body[open + 2..];
        let end = inside.find(close).map(|length| open + 2 + length + 2).filter(|end| end - open <= LONGEST);
        let Some(end) = end else {
            let message = format!("the tag is not closed by `{close}` within {LONGEST} characters");
            return Err(problem(open..open + 2, message, "close it"));
        };
        check(body, open..end)?;
        tags.push(open..end);
        at = end;
    }
    let mut blocks = tags.iter().filter(|tag| body[tag.start..].starts_with("{%"));
    match blocks.nth(MOST) {
        None => Ok(tags),
        Some(tag) => Err(problem(tag.clone(), format!("the template has more than {MOST} blocks"), "make it simpler")),
    }
}

/// The next tag that is opened, and what closes it.
fn next(body: &str, from: usize) -> Option<(usize, &'static str)> {
    let find = |open: &str| body[from..].find(open).map(|at| from + at);
    [(find("{{"), "}}"), (find("{%"), "%}")].into_iter().filter_map(|(at, close)| Some((at?, close))).min()
}

fn check(body: &str, tag: Span) -> Result<(), Diagnostic<Span>> {
    let inside = body[tag.start + 2..tag.end - 2].trim_matches('-');
    let mut words = inside.split_whitespace();
    let word = if body[tag.clone()].starts_with("{%") { words.next() } else { Some("if") };
    let Some(word) = word.filter(|word| WORDS.contains(word)) else {
        let help = "a template has `{{ … }}`, `if`, `elif`, `else`, `for` and `raw`";
        return Err(problem(tag, "this tag is not known".to_owned(), help));
    };
    // `for name, value in …` is the one place for a comma.
    let expression = if word == "for" { inside.split_once(" in ").map_or(inside, |(_, list)| list) } else { inside };
    if let Some(c) =
        expression.chars().find(|c| matches!(c, '~' | '*' | '+' | ',' | '(' | ')' | '{' | '}' | '\'' | '\\'))
    {
        let help = "write what goes together outside of the tags, and texts in double quotes";
        return Err(problem(tag, format!("`{c}` is not allowed in a tag"), help));
    }
    let count = |wanted: char| inside.matches(wanted).count();
    if count('"') % 2 != 0 || count('[') != count(']') || word == "for" && inside.contains(['"', '[']) {
        return Err(problem(tag, "a quote or bracket is not closed in this tag".to_owned(), "close it"));
    }
    Ok(())
}

fn problem(span: Span, message: String, help: &str) -> Diagnostic<Span> {
    Diagnostic::new(span, message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(body: &str) -> String {
        match tags(body) {
            Ok(tags) => tags.into_iter().map(|tag| &body[tag]).collect::<Vec<_>>().join(" "),
            Err(problem) => format!("{}: {}", &body[problem.place], problem.message),
        }
    }

    #[test]
    fn tags_are_found() {
        let body = "a: {{ values.a }}\n{%- for k, v in values.m|items -%} {# no #} {% raw %}{{.Node}}{% endraw %}";
        insta::assert_snapshot!(verdict(body), @"{{ values.a }} {%- for k, v in values.m|items -%} {% raw %} {{.Node}} {% endraw %}");
        insta::assert_snapshot!(verdict(r#"{% if values.a == "}" %}"#), @r#"{% if values.a == "}" %}: `}` is not allowed in a tag"#);
    }

    #[test]
    fn what_makes_text_grow_is_refused() {
        let refused = [
            r#"{{ "a" ~ "a" }}"#,
            r#"{{ "a" * 100000000 }}"#,
            "{{ s + s }}",
            "{{ [s, s] }}",
            "{% for a, b in [s, s] %}",
            "{% for (a, b) in s %}{% for c in d, d %}",
            "{{ range(9) }}",
            "{% set s = 1 %}",
            "{% macro m %}",
            "{% include \"x\" %}",
            "{% filter upper %}",
            // Apparent ends of tags that are not ends for the engine.
            r#"{{ "}}" ~ s }}"#,
            "{{ '\"}}' }}",
            r#"{{ "\"}}" }}"#,
            "{{ a[ }} , s] }}",
            "{{ {1: {2: 3}} }}",
            "{# {{ #} {{ a ~ a }}",
            "{% raw %}{{ {% endraw %}",
        ];
        for body in refused {
            assert!(tags(body).is_err(), "{body}");
        }
    }
}
