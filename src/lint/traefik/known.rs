//! What each version of Traefik knows: the labels of services, and the options that it is started with.
//!
//! The tables are written by `scripts/traefik.sh` from Traefik's sources, and say of which versions.

use std::sync::LazyLock;

use super::proxy::Version;

/// The labels of Traefik 2.11 and 3, in small letters.
const LABELS: &str = include_str!("labels.txt");
/// The options of Traefik 3, in small letters.
const OPTIONS: &str = include_str!("options.txt");
/// The labels of Traefik 1.7.
const OLD: &str = include_str!("labels-1.txt");

static KNOWN_LABELS: LazyLock<Vec<Known>> = LazyLock::new(|| lines(LABELS).filter_map(Known::read).collect());
static KNOWN_OPTIONS: LazyLock<Vec<Known>> = LazyLock::new(|| lines(OPTIONS).filter_map(Known::read).collect());

/// The newest minor version in the tables: of newer ones nobody knows what they have beyond it.
pub(crate) static NEWEST: LazyLock<Version> =
    LazyLock::new(|| KNOWN_LABELS.iter().map(|known| known.since).max().unwrap_or_default());

/// A label or option that Traefik knows: a star stands for a name, two for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The label or option.
    pub(crate) pattern: &'static str,
    /// What its value is.
    pub(crate) kind: Kind,
    /// The first version that knows it.
    pub(crate) since: Version,
    /// The first version that does not know it any more.
    pub(crate) until: Option<Version>,
}

/// What the value of a label or option is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`, as Go reads them.
    Boolean,
    /// A section that `true` switches on, and anything else off.
    Switch,
    /// A whole number of so many bits.
    Number {
        /// How many.
        bits: u32,
    },
    /// A number.
    Float,
    /// `10s`, or a number of seconds.
    Duration,
}

impl Known {
    fn read(line: &'static str) -> Option<Self> {
        let mut words = line.split(' ');
        let (pattern, kind, since) = (words.next()?, Kind::read(words.next()?), words.next()?);
        Some(Self { pattern, kind, since: since.parse().ok()?, until: words.next().and_then(|it| it.parse().ok()) })
    }

    /// Whether a version may have it.
    pub(crate) fn is_in(&self, version: Version) -> bool {
        !version.is_before(self.since) && self.until.is_none_or(|until| version.is_before(until))
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

/// What is known of a label or option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is this one.
    Whole(&'static Known),
    /// It is a section, of which this is the first part.
    Section(&'static Known),
}

/// Every label of Traefik 2.11 and 3.
pub(crate) fn all() -> &'static [Known] {
    &KNOWN_LABELS
}

/// Every option of Traefik 3.
pub(crate) fn all_options() -> &'static [Known] {
    &KNOWN_OPTIONS
}

/// The label that is meant, if there is one.
pub(crate) fn find(key: &str) -> Option<Found> {
    find_in(all(), key)
}

/// The option that is meant, if there is one.
pub(crate) fn find_option(key: &str) -> Option<Found> {
    find_in(all_options(), key)
}

/// What is meant with all parts, else what it is a section of.
fn find_in(known: &'static [Known], key: &str) -> Option<Found> {
    let label = without_indices(&key.to_ascii_lowercase());
    let mut section = None;
    for known in known {
        match known.matches(&label) {
            Some(Match::Whole) => return Some(Found::Whole(known)),
            Some(Match::Section) if section.is_none() => section = Some(Found::Section(known)),
            _ => {}
        }
    }
    section
}

impl Found {
    /// The label or option, or the first one of the section.
    pub(crate) fn known(self) -> &'static Known {
        match self {
            Self::Whole(known) | Self::Section(known) => known,
        }
    }
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
    fn read(word: &str) -> Self {
        let bits = |of: &str| of.parse().unwrap_or(64);
        match word {
            "boolean" => Self::Boolean,
            "switch" => Self::Switch,
            "duration" => Self::Duration,
            "float" => Self::Float,
            _ => match word.strip_prefix("int") {
                Some(of) => Self::Number { bits: bits(of) },
                None => Self::Text,
            },
        }
    }

