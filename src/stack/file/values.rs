//! Parses durations, amounts of memory and numbers of processors.

use crate::stack::Nanos;

/// Parses a duration like Go's `time.ParseDuration`: `1m30s`, `500ms`, `1.5h`.
pub fn duration(text: &str) -> Option<Nanos> {
    if text == "0" {
        return Some(Nanos(0));
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let unit = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let end = rest[unit..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |end| unit + end);
        let nanos: i64 = match &rest[unit..end] {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(scaled(&rest[..unit], nanos)?)?;
        rest = &rest[end..];
    }
    (!text.is_empty()).then_some(Nanos(total))
}

/// Parses an amount of memory like Docker (go-units `RAMInBytes`): `512M`, `1.5 GiB`, with K = 1024.
pub fn bytes(text: &str) -> Option<i64> {
    let last = text.rfind(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '))?;
    let (number, suffix) = text.split_at(last + 1);
    let suffix = suffix.to_ascii_lowercase();
    let (prefix, rest) = match suffix.chars().next() {
        Some(prefix @ ('k' | 'm' | 'g' | 't' | 'p')) => (Some(prefix), &suffix[1..]),
        _ => (None, suffix.as_str()),
    };
    if !matches!((prefix, rest), (_, "" | "b") | (Some(_), "ib" | "i")) {
        return None;
    }
    let power = prefix.map_or(0, |prefix| "kmgtp".find(prefix).unwrap_or(0) + 1);
    #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
    let amount = go_float(number.strip_suffix(' ').unwrap_or(number))? * (1_i64 << (10 * power)) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "what is below a byte is cut off, and the rest fits")]
    (amount < 9.2e18).then_some(amount as i64)
}

/// Parses a number of processors, in billionths, from a decimal number or a fraction (`0.5`, `5e-1`, `1/2`); `None` if
/// it is more precise.
pub fn cpus(text: &str) -> Option<i64> {
    let (number, parts) = match text.split_once('/') {
        Some((number, parts)) => (whole(number)?.checked_mul(1_000_000_000)?, whole(parts)?),
        None => decimal(text, 9)?,
    };
    let divisible = parts != 0 && number % parts == 0;
    divisible.then(|| i64::try_from(number / parts).ok())?
}

/// A decimal number times ten to the `power`, as a fraction.
fn decimal(text: &str, power: i32) -> Option<(i128, i128)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (front, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = [front, fraction].concat();
    let shift = power + exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let scale = 10_i128.checked_pow(shift.unsigned_abs())?;
    let number = whole(&digits)?;
    if shift < 0 { Some((number, scale)) } else { Some((number.checked_mul(scale)?, 1)) }
}

fn whole(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A number with a point or an exponent, not negative, as Go reads it.
fn go_float(text: &str) -> Option<f64> {
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    text.chars().all(allowed).then(|| text.parse().ok())?.filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// A decimal number times a unit, rounded down.
fn scaled(number: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = &fraction[..fraction.len().min(18)];
    let parts: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    i64::try_from(i128::from(whole) * i128::from(unit) + parts * i128::from(unit) / scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_go_s() {
        let table =
            [("1m30s", 90_000_000_000), ("500ms", 500_000_000), ("1.5h", 5_400_000_000_000), ("0", 0), ("1us", 1000)];
        for (text, nanos) in table {
            assert_eq!(duration(text), Some(Nanos(nanos)), "{text}");
        }
        for text in ["10", "1d", "", "s", "1 s", "-1s", "1..5s", "99999999999h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn an_amount_of_memory_is_docker_s() {
        let table = [
            ("100", 100),
            ("512M", 536_870_912),
            ("1.5 GiB", 1_610_612_736),
            ("50mb", 52_428_800),
            ("1Ki", 1024),
            ("7b", 7),
            ("0.1g", 107_374_182),
            ("1e3", 1000),
        ];
        for (text, amount) in table {
            assert_eq!(bytes(text), Some(amount), "{text}");
        }
        for text in ["", "M", "1x", "-1M", "1MM", "99999999P", "1ib"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn processors_are_counted_in_billionths() {
        assert_eq!(cpus("0.5"), Some(500_000_000));
        assert_eq!(cpus("2"), Some(2_000_000_000));
        assert_eq!(cpus("1e-1"), Some(100_000_000));
        assert_eq!(cpus("1/4"), Some(250_000_000));
        assert_eq!(cpus(".5"), Some(500_000_000));
        assert_eq!(cpus("1/3"), None);
        assert_eq!(cpus("0.0000000001"), None);
        assert_eq!(cpus("half"), None);
    }
}
