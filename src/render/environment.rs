//! The variables of a service: files in order, then the section.

use std::collections::BTreeMap;

use super::Renderer;
use crate::diagnostic::{Diagnostic, Line};
use crate::stack::file::{EnvFile, Service};
use crate::stack::variables::Variables;

impl Renderer<'_> {
    /// Like Docker's `resolveEnvironment`: a later file overrides an earlier one, and the section overrides all files.
    pub(super) fn environment(&mut self, service: &Service) -> BTreeMap<String, Option<String>> {
        let mut variables = BTreeMap::new();
        for file in &service.env_file {
            variables.extend(self.env_file(file));
        }
        let own = service.environment.iter().map(|(name, value)| (name.clone(), value.value.clone()));
        variables.extend(own);
        variables
    }

    fn env_file(&mut self, file: &EnvFile) -> Vec<(String, Option<String>)> {
        if !file.required && !self.inputs.texts.contains_key(&file.path.value) {
            return Vec::new();
        }
        let Some(text) = self.text(&file.path) else { return Vec::new() };
        match parse(text, &self.file.sources.variables(&file.path.span)) {
            Ok(variables) => variables,
            Err(wrong) => {
                self.problem(&file.path.span, format!("`{}`: {}", file.path.value, wrong.sentence()), wrong.help);
                Vec::new()
            }
        }
    }
}

/// Variables with their values, in the order of the file.
type Lines = Vec<(String, Option<String>)>;

/// Parses an environment file (docker/cli `pkg/kvfile`): `NAME=value` literally, without removing quotes or replacing
/// variables; `NAME` alone is taken from `given`, and omitted if it does not exist.
fn parse(text: &[u8], given: &Variables) -> Result<Lines, Diagnostic<Option<Line>>> {
    let text = std::str::from_utf8(text).map_err(|_| Diagnostic::new(None, "it is not UTF-8 text"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut variables = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |message: String| Diagnostic::new(Some(Line(number + 1)), message);
        let (name, value) = line.split_once('=').map_or((line, None), |(name, value)| (name, Some(value.to_owned())));
        if name.is_empty() {
            return Err(wrong("there is no name before `=`".to_owned()));
        }
        // Other kinds of spaces are ordinary characters.
        if name.contains([' ', '\t']) {
            return Err(wrong(format!("`{name}` contains a space")).help("write `NAME=value`"));
        }
        let value = value.or_else(|| given.get(name).map(str::to_owned));
        variables.extend(value.map(|value| (name.to_owned(), Some(value))));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_literally() {
        let text = "\u{feff}# comment\n  A=1 # not a comment \nB=\"q\"\r\n\nC=\nGIVEN\nABSENT\n";
        let given = BTreeMap::from([("GIVEN".to_owned(), "g".to_owned())]);
        let shown: Vec<String> = parse(text.as_bytes(), &(&given).into())
            .unwrap()
            .into_iter()
            .map(|(name, value)| format!("{name}={}", value.unwrap()))
            .collect();
        assert_eq!(shown, ["A=1 # not a comment ", "B=\"q\"", "C=", "GIVEN=g"]);
    }

    #[test]
    fn a_line_of_a_shell_is_refused() {
        let refused = |text: &str| parse(text.as_bytes(), &Variables::default()).unwrap_err();
        insta::assert_snapshot!(refused("A=1\nexport B=2"), @"line 2: `export B` contains a space; write `NAME=value`");
        insta::assert_snapshot!(refused("=1"), @"line 1: there is no name before `=`");
    }
}
