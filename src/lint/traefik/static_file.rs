//! The file that Traefik reads its own settings from, as far as it lies in the repository.
//!
//! It is a config of the stack, or is bound from a path beside the stack file. Where Traefik looks for it, and in
//! which order, is Traefik's own `cmd/traefik` and paerser's `cli.Finder`.

use std::collections::BTreeMap;

use super::options::{By, Options, Setting};
use super::toml;
use crate::diagnostic::Span;
use crate::name::RepoPath;
use crate::stack::file::{File, Mount, Origin, Service, Spanned};
use crate::stack::yaml::{self, Node, Value};

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StaticFile {
    /// Keys in small letters, as in [`Options`].
    pub(super) settings: BTreeMap<String, Setting>,
}

/// What is known of Traefik's file.
pub(super) enum Found {
    /// There is none.
    Nothing,
    /// There is one, or may be, that nobody can read.
    Unread,
    /// It was read.
    Read(StaticFile),
}

/// Where something in a container comes from.
enum Source {
    /// A file of the repository.
    File(RepoPath),
    /// It stands in the stack file.
    Content(String),
    /// Nobody knows.
    Elsewhere,
}

/// Where Traefik looks, in this order: its image works in `/`, with `/root` for a home.
const NAMES: [&str; 3] = ["/etc/traefik/traefik", "/root/.config/traefik", "/traefik"];
/// The endings, in the order in which they are tried.
const ENDINGS: [&str; 3] = ["toml", "yaml", "yml"];

/// Finds the file of a Traefik; `text` has what was read of the repository.
pub(super) fn find(
    service: &Service,
    file: &File,
    options: &Options,
    text: impl Fn(&RepoPath) -> Option<Vec<u8>>,
) -> Found {
    for path in places(options) {
        match source(service, file, &path) {
            None => {}
            Some(Source::Elsewhere) => return Found::Unread,
            Some(Source::Content(text)) => return read(&path, None, text.as_bytes()),
            Some(Source::File(inside)) => match text(&inside) {
                Some(text) => return read(&path, Some(&inside), &text),
                // Another name may be in the same folder.
                None if is_of_a_folder(service, &path) => {}
                None => return Found::Unread,
            },
        }
    }
    if may_have_another(service) { Found::Unread } else { Found::Nothing }
}

/// The files of the repository that Traefiks of a stack are bound to, and that may be their settings.
pub(crate) fn bound(file: &File) -> Vec<RepoPath> {
    let proxies = file.services.values().filter(|service| super::proxy::is_traefik(service));
    let paths = proxies.flat_map(|service| {
        let places = places(&Options::of(service)).into_iter();
        places.filter_map(|path| bind(service, &path)?.1.into_file(file, &path)).collect::<Vec<_>>()
    });
    paths.collect()
}

fn places(options: &Options) -> Vec<String> {
    if let Some(path) = options.get("configfile") {
        let absolute = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        return vec![absolute.replace("/./", "/")];
    }
    NAMES.iter().flat_map(|name| ENDINGS.map(|ending| format!("{name}.{ending}"))).collect()
}

fn source(service: &Service, file: &File, path: &str) -> Option<Source> {
    let target = |target: &str| if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    if let Some(config) = service.configs.iter().find(|config| target(&config.target) == path) {
        let origin = file.configs.get(&*config.source).map(|config| &config.origin);
        return Some(match origin {
            Some(Origin::File(path)) => Source::File(path.value.clone()),
            Some(Origin::Content(text)) => Source::Content(text.value.clone()),
            _ => Source::Elsewhere,
        });
    }
    let (mount, bound) = bind(service, path)?;
    match bound.into_file(file, path) {
        Some(inside) => Some(Source::File(inside)),
        // What is bound to a folder may have anything in it, and a volume.
        None => (mount.kind != "tmpfs").then_some(Source::Elsewhere),
    }
}

/// What is mounted at a path, or above it.
fn bind<'a>(service: &'a Service, path: &str) -> Option<(&'a Mount, Bound<'a>)> {
    let covers = |mount: &&Spanned<Mount>| {
        let target = mount.target.trim_end_matches('/');
        path.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !target.is_empty()
    };
    let mount = service.volumes.iter().filter(covers).max_by_key(|mount| mount.target.len())?;
    Some((mount, Bound(mount)))
}

/// Something that is mounted at a path or above it.
struct Bound<'a>(&'a Spanned<Mount>);

impl Bound<'_> {
    /// The file of the repository that stands at the path.
    fn into_file(self, file: &File, path: &str) -> Option<RepoPath> {
        let Self(mount) = self;
        let folder = file.sources.folder(&mount.span);
        let rest = path.strip_prefix(mount.target.trim_end_matches('/'))?.trim_start_matches('/');
        let source = mount.source.trim_end_matches('/');
        let inside = match source.strip_prefix('/') {
            // With a stack file of this machine, paths are the machine's.
            Some(absolute) if file.read_mode.local => {
                let absolute: RepoPath = absolute.parse().ok()?;
                absolute.below(&folder).is_some().then_some(absolute)?
            }
            Some(_) => return None,
            None => folder.join(source).ok()?,
        };
        (mount.kind == "bind").then(|| if rest.is_empty() { Ok(inside) } else { inside.join(rest) })?.ok()
    }
}

/// Whether what is mounted is a folder around a path.
fn is_of_a_folder(service: &Service, path: &str) -> bool {
    bind(service, path).is_some_and(|(mount, _)| mount.target.trim_end_matches('/') != path)
}

