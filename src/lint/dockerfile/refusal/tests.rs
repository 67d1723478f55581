use crate::diagnostic::Severity;
use crate::lint::dockerfile::Dockerfile;

/// What is refused of a file, and how bad it is.
fn said(text: &str) -> String {
    let file = Dockerfile::parse(text.as_bytes());
    let all = file.problems.iter().chain(&file.refused);
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let said = all.map(|one| {
        let mark = if one.severity == Severity::Error { "" } else { "(warning) " };
        format!("{}: {mark}{}", line(one.place.start), one.message)
    });
    said.flat_map(|line| [line, "\n".to_owned()]).collect()
}

fn stage(lines: &str) -> String {
    said(&format!("FROM alpine:3.20\n{lines}\n"))
}

#[test]
fn what_the_builder_takes() {
    for lines in [
        "LABEL a=\"b c\" d='e' f=g\\ h",
        "LABEL a \"b\" c",
        "ENV A=1 B=\"$A\" C=${A:-x}",
        "HEALTHCHECK --interval=5s --timeout=1m30s --retries=3 --start-period=0 CMD true",
        "HEALTHCHECK --interval=5 NONE",
        "RUN --network=none --mount=type=cache,target=/a --mount=type=ssh true",
        "RUN --mount='type=cache,target=/a' true",
        "COPY --chmod=0755 --chown=app:app a /b",
        "COPY --chmod=u=rwX,go=rX a /b",
        "ARG MODE\nCOPY --chmod=$MODE a /b",
        "COPY --link --chown=1000:0 a /b",
        "ADD --checksum=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa https://example.com/a /b",
        "ADD --checksum=0123abc https://example.com/a.git#v1 /b",
        "ADD --keep-git-dir=true https://example.com/a.git /b",
        "STOPSIGNAL SIGRTMIN+3",
        "STOPSIGNAL $SIGNAL",
        "VOLUME [\"/a\", \"/b\"]",
        "ARG --foo A",
        "RUN echo \"it's ${A^^}\" 'x",
        "CMD echo ${A:0:3} \"",
        "WORKDIR /a\\ b",
        "COPY [\"a b\", \"/c\"]",
    ] {
        assert_eq!(stage(lines), "", "{lines}");
    }
}

