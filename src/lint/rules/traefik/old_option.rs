use std::borrow::Cow;

use crate::diagnostic::suggest;
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::known::{self, Known};
use crate::lint::traefik::options::{By, Setting};
use crate::lint::traefik::proxy::{self, Proxy, Version};
use crate::lint::traefik::values;
use crate::stack::file::Service;
use crate::text;

rule! {
    /// Traefik is started with an option that its version does not have.
    ///
    /// It exits at once with `field not found`, and is restarted again and again. The same happens with a value that is not a number,
    /// boolean, duration, network or address where one is required. The option for Swarm has changed with each major version:
    /// `--docker.swarmMode` (1), `--providers.docker.swarmMode` (2), `--providers.swarm` (3). Version 3 removed
    /// `experimental.http3`, `pilot`, `tls.caOptional` of providers, Marathon and Rancher, Jaeger, Zipkin, Datadog and
    /// others as tracing backends, and `influxdb` (1). The rule knows the options of Traefik 3, and is skipped if a program other than
    /// Traefik may read them.
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.docker.swarmMode=true, --providers.docker.exposedByDefault=false]
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false, --experimental.http3=true, --tracing.jaeger=true]
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=no]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm=true, --providers.swarm.exposedByDefault=false, --entryPoints.web.address=:80]
    ///     environment:
    ///       TRAEFIK_LOG_LEVEL: INFO
    ///       TRAEFIK_ENTRYPOINTS_WEB_HTTP_TLS_DOMAINS_0_MAIN: example.com
    ///       TRAEFIK_HOST: front.example.com
    /// ```
    "SK4023", Error, Stack(check), Deploys, Whole
}

/// Options with the versions that support them, and their replacements in versions 3 and 2.
const OPTIONS: [(&str, &[u32], &str, &str); 10] = [
    ("docker", &[1], "providers.swarm", "providers.docker"),
    ("defaultentrypoints", &[1], "entryPoints.<name>.asDefault", "entryPoints.<name>.address"),
    ("acme", &[1], "certificatesResolvers.<name>.acme", "certificatesResolvers.<name>.acme"),
    ("providers.docker.swarmmode", &[2], "providers.swarm", ""),
    ("providers.docker.swarmmoderefreshseconds", &[2], "providers.swarm.refreshSeconds", ""),
    ("providers.consul.namespace", &[2], "providers.consul.namespaces", ""),
    ("providers.consulcatalog.namespace", &[2], "providers.consulCatalog.namespaces", ""),
    ("providers.nomad.namespace", &[2], "providers.nomad.namespaces", ""),
    ("providers.swarm", &[3], "", "providers.docker.swarmMode"),
    ("pilot", &[2], "", ""),
];

/// Options of the command line that are not in the table.
const OF_THE_COMMAND: [&str; 1] = ["configfile"];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let known = subject.proxies().filter_map(|(proxy, service)| Some((proxy, service, proxy.version?)));
    known.flat_map(|(proxy, service, version)| wrong(proxy, service, version, subject)).take(MAX_FOUND).collect()
}

fn wrong(proxy: &Proxy, service: &Service, version: Version, subject: &StackSubject<'_>) -> Vec<Found> {
    let options = &proxy.said;
    let is_of_another = |versions: &[u32]| !versions.contains(&version.major);
    let of_others: Vec<_> =
        OPTIONS.iter().filter(|(option, versions, ..)| options.has(option) && is_of_another(versions)).collect();
    let told = |key: &str| {
        let under = |known: &str| key.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        of_others.iter().any(|(option, ..)| under(option))
    };
    let renamed = of_others.iter().map(|(option, _, in_3, in_2)| {
        let instead = if version.major == 2 { *in_2 } else { *in_3 };
        let help = if instead.is_empty() {
            "remove it".to_owned()
        } else {
            format!("write `{}{instead}`", dashes(proxy, option))
        };
        missing(option, proxy, service, version, subject).help(help)
    });
    let others = options.iter().filter(|(key, setting)| is_read(key, setting, service) && !told(key));
    let others = others.filter_map(|(key, setting)| unfit(key, setting, proxy, service, version, subject));
    renamed.chain(others.take(MAX_FOUND)).collect()
}

