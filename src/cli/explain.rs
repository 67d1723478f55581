//! `skep explain`: the page of a rule, or the list of all.

use std::process::ExitCode;

use clap::Args;

use super::{Common, output};
use crate::lint;

/// `skep explain`
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The rule, such as SK1003 [default: list all rules]
    rule: Option<String>,
}

impl Explain {
    pub(super) fn run(&self, _common: &Common) -> anyhow::Result<ExitCode> {
        let Some(id) = &self.rule else {
            output::result(
                &lint::rules()
                    .iter()
                    .map(|rule| format!("{}  {}", rule.id, rule.title()))
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
            return Ok(ExitCode::SUCCESS);
        };
        let Some(rule) = lint::explain(id) else { return Err(lint::unknown(id).into()) };
        output::result(&rule.page());
        Ok(ExitCode::SUCCESS)
    }
}
