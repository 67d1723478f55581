//! Rules of Traefik 1.

/// A rule of Traefik 1 (`Host:a.b;PathPrefix:/x`) as it is written since; none if it is no such rule.
pub(crate) fn modern(text: &str) -> Option<String> {
    const KNOWN: [(&str, &str); 9] = [
        ("host", "Host"),
        ("hostregexp", "HostRegexp"),
        ("path", "Path"),
        ("pathstrip", "Path"),
        ("pathprefix", "PathPrefix"),
        ("pathprefixstrip", "PathPrefix"),
        ("method", "Method"),
        ("headers", "Header"),
        ("query", "Query"),
    ];
    let mut conditions = Vec::new();
    for part in text.split(';').filter(|part| !part.trim().is_empty()) {
        let (name, values) = part.split_once(':')?;
        let (_, name) = KNOWN.iter().find(|(known, _)| name.trim().eq_ignore_ascii_case(known))?;
        let each: Vec<String> = values.split(',').map(|value| format!("{name}(`{}`)", value.trim())).collect();
        conditions.push(each);
    }
    let alone = conditions.len() == 1;
    let shown = |each: &Vec<String>| {
        if each.len() > 1 && !alone { format!("({})", each.join(" || ")) } else { each.join(" || ") }
    };
    let modern: Vec<String> = conditions.iter().map(shown).collect();
    (!modern.is_empty()).then(|| modern.join(" && "))
}
