use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use super::*;
use crate::diagnostic::Severity;
use crate::lint::rule::Check;
use crate::lint::settings::LabelType;
use crate::lint::{Settings, findings, rules};
use crate::name::RepoPath;
use crate::revision::{EntryKind, Revision};

/// A block of a rule's page: ` ```yaml bad with web/Dockerfile `.
pub(super) struct Example {
    path: &'static str,
    pub(super) bad: bool,
    /// Other files that are there; `->` before the name makes a symbolic link, `unread-` one that was not read, `sealed-`
    /// one that SOPS encrypted, `lfs-` a pointer of Git LFS, `env-` variables; `ignored-` is a pattern in `.dockerignore`. `trust-` makes a registry a trusted one.
    with: Vec<String>,
    /// The `skep-lint.yaml` of all blocks behind it: ` ```yaml settings `.
    settings: Option<String>,
    text: String,
}

const SEALED: &str = include_str!("../../../tests/sops/encrypted/password.yaml");

pub(super) fn examples(rule: &Rule) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut settings = None;
    let mut lines = rule.comment.lines().map(|line: &'static str| line.strip_prefix(' ').unwrap_or(line));
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split(' ').collect();
        let path = match words[..] {
            [fence, _, "as", path, ..] if fence.starts_with("```") => path,
            ["```yaml", ..] => "stack.yml",
            ["```dockerfile", ..] => "Dockerfile",
            _ => continue,
        };
        let text = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect::<String>();
        // What ends a line in a comment would be taken away.
        let text = text.replace('·', " ");
        let bad = match words[1] {
            "bad" => true,
            "good" => false,
            "settings" => {
                settings = Some(text);
                continue;
            }
            other => panic!("{}: a block is bad or good, or settings, not {other}", rule.id),
        };
        let with = words.iter().skip(3).filter(|with| **with != path).map(ToString::to_string).collect();
        examples.push(Example { path, bad, with, settings: settings.clone(), text });
    }
    examples
}

pub(super) fn revision(example: &Example) -> Revision {
    let name = |with: &str| {
        ["->", "unread-", "sealed-", "lfs-", "env-"]
            .iter()
            .fold(with, |with, mark| with.trim_start_matches(mark))
            .to_owned()
    };
    let text = |with: &str| match with.split('-').next() {
        Some("sealed") => SEALED,
        Some("lfs") => "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        Some("env") => "NAME=\"a name\"\nTOKEN=abcdef\n",
        _ => "FROM alpine:3.20\n",
    };
    let with = example.with.iter().filter(|with| !with.starts_with("trust-"));
    let written =
        |with: &str| with.strip_prefix("ignored-").map(|pattern| (".dockerignore".to_owned(), pattern.to_owned()));
    let with: Vec<(String, String)> =
        with.map(|with| written(with).unwrap_or_else(|| (name(with), text(with).to_owned()))).collect();
    let mut files: Vec<(String, &str)> = with.iter().map(|(name, text)| (name.clone(), text.as_str())).collect();
    files.extend(parts(example));
    files.extend(example.settings.iter().map(|text| ("skep-lint.yaml".to_owned(), text.as_str())));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let mut revision = Revision::of(&files);
    for link in example.with.iter().filter_map(|with| with.strip_prefix("->")) {
        revision.entries.get_mut(&link.parse().unwrap()).unwrap().kind = EntryKind::Symlink;
    }
    for unread in example.with.iter().filter_map(|with| with.strip_prefix("unread-")) {
        revision.texts.remove(&unread.parse::<RepoPath>().unwrap());
    }
    revision
}

/// The settings that an example is looked at with: its own rule is on, and the labels of all pages are asked for.
pub(super) fn settings(rule: &Rule, example: &Example) -> Settings {
    let trusted = example.with.iter().filter_map(|with| with.strip_prefix("trust-")).map(str::to_owned);
    let label = |(name, kind): (&str, LabelType)| (name.to_owned(), kind);
    let schema = [
        ("address", LabelType::Url),
        ("contact", LabelType::Email),
        ("created", LabelType::Rfc3339),
        ("licence", LabelType::Spdx),
        ("release", LabelType::Semver),
        ("revision", LabelType::Hash),
        ("title", LabelType::Text),
    ];
    Settings {
        trusted_registries: trusted.collect(),
        label_schema: schema.map(label).into(),
        strict_labels: true,
        ..Settings::default().enable(rule.id)
    }
}

/// The files of a block: one, or several that are headed by their paths, as `# stacks/shop/stack.yml`.
fn parts(example: &Example) -> Vec<(String, &str)> {
    let headings: Vec<(usize, &str)> =
        example.text.match_indices("# ").filter_map(|(at, _)| Some((at, heading(&example.text, at)?))).collect();
    if headings.first().is_none_or(|(at, _)| *at != 0) {
        return vec![(example.path.to_owned(), &example.text)];
    }
    let ends = headings.iter().skip(1).map(|(at, _)| *at).chain([example.text.len()]);
    headings.iter().zip(ends).map(|((at, path), end)| ((*path).to_owned(), &example.text[*at..end])).collect()
}

/// The path that a line is a heading of.
fn heading(text: &str, at: usize) -> Option<&str> {
    let line = text[at..].lines().next()?.strip_prefix("# ")?;
    let is_begin = at == 0 || text[..at].ends_with('\n');
    (is_begin && [".yml", ".yaml"].iter().any(|end| line.ends_with(end))).then_some(line)
}

