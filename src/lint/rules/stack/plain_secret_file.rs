use std::collections::BTreeSet;

use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::RepoPath;
use crate::sops::Document;
use crate::text;

rule! {
    /// The file of a secret is committed unencrypted.
    ///
    /// The swarm protects the secret, but everybody who can read the repository, now or later, can read it there. Encrypt
    /// the file with SOPS for skep's age recipient (`sops encrypt --in-place --age RECIPIENT FILE`), and skep decrypts
    /// it in memory; or create the secret by hand, and write `external: true`.
    ///
    /// ```yaml bad with password.txt
    /// services:
    ///   db: { image: "postgres:17", secrets: [password] }
    /// secrets: { password: { file: ./password.txt } }
    /// ```
    ///
    /// ```yaml good with sealed-password.yaml
    /// services:
    ///   db: { image: "postgres:17", secrets: [password, token] }
    /// secrets:
    ///   password: { file: ./password.yaml, x-skep: { key: password } }
    ///   token: { external: true }
    /// ```
    "SK6003", Info, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let files = || subject.file.secrets.values().filter_map(|secret| secret.file());
    // Several secrets may be in one file, which is parsed once.
    let paths: BTreeSet<&RepoPath> = files().map(|path| &path.value).collect();
    let is_plain = |path: &&RepoPath| {
        let text = subject.revision.texts.get(*path);
        text.is_some_and(|text| matches!(Document::read(path, text), Ok(None)))
    };
    let plain: BTreeSet<&RepoPath> = paths.into_iter().filter(is_plain).collect();
    files()
        .filter(|path| plain.contains(&path.value))
        .map(|path| {
            let shown = text::cut(path.value.as_str());
            Found::new(
                &path.span,
                format!("everybody who can read the repository can read the secret's file `{shown}`"),
            )
            .help("encrypt it with SOPS, or create the secret by hand and write `external: true`")
        })
        .collect()
}
