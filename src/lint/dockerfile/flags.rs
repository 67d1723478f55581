//! What the flags of an instruction must be like, as far as the builder looks at them before it knows any variable.
//!
//! After BuildKit's `instructions/bflag.go`, `commands_run*.go` and `parse.go`.

use crate::diagnostic::suggest::{did_you_mean, nearest};
use crate::diagnostic::{Diagnostic, Span};
use crate::lint::dockerfile::{Flag, Instruction, Keyword, problem, words};
use crate::text;

/// Everything about the flags of an instruction that keeps it from being read.
pub(super) fn problems(instruction: &Instruction, escape: char) -> Vec<Diagnostic<Span>> {
    if !instruction.keyword.minds_flags() || is_no_check(instruction) {
        return Vec::new();
    }
    let of_each = instruction.flags.iter().enumerate();
    of_each.filter_map(|(index, flag)| wrong(instruction, index, flag, escape)).collect()
}

/// `HEALTHCHECK NONE`, whose flags nobody looks at.
fn is_no_check(instruction: &Instruction) -> bool {
    let first = instruction.words().first();
    instruction.keyword == Keyword::Healthcheck && first.is_some_and(|word| word.text.eq_ignore_ascii_case("none"))
}

/// A flag, and what stands after its `=` as the builder reads it.
struct Given<'a> {
    flag: &'a Flag,
    value: Option<String>,
}

impl Given<'_> {
    #[expect(clippy::unnecessary_wraps, reason = "whoever has a problem has nothing else to say")]
    fn problem(&self, message: impl Into<String>, help: impl Into<Option<String>>) -> Option<Diagnostic<Span>> {
        Some(problem(&self.flag.span, message, help))
    }
}

fn wrong(instruction: &Instruction, index: usize, flag: &Flag, escape: char) -> Option<Diagnostic<Span>> {
    let (keyword, name) = (instruction.keyword, flag.name.as_str());
    let given = Given { flag, value: flag.value.as_ref().map(|word| words::bare(&word.text, escape)) };
    if !keyword.flags().contains(&name) {
        let near = nearest(name, keyword.flags().iter().copied()).map(|near| format!("did you mean `--{near}`?"));
        return given.problem(format!("`{keyword}` has no flag `--{}`", text::cut(name)), near);
    }
    let is_again = instruction.flags[..index].iter().any(|other| other.name == name);
    if is_again && !keyword.repeated().contains(&name) {
        return given.problem(format!("`--{name}` is given twice"), "remove one of the two".to_owned());
    }
    if keyword.switches().contains(&name) {
        return switch(&given, name);
    }
    let Some(value) = &given.value else {
        return given.problem(format!("`--{name}` needs a value"), format!("write `--{name}=…`, without a blank"));
    };
    valued(&given, keyword, name, value)
}

/// `--link`, `--link=true`: nothing else is one.
fn switch(given: &Given<'_>, name: &str) -> Option<Diagnostic<Span>> {
    let value = given.value.as_ref()?;
    let is_switch = ["true", "false"].iter().any(|known| value.eq_ignore_ascii_case(known));
    if is_switch {
        return None;
    }
    given.problem(
        format!("`--{name}` is `true` or `false`, and not `{}`", text::cut(value)),
        format!("write `--{name}` alone"),
    )
}

fn valued(given: &Given<'_>, keyword: Keyword, name: &str, value: &str) -> Option<Diagnostic<Span>> {
    match (keyword, name) {
        (Keyword::Run, "network") => one_of(given, name, value, &["default", "none", "host"]),
        (Keyword::Run, "security") => one_of(given, name, value, &["sandbox", "insecure"]),
        (Keyword::Run, "mount" | "device") if value.is_empty() => {
            given.problem(format!("`--{name}` says nothing"), None)
        }
        (Keyword::Run, "mount") => from_variable(given, value),
        (Keyword::Healthcheck, "retries") => retries(given, value),
        (Keyword::Healthcheck, _) => duration(given, name, value),
        _ => None,
    }
}

/// Nothing is filled in here.
fn one_of(given: &Given<'_>, name: &str, value: &str, known: &[&str]) -> Option<Diagnostic<Span>> {
    if known.contains(&value) {
        return None;
    }
    let listed = known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
    let help = did_you_mean(value, known.iter().copied()).unwrap_or_else(|| {
        let because = if value.contains('$') { "no variable is filled in here: " } else { "" };
        format!("{because}it is one of {listed}")
    });
    given.problem(format!("`--{name}` cannot be `{}`", text::cut(value)), help)
}

/// Of a mount only `from` is looked at so early.
fn from_variable(given: &Given<'_>, value: &str) -> Option<Diagnostic<Span>> {
    let fields = value.split(',').filter_map(|field| field.split_once('='));
    let mut of = fields.filter(|(key, _)| key.eq_ignore_ascii_case("from"));
    // A dollar at the end is one.
    let (_, from) = of.find(|(_, from)| from.find('$').is_some_and(|at| at + 1 < from.len()))?;
    let help = "give the image a name with `FROM … AS name` first, and mount from that".to_owned();
    given.problem(format!("`{}` is not filled in here: `from` takes no variables", text::cut(from)), help)
}

fn retries(given: &Given<'_>, value: &str) -> Option<Diagnostic<Span>> {
    let is_count = value.is_empty() || value.parse::<i32>().is_ok_and(|count| count >= 0);
    if is_count {
        return None;
    }
    given.problem(format!("`--retries` is a number from 0 on, and not `{}`", text::cut(value)), None)
}

/// Go's `time.ParseDuration`, and a millisecond at least.
fn duration(given: &Given<'_>, name: &str, value: &str) -> Option<Diagnostic<Span>> {
    let told = |help: String| given.problem(format!("`--{name}` is a duration, and not `{}`", text::cut(value)), help);
    match nanos(value) {
        _ if value.is_empty() => None,
        None if value.parse::<f64>().is_ok() => told(format!("write its unit: `--{name}={}s`", text::cut(value))),
        None => told("write it as `30s`, `1m30s` or `2h`".to_owned()),
        Some(0 | 1_000_000..) => None,
        Some(_) => given.problem(format!("`--{name}` is less than a millisecond"), "write it as `30s`".to_owned()),
    }
}

/// The nanoseconds of `1h30m`; `None` if it is no length of time.
fn nanos(text: &str) -> Option<i64> {
    const UNITS: [(&str, f64); 8] =
        [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..length].parse().ok()?;
        rest = &rest[length..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == &rest[..end])?;
        sum += number * unit;
        rest = &rest[end..];
    }
    #[expect(clippy::cast_possible_truncation, reason = "a longer time than fits is as good as the longest")]
    (sum < 9.2e18).then_some((sign * sum) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_those_of_go() {
        let known = ["0", "5s", "1.5h", "1m30s", "-1s", "100ms", "3us", ".5s"];
        assert_eq!(known.iter().find(|text| nanos(text).is_none()), None);
        let unknown = ["5", "s", "", "1 s", "1d", "1m30", "one", "+", "5S"];
        assert_eq!(unknown.iter().find(|text| nanos(text).is_some()), None);
        assert_eq!(nanos("1m30s"), Some(90_000_000_000));
    }
}
