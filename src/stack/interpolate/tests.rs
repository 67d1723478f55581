use super::*;
use crate::stack::variables::Set;

fn variables(set: &[(&str, &str)]) -> Variables {
    let set: Set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Variables::from(&set)
}

/// What becomes of a text, and which variables it lacks.
fn expanded(text: &str) -> String {
    let variables = variables(&[("TAG", "1"), ("EMPTY", ""), ("B", "b")]);
    let mut node = Node::text(0..0, text);
    let filled = Interpolation::new(&variables, false).fill(&mut node);
    let lacks = |Unset { name, is_empty, about, .. }: &Unset| {
        let why = if *is_empty { " is empty" } else { "" };
        format!(" [{name}{why}{}]", about.as_ref().map(|about| format!(": {about}")).unwrap_or_default())
    };
    let told =
        |problem: &Diagnostic<Span>| format!("{}; {}", problem.message, problem.help.as_deref().unwrap_or_default());
    match filled.problems.first() {
        Some(problem) => told(problem),
        None => format!("{}{}", node.raw(), filled.unset.list.iter().map(lacks).collect::<String>()),
    }
}

#[test]
fn variables_are_filled_in_as_the_author_meant() {
    let table = [
        ("bb:$TAG-alpine", "bb:1-alpine"),
        ("bb:${TAG}", "bb:1"),
        ("${NO:-a}${NO-b}", "ab"),
        ("${EMPTY:-a}${EMPTY-b}", "a"),
        ("${NO:-${B}}", "b"),
        ("${NO:-${NEITHER:-c}}d", "cd"),
        ("${TAG:+x}${NO:+y}", "x"),
        ("$$TAG $${TAG}", "$TAG ${TAG}"),
        ("${TAG?must-be}", "1"),
    ];
    for (written, meant) in table {
        assert_eq!(expanded(written), meant, "{written}");
    }
}

#[test]
fn a_variable_that_is_not_set_stays_and_every_one_is_told() {
    let table = [
        ("nginx:${NO}", "nginx:${NO} [NO]"),
        ("$A/$TAG/$B/${C}/$A", "$A/1/b/${C}/$A [A] [C]"),
        ("${NO:-x${C}}", "x${C} [C]"),
        ("${NO?some-message}", "${NO?some-message} [NO: some-message]"),
        ("${EMPTY:?}", "${EMPTY:?} [EMPTY is empty]"),
    ];
    for (written, meant) in table {
        assert_eq!(expanded(written), meant, "{written}");
    }
}

#[test]
fn what_is_filled_in_is_bounded() {
    let variables = variables(&[("LONG", &"x".repeat(1 << 20))]);
    let mut node = Node::text(0..0, "${LONG}".repeat(100_000));
    let filled = Interpolation::new(&variables, false).fill(&mut node);
    let told: Vec<String> = filled.problems.into_iter().map(|problem| problem.message).collect();
    insta::assert_snapshot!(told.join("\n"), @"the variables here insert too many bytes");
}

#[test]
fn every_name_is_told_of_very_many_uses() {
    let uses: Vec<Node> = (0..2_000).map(|n| Node::text(n..n + 1, format!("$A ${{B{}}}", n / 1_000))).collect();
    let mut node = Node::new(0..0, Value::Sequence(uses));
    let nothing_set = Variables::default();
    let unset = Interpolation::new(&nothing_set, false).fill(&mut node).unset.into_list();
    let names: BTreeSet<&str> = unset.iter().map(|unset| unset.name.as_str()).collect();
    assert_eq!((names.len(), unset.len()), (3, MAX_PROBLEMS + 1));
}

#[test]
fn what_cannot_be_filled_in_is_told() {
    insta::assert_snapshot!(expanded("u:$2y$05$abc"), @"`$2y` is not a variable; write $$ for a dollar sign, or ${NAME}");
    insta::assert_snapshot!(expanded("a$"), @"`$` is not a variable; write $$ for a dollar sign, or ${NAME}");
    insta::assert_snapshot!(expanded("${TAG"), @"`${TAG` is not a variable; write $$ for a dollar sign, or ${NAME}");
    insta::assert_snapshot!(expanded("a; exit $? ${B}"), @"`$?` is not a variable; write $$ for a dollar sign, or ${NAME}");
    insta::assert_snapshot!(expanded("$! ${NO}"), @"`$!` is not a variable; write $$ for a dollar sign, or ${NAME}");
    insta::assert_snapshot!(expanded("costs $ 5 ${B}"), @"`$` is not a variable; write $$ for a dollar sign, or ${NAME}");
    insta::assert_snapshot!(expanded("${TAG!x}"), @"`${TAG!x}` is not a variable; write $$ for a dollar sign, or ${NAME}");
    insta::assert_snapshot!(expanded(&format!("{}{}", "${NO:-".repeat(20), "}".repeat(20))), @"the defaults of variables are nested more than 16 deep; write the default out");
}
