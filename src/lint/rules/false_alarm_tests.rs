//! What real files say that a rule must not find, and what it must, rule by rule.

use std::collections::BTreeMap;

use crate::diagnostic::Severity;
use crate::lint::{Settings, findings};
use crate::revision::Revision;

/// What a rule finds in a Dockerfile: lines.
fn lines(rule: &str, dockerfile: &str) -> Vec<usize> {
    found("Dockerfile", rule, dockerfile).into_iter().map(|(line, _)| line).collect()
}

fn found(path: &str, rule: &str, text: &str) -> Vec<(usize, Severity)> {
    let revision = Revision::of(&[(path, text)]);
    let all = findings(&revision, &BTreeMap::new(), &Settings::default());
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    all.iter().filter(|one| one.id() == rule).map(|one| (line(one.place.span.start), one.severity)).collect()
}

/// Every finding of a shell rule in a Dockerfile.
fn of_shell(dockerfile: &str) -> Vec<String> {
    let revision = Revision::of(&[("Dockerfile", dockerfile)]);
    let all = findings(&revision, &BTreeMap::new(), &Settings::default());
    let is_one = |rule: &str| rule.starts_with("SC") || ["DL4006", "DL3003", "DL4001", "DL3047"].contains(&rule);
    all.iter().filter(|one| is_one(one.id())).map(|one| format!("{} {}", one.id(), one.message)).collect()
}

#[test]
fn scripts_of_windows_are_for_no_posix_shell() {
    let none: [&str; 0] = [];
    let script = "RUN cd C:\\app & if (Test-Path $env:X) { Remove-Item (Get-Item \"a`\") } | more";
    for before in [
        "# escape=`\nFROM anything:1",
        "FROM mcr.microsoft.com/windows/servercore:ltsc2022",
        "FROM mcr.microsoft.com/dotnet/aspnet:8.0-nanoserver-1809",
        "ARG REPO=mcr.microsoft.com/dotnet/aspnet\nFROM $REPO:8.0-windowsservercore-ltsc2019",
        "FROM --platform=windows/amd64 golang:1.24",
        "FROM mcr.microsoft.com/windows/nanoserver:1809 AS base\nFROM base AS next\nFROM next",
        "FROM debian:12\nSHELL [\"powershell\", \"-Command\"]",
        "FROM debian:12 AS base\nSHELL [\"pwsh\", \"-Command\"]\nFROM base",
        "FROM debian:12\nSHELL [\"cmd\", \"/S\", \"/C\"]",
        "ARG BASE\nFROM $BASE\nRUN powershell -Command Get-Item .",
        "ARG BASE\nFROM $BASE\nRUN if not exist C:\\app mkdir C:\\app",
        "ARG BASE\nFROM $BASE\nWORKDIR C:\\app",
        "ARG BASE\nFROM $BASE\nCOPY app.exe C:/app/app.exe",
        "ARG BASE\nFROM $BASE\nRUN setx /M PATH \"%PATH%;C:\\app\"",
    ] {
        assert_eq!(of_shell(&format!("{before}\n{script}\n")), none, "{before}");
    }
    // A shell of its own is read in an image of Windows as elsewhere, and a stage of Linux beside one of Windows.
    assert_eq!(lines("SC2086", "# escape=`\nFROM windows:1\nSHELL [\"bash\", \"-c\"]\nRUN rm $1\n"), [4]);
    assert_eq!(lines("SC2086", "FROM golang:1.24-nanoserver AS a\nRUN del a\nFROM debian:12\nRUN rm $1\n"), [4]);
}

#[test]
fn keys_that_everybody_may_have_are_no_secrets() {
    for line in [
        "ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305",
        "ENV GPG_KEY 7169605F62C751356D054A26A821E680E5FA6305",
        "ENV GPG_KEYS \"B42F6819007F00F88E364FD4036A9C25BF357DD4 A4A9406876FCBD3C456770C88C718D3B5072E1F5\"",
        "ENV RELEASE_KEY=7169605F62C751356D054A26A821E680E5FA6305",
        "ARG PGP_KEY",
        "ENV Filters__0__Key=colour",
        "ENV Serilog__WriteTo__1__Key=level",
        "ENV TLS_KEY=/etc/ssl/private/key.pem",
        "ENV AUTH=true",
    ] {
        assert_eq!(lines("DL3064", &format!("FROM alpine:3.20\n{line}\n")), [0; 0], "{line}");
    }
    for line in [
        "ENV API_KEY=7169605F62C751356D054A26A821E680E5FA6305",
        "ARG NPM_TOKEN",
        "ENV Jwt__0__Key=abc",
        "ENV DB_PASSWORD=hunter2",
        "ENV SSH_KEY=abc",
    ] {
        assert_eq!(lines("DL3064", &format!("FROM alpine:3.20\n{line}\n")), [2], "{line}");
    }
}

