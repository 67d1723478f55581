//! How the image of a service is built: the settings in the file, and the base images of its Dockerfile.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{RepoPath, ServiceName};

/// How the image of a service is built: `build` and `x-skep.test` of the stack file, with paths of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The service.
    pub service: ServiceName,
    /// The folder whose files the build may copy.
    pub context: RepoPath,
    /// The Dockerfile, relative to the top of the repository. It may be outside of the context.
    pub dockerfile: RepoPath,
    /// `build.args`.
    pub args: BTreeMap<String, String>,
    /// `build.target`: the stage to stop at.
    pub target: Option<String>,
    /// The command that is run in the built image before it is used; none if empty.
    pub test: Vec<String>,
}

impl Recipe {
    /// The possible ignore files of the context. Only the first that exists counts.
    pub fn ignore_files(&self) -> [RepoPath; 2] {
        ignore_files(&self.dockerfile, &self.context)
    }

    /// Returns the images that this Dockerfile builds on or copies from, as written and in order, each once.
    ///
    /// Arguments are those of the recipe, else their defaults. Stages and `scratch` are not images, and an empty name is
    /// left to the builder to complain about.
    pub fn base_images(&self, dockerfile: &str) -> Result<Vec<String>, Unbounded> {
        let mut found = Bases::given(&self.args);
        for (line, instruction) in instructions(dockerfile) {
            found.read(&instruction).map_err(|excess| Unbounded { path: self.dockerfile.clone(), line, excess })?;
        }
        Ok(found.images)
    }
}

/// The error for a Dockerfile that exceeds a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}: {excess}")]
pub struct Unbounded {
    /// The Dockerfile.
    pub path: RepoPath,
    /// The line of the instruction, counted from 1.
    pub line: usize,
    /// The limit that it exceeds.
    pub excess: Excess,
}

/// A limit that a Dockerfile exceeds, with a remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// The values of its variables.
    #[error(
        "the values of the variables up to here have more than {} KiB together; give the `ARG`s before `FROM` shorter values",
        MAX_FILLED >> 10
    )]
    Values,
    /// The number of images.
    #[error("the Dockerfile uses more than {MAX_IMAGES} images; split it into several Dockerfiles")]
    Images,
}

/// The most bytes that the variables of one Dockerfile may insert.
const MAX_FILLED: usize = 64 << 10;
/// The most images that one Dockerfile uses; each is looked up in a registry.
const MAX_IMAGES: usize = 200;

/// The possible ignore files of a context. Only the first that exists counts, as in BuildKit:
/// `<Dockerfile>.dockerignore` beside the Dockerfile, else `.dockerignore` at the top of the context.
#[expect(clippy::missing_panics_doc, reason = "there is always a path beside a path")]
pub fn ignore_files(dockerfile: &RepoPath, context: &RepoPath) -> [RepoPath; 2] {
    let own = dockerfile.join(&format!("../{}.dockerignore", file_name(dockerfile)));
    let shared = context.join(".dockerignore");
    [own, shared].map(|path| path.expect("a file beside one of the repository is in the repository"))
}

fn file_name(path: &RepoPath) -> &str {
    path.as_str().rsplit('/').next().unwrap_or_default()
}

/// The state of reading a Dockerfile.
struct Bases<'a> {
    given: &'a BTreeMap<String, String>,
    known: BTreeMap<String, String>,
    /// The number of stages, and the names of those that have one.
    stages: (usize, BTreeSet<String>),
    images: Vec<String>,
    /// The same images, for fast lookup.
    seen: BTreeSet<String>,
    /// The number of bytes that variables may still insert.
    room: usize,
}

impl<'a> Bases<'a> {
    fn given(given: &'a BTreeMap<String, String>) -> Self {
        let (known, stages, images, seen) = Default::default();
        Self { given, known, stages, images, seen, room: MAX_FILLED }
    }

    fn read(&mut self, instruction: &str) -> Result<(), Excess> {
        let mut words = instruction.split_whitespace();
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let words: Vec<&str> = words.collect();
        match verb.as_str() {
            "ARG" if self.stages.0 == 0 => words.iter().try_for_each(|word| self.argument(word)),
            "FROM" => self.stage(&words),
            "COPY" => {
                flags(&words).filter_map(|flag| flag.strip_prefix("--from=")).try_for_each(|from| self.copied(from))
            }
            "RUN" => flags(&words).filter_map(mounted).try_for_each(|from| self.copied(from)),
            _ => Ok(()),
        }
    }

