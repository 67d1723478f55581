//! The meaning of a plain scalar, by the rules of yaml.v3 (`resolve.go`).

/// The meaning of a scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// `~`, `null`, or nothing at all.
    Null,
    /// `true` and `false`; `yes` and `on` are text.
    Bool(bool),
    /// A whole number between -2^63 and 2^64.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(&'a str),
}

impl<'a> Scalar<'a> {
    /// The meaning of a text without quotes.
    pub fn of_plain(text: &'a str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Self::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Self::Float(f64::NEG_INFINITY),
            ".nan" | ".NaN" | ".NAN" => Self::Float(f64::NAN),
            _ => number(text).unwrap_or(Self::Text(text)),
        }
    }

    /// The value as printed by Go (`%v`); `None` for null.
    pub fn to_text(self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => go_float(value),
            Self::Text(text) => text.to_owned(),
        })
    }
}

/// A float as Go's `%v` prints it: the fewest digits that tell it apart, with an exponent below 1e-4 and from seven
/// digits before the point on (`strconv.FormatFloat` with `'g'` and precision -1).
pub fn go_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => value.to_string(),
    }
}

fn number(text: &str) -> Option<Scalar<'static>> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    if first == b'.' {
        return is_float(text).then(|| text.parse().ok().map(Scalar::Float))?;
    }
    let plain = text.replace('_', "");
    integer(&plain).map(Scalar::Int).or_else(|| is_float(&plain).then(|| plain.parse().ok().map(Scalar::Float))?)
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = radix(digits);
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    match negative {
        true if value > 1 << 63 => None,
        true => Some(-value),
        false => Some(value),
    }
}

/// The base of a number by its prefix, as Go's `strconv.ParseInt` with base 0 has it.
fn radix(digits: &str) -> (u32, &str) {
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    }
}

/// Whether a text is a float as YAML writes it: digits, a point, an exponent; not `1e` or `1.2.3`.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole)
        && all_digits(fraction)
        && all_digits(exponent)
        && !exponent.is_empty()
        && !(whole.is_empty() && fraction.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_docker() {
        let table = [
            ("1.0", "1"),
            ("1.10", "1.1"),
            ("1e3", "1000"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("017", "15"),
            ("08", "8"),
            ("0b11", "3"),
            ("1_000", "1000"),
            ("+5", "5"),
            ("-0", "0"),
            ("1.", "1"),
            ("12345678901234567890", "12345678901234567890"),
            ("100000000000000000000000", "1e+23"),
            ("1.23456789012345678901", "1.2345678901234567"),
            ("0.00001", "1e-05"),
            ("123456789.5", "1.234567895e+08"),
            ("1e21", "1e+21"),
            ("0.1e-10", "1e-11"),
            (".5", "0.5"),
            (".inf", "+Inf"),
        ];
        for (written, meant) in table {
            let scalar = Scalar::of_plain(written);
            assert!(matches!(scalar, Scalar::Int(_) | Scalar::Float(_)), "{written} is {scalar:?}");
            assert_eq!(scalar.to_text().as_deref(), Some(meant), "{written}");
        }
    }

    #[test]
    fn everything_else_is_text() {
        for text in ["yes", "no", "on", "y", "22:22", "1.2.3", "1e", "0x", "-", ".", "+", "2024-01-01", "1 000"] {
            assert_eq!(Scalar::of_plain(text), Scalar::Text(text));
        }
        assert_eq!(Scalar::of_plain("True"), Scalar::Bool(true));
        assert_eq!(Scalar::of_plain("~"), Scalar::Null);
    }
}
