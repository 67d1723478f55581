use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::line_column;
use crate::stack::file::{File, ReadMode};
use crate::stack::gather::{Library, gather};
use crate::stack::merge::Zeros;
use crate::stack::variables::Variables;

fn path(text: &str) -> RepoPath {
    text.parse().unwrap()
}

fn piece(name: &str, text: &str) -> Piece {
    Piece { path: path(name), text: text.as_bytes().into() }
}

/// What a stack file makes of a template, or all that is wrong.
fn made(stack: &str, body: &str, values: &str) -> Result<Expansion, Vec<Diagnostic>> {
    let template = Template {
        body: piece("templates/t/stack.yml", body),
        values: piece("templates/t/values.yml", values),
        built_in: false,
    };
    Reference::of(&path("stack.yml"), &stack.as_bytes().into()).expect("it asks for a template").fill(template)
}

/// What is understood of what came out.
fn read(made: &Expansion) -> (File, Vec<Diagnostic<Span>>) {
    let written = |_: &RepoPath, _| Ok(Written::Template(Box::new(made.clone())));
    let library = Library { text: &|_| Ok(Arc::default()), written: &written, read_mode: ReadMode::default() };
    File::of(gather(&[path("stack.yml")], library, &Variables::default(), Zeros::Count))
}

/// What comes out of a body, its values being their own defaults.
fn filled(body: &str, values: &str) -> String {
    match made("x-skep: {template: t}", body, values) {
        Ok(made) => String::from_utf8(made.filled().to_vec()).unwrap(),
        Err(misfits) => shown(&misfits, &[("templates/t/stack.yml", body), ("templates/t/values.yml", values)]),
    }
}

fn shown(misfits: &[Diagnostic], texts: &[(&str, &str)]) -> String {
    let mut shown = String::new();
    for misfit in misfits {
        let Place { path, span } = &misfit.place;
        let text = texts.iter().find(|(name, _)| *name == path.as_str()).map_or("", |(_, text)| text);
        let (line, column) = line_column(text.as_bytes(), span.start);
        let help = misfit.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        writeln!(shown, "{path}:{line}:{column}: {}{help}", misfit.message).unwrap();
    }
    shown
}

/// What is wrong with the values that a stack file gives.
fn refused(values: &str) -> String {
    let stack = format!("x-skep:\n  template: t\n  values: {values}\n");
    let defaults = "host:\nport: 80\ntls: true\nnames: []\nenv: {}\nhealth: {path: /, every: 10s}\n";
    shown(&made(&stack, "", defaults).unwrap_err(), &[("stack.yml", &stack)])
}

