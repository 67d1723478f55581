//! `skep lint`: the rules over folders and files.

mod options;
mod replace;
mod shellcheck;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use similar::TextDiff;

use self::options::Options;
use self::target::Target;
use super::output::{self, FindingsFormat};
use super::variables::{For, Given};
use super::{Common, live, trouble};
use crate::diagnostic::render::{self, Texts};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::report;
use crate::lint::{self, Settings};
use crate::plan::Color;

/// `skep lint`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command")]
pub(super) struct Lint {
    /// Folders, Dockerfiles and stack files; `-` is a Dockerfile from standard input
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Lowest severity that makes the exit code 1 [default: from the settings, else error]
    #[arg(long, short = 't', visible_alias = "failure-threshold", value_enum)]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    given: Given,
    /// Also check against the live swarm, as a deploy would
    #[arg(long)]
    live: bool,
    /// Print one line for each finding, like `--format short`
    #[arg(long)]
    short: bool,
    /// `--format`, as hadolint has it
    #[arg(short = 'f', value_enum, value_name = "FORMAT", hide = true)]
    hadolint_format: Option<FindingsFormat>,
    /// `--color never`, as hadolint has it
    #[arg(long, hide = true)]
    no_color: bool,
    /// Write the findings to a file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Apply the safe fixes
    #[arg(long, conflicts_with = "diff")]
    fix: bool,
    /// Show what `--fix` would change, without changing anything
    #[arg(long)]
    diff: bool,
    // The last field, because later ones would be listed under its heading.
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Info,
    Style,
    /// Never fail, like `--no-fail`
    #[value(alias = "ignore")]
    None,
}

impl FailOn {
    fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Info => Some(Severity::Info),
            Self::Style => Some(Severity::Style),
            Self::None => None,
        }
    }
}

/// The findings in all given paths.
#[derive(Default)]
struct Outcome {
    findings: Vec<Diagnostic>,
    texts: Texts,
    /// Whether a finding is at or above the failure threshold.
    fails: bool,
    /// The output format in the settings of the first path.
    format: Option<String>,
}

impl Lint {
    /// Exit code 0: clean; 1: findings; 2: it could not run.
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        self.tried(common).unwrap_or_else(|error| {
            trouble::tell(&error);
            ExitCode::from(2)
        })
    }

    /// Takes over the file given with `--config` if its name is that of linter settings.
    pub(super) fn take_settings(&mut self, config: &mut Option<PathBuf>) {
        let named = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let is_of_linter =
            config.as_ref().map(named).is_some_and(|name| name.contains("hadolint") || name.contains("skep-lint"));
        if is_of_linter {
            self.options.file = config.take();
        }
    }

    fn tried(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let given = self.options.settings()?;
        let of_skep = common.settings()?;
        let variables = |whose: For<'_>| self.given.variables(&of_skep, whose);
        let mut outcome = Outcome::default();
        for mut target in target::all(&self.paths, &variables)? {
            if self.options.file.is_some() {
                target.forget_settings();
            }
            target.given = target.given.then(given.clone());
            self.look(&mut target, &mut outcome, common)?;
        }
        if !self.diff {
            self.tell(&outcome, common)?;
        }
        Ok(exit_code(&outcome))
    }

    fn look(&self, target: &mut Target, outcome: &mut Outcome, common: &Common) -> anyhow::Result<()> {
        if self.fix || self.diff {
            self.mend(target)?;
        }
        let settings = target.settings();
        let others = if settings.shellcheck {
            super::block_on(shellcheck::findings(&target.questions(), &settings))?
        } else {
            Vec::new()
        };
        let mut findings = target.findings(others);
        if self.live {
            findings.extend(seen(target, &settings, common)?);
        }
        outcome.fails |= self.fails(&findings, &settings);
        outcome.format = outcome.format.take().or(settings.format);
        outcome.texts.extend(target.texts());
        outcome.findings.extend(findings);
        Ok(())
    }

    fn fails(&self, findings: &[Diagnostic], settings: &Settings) -> bool {
        let asked = self.fail_on.map_or_else(|| Some(settings.fail_on.unwrap_or(Severity::Error)), FailOn::severity);
        !settings.no_fail && asked.is_some_and(|least| findings.iter().any(|finding| finding.severity >= least))
    }

    fn mend(&self, target: &mut Target) -> anyhow::Result<()> {
        let before = target.revision.clone();
        for path in lint::fixed(&mut target.revision, &target.variables, &target.given) {
            let text = &target.revision.texts[&path];
            if self.diff {
                let shown = target.shown(&path);
                output::data(&unified(shown.as_str(), &before.texts[&path], text));
            } else if let Some(file) = target.on_disk(&path) {
                replace::replace(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
                output::line(&format!("fixed {}", target.shown(&path)));
            } else {
                output::data(&String::from_utf8_lossy(text));
            }
        }
        if self.diff {
            target.revision = before;
        }
        Ok(())
    }

    fn tell(&self, outcome: &Outcome, common: &Common) -> anyhow::Result<()> {
        let format = self.format(outcome, common);
        let color = self.output.is_none() && !self.no_color && common.color.resolve() == Color::Always;
        let text = format.write(&outcome.findings, &outcome.texts, color);
        if let Some(file) = &self.output {
            return std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()));
        }
        match format {
            _ if text.is_empty() => {}
            report::Format::Human | report::Format::Short => output::result(&text),
            _ => output::data(&text),
        }
        let is_short = format == report::Format::Short && outcome.findings.is_empty();
        if format == report::Format::Human || is_short {
            output::line(&summary(&outcome.findings));
        }
        Ok(())
    }

    /// The format from the options, or else from the settings.
    fn format(&self, outcome: &Outcome, common: &Common) -> report::Format {
        if self.short {
            return report::Format::Short;
        }
        let asked = common.findings.or(self.hadolint_format).map(FindingsFormat::format);
        let of_settings = outcome.format.as_deref().and_then(report::Format::named);
        asked.or(of_settings).unwrap_or(report::Format::Human)
    }
}

/// The number of findings, and of those with a safe fix.
fn summary(findings: &[Diagnostic]) -> String {
    let fixes = findings.iter().filter(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safe)).count();
    let mends = if fixes == 0 { String::new() } else { format!("; `skep lint --fix` fixes {fixes}") };
    format!("{}{mends}", render::summary(findings))
}

/// The findings of the live swarm, with paths relative to the working folder.
fn seen(target: &Target, levels: &Settings, common: &Common) -> anyhow::Result<Vec<Diagnostic>> {
    let (settings, name) = (common.settings()?, target.name());
    let asked = live::findings(&settings, &target.revision, &target.variables, levels, &name);
    let mut findings = super::block_on(asked)?;
    for finding in &mut findings {
        finding.place.path = target.shown(&finding.place.path);
    }
    Ok(findings)
}

/// The exit code; invalid settings count as a failure to run.
fn exit_code(outcome: &Outcome) -> ExitCode {
    if outcome.findings.iter().any(|finding| finding.id() == lint::BAD_SETTINGS) {
        ExitCode::from(2)
    } else {
        ExitCode::from(u8::from(outcome.fails))
    }
}

fn unified(path: &str, before: &[u8], after: &[u8]) -> String {
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let diff = TextDiff::from_lines(before.as_ref(), after.as_ref());
    diff.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string()
}
