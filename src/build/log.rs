//! What is reported of a build: passed on as it comes, the last lines kept for the message of a failure.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::mask;
use crate::stack::recipe::Recipe;
use crate::text;

/// Where reports go. It must not wait: one that cannot be taken at once is the receiver's to drop.
pub type Log = Arc<dyn Fn(Report<'_>) + Send + Sync>;

/// What is reported of an image that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report<'a> {
    /// It is about to be built.
    Begun,
    /// The builder, or the test, wrote a line.
    Line(&'a str),
    /// It passed its test.
    Tested,
    /// It is in the registry.
    Pushed {
        /// Its name and tag.
        image: &'a str,
        /// How many layers were sent.
        new_layers: usize,
        /// How many layers were there.
        known_layers: usize,
    },
}

/// The number of lines in an error message.
const KEPT: usize = 50;
/// The most characters shown of a line.
const WIDTH: usize = 500;

/// Passes lines on and keeps the last ones.
pub(super) struct Tail {
    log: Log,
    secrets: Vec<String>,
    kept: VecDeque<String>,
}

impl Tail {
    /// No lines yet of what is made by this recipe.
    pub(super) fn new(log: Log, recipe: &Recipe) -> Self {
        let is_secret = |(name, value): &(&String, &String)| mask::is_secret_name(name) && mask::is_plain(value);
        let secrets = recipe.args.iter().filter(is_secret).map(|(_, value)| value.clone()).collect();
        Self { log, secrets, kept: VecDeque::new() }
    }

    /// Takes a line from outside: colours are left out, control characters become marks, secrets that are known as such are
    /// hidden, a long line is cut.
    pub(super) fn line(&mut self, line: &str) {
        let plain = text::plain(line.trim_end());
        let line = text::shortened(&self.masked(plain.trim_end()), WIDTH).into_owned();
        (self.log)(Report::Line(&line));
        self.kept.push_back(line);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// Without the values of arguments whose names are those of secrets, and without what else looks like one.
    pub(super) fn masked(&self, line: &str) -> String {
        let hide = |line: String, secret: &String| line.replace(secret.as_str(), mask::HIDDEN);
        mask::message(&self.secrets.iter().fold(line.to_owned(), hide)).into_owned()
    }

    pub(super) fn kept(&self) -> Vec<String> {
        self.kept.iter().cloned().collect()
    }
}

/// Splits pieces of bytes into lines. A carriage return also ends a line.
#[derive(Default)]
pub(super) struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// The lines completed by this piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for &byte in piece {
            match byte {
                b'\n' | b'\r' => complete.extend(self.rest()),
                byte if self.open.len() < WIDTH * 4 => self.open.push(byte),
                _ => {}
            }
        }
        complete
    }

    /// The last, unterminated line.
    pub(super) fn rest(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.open);
        (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_readable() {
        let mut tail = Tail::new(Arc::new(|_| {}), &recipe(&[]));
        (0..60).for_each(|number| tail.line(&number.to_string()));
        tail.line("\u{1b}[31mred\u{1b}[0m\u{7} é \r");
        tail.line(&"x".repeat(600));
        let kept = tail.kept();
        assert_eq!((kept.len(), kept[0].as_str(), kept[48].as_str()), (KEPT, "12", "red^G é"));
        assert_eq!(kept[49].chars().count(), WIDTH + 1);
    }

    fn recipe(args: &[(&str, &str)]) -> Recipe {
        Recipe {
            service: "web".parse().unwrap(),
            context: "web".parse().unwrap(),
            dockerfile: "web/Dockerfile".parse().unwrap(),
            args: args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            target: None,
            test: Vec::new(),
        }
    }

    #[test]
    fn secrets_that_are_known_as_such_are_in_no_line() {
        let mut tail = Tail::new(Arc::new(|_| {}), &recipe(&[("NPM_TOKEN", "npm_s3cr3t"), ("VERSION", "17")]));
        tail.line("#4 npm config set //registry/:_authToken npm_s3cr3t for 17");
        tail.line("#5 DB_PASSWORD=hunter22 ./migrate postgres://shop:hunter22@db/shop");
        tail.line("#6 unexpected token: end of file");
        insta::assert_snapshot!(tail.kept().join("\n"), @"
        #4 npm config set //registry/:_authToken *** for 17
        #5 DB_PASSWORD=*** ./migrate postgres://shop:***@db/shop
        #6 unexpected token: end of file
        ");
    }

    #[test]
    fn pieces_become_lines() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one\ntw"), ["one"]);
        assert_eq!(lines.push(b"o\r\n10%\r20%"), ["two", "10%"]);
        assert_eq!((lines.rest().as_deref(), lines.rest()), (Some("20%"), None));
    }
}