    fn argument(&mut self, word: &str) -> Result<(), Excess> {
        let (name, default) = word.split_once('=').unwrap_or((word, ""));
        let value = match self.given.get(name) {
            Some(given) => given.clone(),
            None => self.expanded(unquoted(default))?,
        };
        self.known.insert(name.to_owned(), value);
        Ok(())
    }

    fn stage(&mut self, words: &[&str]) -> Result<(), Excess> {
        let mut words = words.iter().skip_while(|word| word.starts_with("--"));
        let image = self.expanded(unquoted(words.next().unwrap_or(&"")))?;
        if !self.is_stage(&image) {
            self.add(image)?;
        }
        let named = words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"));
        self.stages.0 += 1;
        self.stages.1.extend(words.next().filter(|_| named).map(|name| name.to_ascii_lowercase()));
        Ok(())
    }

    fn is_stage(&self, name: &str) -> bool {
        self.stages.1.contains(&name.to_ascii_lowercase())
    }

    /// `COPY --from`: a stage by name or number, else an image. Variables are not expanded there.
    fn copied(&mut self, from: &str) -> Result<(), Excess> {
        let number = from.parse::<usize>().is_ok_and(|number| number < self.stages.0);
        if number || from.contains('$') || self.is_stage(from) { Ok(()) } else { self.add(from.to_owned()) }
    }

    fn add(&mut self, image: String) -> Result<(), Excess> {
        if image.is_empty() || image == "scratch" || !self.seen.insert(image.clone()) {
            return Ok(());
        }
        if self.images.len() == MAX_IMAGES {
            return Err(Excess::Images);
        }
        self.images.push(image);
        Ok(())
    }

    /// Replaces `$name`, `${name}`, `${name:-otherwise}` and `${name:+instead}` as the builder does in `FROM`.
    fn expanded(&mut self, text: &str) -> Result<String, Excess> {
        let mut expanded = String::new();
        let mut rest = text;
        // The length of the text after its last closing brace, where none needs to be searched.
        let open_end = text.rfind('}').map_or(text.len(), |at| text.len() - at - 1);
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            let (value, left) = self.variable(after, after.len() > open_end);
            self.room = self.room.checked_sub(value.len()).ok_or(Excess::Values)?;
            expanded.push_str(&value);
            rest = left;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// The value of the variable after a dollar sign, and the rest of the text.
    fn variable<'t>(&self, after: &'t str, has_brace: bool) -> (String, &'t str) {
        let braced = after.strip_prefix('{').filter(|_| has_brace).and_then(|inner| inner.split_once('}'));
        if let Some((inner, left)) = braced {
            return (self.braced(inner), left);
        }
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        (self.value(&after[..end]), &after[end..])
    }

    fn braced(&self, inner: &str) -> String {
        if let Some((name, otherwise)) = inner.split_once(":-") {
            let value = self.value(name);
            if value.is_empty() { otherwise.to_owned() } else { value }
        } else if let Some((name, instead)) = inner.split_once(":+") {
            if self.value(name).is_empty() { String::new() } else { instead.to_owned() }
        } else {
            self.value(inner)
        }
    }

    fn value(&self, name: &str) -> String {
        self.known.get(name).cloned().unwrap_or_default()
    }
}

fn flags<'a>(words: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    words.iter().copied().take_while(|word| word.starts_with("--"))
}

/// The `from` of a `--mount=type=bind,from=image,…`.
fn mounted(flag: &str) -> Option<&str> {
    flag.strip_prefix("--mount=")?.split(',').find_map(|part| part.strip_prefix("from="))
}

fn unquoted(text: &str) -> &str {
    let quoted = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text)
}

/// The instructions of a Dockerfile, each on one line, with the number of its first line, without comments and the bodies
/// of here-documents.
fn instructions(text: &str) -> Vec<(usize, String)> {
    let escape = escape_character(text);
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (number, before) = open.take().unwrap_or((number, String::new()));
        if let Some(unfinished) = line.strip_suffix(escape) {
            open = Some((number, before + unfinished));
            continue;
        }
        let instruction = before + line;
        for end in here_documents(&instruction) {
            lines.by_ref().find(|(line, _)| line.trim_start_matches('\t') == end);
        }
        found.push((number, instruction));
    }
    found.extend(open);
    found
}

/// The character that continues a line: a backslash unless a directive at the top says otherwise.
fn escape_character(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#'));
    let mut pairs = directives.map_while(|line| line.split_once('='));
    let escape = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("escape"));
    if escape.is_some_and(|(_, value)| value.trim() == "`") { '`' } else { '\\' }
}