#[test]
fn what_package_managers_leave() {
    let run = |rule, script: &str| lines(rule, &format!("FROM fedora:41\nRUN {script}\n"));
    for (rule, script) in [
        ("DL3009", "apt-get update && apt-get install -y a=1 && apt-get dist-clean"),
        ("DL3009", "apt-get update && apt-get install -y a=1 && apt-get distclean"),
        ("DL3009", "aptitude update && rm -rf /var/lib/apt/lists/*"),
        ("DL3060", "--mount=type=cache,target=/home/node/.cache/yarn yarn install"),
        ("DL3060", "--mount=type=cache,target=/usr/local/share/.cache/yarn/v6 yarn install"),
        ("DL3060", "--mount=type=cache,target=/root/.cache yarn install"),
        ("DL3060", "yarn install && rm -rf \"$(yarn cache dir)\""),
        ("DL3060", "yarn install && rm -rf `yarn cache dir`"),
        ("DL3040", "dnf in -y a-1 && dnf clean all"),
        ("DL3040", "dnf -y up && rm -rf /var/cache/*"),
        ("DL3040", "microdnf rei a-1 && microdnf clean packages"),
    ] {
        assert_eq!(run(rule, script), [0; 0], "{script}");
    }
    for (rule, script) in [
        ("DL3009", "apt-get update && apt-get install -y a=1 && apt-get clean"),
        ("DL3009", "aptitude update"),
        ("DL3009", "apt-get dist-clean && apt-get update"),
        ("DL3060", "yarn install && rm -rf \"$(npm config get cache)\""),
        ("DL3040", "dnf in -y a-1"),
        ("DL3040", "dnf -y up"),
        ("DL3040", "microdnf rei -y a-1"),
        ("DL3040", "dnf up-min"),
        ("DL3040", "dnf grp in -y a"),
        ("DL3041", "dnf in -y curl"),
        ("DL3038", "dnf in curl-1"),
    ] {
        assert_eq!(run(rule, script), [2], "{script}");
    }
    // A stage that another one is built on becomes a part of the image.
    let stages = "FROM debian:12 AS base\nRUN aptitude update\nFROM base AS next\nRUN true\nFROM next\n";
    assert_eq!(lines("DL3009", stages), [2]);
    let chosen = "ARG FROM=two\nFROM debian:12 AS two\nRUN apt-get update\nFROM $FROM\nRUN true\n";
    assert_eq!(lines("DL3009", chosen), [3]);
}

#[test]
fn versions_of_packages_and_images() {
    let run = |rule, script: &str| lines(rule, &format!("FROM python:3.13\nARG V=1.2\nRUN {script}\n"));
    for (rule, script) in [
        ("DL3013", "pip install --root-user-action ignore x==1"),
        ("DL3013", "pip install --keyring-provider import x==1"),
        ("DL3013", "pipx install --python \"$(command -v python3)\" x==1"),
        ("DL3013", "pipx install --pip-args '--no-cache' x==1"),
        ("DL3041", "dnf install -y curl-$V"),
        ("DL3033", "W=1 && yum install -y curl-${W}"),
    ] {
        assert_eq!(run(rule, script), [0; 0], "{script}");
    }
    for (rule, script) in [
        ("DL3013", "pip install --root-user-action ignore x"),
        ("DL3013", "pipx install --python 3.12 x"),
        ("DL3041", "dnf install -y curl-$UNSET"),
        ("DL3033", "yum install -y curl-${UNSET}"),
    ] {
        assert_eq!(run(rule, script), [3], "{script}");
    }
    // An argument counts for its own stage.
    let stages = "FROM fedora:41 AS one\nARG V=1\nRUN dnf in -y a-$V\nFROM fedora:41\nRUN dnf in -y a-$V\nRUN yum install -y a-$V\n";
    assert_eq!((lines("DL3041", stages), lines("DL3033", stages)), (vec![5], vec![6]));
    for (image, is_found) in [
        ("r/x${V}/y", true),
        ("r/${V}", true),
        ("x$V", true),
        ("$V", false),
        ("${V}/y", false),
        ("docker.io/$V", false),
        ("r/y:$V", false),
        ("r/y$T", false),
    ] {
        let file = format!("ARG V\nARG T=:1\nFROM {image}\n");
        // It may be the name of a stage.
        let stages = "ARG V\nFROM a:1 AS r\nFROM b:1 AS build-one\nFROM build-$V\n";
        assert_eq!(lines("DL3006", stages), [0; 0]);
        assert_eq!(lines("DL3006", &file), vec![3; usize::from(is_found)], "{image}");
    }
}

