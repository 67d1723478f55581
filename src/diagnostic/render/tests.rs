use super::*;
use crate::diagnostic::Place;

fn finding(
    path: &str,
    span: std::ops::Range<usize>,
    severity: Severity,
    message: &str,
    help: Option<&str>,
) -> Diagnostic {
    let place = Place { path: path.parse().unwrap(), span };
    let finding = Diagnostic::new(place, message).code("SK1003").rated(severity);
    Diagnostic { help: help.map(Into::into), ..finding }
}

fn texts(path: &str, text: &[u8]) -> Texts {
    [(path.parse().unwrap(), text.into())].into()
}

const STACK: &[u8] = b"services:\n  web:\n    image: x\n    networks: [back]\n";

fn both() -> Vec<Diagnostic> {
    vec![
        finding("stack.yml", 0..0, Severity::Warning, "the file has no version", None),
        finding("stack.yml", 45..49, Severity::Error, "there is no network `back`", Some("add it under `networks:`")),
    ]
}

#[test]
fn a_person_sees_the_line_and_what_to_do() {
    insta::assert_snapshot!(human(&both(), &texts("stack.yml", STACK), false), @r"
    warning[SK1003]: the file has no version
    --> stack.yml

    error[SK1003]: there is no network `back`
     --> stack.yml:4:16
      |
    4 |     networks: [back]
      |                ^^^^
      |
      = help: add it under `networks:`
    ");
}

#[test]
fn colour_is_used_only_when_asked_for() {
    let texts = texts("stack.yml", STACK);
    assert!(human(&both(), &texts, true).contains('\u{1b}'));
    assert!(!human(&both(), &texts, false).contains('\u{1b}'));
}

#[test]
fn an_editor_gets_a_line_for_each() {
    insta::assert_snapshot!(short(&both(), &texts("stack.yml", STACK)), @r"
    stack.yml:1:1: warning[SK1003]: the file has no version
    stack.yml:4:16: error[SK1003]: there is no network `back`
    ");
}

#[test]
fn a_program_gets_json() {
    insta::assert_snapshot!(json(&both()[1..], &texts("stack.yml", STACK)), @r#"
    [
      {
        "file": "stack.yml",
        "line": 4,
        "column": 16,
        "endLine": 4,
        "endColumn": 20,
        "code": "SK1003",
        "level": "error",
        "message": "there is no network `back`",
        "help": "add it under `networks:`"
      }
    ]
    "#);
}

#[test]
fn the_pusher_reads_errors_first_and_how_many_more_there_are() {
    insta::assert_snapshot!(remote(&both(), &texts("stack.yml", STACK), 1).join("\n"), @r"
    stack.yml:4:16: error[SK1003]: there is no network `back`
      4 |     networks: [back]
        |                ^^^^
      help: add it under `networks:`
    and 1 more: `skep lint` shows them all
    ");
}

#[test]
fn findings_are_counted() {
    assert_eq!(summary(&both()), "1 error and 1 warning");
    assert_eq!(summary(&[]), "no findings");
}

#[test]
fn nothing_of_a_hostile_file_steers_the_terminal() {
    let text = b"a\x1b[2J\xc2\x9b\xe2\x80\xaeb\x07\xff\tc";
    let findings = [finding("x\u{1b}]0;", 0..3, Severity::Error, "not \u{1b}[1m this", Some("\r\n\u{202e}"))];
    let texts = texts("x\u{1b}]0;", text);
    let shown = [human(&findings, &texts, false), remote(&findings, &texts, 9).join("\n"), short(&findings, &texts)];
    for text in shown {
        assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
    }
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let line = format!("{}HERE{}", "é".repeat(500), "z".repeat(500));
    let findings = [finding("f", 1000..1004, Severity::Error, "it is here", None)];
    let lines = remote(&findings, &texts("f", line.as_bytes()), 9);
    insta::assert_snapshot!(lines.join("\n"), @r"
    f:1:501: error[SK1003]: it is here
      1 | …ééééééééééééééééééééééééééééééHEREzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz…
        |                                ^^^^
    ");
    assert!(lines.iter().all(|line| line.chars().count() < 180), "{lines:?}");
}

#[test]
fn a_place_outside_of_the_text_is_shown_at_its_end() {
    let findings = [finding("f", 90..99, Severity::Error, "it ends here", None)];
    insta::assert_snapshot!(human(&findings, &texts("f", b"ab\r\n"), false), @r"
    error[SK1003]: it ends here
    --> f:2:1
    ");
    insta::assert_snapshot!(human(&findings, &Texts::new(), false), @r"
    error[SK1003]: it ends here
    --> f
    ");
}
