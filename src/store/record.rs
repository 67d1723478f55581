//! One record: its name, its labels, its payload.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read as _, Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Error, Keys};
use crate::engine::RECORD_LABEL;
use crate::health::Symptom;
use crate::name::StackName;
use crate::release::{Phase, Release, ReleaseId};
use crate::stack::RESERVED;

pub(super) type Labels = BTreeMap<String, String>;

/// The prefix of all names of records.
pub const PREFIX: &str = RESERVED;
/// The label that holds the phase, as JSON.
pub(super) const PHASE_LABEL: &str = "skep.phase";
const STACK_LABEL: &str = "skep.stack";
const RELEASE_LABEL: &str = "skep.release";
const VERSION_LABEL: &str = "skep.version";
/// The format that is written, and the only one that is read.
const VERSION: &str = "1";
/// The biggest payload, in bytes; Swarm takes configs below 1000 KiB (swarmkit `manager/controlapi/config.go`).
pub(super) const MAX_PAYLOAD: usize = 900 << 10;
/// The largest uncompressed payload, in bytes.
pub(super) const MAX_UNFOLDED: usize = 16 << 20;
/// The longest label, in bytes: it is in the memory of every manager, and in every list of configs.
const MAX_LABEL: usize = 15 << 10;

/// The name of a record. Ordered by stack and number, the whole record before the thin one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) stack: StackName,
    pub(super) id: ReleaseId,
    pub(super) shape: Shape,
}

/// The extent of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// All of it.
    Full,
    /// All but the desired stack.
    Thin,
}

impl Name {
    /// The prefix of the names of a stack's records. It is unique, since a stack's name contains no `.`.
    pub(super) fn prefix(stack: &StackName) -> String {
        format!("{PREFIX}{stack}.r")
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (stack, rest) = text.strip_prefix(PREFIX)?.split_once(".r")?;
        let (number, shape) = match rest.strip_suffix(".thin") {
            Some(number) => (number, Shape::Thin),
            None => (rest, Shape::Full),
        };
        let name = Self { stack: stack.parse().ok()?, id: ReleaseId(number.parse().ok()?), shape };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thin = if self.shape == Shape::Thin { ".thin" } else { "" };
        write!(f, "{PREFIX}{}.{}{thin}", self.stack, self.id)
    }
}

/// The body of the config of a release; an error if it could not be read back.
pub(super) fn body(release: &Release, shape: Shape, keys: &Keys) -> Result<Value, Error> {
    let stack = || release.stack.clone();
    let text = match shape {
        Shape::Full => json(release),
        Shape::Thin => json(&Release { desired: None, ..release.clone() }),
    };
    if text.len() > MAX_UNFOLDED {
        return Err(Error::TooLong { stack: stack(), mib: text.len().div_ceil(1 << 20) });
    }
    let payload = packed(&text);
    if payload.len() > MAX_PAYLOAD {
        return Err(Error::TooBig { stack: stack(), kib: payload.len() >> 10 });
    }
    let name = Name { stack: stack(), id: release.id, shape }.to_string();
    let own = [
        (STACK_LABEL, release.stack.to_string()),
        (RELEASE_LABEL, release.id.0.to_string()),
        (PHASE_LABEL, phase_label(&release.phase)),
    ];
    let (labels, data) = sealed(&name, own, &payload, keys);
    read(&name, &labels, &data).map_err(|why| Error::Unreadable { stack: stack(), why })?;
    Ok(json!({ "Name": name, "Labels": labels, "Data": data }))
}

/// The labels and the data of a config for skep's own use.
pub(super) fn sealed<const N: usize>(
    name: &str,
    own: [(&str, String); N],
    payload: &[u8],
    keys: &Keys,
) -> (Labels, String) {
    let common = [(RECORD_LABEL, "1".to_owned()), (VERSION_LABEL, VERSION.to_owned())];
    let mut labels: Labels = common.into_iter().chain(own).map(|(label, value)| (label.to_owned(), value)).collect();
    let data = encoded(payload);
    keys.sign(name, &mut labels, &data);
    (labels, data)
}

