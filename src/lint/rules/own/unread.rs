use crate::lint::rule::rule;

rule! {
    /// A Dockerfile is too large.
    ///
    /// A Dockerfile is a few kilobytes. One of more than 1 MiB is not read, so skep does not know what it does, and
    /// does not build it. It probably contains other data, such as an archive in a here-document: commit that as a separate file, and
    /// copy it.
    "SK0004", Warning, Own
}
