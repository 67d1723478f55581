use super::*;

fn told(pattern: &str) -> String {
    objection(pattern).map_or_else(String::new, |(span, message)| format!("{message}: {}", &pattern[span]))
}

#[test]
fn what_go_takes_is_taken() {
    let patterns = [
        "",
        "a|b|",
        "(|a)",
        "()",
        "^[a-z]+\\.example\\.com$",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
        "[[:alpha:]_]",
        "a{,3}",
        "a{b}",
        "a{01}",
        "{",
        "}",
        "]",
        "a{2,1000}?",
        "(?i)a*",
        "(?i:a)*",
        "(?P<name>a)",
        "(?<name>a)",
        "(?s-i:a)",
        "\\pL",
        "\\p{Greek}",
        "\\x41",
        "\\x{10FFFF}",
        "\\012",
        "\\0",
        "\\Qa**b\\E*",
        "\\Q\\E",
        "\\_\\-\\/\\<",
        "(a{10}){100}",
        "^*",
        "\\b+",
        "a(?i)*",
        "[\\d\\w-]",
        "[[:word:]\\.\\-\\:]",
        "(a{1000}){0}",
        "[[:x]",
    ];
    for pattern in patterns {
        assert_eq!(told(pattern), "", "{pattern}");
    }
}

#[test]
fn what_go_does_not_take_is_told_at_its_place() {
    insta::assert_snapshot!(told("a.[a-z"), @"this bracket is not closed: [a-z");
    insta::assert_snapshot!(told("a(b"), @"this parenthesis is not closed: (");
    insta::assert_snapshot!(told("a)b"), @"this parenthesis closes nothing: )");
    insta::assert_snapshot!(told("a(?=b)"), @"Go's regular expressions have no such group: (?=");
    insta::assert_snapshot!(told("(?P<a-b>c)"), @"a name of letters, digits and `_` is wanted here: (?P<a-b>");
    insta::assert_snapshot!(told("*.a.b"), @"there is nothing before it to repeat: *");
    insta::assert_snapshot!(told("a|*"), @"there is nothing before it to repeat: *");
    insta::assert_snapshot!(told("a**"), @"a repetition cannot be repeated: **");
    insta::assert_snapshot!(told("a*?+"), @"a repetition cannot be repeated: *?+");
    insta::assert_snapshot!(told("a{1001}"), @"it repeats too often, or from more to less: 1000 is the most: {1001}");
    insta::assert_snapshot!(told("(a{100}){11}"), @"with the repetitions in it, it repeats more than 1000 times: {11}");
    insta::assert_snapshot!(told("\\1"), @r"Go's regular expressions have no `\1`: \1");
    insta::assert_snapshot!(told("a\\Z"), @r"Go's regular expressions have no `\Z`: \Z");
    insta::assert_snapshot!(told("\\xzz"), @r"Go's regular expressions have no `\xzz`: \xzz");
    insta::assert_snapshot!(told("a\\"), @r"nothing stands behind the backslash: \");
    insta::assert_snapshot!(told("[z-a]"), @"the range goes from more to less: z-a");
    insta::assert_snapshot!(told("[[:letter:]]"), @"there is no such class: [:letter:]");
    insta::assert_snapshot!(told("(?i"), @"Go's regular expressions have no such group: (?i");
}

proptest::proptest! {
    #[test]
    fn any_text_is_taken_or_told_within_itself(text in r"[\\\[\](){}|?*+^$a-c0-9é:,<>=!PQExp-]{0,30}") {
        if let Some((span, _)) = objection(&text) {
            proptest::prop_assert!(text.get(span).is_some());
        }
    }
}
