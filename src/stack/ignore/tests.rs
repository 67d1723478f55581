use proptest::prelude::*;

use super::*;

#[test]
fn paths_are_ignored_as_docker_ignores_them() {
    let table: [(&str, &[&str], &[&str]); 31] = [
        ("", &[], &["a"]),
        ("a", &["a", "a/b/c"], &["b/a", "ab"]),
        ("/a", &["a", "a/b"], &["b/a"]),
        ("a/", &["a", "a/b"], &["b/a"]),
        ("./a//b/../c", &["a/c", "a/c/d"], &["a/b", "c"]),
        ("../a", &[], &["a"]),
        ("*", &["a", "a/b", ".git"], &[]),
        (".", &[], &["a", "a/b"]),
        ("*.md", &["a.md", ".md"], &["a/b.md", "a.mdx"]),
        ("*/b", &["a/b", "a/b/c"], &["b", "x/a/b"]),
        ("*/*/b", &["x/a/b"], &["a/b"]),
        ("?.c", &["a.c"], &["ab.c", "/.c"]),
        ("**", &["a", "a/b/c"], &[]),
        ("**/b", &["b", "a/b", "x/a/b/c"], &["ab", "a/xb"]),
        ("**b", &["b", "xb", "a/xb"], &["bx"]),
        ("**/*.md", &["a.md", "a/b.md"], &["a.mdx"]),
        ("a/**", &["a/b", "a/b/c"], &["a", "ab"]),
        ("a**", &["a", "ab", "a/b"], &["b"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b/c"], &["a/xb", "ab"]),
        ("**/a/**", &["a/b", "x/a/b"], &["a", "x/a"]),
        ("[a-c]x", &["ax", "cx"], &["dx", "x"]),
        ("[^a]x", &["bx"], &["ax"]),
        ("[!a]x", &["!x", "ax"], &["bx"]),
        ("a\\*", &["a*"], &["ab"]),
        ("a.b+(c)|{d}$^", &["a.b+(c)|{d}$^"], &["axb"]),
        ("*\n!a", &["b"], &["a", "a/b"]),
        ("*.md\n!README*.md\nREADME-secret.md", &["a.md", "README-secret.md"], &["README.md"]),
        ("*.md\nREADME-secret.md\n!README*.md", &["a.md"], &["README.md", "README-secret.md"]),
        ("a\n!a/b\n! /a/c", &["a/d"], &["a/b", "a/b/x", "a/c"]),
        ("!a", &[], &["a"]),
        ("\u{feff}# no\n#a\n\n  b  \r\n #c", &["b", "#c"], &["a", "#a"]),
    ];
    for (text, ignored, kept) in table {
        let ignore = Ignore::read(text).unwrap();
        let mut filter = ignore.filter(MAX_STEPS);
        for path in ignored {
            assert!(filter.ignores(path).unwrap(), "{text:?} ignores {path}");
        }
        for path in kept {
            assert!(!filter.ignores(path).unwrap(), "{text:?} keeps {path}");
        }
    }
}

#[test]
fn a_file_that_takes_too_long_is_refused() {
    let shown = Ignore::read(&"a\n".repeat(20_000)).unwrap_err().to_string();
    insta::assert_snapshot!(shown, @"line 10001: `a` is not a pattern: a file has 10000 patterns at most");
    let ignore = Ignore::read(&"*a*b*c*d*e*f*g*h*i\n".repeat(100)).unwrap();
    let mut filter = ignore.filter(1_000_000);
    let refused = (0..10_000).find_map(|number| filter.ignores(&format!("{number}{}i", "a".repeat(200))).err());
    assert_eq!(refused, Some(TooLong));
}

#[test]
fn what_is_not_a_pattern_says_where() {
    let shown = ["a\n!", "[a", "[]", "[z-a]", "a\\"].map(|text| Ignore::read(text).unwrap_err().to_string());
    insta::assert_snapshot!(shown.join("\n"), @r"
    line 2: `!` is not a pattern: there is nothing after the `!`
    line 1: `[a` is not a pattern: its `[` is not closed
    line 1: `[]` is not a pattern: a `-` or `]` in `[…]` needs a `\` before it
    line 1: `[z-a]` is not a pattern: the range `z-a` is the wrong way round
    line 1: `a\` is not a pattern: nothing follows its last `\`
    ");
}

proptest! {
    #[test]
    fn the_last_line_decides(text in "[a!*?/\\\\.\\[\\]\\-^# \n]{0,30}", path in "[a-c]{1,3}(/[a-c]{1,3}){0,3}") {
        if Ignore::read(&text).is_ok() {
            let ignores = |last: &str| {
                let ignore = Ignore::read(&[&text, last].join("\n")).unwrap();
                ignore.filter(MAX_STEPS).ignores(&path).unwrap()
            };
            prop_assert!(ignores("**") && !ignores("!**"));
        }
    }
}
