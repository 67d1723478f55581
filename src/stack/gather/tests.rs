use super::*;
use crate::diagnostic::line_column;
use crate::stack::file::File;

/// What the first of these files says with the others, and all that is wrong, each with its place.
fn read(files: &[(&str, &str)], named: &[&str], zeros: Zeros) -> (File, String) {
    let path = |path: &str| path.parse::<RepoPath>().unwrap();
    let text = |asked: &RepoPath| match files.iter().find(|(name, _)| *name == asked.as_str()) {
        Some((_, text)) => Ok(Arc::from(text.as_bytes())),
        None => Err(Absent::Missing("it is not in the repository; commit it".to_owned())),
    };
    let written = |path: &RepoPath, text| Ok(Written::Out(path.clone(), text));
    let named: Vec<RepoPath> = named.iter().map(|name| path(name)).collect();
    let variables = BTreeMap::from([("TAG".to_owned(), "1".to_owned())]);
    let gathered = gather(
        &named,
        Library { text: &text, written: &written, read_mode: ReadMode::default() },
        &(&variables).into(),
        zeros,
    );
    let (file, problems) = File::of(gathered);
    let shown = problems.into_iter().map(|problem| {
        let problem = file.sources.placed(problem);
        let path = &problem.place.path;
        let text = files.iter().find(|(name, _)| *name == path.as_str()).map_or("", |(_, text)| text);
        let (line, column) = line_column(text.as_bytes(), problem.place.span.start);
        let help = problem.help.map(|help| format!("; {help}")).unwrap_or_default();
        format!("{path}:{line}:{column}: {}{help}", problem.message)
    });
    let shown = shown.collect::<Vec<_>>().join("\n");
    (file, shown)
}

fn first(files: &[(&str, &str)]) -> (File, String) {
    read(files, &[files[0].0], Zeros::Count)
}

fn problems(files: &[(&str, &str)]) -> String {
    first(files).1
}

/// Services with their images.
fn images(file: &File) -> String {
    let image =
        |service: &crate::stack::file::Service| service.image.as_ref().map_or("none", |image| &image.value).to_owned();
    file.services.iter().map(|(name, service)| format!("{name}={}", image(service))).collect::<Vec<_>>().join(" ")
}

#[test]
fn files_that_are_named_are_laid_over_each_other() {
    let files = [
        ("a/a.yml", "services: {web: {image: \"a:$TAG\", env_file: web.env}}\nsecrets: {s: {file: s.txt}}"),
        ("b/b.yml", "services: {web: {env_file: more.env, user: x}, db: {image: b}}\nsecrets: {s: {labels: {a: b}}}"),
    ];
    let (file, problems) = read(&files, &["a/a.yml", "b/b.yml"], Zeros::Count);
    assert_eq!(problems, "");
    assert_eq!(images(&file), "db=b web=a:1");
    // As Docker does: all paths are relative to the folder of the first.
    let references: Vec<String> = file.references().iter().map(|one| one.path.to_string()).collect();
    assert_eq!(references, ["a/web.env", "a/s.txt", "a/more.env"]);
}

