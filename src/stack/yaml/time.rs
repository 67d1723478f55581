//! Points in time, which yaml.v3 reads from plain text such as `2024-01-31`, as printed by Go.

use jiff::civil::Date;

/// Go's output for a text that yaml.v3 takes for a point in time (`resolve.go`, `allowedTimestampFormats`); `None` if
/// it is another text.
pub(super) fn go_time(text: &str) -> Option<String> {
    let (day, rest) = take_date(text)?;
    if rest.is_empty() {
        return Some(format!("{day} 00:00:00 +0000 UTC"));
    }
    let (separator, rest) = rest.split_at_checked(1)?;
    let (time, rest) = take_time(rest)?;
    let zone = match (separator, rest) {
        ("T" | "t", "Z") | (" ", "") => "+0000 UTC".to_owned(),
        ("T" | "t", offset) => zone(offset)?,
        _ => return None,
    };
    Some(format!("{day} {time} {zone}"))
}

fn take_date(text: &str) -> Option<(Date, &str)> {
    let (year, rest) = text.split_at_checked(4)?;
    let year = year.bytes().all(|byte| byte.is_ascii_digit()).then(|| year.parse().ok())??;
    let (month, rest) = take_number(rest.strip_prefix('-')?, 12)?;
    let (day, rest) = take_number(rest.strip_prefix('-')?, 31)?;
    Some((Date::new(year, month, day).ok()?, rest))
}

fn take_time(text: &str) -> Option<(String, &str)> {
    let (hour, rest) = take_number(text, 23)?;
    let (minute, rest) = take_number(rest.strip_prefix(':')?, 59)?;
    let (second, rest) = take_number(rest.strip_prefix(':')?, 59)?;
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let Some(fraction) = rest.strip_prefix(['.', ',']) else { return Some((time, rest)) };
    let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
    let digits = fraction[..end.min(9)].trim_end_matches('0');
    let time = if digits.is_empty() { time } else { format!("{time}.{digits}") };
    (end > 0).then_some((time, &fraction[end..]))
}

/// One or two digits.
fn take_number(text: &str, most: i8) -> Option<(i8, &str)> {
    let end = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let number = text[..end].parse().ok()?;
    (number <= most).then_some((number, &text[end..]))
}

/// `+02:00` as Go prints a zone that has no name.
fn zone(offset: &str) -> Option<String> {
    let (sign, rest) = offset.split_at_checked(1).filter(|(sign, _)| matches!(*sign, "+" | "-"))?;
    let (hours, minutes) = rest.split_once(':')?;
    let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two(hours) || !two(minutes) || hours > "24" || minutes > "59" {
        return None;
    }
    let name = format!("{sign}{hours}{minutes}");
    let known = if hours == "00" && minutes == "00" { "+0000 UTC".to_owned() } else { format!("{name} {name}") };
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_written_as_go_does() {
        let table = [
            ("2024-01-31", "2024-01-31 00:00:00 +0000 UTC"),
            ("2024-1-3", "2024-01-03 00:00:00 +0000 UTC"),
            ("2024-01-31T10:05:09Z", "2024-01-31 10:05:09 +0000 UTC"),
            ("2024-01-31t1:5:9.250Z", "2024-01-31 01:05:09.25 +0000 UTC"),
            ("2024-01-31T10:05:09+02:00", "2024-01-31 10:05:09 +0200 +0200"),
            ("2024-01-31 10:05:09", "2024-01-31 10:05:09 +0000 UTC"),
        ];
        for (written, printed) in table {
            assert_eq!(go_time(written).as_deref(), Some(printed), "{written}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        let texts = ["", "2024", "2024-01", "2024-13-01", "2024-02-30", "2024-01-31T10:05Z", "2024-01-31 10:05:09Z"];
        for text in texts.into_iter().chain(["24-01-31", "2024-01-31x", "2024-01-31T10:05:09", "é24-1-1"]) {
            assert_eq!(go_time(text), None, "{text}");
        }
    }
}
