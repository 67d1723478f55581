use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::at;
use crate::lint::rules::shell::packages;
use crate::lint::shell::{Script, Simple, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A package manager is configured to trust any server.
    ///
    /// `pip --trusted-host`, `npm config set strict-ssl false` and `git config http.sslVerify false` disable the
    /// verification of certificates: an attacker on the network can replace the packages.
    ///
    /// ```dockerfile bad
    /// FROM python:3.13
    /// RUN pip install --no-cache-dir --trusted-host pypi.example.com tool==1.0
    /// ```
    ///
    /// ```dockerfile good
    /// FROM python:3.13
    /// RUN pip install --no-cache-dir --index-url https://pypi.example.com/simple tool==1.0
    /// ```
    "SK5504", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.scripts.iter().flat_map(trusting).collect()
}

fn trusting<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let words = script.commands().iter().filter_map(switch);
    words.map(|word| {
        at(script, word, "an attacker on the network can replace the download")
            .help("remove it; for your own certificate authority, add its certificate to the image")
    })
}

/// The argument that disables the check.
fn switch(command: &Simple) -> Option<&Word> {
    if packages::is_pip(command) {
        return command
            .arguments()
            .iter()
            .find(|word| word.text == "--trusted-host" || word.text.starts_with("--trusted-host="));
    }
    let words = command.arguments();
    let at = match command.name() {
        "npm" | "yarn" | "pnpm" => words.iter().position(|word| is_switch(&word.text, "strict-ssl")),
        "git" => words.iter().position(|word| is_switch(&word.text, "http.sslverify")),
        _ => None,
    }?;
    let inside = words[at].text.split_once('=').map(|(_, value)| value);
    let value = inside.or_else(|| words.get(at + 1).map(|word| word.text.as_str()))?;
    ["false", "0", "off"].contains(&value).then_some(&words[at])
}

/// A word that is this setting, with or without its value.
fn is_switch(word: &str, name: &str) -> bool {
    let setting = word.trim_start_matches('-').split('=').next().unwrap_or_default();
    setting.eq_ignore_ascii_case(name)
}
