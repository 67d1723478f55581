//! Files with variables: `.env` beside a stack file, and the `env_file` of an `include`.

use super::{Absent, Gatherer, MAX_BYTES, MAX_FILES, Mention, Origin, Variables};
use crate::diagnostic::{Diagnostic, Line, Place};
use crate::name::RepoPath;
use crate::stack::dotenv;
use crate::stack::variables::Set;

/// The variable that makes Compose ignore `.env`.
pub(crate) const NO_ENV_FILE: &str = "COMPOSE_DISABLE_ENV_FILE";

impl Gatherer<'_> {
    /// Adds the variables of `.env` in a folder, if it exists. Its errors are collected separately, because it may not be
    /// intended for the stack.
    pub(super) fn with_env_file(&mut self, folder: &RepoPath, variables: &Variables) -> Variables {
        let is_off = variables.get(NO_ENV_FILE).is_some_and(|value| ["1", "true"].contains(&value));
        let Some(path) = folder.join(".env").ok().filter(|_| !is_off && !self.library.read_mode.as_written) else {
            return variables.clone();
        };
        self.asked.insert(path.clone());
        match (self.library.text)(&path) {
            Ok(_) if self.files >= MAX_FILES || self.bytes > MAX_BYTES => {
                self.env_file_trouble(path, 0, "it was not read: the stack is made from too many files".to_owned());
            }
            Ok(text) => match self.parsed(&text, variables, Set::new()) {
                Ok(set) => return variables.with(Origin::DotEnv, set),
                Err(error) => self.trouble(path, &text, error),
            },
            Err(Absent::Missing(_)) => {}
            Err(Absent::Unreadable(reason)) => self.env_file_trouble(path, 0, format!("it was not read: {reason}")),
        }
        variables.clone()
    }

    /// Parses a file, and counts its variables.
    fn parsed(&mut self, text: &[u8], variables: &Variables, set: Set) -> Result<Set, Diagnostic<Line>> {
        self.files += 1;
        self.bytes += text.len();
        let known = set.len();
        let set = dotenv::parse_after(text, variables, set, &mut self.fill_left)?;
        self.set += set.len().saturating_sub(known);
        Ok(set)
    }

    fn trouble(&mut self, path: RepoPath, text: &[u8], error: Diagnostic<Line>) {
        let line = text.split_inclusive(|byte| *byte == b'\n').take(error.place.0.saturating_sub(1));
        let at = line.map(<[u8]>::len).sum();
        self.env_file_trouble(path, at, format!("none of its variables is set: {}", error.at(())));
    }

    fn env_file_trouble(&mut self, path: RepoPath, at: usize, message: String) {
        let misfit = Diagnostic::new(Place { path, span: at..at }, message)
            .help("Compose refuses it as well; correct it, or remove it");
        if !self.env_files.contains(&misfit) {
            self.env_files.push(misfit);
        }
    }

    /// The variables of an `include`'s `env_file`s; later files take precedence.
    pub(super) fn named_env_files(&mut self, files: &[Mention], variables: &Variables) -> Set {
        let mut all = Set::new();
        for file in files {
            let Some(text) = self.text(file) else { continue };
            match self.parsed(&text, variables, all.clone()) {
                Ok(more) => all = more,
                Err(reason) => self.problem(&file.span, format!("`{}`: {reason}", file.path), None),
            }
        }
        all
    }
}
