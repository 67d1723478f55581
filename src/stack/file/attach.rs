//! The attachments of a service: `networks`, `configs`, `secrets`, `extra_hosts`.

use std::collections::BTreeMap;

use super::fields::{Fields, Reader, spanned};
use super::types::{NetworkReference, Spanned};
use crate::stack::FileReference;
use crate::stack::yaml::{Node, Value};

impl Reader {
    pub(super) fn joined(&mut self, node: &Node) -> Vec<NetworkReference> {
        if let Value::Mapping(entries) = &node.value {
            return entries.iter().map(|(key, value)| self.join(key, value)).collect();
        }
        let plain = |name| NetworkReference { name, aliases: Vec::new(), driver_opts: BTreeMap::new() };
        self.list("networks", node).iter().filter_map(|item| self.string("networks", item)).map(plain).collect()
    }

    fn join(&mut self, key: &Node, node: &Node) -> NetworkReference {
        let mut fields = Fields::of(self, node, "a network of a service");
        let aliases = fields.strings(self, "aliases");
        let driver_opts = fields.options(self, "driver_opts");
        fields.finish(self);
        let aliases = aliases.into_iter().map(|alias| alias.value).collect();
        NetworkReference { name: spanned(key, key.raw().to_owned()), aliases, driver_opts }
    }

    pub(super) fn files(&mut self, key: &'static str, node: &Node) -> Vec<Spanned<FileReference>> {
        self.list(key, node).iter().filter_map(|item| Some(spanned(item, self.one_file(key, item)?))).collect()
    }

    /// Defaults as in Docker's `convertFileObject`: the key as target, owner 0, mode 0444.
    fn one_file(&mut self, key: &'static str, node: &Node) -> Option<FileReference> {
        let plain = |source: String, target, uid, gid, mode| FileReference { source, target, uid, gid, mode };
        let root = || "0".to_owned();
        if let Value::Scalar { .. } = node.value {
            let source = self.string(key, node)?.value;
            return Some(plain(source.clone(), source, root(), root(), 0o444));
        }
        let mut fields = Fields::of(self, node, "a config or secret of a service");
        let source = fields.string(self, "source");
        let target = fields.string(self, "target");
        let uid = fields.string(self, "uid");
        let gid = fields.string(self, "gid");
        let mode = fields.take("mode").and_then(|node| self.mode_bits(node));
        fields.finish(self);
        if node.get("source").is_none() {
            self.problem(&node.span, format!("one of the `{key}` has no `source`"), None);
        }
        let source = source?.value;
        let text = |text: Option<Spanned<String>>| text.map(|text| text.value).filter(|text| !text.is_empty());
        let (uid, gid) = (text(uid).unwrap_or_else(root), text(gid).unwrap_or_else(root));
        Some(plain(source.clone(), text(target).unwrap_or(source), uid, gid, mode.unwrap_or(0o444)))
    }

    /// Mode bits as a YAML number (`0444` and `0o444` are octal), or as octal digits in quotes, with or without the
    /// prefix.
    pub(super) fn mode_bits(&mut self, node: &Node) -> Option<u32> {
        let digits = node.as_str().map(|text| text.strip_prefix("0o").or(text.strip_prefix("0O")).unwrap_or(text));
        let octal = digits.and_then(|digits| u32::from_str_radix(digits, 8).ok());
        octal.or_else(|| self.integer("mode", node).map(|mode| mode.value))
    }

    /// As Docker's `transformHostsList`: `host:ip` and `host=ip` become `ip host`; a map is sorted.
    pub(super) fn extra_hosts(&mut self, node: &Node) -> Vec<Spanned<String>> {
        if let Value::Mapping(_) = node.value {
            let mut hosts: Vec<_> = self.pairs("extra_hosts", node).into_iter().collect();
            // Docker sorts them as `host:address`.
            hosts.sort_by_key(|(host, ip)| format!("{host}:{}", ip.value.as_deref().unwrap_or_default()));
            let line = |(host, ip): (String, Spanned<Option<String>>)| Some((host_line(&host, &ip.value?), ip.span));
            return hosts.into_iter().filter_map(line).map(|(value, span)| Spanned { span, value }).collect();
        }
        let mut lines = Vec::new();
        for item in self.list("extra_hosts", node) {
            let Some(text) = self.string("extra_hosts", item) else { continue };
            match text.split_once('=').or_else(|| text.split_once(':')) {
                Some((host, ip)) => lines.push(spanned(item, host_line(host, ip))),
                None => self.wrong("extra_hosts", item, "`host:address`", ""),
            }
        }
        lines
    }
}

fn host_line(host: &str, ip: &str) -> String {
    let ip = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).filter(|ip| !ip.is_empty()).unwrap_or(ip);
    format!("{ip} {host}")
}
