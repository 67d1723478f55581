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
    /// A file that is encrypted with SOPS is used where it cannot stay secret, or cannot be decrypted.
    ///
    /// Only a secret is decrypted: the swarm keeps it encrypted, and nobody can read it back. A config and the variables
    /// of an `env_file` can be read by everybody who may look into the swarm, and stand in the records of the releases.
    /// The file must be encrypted for an age recipient; whether it is for the one that skep has the key of is seen when
    /// it is deployed.
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
    // Many references may be to one file, which is read once.
    let asked = references.iter().filter(|reference| may_be_encrypted(reference.what));
    let texts: BTreeMap<&RepoPath, &Arc<[u8]>> =
        asked.filter_map(|reference| subject.revision.texts.get_key_value(&reference.path)).collect();
    let documents = texts.into_iter().map(|(path, text)| (path, Document::read(path, text))).collect();
    references.iter().filter_map(|reference| wrong(reference, &documents)).collect()
}

/// What is known of each file: the document that it is, if it is encrypted.
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
        // A config may well speak of encrypted values; then it is none of SOPS's files, and cannot be read as one.
        Config | EnvFile | OptionalEnvFile if matches!(document, Ok(Some(_))) => {
            let (what, path) = (described(reference.what), text::cut(reference.path.as_str()));
            let message =
                format!("{what} `{path}` is encrypted, and decrypted it could be read by everybody in the swarm");
            Some(Found::new(&reference.span, message).help("make it a secret: nothing else is decrypted"))
        }
        _ => None,
    }
}
