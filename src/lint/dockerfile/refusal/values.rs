//! Values that are one of a kind: the mode of a file, a digest, a signal, a platform, the address of a source.

/// Whether BuildKit takes this as `--chmod`: octal digits up to `07777`, or `u=rwX,go=rX` (`dispatchCopy`).
pub(super) fn is_mode(text: &str) -> bool {
    match u32::from_str_radix(text, 8) {
        Ok(mode) => mode <= 0o7777 && !text.starts_with('+'),
        Err(_) => !text.starts_with(|c: char| c.is_ascii_digit()) && text.split(',').all(is_clause),
    }
}

/// `ugo+rwx`, with one operation or several.
fn is_clause(text: &str) -> bool {
    let operations = text.trim_start_matches(['a', 'u', 'g', 'o']);
    operations.starts_with(['+', '-', '=']) && operations.chars().all(|c| "+-=rstwXxugo".contains(c))
}

/// Whether this is `sha256:` and its digits, or a longer one (`go-digest`).
pub(super) fn is_digest(text: &str) -> bool {
    let lengths = [("sha256", 64), ("sha384", 96), ("sha512", 128)];
    let Some((name, digits)) = text.split_once(':') else { return false };
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    lengths.iter().any(|(known, length)| *known == name && digits.len() == *length) && digits.chars().all(is_digit)
}

/// The signals of Linux, without `SIG` (`moby/sys/signal`).
const SIGNALS: [&str; 35] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN",
];

/// Whether there is a signal of this name or number.
pub(super) fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let offset = |rest: &str, most: u32| {
        rest.parse::<u32>().is_ok_and(|offset| (1..=most).contains(&offset) && !rest.starts_with('0'))
    };
    SIGNALS.contains(&name)
        || name == "RTMAX"
        || name.strip_prefix("RTMIN+").is_some_and(|rest| offset(rest, 15))
        || name.strip_prefix("RTMAX-").is_some_and(|rest| offset(rest, 14))
}

/// Operating systems and processors that may stand alone (`containerd/platforms`).
const ALONE: [&str; 46] = [
    "aix",
    "android",
    "darwin",
    "macos",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
    "zos",
    "386",
    "i386",
    "amd64",
    "x86_64",
    "x86-64",
    "amd64p32",
    "arm",
    "armhf",
    "armel",
    "armbe",
    "arm64",
    "aarch64",
    "arm64be",
    "ppc64",
    "ppc64le",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "ppc",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc64",
    "wasm",
];

/// Whether this is a platform: `linux/arm64/v8`, or a part of one that is known.
pub(super) fn is_platform(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let (first, rest) = parts.split_first().map_or(("", &[][..]), |(first, rest)| (*first, rest));
    let is_word = |part: &str, more: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    // A version of Windows in brackets.
    let (system, version) = first.split_once('(').map_or((first, ")"), |(system, version)| (system, version));
    let is_system = is_word(system, "_-") && version.ends_with(')');
    let is_known =
        || ALONE.iter().any(|known| system.eq_ignore_ascii_case(known)) || ["mips64p32le", "sparc"].contains(&system);
    is_system && rest.len() <= 2 && rest.iter().all(|part| is_word(part, "_.-")) && (!rest.is_empty() || is_known())
}

/// What a source that is no path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A file that is downloaded.
    File,
    /// A Git repository.
    Repository,
}

/// What a source is, if it is no path (`dfgitutil.ParseGitRef`, `isHTTPSource`).
pub(super) fn address(source: &str) -> Option<Address> {
    let path = source.split(['#', '?']).next().unwrap_or_default();
    if ["http://", "https://"].iter().any(|scheme| source.starts_with(scheme)) {
        return Some(if path.strip_suffix(".git").is_some() { Address::Repository } else { Address::File });
    }
    let is_repository = ["ssh://", "git://", "git@"].iter().any(|begin| source.starts_with(begin));
    is_repository.then_some(Address::Repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        for mode in ["755", "0644", "07777", "u=rwX,go=rX", "+x", "a+rx", "go-w", "u+x,g=u", "=r", "ug=rw-x"] {
            assert!(is_mode(mode), "{mode}");
        }
        for mode in ["999", "10000", "64a", "rwx", "u+q", "u=rw,", "x", "o", "0o755", "644.", "u"] {
            assert!(!is_mode(mode), "{mode}");
        }
    }

    #[test]
    fn signals() {
        for signal in ["SIGTERM", "sigquit", "KILL", "9", "SIGRTMIN+3", "RTMAX-14", "37", "SIGRTMAX"] {
            assert!(is_signal(signal), "{signal}");
        }
        for signal in ["SIGFOO", "0", "", "SIGRTMIN+16", "TERM KILL", "RTMIN+03", "SIG", "SIGTERM9"] {
            assert!(!is_signal(signal), "{signal}");
        }
    }

    #[test]
    fn platforms() {
        for platform in
            ["linux/amd64", "linux/arm/v7", "windows(10.0.17763)/amd64", "arm64", "linux", "Linux/AMD64", "my-os/cpu"]
        {
            assert!(is_platform(platform), "{platform}");
        }
        for platform in ["", "x64", "linux/", "/amd64", "linux/amd64/v2/x", "linux/*", "linux amd64", "ubuntu"] {
            assert!(!is_platform(platform), "{platform}");
        }
    }

    #[test]
    fn digests_and_addresses() {
        assert!(is_digest(&format!("sha256:{}", "a".repeat(64))) && is_digest(&format!("sha512:{}", "0".repeat(128))));
        for digest in [
            "foo",
            "sha256:abc",
            &format!("md5:{}", "a".repeat(32)),
            &format!("sha256:{}", "A".repeat(64)),
            &"a".repeat(64),
        ] {
            assert!(!is_digest(digest), "{digest}");
        }
        assert_eq!(address("https://example.com/a.tar"), Some(Address::File));
        assert_eq!(address("https://example.com/a.git#v1"), Some(Address::Repository));
        assert_eq!(address("git@example.com:a/b.git"), Some(Address::Repository));
        assert_eq!([address("a/b.git"), address("./http://x"), address("github.com/a/b")], [None, None, None]);
    }
}