#[test]
fn quotes_and_forms_that_are_never_closed() {
    insta::assert_snapshot!(stage("LABEL a=\"b\nENV A='b c\nENV A b\"c\nCOPY \"a b\" /c\nWORKDIR \"/a\nUSER ${U\nVOLUME /a\"\nEXPOSE ${P^^}\nARG A=${B:0:1}\nADD ${} /a\nSTOPSIGNAL \"9"), @r"
    2: this quote is never closed
    3: this quote is never closed
    4: this quote is never closed
    5: this quote is never closed
    6: this quote is never closed
    7: `${U` is never closed
    8: this quote is never closed
    9: `${P^^}` is no form that Docker fills in
    10: `${B:0:1}` is no form that Docker fills in
    11: `${}` is no form that Docker fills in
    12: this quote is never closed
    ");
    insta::assert_snapshot!(said("ARG V=\"1\nARG W=${X:=1}\nFROM alpine:${V\n"), @r"
    1: this quote is never closed
    2: `${X:=1}` is no form that Docker fills in
    3: `${V` is never closed
    ");
}

#[test]
fn flags_whose_value_there_is_not() {
    insta::assert_snapshot!(stage("RUN --network=foo a\nRUN --network=$N a\nRUN --security=none a\nRUN --mount a\nRUN --mount= a\nRUN --mount=type=foo a\nRUN --mount=type=bind,from=$A,target=/a a\nHEALTHCHECK --interval=5 CMD a\nHEALTHCHECK --timeout=10us CMD a\nHEALTHCHECK --retries=many CMD a\nCOPY --link=yes a b\nCOPY --chown=a --chown=b a b\nCOPY --exclude=a --exclude=b a b\nHEALTHCHECK --start-period=1d CMD a"), @r"
    2: `--network` cannot be `foo`
    3: `--network` cannot be `$N`
    4: `--security` cannot be `none`
    5: `--mount` needs a value
    6: `--mount` says nothing
    8: `$A` is not filled in here: `from` takes no variables
    9: `--interval` is a duration, and not `5`
    10: `--timeout` is less than a millisecond
    11: `--retries` is a number from 0 on, and not `many`
    12: `--link` is `true` or `false`, and not `yes`
    13: `--chown` is given twice
    15: `--start-period` is a duration, and not `1d`
    6: `` is not `key=value`
    7: the `type` of a mount cannot be `foo`
    ");
}

#[test]
fn modes_owners_checksums_and_sources() {
    insta::assert_snapshot!(stage("COPY --chmod=999 a /b\nCOPY --chmod=rwx a /b\nADD --chmod=10000 a /b\nARG M=999\nCOPY --chmod=$M a /b\nENV E=999\nCOPY --chmod=$E a /b\nCOPY --link --chown=app a /b\nADD --checksum=foo https://example.com/a /b\nADD --checksum=sha256:00 a /b\nADD --checksum=foo https://example.com/a https://example.com/b /c\nCOPY https://example.com/a /b\nCOPY git@example.com:a/b.git /c\nCOPY a <<EOF\nEOF"), @r"
    15: a document cannot be the destination
    2: `999` is no mode of a file
    3: `rwx` is no mode of a file
    4: `10000` is no mode of a file
    6: (warning) `999` is no mode of a file
    8: `999` is no mode of a file
    9: (warning) `--link` knows no names, such as `app`
    10: `foo` is no digest
    11: `--checksum` is for what is downloaded
    12: `--checksum` needs a single source, but there are several
    13: `COPY` downloads nothing, and `https://example.com/a` is an address
    14: `COPY` downloads nothing, and `git@example.com:a/b.git` is an address
    ");
}

#[test]
fn signals_platforms_and_volumes() {
    insta::assert_snapshot!(stage("STOPSIGNAL SIGFOO\nSTOPSIGNAL 0\nVOLUME [\"\"]\nARG =a"), @r"
    5: there is no name before `=`
    2: there is no signal `SIGFOO`
    3: there is no signal `0`
    4: an empty text is no path
    ");
    insta::assert_snapshot!(said("ARG P\nFROM --platform=x64 alpine:3.20\nFROM --platform=$BULIDPLATFORM alpine:3.20\nFROM --platform=$P alpine:3.20\nFROM --platform=$BUILDPLATFORM alpine:3.20\nFROM --platform=linux/ alpine:3.20"), @r"
    2: `x64` is no platform
    3: `$BULIDPLATFORM` is empty, and no platform
    4: (warning) `$P` is empty, and no platform
    6: `linux/` is no platform
    ");
}

#[test]
fn what_is_behind_onbuild_is_for_other_builds() {
    insta::assert_snapshot!(stage("ONBUILD RUN --network=foo a\nONBUILD COPY a\nONBUILD FOO\nONBUILD ENV A\nONBUILD COPY --chmod=999 a b"), @r"
    2: (warning) `--network` cannot be `foo`
    3: (warning) `COPY` needs a source and a destination
    4: (warning) `FOO` is not an instruction
    5: `ENV` needs a name and a value
    ");
}

#[test]
fn a_stage_that_the_last_one_does_not_need_is_not_built() {
    insta::assert_snapshot!(said("FROM alpine:3.20 AS a\nCOPY --chmod=999 a b\nFROM alpine:3.20 AS b\nSTOPSIGNAL FOO\nFROM alpine:3.20 AS c\nSTOPSIGNAL FOO\nFROM c\nCOPY --from=b /a /b\nRUN --mount=type=bind,from=late,target=/a true\nFROM c AS late\nRUN --mount=type=bind,from=late,target=/a true"), @r"
    2: (warning) `999` is no mode of a file
    4: (warning) there is no signal `FOO`
    6: there is no signal `FOO`
    9: (warning) the stage `late` does not exist yet
    11: the stage `late` does not exist yet
    ");
}
