//! Traefik's own settings in TOML: every value by its key, as those of a file in YAML.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::static_file::Entry;

/// Every value by its key in small letters; none if it is no TOML.
pub(super) fn read(text: &[u8]) -> Option<Vec<Entry>> {
    let text = std::str::from_utf8(text).ok()?;
    let table = DeTable::parse(text).ok()?;
    let mut entries = Vec::new();
    add(table.get_ref(), "", &mut entries);
    Some(entries)
}

fn add(table: &DeTable<'_>, above: &str, entries: &mut Vec<Entry>) {
    for (key, value) in table {
        let name = format!("{above}{}", key.get_ref().to_ascii_lowercase());
        for inner in tables(value.get_ref()) {
            add(inner, &format!("{name}."), entries);
        }
        entries.extend(said(value.get_ref()).map(|text| (name, text, key.span())));
    }
}

/// The tables in a value: it is one, or a list of them.
fn tables<'a, 'i>(value: &'a DeValue<'i>) -> Vec<&'a DeTable<'i>> {
    match value {
        DeValue::Table(table) => vec![table],
        DeValue::Array(items) => items.iter().flat_map(|item| tables(item.get_ref())).collect(),
        _ => Vec::new(),
    }
}

/// What a value says by itself. An empty table switches on what it is called after.
fn said(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::Table(table) => table.is_empty().then(|| "true".to_owned()),
        DeValue::Array(items) => {
            let texts: Vec<String> = items.iter().map(Spanned::get_ref).filter_map(said).collect();
            tables(value).is_empty().then(|| texts.join(","))
        }
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(is_so) => Some(is_so.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let Some(mut entries) = read(text.as_bytes()) else { return "unread".to_owned() };
        entries.sort_by_key(|(.., span)| span.start);
        let lines = entries.iter().map(|(key, value, span)| format!("{key}={value} at {}", &text[span.clone()]));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_people_write_is_read() {
        let text = "# comment: don't\n[entryPoints]\n  [entryPoints.Web] # the web\n    address = \":80\"\n[entryPoints.web.forwardedHeaders]\n  trustedIPs = [\n    \"10.0.0.0/8\", # ours\n    '127.0.0.1',\n  ]\n[api]\ndashboard = true\n[log]\nlevel = 'INFO'\n[[certificatesResolvers.le.acme.x]]\na.b = 1\n[p]\nq = { r = \"s\", t = [1, 2] }\n[ping]\n[u]\nv = \"\"\"\nw\"\"\"\nx = \"\\u0041\"\n";
        insta::assert_snapshot!(said(text), @"
        entrypoints.web.address=:80 at address
        entrypoints.web.forwardedheaders.trustedips=10.0.0.0/8,127.0.0.1 at trustedIPs
        api.dashboard=true at dashboard
        log.level=INFO at level
        certificatesresolvers.le.acme.x.a.b=1 at b
        p.q.r=s at r
        p.q.t=1,2 at t
        ping=true at ping
        u.v=w at v
        u.x=A at x
        ");
        assert_eq!(said(""), "");
    }

    #[test]
    fn what_is_no_toml_is_not_read() {
        for text in ["a", "a = [1,", "= 1", "a = ", "[a..b]", "a = 1\na = 2"] {
            assert_eq!(said(text), "unread", "{text}");
        }
    }
}