/// The words that end the here-documents which an instruction opens.
fn here_documents(instruction: &str) -> Vec<String> {
    let verb = instruction.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    if !matches!(verb.as_str(), "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    let opened = instruction.split_whitespace().filter_map(|word| word.strip_prefix("<<"));
    let ends = opened.map(|word| unquoted(word.strip_prefix('-').unwrap_or(word)).to_owned());
    ends.filter(|end| !end.is_empty() && end.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(args: &[(&str, &str)]) -> Recipe {
        Recipe {
            service: "web".parse().unwrap(),
            context: "web".parse().unwrap(),
            dockerfile: "web/docker/prod.Dockerfile".parse().unwrap(),
            args: args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            target: None,
            test: Vec::new(),
        }
    }

    #[test]
    fn images_are_found_and_stages_are_not() {
        let table: [(&str, &[&str]); 16] = [
            ("FROM alpine:3", &["alpine:3"]),
            ("from --platform=linux/amd64 alpine:3 as Build\nFROM build", &["alpine:3"]),
            ("FROM scratch", &[]),
            ("FROM a AS x\nFROM b AS y\nCOPY --from=x / /\nCOPY --from=0 / /\nCOPY --from=c:1 / /", &["a", "b", "c:1"]),
            ("FROM a\nFROM a", &["a"]),
            ("ARG TAG=3\nFROM alpine:$TAG", &["alpine:3"]),
            ("ARG BASE=\"debian\" TAG=12\nFROM ${BASE}:${TAG}-slim", &["debian:12-slim"]),
            ("ARG A=1\nARG B=$A.2\nFROM x:$B", &["x:1.2"]),
            ("FROM x:${NONE:-4}${NONE:+5}", &["x:4"]),
            ("ARG NONE\nFROM $NONE", &[]),
            ("FROM a\nARG TAG=3\nFROM b:${TAG:-9}", &["a", "b:9"]),
            ("# a comment\nFROM \\\n# another\n  alpine:3 \\\n  AS x\nFROM x", &["alpine:3"]),
            ("# escape=`\nFROM `\n  alpine:3", &["alpine:3"]),
            ("FROM a\nRUN cat <<EOF > /Dockerfile\nFROM b\nEOF\nFROM c", &["a", "c"]),
            ("FROM a\nCOPY <<-'ONE' <<TWO /x/\nFROM b\n\tONE\nFROM c\nTWO\nFROM d", &["a", "d"]),
            ("FROM a\nRUN --mount=type=bind,from=tools:1,target=/t --network=none make", &["a", "tools:1"]),
        ];
        for (dockerfile, images) in table {
            assert_eq!(recipe(&[]).base_images(dockerfile).unwrap(), images, "{dockerfile}");
        }
    }

    #[test]
    fn an_argument_of_the_recipe_replaces_its_default() {
        let dockerfile = "ARG TAG=3\nFROM alpine:$TAG\nFROM other:$OTHER";
        let images = recipe(&[("TAG", "4"), ("OTHER", "5")]).base_images(dockerfile).unwrap();
        assert_eq!(images, ["alpine:4", "other:"]);
    }

    #[test]
    fn a_dockerfile_of_any_shape_is_worked_out_within_bounds() {
        let doubling = (1..28).fold("ARG A0=aaaaaaaaaa\n".to_owned(), |text, index| {
            let before = index - 1;
            text + &format!("ARG A{index}=$A{before}$A{before}\n")
        });
        let refused = [
            format!("{doubling}FROM x:$A27"),
            format!("ARG A={}\nFROM x:{}", "a".repeat(40), "$A".repeat(30_000)),
            (0..300).fold(String::new(), |text, index| text + &format!("FROM a:{index}\n")),
        ];
        let refused = refused.map(|text| recipe(&[]).base_images(&text).unwrap_err().to_string()).join("\n");
        insta::assert_snapshot!(refused, @"
        web/docker/prod.Dockerfile:13: the values of the variables up to here have more than 64 KiB together; give the `ARG`s before `FROM` shorter values
        web/docker/prod.Dockerfile:2: the values of the variables up to here have more than 64 KiB together; give the `ARG`s before `FROM` shorter values
        web/docker/prod.Dockerfile:201: the Dockerfile uses more than 200 images; split it into several Dockerfiles
        ");
        for deep in ["$a", "$", "${", "${a", "${a:-"] {
            let text = format!("ARG A={0}\nFROM x\nFROM {0}\n", deep.repeat(100_000));
            assert!(recipe(&[]).base_images(&text).is_ok(), "{deep}");
        }
    }

    #[test]
    fn a_dockerfile_may_have_its_own_ignore_file() {
        let paths = recipe(&[]).ignore_files();
        assert_eq!(
            paths.each_ref().map(RepoPath::as_str),
            ["web/docker/prod.Dockerfile.dockerignore", "web/.dockerignore"]
        );
    }
}
