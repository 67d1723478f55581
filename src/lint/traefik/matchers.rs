//! The matchers that rules may use, by version: Traefik's `pkg/rules` (2) and `pkg/muxer` (3), as its manual has them.

use super::labels::Protocol;

/// A matcher.
#[derive(Debug)]
pub(crate) struct Matcher {
    /// Its name.
    pub(crate) name: &'static str,
    /// How many values it takes in Traefik 2; none if that version does not have it.
    pub(crate) in_2: Option<(usize, usize)>,
    /// The same in Traefik 3.
    pub(crate) in_3: Option<(usize, usize)>,
    /// What to write instead in Traefik 3.
    pub(crate) instead: &'static str,
}

const ANY: (usize, usize) = (1, usize::MAX);
const ONE: Option<(usize, usize)> = Some((1, 1));
const TWO: Option<(usize, usize)> = Some((2, 2));
const ONE_OR_TWO: Option<(usize, usize)> = Some((1, 2));

const fn both(name: &'static str) -> Matcher {
    Matcher { name, in_2: Some(ANY), in_3: ONE, instead: "" }
}

const HTTP: [Matcher; 14] = [
    both("Host"),
    both("HostRegexp"),
    both("Path"),
    both("PathPrefix"),
    both("Method"),
    both("ClientIP"),
    Matcher { name: "Query", in_2: Some(ANY), in_3: ONE_OR_TWO, instead: "" },
    Matcher { name: "HostHeader", in_2: Some(ANY), in_3: None, instead: "Host" },
    Matcher { name: "Headers", in_2: TWO, in_3: None, instead: "Header" },
    Matcher { name: "HeadersRegexp", in_2: TWO, in_3: None, instead: "HeaderRegexp" },
    Matcher { name: "PathRegexp", in_2: None, in_3: ONE, instead: "" },
    Matcher { name: "Header", in_2: None, in_3: TWO, instead: "" },
    Matcher { name: "HeaderRegexp", in_2: None, in_3: TWO, instead: "" },
    Matcher { name: "QueryRegexp", in_2: None, in_3: ONE_OR_TWO, instead: "" },
];

const TCP: [Matcher; 4] = [both("HostSNI"), both("HostSNIRegexp"), both("ClientIP"), both("ALPN")];

/// The matchers for a protocol; packets have none.
pub(crate) fn known(protocol: Protocol) -> &'static [Matcher] {
    match protocol {
        Protocol::Http => &HTTP,
        Protocol::Tcp => &TCP,
        Protocol::Udp => &[],
    }
}

/// The matcher of this name. Traefik knows each as in its manual, in capitals, in small letters, and with the first
/// letter alone in capitals.
pub(crate) fn matcher(protocol: Protocol, name: &str) -> Option<&'static Matcher> {
    let is = |matcher: &&Matcher| {
        let lower = matcher.name.to_ascii_lowercase();
        let title = format!("{}{}", &matcher.name[..1], &lower[1..]);
        name == matcher.name || name == lower || name == title || name == matcher.name.to_ascii_uppercase()
    };
    known(protocol).iter().find(is)
}