    /// Whether a text is a value of this kind; of a section it is one also where it switches the section off.
    pub(crate) fn takes(self, text: &str) -> bool {
        const BOOLEANS: [&str; 12] = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];
        match self {
            Self::Text | Self::Switch => true,
            Self::Boolean => BOOLEANS.contains(&text),
            Self::Number { bits: 32 } => text.parse::<i32>().is_ok(),
            Self::Number { .. } => text.parse::<i64>().is_ok(),
            Self::Float => text.parse::<f64>().is_ok(),
            Self::Duration => {
                text.parse::<i64>().is_ok() || crate::stack::file::duration(text.trim_start_matches('-')).is_some()
            }
        }
    }

    /// What it is, in words.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Boolean | Self::Switch => "`true` or `false`",
            Self::Number { .. } => "a whole number",
            Self::Float => "a number",
            Self::Duration => "a duration such as `10s`",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(found: Option<Found>) -> String {
        let shown = |known: &Known| format!("{:?} since {}", known.kind, known.since);
        match found {
            Some(Found::Whole(known)) => shown(known),
            Some(Found::Section(_)) => "a section".to_owned(),
            None => "unknown".to_owned(),
        }
    }

    #[test]
    fn a_label_is_found_whole_or_as_a_section() {
        let table = [
            ("traefik.HTTP.routers.web.tls", "Switch since 2.11"),
            ("traefik.http.routers.web.tls.domains[0].main", "Text since 2.11"),
            ("traefik.http.routers.web.rulesyntax", "Text since 3.0"),
            ("traefik.http.middlewares.m.plugin.any.thing", "Text since 2.11"),
            ("traefik.http.middlewares.m.headers.customrequestheaders.X-A.b", "Text since 2.11"),
            ("traefik.http.routers.web.entrypoint", "unknown"),
            ("traefik.http.routers.web", "a section"),
            ("traefik.tcp.services.db.loadbalancer.healthcheck.interval", "Duration since 3.6"),
            ("traefik.http.middlewares.r.retry.status", "Text since 3.7"),
            ("traefik.http.middlewares.e.encodedcharacters.allowencodedslash", "Boolean since 3.7"),
            ("traefik.http.services.web.middlewares", "Text since 3.7"),
        ];
        for (label, known) in table {
            assert_eq!(told(find(label)), known, "{label}");
        }
    }

    #[test]
    fn an_option_is_found_with_any_names_in_it() {
        let table = [
            ("providers.swarm.refreshSeconds", "Duration since 3.0"),
            ("entryPoints.web.http.tls.domains[0].main", "Text since 3.0"),
            ("providers.swarm", "Switch since 3.0"),
            ("ocsp", "Switch since 3.5"),
            ("entrypoints.web", "a section"),
            ("experimental.http3", "unknown"),
            ("providers.swarm.tls.caOptional", "unknown"),
        ];
        for (option, known) in table {
            assert_eq!(told(find_option(option)), known, "{option}");
        }
    }

    #[test]
    fn every_line_of_the_tables_is_read() {
        for (text, read) in [(LABELS, all()), (OPTIONS, all_options())] {
            assert_eq!(lines(text).count(), read.len());
        }
        assert!(!NEWEST.is_before("3.7".parse().unwrap()));
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
        let table = [
            (Kind::Boolean, "true", "yes"),
            (Kind::Number { bits: 64 }, "-1", "1s"),
            (Kind::Number { bits: 32 }, "2147483647", "2147483648"),
            (Kind::Duration, "1m30s", "1 m"),
        ];
        for (kind, good, bad) in table {
            assert!(kind.takes(good) && !kind.takes(bad), "{kind:?}");
        }
    }
}
