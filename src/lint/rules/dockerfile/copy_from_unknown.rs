use std::collections::BTreeMap;

use crate::diagnostic::{Severity, suggest};
use crate::lint::dockerfile::{Dockerfile, Keyword, Stage, Word};
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::DockerfileSubject;
use crate::name::ImageReference;
use crate::text;

rule! {
    /// `COPY --from` does not name an earlier stage.
    ///
    /// A name that is not a stage is pulled as an image: with a typo, the image does not exist or belongs to somebody
    /// else. Write an intended image with its version. If it cannot be an image, the build fails and this is an
    /// error: a variable, the number or the name of a later stage, a name with capital letters.
    ///
    /// ```dockerfile bad
    /// FROM node:22 AS build
    /// FROM nginx:1.27
    /// COPY --from=biuld /app /usr/share/nginx/html
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22 AS build
    /// FROM nginx:1.27
    /// COPY --from=2 /app /usr/share/nginx/html
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22 AS build
    /// FROM nginx:1.27
    /// COPY --from=Build /app /usr/share/nginx/html
    /// COPY --from=0 /app /usr/share/nginx/html
    /// COPY --from=busybox:1.36 /bin/busybox /bin/
    /// ```
    "DL3022", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    if !subject.file.problems.is_empty() {
        return Vec::new(); // the stage may be one that was not understood
    }
    let names = first_stages(subject.file);
    let used = subject.file.stages().flat_map(|stage| sources(stage).map(move |from| (stage.index, from)));
    used.filter_map(|(stage, from)| found(from, stage, &names).map(|found| if_needed(found, stage, subject.file)))
        .take(MAX_FOUND + 1)
        .collect()
}

/// The number of the first stage with each name, in lower case.
pub(super) fn first_stages(file: &Dockerfile) -> BTreeMap<String, usize> {
    let mut first = BTreeMap::new();
    for stage in file.stages() {
        if let Some(name) = stage.name() {
            first.entry(name.text.to_ascii_lowercase()).or_insert(stage.index);
        }
    }
    first
}

/// The values of `--from` in the stage.
pub(super) fn sources(stage: Stage<'_>) -> impl Iterator<Item = &'_ Word> {
    stage.of(Keyword::Copy).filter_map(|copy| copy.flag("from")?.value.as_ref())
}

fn found(from: &Word, stage: usize, names: &BTreeMap<String, usize>) -> Option<Found> {
    let name = from.unquoted();
    if name.is_empty() {
        return None; // as without the flag
    }
    let refused =
        |message: String, help: &str| Some(Found::new(&from.span, message).severity(Severity::Error).help(help));
    if name.contains('$') {
        let message = format!("`{}` is not replaced here: `--from` does not support variables", text::cut(name));
        return refused(message, "give the image a name with `FROM … AS name` first, and copy from that");
    }
    if let Ok(number) = name.parse::<usize>() {
        let message = format!("there is no stage {number} before this one, which is stage {stage}");
        return if number > stage { refused(message, "stages are counted from 0") } else { None };
    }
    match names.get(&name.to_ascii_lowercase()) {
        Some(index) if *index <= stage => None,
        Some(_) => refused(format!("the stage `{}` comes later", text::cut(name)), "move it before this one"),
        None => pulled(from, names),
    }
}

/// Lowers the finding to a warning in a stage that the last one does not need, since that stage is not built.
fn if_needed(found: Found, stage: usize, file: &Dockerfile) -> Found {
    let is_later = found.what.message.ends_with("comes later");
    if is_later && !file.needed.contains(&stage) { found.severity(Severity::Warning) } else { found }
}

fn pulled(from: &Word, names: &BTreeMap<String, usize>) -> Option<Found> {
    let name = from.unquoted();
    let image = ImageReference::of(name);
    if !ImageReference::can_be_pulled(name) {
        let message = format!("`{}` is neither a stage nor the name of an image", text::cut(name));
        return Some(Found::new(&from.span, message).severity(Severity::Error).help(help(name, names)));
    }
    let message = format!("`{}` is not a stage, and is pulled as an image", text::cut(name));
    let is_fixed = image.tag.is_some() || image.digest.is_some();
    (!is_fixed).then(|| Found::new(&from.span, message).help(help(name, names)))
}

fn help(name: &str, names: &BTreeMap<String, usize>) -> String {
    match suggest::nearest(name, names.keys().map(String::as_str)) {
        Some(near) => format!("did you mean the stage `{near}`?"),
        None => "name the stage with `FROM … AS name`, or add a version to the image".to_owned(),
    }
}
