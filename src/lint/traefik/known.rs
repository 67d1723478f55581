//! The labels that each version of Traefik knows.

use std::sync::LazyLock;

/// The labels of Traefik 2.11 and 3, in small letters.
const MODERN: &str = include_str!("labels.txt");
/// Those of Traefik 1.7.
const OLD: &str = include_str!("labels-1.txt");

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| lines(MODERN).filter_map(Known::read).collect());

/// A label that Traefik knows: a star stands for a name, two for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The label.
    pub(crate) pattern: &'static str,
    /// What its value is.
    pub(crate) kind: Kind,
    /// Whether Traefik 2 does not know it.
    pub(crate) since_3: bool,
}

/// What the value of a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Number,
    /// `10s`, or a number of seconds.
    Duration,
}

impl Known {
    fn read(line: &'static str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut known = Self { pattern: words.next()?, kind: Kind::Text, since_3: false };
        for word in words {
            match word {
                "boolean" => known.kind = Kind::Boolean,
                "number" => known.kind = Kind::Number,
                "duration" => known.kind = Kind::Duration,
                _ => known.since_3 = true,
            }
        }
        Some(known)
    }

    /// Whether a label is this one, or a section of it.
    fn matches(&self, label: &str) -> Option<Match> {
        let mut patterns = self.pattern.split('.');
        for part in label.split('.') {
            match patterns.next() {
                Some("**") => return Some(Match::Whole),
                Some("*") => {}
                Some(known) if known == part => {}
                _ => return None,
            }
        }
        Some(if patterns.next().is_none() { Match::Whole } else { Match::Section })
    }
}

#[derive(PartialEq)]
enum Match {
    Whole,
    Section,
}

/// Every label of Traefik 2.11 and 3.
pub(crate) fn all() -> &'static [Known] {
    &KNOWN
}

/// The label that is meant, if there is one: with all parts, else one that it is a section of.
pub(crate) fn find(key: &str) -> Option<&'static Known> {
    let label = without_indices(&key.to_ascii_lowercase());
    let mut section = None;
    for known in all() {
        match known.matches(&label) {
            Some(Match::Whole) => return Some(known),
            Some(Match::Section) if section.is_none() => section = Some(known),
            _ => {}
        }
    }
    section
}

/// Whether a label is one of Traefik 1 that later versions pass over.
pub(crate) fn is_old(key: &str) -> bool {
    let label = key.to_ascii_lowercase();
    let shared = ["traefik.enable", "traefik.docker.network", "traefik.tags", "traefik.domain"];
    !shared.contains(&label.as_str()) && is_known_to_1(&label)
}

/// Whether Traefik 1 knows a label, of a service or of a segment.
pub(crate) fn is_known_to_1(key: &str) -> bool {
    let label = key.to_ascii_lowercase();
    is_in_list(&label) || without_segment(&label).is_some_and(|label| is_in_list(&label))
}

/// `traefik.frontend.rule` for `traefik.web.frontend.rule`.
fn without_segment(label: &str) -> Option<String> {
    let (segment, rest) = label.strip_prefix("traefik.")?.split_once('.')?;
    let of_segments =
        ["frontend.", "port", "protocol", "weight", "backend"].iter().any(|begin| rest.starts_with(begin));
    let is_modern = ["http", "tcp", "udp", "tls"].contains(&segment);
    (of_segments && !is_modern).then(|| format!("traefik.{rest}"))
}

fn is_in_list(label: &str) -> bool {
    lines(OLD).any(|known| {
        let parts = || known.split('.').zip(label.split('.'));
        let same_length = known.split('.').count() == label.split('.').count();
        let below_name = known.ends_with("headers") && label.starts_with(known);
        known == label || below_name || (same_length && parts().all(|(known, part)| known == "*" || known == part))
    })
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// `domains[0].main` as `domains.main`.
fn without_indices(label: &str) -> String {
    let parts = label.split('[').enumerate();
    parts
        .map(|(index, part)| if index == 0 { part } else { part.split_once(']').map_or(part, |(_, rest)| rest) })
        .collect()
}

impl Kind {
    /// Whether a text is a value of this kind.
    pub(crate) fn takes(self, text: &str) -> bool {
        const BOOLEANS: [&str; 12] = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];
        match self {
            Self::Text => true,
            Self::Boolean => BOOLEANS.contains(&text),
            Self::Number => text.parse::<i64>().is_ok(),
            Self::Duration => {
                text.parse::<i64>().is_ok() || crate::stack::file::duration(text.trim_start_matches('-')).is_some()
            }
        }
    }

    /// What it is, in words.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Boolean => "`true` or `false`",
            Self::Number => "a whole number",
            Self::Duration => "a length of time such as `10s`",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_found_whole_or_as_a_section() {
        let kind = |key| find(key).map(|known| (known.kind, known.since_3));
        assert_eq!(kind("traefik.HTTP.routers.web.tls"), Some((Kind::Boolean, false)));
        assert_eq!(kind("traefik.http.routers.web.tls.domains[0].main"), Some((Kind::Text, false)));
        assert_eq!(kind("traefik.http.routers.web.rulesyntax"), Some((Kind::Text, true)));
        assert_eq!(kind("traefik.http.middlewares.m.plugin.any.thing"), Some((Kind::Text, false)));
        assert_eq!(kind("traefik.http.routers.web.entrypoint"), None);
    }

    #[test]
    fn labels_of_traefik_1_are_told_from_others() {
        let old = ["traefik.port", "traefik.frontend.rule", "traefik.api.frontend.rule", "traefik.api.port"];
        let new = ["traefik.enable", "traefik.docker.network", "traefik.http.routers.port", "traefik.constraint-label"];
        assert!(old.into_iter().all(is_old) && !new.into_iter().any(is_old));
        assert!(is_known_to_1("traefik.frontend.headers.customRequestHeaders.X"));
    }

    #[test]
    fn values_are_read_as_go_does() {
        let table = [(Kind::Boolean, "true", "yes"), (Kind::Number, "-1", "1s"), (Kind::Duration, "1m30s", "1 m")];
        for (kind, good, bad) in table {
            assert!(kind.takes(good) && !kind.takes(bad), "{kind:?}");
        }
    }
}
