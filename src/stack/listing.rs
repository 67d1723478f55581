//! `skep.yml` at the top of a repository: its stacks, and the files of each.
//!
//! ```yaml
//! stacks:
//!   shop: { file: deploy/shop.yml, with: [base.yml] }
//!   "*": "apps/*/docker-compose.yml"
//! ```
//!
//! Nothing is looked up here: [`crate::revision`] finds the files of a [`Listing`].

use super::file::Spanned;
use super::yaml::{self, Node, Value};
use crate::diagnostic::{Diagnostic, Span};
use crate::name::{RepoPath, StackName};

/// The possible names of the file; the first that exists counts.
pub const NAMES: [&str; 2] = ["skep.yml", "skep.yaml"];
/// A word that every file with a list contains.
const STACKS: &[u8] = b"stacks";
/// The most stacks that one file lists.
const MAX_LISTED: usize = 10_000;
/// The most patterns in it.
const MAX_PATTERNS: usize = 20;

/// The stacks of a repository, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The entries.
    pub listed: Vec<Listed>,
}

/// A stack, or all stacks that match a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name; `None` for a pattern, whose last star matches the name.
    pub name: Option<StackName>,
    /// The place of its key.
    pub span: Span,
    /// Its file, or the pattern.
    pub file: Spanned<RepoPath>,
    /// Files that it is merged over, in order.
    pub with: Vec<Spanned<RepoPath>>,
}

impl Listing {
    /// Parses the file; `None` if it has no list of stacks. Invalid entries are reported, the
    /// others count.
    pub fn parse(text: &[u8]) -> (Option<Self>, Vec<Diagnostic<Span>>) {
        if !text.windows(STACKS.len()).any(|part| part == STACKS) {
            return (None, Vec::new());
        }
        let tree = match yaml::parse(text) {
            Ok(tree) => tree,
            Err(problem) => {
                let problem = problem.help("write `stacks: { shop: deploy/shop.yml }`");
                return (Some(Self::default()), vec![problem]);
            }
        };
        let Some(stacks) = tree.get("stacks") else { return (None, Vec::new()) };
        let mut reader = Reader::default();
        for (key, _) in tree.entries().iter().filter(|(key, _)| key.raw() != "stacks" && !key.raw().starts_with("x-")) {
            reader.tell(&key.span, format!("skep.yml has no key `{}`", shown(key.raw())), "it has `stacks`");
        }
        let help = "write a name and a file for each: `shop: deploy/shop.yml`";
        if !matches!(stacks.value, Value::Mapping(_)) {
            reader.tell(&stacks.span, format!("`stacks` must be a map, but is {}", stacks.kind()), help);
        }
        let mut listed = Vec::new();
        for (key, value) in stacks.entries().iter().take(MAX_LISTED) {
            listed.extend(reader.stacks(key, value));
        }
        if stacks.entries().len() > MAX_LISTED {
            reader.tell(&stacks.span, format!("more than {MAX_LISTED} stacks are listed"), "use patterns");
        }
        let patterns = listed.iter().filter(|listed| listed.name.is_none()).count();
        if patterns > MAX_PATTERNS {
            let message = format!("there are more than {MAX_PATTERNS} patterns");
            reader.tell(&stacks.span, message, "write fewer, with more stars");
            listed.retain(|listed| listed.name.is_some());
        }
        (Some(Self { listed }), reader.problems)
    }
}

impl Listed {
    /// The name of the stack if a path matches the pattern.
    pub fn finds<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (pattern, parts) = (self.file.value.as_str().split('/'), path.split('/'));
        if pattern.clone().count() != parts.clone().count() {
            return None;
        }
        let mut name = None;
        for (pattern, part) in pattern.zip(parts) {
            match pattern.split_once('*') {
                None if pattern == part => {}
                None => return None,
                Some((before, after)) => {
                    let found = part.strip_prefix(before)?.strip_suffix(after)?;
                    name = Some(found).filter(|found| !found.is_empty() && !found.starts_with('.'));
                    name?;
                }
            }
        }
        name
    }

    /// The folders of the pattern up to the last star: `apps/*` of `apps/*/docker-compose.yml`. `None` if the star is in
    /// the name of the file.
    pub fn folders(&self) -> Option<&str> {
        let pattern = self.file.value.as_str();
        let star = pattern.rfind('*')?;
        let end = star + pattern[star..].find('/')?;
        Some(&pattern[..end])
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<Diagnostic<Span>>,
}

impl Reader {
    fn tell(&mut self, span: &Span, message: String, help: &str) {
        if self.problems.len() < super::MAX_PROBLEMS {
            self.problems.push(Diagnostic::new(span.clone(), message).help(help));
        }
    }

