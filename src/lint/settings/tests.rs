use super::*;

/// What a file is taken for, and what is said about it.
fn read(name: &str, text: &str) -> (Settings, String) {
    let written = Written::read(&name.parse().unwrap(), text.as_bytes());
    let doubts = crate::lint::doubts(&written);
    let Written { settings, misfits, .. } = written;
    let line = |misfit: Diagnostic| {
        let (line, column) = crate::diagnostic::line_column(text.as_bytes(), misfit.place.span.start);
        let help = misfit.help.map(|help| format!("\n  {help}")).unwrap_or_default();
        format!("{}:{line}:{column}: {}{help}\n", misfit.place.path, misfit.message)
    };
    (settings, misfits.into_iter().chain(doubts).map(line).collect())
}

#[test]
fn every_setting_is_understood() {
    let (settings, wrong) = read(
        "skep-lint.yaml",
        "rules: { SK3001: off, dl3057: on, DL3006: info, SC1091: off }
ignore: [\"vendor/**\", { path: \"old/*\", rules: [DL3006] }]
trusted-registries: [docker.io, \"*.example.com\"]
label-schema: { maintainer: email, version: semver }
strict-labels: true
disable-ignore-pragma: true
fail-on: warning
no-fail: true
format: sarif
",
    );
    assert_eq!(wrong, "");
    insta::assert_debug_snapshot!((&settings.levels, &settings.label_schema, settings.trusted_registries.names()), @r#"
    (
        {
            "DL3006": At(
                Info,
            ),
            "DL3057": On,
            "SC1091": Off,
            "SK3001": Off,
        },
        {
            "maintainer": Email,
            "version": Semver,
        },
        [
            "docker.io",
            "*.example.com",
        ],
    )
    "#);
    assert!(settings.strict_labels && settings.disable_ignore_pragma && settings.no_fail);
    assert_eq!((settings.fail_on, settings.format.as_deref()), (Some(Severity::Warning), Some("sarif")));
    let ignores = |path: &str, id: &str| settings.ignores(&path.parse().unwrap(), crate::lint::explain(id).unwrap());
    assert!(ignores("vendor/a/Dockerfile", "DL3011") && !ignores("vendor/stack.yml", "SK1003"));
    assert!(ignores("old/Dockerfile", "DL3006") && !ignores("old/a/Dockerfile", "DL3006"));
    assert!(!ignores("old/Dockerfile", "DL3011"));
}

#[test]
fn what_is_not_understood_is_told_with_its_place() {
    let text = "rulez: {}
rules: { SK3001: never, SK9999: off, SK1003: off, SK3002: ~ }
ignore: { a: b }
trusted-registries: [[a]]
label-schema: { a: number }
strict-labels: 1
fail-on: off
ignores:
";
    insta::assert_snapshot!(read("skep-lint.yaml", text).1, @"
    skep-lint.yaml:1:1: there is no setting `rulez`
      did you mean `rules`?
    skep-lint.yaml:2:18: a level is `off`, `on`, `style`, `info`, `warning` or `error`, and this is `never`
      write one of them
    skep-lint.yaml:2:59: a level is `off`, `on`, `style`, `info`, `warning` or `error`, and this is `~`
      write one of them
    skep-lint.yaml:3:9: `ignore` is a list, and this is a map
      write `ignore: [one, two]`
    skep-lint.yaml:4:22: `trusted-registries` is a list of texts, and this is a list
      write one text for each item
    skep-lint.yaml:5:20: the type of a label is one of `text`, `url`, `rfc3339`, `spdx`, `hash`, `semver`, `email`, and this is `number`
      write one of them
    skep-lint.yaml:6:16: `strict-labels` is `true` or `false`, and this is `1`
      write one of them, without quotes
    skep-lint.yaml:7:10: `fail-on` is `error`, `warning`, `info` or `style`, and this is `off`
      write one of them
    skep-lint.yaml:8:1: there is no setting `ignores`
      did you mean `ignore`?
    skep-lint.yaml:2:25: there is no rule `SK9999`
      `skep rules` lists all
    skep-lint.yaml:2:38: `SK1003` is not switched off: nothing can be deployed where it finds something
      take it out of the settings
    ");
    insta::assert_snapshot!(read("skep-lint.yaml", "ignore: [\"a[\", {paths: a}]\n- b").1, @"skep-lint.yaml:2:3: while parsing a block mapping, did not find expected key");
    insta::assert_snapshot!(read("skep-lint.yaml", "ignore: [\"a[\", {paths: a}, {path: a, rules: [SK1]}]\nrules: []\n").1, @r#"
    skep-lint.yaml:1:10: `a[` is not a pattern of paths: unclosed character class; missing ']'
      `*` stands for a name, `**` for any folders
    skep-lint.yaml:1:17: there is no setting `paths`
      did you mean `path`?
    skep-lint.yaml:1:16: what is ignored has a `path`, and this is a map
      write `{ path: "vendor/**", rules: [DL3008] }`
    skep-lint.yaml:2:8: `rules` is a map, and this is a list
      write each rule with its level: `SK3001: off`
    skep-lint.yaml:1:46: there is no rule `SK1`
      `skep rules` lists all
    "#);
    insta::assert_snapshot!(read("skep-lint.yaml", "- a\n").1, @"
    skep-lint.yaml:1:1: settings are a map, and this is a list
      write each setting with its value: `rules: {}`
    ");
    assert_eq!(read("skep-lint.yaml", "# nothing\n\n").1, "");
}

#[test]
fn the_settings_of_hadolint_count() {
    let text = "ignored: [DL3008, SC1091]
override: { error: [DL3006], style: [DL3011] }
trustedRegistries: [docker.io]
label-schema: { version: semver }
strict-labels: true
failure-threshold: none
no-color: true
other: { tools: setting }
ignore: [DL3007]
format: gitlab_codeclimate
";
    let (settings, wrong) = read("a/.hadolint.yaml", text);
    insta::assert_snapshot!(wrong, @"
    a/.hadolint.yaml:9:1: hadolint has no setting `ignore`
      did you mean `ignored`?
    ");
    insta::assert_debug_snapshot!(settings.levels, @r#"
    {
        "DL3006": At(
            Error,
        ),
        "DL3008": Off,
        "DL3011": At(
            Style,
        ),
        "SC1091": Off,
    }
    "#);
    assert!(settings.strict_labels && settings.no_fail);
    assert_eq!(settings.format.as_deref(), Some("gitlab"));
    insta::assert_snapshot!(read(".hadolint.yml", "override: { none: [DL3006] }\nfailure-threshold: low\n").1, @"
    .hadolint.yml:1:13: a level is `error`, `warning`, `info` or `style`, and this is `none`
      write one of them
    .hadolint.yml:2:20: `failure-threshold` is `error`, `warning`, `info` or `style`, and this is `low`
      write one of them
    ");
}

#[test]
fn a_later_file_goes_before_an_earlier_one() {
    let revision = Revision::of(&[
        (".hadolint.yaml", "ignored: [DL3006, DL3011]\nstrict-labels: true\n"),
        ("skep-lint.yaml", "rules: { DL3006: info }\n"),
    ]);
    let settings = Written::of(&revision).settings;
    let of = |id: &str| settings.severity(crate::lint::explain(id).unwrap());
    assert_eq!((of("DL3006"), of("DL3011"), settings.strict_labels), (Some(Severity::Info), None, true));
}

#[test]
fn what_must_hold_before_a_deploy_is_not_switched_off() {
    let settings = Settings { levels: [("SK1003".to_owned(), Level::Off)].into(), ..Settings::default() };
    assert_eq!(settings.severity(crate::lint::explain("SK1003").unwrap()), Some(Severity::Error));
}

#[test]
fn the_variables_of_hadolint_count() {
    let of = |name: &str, value: &str| of_variables(&[(name.to_owned(), value.to_owned())].into());
    assert_eq!(of("HADOLINT_IGNORE", "DL3006, dl3011").unwrap().levels.len(), 2);
    assert_eq!(of("HADOLINT_FAILURE_THRESHOLD", "style").unwrap().fail_on, Some(Severity::Style));
    assert!(of("HADOLINT_NOFAIL", "1").unwrap().no_fail && !of("HADOLINT_NOFAIL", "0").unwrap().no_fail);
    assert_eq!(of("HADOLINT_REQUIRE_LABELS", "a:text,b:url").unwrap().label_schema["b"], LabelType::Url);
    insta::assert_snapshot!(of("HADOLINT_FAILURE_THRESHOLD", "low").unwrap_err(), @"HADOLINT_FAILURE_THRESHOLD is `error`, `warning`, `info`, `style`, `ignore` or `none`, not `low`");
    insta::assert_snapshot!(of("HADOLINT_REQUIRE_LABELS", "a").unwrap_err(), @"HADOLINT_REQUIRE_LABELS is a list of `label:type` with the types text, url, rfc3339, spdx, hash, semver, email, and `a` is not one of these");
}
