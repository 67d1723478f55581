//! What the Docker CLI sent when it was last asked, one line a case.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::{Case, Expected};
use crate::run::Ran;

/// One case.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Recorded {
    case: String,
    pub(crate) accepted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) writes: Vec<(String, Value)>,
    /// What skep sends, where that is something else on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ours: Option<Vec<(String, Value)>>,
}

impl Recorded {
    pub(crate) fn as_ran(&self) -> Ran {
        Ran { accepted: self.accepted, said: String::new(), writes: self.writes.clone(), reads: Vec::new() }
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/golden.jsonl")
}

pub(crate) fn read() -> BTreeMap<String, Recorded> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let recorded = text.lines().map(|line| serde_json::from_str::<Recorded>(line).unwrap());
    recorded.map(|recorded| (recorded.case.clone(), recorded)).collect()
}

pub(crate) fn write(cases: &[Case], ran: &[(Option<Ran>, Ran)]) {
    let mut text = String::new();
    for (case, (docker, skep)) in cases.iter().zip(ran) {
        let docker = docker.as_ref().expect("the Docker CLI is needed to record what it does");
        let recorded = Recorded {
            case: case.name.clone(),
            accepted: docker.accepted,
            writes: if docker.accepted { docker.writes.clone() } else { Vec::new() },
            ours: (case.skep == Expected::Differs).then(|| skep.writes.clone()),
        };
        text += &serde_json::to_string(&recorded).unwrap();
        text.push('\n');
    }
    std::fs::write(path(), text).unwrap();
}
