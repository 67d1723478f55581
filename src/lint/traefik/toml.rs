//! As much of TOML as Traefik's own settings are written in: tables, texts, numbers, lists, tables in one line.
//!
//! What is not surely understood, such as a text of several lines, makes the whole file unread.

use super::static_file::Entry;

/// Every value by its key in small letters; none if something is not understood.
pub(super) fn read(text: &[u8]) -> Option<Vec<Entry>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut entries = Vec::new();
    let (mut table, mut lines, mut at) = (String::new(), text.split_inclusive('\n'), 0);
    while let Some(line) = lines.next() {
        let (begin, mut written) = (at, without_comment(line)?.trim().to_owned());
        at += line.len();
        // A list may go on for several lines.
        while opens_a_list(&written) {
            let more = lines.next()?;
            at += more.len();
            written.push_str(without_comment(more)?.trim());
        }
        let span = begin..begin + line.trim_end().len();
        if written.is_empty() {
            continue;
        }
        if let Some(name) = heading(&written) {
            table = format!("{}.", key(name)?);
            entries.push((table.trim_end_matches('.').to_owned(), "true".to_owned(), span));
            continue;
        }
        let (name, value) = written.split_once('=')?;
        add(&format!("{table}{}", key(name)?), value.trim(), &span, &mut entries)?;
    }
    Some(entries)
}

/// The name of a table, or of a list of tables.
fn heading(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('[')?.strip_suffix(']')?;
    Some(inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(inner))
}

/// A key with points in it, each part with or without quotes.
fn key(text: &str) -> Option<String> {
    let parts = text.split('.').map(|part| part.trim().trim_matches(['"', '\'']));
    let parts: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
    let is_one = |part: &String| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '@' | '/' | ' '))
    };
    parts.iter().all(is_one).then(|| parts.join("."))
}

fn add(name: &str, value: &str, span: &std::ops::Range<usize>, entries: &mut Vec<Entry>) -> Option<()> {
    if let Some(inner) = value.strip_prefix('{') {
        for pair in parts(inner.strip_suffix('}')?)? {
            let (inner_name, inner) = pair.split_once('=')?;
            add(&format!("{name}.{}", key(inner_name)?), inner.trim(), span, entries)?;
        }
        return Some(());
    }
    let text = match value.strip_prefix('[') {
        Some(items) => {
            let items = parts(items.strip_suffix(']')?)?;
            items.iter().map(|item| scalar(item)).collect::<Option<Vec<&str>>>()?.join(",")
        }
        None => scalar(value)?.to_owned(),
    };
    entries.push((name.to_owned(), text, span.clone()));
    Some(())
}

/// A text in quotes, a number or a boolean.
fn scalar(text: &str) -> Option<&str> {
    let quoted = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    match quoted {
        Some(inner) if inner.contains(['"', '\\']) => None,
        Some(inner) => Some(inner),
        None => (!text.is_empty() && !text.contains(['"', '\'', '[', '{'])).then_some(text),
    }
}

/// What stands between commas that are not inside of something.
fn parts(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    each_outside(text, |at, character| match character {
        '[' | '{' => depth += 1,
        ']' | '}' => depth -= 1,
        ',' if depth == 0 => {
            parts.push(text[start..at].trim());
            start = at + 1;
        }
        _ => {}
    })?;
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    Some(parts)
}

fn without_comment(line: &str) -> Option<&str> {
    let mut end = line.len();
    each_outside(line, |at, character| {
        if character == '#' {
            end = end.min(at);
        }
    })
    .or_else(|| line.trim_start().starts_with('#').then_some(()))?;
    Some(&line[..end])
}

fn opens_a_list(text: &str) -> bool {
    let mut depth = 0_i32;
    let _ = each_outside(text, |_, character| match character {
        '[' => depth += 1,
        ']' => depth -= 1,
        _ => {}
    });
    depth > 0
}

/// Looks at every character that is in no quotes; none if quotes stay open, or something is escaped.
fn each_outside(text: &str, mut look: impl FnMut(usize, char)) -> Option<()> {
    let mut open = None;
    for (at, character) in text.char_indices() {
        match (open, character) {
            (None, '#') => {
                look(at, character);
                break;
            }
            (None, '"' | '\'') => open = Some(character),
            (None, _) => look(at, character),
            (Some(_), '\\') => return None,
            (Some(quote), _) if quote == character => open = None,
            _ => {}
        }
    }
    open.is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let Some(entries) = read(text.as_bytes()) else { return "unread".to_owned() };
        entries.iter().map(|(key, value, _)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_people_write_is_read() {
        let text = "# comment: don't\n[entryPoints]\n  [entryPoints.Web] # the web\n    address = \":80\"\n[entryPoints.web.forwardedHeaders]\n  trustedIPs = [\n    \"10.0.0.0/8\", # ours\n    '127.0.0.1',\n  ]\n[api]\ndashboard = true\n[log]\nlevel = 'INFO'\n[[certificatesResolvers.le.acme.x]]\na.b = 1\n[p]\nq = { r = \"s\", t = [1, 2] }\n";
        assert_eq!(
            said(text),
            "entrypoints=true entrypoints.web=true entrypoints.web.address=:80 entrypoints.web.forwardedheaders=true entrypoints.web.forwardedheaders.trustedips=10.0.0.0/8,127.0.0.1 api=true api.dashboard=true log=true log.level=INFO certificatesresolvers.le.acme.x=true certificatesresolvers.le.acme.x.a.b=1 p=true p.q.r=s p.q.t=1,2"
        );
        assert_eq!(said(""), "");
    }

    #[test]
    fn what_is_not_surely_understood_is_not_read() {
        for text in ["a = \"\"\"\nb\n\"\"\"\n", "a = \"\\u0041\"", "a", "a = [1,", "= 1", "a = ", "[a..b]"] {
            assert_eq!(said(text), "unread", "{text}");
        }
    }
}