#[test]
fn texts_for_other_programs() {
    let run = |rule, script: &str| lines(rule, &format!("FROM debian:12\nRUN {script}\n"));
    for (rule, script) in [
        ("SC2016", r"sed 's/\(a\)/${\1}/' f"),
        ("SC2016", r"sed -e '$d' f"),
        ("SC2016", r"sed '$!{N;P}' f"),
        ("DL3047", "wget -Uri https://example.com/a -OutFile a"),
        ("DL3047", "wget -UseBasicParsing https://example.com/a"),
    ] {
        assert_eq!(run(rule, script), [0; 0], "{script}");
    }
    assert_eq!(run("SC2016", "sed 's/a/$HOME/' f"), [2]);
    assert_eq!(run("DL3047", "wget https://example.com/a"), [2]);
}

#[test]
fn pipelines_whose_shell_has_no_such_option() {
    let pipe = "RUN wget -qO- https://example.com | tar x";
    for (shell, image, is_found) in [
        (r#"["/bin/sh", "-o", "pipefail", "-c"]"#, "debian:12", true),
        (r#"["/bin/dash", "-o", "pipefail", "-c"]"#, "debian:12", true),
        (r#"["/bin/bash", "-c"]"#, "debian:12", true),
        (r#"["/bin/sh", "-eo", "pipefail", "-c"]"#, "alpine:3.20", false),
        (r#"["/bin/ash", "-o", "pipefail", "-c"]"#, "alpine:3.20", false),
        (r#"["/bin/bash", "-o pipefail", "-c"]"#, "debian:12", false),
    ] {
        let file = format!("FROM {image}\nSHELL {shell}\n{pipe}\n");
        assert_eq!(lines("DL4006", &file), vec![3; usize::from(is_found)], "{shell}");
    }
}

#[test]
fn lists_that_are_none() {
    for (line, severity) in [
        (r#"RUN ["a", "b" "c"]"#, Severity::Error),
        ("RUN ['a', 'b']", Severity::Error),
        (r#"RUN ["a", "b",]"#, Severity::Error),
        (r#"CMD ["a" "b"]"#, Severity::Warning),
        ("ENTRYPOINT ['a']", Severity::Warning),
        ("VOLUME ['/a']", Severity::Warning),
        ("HEALTHCHECK CMD ['a', 'b']", Severity::Warning),
        (r#"CMD [ "a", 'b' ]"#, Severity::Warning),
    ] {
        assert_eq!(found("Dockerfile", "SK5021", &format!("FROM alpine:3.20\n{line}\n")), [(2, severity)], "{line}");
    }
    for line in [
        r#"RUN [ "$A" = b ] && c"#,
        r#"RUN [ "$A,$B" = "'a',\"b\"" ]"#,
        "RUN [ -f /a ]",
        r#"CMD ["a", "b"]"#,
        r"RUN [[ $A == b ]]",
        "RUN [ 'a' != \"b\" ]",
    ] {
        assert_eq!(found("Dockerfile", "SK5021", &format!("FROM alpine:3.20\n{line}\n")), [], "{line}");
    }
}

#[test]
fn commands_that_are_lost() {
    let run = |rule, lines_of: &str| lines(rule, &format!("FROM debian:12\n{lines_of}\n"));
    assert_eq!(run("SK5506", "RUN a \\\n && b # c \\\n && d"), [3]);
    assert_eq!(run("SK5506", "RUN a; # c \\\n b"), [2]);
    assert_eq!(run("SK5506", "RUN if a; then b; fi # c \\\n\n && d"), [2]);
    for fine in [
        "RUN a \\\n # c\n && b",
        "RUN a # c",
        "RUN a \\\n && b # c \\\n",
        "RUN echo 'a # b' \\\n && c",
        "RUN <<EOF\na # b\nc\nEOF",
        "RUN a${b#c} \\\n && d",
    ] {
        assert_eq!(run("SK5506", fine), [0; 0], "{fine}");
    }
    assert_eq!(run("SK5507", "RUN <<EOF\na\nb\nEOF"), [3]);
    assert_eq!(run("SK5507", "RUN <<EOF\necho a\nb | c\nd\nEOF"), [4]);
    assert_eq!(run("SK5507", "RUN <<EOF bash\na && b\nc\nEOF"), [3]);
    for fine in [
        "RUN <<EOF\nset -e\na\nb\nEOF",
        "RUN <<EOF\nset -euo pipefail\na\nb\nEOF",
        "RUN <<EOF\n#!/bin/bash -e\na\nb\nEOF",
        "SHELL [\"/bin/bash\", \"-ec\"]\nRUN <<EOF\na\nb\nEOF",
        "RUN <<EOF\na && b\nEOF",
        "RUN <<EOF\na || exit 1\nb\nEOF",
        "RUN <<EOF\nA=1\nexport B=2\nb\nEOF",
        "RUN cat <<EOF > /a\nb\nc\nEOF",
        "COPY <<EOF /a\nb\nc\nEOF",
    ] {
        assert_eq!(run("SK5507", fine), [0; 0], "{fine}");
    }
}

#[test]
fn brackets_without_a_space() {
    let run = |script: &str| lines("SC1072", &format!("FROM debian:12\nRUN {script}\n"));
    for script in ["[-f a] && b", "if [$A = b ]; then c; fi", "[[-n $A]] || b", "[\"$A\" = b]", "a && [ -f b]"] {
        assert_eq!(run(script), [2], "{script}");
    }
    for script in ["[ -f a ] && b", "echo [-f a]", "ls [ab] [c]", "[abc]", "a[1]=2 b]"] {
        assert_eq!(run(script), [0; 0], "{script}");
    }
}

#[test]
fn what_is_said_to_buildkit_counts() {
    let file = |top: &str| format!("{top}from alpine:3.20 AS a\nMAINTAINER me\nCMD a\n");
    let of = |top: &str| {
        let text = file(top);
        ["DL4000", "SK5012", "SK5011"]
            .map(|rule| found("Dockerfile", rule, &text).first().map(|(_, severity)| *severity))
    };
    assert_eq!(of(""), [Some(Severity::Warning), Some(Severity::Style), Some(Severity::Style)]);
    assert_eq!(of("# check=skip=MaintainerDeprecated\n"), [None, Some(Severity::Style), Some(Severity::Style)]);
    assert_eq!(of("# check=skip=all\n"), [None, None, None]);
    let error = Some(Severity::Error);
    assert_eq!(of("# syntax=docker/dockerfile:1\n# check=skip=FromAsCasing;error=true\n"), [error, error, None]);
    assert_eq!(lines("DL4000", "FROM a:1\n# check=skip=MaintainerDeprecated\nMAINTAINER me\nMAINTAINER me\n"), [4]);
    assert_eq!(lines("DL1000", &file("# check=skip=A; error=true\n")), [1]);
    assert_eq!(lines("DL1000", &file("# escape=`\n# escape=`\n")), [2]);
    assert_eq!(lines("SK0003", &file("# check=skip=MaintainerDepricated\n")), [1]);
}

/// What BuildKit's own front end says about Dockerfiles.
const GOLDEN: &str = include_str!("../dockerfile/refusal/golden.txt");

#[test]
fn what_buildkit_refuses_is_an_error_and_nothing_else_is() {
    let mut wrong = String::new();
    let cases = GOLDEN.split("=== ").skip(1).filter_map(|case| case.split_once('\n'));
    let mut count = 0;
    for (verdict, dockerfile) in cases {
        count += 1;
        let revision = Revision::of(&[("Dockerfile", dockerfile)]);
        let all = findings(&revision, &BTreeMap::new(), &Settings::default());
        let errors: Vec<_> =
            all.iter().filter(|one| one.severity == Severity::Error && !one.id().starts_with("SC")).collect();
        if errors.is_empty() == (verdict == "refused") {
            wrong.extend([verdict, ": ", dockerfile, &format!("{errors:#?}\n")]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 250, "{count}");
}
