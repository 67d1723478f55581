//! `RUN --mount=type=cache,target=/root/.cache`.
//!
//! After BuildKit's `instructions/commands_runmount.go` and `dockerfile2llb/convert_runmount.go`: keys are looked at in their order,
//! so that `type` must stand before what only some types take.

use crate::diagnostic::suggest::did_you_mean;
use crate::stack::file::bytes;
use crate::text;

const TYPES: [&str; 5] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const SHARINGS: [&str; 3] = ["shared", "private", "locked"];
const KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
    "env",
];

/// Why a mount is refused, and what to write instead.
pub(super) type Refusal = (String, Option<String>);

/// A mount, as far as it was read.
#[derive(Default)]
struct Mount {
    kind: String,
    has: Vec<String>,
    target: Option<String>,
}

/// Why a mount is refused; `None` if it is not, or if a variable in it is not known. `fill` fills variables in.
pub(super) fn refusal(text: &str, fill: &impl Fn(&str) -> Option<String>) -> Option<Refusal> {
    // Quotes inside of a flag are read as those of a table: nobody writes them.
    if text.contains('"') {
        return None;
    }
    let mut mount = Mount { kind: "bind".to_owned(), ..Mount::default() };
    for field in text.split(',') {
        match mount.take(field, fill) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(refusal) => return Some(refusal),
        }
    }
    mount.as_a_whole()
}

impl Mount {
    /// Reads a key and its value; false if nothing can be known from here on.
    fn take(&mut self, field: &str, fill: &impl Fn(&str) -> Option<String>) -> Result<bool, Refusal> {
        let (key, value) = field.split_once('=').map_or((field, None), |(key, value)| (key, Some(value)));
        let key = key.to_ascii_lowercase();
        let Some(value) = value else {
            return self.switch(&key, field).map(|()| true);
        };
        if !KEYS.contains(&key.as_str()) {
            let help = did_you_mean(&key, KEYS);
            return Err((format!("a mount has no `{}`", text::cut(&key)), help));
        }
        let Some(value) = fill(value) else { return Ok(key != "type") };
        self.set(&key, &value).map(|()| true)
    }

    /// A key without a value.
    fn switch(&mut self, key: &str, field: &str) -> Result<(), Refusal> {
        match key {
            "readonly" | "ro" | "readwrite" | "rw" => Ok(()),
            "required" => self.only_for(key, &["secret", "ssh"]),
            _ => Err((format!("`{}` is not `key=value`", text::cut(field)), None)),
        }
    }

    fn only_for(&self, key: &str, kinds: &[&str]) -> Result<(), Refusal> {
        if kinds.contains(&self.kind.as_str()) {
            return Ok(());
        }
        let help = format!("write `type={}` before it, or remove it", kinds[0]);
        Err((format!("a mount of the type `{}` has no `{key}`", self.kind), Some(help)))
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        let invalid = |what: &str| Err((format!("`{key}` must be {what}, and is `{}`", text::cut(value)), None));
        match key {
            "type" => self.kind = one_of("type", value, &TYPES)?,
            "sharing" => drop(one_of("sharing", value, &SHARINGS)?),
            "readonly" | "ro" | "readwrite" | "rw" if !is_boolean(value) => return invalid("true or false"),
            "required" => {
                self.only_for(key, &["secret", "ssh"])?;
                if !is_boolean(value) {
                    return invalid("true or false");
                }
            }
            "size" => {
                self.only_for(key, &["tmpfs"])?;
                if bytes(value).is_none() {
                    return invalid("an amount such as `64m`");
                }
            }
            "mode" if u32::from_str_radix(value, 8).is_err() => return invalid("octal digits such as `0755`"),
            "uid" | "gid" if value.parse::<u32>().is_err() => return invalid("a number"),
            "target" | "dst" | "destination" => self.target = Some(value.to_owned()),
            _ => {}
        }
        let same = match key {
            "src" => "source",
            "dst" | "destination" => "target",
            other => other,
        };
        if !value.is_empty() {
            self.has.push(same.to_owned());
        }
        Ok(())
    }

    fn has(&self, key: &str) -> bool {
        self.has.iter().any(|known| known == key)
    }

    /// What does not fit together.
    fn as_a_whole(&self) -> Option<Refusal> {
        let kind = self.kind.as_str();
        let refused = |message: String| Some((message, None));
        let owned = ["mode", "uid", "gid"].into_iter().find(|key| self.has(key));
        if let Some(key) = owned.filter(|_| ["bind", "tmpfs"].contains(&kind)) {
            return refused(format!("a mount of the type `{kind}` has no `{key}`"));
        }
        if self.has("sharing") && kind != "cache" {
            return refused(format!("a mount of the type `{kind}` has no `sharing`"));
        }
        match kind {
            "secret" if self.has("from") => refused("a mount of the type `secret` has no `from`".to_owned()),
            "secret" if !["source", "target", "id"].iter().any(|key| self.has(key)) => {
                Some(("a secret has no `id`".to_owned(), Some("write `type=secret,id=…`".to_owned())))
            }
            "secret" if self.has("source") && self.has("id") => {
                refused("`source` and `id` of a secret are the same: it has one of them".to_owned())
            }
            "ssh" if self.has("source") => refused("a mount of the type `ssh` has no `source`".to_owned()),
            "bind" | "cache" | "tmpfs" if self.target.as_deref().is_some_and(is_top) => {
                refused("nothing can be mounted at `/`".to_owned())
            }
            _ => None,
        }
    }
}

