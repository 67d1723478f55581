//! The words that instructions begin with.

use std::fmt;

macro_rules! keywords {
    ($($variant:ident $text:literal)*) => {
        /// The word that an instruction begins with; upper and lower case are the same.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "they are Docker's own words")]
        pub enum Keyword { $($variant,)* }

        impl Keyword {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is written by convention: in capitals.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

keywords! {
    Add "ADD"
    Arg "ARG"
    Cmd "CMD"
    Copy "COPY"
    Entrypoint "ENTRYPOINT"
    Env "ENV"
    Expose "EXPOSE"
    From "FROM"
    Healthcheck "HEALTHCHECK"
    Label "LABEL"
    Maintainer "MAINTAINER"
    Onbuild "ONBUILD"
    Run "RUN"
    Shell "SHELL"
    Stopsignal "STOPSIGNAL"
    User "USER"
    Volume "VOLUME"
    Workdir "WORKDIR"
}

impl Keyword {
    /// The keyword that a text is, in capitals or not.
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|keyword| keyword.as_str().eq_ignore_ascii_case(text))
    }

    /// The flags that it knows, without their dashes.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Add => &["checksum", "chmod", "chown", "exclude", "keep-git-dir", "link", "unpack"],
            Self::Copy => &["chmod", "chown", "exclude", "from", "link", "parents"],
            Self::From => &["platform"],
            Self::Healthcheck => &["interval", "retries", "start-interval", "start-period", "timeout"],
            Self::Run => &["device", "mount", "network", "security"],
            _ => &[],
        }
    }

    /// The flags that may stand without a value.
    pub(super) fn switches(self) -> &'static [&'static str] {
        match self {
            Self::Add => &["keep-git-dir", "link", "unpack"],
            Self::Copy => &["link", "parents"],
            _ => &[],
        }
    }

    /// The flags that may be given several times.
    pub(super) fn repeated(self) -> &'static [&'static str] {
        match self {
            Self::Add | Self::Copy => &["exclude"],
            Self::Run => &["device", "mount"],
            _ => &[],
        }
    }

    /// Whether its flags are looked at: `parseArg` and `parseStopSignal` pass over them.
    pub(super) fn minds_flags(self) -> bool {
        !matches!(self, Self::Arg | Self::Stopsignal)
    }

    /// Whether `<<NAME` begins a document after it.
    pub(super) fn takes_heredocs(self) -> bool {
        matches!(self, Self::Add | Self::Copy | Self::Run)
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
