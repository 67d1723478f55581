//! The command lines by which package managers install packages.

use crate::lint::rules::shell::values::assigned;
use crate::lint::shell::{Script, Simple, Variables, Word};

/// The flags of `apt-get` that take a value.
const APT: [&str; 7] = ["-t", "--target-release", "--default-release", "-o", "--option", "-c", "--config-file"];

/// The flags of `pip install` that take a value.
const PIP: [&str; 52] = [
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--prefix",
    "-c",
    "--constraint",
    "--trusted-host",
    "--proxy",
    "--no-binary",
    "--only-binary",
    "--progress-bar",
    "--root",
    "--timeout",
    "--retries",
    "--global-option",
    "--install-option",
    "--config-settings",
    "-C",
    "--cache-dir",
    "--cert",
    "--client-cert",
    "--log",
    "-e",
    "--editable",
    "-r",
    "--requirement",
    "--platform",
    "--python-version",
    "--implementation",
    "--abi",
    "-b",
    "--build",
    "--src",
    "--report",
    "--upgrade-strategy",
    "--use-feature",
    "--use-deprecated",
    "--root-user-action",
    "--exists-action",
    "--keyring-provider",
    "--hash",
    "--python",
    "--build-option",
    "--default-timeout",
    "--dependency-group",
    "--group",
    "--config-setting",
    "--format",
];

/// The flags of `pipx install` that take a value.
const PIPX: [&str; 8] =
    ["--python", "--pip-args", "-i", "--index-url", "--suffix", "--preinstall", "--spec", "--backend"];

/// The verbs of `dnf` and `microdnf` for installing packages.
pub(super) const DNF_INSTALL: [&str; 2] = ["install", "in"];
/// The verbs that download packages, also after `group` and `module`.
pub(super) const DNF_DOWNLOAD: [&str; 8] =
    ["install", "in", "reinstall", "rei", "upgrade", "up", "upgrade-minimal", "up-min"];

/// The flags of `npm` that take a value.
const NPM: [&str; 6] = ["--registry", "--prefix", "--loglevel", "--cache", "--userconfig", "--tag"];

/// The flags of `apk add` that take a value.
const APK: [&str; 12] = [
    "-t",
    "--virtual",
    "-X",
    "--repository",
    "--repositories-file",
    "-p",
    "--root",
    "--arch",
    "--keys-dir",
    "--cache-dir",
    "--cache-max-age",
    "--wait",
];

/// The flags of `gem install` that take a value.
const GEM: [&str; 8] = ["-v", "--version", "-i", "--install-dir", "-n", "--bindir", "-s", "--source"];

/// The flags of `dnf` and `yum` that take a value.
const DNF: [&str; 10] = [
    "--setopt",
    "--releasever",
    "--installroot",
    "--enablerepo",
    "--disablerepo",
    "--repo",
    "--repoid",
    "-x",
    "--exclude",
    "-c",
];

/// The flags of `zypper` that take a value.
const ZYPPER: [&str; 8] = ["-r", "--repo", "--from", "-t", "--type", "--root", "-R", "-C"];

/// The flags of `go` that take a value.
const GO: [&str; 11] =
    ["-tags", "-mod", "-ldflags", "-gcflags", "-asmflags", "-o", "-p", "-modfile", "-C", "-exec", "-overlay"];

/// The packages of `apt-get install`.
pub(super) fn apt(command: &Simple) -> Option<Vec<&Word>> {
    command.is(&["apt-get"]).then(|| command.behind(&["install"], &APT))?
}

/// The packages of `pip install`; `None` if a file determines the versions.
pub(super) fn pip(command: &Simple) -> Option<Vec<&Word>> {
    let names = if command.is(&["pipx"]) {
        command.behind(&["install"], &PIPX)?
    } else {
        is_pip(command).then(|| command.behind(&["install"], &PIP))??
    };
    let has_file = command.has_flag("requirement", 'r') || command.has_flag("constraint", 'c');
    Some(if has_file { Vec::new() } else { names })
}

/// Whether a command is `pip`, or `python -m pip`.
pub(super) fn is_pip(command: &Simple) -> bool {
    let name = if command.words.is_empty() { "" } else { command.name() };
    let is_module = || command.arguments().windows(2).any(|pair| pair[0].text == "-m" && pair[1].text == "pip");
    is_versioned(name, "pip") || is_versioned(name, "python") && is_module()
}

