//! Debian's `docker-registry` as a process.

use std::fs;
use std::process::{Child, Stdio};

use super::command::command;
use super::controller::free_port;
use super::folder::Folder;
use super::waiting::{SOON, wait_until};
use super::web;

/// A registry on a port of its own.
pub(crate) struct Registry {
    process: Child,
    pub(crate) host: String,
    _folder: Folder,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let (folder, host) = (Folder::new(), format!("127.0.0.1:{}", free_port()));
        let settings = folder.join("registry.yml");
        let storage = folder.join("storage");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{host}\"}}\n",
            storage.display()
        );
        fs::write(&settings, text).unwrap();
        let mut registry = command("docker-registry");
        registry.arg("serve").arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = registry.spawn().expect("Debian's package docker-registry is installed");
        let registry = Self { process, host, _folder: folder };
        wait_until("the registry answers", SOON, || web::get(&registry.url("")).is_ok());
        registry
    }

    /// The names of the images that it has.
    pub(crate) fn catalog(&self) -> String {
        web::get(&self.url("_catalog")).unwrap().body
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v2/{path}", self.host)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
