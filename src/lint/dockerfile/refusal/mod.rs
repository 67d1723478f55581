//! What BuildKit refuses when it knows the variables: a file that can be read may still not be built.
//!
//! After `frontend/dockerfile/dockerfile2llb`. Of a value with a variable only that is said which is so whatever the
//! build is told, or as a warning which is so by default. A stage that the last one does not need is not built, so what
//! is wrong in it is a warning.

mod lex;
mod mount;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Span};
use crate::lint::dockerfile::{
    Dockerfile, Flag, Heredoc, Instruction, Keyword, OF_OTHERS, Stage, Word, heredoc, problem, words,
};
use crate::name::ImageReference;
use crate::text;
use values::Address;

/// Everything that is refused, in the order of the file.
pub(super) fn problems(file: &Dockerfile, text: &str) -> Vec<Diagnostic<Span>> {
    let names = names(file);
    let mut problems: Vec<Diagnostic<Span>> =
        file.preamble().iter().filter_map(|one| unread_default(one, file.escape)).collect();
    for stage in file.stages() {
        problems.extend(platform(file, stage));
        problems.extend(stage.image().and_then(|image| fault(image, file.escape)));
        let own = stage.instructions.iter().filter(|one| !one.on_build && !one.begins_stage());
        let found = own.flat_map(|instruction| At { file, text, names: &names, stage, instruction }.problems());
        let is_needed = file.needed.contains(&stage.index);
        problems.extend(found.map(|problem| if is_needed { problem } else { problem.rated(OF_OTHERS) }));
    }
    problems
}

/// The stages that are built: the last, those that it is built on and that it copies from, and so on.
pub(super) fn needed(file: &Dockerfile) -> BTreeSet<usize> {
    let names = names(file);
    let stages: Vec<Stage<'_>> = file.stages().collect();
    let mut needed = BTreeSet::new();
    let mut next: Vec<usize> = stages.len().checked_sub(1).into_iter().collect();
    while let Some(index) = next.pop() {
        if !needed.insert(index) {
            continue;
        }
        next.extend(file.scopes.base(index).stage());
        let sources = stages[index].instructions.iter().flat_map(|one| sources(one, file.escape));
        next.extend(sources.filter_map(|from| {
            let number = from.parse().ok().filter(|number| *number < stages.len());
            names.get(&from.to_ascii_lowercase()).copied().or(number)
        }));
    }
    needed
}

/// The stages by their names; the last of a name counts.
fn names(file: &Dockerfile) -> BTreeMap<String, usize> {
    file.stages().filter_map(|stage| Some((stage.name()?.text.to_ascii_lowercase(), stage.index))).collect()
}

/// What an instruction copies or mounts from.
fn sources(instruction: &Instruction, escape: char) -> Vec<String> {
    let value = |flag: &Flag| flag.value.as_ref().map(|value| words::bare(&value.text, escape));
    let of_flag = |flag: &Flag| match (instruction.keyword, flag.name.as_str()) {
        (Keyword::Copy, "from") => value(flag),
        (Keyword::Run, "mount") => mount_source(&value(flag)?).map(str::to_owned),
        _ => None,
    };
    instruction.flags.iter().filter_map(of_flag).collect()
}

fn mount_source(mount: &str) -> Option<&str> {
    let mut fields = mount.split(',').filter_map(|field| field.split_once('='));
    fields.find(|(key, _)| key.eq_ignore_ascii_case("from")).map(|(_, from)| from)
}

/// A default of an `ARG` before the first `FROM` that cannot be read.
fn unread_default(instruction: &Instruction, escape: char) -> Option<Diagnostic<Span>> {
    let is_argument = instruction.keyword == Keyword::Arg && !instruction.on_build;
    instruction.words().iter().filter(|_| is_argument).find_map(|word| fault(word, escape))
}