#[test]
fn a_problem_is_told_with_the_file_that_it_is_in() {
    let files = [
        ("a.yml", "services:\n  web: {image: a, read_only: perhaps}\n"),
        ("b.yml", "services:\n  web:\n    imag: b\n    deploy: {replicas: many}\n  db: {image: \"b:$NO\"}\n"),
        ("c.yml", "services: [\n"),
    ];
    let (_, problems) = read(&files, &["a.yml", "b.yml", "c.yml", "d.yml"], Zeros::Count);
    insta::assert_snapshot!(problems, @"
    a.yml:1:1: `d.yml` cannot be read: it is not in the repository; commit it
    a.yml:2:30: `read_only` must be true or false, but is `perhaps`
    b.yml:3:5: a service has no key `imag`; did you mean `image`?
    b.yml:4:24: `replicas` must be a whole number, but is `many`
    c.yml:1:11: the `[` that begins here is not closed: write `]` at its end
    ");
}

#[test]
fn zeros_are_docker_s_or_what_they_say() {
    let files =
        [("a.yml", "services: {web: {image: a, read_only: true}}"), ("b.yml", "services: {web: {read_only: false}}")];
    let read_only = |zeros| {
        read(&files, &["a.yml", "b.yml"], zeros).0.services[&"web".parse().unwrap()].read_only.as_ref().unwrap().value
    };
    assert!(read_only(Zeros::AreNothing) && !read_only(Zeros::Count));
}

#[test]
fn a_file_is_included_with_its_own_folder_and_variables() {
    let files = [
        (
            "compose.yml",
            "include:\n  - db/compose.yml\n  - {path: [cache/a.yml, cache/b.yml], project_directory: ., env_file: cache/.env}\nservices: {web: {image: web, depends_on: [db, cache]}}\n",
        ),
        (
            "db/compose.yml",
            "services: {db: {image: \"db:$TAG\", env_file: db.env}}\nvolumes: {data: }\nx-skep: {deadline: 5m}\n",
        ),
        ("cache/a.yml", "services: {cache: {image: \"cache:$VERSION\", env_file: c.env, user: a}}\n"),
        ("cache/b.yml", "services: {cache: {user: \"$TAG\"}}\n"),
        ("cache/.env", "VERSION=7\nTAG=9\n"),
    ];
    let (file, problems) = first(&files);
    assert_eq!(problems, "");
    assert_eq!(images(&file), "cache=cache:7 db=db:1 web=web");
    assert_eq!(file.settings.deadline.to_string(), "5m");
    assert_eq!(file.services[&"cache".parse().unwrap()].user.as_ref().unwrap().value, "1");
    let references: Vec<String> = file.references().iter().map(|one| one.path.to_string()).collect();
    assert_eq!(references, ["db/db.env", "c.env"]);
}

#[test]
fn what_cannot_be_included_is_told() {
    let files = [
        (
            "a.yml",
            "include:\n  - https://example.com/a.yml\n  - ../b.yml\n  - no.yml\n  - {paths: x}\n  - [a]\n  - b.yml\n  - {path: c.yml, env_file: bad.env}\nservices: {web: {image: a}}\nnetworks: {n: {internal: true}}\n",
        ),
        ("b.yml", "services: {web: {image: b}}\nnetworks: {n: {internal: true}}\n"),
        ("c.yml", "include: d.yml\nservices: {c: {image: c, imag: d}}\n"),
        ("d.yml", "include: [c.yml]\n"),
        ("bad.env", "A NAME=1\n"),
    ];
    insta::assert_snapshot!(problems(&files), @"
    a.yml:2:5: `https://example.com/a.yml` is not a file of this repository; nothing is fetched from other places during a deploy; commit the file, and name its path
    a.yml:3:5: `../b.yml` is not a path in this repository: it leads out of the repository; refer to a file of this repository
    a.yml:4:5: `no.yml` cannot be read: it is not in the repository; commit it
    a.yml:5:5: an include has no `path`
    a.yml:5:6: an include has no key `paths`; it has `path`, `env_file` and `project_directory`
    a.yml:6:5: `include` takes paths, but this is a list; write the path of a file, or a map with `path`
    a.yml:8:29: `bad.env`: line 1: there is a space in the name `A NAME`; write `NAME=value`
    a.yml:9:12: `web` of `services` is defined here and in an included file; rename one of them, or merge the files: `include: [{ path: [a, b] }]`
    c.yml:2:26: a service has no key `imag`; did you mean `image`?
    d.yml:1:11: files include each other in a cycle: c.yml -> d.yml -> c.yml; remove one of these includes
    ");
    insta::assert_snapshot!(problems(&[("a.yml", "include: a.yml")]), @"a.yml:1:10: files include each other in a cycle: a.yml -> a.yml; remove one of these includes");
}

#[test]
fn a_service_extends_others() {
    let files = [
        (
            "stack.yml",
            "services:\n  web: {extends: {file: common/base.yml, service: app}, environment: {B: 3}, labels: [c=d]}\n  copy: {extends: web, image: \"copy:1\"}\n",
        ),
        (
            "common/base.yml",
            "services:\n  app: {extends: root, env_file: app.env, environment: [B=2], command: [run]}\n  root: {image: \"app:$TAG\", environment: {A: 1, B: 1}}\n  other: {image: \"$NOT_SET\"}\n",
        ),
    ];
    let (file, problems) = first(&files);
    assert_eq!(problems, "");
    assert_eq!(images(&file), "copy=copy:1 web=app:1");
    let copy = &file.services[&"copy".parse().unwrap()];
    let variables: Vec<String> =
        copy.environment.iter().map(|(name, value)| format!("{name}={}", value.value.as_ref().unwrap())).collect();
    assert_eq!((variables.join(" ").as_str(), copy.env_file[0].path.as_str()), ("A=1 B=3", "common/app.env"));
}

#[test]
fn what_cannot_be_extended_is_told() {
    let files = [
        (
            "a.yml",
            "services:\n  a: {extends: b, image: a}\n  b: {extends: {service: c}}\n  c: {extends: {file: a.yml, service: a}}\n  d: {extends: nothing}\n  e: {extends: {file: b.yml, service: x}}\n  f: {extends: {file: no.yml, service: x, with: y}}\n  g: {extends: {file: b.yml}}\n  h: {extends: [a]}\n  i: {extends: {file: b.yml, service: y}}\n",
        ),
        ("b.yml", "services:\n  x: {image: a, imag: b}\n  y: {extends: {file: a.yml, service: i}}\n"),
    ];
    insta::assert_snapshot!(problems(&files), @"
    a.yml:4:39: services extend each other in a cycle: a -> b -> c -> a; remove one of these `extends`
    a.yml:5:16: there is no service `nothing` to extend in `a.yml`
    a.yml:7:23: `no.yml` cannot be read: it is not in the repository; commit it
    a.yml:7:43: extends has no key `with`; it has `service` and `file`
    a.yml:8:16: `extends` does not name a `service`; write `extends: { service: NAME }`, with `file: PATH` if it is in another file
    a.yml:9:16: `extends` does not name a `service`; write `extends: { service: NAME }`, with `file: PATH` if it is in another file
    b.yml:2:17: a service has no key `imag`; did you mean `image`?
    a.yml:10:39: services extend each other in a cycle: y -> i -> y; remove one of these `extends`
    ");
}

fn lines(number: usize, line: impl Fn(usize) -> String) -> String {
    (0..number).map(line).collect::<Vec<_>>().concat()
}

#[test]
fn what_is_hostile_ends_in_an_error() {
    let many: Vec<(String, String)> =
        (0..1000).map(|number| (format!("f{number}.yml"), "services: {}".to_owned())).collect();
    let list = format!("include: [{}]", many.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "));
    let mut files: Vec<(&str, &str)> = vec![("a.yml", &list)];
    files.extend(many.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    insta::assert_snapshot!(problems(&files), @"a.yml:1:892: the stack is made from more than 100 files or 4 MiB; write it with fewer files");

    let deep: Vec<(String, String)> =
        (0..50).map(|number| (format!("f{number}.yml"), format!("include: f{}.yml", number + 1))).collect();
    let files: Vec<(&str, &str)> = deep.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    insta::assert_snapshot!(problems(&files), @"f16.yml:1:10: files include each other more than 16 deep; include them from one place");

    let twice: Vec<(String, String)> = (0..50)
        .map(|number| (format!("f{number}.yml"), format!("include: [f{0}.yml, f{0}.yml]", number + 1)))
        .chain([("f50.yml".to_owned(), "services: {}".to_owned())])
        .collect();
    let files: Vec<(&str, &str)> = twice.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    insta::assert_snapshot!(problems(&files).lines().next().unwrap(), @"f16.yml:1:11: files include each other more than 16 deep; include them from one place");

    let chain = lines(100, |number| format!("  s{number}: {{extends: s{}}}\n", number + 1));
    let chain = format!("services:\n{chain}  s100: {{image: a}}\n");
    insta::assert_snapshot!(problems(&[("a.yml", &chain)]).lines().next().unwrap(), @"a.yml:33:18: more than 32 services extend each other in a row; extend one service with the common parts");

    let large = (0..5000).map(|number| format!("L{number}: x")).collect::<Vec<_>>().join(", ");
    let bomb = lines(1000, |number| format!("  s{number}: {{extends: base}}\n"));
    let bomb = format!("services:\n  base: {{image: a, labels: {{{large}}}}}\n{bomb}");
    insta::assert_snapshot!(problems(&[("a.yml", &bomb)]), @"a.yml:22:18: `extends` copies more than 200000 values; extend smaller services");

    let growing = lines(30, |number| format!("  s{}: {{extends: s{number}, dns: [\"1.1.1.1\"]}}\n", number + 1));
    let growing = format!("services:\n  s0: {{image: a}}\n{growing}");
    assert_eq!(problems(&[("a.yml", &growing)]), "");
}
