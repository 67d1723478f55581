use crate::lint::rule::rule;

rule! {
    /// A Dockerfile is too large to be looked at.
    ///
    /// A Dockerfile is a few kilobytes. What is larger than 1 MiB is not read, so that nothing is known of what it does, and
    /// skep does not build it. Something else, such as an archive in a heredoc, is in it: commit that as a file of its own, and
    /// copy it.
    "SK0004", Warning, Own
}
