//! What skep says about a case.

use std::collections::BTreeMap;

use skep::diagnostic::{Diagnostic, Severity};
use skep::lint::dockerfile::Dockerfile;
use skep::lint::settings::LabelType;
use skep::lint::{self, Settings};
use skep::revision::Revision;

use super::Said;
use super::case::Case;

/// The rules that are compared: all of hadolint's own, and the findings of `ShellCheck` that are met most.
pub(crate) const IDS: &[&str] = &[
    "DL1000", "DL1001", "DL3000", "DL3001", "DL3002", "DL3003", "DL3004", "DL3006", "DL3007", "DL3008", "DL3009",
    "DL3010", "DL3011", "DL3012", "DL3013", "DL3014", "DL3015", "DL3016", "DL3018", "DL3019", "DL3020", "DL3021",
    "DL3022", "DL3023", "DL3024", "DL3025", "DL3026", "DL3027", "DL3028", "DL3029", "DL3030", "DL3032", "DL3033",
    "DL3034", "DL3035", "DL3036", "DL3037", "DL3038", "DL3040", "DL3041", "DL3042", "DL3043", "DL3044", "DL3045",
    "DL3046", "DL3047", "DL3048", "DL3049", "DL3050", "DL3051", "DL3052", "DL3053", "DL3054", "DL3055", "DL3056",
    "DL3057", "DL3058", "DL3059", "DL3060", "DL3061", "DL3062", "DL3063", "DL3064", "DL3065", "DL3066", "DL3067",
    "DL4000", "DL4001", "DL4003", "DL4004", "DL4005", "DL4006", "SC1001", "SC1072", "SC1088", "SC2006", "SC2016",
    "SC2028", "SC2035", "SC2038", "SC2043", "SC2046", "SC2086", "SC2102", "SC2115", "SC2154", "SC2155", "SC2164",
    "SC2196", "SC2216", "SC2234", "SC2251", "SC3009", "SC3014", "SC3037", "SC3040", "SC3057",
];

/// What skep's rules of these ids say, with the first line of the instruction that it is about.
pub(crate) fn said(case: &Case) -> Said {
    let file = Dockerfile::parse(&case.text);
    findings(case, &settings(case))
        .map(|finding| (finding.id().to_owned(), line(&case.text, begin(&file, finding.place.span.start))))
        .collect()
}

/// What skep's rules about scripts say, with the line that it stands in.
pub(crate) fn said_of_scripts(case: &Case) -> Said {
    // Comments of a Dockerfile are nothing that ShellCheck sees.
    let settings = Settings { disable_ignore_pragma: true, ..settings(case) };
    let of_scripts = findings(case, &settings).filter(|finding| finding.id().starts_with("SC"));
    of_scripts.map(|finding| (finding.id().to_owned(), line(&case.text, finding.place.span.start))).collect()
}

fn findings(case: &Case, settings: &Settings) -> impl Iterator<Item = Diagnostic> {
    let mut revision = Revision::of(&[("Dockerfile", "")]);
    revision.texts.insert("Dockerfile".parse().unwrap(), case.text.clone().into());
    let findings = lint::findings(&revision, &BTreeMap::new(), settings);
    findings.into_iter().filter(|finding| IDS.contains(&finding.id()))
}

/// The same settings as in the `hadolint.yaml` of the folder.
fn settings(case: &Case) -> Settings {
    let label = |(name, kind): (&str, LabelType)| (name.to_owned(), kind);
    let mut settings = Settings::default();
    match case.settings.file_name().and_then(|name| name.to_str()) {
        Some("labels") => settings.label_schema.extend(SCHEMA.map(label)),
        Some("strict") => {
            settings.label_schema.extend([SCHEMA[0], SCHEMA[5]].map(label));
            settings.strict_labels = true;
        }
        Some("registries") => {
            settings.trusted_registries = TRUSTED.map(str::to_owned).into_iter().collect();
        }
        _ => settings = settings.enable("DL1001").enable("DL3057"),
    }
    settings
}

const TRUSTED: [&str; 3] = ["docker.io", "registry.example.com:5000", "*.example.org"];

const SCHEMA: [(&str, LabelType); 7] = [
    ("maintainer", LabelType::Text),
    ("documentation", LabelType::Url),
    ("created", LabelType::Rfc3339),
    ("licence", LabelType::Spdx),
    ("revision", LabelType::Hash),
    ("release", LabelType::Semver),
    ("contact", LabelType::Email),
];

/// The severity of each of our rules of these ids.
pub(crate) fn levels() -> BTreeMap<&'static str, String> {
    lint::rules().iter().map(|rule| (rule.id, level(rule.severity))).collect()
}

fn level(severity: Severity) -> String {
    format!("{severity:?}").to_ascii_lowercase()
}

/// Where the instruction begins that a place is in.
fn begin(file: &Dockerfile, at: usize) -> usize {
    let around = |instruction: &&skep::lint::dockerfile::Instruction| {
        let end = instruction.heredocs.last().map_or(instruction.span.end, |heredoc| heredoc.body.end);
        (instruction.span.start..=end).contains(&at)
    };
    file.instructions.iter().find(around).map_or(at, |instruction| instruction.span.start)
}

/// The line of a byte.
pub(crate) fn line(text: &[u8], at: usize) -> usize {
    text[..at].split(|byte| *byte == b'\n').count()
}
