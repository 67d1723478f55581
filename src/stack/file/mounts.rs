//! `volumes` of a service, short and long.

use super::bytes;
use super::fields::{Fields, Reader, spanned};
use super::types::{Ignored, Mount, Spanned};
use crate::stack::yaml::{Node, Value};

const KINDS: &[&str] = &["volume", "bind", "tmpfs", "npipe", "image", "cluster"];
const PROPAGATIONS: &[&str] = &["private", "rprivate", "shared", "rshared", "slave", "rslave"];

impl Reader {
    pub(super) fn mounts(&mut self, node: &Node) -> Vec<Spanned<Mount>> {
        self.list("volumes", node).iter().filter_map(|item| Some(spanned(item, self.mount(item)?))).collect()
    }

    fn mount(&mut self, node: &Node) -> Option<Mount> {
        let mount = if let Value::Mapping(_) = node.value { self.long_mount(node)? } else { self.short_mount(node)? };
        self.check_mount(node, &mount);
        Some(mount)
    }

    fn short_mount(&mut self, node: &Node) -> Option<Mount> {
        let text = self.string("volumes", node)?.value;
        let parts = parts(&text);
        let (source, target, options) = match parts[..] {
            [target] if !target.is_empty() => ("", target, ""),
            [source, target] if !source.is_empty() && !target.is_empty() => (source, target, ""),
            [source, target, options] if !source.is_empty() && !target.is_empty() => (source, target, options),
            _ => {
                self.wrong("volumes", node, "`source:/target` or `source:/target:ro`", "");
                return None;
            }
        };
        let kind = if is_path(source) { "bind" } else { "volume" };
        let mut mount = Mount {
            kind: kind.to_owned(),
            source: self.source_of(kind, source, node),
            target: target.to_owned(),
            ..Mount::default()
        };
        for option in options.split(',') {
            self.option(node, &mut mount, option);
        }
        Some(mount)
    }

    fn option(&mut self, node: &Node, mount: &mut Mount, option: &str) {
        match option {
            "ro" => mount.read_only = true,
            "rw" => mount.read_only = false,
            "nocopy" => mount.nocopy = true,
            _ if PROPAGATIONS.contains(&option) => {
                option.clone_into(&mut mount.propagation);
                mount.options = true;
            }
            // Docker drops these options, which have no effect in a swarm.
            "" | "z" | "Z" | "cached" | "delegated" | "consistent" => {}
            _ => {
                let instead = "Docker also ignores it; remove it";
                let key = format!("the option {option} of a volume");
                self.ignored.push(Ignored { span: node.span.clone(), key, instead });
            }
        }
    }

    fn long_mount(&mut self, node: &Node) -> Option<Mount> {
        let mut fields = Fields::of(self, node, "a volume of a service");
        let kind = fields.take("type").and_then(|node| self.one_of("type", node, KINDS));
        let kind = kind.map(|kind| kind.value).filter(|kind| !kind.is_empty()).unwrap_or_else(|| "volume".to_owned());
        let source = fields.string(self, "source").map(|text| text.value).unwrap_or_default();
        let target = fields.string(self, "target");
        let read_only = fields.boolean(self, "read_only");
        let consistency = fields.string(self, "consistency");
        let mut mount = Mount { source: self.source_of(&kind, &source, node), kind, ..Mount::default() };
        self.options_by_kind(&mut fields, node, &mut mount);
        fields.finish(self);
        if node.get("target").is_none() || target.as_ref().is_some_and(|target| target.is_empty()) {
            self.problem(&node.span, "a volume has no `target`", "write the path in the container".to_owned());
        }
        Some(Mount {
            target: target?.value,
            read_only: read_only.is_some_and(|value| value.value),
            consistency: consistency.map(|text| text.value).unwrap_or_default(),
            ..mount
        })
    }

    /// The options `bind`, `volume` and `tmpfs`, of which only that of the mount's type is allowed.
    fn options_by_kind(&mut self, fields: &mut Fields<'_>, node: &Node, mount: &mut Mount) {
        let sections = ["bind", "volume", "tmpfs"].map(|section| (section, fields.take(section)));
        for (section, options) in sections {
            let Some(options) = options else { continue };
            match section {
                "bind" => mount.propagation = self.propagation(options).unwrap_or_default(),
                "volume" => self.volume_options(options, mount),
                _ => (mount.tmpfs_size, mount.tmpfs_mode) = self.tmpfs_options(options),
            }
            let own = mount.kind == section || (mount.kind == "npipe" && section == "bind");
            mount.options |= own;
            if !own {
                let message = format!("a mount of type `{}` does not take the options `{section}`", mount.kind);
                self.problem(&node.span, message, "remove them, or change its `type`".to_owned());
            }
        }
    }

    fn propagation(&mut self, node: &Node) -> Option<String> {
        let mut fields = Fields::of(self, node, "a bind");
        let propagation = fields.take("propagation").and_then(|node| self.one_of("propagation", node, PROPAGATIONS));
        fields.finish(self);
        propagation.map(|text| text.value)
    }

