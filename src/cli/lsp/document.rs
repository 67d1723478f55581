//! An open file in the editor, and its findings.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, DiagnosticSeverity, Hover, HoverContents, MarkupContent,
    MarkupKind, NumberOrString, Position, Range, TextEdit, Uri, WorkspaceEdit,
};
use serde_json::{Value, json};

use super::place::{offset, range};
use crate::diagnostic::render;
use crate::diagnostic::{Diagnostic, Edit, Fix, Severity};
use crate::lint::{self, Settings};
use crate::name::RepoPath;
use crate::revision::{LINT_SETTINGS, Revision};
use crate::source::named;

/// An open file.
pub(super) struct Document {
    uri: Uri,
    pub(super) language: String,
    pub(super) text: String,
    findings: Vec<Diagnostic>,
    pub(super) kind: Kind,
}

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Dockerfile,
    Stack,
    Other,
}

impl Document {
    /// Checks a document.
    pub(super) fn of(uri: &Uri, language: &str, text: String, variables: &BTreeMap<String, String>) -> Self {
        let path = file(uri);
        let kind = kind(&path, language);
        let findings = match kind {
            Kind::Dockerfile => of_dockerfile(&path, &text),
            Kind::Stack => of_stack_file(&path, &text, variables),
            Kind::Other => Vec::new(),
        };
        Self { uri: uri.clone(), language: language.to_owned(), text, findings, kind }
    }

    pub(super) fn diagnostics(&self) -> Vec<lsp_types::Diagnostic> {
        self.findings.iter().map(|finding| self.diagnostic(finding)).collect()
    }

    fn diagnostic(&self, finding: &Diagnostic) -> lsp_types::Diagnostic {
        let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
        lsp_types::Diagnostic {
            range: self.range(finding),
            severity: Some(severity(finding.severity)),
            code: Some(NumberOrString::String(finding.id().to_owned())),
            source: Some("skep".to_owned()),
            message: format!("{}{help}", finding.message),
            ..lsp_types::Diagnostic::default()
        }
    }

    fn range(&self, finding: &Diagnostic) -> Range {
        range(&self.text, &finding.place.span)
    }

    /// The fixes of the findings in the range that the editor asks about.
    pub(super) fn actions(&self, params: &Value) -> Option<Value> {
        let asked: Range = serde_json::from_value(params["range"].clone()).ok()?;
        let at = |finding: &&Diagnostic| {
            let range = self.range(finding);
            range.start <= asked.end && asked.start <= range.end
        };
        let fixes = self.findings.iter().filter(at).filter_map(|finding| Some((finding, finding.fix.as_ref()?)));
        Some(json!(fixes.map(|(finding, fix)| self.action(finding, fix)).collect::<Vec<_>>()))
    }

    fn action(&self, finding: &Diagnostic, fix: &Fix) -> CodeActionOrCommand {
        let edit = |edit: &Edit| TextEdit::new(range(&self.text, &edit.span), edit.text.clone());
        #[expect(clippy::mutable_key_type, reason = "the protocol's own type; the address is never changed")]
        let changes = HashMap::from([(self.uri.clone(), fix.edits.iter().map(edit).collect())]);
        CodeActionOrCommand::CodeAction(CodeAction {
            title: fix.title.clone(),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![self.diagnostic(finding)]),
            edit: Some(WorkspaceEdit::new(changes)),
            is_preferred: Some(fix.safe),
            ..CodeAction::default()
        })
    }

    /// The pages of the rules with findings at a position.
    pub(super) fn hover(&self, params: &Value) -> Option<Value> {
        let at = self.offset(params)?;
        let here = |finding: &&Diagnostic| finding.place.span.contains(&at);
        let mut ids: Vec<&str> = self.findings.iter().filter(here).map(Diagnostic::id).collect();
        ids.dedup();
        let pages = ids.into_iter().filter_map(lint::explain).map(|rule| format!("# {}\n\n{}", rule.id, rule.page()));
        let value = pages.collect::<Vec<_>>().join("\n");
        let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
        let is_empty = matches!(&contents, HoverContents::Markup(markup) if markup.value.is_empty());
        (!is_empty).then(|| json!(Hover { contents, range: None }))
    }

    /// The offset of the position in a request.
    pub(super) fn offset(&self, params: &Value) -> Option<usize> {
        let position: Position = serde_json::from_value(params["position"].clone()).ok()?;
        Some(offset(&self.text, position))
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
        Severity::Style => DiagnosticSeverity::HINT,
    }
}

/// The path of an address; an unsaved file has no folder.
fn file(uri: &Uri) -> PathBuf {
    let text = uri.as_str().strip_prefix("file://").unwrap_or_else(|| uri.as_str());
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned().into()
}

fn kind(path: &std::path::Path, language: &str) -> Kind {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_stack = |name: &str| {
        let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
        stem.is_some_and(|stem| stem == "stack" || stem.contains("compose") || stem.ends_with("-stack"))
    };
    match language {
        "dockerfile" => Kind::Dockerfile,
        "dockercompose" => Kind::Stack,
        _ if name.parse().is_ok_and(|name| lint::is_dockerfile(&name)) => Kind::Dockerfile,
        _ if is_stack(name) => Kind::Stack,
        _ => Kind::Other,
    }
}

/// The nearest settings in the folders above a file, named as if they were at the top.
fn settings_above(path: &std::path::Path) -> Vec<(RepoPath, Vec<u8>)> {
    let of = |folder: &std::path::Path| -> Vec<(RepoPath, Vec<u8>)> {
        let read = |name: &&str| Some((name.parse().ok()?, std::fs::read(folder.join(name)).ok()?));
        LINT_SETTINGS.iter().filter_map(read).collect()
    };
    path.ancestors().skip(1).map(of).find(|settings| !settings.is_empty()).unwrap_or_default()
}

fn of_dockerfile(path: &std::path::Path, text: &str) -> Vec<Diagnostic> {
    let name: RepoPath = "Dockerfile".parse().expect("a valid path");
    let mut texts: render::Texts = settings_above(path).into_iter().map(|(name, text)| (name, text.into())).collect();
    texts.insert(name.clone(), text.as_bytes().into());
    let mut findings = lint::findings(&Revision::alone(texts), &BTreeMap::new(), &Settings::default());
    findings.retain(|finding| finding.place.path == name);
    findings
}

fn of_stack_file(path: &std::path::Path, text: &str, variables: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    let settings = settings_above(path).into_iter().map(|(name, text)| (name, text.into())).collect();
    let given = lint::settings::Written::of(&Revision::alone(settings)).settings;
    let wanted = |revision: &Revision| revision.wanted_with(variables);
    let contexts = |revision: &Revision| revision.contexts(variables);
    let Ok((revision, name)) = named::read_open(path, text.as_bytes().to_vec(), wanted, contexts) else {
        return Vec::new();
    };
    let mut findings = lint::findings(&revision, variables, &given);
    findings.retain(|finding| finding.place.path == name);
    findings
}