    /// The entries of one key: a stack, or patterns.
    fn stacks(&mut self, key: &Node, value: &Node) -> Vec<Listed> {
        let is_pattern = key.raw() == "*";
        let name = match key.raw().parse::<StackName>() {
            _ if is_pattern => None,
            Ok(name) => Some(name),
            Err(invalid) => {
                let help = "use lower-case letters, digits, `-` and `_`, or `\"*\"` for a pattern";
                self.tell(&key.span, invalid.to_string(), help);
                return Vec::new();
            }
        };
        let (files, with) = match &value.value {
            Value::Mapping(_) => self.parts(key, value),
            _ => (self.files(value, is_pattern), Vec::new()),
        };
        let listed = |file| Listed { name: name.clone(), span: key.span.clone(), file, with: with.clone() };
        files.into_iter().map(listed).collect()
    }

    /// `{ file: …, with: […] }`
    fn parts(&mut self, key: &Node, value: &Node) -> (Vec<Spanned<RepoPath>>, Vec<Spanned<RepoPath>>) {
        for (other, _) in value.entries().iter().filter(|(key, _)| !["file", "with"].contains(&key.raw())) {
            self.tell(&other.span, format!("a stack has no key `{}`", shown(other.raw())), "it has `file` and `with`");
        }
        let Some(file) = value.get("file") else {
            self.tell(
                &key.span,
                format!("the stack `{}` has no `file`", shown(key.raw())),
                "write `file: deploy/shop.yml`",
            );
            return (Vec::new(), Vec::new());
        };
        let with = value.get("with").filter(|with| !with.is_null());
        let with = with.map(|with| list(with).iter().filter_map(|one| self.path(one, false)).collect());
        (self.files(file, key.raw() == "*"), with.unwrap_or_default())
    }

    /// A path, or patterns.
    fn files(&mut self, value: &Node, is_pattern: bool) -> Vec<Spanned<RepoPath>> {
        if matches!(value.value, Value::Sequence(_)) && !is_pattern {
            let help = "write `{ file: deploy/shop.yml, with: [base.yml] }` for a stack of several files";
            self.tell(&value.span, "a stack has one file, but this is a list".to_owned(), help);
            return Vec::new();
        }
        list(value).iter().filter_map(|one| self.path(one, is_pattern)).collect()
    }

    fn path(&mut self, node: &Node, is_pattern: bool) -> Option<Spanned<RepoPath>> {
        let help = "write the path of a file of this repository";
        let Some(text) = node.as_str().filter(|text| !text.is_empty()) else {
            self.tell(&node.span, format!("this must be a path, but is {}", node.kind()), help);
            return None;
        };
        let stars = |part: &str| part.matches('*').count();
        if text.split('/').any(|part| stars(part) > 1) || is_pattern != text.contains('*') {
            let (message, help) = if !is_pattern {
                ("only `\"*\"` takes a pattern", "write the path of one file, or the pattern under `\"*\"`")
            } else if text.contains('*') {
                ("a pattern has one star in a name at most", "write a star for each folder: `apps/*/*/compose.yml`")
            } else {
                ("a pattern needs a star, which matches the name of the stack", "write `apps/*/docker-compose.yml`")
            };
            self.tell(&node.span, message.to_owned(), help);
            return None;
        }
        match RepoPath::root().join(text.strip_prefix('/').unwrap_or(text)) {
            Ok(path) if !path.as_str().is_empty() => Some(Spanned { span: node.span.clone(), value: path }),
            Ok(_) => {
                self.tell(&node.span, "this is the repository itself".to_owned(), help);
                None
            }
            Err(invalid) => {
                self.tell(&node.span, invalid.to_string(), help);
                None
            }
        }
    }
}

/// The items of a list; anything else is a single item.
fn list(node: &Node) -> &[Node] {
    if let Value::Sequence(items) = &node.value { items } else { std::slice::from_ref(node) }
}