/// A platform that there is not, with the defaults of the arguments in it.
fn platform(file: &Dockerfile, stage: Stage<'_>) -> Option<Diagnostic<Span>> {
    let flag = stage.from()?.flag("platform")?;
    let written = words::bare(&flag.value.as_ref()?.text, file.escape);
    let platform = file.scopes.of_from(&written)?;
    // Without a value it is as without the flag.
    if written.is_empty() || values::is_platform(&platform) {
        return None;
    }
    let help = "write it as `linux/amd64`".to_owned();
    let variables = super::variable::variables(&written, file.escape);
    // What is not declared before the first `FROM` is empty whatever the build is told.
    let is_open = variables.iter().any(|variable| file.scopes.is_global(variable.name));
    let message = if platform.is_empty() {
        format!("`{}` is empty, and no platform", text::cut(&written))
    } else {
        format!("`{}` is no platform", text::cut(&platform))
    };
    let problem = problem(&flag.span, message, help);
    Some(if is_open { problem.rated(OF_OTHERS) } else { problem })
}

/// What keeps a word from being read.
fn fault(word: &Word, escape: char) -> Option<Diagnostic<Span>> {
    let fault = lex::fault(&word.text, escape, true)?;
    Some(told(&fault, &word.text, &word.part(fault.span.clone())))
}

fn told(fault: &lex::Fault, text: &str, span: &Span) -> Diagnostic<Span> {
    let shown = text::cut(text.get(fault.span.clone()).unwrap_or(text));
    match fault.kind {
        lex::Kind::Quote => problem(span, "this quote is never closed", "close it, or write `\\` before it".to_owned()),
        lex::Kind::Brace => problem(span, format!("`{shown}` is never closed"), "write `}` behind it".to_owned()),
        lex::Kind::Form => {
            let help = "Docker knows `${NAME}` with `:-`, `:+`, `:?`, `-`, `+`, `?`, `#`, `%` and `/`; write `\\$` for a dollar sign";
            problem(span, format!("`{shown}` is no form that Docker fills in"), help.to_owned())
        }
    }
}

/// An instruction in its stage.
#[derive(Clone, Copy)]
struct At<'a> {
    file: &'a Dockerfile,
    /// The text of the file.
    text: &'a str,
    names: &'a BTreeMap<String, usize>,
    stage: Stage<'a>,
    instruction: &'a Instruction,
}

/// A value with its variables filled in.
struct Filled {
    text: String,
    /// Whether it is this whatever the build is told.
    is_sure: bool,
}

