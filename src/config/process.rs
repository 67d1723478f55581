//! The identity of this process, and whether another process of this machine still runs.

use std::fs;

use crate::release::Process;

/// This process, if the machine has `/proc`.
pub fn process() -> Option<Process> {
    let pid = std::process::id();
    Some(Process { machine: machine()?, pid, start: start(pid)? })
}

/// Whether a process runs; `None` if it belongs to another machine or container.
pub fn is_running(process: &Process) -> Option<bool> {
    let is_here = machine().as_ref() == Some(&process.machine);
    // Process ids are reused.
    is_here.then(|| start(process.pid) == Some(process.start))
}

/// The boot id of this machine, and the process namespace of this process.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// When a process was started; `None` if there is no such process, or it is a zombie (`man 5 proc_pid_stat`).
fn start(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program comes first, in parentheses, and may contain any character.
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