/// Whether a name is this one with or without a number: `pip3.11`.
fn is_versioned(name: &str, base: &str) -> bool {
    let rest = name.strip_prefix(base).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// The packages of `npm install`.
pub(super) fn npm(command: &Simple) -> Option<Vec<&Word>> {
    let is_install = || command.operands(&NPM).first().is_some_and(|verb| verb.text == "install");
    (command.is(&["npm"]) && is_install()).then(|| command.behind(&["install"], &NPM))?
}

/// The packages of `apk add`.
pub(super) fn apk(command: &Simple) -> Option<Vec<&Word>> {
    command.is(&["apk"]).then(|| command.behind(&["add"], &APK))?
}

/// The gems of `gem install`; `None` if a flag or a file determines the version. Arguments after `--` are for the build, and so
/// are misplaced flags `--use-…` and `--with-…` with their values.
pub(super) fn gem(command: &Simple) -> Option<Vec<&Word>> {
    let end = command.arguments().iter().position(|word| word.text == "--").unwrap_or(usize::MAX);
    let names = command.is(&["gem"]).then(|| command.behind(&["install", "i"], &GEM))??;
    let has_version = command.has_flag("version", 'v') || command.has_flag("file", 'g');
    let last = command.arguments().get(end).map_or(usize::MAX, |word| word.span.start);
    let is_for_build = |word: &&Word| {
        let before = command.arguments().iter().take_while(|other| other.span.start < word.span.start).last();
        before.is_some_and(|flag| {
            ["--use-", "--with-"].iter().any(|begin| flag.text.starts_with(begin)) && !flag.text.contains('=')
        })
    };
    Some(names.into_iter().filter(|word| !has_version && word.span.start < last && !is_for_build(word)).collect())
}

/// The packages of `yum`, `dnf` or `microdnf install`.
pub(super) fn dnf<'a>(command: &'a Simple, names: &[&str]) -> Option<Vec<&'a Word>> {
    let groups = ["group", "groups", "grp"];
    let is_group = command.operands(&DNF).first().is_some_and(|word| groups.contains(&word.text.as_str()));
    (command.is(names) && !is_group).then(|| command.behind(&DNF_INSTALL, &DNF))?
}

/// Whether `yum`, `dnf` or `microdnf` downloads packages by one of these verbs, including groups and modules.
pub(super) fn downloads(command: &Simple, names: &[&str], verbs: &[&str]) -> bool {
    command.is(names) && command.operands(&DNF).iter().take(2).any(|word| verbs.contains(&word.text.as_str()))
}

/// The packages of `zypper install`.
pub(super) fn zypper(command: &Simple) -> Option<Vec<&Word>> {
    command.is(&["zypper"]).then(|| command.behind(&["install", "in"], &ZYPPER))?
}

/// The packages of `go install`, `go get` or `go run`.
pub(super) fn go(command: &Simple) -> Option<Vec<&Word>> {
    let operands = if command.is(&["go"]) { command.operands(&GO) } else { Vec::new() };
    match operands.split_first()? {
        (verb, rest) if ["install", "get"].contains(&verb.text.as_str()) => Some(rest.to_vec()),
        (verb, rest) if verb.text == "run" => Some(rest.iter().take(1).copied().collect()),
        _ => None,
    }
}

/// Whether an RPM package has a version (`curl-8.5.0`), or is a file or a group, which have none. A variable that the stage does
/// not set is not a version.
pub(super) fn is_rpm_fixed(package: &Word, script: &Script<'_>, variables: &Variables) -> bool {
    let text = package.text.as_str();
    let is_set = |part: &str| {
        let name = part.strip_prefix('$').map(|rest| rest.trim_start_matches('{'));
        let end = |name: &str| name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        name.is_some_and(|name| {
            let name = &name[..end(name)];
            name.is_empty() || variables.has(script, name) || assigned(script).contains(name)
        })
    };
    let is_version = |part: &str| part.starts_with(|c: char| c.is_ascii_digit()) || is_set(part);
    let has_version = text.split('-').skip(1).any(is_version);
    has_version || is_file(text, &[".rpm"]) || text.starts_with('@') || text.contains('/') || text.contains(':')
}

/// Whether a name ends like a package file.
pub(super) fn is_file(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| name.ends_with(end))
}

/// Whether it assumes yes: `-y`.
pub(super) fn assumes_yes(command: &Simple) -> bool {
    command.has_flag("assumeyes", 'y')
}
