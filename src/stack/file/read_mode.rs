//! How a file is read.

/// How a file is read. The default is for files of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadMode {
    /// Like by `docker stack deploy`: nothing is built, an unset variable is empty, a date is a point in
    /// time, a command line is split by Docker's rules, and keys that Docker silently ignores are ignored.
    pub as_written: bool,
    /// Whether it is a local file: paths may be absolute, and a relative bind mount is a local folder.
    pub local: bool,
    /// Whether paths in each file are relative to its own folder, rather than to that of the first.
    pub apart: bool,
}