/// Bytes as the engine's API has them.
pub(super) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The release in a record, or what is wrong with the record.
pub fn read(name: &str, labels: &Labels, data: &str) -> Result<Release, String> {
    let mut release: Release = content(labels, data, "a release")?;
    if release.cause.is_found() {
        release.origin.repository = release.origin.repository.as_watched();
    }
    let label = |key: &str| label(labels, key);
    let phase: Phase = serde_json::from_str(label(PHASE_LABEL)?)
        .map_err(|error| format!("its label `{PHASE_LABEL}` is not a phase: {error}"))?;
    let is_the_same = Name::parse(name).is_some_and(|name| name.stack == release.stack && name.id == release.id)
        && label(STACK_LABEL)? == release.stack.as_str()
        && *label(RELEASE_LABEL)? == release.id.0.to_string();
    if is_the_same {
        Ok(Release { phase, ..release })
    } else {
        Err(format!("it holds release {} of {}, which is not what its name and labels say", release.id, release.stack))
    }
}

/// The contents of a config of skep's own, if its format is supported.
pub(super) fn content<T: DeserializeOwned>(labels: &Labels, data: &str, what: &str) -> Result<T, String> {
    let version = label(labels, VERSION_LABEL)?;
    if version != VERSION {
        return Err(format!("it has format {version}, and this skep reads format {VERSION}; a newer skep wrote it"));
    }
    let payload = STANDARD.decode(data).map_err(|error| format!("its data is not base64: {error}"))?;
    unpacked(&payload, what)
}

pub(super) fn label<'a>(labels: &'a Labels, key: &str) -> Result<&'a String, String> {
    labels.get(key).ok_or_else(|| format!("its label `{key}` is gone"))
}

/// A phase for storage: with symptoms shortened to fit a label, and without output of containers.
pub(super) fn bounded(phase: &Phase) -> Phase {
    let Phase::Failed { at, symptoms, away } = phase else { return phase.clone() };
    // Symptoms, characters of each text.
    let budgets = [(20, 500), (10, 300), (5, 200), (1, 100)];
    let with = |symptoms| Phase::Failed { at: *at, symptoms, away: away.clone() };
    let cut = |(count, chars)| with(symptoms.iter().take(count).map(|symptom| shortened(symptom, chars)).collect());
    let fits = |phase: &Phase| json(phase).len() <= MAX_LABEL;
    budgets.into_iter().map(cut).find(fits).unwrap_or_else(|| with(Vec::new()))
}

/// The text of the label that holds a phase.
pub(super) fn phase_label(phase: &Phase) -> String {
    json(&bounded(phase))
}

/// A symptom without log lines, and no text longer than `chars`.
fn shortened(symptom: &Symptom, chars: usize) -> Symptom {
    let cut = |text: &String| text.chars().take(chars).collect::<String>();
    Symptom {
        service: symptom.service.clone(),
        message: cut(&symptom.message),
        help: symptom.help.as_ref().map(cut),
        task: symptom.task.as_ref().map(cut),
        blame: symptom.blame,
        log: Vec::new(),
    }
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("all keys are strings")
}

/// Compresses with a checksum, so that a truncated or changed payload is detected.
pub(super) fn packed(text: &str) -> Vec<u8> {
    let packed = || {
        let mut encoder = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
        encoder.include_checksum(true)?;
        // Otherwise readers would allocate 2 MiB for it, however small it is.
        encoder.set_pledged_src_size(Some(text.len() as u64))?;
        encoder.write_all(text.as_bytes())?;
        encoder.finish()
    };
    packed().expect("writing to memory does not fail")
}

fn unpacked<T: DeserializeOwned>(payload: &[u8], what: &str) -> Result<T, String> {
    let mut json = Vec::new();
    let unfolded = || {
        let mut decoder = zstd::Decoder::new(payload)?;
        decoder.window_log_max(24)?;
        decoder.take(MAX_UNFOLDED as u64 + 1).read_to_end(&mut json)
    };
    let length = { unfolded }().map_err(|error| format!("its data cannot be decompressed: {error}"))?;
    if length > MAX_UNFOLDED {
        return Err(format!("its data unfolds to more than {} MiB", MAX_UNFOLDED >> 20));
    }
    serde_json::from_slice(&json).map_err(|error| format!("its data is not {what}: {error}"))
}