/// Whether something is called like Traefik's file, in whatever place.
fn may_have_another(service: &Service) -> bool {
    let targets = service.configs.iter().map(|config| config.target.as_str());
    let mounted = service.volumes.iter().filter(|mount| !is_folder_of_ours(mount)).map(|mount| mount.target.as_str());
    targets.chain(mounted).any(|target| {
        let name = target.trim_end_matches('/');
        let is_file = ENDINGS.iter().any(|ending| name.ends_with(&format!("traefik.{ending}")));
        is_file || name == "/etc/traefik"
    })
}

/// Whether a folder of the repository is bound, of which everything is known.
fn is_folder_of_ours(mount: &Mount) -> bool {
    mount.kind == "bind" && mount.source.starts_with('.')
}

fn read(path: &str, inside: Option<&RepoPath>, text: &[u8]) -> Found {
    let is_toml = path.rsplit('.').next() == Some("toml");
    let read = if is_toml { toml::read(text) } else { of_yaml(text) };
    let Some(entries) = read else { return Found::Unread };
    let place = |span| Some((inside?.clone(), span));
    let settings =
        entries.into_iter().map(|(key, value, span)| (key, Setting { value, at: place(span), by: By::File }));
    Found::Read(StaticFile { settings: settings.collect() })
}

/// A key in small letters, its value, and where the key stands.
pub(super) type Entry = (String, String, Span);

fn of_yaml(text: &[u8]) -> Option<Vec<Entry>> {
    let tree = yaml::parse(text).ok()?;
    matches!(tree.value, Value::Mapping(_)).then(|| {
        let mut entries = Vec::new();
        add(&tree, "", &mut entries);
        entries
    })
}

fn add(node: &Node, above: &str, entries: &mut Vec<Entry>) {
    for (key, value) in node.entries() {
        let name = format!("{above}{}", key.raw().to_ascii_lowercase());
        if !value.entries().is_empty() {
            add(value, &format!("{name}."), entries);
            continue;
        }
        let items = value.items().iter().map(Node::raw).collect::<Vec<_>>().join(",");
        let text = if matches!(value.value, Value::Scalar { .. }) { value.raw().to_owned() } else { items };
        // A key with nothing after it switches on what it names.
        let text = if text.is_empty() || value.is_null() { "true".to_owned() } else { text };
        entries.push((name, text, key.span.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(service: &str, files: &[(&str, &str)]) -> String {
        let text = format!("services:\n  proxy:\n    image: traefik:v3.7\n{service}");
        let file = File::read(&"edge/stack.yml".parse().unwrap(), text.as_bytes(), &BTreeMap::new()).unwrap();
        let service = &file.services[&"proxy".parse().unwrap()];
        let of = |path: &RepoPath| {
            files.iter().find(|(known, _)| *known == path.as_str()).map(|(_, text)| text.as_bytes().to_vec())
        };
        match find(service, &file, &Options::of(service), of) {
            Found::Nothing => "no file".to_owned(),
            Found::Unread => "unread".to_owned(),
            Found::Read(read) => {
                let shown = read.settings.iter().map(|(key, setting)| format!("{key}={}", setting.value));
                shown.collect::<Vec<_>>().join(" ")
            }
        }
    }

    const YAML: &str = "entryPoints:\n  Web: { address: ':80' }\nproviders:\n  swarm: {}\n  docker:\nlog: { level: INFO, filters: [a, b] }\n";

    #[test]
    fn a_config_is_read() {
        let config = "    configs: [{ source: settings, target: /etc/traefik/traefik.yml }]\nconfigs: { settings: { file: t.yml } }\n";
        let read =
            "entrypoints.web.address=:80 log.filters=a,b log.level=INFO providers.docker=true providers.swarm=true";
        assert_eq!(said(config, &[("edge/t.yml", YAML)]), read);
        assert_eq!(said(config, &[]), "unread");
        assert_eq!(said(config, &[("edge/t.yml", "- a")]), "unread");
        let content = "    configs: [{ source: settings, target: traefik.yaml }]\nconfigs: { settings: { content: 'ping: {}' } }\n";
        assert_eq!(said(content, &[]), "ping=true");
        let external = config.replace("file: t.yml", "external: true");
        assert_eq!(said(&external, &[]), "unread");
        let elsewhere = "    command: --configFile=/cfg/a.toml\n    configs: [{ source: settings, target: /cfg/a.toml }]\nconfigs: { settings: { file: a.toml } }\n";
        assert_eq!(
            said(elsewhere, &[("edge/a.toml", "[ping]\n[entryPoints.web]\naddress = \":80\"\n")]),
            "entrypoints.web.address=:80 ping=true"
        );
    }

    #[test]
    fn what_is_bound_beside_the_stack_file_is_read() {
        let one = "    volumes: [./traefik.yml:/etc/traefik/traefik.yml:ro]\n";
        assert_eq!(said(one, &[("edge/traefik.yml", "ping: {}")]), "ping=true");
        let folder = "    volumes: [../conf:/etc/traefik]\n";
        assert_eq!(said(folder, &[("conf/traefik.yaml", "ping: {}")]), "ping=true");
        assert_eq!(said(folder, &[("conf/dynamic.yml", "http: {}")]), "no file");
        assert_eq!(said("    volumes: [/srv/traefik:/etc/traefik]\n", &[]), "unread");
        assert_eq!(said("    volumes: [/srv/acme:/etc/traefik/acme]\n", &[]), "no file");
        assert_eq!(said("    volumes: [/srv/t.yml:/conf/traefik.yml]\n", &[]), "unread");
        assert_eq!(said("", &[]), "no file");
    }
}
