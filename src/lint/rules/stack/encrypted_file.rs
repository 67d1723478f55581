use super::missing_file::described;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::revision::Revision;
use crate::sops::Document;
use crate::stack::file::{Reference, ReferenceKind};

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
    subject.file.references().iter().filter_map(|reference| wrong(reference, subject.revision)).collect()
}

fn wrong(reference: &Reference, revision: &Revision) -> Option<Found> {
    use ReferenceKind::{Config, EnvFile, OptionalEnvFile, Secret};
    let text = revision.texts.get(&reference.path)?;
    let document = || Document::read(&reference.path, text);
    match reference.what {
        Secret => {
            document().and_then(|document| document.map_or(Ok(()), |document| document.check())).err().map(|error| {
                let message = format!("`{}` {error}", suggest::cut(reference.path.as_str()));
                Found::new(&reference.span, message).help(error.help())
            })
        }
        // A config may well speak of encrypted values; then it is none of SOPS's files, and cannot be read as one.
        Config | EnvFile | OptionalEnvFile if matches!(document(), Ok(Some(_))) => {
            let (what, path) = (described(reference.what), suggest::cut(reference.path.as_str()));
            let message =
                format!("{what} `{path}` is encrypted, and decrypted it could be read by everybody in the swarm");
            Some(Found::new(&reference.span, message).help("make it a secret: nothing else is decrypted"))
        }
        _ => None,
    }
}
