//! How the image of a service is built: what the file says about it, and what its Dockerfile starts from.

use std::collections::BTreeMap;

use crate::name::{RepoPath, ServiceName};

/// How the image of a service is built: `build` and `x-skep.test` of the stack file, with paths of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The service.
    pub service: ServiceName,
    /// The folder whose files the build may copy.
    pub context: RepoPath,
    /// The Dockerfile, counted from the top of the repository. It may lie outside of the context.
    pub dockerfile: RepoPath,
    /// `build.args`.
    pub args: BTreeMap<String, String>,
    /// `build.target`: the stage to stop at.
    pub target: Option<String>,
    /// The command that is run in the built image before it is used; none if empty.
    pub test: Vec<String>,
}

impl Recipe {
    /// The files that may say what stays out of the context. The first that is there counts alone.
    pub fn ignore_files(&self) -> [RepoPath; 2] {
        ignore_files(&self.dockerfile, &self.context)
    }

    /// The images that this Dockerfile builds on or copies from, as written and in order, each once.
    ///
    /// Arguments are those of the recipe, else their defaults. Stages and `scratch` are no images, and a name that
    /// comes out empty is left to the builder to complain about.
    pub fn base_images(&self, dockerfile: &str) -> Vec<String> {
        let mut found = Bases { given: &self.args, known: BTreeMap::new(), stages: Vec::new(), images: Vec::new() };
        for instruction in instructions(dockerfile) {
            found.read(&instruction);
        }
        found.images
    }
}

/// The files that may say what stays out of a context. The first that is there counts alone, as it does for BuildKit:
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

/// What was read of a Dockerfile so far.
struct Bases<'a> {
    given: &'a BTreeMap<String, String>,
    known: BTreeMap<String, String>,
    stages: Vec<String>,
    images: Vec<String>,
}

impl Bases<'_> {
    fn read(&mut self, instruction: &str) {
        let mut words = instruction.split_whitespace();
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let words: Vec<&str> = words.collect();
        match verb.as_str() {
            "ARG" if self.stages.is_empty() => words.iter().for_each(|word| self.argument(word)),
            "FROM" => self.stage(&words),
            "COPY" => flags(&words).filter_map(|flag| flag.strip_prefix("--from=")).for_each(|from| self.copied(from)),
            "RUN" => flags(&words).filter_map(mounted).for_each(|from| self.copied(from)),
            _ => {}
        }
    }

    fn argument(&mut self, word: &str) {
        let (name, default) = word.split_once('=').unwrap_or((word, ""));
        let value = self.given.get(name).cloned().unwrap_or_else(|| self.expanded(unquoted(default)));
        self.known.insert(name.to_owned(), value);
    }

    fn stage(&mut self, words: &[&str]) {
        let mut words = words.iter().skip_while(|word| word.starts_with("--"));
        let image = self.expanded(unquoted(words.next().unwrap_or(&"")));
        if !self.stages.contains(&image.to_ascii_lowercase()) {
            self.add(image);
        }
        let named = words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"));
        let name = if named { words.next().map(|name| name.to_ascii_lowercase()) } else { None };
        self.stages.push(name.unwrap_or_default());
    }

    /// `COPY --from`: a stage by name or number, else an image. Variables are not expanded there.
    fn copied(&mut self, from: &str) {
        let number = from.parse::<usize>().is_ok_and(|number| number < self.stages.len());
        if !number && !from.contains('$') && !self.stages.contains(&from.to_ascii_lowercase()) {
            self.add(from.to_owned());
        }
    }

    fn add(&mut self, image: String) {
        if !image.is_empty() && image != "scratch" && !self.images.contains(&image) {
            self.images.push(image);
        }
    }

    /// `$name`, `${name}`, `${name:-otherwise}` and `${name:+instead}`, as the builder expands them in `FROM`.
    fn expanded(&self, text: &str) -> String {
        let Some((before, after)) = text.split_once('$') else { return text.to_owned() };
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (value, rest) = braced.map_or_else(|| self.plain(after), |(inner, rest)| (self.braced(inner), rest));
        format!("{before}{value}{}", self.expanded(rest))
    }

    fn plain<'t>(&self, after: &'t str) -> (String, &'t str) {
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

/// The instructions of a Dockerfile, each on one line, without comments and the bodies of here-documents.
fn instructions(text: &str) -> Vec<String> {
    let escape = escape_character(text);
    let mut found = Vec::new();
    let mut open = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(unfinished) = line.strip_suffix(escape) {
            open += unfinished;
            continue;
        }
        let instruction = std::mem::take(&mut open) + line;
        for end in here_documents(&instruction) {
            lines.by_ref().find(|line| line.trim_start_matches('\t') == end);
        }
        found.push(instruction);
    }
    found.extend((!open.is_empty()).then_some(open));
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
            assert_eq!(recipe(&[]).base_images(dockerfile), images, "{dockerfile}");
        }
    }

    #[test]
    fn an_argument_of_the_recipe_replaces_its_default() {
        let dockerfile = "ARG TAG=3\nFROM alpine:$TAG\nFROM other:$OTHER";
        assert_eq!(recipe(&[("TAG", "4"), ("OTHER", "5")]).base_images(dockerfile), ["alpine:4", "other:"]);
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
