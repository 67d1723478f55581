//! The keys about the program of a service: `build`, `command`, `environment`, `env_file`, `healthcheck`.

use std::collections::BTreeMap;

use super::fields::{Fields, Reader, spanned};
use super::shell;
use super::types::{Build, EnvFile, Ignored, Spanned};
use crate::stack::Healthcheck;
use crate::stack::yaml::{Node, Value};

/// The remedy for a remote context.
const REMOTE: &str = "skep builds folders of the repository: copy what is needed into one, or name an `image` alone";
/// The remedy for a Dockerfile inside the stack file.
const INLINE: &str = "skep builds from files: write the Dockerfile into one, and name it in `dockerfile`";

/// Whether a context is not a folder but fetched by the builder: `https://…`, `git@…`, `docker-image://…`.
fn is_address(context: &str) -> bool {
    context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/")
}

impl Reader {
    pub(super) fn build(&mut self, node: &Node) -> Option<Build> {
        let folder = self.sources.folder(&node.span);
        if let Value::Scalar { .. } = node.value {
            if is_address(node.raw()) {
                return self.unbuilt(node, REMOTE);
            }
            let context = self.path("build", node, &folder)?;
            let dockerfile = spanned(node, context.join("Dockerfile").ok()?);
            let span = node.span.clone();
            return Some(Build { span, context, dockerfile, args: BTreeMap::new(), target: None, test: Vec::new() });
        }
        let mut fields = Fields::of(self, node, "build");
        if fields.take("dockerfile_inline").is_some() {
            return self.unbuilt(node, INLINE);
        }
        let context = match fields.take("context") {
            Some(context) if is_address(context.raw()) => return self.unbuilt(node, REMOTE),
            Some(node) => self.path("context", node, &folder)?,
            None => spanned(node, folder),
        };
        let dockerfile = match fields.take("dockerfile") {
            Some(node) => self.path("dockerfile", node, &context)?,
            None => spanned(node, context.join("Dockerfile").ok()?),
        };
        let args = fields.take("args").map(|node| self.arguments(node)).unwrap_or_default();
        let target = fields.string(self, "target");
        fields.finish(self);
        Some(Build { span: node.span.clone(), context, dockerfile, args, target, test: Vec::new() })
    }

    /// Ignores a `build` that skep cannot carry out; an `image` is deployed instead, as by Docker, which ignores every
    /// `build`.
    fn unbuilt(&mut self, node: &Node, instead: &'static str) -> Option<Build> {
        self.ignored.push(Ignored { span: node.span.clone(), key: "build".to_owned(), instead });
        None
    }

    fn arguments(&mut self, node: &Node) -> BTreeMap<String, String> {
        let mut arguments = BTreeMap::new();
        for (name, value) in self.pairs("args", node) {
            let value = value.value.or_else(|| self.variable(&value.span, &name));
            arguments.extend(value.map(|value| (name, value)));
        }
        arguments
    }

    pub(super) fn environment(&mut self, node: &Node) -> BTreeMap<String, Spanned<Option<String>>> {
        let mut pairs = self.pairs("environment", node);
        for (name, value) in &mut pairs {
            if value.value.is_none() {
                value.value = self.variable(&value.span, name);
            }
        }
        pairs
    }

    pub(super) fn env_file(&mut self, node: &Node) -> Vec<EnvFile> {
        let items =
            if let Value::Sequence(items) = &node.value { items.as_slice() } else { std::slice::from_ref(node) };
        items.iter().filter_map(|item| self.one_env_file(item)).collect()
    }

    fn one_env_file(&mut self, node: &Node) -> Option<EnvFile> {
        let folder = self.sources.folder(&node.span);
        if !matches!(node.value, Value::Mapping(_)) {
            return Some(EnvFile { path: self.path("env_file", node, &folder)?, required: true });
        }
        let mut fields = Fields::of(self, node, "env_file");
        let path = fields.take("path").and_then(|node| self.path("path", node, &folder));
        let required = fields.boolean(self, "required");
        // The only format that Docker supports.
        fields.take("format").and_then(|node| self.one_of("format", node, &["raw"]));
        fields.finish(self);
        if node.get("path").is_none() {
            self.problem(&node.span, "env_file has no `path`", None);
        }
        Some(EnvFile { path: path?, required: required.is_none_or(|required| required.value) })
    }

    /// A command line: a list, or a text that is split like by a shell.
    pub(super) fn words(&mut self, key: &str, node: &Node) -> Option<Spanned<Vec<String>>> {
        if let Value::Scalar { text, .. } = &node.value {
            let words = if self.read_mode.as_written { shell::split(text) } else { shlex::split(text) };
            if words.is_none() {
                self.wrong(key, node, "a command line", "a quote is not closed; close it, or write a list");
            }
            return words.map(|words| spanned(node, words));
        }
        let words = self.strings(key, node).into_iter().map(|word| word.value).collect();
        Some(spanned(node, words))
    }

    pub(super) fn healthcheck(&mut self, node: &Node) -> Spanned<Healthcheck> {
        let mut fields = Fields::of(self, node, "healthcheck");
        let test = fields.take("test").map(|node| self.test(node)).unwrap_or_default();
        let disabled = fields.boolean(self, "disable").is_some_and(|disable| disable.value);
        let healthcheck = Healthcheck {
            test: test.clone(),
            interval: fields.duration(self, "interval").map(|time| time.value),
            timeout: fields.duration(self, "timeout").map(|time| time.value),
            start_period: fields.duration(self, "start_period").map(|time| time.value),
            start_interval: fields.duration(self, "start_interval").map(|time| time.value),
            retries: fields.integer::<u32>(self, "retries").map(|count| count.value.into()),
        };
        fields.finish(self);
        if disabled && !test.is_empty() {
            self.problem(&node.span, "healthcheck has both `test` and `disable`", "remove one of them".to_owned());
        }
        let off = || Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() };
        spanned(node, if disabled { off() } else { healthcheck })
    }

    fn test(&mut self, node: &Node) -> Vec<String> {
        match &node.value {
            Value::Scalar { text, .. } => vec!["CMD-SHELL".to_owned(), text.clone()],
            _ => self.strings("test", node).into_iter().map(|word| word.value).collect(),
        }
    }
}
