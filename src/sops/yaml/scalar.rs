//! What a scalar means, and how a text must be written so that it stays one: the rules of go.yaml.in/yaml/v3.

use std::sync::LazyLock;

use regex::Regex;

use crate::sops::tree::Value;
use crate::stack::yaml::Scalar;

/// What a scalar without quotes means; none for a whole number that is larger than SOPS takes.
pub(super) fn meant(text: &str) -> Option<Value> {
    Some(match Scalar::of_plain(text) {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Int(value.try_into().ok()?),
        Scalar::Float(value) => Value::Float(value),
        Scalar::Text(text) if is_time(text) => Value::Time(text.as_bytes().to_vec().into()),
        Scalar::Text(text) => Value::text(text),
    })
}

/// Whether a text needs quotes, because it would mean something else without: a number, a date, and the words that
/// were booleans in YAML 1.1.
pub(super) fn needs_quotes(text: &str) -> bool {
    const WORDS: [&str; 16] =
        ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    !matches!(Scalar::of_plain(text), Scalar::Text(_)) || WORDS.contains(&text) || is_time(text) || is_sexagesimal(text)
}

fn is_time(text: &str) -> bool {
    static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
        let shape = r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d))|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?))?$";
        Regex::new(shape).expect("the pattern is right")
    });
    let Some(parts) = SHAPE.captures(text) else { return false };
    let number = |group: usize| parts.get(group).and_then(|part| part.as_str().parse::<i16>().ok());
    let part = |group: usize| number(group).unwrap_or(0);
    let clock = |group: usize| part(group) + part(group + 3);
    let day = jiff::civil::Date::new(part(1), i8::try_from(part(2)).unwrap_or(0), i8::try_from(part(3)).unwrap_or(0));
    day.is_ok() && clock(4) < 24 && clock(5) < 60 && clock(6) < 60
}

/// A number to the base of sixty, as YAML 1.1 had it: `1:30`.
fn is_sexagesimal(text: &str) -> bool {
    static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$").expect("the pattern is right")
    });
    SHAPE.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_mean_something_else_needs_quotes() {
        let quoted = ["", "1", "0x1f", "1e3", "true", "~", "null", "yes", "Off", "2024-01-02", "2024-1-2 3:4:5"];
        let plain =
            ["a", "1.2.3", "nope", "2024-13-01", "2024-02-30", "1:99", "12:30:61", "2024-01-02T03:04:05", "::1"];
        assert_eq!(quoted.iter().filter(|text| !needs_quotes(text)).count(), 0);
        assert_eq!(plain.iter().filter(|text| needs_quotes(text)).collect::<Vec<_>>(), Vec::<&&str>::new());
        assert!(needs_quotes("2024-01-02T03:04:05Z") && needs_quotes("1:30"));
    }
}
