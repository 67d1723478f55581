use super::in_each;
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::labels::{Kind, Label, names};
use crate::lint::traefik::place;
use crate::text;

rule! {
    /// A user of basic authentication has no password hash.
    ///
    /// The colon must be followed by a hash as printed by `htpasswd -nB NAME`. Double each `$` of it, or the rest
    /// is taken for a variable, and nobody can log in. With a plain password nobody can log in either.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.middlewares.auth.basicauth.users: ada:secret
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.middlewares.auth.basicauth.users: ada:$$apr1$$q8eZFHjF$$Fvmkk//V6Btlaf2i/ju5n/
    /// ```
    "SK4017", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    in_each(subject, |_, labels| {
        let lists = labels.iter().filter(|label| label.kind == Kind::Middleware && label.option == "basicauth.users");
        lists.flat_map(|list| in_list(list, subject)).collect()
    })
}

fn in_list(list: &Label<'_>, subject: &StackSubject<'_>) -> Vec<Found> {
    let users = names(list.value).into_iter().filter(|(user, _)| !has_hash(user));
    users
        .take(MAX_FOUND)
        .map(|(user, part)| {
            let name = user.split(':').next().unwrap_or_default();
            let message = format!("nobody can log in as `{}`: there is no password hash", text::cut(name));
            Found::new(&place(&subject.file.sources, list.value, &part), message)
                .help("use the output of `htpasswd -nB NAME`, with `$$` for each `$`")
        })
        .collect()
}

/// Whether there is a hash that Traefik supports: Apache's MD5, bcrypt, SHA-1.
fn has_hash(user: &str) -> bool {
    let Some((_, hash)) = user.split_once(':') else { return false };
    let parts = hash.split('$').count();
    hash.starts_with("{SHA}") || (hash.starts_with('$') && parts == 4)
}
