//! Which process this is, and whether another one of this machine still runs.

use std::fs;

use crate::release::Process;

/// This process, if the machine tells.
pub fn process() -> Option<Process> {
    let pid = std::process::id();
    Some(Process { machine: machine()?, pid, start: start(pid)? })
}

/// Whether a process runs; `None` if it is of another machine, or of another container.
pub fn is_running(process: &Process) -> Option<bool> {
    let is_here = machine().as_ref() == Some(&process.machine);
    // Numbers are used again.
    is_here.then(|| start(process.pid) == Some(process.start))
}

/// This machine since it was started, and the namespace of its processes that this one sees.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// When a process was started; `None` if it is none, or has ended and nobody was told (`man 5 proc_pid_stat`).
fn start(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program comes first, in parentheses, and may have anything in it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_number_and_its_start() {
        let own = process().unwrap();
        assert_eq!(is_running(&own), Some(true));
        assert_eq!(is_running(&Process { start: own.start + 1, ..own.clone() }), Some(false));
        assert_eq!(is_running(&Process { pid: u32::MAX, ..own.clone() }), Some(false));
        assert_eq!(is_running(&Process { machine: "another".into(), ..own }), None);
    }
}
