use std::collections::BTreeMap;
use std::sync::Arc;

use super::missing_file::described;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::RepoPath;
use crate::sops::{Document, Error};
use crate::stack::file::{Reference, ReferenceKind};
use crate::text;

rule! {
    /// A file encrypted with SOPS is used where it would not stay secret, or cannot be decrypted.
    ///
    /// Only secrets are decrypted: the swarm stores them encrypted, and nobody can read them back. Configs and the variables
    /// of an `env_file` can be read by everybody with access to the swarm, and are in the records of releases.
    /// The file must be encrypted for an age recipient; whether skep has the key is checked when it
    /// is deployed.
    ///
    /// ```yaml bad with sealed-password.yaml
    /// services:
    ///   db: { image: "postgres:17", configs: [password] }
    /// configs: { password: { file: ./password.yaml } }
    /// ```
    ///
    /// ```yaml good with sealed-password.yaml
    /// services:
    ///   db: { image: "postgres:17", secrets: [password] }
    /// secrets: { password: { file: ./password.yaml } }
    /// ```
    "SK6002", Error, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let references = subject.file.references();
    // Several references may name the same file, which is parsed once.
    let asked = references.iter().filter(|reference| may_be_encrypted(reference.what));
    let texts: BTreeMap<&RepoPath, &Arc<[u8]>> =
        asked.filter_map(|reference| subject.revision.texts.get_key_value(&reference.path)).collect();
    let documents = texts.into_iter().map(|(path, text)| (path, Document::read(path, text))).collect();
    references.iter().filter_map(|reference| wrong(reference, &documents)).collect()
}

/// The encrypted document of each file, or `None` if it is not encrypted.
type Documents<'a> = BTreeMap<&'a RepoPath, Result<Option<Document>, Error>>;

fn may_be_encrypted(what: ReferenceKind) -> bool {
    use ReferenceKind::{Config, EnvFile, OptionalEnvFile, Secret};
    matches!(what, Config | EnvFile | OptionalEnvFile | Secret)
}

fn wrong(reference: &Reference, documents: &Documents<'_>) -> Option<Found> {
    use ReferenceKind::{Config, EnvFile, OptionalEnvFile, Secret};
    let document = documents.get(&reference.path)?;
    match reference.what {
        Secret => {
            let told = |error: &Error| {
                let message = format!("`{}` {error}", text::cut(reference.path.as_str()));
                Found::new(&reference.span, message).help(error.help())
            };
            match document {
                Ok(document) => document.as_ref()?.check().err().as_ref().map(told),
                Err(error) => Some(told(error)),
            }
        }
        // A config may mention encrypted values without being a SOPS file; then it cannot be parsed as one.
        Config | EnvFile | OptionalEnvFile if matches!(document, Ok(Some(_))) => {
            let (what, path) = (described(reference.what), text::cut(reference.path.as_str()));
            let message = format!(
                "{what} `{path}` is encrypted, but everybody with access to the swarm could read the decrypted contents"
            );
            Some(Found::new(&reference.span, message).help("make it a secret: only secrets are decrypted"))
        }
        _ => None,
    }
}
