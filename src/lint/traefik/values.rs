//! What is text by its type, and still not any text: networks, regular expressions, addresses to listen on.

use crate::lint::traefik::expression::{compile, regexp};
use crate::text;

/// Why Traefik makes nothing of the value of a label or an option of this pattern.
pub(crate) fn fault(pattern: &str, value: &str) -> Option<String> {
    let is_of = |ends: &[&str]| ends.iter().any(|end| pattern.ends_with(end));
    if is_of(&[".sourcerange", ".trustedips", ".excludedips"]) {
        return listed(value).find_map(compile::network_fault);
    }
    if is_of(&["redirectregex.regex", "replacepathregex.regex"]) {
        return pattern_fault(value);
    }
    if is_of(&["stripprefixregex.regex", ".accesscontrolalloworiginlistregex"]) {
        return listed(value).find_map(pattern_fault);
    }
    match pattern {
        "entrypoints.*.address" => address_fault(value),
        "metrics.prometheus.buckets" => listed(value).find_map(number_fault),
        _ => None,
    }
}

/// The items of a list in one text (paerser `parser/element_fill.go`).
fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

fn pattern_fault(value: &str) -> Option<String> {
    let (_, why) = regexp::objection(value)?;
    Some(format!("Go does not take the regular expression `{}`: {why}", text::cut(value)))
}

fn number_fault(value: &str) -> Option<String> {
    value.parse::<f64>().is_err().then(|| format!("`{}` is no number", text::cut(value)))
}

/// Why nothing can listen on an address: `:443`, `:443/udp`, `[::1]:80` (`pkg/config/static/entrypoints.go`, Go's `net.Listen`).
fn address_fault(value: &str) -> Option<String> {
    let shown = text::cut(value);
    let (address, protocol) = value.split_once('/').unwrap_or((value, "tcp"));
    if !["tcp", "udp"].iter().any(|known| protocol.eq_ignore_ascii_case(known)) {
        return Some(format!("`{shown}` is neither of `/tcp` nor of `/udp`"));
    }
    let Some((host, port)) = address.rsplit_once(':') else {
        return Some(format!("`{shown}` has no port: write `:80`"));
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if host.contains(':') && !is_bracketed {
        return Some(format!("`{shown}` has too many colons: write an IPv6 address in brackets"));
    }
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && port.parse::<u16>().is_err()).then(|| format!("`{shown}` has no port that exists: 65535 is the last"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken() {
        for (pattern, value) in [
            ("entrypoints.*.address", ":80"),
            ("entrypoints.*.address", "0.0.0.0:443/UDP"),
            ("entrypoints.*.address", "[::1]:80/tcp"),
            ("entrypoints.*.address", ":http"),
            ("entrypoints.*.forwardedheaders.trustedips", "10.0.0.0/8, 127.0.0.1,::1"),
            ("metrics.prometheus.buckets", "0.1,0.3, 1"),
            ("traefik.http.middlewares.*.redirectregex.regex", "^https?://(.*)$"),
            ("traefik.http.middlewares.*.headers.customframeoptionsvalue", "("),
        ] {
            assert_eq!(fault(pattern, value), None, "{value}");
        }
    }

    #[test]
    fn what_is_not() {
        let told: Vec<_> = [
            ("entrypoints.*.address", "80"),
            ("entrypoints.*.address", ":80/http"),
            ("entrypoints.*.address", "::1:80"),
            ("entrypoints.*.address", ":99999"),
            ("traefik.http.middlewares.*.ipallowlist.sourcerange", "10.0.0.0/8,10.0.0.0/40"),
            ("entrypoints.*.proxyprotocol.trustedips", "proxy"),
            ("metrics.prometheus.buckets", "0.1,fast"),
            ("traefik.http.middlewares.*.redirectregex.regex", "^(.*"),
            ("traefik.http.middlewares.*.stripprefixregex.regex", "/a,/b(?!c)"),
        ]
        .iter()
        .filter_map(|(pattern, value)| fault(pattern, value))
        .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        `80` has no port: write `:80`
        `:80/http` is neither of `/tcp` nor of `/udp`
        `::1:80` has too many colons: write an IPv6 address in brackets
        `:99999` has no port that exists: 65535 is the last
        `10.0.0.0/40` is no network: the prefix has 0 to 32 bits
        `proxy` is neither an address nor a network
        `fast` is no number
        Go does not take the regular expression `^(.*`: this parenthesis is not closed
        Go does not take the regular expression `/b(?!c)`: Go's regular expressions have no such group
        ");
    }
}