#[test]
fn values_come_out_as_yaml_whatever_is_in_them() {
    let values = r#"{a: "x: 1 # no", b: [1, "2", true, ~], c: {k: "v\n\"", 1x: 2}, d: 1.10, e: "${TAG}"}"#;
    let body = "a: {{ values.a }}\nb: {{ values.b }}\nc: {{ values.c }}\nd: {{ values.d }}\ne: {{ values.e }}\n";
    let filled = filled(body, values);
    insta::assert_snapshot!(filled, @r#"
    a: "x: 1 # no"
    b: [1, "2", true, null]
    c: {"1x": 2, "k": "v\n\""}
    d: 1.10
    e: "${TAG}"
    "#);
    assert_eq!(yaml::parse(filled.as_bytes()).unwrap().get("a").unwrap().as_str(), Some("x: 1 # no"));
}

#[test]
fn a_part_of_a_text_is_written_with_a_filter() {
    let body = "a: \"http://{{ values.a|text }}:{{ values.p|text }}\"\n";
    insta::assert_snapshot!(filled(body, r#"{a: 'a"b\', p: 80}"#), @r#"a: "http://a\"b\\:80""#);
    insta::assert_snapshot!(filled("a: {{ values.a|text }}", "{a: [1]}"), @"templates/t/stack.yml:1:16: the template cannot be applied: `text` is for a text or a number, but this is a sequence");
}

#[test]
fn there_are_conditions_and_loops() {
    let body = r#"{# names #}
{% if values.on and not values.off %}
a:
  {% for name, value in values.m|items %}
  {{ name }}: {{ value }}
  {% else %}
  none: true
  {% endfor %}
{% elif values.off %}
b: {}
{% endif %}
c: "{% raw %}{{.Node.Hostname}}{% endraw %}"
"#;
    insta::assert_snapshot!(filled(body, "{on: true, off: false, m: {x: 1, y: [z]}}"), @r#"
    a:
      "x": 1
      "y": ["z"]
    c: "{{.Node.Hostname}}"
    "#);
}

#[test]
fn given_values_are_checked_against_the_defaults() {
    insta::assert_snapshot!(refused("{host: a, prot: 1, healht: 3, what: 1}"), @r"
    stack.yml:3:21: the template `t` has no value `prot`; did you mean `port`?
    stack.yml:3:30: the template `t` has no value `healht`; did you mean `health`?
    stack.yml:3:41: the template `t` has no value `what`; there are: host, port, tls, names, env, health
    ");
    insta::assert_snapshot!(refused("{host: a, health: {paht: 1}, port: [1], tls: 'yes', names: a, env: 1}"), @r"
    stack.yml:3:30: the template `t` has no value `health.paht`; did you mean `path`?
    stack.yml:3:46: the value `port` must be text or a number, but is a list
    stack.yml:3:56: the value `tls` must be true or false, but is text
    stack.yml:3:70: the value `names` must be a list, but is text
    stack.yml:3:78: the value `env` must be a map, but is a number
    ");
    insta::assert_snapshot!(refused("{port: 81, host: ~}"), @"stack.yml:3:11: the template `t` needs the value `host`; write it under `values`, as `host: …`");
    insta::assert_snapshot!(refused("[host]"), @"stack.yml:3:11: `values` must be a map, but is a list");
}

#[test]
fn a_mistake_in_a_template_has_its_line() {
    let values = "{a: 1}";
    insta::assert_snapshot!(filled("x: 1\ny: {{ values.b }}\n", values), @"templates/t/stack.yml:2:7: the template uses `values.b`, which is not one of its values; write it into values.yml with its default");
    insta::assert_snapshot!(filled("x: 1\n{% if values.a %}\n", values), @"templates/t/stack.yml:2:16: the template cannot be applied: unexpected end of input, expected end of block");
    insta::assert_snapshot!(filled("x: {{ values.a|upper }}\n", values), @"templates/t/stack.yml:1:16: the template cannot be applied: filter upper is unknown");
    insta::assert_snapshot!(filled("x: {{ values.a ~ values.a }}\n", values), @"templates/t/stack.yml:1:4: `~` is not allowed in a tag; write what goes together outside of the tags, and texts in double quotes");
    insta::assert_snapshot!(filled("x: {{ values.a", values), @"templates/t/stack.yml:1:4: the tag is not closed by `}}` within 400 characters; close it");
    insta::assert_snapshot!(filled("x: [{{ values.a }}\ny: 1", values), @"templates/t/stack.yml:1:1: the `[` that begins here is not closed: write `]` at its end");
    insta::assert_snapshot!(filled("x: 1", "[a"), @"templates/t/values.yml:1:1: the `[` that begins here is not closed: write `]` at its end");
    insta::assert_snapshot!(filled("x: 1", "a"), @"templates/t/values.yml:1:1: the values of a template must be a map, but this is text; write each value with its default: `name: default`");
}

#[test]
fn a_hostile_template_ends_in_an_error() {
    let long = "1, ".repeat(300);
    let values = format!("{{l: [{long}], s: {}}}", "x".repeat(3000));
    let nested = |open: &str, times: usize, close: &str| format!("{}{}", open.repeat(times), close.repeat(times));
    let hostile = [
        ("steps", "{% for a in values.l %}{% for b in values.l %}{% endfor %}{% endfor %}".to_owned()),
        ("output", "{% for a in values.l %}{{ values.s }}{% endfor %}".to_owned()),
        ("text", format!("{{% for a in values.l %}}{}{{% endfor %}}", "x".repeat(3000))),
        ("recursion", "{% for a in values.l recursive %}{{ loop(values.l) }}{% endfor %}".to_owned()),
        ("include", "{% include \"stack.yml\" %}".to_owned()),
        ("nested", nested("{% if 1 %}", 3000, "{% endif %}")),
        ("loops", nested("{% for a in values.l %}", 1000, "{% endfor %}")),
        ("nested 75", nested("{% if 1 %}", 75, "{% endif %}")),
        ("elif 148", format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(148))),
        ("loops 75", nested("{% for a in values.l %}", 75, "{% endfor %}")),
        ("nothing closed", "{% if 1 %}".repeat(150)),
        ("elif", format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(4000))),
        ("brackets", format!("{{{{ {} }}}}", nested("[", 190, "]"))),
        ("not", format!("{{{{ {} 1 }}}}", "not ".repeat(90))),
        ("minus", format!("{{{{ {}1 }}}}", "- ".repeat(150))),
        ("power", "{{ 9 ** 9 ** 9 }}".to_owned()),
        ("large", "x".repeat(70_000)),
        ("unclosed", "{{ ".repeat(20_000)),
    ];
    let said = hostile.iter().map(|(what, body)| {
        let filled = filled(body, &values);
        format!("{what}: {}", filled.lines().next().unwrap_or_default().chars().take(160).collect::<String>())
    });
    insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n").replace(": \n", ":\n"), @r#"
    steps: templates/t/stack.yml:1:1: the template takes more than 50000 steps; loop over less
    output: templates/t/stack.yml:1:1: the result of the template has more than 256 KiB; a stack file is a few kilobytes of text
    text: templates/t/stack.yml:1:1: the result of the template has more than 256 KiB; a stack file is a few kilobytes of text
    recursion: templates/t/stack.yml:1:34: `(` is not allowed in a tag; write what goes together outside of the tags, and texts in double quotes
    include: templates/t/stack.yml:1:1: this tag is not known; a template has `{{ … }}`, `if`, `elif`, `else`, `for` and `raw`
    nested: templates/t/stack.yml:1:1501: the template has more than 150 blocks; make it simpler
    loops: templates/t/stack.yml:1:3451: the template has more than 150 blocks; make it simpler
    nested 75:
    elif 148:
    loops 75: templates/t/stack.yml:1:1462: the template cannot be applied: recursion limit exceeded
    nothing closed: templates/t/stack.yml:1:1494: the template cannot be applied: template exceeds maximum recursion limits
    elif: templates/t/stack.yml:1:1799: the template has more than 150 blocks; make it simpler
    brackets: templates/t/stack.yml:1:78: the template cannot be applied: template exceeds maximum recursion limits
    not: true
    minus: 1
    power: templates/t/stack.yml:1:1: `*` is not allowed in a tag; write what goes together outside of the tags, and texts in double quotes
    large: templates/t/stack.yml:1:1: the template is larger than 64 KiB
    unclosed: templates/t/stack.yml:1:1: the tag is not closed by `}}` within 400 characters; close it
    "#);
}

proptest! {
    #[test]
    fn no_text_is_too_strange_for_a_value(text in "\\PC{0,40}", name in "[a-z]{1,8}") {
        let values = format!("{name}: {}\n", serde_json::Value::from(text.clone()));
        let body = format!("a: {{{{ values.{name} }}}}\nb: \"<{{{{ values.{name}|text }}}}>\"\n");
        let tree = yaml::parse(filled(&body, &values).as_bytes()).unwrap();
        prop_assert_eq!(tree.get("a").unwrap().as_str(), Some(text.as_str()));
        prop_assert_eq!(tree.get("b").unwrap().raw(), format!("<{text}>"));
    }

    #[test]
    fn no_body_is_too_strange(pieces in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "{%", "%}", "{#", "#}", " values.a ", " if ", " endif ", " for x in values.l ", " endfor ", "\n", "-",
        "\"", " raw ", " endraw ", "[", "]", "a: 1", "|text", "|items", "  ", " == ", " is ", "é", "$", " in ",
    ]), 0..20)) {
        filled(&pieces.concat(), "{a: 1, l: [1, 2]}");
    }
}

#[test]
fn what_the_file_says_goes_over_what_comes_out() {
    let stack = "\
x-skep: {template: t, deadline: 5m}
name: shop
services:
  web: {image: b, ports: [\"80:80\"], healthcheck: ~}
  db: {image: c}
";
    let body = "services: {web: {image: a, hostname: h, ports: [\"1:1\", \"2:2\"], healthcheck: {test: x}}}\n";
    let (file, problems) = read(&made(stack, body, "").unwrap());
    assert_eq!(problems, []);
    let web = &file.services[&"web".parse().unwrap()];
    let text = |text: &Option<crate::stack::file::Spanned<String>>| text.as_ref().unwrap().value.clone();
    assert_eq!((text(&web.image), text(&web.hostname), web.ports.len()), ("b".into(), "h".into(), 1));
    assert!(web.healthcheck.is_none() && file.services.len() == 2);
    assert_eq!((text(&file.name), file.settings.deadline.to_string()), ("shop".into(), "5m".into()));
}

#[test]
fn a_place_leads_to_what_somebody_wrote() {
    let stack = "\
x-skep:
  template: t
  values:
    replicas: many
    env: {A: [1]}
services: {web: {image: 7, nothing: 1}}
";
    let body = "\
{% if values.replicas %}
services:
  web:
    imagee: x
    environment: {{ values.env }}
    deploy: {replicas: {{ values.replicas }}}
    stop_grace_period: {{ values.grace }}
{% endif %}
";
    let (file, problems) = read(&made(stack, body, "{replicas: 1, env: {}, grace: soon}").unwrap());
    let misfits: Vec<Diagnostic> = problems.into_iter().map(|problem| file.sources.placed(problem)).collect();
    insta::assert_snapshot!(shown(&misfits, &[("stack.yml", stack), ("templates/t/stack.yml", body)]), @r"
    templates/t/stack.yml:4:5: a service has no key `imagee`; did you mean `image`?
    stack.yml:5:15: `environment.A` must be text, but is a list
    stack.yml:4:15: `replicas` must be a whole number, but is `many`
    templates/t/stack.yml:7:5: `stop_grace_period` must be a duration, but is `soon`; write it like `90s`, `1m30s` or `2h`
    stack.yml:6:28: a service has no key `nothing`
    ");
}

#[test]
fn the_lines_of_a_body_are_found_again() {
    let body = "\
a: 1
{% for x in values.l %}
{% if x == 1 %}

{# no #}
b{{ x }}: {{ x }}
{% endif %}

c{{ x }}: {{
    x }}
{% endfor %}
d: 1
";
    let made = made("x-skep: {template: t}", body, "{l: [1, 2]}").unwrap();
    let lines: Vec<String> = made
        .lines
        .iter()
        .zip(String::from_utf8_lossy(made.filled()).lines())
        .map(|(line, text)| format!("{} {text}", line + 1).trim_end().to_owned())
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    1 a: 1
    1
    6 b1: 1
    6
    9 c1: 1
    9
    9 c2: 2
    12 d: 1
    ");
}
