use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::traefik::definitions;
use crate::lint::traefik::labels::{Kind, root};
use crate::lint::traefik::proxy;
use crate::name::ServiceName;
use crate::stack::Nanos;
use crate::stack::file::Service;

rule! {
    /// A task is killed before Traefik learns that it stops.
    ///
    /// Traefik polls the swarm for tasks every 15 seconds, unless `providers.swarm.refreshSeconds` says
    /// otherwise. Until the next poll it sends requests to stopping tasks, but a task is killed after
    /// `stop_grace_period` (default: 10 seconds): during every update some visitors get errors. Set Traefik
    /// to poll every 2 seconds. The service must keep serving for that long after SIGTERM, and its grace period must be
    /// longer than that.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.http.routers.web.rule: Host(`shop.example.com`)
    ///         traefik.http.services.web.loadbalancer.server.port: "80"
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false]
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     stop_grace_period: 1s
    ///     x-skep: { http: { host: shop.example.com, port: 80 } }
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false, --providers.swarm.refreshSeconds=2]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     x-skep: { http: { host: shop.example.com, port: 80 } }
    ///   proxy:
    ///     image: traefik:v3.7
    ///     command: [--providers.swarm.exposedByDefault=false, --providers.swarm.refreshSeconds=2]
    /// ```
    "SK4025", Warning, Stacks(check)
}

/// Docker's default (`daemon/cluster/executor/container`).
const GRACE: Nanos = Nanos::seconds(10);
/// The most services that the message names.
const NAMED: usize = 3;

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    let proxies: Vec<_> = stacks.iter().flat_map(|stack| stack.proxies().map(move |it| (stack, it))).collect();
    // Several Traefiks may each handle different services.
    let [(home, (proxy, itself))] = proxies[..] else { return Vec::new() };
    // A newer Traefik does not start with the option of Traefik 2.
    let starts = |option: &str| option.starts_with("providers.swarm.") || proxy.version.is_none_or(|it| it.major == 2);
    let Some((option, poll)) = proxy.said.poll().filter(|(option, _)| starts(option)) else { return Vec::new() };
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for stack in stacks {
        for (name, service) in stack.file.services.iter().filter(|(name, service)| is_routed(stack, name, service)) {
            match &service.stop_grace_period {
                Some(given) if given.value < poll && found.len() < MAX_FOUND => {
                    let message =
                        format!("a task is killed after {}, but Traefik polls for tasks every {poll}", given.value);
                    let help = format!("write {} or more", with_time_to_end(poll));
                    found.push(Found::new(&given.span, message).help(help).placed(&stack.file.sources));
                }
                None if GRACE < poll => silent.push(name.as_str()),
                _ => {}
            }
        }
    }
    if !silent.is_empty() {
        let message = format!(
            "Traefik polls for tasks every {poll}, but those of {} are killed after {GRACE}: visitors get errors during updates",
            listed(&silent)
        );
        let told = proxy::found(option, proxy, itself, home.file, message);
        found.push(told.help(format!("add `--{}=2`", proxy::spelled(option))).placed(&home.file.sources));
    }
    found
}

/// Whether Traefik sends requests directly to the tasks, rather than to Swarm with `lbswarm`.
fn is_routed(stack: &StackSubject<'_>, name: &ServiceName, service: &Service) -> bool {
    let by_swarm = ["swarm.lbswarm", "docker.lbswarm"].iter().any(|option| root(service, option).is_some());
    let has_router = || definitions::of(stack.name, name, service).iter().any(|it| it.kind == Kind::Router);
    !by_swarm && (service.http.is_some() || has_router())
}

/// The poll interval plus time to finish requests.
fn with_time_to_end(poll: Nanos) -> Nanos {
    Nanos(poll.0.saturating_add(8_000_000_000))
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
