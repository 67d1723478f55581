use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::sops::Document;

rule! {
    /// The file of a secret is committed as it is.
    ///
    /// The swarm keeps the secret well, but everybody who can read the repository, now or later, has it already. Encrypt
    /// the file with SOPS for skep's age recipient (`sops encrypt --in-place --age RECIPIENT FILE`), and skep decrypts
    /// it in memory; or create the secret by hand, and say `external: true`.
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
    let files = subject.file.secrets.values().filter_map(|secret| secret.file());
    files
        .filter(|path| {
            let text = subject.revision.texts.get(&path.value);
            text.is_some_and(|text| matches!(Document::read(&path.value, text), Ok(None)))
        })
        .map(|path| {
            let shown = suggest::cut(path.value.as_str());
            Found::new(
                &path.span,
                format!("the secret's file `{shown}` can be read by everybody who has the repository"),
            )
            .help("encrypt it with SOPS, or create the secret by hand and write `external: true`")
        })
        .collect()
}
