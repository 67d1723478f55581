use proptest::prelude::*;

use super::parser::Parser;
use super::*;
use crate::lint::dockerfile::Dockerfile;

fn names(script: &str) -> Vec<String> {
    Parser::read(script).commands.iter().map(|command| command.name().to_owned()).collect()
}

fn problem(script: &str) -> Option<&'static str> {
    Parser::read(script).problem.and_then(|problem| problem.code)
}

#[test]
fn commands_are_found_wherever_they_stand() {
    let script = "a && (b; c) | d; x=$(e `f`); if g; then h; else i \"$(j)\"; fi; k() { l; }; for m in n; do o; done";
    assert_eq!(names(script), ["a", "b", "c", "d", "", "e", "f", "g", "h", "i", "j", "l", "o"]);
}

#[test]
fn a_word_is_read_without_its_quotes() {
    let code = Parser::read(r#"e'c'"ho" "a\"b$c" d\ e 'f g' # h"#);
    let texts: Vec<&str> = code.commands[0].words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(texts, ["echo", "a\"b$c", "d e", "f g"]);
}

#[test]
fn what_a_shell_cannot_read_is_named() {
    let cases =
        ["echo 'a", "echo $(a", "if a; then b", "a &&", "a b (c)", "a )", "[ -f x", "a; ; b", "(a", "case x in a) b"];
    let ids: Vec<_> = cases.iter().map(|case| problem(case).unwrap()).collect();
    assert_eq!(
        ids,
        ["SC1072", "SC1072", "SC1072", "SC1072", "SC1088", "SC1089", "SC1072", "SC1070", "SC1072", "SC1072"]
    );
}

#[test]
fn a_function_has_a_name_and_nothing_else() {
    for script in ["$a() { b; }", ">$a b() { c; }", "$(a)() { b; }", "\"a\"() { b; }", "x=$y a() { b; }"] {
        let code = Parser::read(script);
        assert!(code.functions.is_empty() && code.problem.is_some(), "{script}");
        let commands = code.expansions.iter().filter_map(|expansion| expansion.command);
        assert!(commands.into_iter().all(|command| command < code.commands.len()), "{script}");
    }
}

#[test]
fn what_a_shell_can_read_is_no_problem() {
    let good = [
        "case x in a|b) c;; *) d;; esac",
        "while read -r a; do b; done < c",
        "a() { b; }; a 2>&1 | tee c >/dev/null",
        "[ ! -f a ] && [ \"$b\" = c -o -n \"$d\" ]",
        "cat <<EOF\nit's (\nEOF\necho",
        "a=(b c); echo ${a[0]} ${b:-\"$(c)\"} $((1 + (2)))",
        "for ((i = 0; i < 3; i++)); do a; done; [[ a == b* && ( c || d ) ]]",
        "a \\\n  b & c",
        "",
        "# nothing",
    ];
    let wrong: Vec<&str> = good.into_iter().filter(|script| Parser::read(script).problem.is_some()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn places_lead_back_through_continued_lines_and_comments() {
    let text = "FROM a\nRUN b && \\\n  # c\n\n  d \"$e\"\nRUN <<X\nf $g\nX\n";
    let file = Dockerfile::parse(text.as_bytes());
    let scripts = scripts(text.as_bytes(), &file);
    let places = scripts
        .iter()
        .flat_map(|script| script.code.expansions.iter().map(|one| &text[script.place(&one.span)]).collect::<Vec<_>>());
    assert_eq!(places.collect::<Vec<_>>(), ["$e", "$g"]);
}

#[test]
fn any_depth_and_any_length_end() {
    let pieces = [
        "(",
        "$(",
        "$((",
        "\"",
        "'",
        "`",
        "${",
        "{ ",
        "if ",
        "[",
        "[[ ",
        "case x in ",
        "<<a\n",
        "\"$(",
        "a() ",
        "! ",
        "| ",
        "$((`",
        "${a:-\"",
        "for ",
        "x=(",
        "\\",
        "a;",
        "${",
        "((",
        "\u{e9}",
        "while ",
        "[ ( ",
    ];
    for piece in pieces {
        let text = piece.repeat(200_000 / piece.len());
        drop(Parser::read(&text));
    }
}

proptest! {
    #[test]
    fn any_text_ends_in_a_script(
        text in "([ -~\n]|[(){}$`'\"\\\\;&|<>#!]|if |then |fi|do |done|case |in |esac|é|\t){0,120}"
    ) {
        let code = Parser::read(&text);
        for expansion in &code.expansions {
            prop_assert!(text.get(expansion.span.clone()).is_some());
        }
        for word in code.commands.iter().flat_map(|command| &command.words) {
            prop_assert!(text.get(word.span.clone()).is_some());
        }
    }

    #[test]
    fn any_bytes_end_in_scripts(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [b"FROM a\nRUN ".as_slice(), &bytes].concat();
        let file = Dockerfile::parse(&bytes);
        for script in scripts(&bytes, &file) {
            for command in script.commands() {
                prop_assert!(script.place(&command.span).end <= bytes.len());
            }
        }
    }
}
