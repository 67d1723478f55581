//! Configs and secrets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::names::{check_file, invalid};
use super::requests::{Outcome, Refusal, Request, joined, name_taken, not_found, out_of_sequence};
use super::{Meta, State};

/// A config or secret.
#[derive(Debug)]
pub(super) struct File {
    meta: Meta,
    spec: Value,
}

impl State {
    pub(super) fn files_request(&mut self, kind: &'static str, request: &Request, rest: &[&str]) -> Outcome {
        match (request.method.as_str(), rest) {
            ("GET", []) => Ok(self.list_files(kind, request)),
            ("POST", ["create"]) => self.create_file(kind, request.body()?),
            ("GET", [id]) => self.file(kind, id).map(|file| file.json(kind)),
            ("POST", [id, "update"]) => self.relabel_file(kind, id, request),
            ("DELETE", [id]) => self.delete_file(kind, id),
            _ => request.not_allowed(),
        }
    }

    fn files(&mut self, kind: &str) -> &mut BTreeMap<String, File> {
        if kind == "config" { &mut self.configs } else { &mut self.secrets }
    }

    fn file(&mut self, kind: &str, id_or_name: &str) -> Result<&mut File, Refusal> {
        let mut files = self.files(kind).values_mut();
        let file = files.find(|file| file.meta.id == id_or_name || file.spec["Name"] == id_or_name);
        file.ok_or_else(|| not_found(kind, id_or_name))
    }

    fn list_files(&mut self, kind: &str, request: &Request) -> Value {
        let filters = request.filters();
        let files = self.files(kind).values().filter(|file| filters.object(&file.meta.id, &file.spec));
        files.map(|file| file.json(kind)).collect()
    }

    fn create_file(&mut self, kind: &str, spec: &Value) -> Outcome {
        let name = spec["Name"].as_str().unwrap_or_default();
        check_file(name)?;
        if self.file(kind, name).is_ok() {
            return Err(name_taken(kind, name));
        }
        let limit = if kind == "config" { 1000 << 10 } else { 500 << 10 };
        let size = spec["Data"].as_str().map_or(0, |data| data.len() / 4 * 3);
        if size >= limit || (size == 0 && spec["Driver"].is_null()) {
            return Err(invalid(&format!("{kind} data must be larger than 0 and less than {limit} bytes")));
        }
        let meta = self.new_meta(kind);
        let id = meta.id.clone();
        self.files(kind).insert(id.clone(), File { meta, spec: spec.clone() });
        Ok(json!({ "ID": id }))
    }

    fn relabel_file(&mut self, kind: &str, id: &str, request: &Request) -> Outcome {
        let (version, spec, now) = (request.version()?, request.body()?, self.now);
        let index = self.next_index();
        let file = self.file(kind, id)?;
        if spec["Name"] != file.spec["Name"] || (!spec["Data"].is_null() && spec["Data"] != file.spec["Data"]) {
            return Err(invalid("only updates to Labels are allowed"));
        }
        if file.meta.version != version {
            return Err(out_of_sequence());
        }
        file.spec["Labels"] = spec["Labels"].clone();
        (file.meta.version, file.meta.updated) = (index, now);
        Ok(Value::Null)
    }

    fn delete_file(&mut self, kind: &str, id: &str) -> Outcome {
        let (id, name) = {
            let file = self.file(kind, id)?;
            (file.meta.id.clone(), file.spec["Name"].as_str().unwrap_or_default().to_owned())
        };
        if let Some(user) = self.services.values().find(|service| service.uses_file(kind, &id)) {
            let words = format!("{kind} '{name}' is in use by the following service: {}", user.name());
            return Err(Refusal(400, format!("rpc error: code = InvalidArgument desc = {words}")));
        }
        self.files(kind).remove(&id);
        Ok(Value::Null)
    }
}

impl File {
    /// Secrets never show their data.
    fn json(&self, kind: &str) -> Value {
        let mut spec = self.spec.clone();
        if kind == "secret"
            && let Some(fields) = spec.as_object_mut()
        {
            fields.remove("Data");
        }
        joined(self.meta.json(), json!({ "Spec": spec }))
    }
}