fn shown(text: &str) -> String {
    let start: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::line_column;

    fn read(text: &str) -> String {
        let (listing, problems) = Listing::parse(text.as_bytes());
        let path = |path: &Spanned<RepoPath>| path.value.to_string();
        let listed = |listed: &Listed| {
            let name = listed.name.as_ref().map_or("*", StackName::as_str);
            let with: Vec<String> = listed.with.iter().map(path).collect();
            format!("{name}: {} [{}]", listed.file.value, with.join(" "))
        };
        let told = |problem: &Diagnostic<Span>| {
            let (line, column) = line_column(text.as_bytes(), problem.place.start);
            format!("{line}:{column}: {}; {}", problem.message, problem.help.as_deref().unwrap_or_default())
        };
        let lines = listing.iter().flat_map(|listing| listing.listed.iter().map(listed));
        lines.chain(problems.iter().map(told)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn stacks_are_listed_with_their_files() {
        let text = "stacks:\n  shop: { file: deploy/shop.yml, with: [base.yml] }\n  wiki: ./wiki.yml\n  \"*\": [\"apps/*/docker-compose.yml\", 'infra/*.yml']\n";
        insta::assert_snapshot!(read(text), @r"
        shop: deploy/shop.yml [base.yml]
        wiki: wiki.yml []
        *: apps/*/docker-compose.yml []
        *: infra/*.yml []
        ");
    }

    #[test]
    fn a_file_about_something_else_lists_nothing() {
        for text in ["", "data: /data/skep\n", "# nothing\n", "- a\n"] {
            assert_eq!(Listing::parse(text.as_bytes()), (None, Vec::new()), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_place_and_what_to_write() {
        let text = "stack: 1\nstacks:\n  Shop: a.yml\n  a: [b.yml]\n  b: ../b.yml\n  c: c/*.yml\n  d: {}\n  e: { file: e.yml, whit: x }\n  f:\n  g: { file: 1 }\n  \"*\": a.yml\n";
        insta::assert_snapshot!(read(text), @r#"
        e: e.yml []
        1:1: skep.yml has no key `stack`; it has `stacks`
        3:3: `Shop` is not a stack name: `S` is not allowed, only lower-case letters, digits, `-` and `_`; use lower-case letters, digits, `-` and `_`, or `"*"` for a pattern
        4:6: a stack has one file, but this is a list; write `{ file: deploy/shop.yml, with: [base.yml] }` for a stack of several files
        5:6: `../b.yml` is not a path in this repository: it leads out of the repository; write the path of a file of this repository
        6:6: only `"*"` takes a pattern; write the path of one file, or the pattern under `"*"`
        7:3: the stack `d` has no `file`; write `file: deploy/shop.yml`
        8:21: a stack has no key `whit`; it has `file` and `with`
        9:4: this must be a path, but is nothing; write the path of a file of this repository
        10:14: this must be a path, but is a number; write the path of a file of this repository
        11:8: a pattern needs a star, which matches the name of the stack; write `apps/*/docker-compose.yml`
        "#);
        insta::assert_snapshot!(read("stacks: [a]\n"), @"1:9: `stacks` must be a map, but is a list; write a name and a file for each: `shop: deploy/shop.yml`");
        insta::assert_snapshot!(read("stacks:\n  a: {\n"), @"2:6: the `{` that begins here is not closed: write `}` at its end; write `stacks: { shop: deploy/shop.yml }`");
        insta::assert_snapshot!(read("stacks:\n  \"*\": [\"a/**/x.yml\"]\n"), @"2:9: a pattern has one star in a name at most; write a star for each folder: `apps/*/*/compose.yml`");
    }

    #[test]
    fn the_last_star_is_the_name() {
        let found = |pattern: &str, path: &str| {
            let text = format!("stacks: {{ \"*\": \"{pattern}\" }}");
            let (listing, problems) = Listing::parse(text.as_bytes());
            assert_eq!(problems, []);
            listing.unwrap().listed[0].finds(path).unwrap_or("-").to_owned()
        };
        let table = [
            ("apps/*/docker-compose.yml", "apps/shop/docker-compose.yml", "shop"),
            ("apps/*/docker-compose.yml", "apps/a/b/docker-compose.yml", "-"),
            ("apps/*/docker-compose.yml", "apps/.git/docker-compose.yml", "-"),
            ("*/*/stack.yml", "prod/shop/stack.yml", "shop"),
            ("stacks/*.yml", "stacks/shop.yml", "shop"),
            ("stacks/*.yml", "stacks/.yml", "-"),
            ("*-stack.yml", "shop-stack.yml", "shop"),
        ];
        for (pattern, path, name) in table {
            assert_eq!(found(pattern, path), name, "{pattern} {path}");
        }
    }

    #[test]
    fn the_schema_has_the_keys_that_are_accepted() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../../docs/skep.schema.json")).unwrap();
        let stacks = &schema["properties"]["stacks"];
        let (name, one) = stacks["patternProperties"].as_object().unwrap().iter().next().unwrap();
        for long in [&one["anyOf"][1], &stacks["properties"]["*"]["anyOf"][1]] {
            let keys: Vec<&String> = long["properties"].as_object().unwrap().keys().collect();
            assert_eq!(keys, ["file", "with"]);
        }
        let longest = "a".repeat(StackName::MAX);
        let pattern = regex::Regex::new(name).unwrap();
        for name in [longest.as_str(), "0", "a-b_c", "A", "", "-a", &format!("{longest}a")] {
            assert_eq!(pattern.is_match(name), name.parse::<StackName>().is_ok(), "{name}");
        }
        for example in
            one["examples"].as_array().unwrap().iter().chain(stacks["properties"]["*"]["examples"].as_array().unwrap())
        {
            let key = if example.to_string().contains('*') { "*" } else { "shop" };
            assert_eq!(Listing::parse(format!("stacks: {{ \"{key}\": {example} }}").as_bytes()).1, [], "{example}");
        }
    }
}
