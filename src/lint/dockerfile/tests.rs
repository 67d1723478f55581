use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// A line for each instruction and problem, with the text at its place.
fn shown(text: &str) -> String {
    let file = Dockerfile::parse(text.as_bytes());
    let mut out = String::new();
    for instruction in &file.instructions {
        write!(out, "{}{}", if instruction.on_build { "ONBUILD " } else { "" }, instruction.keyword).unwrap();
        for flag in &instruction.flags {
            write!(out, " --{}={:?}", flag.name, flag.value.as_ref().map(|word| word.text.as_str())).unwrap();
        }
        match &instruction.arguments {
            Arguments::Words(words) => words.iter().for_each(|word| write!(out, " {:?}", word.text).unwrap()),
            Arguments::Json(words) => words.iter().for_each(|word| write!(out, " json {:?}", word.text).unwrap()),
            Arguments::Text(word) => write!(out, " text {:?}", word.text).unwrap(),
        }
        for heredoc in &instruction.heredocs {
            write!(out, " <<{} {:?}", heredoc.name, &text[heredoc.body.clone()]).unwrap();
        }
        out.push('\n');
    }
    for problem in &file.problems {
        writeln!(out, "{:?}: {}", &text[problem.place.clone()], problem.message).unwrap();
    }
    out
}

