//! The linter's settings on the command line, with skep's and hadolint's names.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::super::output;
use crate::config;
use crate::diagnostic::{Diagnostic, Severity, Spot, render};
use crate::lint::settings::{self, LabelType, Level, Written};
use crate::lint::{self, Settings};

/// The options that change the linter's settings.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command")]
pub(super) struct Options {
    /// Settings that replace those in the folder: a `skep-lint.yaml`, or a `.hadolint.yaml` if its name contains `hadolint`
    #[arg(long = "settings", short = 'c', value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Enable a rule
    #[arg(long, value_name = "RULE")]
    enable: Vec<String>,
    /// Disable a rule
    #[arg(long, value_name = "RULE")]
    ignore: Vec<String>,
    /// Set the level of a rule to error
    #[arg(long, value_name = "RULE")]
    error: Vec<String>,
    /// Set the level of a rule to warning
    #[arg(long, value_name = "RULE")]
    warning: Vec<String>,
    /// Set the level of a rule to info
    #[arg(long, value_name = "RULE")]
    info: Vec<String>,
    /// Set the level of a rule to style
    #[arg(long, value_name = "RULE")]
    style: Vec<String>,
    /// A registry that images may come from
    #[arg(long = "trusted-registry", value_name = "REGISTRY")]
    trusted_registries: Vec<String>,
    /// A label that images must have, and its type, such as `maintainer:email`
    #[arg(long = "require-label", value_name = "LABEL:TYPE", value_parser = label)]
    labels: Vec<(String, LabelType)>,
    /// Allow only these labels
    #[arg(long)]
    strict_labels: bool,
    /// Ignore comments that disable rules
    #[arg(long)]
    disable_ignore_pragma: bool,
    /// Exit with code 0 despite findings
    #[arg(long)]
    no_fail: bool,
    /// Also run `shellcheck` on scripts, for findings that skep has no rule for
    #[arg(long)]
    shellcheck: bool,
}

impl Options {
    /// The settings of the environment, the given file and these options; later ones override earlier ones.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let variables = settings::of_variables(&config::hadolint())?;
        let file = self.file.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(file.then(variables).then(self.own()?))
    }

    fn own(&self) -> anyhow::Result<Settings> {
        let at = |severity| Level::At(severity);
        let given = [
            (&self.enable, Level::On),
            (&self.ignore, Level::Off),
            (&self.error, at(Severity::Error)),
            (&self.warning, at(Severity::Warning)),
            (&self.info, at(Severity::Info)),
            (&self.style, at(Severity::Style)),
        ];
        let mut own = Settings {
            trusted_registries: self.trusted_registries.iter().cloned().collect(),
            label_schema: self.labels.iter().cloned().collect(),
            strict_labels: self.strict_labels,
            disable_ignore_pragma: self.disable_ignore_pragma,
            no_fail: self.no_fail,
            shellcheck: self.shellcheck,
            ..Settings::default()
        };
        for (ids, level) in given {
            for id in ids {
                let known = if level == Level::On { lint::explain(id).is_some() } else { lint::knows(id) };
                anyhow::ensure!(known, lint::unknown(id));
                own.levels.insert(id.to_ascii_uppercase(), level);
            }
        }
        Ok(own)
    }
}

/// Reads a settings file. With invalid settings nothing is checked.
fn read(path: &Path) -> anyhow::Result<Settings> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    let name = name.with_context(|| format!("cannot read {}: its name is not UTF-8", path.display()))?;
    let written = Written::read(&name, &text);
    let spotted = |wrong: Diagnostic| {
        let spot = Spot::of(path.display().to_string(), &text, &wrong.place.span);
        wrong.at(spot)
    };
    if let Some(misfit) = written.misfits.first() {
        return Err(spotted(misfit.clone()).into());
    }
    for doubt in lint::doubts(&written) {
        output::line(&render::plain(&spotted(doubt).rated(Severity::Warning)));
    }
    Ok(written.settings)
}

fn label(text: &str) -> Result<(String, LabelType), String> {
    let types = LabelType::NAMES.join(", ");
    let parts = text.rsplit_once(':').and_then(|(name, kind)| Some((name.to_owned(), LabelType::named(kind)?)));
    parts.ok_or_else(|| format!("write `label:type`, with one of the types {types}"))
}
