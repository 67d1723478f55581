use super::*;
use crate::diagnostic::{Place, Severity};

/// Which lines of a text a rule says nothing about, if it finds something on each.
fn silent_lines(comments: Comments, text: &str, rule: &'static str) -> Vec<usize> {
    let mut comments = comments;
    let mut start = 0;
    let mut silent = Vec::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let place = Place { path: "file".parse().unwrap(), span: start..start + 1 };
        let mut findings = vec![Diagnostic::new(place, "").code(rule).rated(Severity::Warning)];
        comments.sift(&mut findings);
        if findings.is_empty() {
            silent.push(number + 1);
        }
        start += line.len();
    }
    silent
}

fn in_dockerfile(text: &str) -> Vec<usize> {
    let file = Dockerfile::parse(text.as_bytes());
    silent_lines(Comments::of_dockerfile(text.as_bytes(), &file), text, "DL3006")
}

fn in_yaml(text: &str) -> Vec<usize> {
    silent_lines(Comments::of_yaml(text.as_bytes()), text, "SK3001")
}

/// As hadolint 2.15.1 does, which was asked for each of these.
#[test]
fn comments_of_hadolint_count_as_they_do_for_hadolint() {
    let next = in_dockerfile;
    assert_eq!(next("# hadolint ignore=DL3006\nFROM a\nRUN b\n"), [2]);
    assert_eq!(next("#hadolint   ignore = DL4000 , DL3006\nFROM a\nRUN b\n"), [2]);
    assert_eq!(next("# hadolint ignore=DL3006\n\nFROM a\n"), [0_usize; 0], "a blank line between");
    assert_eq!(next("FROM a\n# hadolint ignore=DL3006\nRUN a \\\n  && b\nRUN c\n"), [3, 4], "all of the instruction");
    assert_eq!(next("# hadolint ignore=DL3006\n# why\nFROM a\n"), [0_usize; 0], "a comment between");
    assert_eq!(next("# hadolint ignore=DL3006 why\nFROM a\n"), [0_usize; 0], "something behind");
    assert_eq!(next("# hadolint ignore=dl3006\nFROM a\n"), [0_usize; 0], "small letters");
    assert_eq!(next("# Hadolint ignore=DL3006\nFROM a\n"), [0_usize; 0], "a capital");
    assert_eq!(next("# hadolint ignore=DL3006,\nFROM a\n"), [0_usize; 0], "a comma at the end");
    assert_eq!(next("RUN a \\\n# hadolint ignore=DL3006\n  && b\n"), [0_usize; 0], "inside of an instruction");
    assert_eq!(next("FROM a\n# hadolint global ignore=DL3006\nRUN b\n"), [1, 2, 3]);
    assert_eq!(next("# hadolint stage ignore=DL3006\nFROM a\nRUN b\nFROM c\n"), [2, 3]);
    assert_eq!(next("FROM a\n# hadolint stage ignore=DL3006\nRUN b\n"), [0_usize; 0], "no stage begins there");
}

#[test]
fn a_comment_of_skep_may_say_why_and_stand_on_the_line_itself() {
    assert_eq!(in_dockerfile("# skep ignore=DL3006 for now\n# a comment\nFROM a\nRUN b\n"), [3]);
    assert_eq!(in_dockerfile("# skep ignore=dl3006: for now\nFROM a\n"), [2]);
    assert_eq!(in_dockerfile("RUN a \\\n# skep ignore=DL3006\n  && b \\\n && c\n"), [3]);
    assert_eq!(in_dockerfile("FROM a\nRUN b # skep ignore=DL3006\nRUN c\n"), [2]);
    assert_eq!(in_yaml("a: 1\n# skep ignore=SK3001, SK3003\n\n# why\nb: 2\nc: 3\n"), [5]);
    assert_eq!(in_yaml("a: 1 # skep ignore=SK3001\nb: 2\n"), [1]);
    assert_eq!(in_yaml("# skep global ignore=SK3001\na: 1\nb: 2"), [1, 2, 3]);
    assert_eq!(in_yaml("a: b#x # skep ignore=SK3001\nb: x# skep ignore=SK3001\n"), [1]);
    assert_eq!(in_yaml("# skep ignore=SK3002\na: 1\n# skep ignore=SK3001"), [0_usize; 0]);
}

#[test]
fn what_must_hold_is_not_switched_off() {
    let comments = Comments::of_yaml(b"# skep ignore=SK1003\na: 1\n");
    assert_eq!(silent_lines(comments, "# skep ignore=SK1003\na: 1\n", "SK1003"), [0_usize; 0]);
}

#[test]
fn comments_that_do_nothing_are_told() {
    let text = "# skep ignore=SK3001,SK9999,SK1003,SC2999\na: 1\n# skep ignore: SK3001\n# skep is good\n";
    let comments = Comments::of_yaml(text.as_bytes());
    let shown = |remarks: Vec<Diagnostic<Span>>| {
        let line = |remark: Diagnostic<Span>| {
            format!("{}: {} ({})", &text[remark.place], remark.message, remark.help.unwrap())
        };
        remarks.into_iter().map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown(comments.unused(&Settings::default())), @"SK3001: `SK3001` finds nothing here (take it out of the comment)");
    insta::assert_snapshot!(shown(comments.doubts()), @"
    SK9999: there is no rule `SK9999` (`skep rules` lists all)
    SK1003: `SK1003` is not switched off: nothing can be deployed where it finds something (take it out of the comment)
    # skep ignore: SK3001: the comment switches nothing off (write `# skep ignore=SK3001`, with `=` and the ids of rules, and why behind a blank)
    ");
}

proptest::proptest! {
    #[test]
    fn any_text_has_comments(text: Vec<u8>, words in "(# ?(skep|hadolint) (global |stage )?ignore ?=[DLSK0-9, ]*\n|FROM a\n|RUN b \\\\\n){0,8}") {
        let text = [words.as_bytes(), &text, words.as_bytes()].concat();
        let comments = Comments::of_dockerfile(&text, &Dockerfile::parse(&text));
        for span in comments.0.iter().flat_map(|comment| &comment.scope) {
            proptest::prop_assert!(span.start < span.end && span.end <= text.len() + 2);
        }
        drop(Comments::of_yaml(&text));
    }
}