#[test]
fn the_whole_language_is_read() {
    let text = r#"# syntax=docker/dockerfile:1
# a comment ends the directives
# escape=`
from --platform=linux/amd64 alpine:3.20 as base
RUN --mount=type=cache,target=/c \
  # a comment inside

    apk add a \
    b
copy --from=base --chown=1:1 ["a b", "c\"d", "/x/"]
ENV A=1 B="x y" C='#'
ENV old form here
ONBUILD ADD x y
RUN <<EOF cat <<-"E2" "<<no" 1 << 2
one
EOF
	two
	E2
COPY <<EOF /etc/x
three
EOF
HEALTHCHECK --interval=3s CMD curl -f localhost
RUN ["sh", "-c"]
RUN [ -f x ] && y
CMD
"#;
    insta::assert_snapshot!(shown(text), @r##"
    FROM --platform=Some("linux/amd64") "alpine:3.20" "as" "base"
    RUN --mount=Some("type=cache,target=/c") text "apk add a     b"
    COPY --from=Some("base") --chown=Some("1:1") json "a b" json "c\"d" json "/x/"
    ENV "A=1" "B=\"x y\"" "C='#'"
    ENV "old" "form" "here"
    ONBUILD ADD "x" "y"
    RUN text "<<EOF cat <<-\"E2\" \"<<no\" 1 << 2" <<EOF "one\n" <<E2 "\ttwo\n"
    COPY "<<EOF" "/etc/x" <<EOF "three\n"
    HEALTHCHECK --interval=Some("3s") "CMD" "curl" "-f" "localhost"
    RUN json "sh" json "-c"
    RUN text "[ -f x ] && y"
    CMD text ""
    "##);
}

#[test]
fn a_backtick_continues_a_line_when_the_file_says_so() {
    insta::assert_snapshot!(shown("# escape=`\nFROM a\nCOPY c:\\ `\n  d:\\\n"), @r#"
    FROM "a"
    COPY "c:\\" "d:\\"
    "#);
}

#[test]
fn the_name_of_a_document_is_read_as_a_shell_reads_it() {
    insta::assert_snapshot!(shown("RUN <<e'o'f <<e\\'f <<'one two' <<\"a\\\"b\" <<<x\neof\ne'f\none two\na\"b\n"), @r#"RUN text "<<e'o'f <<e\\'f <<'one two' <<\"a\\\"b\" <<<x" <<eof "" <<e'f "" <<one two "" <<a"b """#);
}

#[test]
fn reading_goes_on_behind_a_mistake() {
    let text = r#"FORM alpine
FROM
FROM a b
FROM a AS 1x
COPPY a b
RUN --mounts=x y
apk add curl
ENV
ENV A=1 B
ENV A
ENV =x
COPY a
SHELL bash
CMD ["a", 1]
RUN []
HEALTHCHECK curl
HEALTHCHECK CMD
HEALTHCHECK NONE x
USER
EXPOSE
ONBUILD
// no comment
RUN <<EOF
never
"#;
    insta::assert_snapshot!(shown(text).split_once("\"FORM\"").unwrap().1, @r#"
    : `FORM` is not an instruction
    "FROM": `FROM` needs an image
    "b": `FROM` takes an image and, behind `AS`, a name
    "1x": `1x` cannot be the name of a stage
    "COPPY": `COPPY` is not an instruction
    "--mounts=x": `RUN` has no flag `--mounts`
    "apk": `apk` is not an instruction
    "ENV": `ENV` needs at least one `name=value`
    "B": `B` is not `name=value`
    "ENV A": `ENV` needs a name and a value
    "=x": there is no name before `=`
    "COPY a": `COPY` needs a source and a destination
    "SHELL bash": `SHELL` needs a JSON list, such as `["/bin/bash", "-c"]`
    "[\"a\", 1]": the JSON list has something else than strings in it
    "RUN []": `RUN` needs a command
    "curl": `HEALTHCHECK` is followed by `CMD` or `NONE`, not by `curl`
    "HEALTHCHECK CMD": `HEALTHCHECK` needs a command behind `CMD`
    "x": nothing may follow `HEALTHCHECK NONE`
    "USER": `USER` needs an argument
    "EXPOSE": `EXPOSE` needs at least one argument
    "ONBUILD": `ONBUILD` needs an instruction behind it
    "//": `//` is not an instruction
    "RUN <<EOF": the document `EOF` never ends
    "#);
}

#[test]
fn what_docker_builds_has_no_problems() {
    let texts = [
        "",
        "\u{feff}FROM scratch\r\nRUN a \\\r\n b\r\n",
        "FROM scratch\nRUN a \\\\\nRUN b",
        "FROM scratch\nRUN a \\",
        "FROM scratch\nLABEL a b c\nARG a b\nCMD []\nENTRYPOINT\nRUN",
        "FROM scratch\nENV a=\"b",
        "FROM scratch\nONBUILD COPY --from=x a b",
    ];
    for text in texts {
        assert_eq!(Dockerfile::parse(text.as_bytes()).problems, [], "{text:?}");
    }
}

#[test]
fn stages_begin_at_from() {
    let file = Dockerfile::parse(b"ARG X\nFROM a AS one\nRUN x\nFROM b\n");
    let stages: Vec<_> = file
        .stages()
        .map(|stage| (stage.index, stage.name().map(|name| &*name.text), stage.instructions.len()))
        .collect();
    assert_eq!(stages, [(0, Some("one"), 2), (1, None, 1)]);
}

#[test]
fn an_encoding_or_a_line_that_docker_does_not_read_is_a_problem() {
    let messages = |bytes: &[u8]| -> Vec<String> {
        Dockerfile::parse(bytes).problems.into_iter().map(|problem| problem.message).collect()
    };
    assert_eq!(messages(b"\xff\xfeF\0R\0"), ["it is encoded as UTF-16"]);
    let long = format!("FROM a\nRUN {}", "x".repeat(70_000));
    assert_eq!(messages(long.as_bytes()), ["the line is longer than the 65535 bytes that Docker reads"]);
    assert_eq!(messages(b"FROM a\n# \xe9\n"), [""; 0]);
}

#[test]
fn a_file_of_nothing_but_mistakes_ends_early() {
    for text in ["x\n".repeat(500_000), format!("RUN {}", "--x ".repeat(10_000))] {
        assert_eq!(Dockerfile::parse(text.as_bytes()).problems.len(), Dockerfile::MAX_PROBLEMS);
    }
}

/// The keyword of the other reader's instruction: the name of its variant.
fn keyword(instruction: &parse_dockerfile::Instruction<'_>) -> String {
    let shown = format!("{instruction:?}");
    shown.split('(').next().unwrap_or_default().to_ascii_uppercase()
}

/// A Dockerfile of instructions in every form, with whatever may stand between and inside of them.
fn dockerfiles() -> impl Strategy<Value = String> {
    let lines = [
        "FROM a:1",
        "from a AS b",
        "RUN x",
        "RUN a \\\n b",
        "RUN a \\\n# comment\n\n  b",
        "RUN [\"a\", \"b\"]",
        "RUN --mount=type=cache,target=/x y",
        "RUN <<EOF\nx\nFROM\nEOF",
        "COPY <<a <<-b /x/\n1\na\n2\n\tb",
        "COPY a b",
        "COPY --from=b [\"a b\", \"c\"]",
        "ADD a b c/",
        "ENV a=1 b='2 3'",
        "ENV a b",
        "LABEL a=\"b c\"",
        "ARG a",
        "ARG a=b",
        "EXPOSE 80 81/udp",
        "CMD a",
        "CMD [\"a\"]",
        "ENTRYPOINT [ \"a\" ]",
        "HEALTHCHECK NONE",
        "HEALTHCHECK --interval=3s CMD a b",
        "SHELL [\"a\"]",
        "STOPSIGNAL 9",
        "USER a",
        "VOLUME a b",
        "VOLUME [\"a\"]",
        "WORKDIR /a b",
        "MAINTAINER a",
        "ONBUILD RUN a",
        "",
        "  ",
        "# comment",
        "\tRUN x",
        "RUN x\r",
    ];
    prop::collection::vec(prop::sample::select(lines.to_vec()), 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn another_reader_finds_the_same_instructions(rest in dockerfiles()) {
        let text = format!("FROM a\n{rest}\n");
        let file = Dockerfile::parse(text.as_bytes());
        let theirs = parse_dockerfile::parse_iter(&text).unwrap().map(|one| keyword(&one.unwrap())).collect::<Vec<_>>();
        let ours: Vec<String> = file
            .instructions
            .iter()
            .map(|one| if one.on_build { "ONBUILD".to_owned() } else { one.keyword.to_string() })
            .collect();
        prop_assert_eq!(ours, theirs);
        prop_assert_eq!(file.problems, []);
    }

    #[test]
    fn any_bytes_give_places_inside_of_the_file(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "FROM ", "RUN ", "COPY ", "ONBUILD ", "--from=", "--", "<<EOF", "EOF", "[\"", "\"]", "\\\n", "\n", "#",
                    "# escape=`\n", "`", "'", "\"", " ", "=", "ü", "\u{feff}", "\r", "HEALTHCHECK ", "ENV ", "\\",
                ])
                .prop_map(|text| text.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..4),
            ],
            0..40,
        )
    ) {
        let bytes = pieces.concat();
        let text = read::readable(&bytes);
        let file = Dockerfile::parse(&bytes);
        prop_assert_eq!(text.len(), bytes.len());
        for instruction in &file.instructions {
            prop_assert!(text.get(instruction.span.clone()).is_some());
            for word in instruction.words() {
                prop_assert!(text.get(word.span.clone()).is_some(), "{:?}", word);
            }
        }
        for problem in &file.problems {
            prop_assert!(text.get(problem.place.clone()).is_some(), "{:?}", problem);
        }
    }
}