/// Whether a mount says nowhere where it is seen, and is none that has a place of its own.
pub(super) fn is_without_target(text: &str) -> bool {
    let keys = || text.split(',').filter_map(|field| field.split_once('='));
    let has_place =
        keys().any(|(key, kind)| key == "type" && (["secret", "ssh"].contains(&kind) || kind.contains('$')));
    let is_target = |key: &str| ["target", "dst", "destination"].iter().any(|known| key.eq_ignore_ascii_case(known));
    !has_place && !keys().any(|(key, _)| is_target(key))
}

fn one_of(key: &str, value: &str, known: &[&str]) -> Result<String, Refusal> {
    let lower = value.to_ascii_lowercase();
    if known.contains(&lower.as_str()) {
        return Ok(lower);
    }
    let listed = known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
    let help = did_you_mean(&lower, known.iter().copied()).unwrap_or_else(|| format!("it is one of {listed}"));
    Err((format!("the `{key}` of a mount cannot be `{}`", text::cut(value)), Some(help)))
}

/// Go's `strconv.ParseBool`.
fn is_boolean(value: &str) -> bool {
    ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"].contains(&value)
}

fn is_top(path: &str) -> bool {
    path.starts_with('/') && path.split('/').all(|part| part.is_empty() || part == ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        refusal(text, &|value| (!value.contains('$')).then(|| value.to_owned())).map(|(message, _)| message)
    }

    #[test]
    fn mounts_that_the_builder_takes() {
        let fine = [
            "type=cache,target=/root/.cache",
            "type=CACHE,dst=/a,sharing=Locked,id=x,mode=0755,uid=1,gid=0",
            "type=secret,id=token",
            "type=secret,id=token,required,env=TOKEN,mode=400",
            "type=secret,target=/run/secrets/a,required=true",
            "type=ssh",
            "type=ssh,id=default,required=false,mode=0600",
            "type=tmpfs,target=/tmp,size=64m",
            "source=go.mod,target=go.mod",
            "target=.,rw",
            "from=build,src=/a,destination=/b,ro=true",
            "type=$KIND,size=1,unheard",
            "type=cache,sharing=$S,target=/a",
        ];
        assert_eq!(fine.iter().find_map(|text| said(text)), None);
    }

    #[test]
    fn mounts_that_the_builder_refuses() {
        let said = |text: &str| said(text).unwrap_or_else(|| format!("nothing about {text}"));
        insta::assert_snapshot!(said("type=foo"), @"the `type` of a mount cannot be `foo`");
        insta::assert_snapshot!(said("typ=cache,target=/a"), @"a mount has no `typ`");
        insta::assert_snapshot!(said("type=cache,target=/a,sharing=all"), @"the `sharing` of a mount cannot be `all`");
        insta::assert_snapshot!(said("size=64m,type=tmpfs,target=/a"), @"a mount of the type `bind` has no `size`");
        insta::assert_snapshot!(said("type=tmpfs,target=/a,size=much"), @"`size` must be an amount such as `64m`, and is `much`");
        insta::assert_snapshot!(said("type=bind,target=/a,uid=1"), @"a mount of the type `bind` has no `uid`");
        insta::assert_snapshot!(said("type=cache,target=/a,mode=0999"), @"`mode` must be octal digits such as `0755`, and is `0999`");
        insta::assert_snapshot!(said("type=cache,target=/a,required"), @"a mount of the type `cache` has no `required`");
        insta::assert_snapshot!(said("type=secret"), @"a secret has no `id`");
        insta::assert_snapshot!(said("type=secret,id=a,from=b"), @"a mount of the type `secret` has no `from`");
        insta::assert_snapshot!(said("type=secret,id=a,src=b"), @"`source` and `id` of a secret are the same: it has one of them");
        insta::assert_snapshot!(said("type=ssh,source=a"), @"a mount of the type `ssh` has no `source`");
        insta::assert_snapshot!(said("type=bind,target=/"), @"nothing can be mounted at `/`");
        insta::assert_snapshot!(said("target=/a,ro=maybe"), @"`ro` must be true or false, and is `maybe`");
        insta::assert_snapshot!(said("target=/a,cached"), @"`cached` is not `key=value`");
    }
}
