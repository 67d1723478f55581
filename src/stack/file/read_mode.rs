//! In which of its ways a file is read.

/// How a file is read. The default is that of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadMode {
    /// As `docker stack deploy` reads it: nothing is built, a variable that is not set is empty, a date is a point in
    /// time, a command line is split by Docker's rules, and what Docker leaves out without a word is left out.
    pub as_written: bool,
    /// It lies on this machine: paths may be absolute, and a relative bind is a folder of this machine.
    pub local: bool,
    /// Its files come from several places: the paths in each are relative to its own folder, not to that of the first.
    pub apart: bool,
}