impl At<'_> {
    fn problems(self) -> Vec<Diagnostic<Span>> {
        match self.instruction.keyword {
            Keyword::Add | Keyword::Copy => self.transfer(),
            Keyword::Run => self.mounts(),
            Keyword::Stopsignal => self.signal().into_iter().collect(),
            Keyword::Env | Keyword::Label => self.pairs(),
            Keyword::Volume => self.volumes(),
            Keyword::Arg | Keyword::Expose => self.each(self.instruction.words()).collect(),
            Keyword::User | Keyword::Workdir => {
                self.instruction.argument().and_then(|word| fault(word, self.file.escape)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn each<'w>(self, words: &'w [Word]) -> impl Iterator<Item = Diagnostic<Span>> + 'w
    where
        Self: 'w,
    {
        words.iter().filter_map(move |word| fault(word, self.file.escape))
    }

    /// In the old form all that follows the name is one word.
    fn pairs(self) -> Vec<Diagnostic<Span>> {
        if !self.instruction.is_old_form() {
            return self.each(self.instruction.words()).collect();
        }
        let value = self.instruction.pairs().pop().and_then(|pair| pair.value);
        value.and_then(|value| fault(&value, self.file.escape)).into_iter().collect()
    }

    fn fill(self, text: &str) -> Option<Filled> {
        let (stage, at) = (self.stage.index, self.instruction.span.start);
        if let Some(text) = self.file.scopes.surely(stage, at, text) {
            return Some(Filled { text, is_sure: true });
        }
        self.file.scopes.by_default(stage, at, text).map(|text| Filled { text, is_sure: false })
    }

    /// The value of a flag, if it is known and not empty.
    fn value(self, flag: &Flag) -> Option<Filled> {
        let text = words::bare(&flag.value.as_ref()?.text, self.file.escape);
        self.fill(&text).filter(|filled| !filled.text.is_empty())
    }

    fn volumes(self) -> Vec<Diagnostic<Span>> {
        let words = self.instruction.words().iter();
        words.filter_map(|word| fault(word, self.file.escape).or_else(|| self.empty_volume(word))).collect()
    }

    /// A path with nothing left of it.
    fn empty_volume(self, word: &Word) -> Option<Diagnostic<Span>> {
        let filled = self.fill(&words::bare(&word.text, self.file.escape)).filter(|filled| filled.text.is_empty())?;
        let message = if word.text.contains('$') {
            format!("`{}` is empty, and no path", text::cut(&word.text))
        } else {
            "an empty text is no path".to_owned()
        };
        Some(sure(problem(&word.span, message, None), filled.is_sure))
    }

    fn signal(self) -> Option<Diagnostic<Span>> {
        let word = self.instruction.argument()?;
        if let Some(problem) = fault(word, self.file.escape) {
            return Some(problem);
        }
        let filled = self.fill(&word.text).filter(|filled| !values::is_signal(&filled.text))?;
        let message = format!("there is no signal `{}`", text::cut(&filled.text));
        Some(sure(problem(&word.span, message, "write it as `SIGTERM`".to_owned()), filled.is_sure))
    }

    fn mounts(self) -> Vec<Diagnostic<Span>> {
        let mounts = self.instruction.flags.iter().filter(|flag| flag.name == "mount");
        mounts.filter_map(|flag| self.mount(flag)).collect()
    }

    fn mount(self, flag: &Flag) -> Option<Diagnostic<Span>> {
        let text = words::bare(&flag.value.as_ref()?.text, self.file.escape);
        let mut fields = text.split(',').filter_map(|field| field.split_once('='));
        let broken = fields.find_map(|(_, value)| Some((value, lex::fault(value, self.file.escape, true)?)));
        if let Some((value, fault)) = broken {
            return Some(told(&fault, value, &flag.span));
        }
        let surely = |value: &str| self.fill(value).filter(|filled| filled.is_sure).map(|filled| filled.text);
        if let Some((message, help)) = mount::refusal(&text, &surely) {
            return Some(problem(&flag.span, message, help));
        }
        if mount::is_without_target(&text) && self.stage.of(Keyword::Workdir).next().is_none() {
            let message = "the mount has no `target`, and takes the place of the folder that the image works in";
            // Which is `/` in most images, where nothing can be mounted.
            return Some(problem(&flag.span, message, "write `target=/…`".to_owned()).rated(OF_OTHERS));
        }
        let from = mount_source(&text)?;
        self.too_early(from, &flag.span).or_else(|| self.no_source(from, &flag.span))
    }

    /// A mount from something that is neither a stage nor an image.
    fn no_source(self, from: &str, span: &Span) -> Option<Diagnostic<Span>> {
        let is_known = from.is_empty() || from.parse::<usize>().is_ok() || from.contains(['$', '"', '\'']);
        if is_known || self.names.contains_key(&from.to_ascii_lowercase()) || ImageReference::can_be_pulled(from) {
            return None;
        }
        let message = format!("`{}` is neither a stage nor the name of an image", text::cut(from));
        Some(problem(span, message, "mount from a stage that stands before this one".to_owned()))
    }

    /// A mount from a stage that does not exist yet.
    fn too_early(self, from: &str, span: &Span) -> Option<Diagnostic<Span>> {
        let stage = self.names.get(&from.to_ascii_lowercase())?;
        if *stage < self.stage.index {
            return None;
        }
        let message = format!("the stage `{}` does not exist yet", text::cut(from));
        Some(problem(span, message, "mount from a stage that stands before this one".to_owned()))
    }

    fn transfer(self) -> Vec<Diagnostic<Span>> {
        let flags = self.instruction.flags.iter();
        let mut problems: Vec<Diagnostic<Span>> = flags.filter_map(|flag| self.transfer_flag(flag)).collect();
        let paths: Vec<&Word> =
            self.instruction.words().iter().filter(|word| !heredoc::is_opening(&word.text)).collect();
        problems.extend(paths.iter().find_map(|word| self.path(word)));
        if self.instruction.keyword == Keyword::Copy {
            let (_, sources) = paths.split_last().map_or((None, &[][..]), |(last, rest)| (Some(last), rest));
            problems.extend(sources.iter().filter_map(|source| self.downloaded(source)));
        }
        problems.extend(self.instruction.heredocs.iter().filter_map(|document| self.document(document)));
        problems
    }

    /// In a document that is copied variables are filled in, and quotes are characters like others.
    fn document(self, document: &Heredoc) -> Option<Diagnostic<Span>> {
        let body = self.text.get(document.body.clone()).filter(|_| document.expands)?;
        let fault = lex::fault(body, '\\', false)?;
        let span = document.body.start + fault.span.start..document.body.start + fault.span.end;
        let help = format!("write `<<'{}'` to leave the document as it is, or `\\$` for a dollar sign", document.name);
        Some(Diagnostic { help: Some(help), ..told(&fault, body, &span) })
    }

    fn path(self, word: &Word) -> Option<Diagnostic<Span>> {
        let problem = fault(word, self.file.escape)?;
        let is_quoted = problem.message.starts_with("this quote");
        let help = format!("a path with blanks needs a list: `{} [\"a b\", \"/c\"]`", self.instruction.keyword);
        Some(if is_quoted { Diagnostic { help: Some(help), ..problem } } else { problem })
    }

    fn transfer_flag(self, flag: &Flag) -> Option<Diagnostic<Span>> {
        let text = words::bare(&flag.value.as_ref()?.text, self.file.escape);
        if ["chown", "chmod", "checksum"].contains(&flag.name.as_str())
            && let Some(fault) = lex::fault(&text, self.file.escape, true)
        {
            return Some(told(&fault, &text, &flag.span));
        }
        let filled = self.value(flag)?;
        let problem = match flag.name.as_str() {
            "chmod" if !values::is_mode(&filled.text) => {
                let message = format!("`{}` is no mode of a file", text::cut(&filled.text));
                problem(&flag.span, message, "write octal digits up to `07777`, or such as `u=rwX,go=rX`".to_owned())
            }
            "checksum" => self.checksum(flag, &filled.text)?,
            "chown" => self.chown(flag, &filled.text)?,
            _ => return None,
        };
        Some(sure(problem, filled.is_sure))
    }

    /// What is linked is copied into nothing, where no names are known.
    fn chown(self, flag: &Flag, owner: &str) -> Option<Diagnostic<Span>> {
        let link = self.instruction.flag("link")?;
        let is_off = link.value.as_ref().is_some_and(|value| value.text.eq_ignore_ascii_case("false"));
        let is_number = |part: &str| part.is_empty() || part == "root" || part.parse::<i32>().is_ok();
        if is_off || owner.splitn(2, ':').all(is_number) {
            return None;
        }
        let message = format!("`--link` knows no names, such as `{}`", text::cut(owner));
        // Builders before 0.34, and those that cannot link, copy as without `--link`.
        Some(problem(&flag.span, message, "write numbers, such as `--chown=1000:1000`".to_owned()).rated(OF_OTHERS))
    }

    fn checksum(self, flag: &Flag, checksum: &str) -> Option<Diagnostic<Span>> {
        let words = self.instruction.words();
        let (_, sources) = words.split_last()?;
        let sources: Vec<&Word> = sources.iter().filter(|source| !heredoc::is_opening(&source.text)).collect();
        let [source] = sources[..] else {
            return Some(problem(&flag.span, "`--checksum` needs a single source, but there are several", None));
        };
        let source = self.fill(&source.text)?;
        match values::address(&source.text) {
            None => {
                let help = "remove it: files of the context cannot change on the way".to_owned();
                Some(problem(&flag.span, "`--checksum` is for what is downloaded", help))
            }
            Some(Address::File) if !values::is_digest(checksum) => {
                let message = format!("`{}` is no digest", text::cut(checksum));
                Some(problem(&flag.span, message, "write `sha256:` and the 64 digits of `sha256sum`".to_owned()))
            }
            Some(_) => None,
        }
    }

    fn downloaded(self, source: &Word) -> Option<Diagnostic<Span>> {
        let filled = self.fill(&source.text)?;
        values::address(&filled.text)?;
        let message = format!("`COPY` downloads nothing, and `{}` is an address", text::cut(&filled.text));
        Some(sure(problem(&source.span, message, "write `ADD` in the place of `COPY`".to_owned()), filled.is_sure))
    }
}

/// As a warning where the build may be told otherwise.
fn sure(problem: Diagnostic<Span>, is_sure: bool) -> Diagnostic<Span> {
    if is_sure { problem } else { problem.rated(OF_OTHERS) }
}

#[cfg(test)]
mod tests;
