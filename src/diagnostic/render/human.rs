//! The format for people, in the style of rustc.

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::Texts;
use super::excerpt::{self, Excerpt, Sources, clean};
use crate::diagnostic::{Diagnostic, Severity};

/// Every finding with the line that it points at, and its help.
///
/// Colour only if `color` is set: the caller knows where the text goes.
pub fn human(findings: &[Diagnostic], texts: &Texts, color: bool) -> String {
    let sources = Sources::of(findings, texts);
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.term_width(DEFAULT_TERM_WIDTH * 2);
    findings.iter().map(|finding| one(finding, &sources, &renderer)).collect()
}

fn one(finding: &Diagnostic, sources: &Sources<'_>, renderer: &Renderer) -> String {
    let message = clean(finding.message.as_bytes());
    let path = excerpt::path(&finding.place);
    let help = finding.help.as_ref().map(|help| clean(help.as_bytes()));
    let excerpt = sources.excerpt(&finding.place);
    let title = level(finding.severity).primary_title(&message);
    let mut group = Group::with_title(match finding.code {
        Some(code) => title.id(code),
        None => title,
    });
    group = match &excerpt {
        Some(excerpt) => located(group, excerpt, &path),
        None => group.element(Origin::path(&path)),
    };
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help));
    }
    format!("{}\n\n", renderer.render(&[group]))
}

fn located<'a>(group: Group<'a>, excerpt: &'a Excerpt, path: &'a str) -> Group<'a> {
    let origin = Origin::path(path).line(excerpt.position.line).char_column(excerpt.position.column);
    if excerpt.text.is_empty() {
        return group.element(origin);
    }
    let snippet = Snippet::source(excerpt.text.as_str()).line_start(excerpt.position.line);
    let snippet = snippet.annotation(AnnotationKind::Primary.span(excerpt.marked.clone()));
    // The renderer counts columns in its input, which is a part of a long line.
    if excerpt.text[..excerpt.marked.start].chars().count() + 1 == excerpt.position.column {
        return group.element(snippet.path(path));
    }
    group.element(origin).element(snippet)
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
        Severity::Style => Level::INFO.with_name("style"),
    }
}