#[test]
fn every_page_is_true() {
    let mut wrong = String::new();
    let variables = BTreeMap::from([("MAIL_PASSWORD".to_owned(), "from elsewhere".to_owned())]);
    for rule in rules() {
        for example in examples(rule) {
            let settings = settings(rule, &example);
            let found = findings(&revision(&example), &variables, &settings);
            if found.iter().any(|finding| finding.id() == rule.id) != example.bad {
                writeln!(wrong, "{} ({}):\n{}{found:#?}", rule.id, example.bad, example.text).unwrap();
            }
            for fixed in found.iter().filter(|finding| finding.id() == rule.id && finding.fix.is_some()) {
                assert!(rule.fixes(), "{}: say that it has fixes: {fixed:?}", rule.id);
            }
            let others = found.iter().filter(|finding| ["SK1001", "DL1000"].contains(&finding.id()));
            for other in others.filter(|other| other.id() != rule.id) {
                writeln!(wrong, "{}: {}\n{}", rule.id, other.message, example.text).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_page_shows_what_is_bad_and_what_is_good() {
    // What only a push or the swarm shows has no block.
    let is_shown =
        |rule: &&&Rule| !matches!(rule.check, Check::Revision(_) | Check::Swarm(())) && rule.id != own::UNREAD.id;
    for rule in rules().iter().filter(is_shown) {
        let kinds: BTreeSet<bool> = examples(rule).iter().map(|example| example.bad).collect();
        assert_eq!(kinds.len(), 2, "{}", rule.id);
    }
}

#[test]
fn a_rule_that_fixes_does_so_on_its_page() {
    for rule in rules().iter().filter(|rule| rule.fixes()) {
        let found = examples(rule)
            .into_iter()
            .flat_map(|example| findings(&revision(&example), &BTreeMap::new(), &settings(rule, &example)));
        let mut own = found.filter(|finding| finding.id() == rule.id);
        assert!(own.any(|finding| finding.fix.is_some()), "{}", rule.id);
    }
}

#[test]
fn ids_are_unique_and_titles_are_sentences() {
    let ids: BTreeSet<&str> = rules().iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), rules().len());
    for rule in rules() {
        assert!(rule.title().ends_with('.'), "{}: {}", rule.id, rule.title());
    }
}

/// `UPDATE=1 cargo test` writes the page anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "the person at the keyboard asks the test for something else")]
fn the_manual_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
    let manual = crate::lint::manual();
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
        fs::write(path, &manual).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(written == manual, "docs/rules.md is out of date: run `UPDATE=1 cargo test manual`");
}

/// Every rule of the level error, and why a deploy could not come past what it finds. A new one needs a reason here: what Docker or
/// Swarm would refuse, or what cannot work.
const ERRORS: &[(&str, &str)] = &[
    ("DL1000", "BuildKit refuses the Dockerfile"),
    ("DL3011", "BuildKit refuses the port (`dispatchExpose`)"),
    ("DL3023", "BuildKit finds a circle of stages (`validateCircularDependency`)"),
    ("DL3026", "the repository's own settings say which registries may be built on"),
    ("DL3043", "BuildKit refuses the instruction behind `ONBUILD` (`parseOnBuild`)"),
    ("DL3061", "BuildKit has no stage to put the instruction into"),
    ("SC1072", "the shell cannot read the script, so the step fails"),
    ("SC1088", "the shell cannot read the script, so the step fails"),
    ("SK0001", "without the settings nobody knows what should be found"),
    ("SK1001", "what is not understood cannot be deployed"),
    ("SK1002", "there is nothing to deploy"),
    ("SK1003", "Docker refuses a service that refers to what is not defined"),
    ("SK1004", "a service that never ends is waited for until the deadline"),
    ("SK1005", "Docker refuses a service without an image"),
    ("SK1006", "Docker refuses the name of the image"),
    ("SK1007", "what is not in the repository cannot be read"),
    ("SK1008", "what is behind a link or in a submodule is not read"),
    ("SK1009", "Swarm refuses the name"),
    ("SK1010", "Swarm refuses the port with this mode"),
    ("SK1011", "Swarm refuses the second who publishes a port"),
    ("SK1012", "Swarm refuses two mounts at one place"),
    ("SK1013", "there is no stack of this name"),
    ("SK1014", "all that runs would be removed"),
    ("SK1015", "what is too large is not read"),
    ("SK1016", "no stack can be made of the file"),
    ("SK1017", "Swarm refuses two files at one place"),
    ("SK1018", "no stack file can be made of the template"),
    ("SK1020", "Swarm refuses the amount"),
    ("SK1021", "the check never succeeds, so the task never runs"),
    ("SK1022", "Swarm refuses the constraint, or finds no node for ever"),
    ("SK1023", "Swarm refuses the second who publishes a port"),
    ("SK1024", "Swarm refuses a job that says how it is updated"),
    ("SK1025", "the engine refuses a service on the network of one node"),
    ("SK1026", "the stack that is deployed second is refused"),
    ("SK1027", "the containers would get the pointer in the place of the file"),
    ("SK1030", "which stacks there are is not known"),
    ("SK4004", "Traefik drops the router"),
    ("SK4011", "Traefik drops both routers"),
    ("SK4023", "Traefik does not start"),
    ("SK5001", "BuildKit refuses a Dockerfile without a stage"),
    ("SK5002", "BuildKit does not find what it should copy"),
    ("SK5003", "BuildKit does not find what it should copy"),
    ("SK6002", "what is decrypted would not stay secret, or cannot be decrypted"),
    ("SK6009", "the repository's own settings say which registries may be used"),
    ("SK8001", "the swarm refuses it as it is now"),
];

#[test]
fn an_error_is_only_what_a_deploy_would_refuse_or_what_cannot_work() {
    let errors = rules().iter().filter(|rule| rule.severity == Severity::Error).map(|rule| rule.id);
    let known: BTreeSet<&str> = ERRORS.iter().map(|(id, _)| *id).collect();
    assert_eq!(errors.collect::<BTreeSet<_>>(), known);
}