    fn volume_options(&mut self, node: &Node, mount: &mut Mount) {
        let mut fields = Fields::of(self, node, "the options of a volume");
        mount.nocopy = fields.boolean(self, "nocopy").is_some_and(|value| value.value);
        mount.subpath = fields.string(self, "subpath").map(|text| text.value).unwrap_or_default();
        fields.finish(self);
    }

    fn tmpfs_options(&mut self, node: &Node) -> (i64, u32) {
        let mut fields = Fields::of(self, node, "tmpfs");
        let size = fields.take("size").and_then(|node| self.bytes("size", node));
        // Docker ignores it.
        let mode =
            if self.read_mode.as_written { None } else { fields.take("mode").and_then(|node| self.mode_bits(node)) };
        fields.finish(self);
        (size.unwrap_or(0), mode.unwrap_or(0))
    }

    /// `tmpfs: /run:size=64M,mode=1777`, one or several.
    pub(super) fn tmpfs(&mut self, node: &Node) -> Vec<Spanned<Mount>> {
        let texts = self.strings("tmpfs", node);
        texts.into_iter().map(|text| Spanned { value: self.one_tmpfs(&text), span: text.span }).collect()
    }

    fn one_tmpfs(&mut self, text: &Spanned<String>) -> Mount {
        let (target, options) = text.split_once(':').unwrap_or((text, ""));
        let mut mount = Mount { kind: "tmpfs".to_owned(), target: target.to_owned(), ..Mount::default() };
        for option in options.split(',') {
            let understood = match option.split_once('=').unwrap_or((option, "")) {
                ("size", size) => bytes(size).map(|size| mount.tmpfs_size = size),
                ("mode", mode) => u32::from_str_radix(mode, 8).ok().map(|mode| mount.tmpfs_mode = mode),
                ("ro", "") => {
                    mount.read_only = true;
                    Some(())
                }
                // The engine's defaults.
                ("" | "rw" | "noexec" | "nosuid" | "nodev", "") => Some(()),
                _ => None,
            };
            if understood.is_none() {
                let instead = "it takes `size=64M`, `mode=1777` and `ro`; remove the others";
                let key = format!("the option {option} of a tmpfs");
                self.ignored.push(Ignored { span: text.span.clone(), key, instead });
            }
        }
        mount
    }

    /// The source, made absolute for a bind mount of a local file, as in Docker.
    fn source_of(&self, kind: &str, source: &str, node: &Node) -> String {
        if kind != "bind" || !self.read_mode.local || source.is_empty() {
            return source.to_owned();
        }
        let home = self.variable(&node.span, "HOME").filter(|_| source.starts_with('~'));
        let source = home.map_or_else(|| source.to_owned(), |home| source.replacen('~', &home, 1));
        let is_absolute = source.starts_with('/') || is_windows_path(&source);
        if is_absolute { source } else { below(self.sources.folder(&node.span).as_str(), &source) }
    }

    /// Reports mounts that Docker refuses (`convert.handleVolumeToMount`): options of another type, a bind without
    /// source.
    fn check_mount(&mut self, node: &Node, mount: &Mount) {
        let kind = mount.kind.as_str();
        let problem = match kind {
            "bind" | "npipe" if mount.source.is_empty() => Some("has no `source`"),
            "tmpfs" if !mount.source.is_empty() => Some("is in memory and takes no `source`"),
            _ if mount.nocopy && kind != "volume" => Some("does not take the option `nocopy`"),
            _ if !mount.propagation.is_empty() && kind != "bind" => Some("does not take a propagation"),
            "cluster" | "image" if mount.source.is_empty() => Some("has no `source`"),
            _ => None,
        };
        if let Some(problem) = problem {
            self.problem(&node.span, format!("a mount of type `{kind}` {problem}"), None);
        }
    }
}

/// The parts between colons. `C:\data` is one part, and so is `c:/data` if another colon follows; a single letter is
/// otherwise the name of a volume, which Docker takes for a drive.
fn parts(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = Vec::new();
    let mut start = 0;
    for (colon, _) in text.match_indices(':') {
        if !is_drive(&text[start..colon], &text[colon + 1..], parts.is_empty()) {
            parts.push(&text[start..colon]);
            start = colon + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Whether a letter before a colon is a drive, judging by the rest.
fn is_drive(letter: &str, rest: &str, is_source: bool) -> bool {
    let more = rest.split_once(':').is_some_and(|(_, more)| more.starts_with('/'));
    matches!(letter.as_bytes(), [letter] if letter.is_ascii_alphabetic())
        && (rest.starts_with('\\') || (is_source && rest.starts_with('/') && more))
}

fn is_path(source: &str) -> bool {
    source.starts_with(['.', '/', '~']) || source.starts_with(r"\\") || is_windows_path(source)
}

/// Whether a path begins like `C:\` or `C:/`.
pub(crate) fn is_windows_path(source: &str) -> bool {
    matches!(source.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}

/// A path below a folder of this machine, without `.` and `..`.
fn below(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
