//! Configs and secrets: their contents, and the names derived from them.

use sha2::{Digest as _, Sha256};

use super::{Config, Renderer, Secret};
use crate::diagnostic::Span;
use crate::name::{ObjectKind, StackName};
use crate::sops::{self, Document};
use crate::stack::FileReference;
use crate::stack::SecretBytes;
use crate::stack::file::{Origin, Source, Spanned};

/// A config must be smaller than this many bytes, a secret smaller than half of it (swarmkit `MaxConfigSize`,
/// `MaxSecretSize`).
const CONFIG_LIMIT: usize = 1000 * 1024;
const SECRET_LIMIT: usize = 500 * 1024;

impl Renderer<'_> {
    /// Names every config and secret of the file, and creates those of the stack.
    pub(super) fn sources(&mut self) {
        for (key, source) in &self.file.configs {
            let content = self.content(source).filter(|content| self.fits(ObjectKind::Config, source, content.len()));
            let digits = content.as_ref().map(|content| digits(content, source.template_driver.as_deref()));
            let name = self.source_name(ObjectKind::Config, key, source, digits.as_deref());
            if let Some(content) = content {
                let (labels, template_driver) = (source.labels.clone(), source.template_driver.clone());
                self.stack.configs.insert(name.clone(), Config::Own { content, labels, template_driver });
            }
            self.config_names.insert(key.clone(), name);
        }
        for (key, source) in &self.file.secrets {
            let held = self.held(source);
            let name =
                self.source_name(ObjectKind::Secret, key, source, held.as_ref().map(|held| held.digits.as_str()));
            if let Some(Held { content, .. }) = held {
                self.stack.secrets.insert(name.clone(), own_secret(source, content));
            } else if let Origin::Driver(_) = source.origin {
                self.stack.secrets.insert(name.clone(), own_secret(source, SecretBytes::default()));
            }
            self.secret_names.insert(key.clone(), name);
        }
    }

    /// The source bytes of a config or secret.
    fn content(&mut self, source: &Source) -> Option<Vec<u8>> {
        match &source.origin {
            Origin::External | Origin::Driver(_) => None,
            Origin::Content(content) => Some(content.value.as_bytes().to_vec()),
            Origin::File(path) => self.text(path).map(<[u8]>::to_vec),
        }
    }

    /// Whether Swarm accepts contents of this length; otherwise reports a problem.
    fn fits(&mut self, kind: ObjectKind, source: &Source, length: usize) -> bool {
        let (what, limit) = (kind.noun(), limit(kind));
        let message = match length {
            0 => format!("this {what} is empty, but Swarm does not accept an empty {what}"),
            _ if length < limit => return true,
            _ => format!("this {what} has {} KiB, but Swarm accepts less than {}", length / 1024, limit / 1024),
        };
        self.problem(origin_span(source), message, None);
        false
    }

    /// The value of a secret: the file, decrypted if necessary.
    fn held(&mut self, source: &Source) -> Option<Held> {
        let content = self.content(source)?;
        let sealed = match &source.origin {
            Origin::File(path) if !self.inputs.as_written => Document::read(&path.value, &content),
            _ => Ok(None),
        };
        match sealed {
            Ok(Some(document)) => self.unsealed(source, document),
            Ok(None) if source.key.is_some() && !self.inputs.as_written => {
                let message = "a single value can be selected only from a file encrypted with SOPS";
                let help = "encrypt the file, or remove `x-skep.key`".to_owned();
                self.problem(source.key.as_ref().map_or(&source.span, |key| &key.span), message, help);
                None
            }
            Ok(None) => {
                let digits = digits(&content, source.template_driver.as_deref());
                self.fits(ObjectKind::Secret, source, content.len())
                    .then(|| Held { content: SecretBytes::new(content), digits })
            }
            Err(error) => self.undecryptable(source, &error),
        }
    }

    /// An encrypted file: its name is derived from the ciphertext; its value is known only with a key.
    fn unsealed(&mut self, source: &Source, document: Document) -> Option<Held> {
        let key = source.key.as_ref().map(|key| key.value.clone()).unwrap_or_default();
        let opened = document.digits(&key).and_then(|digits| match self.inputs.keys {
            Some(keys) => Ok((document.decrypt(keys, &key)?, digits)),
            None => document.check().map(|()| (SecretBytes::default(), digits)),
        });
        match opened {
            // The message does not reveal the size.
            Ok((content, _)) if content.expose().is_some_and(|content| content.len() >= SECRET_LIMIT) => {
                let message = format!("this secret is too large: Swarm accepts less than {} KiB", SECRET_LIMIT / 1024);
                self.problem(origin_span(source), message, None);
                None
            }
            Ok((content, digits)) => Some(Held { content, digits }),
            Err(error) => self.undecryptable(source, &error),
        }
    }

    fn undecryptable(&mut self, source: &Source, error: &sops::Error) -> Option<Held> {
        let path = source.file().map(|path| path.value.as_str()).unwrap_or_default();
        let span = match (error, &source.key) {
            (sops::Error::NoValue(_) | sops::Error::NotOne { .. }, Some(key)) => &key.span,
            _ => origin_span(source),
        };
        self.problem(span, format!("`{path}` {error}"), error.help().to_owned());
        None
    }

    /// The full name of a config or secret; an external one keeps its name.
    fn source_name(&mut self, kind: ObjectKind, key: &str, source: &Source, digits: Option<&str>) -> String {
        let is_external = source.origin == Origin::External;
        if let Some(name) = &source.name {
            if !is_external {
                self.check_given_name(kind, name);
            }
            return name.value.clone();
        }
        match digits {
            _ if is_external => key.to_owned(),
            Some(digits) if !self.inputs.as_written => addressed(&self.inputs.name, key, digits),
            _ => self.own_name(kind, key, &source.span),
        }
    }

    /// The configs that a service uses, under their full names.
    pub(super) fn configs(&mut self, references: &[Spanned<FileReference>]) -> Vec<FileReference> {
        let names = std::mem::take(&mut self.config_names);
        let found = self.references("config", references, &names);
        self.config_names = names;
        for reference in &found {
            self.stack.configs.entry(reference.source.clone()).or_insert(Config::External);
        }
        found
    }

    /// The full name of a config that a service uses without mounting it.
    pub(super) fn config_name(&mut self, key: &str, span: &Span) -> Option<String> {
        let Some(name) = self.config_names.get(key).cloned() else {
            let names = std::mem::take(&mut self.config_names);
            self.undefined("config", key, span, names.keys());
            self.config_names = names;
            return None;
        };
        self.stack.configs.entry(name.clone()).or_insert(Config::External);
        Some(name)
    }

    /// The secrets that a service uses, under their full names.
    pub(super) fn secrets(&mut self, references: &[Spanned<FileReference>]) -> Vec<FileReference> {
        let names = std::mem::take(&mut self.secret_names);
        let found = self.references("secret", references, &names);
        self.secret_names = names;
        for reference in &found {
            self.stack.secrets.entry(reference.source.clone()).or_insert(Secret::External);
        }
        found
    }

    fn references(
        &mut self,
        what: &str,
        references: &[Spanned<FileReference>],
        names: &std::collections::BTreeMap<String, String>,
    ) -> Vec<FileReference> {
        let mut found = Vec::new();
        for reference in references {
            match names.get(&reference.source) {
                Some(name) => found.push(FileReference { source: name.clone(), ..reference.value.clone() }),
                None => self.undefined(what, &reference.source, &reference.span, names.keys()),
            }
        }
        found.sort();
        found
    }
}

