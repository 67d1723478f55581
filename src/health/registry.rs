//! A registry's answer about an image, derived from the engine's message.

/// The answer of a registry about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryAnswer {
    /// It has the image.
    Has,
    /// It does not have the image.
    Missing {
        /// The engine's message.
        reason: String,
    },
    /// It refuses access to the image.
    Denied {
        /// The engine's message.
        reason: String,
    },
    /// It did not respond, failed, or limits requests, which is not caused by the image or the request.
    Away {
        /// The engine's message.
        reason: String,
    },
}

/// A registry that cannot be reached or trusted, fails, or limits how often it is asked. The words are those of Go's
/// network, and of the engine (distribution `registry/client/errors.go`). Each has a character in it that the name of an
/// image, which the words may quote, cannot have.
const AWAY: [&str; 21] = [
    "dial tcp",
    "no such host",
    "no route to host",
    "network is unreachable",
    "connection refused",
    "connection reset",
    "broken pipe",
    "i/o timeout",
    "TLS handshake",
    "(Client.Timeout",
    "deadline exceeded",
    "context canceled",
    ": EOF",
    "unexpected EOF",
    "x509: ",
    "tls: ",
    "gave HTTP response to HTTPS client",
    "unexpected HTTP status: 5",
    "error parsing HTTP 5",
    "toomanyrequests: ",
    "Too Many Requests",
];
const DENIED: [&str; 9] = [
    "unauthorized: ",
    "denied: ",
    "access denied",
    "is denied",
    "authentication required",
    "no basic auth credentials",
    "incorrect username or password",
    "401 Unauthorized",
    "403 Forbidden",
];
const MISSING: [&str; 3] = ["manifest unknown", "name unknown", "not found"];

impl RegistryAnswer {
    /// Reads the engine's words about a registry; `None` if they say neither. A registry that is away is looked for
    /// first: the words name the address, which may contain any others.
    pub fn read(words: &str) -> Option<Self> {
        let says = |list: &[&str]| list.iter().any(|known| words.contains(known));
        let reason = words.to_owned();
        if says(&AWAY) {
            Some(Self::Away { reason })
        } else if says(&DENIED) {
            Some(Self::Denied { reason })
        } else if says(&MISSING) {
            Some(Self::Missing { reason })
        } else {
            None
        }
    }

    /// The same for a response of the engine with this HTTP status: an unexplained failure is the registry's.
    pub fn of(status: u16, words: &str) -> Option<Self> {
        let unexplained = || (status >= 500).then(|| Self::Away { reason: words.to_owned() });
        Self::read(words).or_else(unexplained)
    }

    /// Whether the registry did not respond, or failed.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_says_of_a_registry_is_understood() {
        let kind = |words: &str| match RegistryAnswer::read(words) {
            Some(RegistryAnswer::Away { .. }) => "away",
            Some(RegistryAnswer::Denied { .. }) => "denied",
            Some(RegistryAnswer::Missing { .. }) => "missing",
            Some(RegistryAnswer::Has) => "has",
            None => "none",
        };
        let table = [
            ("away", "Get \"https://r.example.com/v2/\": dial tcp 10.0.0.1:443: connect: connection refused"),
            ("away", "Get \"https://denied.example.com/v2/\": dial tcp: lookup denied.example.com: no such host"),
            (
                "away",
                "Get \"https://r.example.com/v2/\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
            ),
            ("away", "received unexpected HTTP status: 500 Internal Server Error"),
            ("away", "Get \"https://r.example.com/v2/\": x509: certificate signed by unknown authority"),
            ("away", "toomanyrequests: You have reached your pull rate limit"),
            ("denied", "unauthorized: authentication required"),
            ("denied", "Get \"http://r.example.com/v2/x/manifests/1\": no basic auth credentials"),
            ("denied", "pull access denied for x, repository does not exist or may require 'docker login'"),
            ("missing", "manifest unknown: manifest unknown"),
            ("missing", "manifest for x:1 not found: manifest unknown"),
            ("missing", "manifest for r.example.com/denied/x509/toomanyrequests:EOF not found: manifest unknown"),
            ("none", "unsupported media type application/x"),
        ];
        for (wanted, words) in table {
            assert_eq!(kind(words), wanted, "{words}");
        }
        assert!(RegistryAnswer::of(500, "unsupported media type").is_some_and(|answer| answer.is_away()));
        assert_eq!(RegistryAnswer::of(400, "unsupported media type"), None);
    }
}
