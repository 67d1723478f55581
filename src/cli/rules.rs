//! `skep rules`: all rules, with their levels.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::output::Format;
use super::table::{Cell, table};
use super::{Common, output};
use crate::lint::{self, Rule};

/// `skep rules`
#[derive(Debug, Args)]
pub(super) struct Rules {}

impl Rules {
    #[expect(clippy::unused_self, reason = "every command is run in the same way")]
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        match common.format {
            Format::Json => output::json(&lint::rules().iter().map(|rule| as_json(rule)).collect::<Vec<_>>()),
            Format::Human => {
                let rows: Vec<[Cell; 5]> = lint::rules().iter().map(|rule| row(rule)).collect();
                output::result(&table(["RULE", "LEVEL", "STATE", "FIX", "TITLE"], &rows, common.color.resolve()));
            }
        }
        ExitCode::SUCCESS
    }
}

fn as_json(rule: &Rule) -> serde_json::Value {
    json!({
        "id": rule.id,
        "level": rule.level(),
        "title": rule.title(),
        "on": !rule.is_off(),
        "fixable": rule.fixes(),
        "mustHold": rule.must_hold(),
    })
}

fn row(rule: &Rule) -> [Cell; 5] {
    [
        rule.id.into(),
        rule.level().into(),
        if rule.is_off() { "off" } else { "on" }.into(),
        if rule.fixes() { "fix" } else { "" }.into(),
        rule.title().into(),
    ]
}