fn own_secret(source: &Source, content: SecretBytes) -> Secret {
    let driver = if let Origin::Driver(driver) = &source.origin { Some(driver.clone()) } else { None };
    Secret::Own { content, labels: source.labels.clone(), template_driver: source.template_driver.clone(), driver }
}

/// The value of a secret, and the digits at the end of its name.
struct Held {
    content: SecretBytes,
    digits: String,
}

/// The size in bytes that a config or secret must stay below.
fn limit(kind: ObjectKind) -> usize {
    if kind == ObjectKind::Config { CONFIG_LIMIT } else { SECRET_LIMIT }
}

/// The place in the stack file that defines the source.
fn origin_span(source: &Source) -> &Span {
    match &source.origin {
        Origin::External | Origin::Driver(_) => &source.span,
        Origin::File(path) => &path.span,
        Origin::Content(content) => &content.span,
    }
}

/// Twelve digits derived from the contents.
fn digits(content: &[u8], template_driver: Option<&str>) -> String {
    let mut hash = Sha256::new();
    hash.update(content);
    if let Some(driver) = template_driver {
        hash.update(driver);
    }
    hex::encode(hash.finalize())[..12].to_owned()
}

/// A name derived from the contents: `<stack>_<key>-<digits>`, with the key shortened to fit.
fn addressed(stack: &StackName, key: &str, digits: &str) -> String {
    let mut name = stack.scoped(key);
    name.truncate(name.floor_char_boundary(ObjectKind::Config.longest() - 13));
    format!("{name}-{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_from_what_is_held() {
        let name =
            |key: &str, content: &str| addressed(&"shop".parse().unwrap(), key, &digits(content.as_bytes(), None));
        assert_eq!(name("conf", "a"), "shop_conf-ca978112ca1b");
        assert_ne!(name("conf", "a"), name("conf", "b"));
        assert_eq!(name(&"k".repeat(99), "a").len(), 64);
    }
}