/// Whether Traefik certainly reads an option: flags may belong to another program. In a file Traefik ignores unknown
/// sections, and it reads only variables whose names begin with a known section (paerser `file.Decode` and
/// `env.FindPrefixedEnvVars`).
fn is_read(key: &str, setting: &Setting, service: &Service) -> bool {
    let roots = || known::all_options().iter().filter_map(|known| known.pattern.split('.').next());
    match setting.by {
        By::File => roots().any(|root| key.split('.').next() == Some(root)),
        By::Flag => runs_traefik(service),
        By::Variable => roots().any(|root| key.starts_with(root)),
    }
}

/// Removes list indices, which the names of variables contain: `domains.0.main`.
fn without_numbers(key: &str, by: By) -> Cow<'_, str> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if by != By::Variable || !key.split('.').any(is_number) {
        return key.into();
    }
    key.split('.').filter(|part| !is_number(part)).collect::<Vec<_>>().join(".").into()
}

/// Whether the arguments of a service are Traefik's: its image inserts `traefik` before a first argument with a hyphen.
fn runs_traefik(service: &Service) -> bool {
    let words = [&service.entrypoint, &service.command].into_iter().flatten().flat_map(|words| words.iter());
    let first = words.flat_map(|word| word.split_whitespace()).find(|word| !word.ends_with("/entrypoint.sh"));
    first.is_some_and(|word| word.starts_with('-') || word.rsplit('/').next() == Some("traefik"))
}

/// A finding for an unknown option or an invalid value of Traefik 3, with which it does not start.
fn unfit(
    key: &str,
    setting: &Setting,
    proxy: &Proxy,
    service: &Service,
    version: Version,
    subject: &StackSubject<'_>,
) -> Option<Found> {
    if version.major != 3 || known::NEWEST.is_before(version) || OF_THE_COMMAND.contains(&key) {
        return None;
    }
    let Some(found) = known::find_option(&without_numbers(key, setting.by)) else {
        let help = nearest(key)
            .map_or_else(|| "remove it".to_owned(), |near| format!("did you mean `{}{near}`?", dashes(proxy, key)));
        return Some(missing(key, proxy, service, version, subject).help(help));
    };
    let known = found.known();
    if !known.is_in(version) {
        let help = format!("it exists since {}", known.since);
        return Some(missing(key, proxy, service, version, subject).help(help));
    }
    // In a file a key without a value means `true`, whatever its type.
    let is_silent = setting.value.is_empty() || (setting.by == By::File && setting.value == "true");
    if !matches!(found, known::Found::Whole(_)) || is_silent {
        return None;
    }
    if known.kind.takes(&setting.value) {
        let why = values::fault(known.pattern, &setting.value)?;
        let message = format!("Traefik does not start: `{}{key}`: {why}", dashes(proxy, key));
        return Some(proxy::found(key, proxy, service, subject.file, message));
    }
    let (value, dashes) = (text::cut(&setting.value), dashes(proxy, key));
    let message = format!("`{dashes}{key}` requires {}; Traefik does not start with `{value}`", known.kind.word());
    Some(proxy::found(key, proxy, service, subject.file, message))
}

fn missing(option: &str, proxy: &Proxy, service: &Service, version: Version, subject: &StackSubject<'_>) -> Found {
    let message =
        format!("Traefik {version} has no option `{}{}`, and does not start", dashes(proxy, option), text::cut(option));
    proxy::found(option, proxy, service, subject.file, message)
}

fn dashes(proxy: &Proxy, option: &str) -> &'static str {
    if proxy.said.at(option).is_some() { "" } else { "--" }
}

/// The most similar option in the same section.
fn nearest(key: &str) -> Option<&'static str> {
    let (section, last) = key.rsplit_once('.').unwrap_or(("", key));
    let below = |known: &'static Known| match section {
        "" => known.pattern.split('.').next(),
        _ => known.pattern.strip_prefix(section)?.strip_prefix('.')?.split('.').next(),
    };
    suggest::nearest(last, known::all_options().iter().filter_map(below))
}
