//! Stories: Markdown whose fenced blocks are files and what is done with them.
//!
//! A block after a line such as `` `stacks/shop/stack.yml`: `` is a file of the repository, from there on. In a block
//! `console` each line that begins with `$` is done by a [`Stage`], and what it says stands below the line.

use super::stage::Stage;

/// A story, in the order in which it is told.
pub(crate) struct Story(Vec<Part>);

enum Part {
    /// Told as it is.
    Text(String),
    /// The content of a file.
    File { path: String, text: String },
    /// A command, and what it said when the story was written.
    Command { line: String, said: Vec<String> },
}

impl Story {
    pub(crate) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut lines = text.lines();
        let mut path = None;
        while let Some(line) = lines.next() {
            parts.push(Part::Text(line.to_owned()));
            let mut body = || lines.by_ref().take_while(|line| !line.starts_with("```")).map(str::to_owned).collect();
            if line == "```console" {
                parts.extend(commands(body()));
            } else if line.starts_with("```") {
                let text: Vec<String> = body();
                let path = path.take().unwrap_or_else(|| panic!("no line such as `path`: before {line}"));
                parts.push(Part::File { path, text: text.join("\n") + "\n" });
            } else {
                path = line.strip_prefix('`').and_then(|line| line.strip_suffix("`:")).map(str::to_owned).or(path);
                continue;
            }
            parts.push(Part::Text("```".to_owned()));
        }
        Self(parts)
    }

    /// The commands, as they are written.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Command { line, .. } => Some(line.as_str()),
            Part::Text(_) | Part::File { .. } => None,
        })
    }

    /// The story as it goes on this stage.
    pub(crate) fn play(&self, stage: &mut Stage) -> String {
        self.told(|part| match part {
            Part::File { path, text } => {
                stage.file(path, text);
                None
            }
            Part::Command { line, .. } => Some(stage.perform(line)),
            Part::Text(_) => None,
        })
    }

    /// The story as it was written.
    pub(crate) fn as_written(&self) -> String {
        self.told(|_| None)
    }

    fn told(&self, mut says: impl FnMut(&Part) -> Option<Vec<String>>) -> String {
        let mut lines = Vec::new();
        for part in &self.0 {
            let new = says(part);
            match part {
                Part::Text(line) => lines.push(line.clone()),
                Part::File { text, .. } => lines.push(text.trim_end().to_owned()),
                Part::Command { line, said } => {
                    lines.push(format!("$ {line}"));
                    lines.extend(new.unwrap_or_else(|| said.clone()));
                }
            }
        }
        lines.join("\n") + "\n"
    }
}

fn commands(lines: Vec<String>) -> Vec<Part> {
    let mut commands: Vec<Part> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(line), _) => commands.push(Part::Command { line: line.to_owned(), said: Vec::new() }),
            (None, Some(Part::Command { said, .. })) => said.push(line),
            (None, _) => panic!("`{line}` is said before anything is done"),
        }
    }
    commands
}
