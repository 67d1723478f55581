//! Work grows with the size of what is pushed, and not with its square; what is too much of it is refused.
//!
//! Each shape is checked at one size and at four times that. The processor time of the thread is compared, which other
//! work on the machine hardly touches; a shape fails if it does in each of several attempts.

use std::fmt::Write as _;

use super::*;
use crate::lint::check::stack_file::Unread;
use crate::stack::variables::Variables;

/// The text of the smaller of two revisions, about, in bytes.
const SIZE: usize = 12_000;
/// How much more time four times the text may take: four times as much, and room for noise.
const MOST: f64 = 7.0;
/// How often a shape is tried that seems to grow too fast.
const ATTEMPTS: usize = 4;

type Files = Vec<(String, String)>;
type Shape = (&'static str, fn(usize) -> Files);

fn dockerfile(text: String) -> Files {
    vec![("stack.yml".into(), "services: { a: { build: . } }\n".into()), ("Dockerfile".into(), text)]
}

/// A Dockerfile of one stage with these instructions.
fn stage(instructions: &str) -> Files {
    dockerfile("FROM a:1\n".to_owned() + instructions)
}

/// The script of one `RUN`.
fn script(script: &str) -> Files {
    stage(&format!("RUN {script}\n"))
}

fn stack(text: String) -> Files {
    vec![("stack.yml".into(), text)]
}

fn services(services: &str) -> Files {
    stack(format!("services:\n{services}"))
}

/// A stack of one service that says this.
fn service(keys: &str) -> Files {
    services(&format!("  a:\n    image: nginx:1.27\n{keys}"))
}

fn labels(labels: &str) -> Files {
    service(&format!("    deploy:\n      labels:\n{labels}"))
}

/// A text for each number.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |all, number| all + &text(number))
}

const DOCKERFILES: &[Shape] = &[
    ("many RUN", |n| stage(&"RUN cd x\n".repeat(n))),
    ("many RUN without a FROM", |n| dockerfile("RUN cd x\n".repeat(n))),
    ("many different commands", |n| stage(&"RUN pip install x && wget y && sudo rm -rf /$x\n".repeat(n))),
    ("many stages", |n| dockerfile(each(n, |i| format!("FROM a:1 AS s{i}\nRUN cd x\nCOPY --from=s{i} a b\n")))),
    ("a chain of stages", |n| {
        dockerfile(each(n, |i| format!("FROM s{} AS s{i}\nENV A{i}=$A{i}\nRUN a $x\n", i.saturating_sub(1))))
    }),
    ("many ARG", |n| dockerfile(each(n, |i| format!("ARG A{i}=$A{}\n", i.saturating_sub(1))) + "FROM x:$A9\n")),
    ("one ENV of many", |n| stage(&format!("ENV {}\n", each(n, |i| format!("A{i}=$A{i} \\\n"))))),
    ("many ENV and RUN", |n| stage(&each(n, |i| format!("ENV A{i}=$B{i}\nRUN a $A{i} $x\n")))),
    ("braces that are not closed", |n| stage(&format!("ENV A={}\n", "${".repeat(n)))),
    ("nested defaults", |n| stage(&format!("ENV A={}{}\n", "${x:-".repeat(n), "}".repeat(n)))),
    ("a long RUN", |n| script(&format!("x {}", "a \\\n".repeat(n)))),
    ("many commands in a RUN", |n| script(&format!("x{}", " && apt-get install -y a \\\n".repeat(n)))),
    ("many variables in a RUN", |n| script(&format!("x {}", each(n, |i| format!("${{a{i}}} \"$b\" \\\n"))))),
    ("many substitutions", |n| script(&format!("x {}", "$(a) `b` $((1)) \\\n".repeat(n)))),
    ("deep substitutions", |n| script(&"\"$(".repeat(n))),
    ("deep groups", |n| script(&"( { if a; then ".repeat(n))),
    ("many loops and functions", |n| script(&each(n, |i| format!("for a in $b; do c; done; f{i}() {{ a; }}; ")))),
    ("many pipes", |n| script(&format!("x{}", " | grep a \\\n".repeat(n)))),
    ("many quotes and globs", |n| script(&format!("x {}", "'$a' * [aa] {b,c} \\d ".repeat(n)))),
    ("many lines of a document", |n| script(&format!("<<EOF\n{}EOF", "[ $a == b ] && cd c\n".repeat(n)))),
    ("many documents", |n| stage(&"RUN <<EOF\ncd x\nEOF\n".repeat(n))),
    ("many documents of one COPY", |n| stage(&format!("COPY {} /x/\n{}", "<<A ".repeat(n), "A\n".repeat(n)))),
    ("many COPY", |n| stage(&each(n, |i| format!("COPY a{i} b/\n")))),
    ("many archives", |n| stage(&(each(n, |i| format!("COPY a{i}.tar /x/\n")) + &"RUN tar xf /x/b.tar\n".repeat(n)))),
    ("one COPY of many", |n| stage(&format!("COPY {} b/\n", each(n, |i| format!("a{i}.tar "))))),
    ("many labels", |n| stage(&format!("LABEL {}\n", each(n, |i| format!("a{i}=$b \\\n"))))),
    ("many ONBUILD", |n| stage(&"ONBUILD RUN cd x\n".repeat(n))),
    ("many USER, WORKDIR and SHELL", |n| stage(&"USER root\nWORKDIR a\nSHELL [\"/bin/sh\", \"-c\"]\n".repeat(n))),
    ("many mounts", |n| script(&format!("{} apt-get update", "--mount=type=cache,target=/a ".repeat(n)))),
    ("comments for each line", |n| stage(&"# skep ignore=DL3003\nRUN cd x\n".repeat(n))),
    ("comments for one line", |n| stage(&("# skep ignore=DL3003\n".repeat(n) + "RUN cd x\n"))),
    ("comments for the file", |n| stage(&"# skep global ignore=DL3003\nRUN cd x\n".repeat(n))),
    ("comments for stages", |n| dockerfile("# skep stage ignore=DL3003\nFROM a\nRUN cd x\n".repeat(n))),
    ("a comment of many rules", |n| {
        dockerfile(format!("# skep global ignore={}DL3003\nFROM a\n{}", "XX1, ".repeat(n), "RUN cd x\n".repeat(n)))
    }),
    ("blank lines and comments inside", |n| script(&format!("a \\\n{}", "\n# b\n".repeat(n)))),
    ("instructions without arguments", |n| stage(&"RUN\n".repeat(n))),
];

const STACKS: &[Shape] = &[
    ("many services", |n| services(&each(n, |i| format!("  a{i}: {{ image: 'nginx:1', ports: ['{i}:80'] }}\n")))),
    ("services that wait", |n| {
        services(&each(n, |i| format!("  a{i}: {{ image: 'nginx:1', depends_on: [a{}] }}\n", i + 1)))
    }),
    ("services that extend one", |n| {
        services(&("  a: { image: 'nginx:1' }\n".to_owned() + &each(n, |i| format!("  b{i}: {{ extends: a }}\n"))))
    }),
    ("services that are built", |n| services(&each(n, |i| format!("  a{i}: {{ build: ./b{i} }}\n")))),
    ("many networks", |n| {
        let all = each(n, |i| format!("  a{i}: {{ image: 'nginx:1', networks: [n{i}] }}\n"));
        services(&format!("{all}networks:\n{}", each(n, |i| format!("  n{i}: {{}}\n"))))
    }),
    ("many ports", |n| service(&format!("    ports:\n{}", each(n, |i| format!("      - '{}:80'\n", i + 1))))),
    ("many volumes", |n| service(&format!("    volumes:\n{}", each(n, |i| format!("      - a{i}:/x{i}\n"))))),
    ("many variables", |n| service(&format!("    environment:\n{}", each(n, |i| format!("      - A{i}=b\n"))))),
    ("many configs", |n| {
        let used = each(n, |i| format!("      - c{i}\n"));
        service(&format!("    configs:\n{used}configs:\n{}", each(n, |i| format!("  c{i}: {{ content: a{i} }}\n"))))
    }),
    ("many labels", |n| labels(&each(n, |i| format!("        a.b{i}: c\n")))),
    ("many routers", |n| {
        labels(&each(n, |i| {
            format!(
                "        traefik.http.routers.r{i}.rule: Host(`a`)\n        traefik.http.routers.r{i}.middlewares: m{i}\n"
            )
        }))
    }),
    ("many routers of many services", |n| {
        let router = "traefik.http.routers";
        services(&each(n, |i| {
            format!(
                "  a{i}:\n    image: nginx:1\n    deploy:\n      labels:\n        {router}.r{i}.rule: Host(`a`)\n        {router}.r{i}.service: s{i}\n"
            )
        }))
    }),
    ("a long rule", |n| labels(&format!("        traefik.http.routers.r.rule: '{}'\n", "!(Host(`a`) || ".repeat(n)))),
    ("many anchors", |n| {
        let anchors = each(n, |i| format!("  - &a{i} b\n"));
        stack(format!("x-a:\n{anchors}x-b:\n{}services: {{}}\n", each(n, |i| format!("  - *a{i}\n"))))
    }),
    ("maps that are merged", |n| {
        stack(format!("x-a: &a {{ b: c }}\nx-b: {{ <<: [{}] }}\nservices: {{}}\n", "*a, ".repeat(n)))
    }),
    ("lists in lists", |n| stack("x-a: ".to_owned() + &"[".repeat(n))),
    ("variables in a value", |n| service(&format!("    command: '{}'\n", "${A:-b}$$".repeat(n)))),
    ("nested defaults", |n| service(&format!("    command: '{}{}'\n", "${A:-".repeat(n), "}".repeat(n)))),
    ("a key again and again", |n| service(&"    command: b\n".repeat(n))),
    ("unknown keys", |n| service(&each(n, |i| format!("    abc{i}: b\n")))),
    ("comments", |n| stack("# skep ignore=SK3003\n".repeat(n) + "services: { a: { image: nginx } }\n")),
    ("comments for the file", |n| {
        services(&(each(n, |i| format!("  a{i}: {{ image: nginx }}\n")) + &"# skep global ignore=SK3003\n".repeat(n)))
    }),
];

const REVISIONS: &[Shape] = &[
    ("patterns and files", |n| {
        let patterns = each(n / 10 + 1, |i| format!("**/y{i}*x\n"));
        let mut files = stage(&"COPY a b\n".repeat(n));
        files.push((".dockerignore".into(), patterns));
        files.extend((0..n).map(|i| (format!("a/f{i}"), String::new())));
        files
    }),
    ("many patterns", |n| {
        let mut files = stage("COPY a b\n");
        files.push((".dockerignore".into(), each(n, |i| format!("**/x{i}*\n"))));
        files
    }),
    ("registries that are trusted", |n| {
        let mut files = dockerfile(each(n, |i| format!("FROM r{i}.io/a:1\n")));
        files
            .push(("skep-lint.yaml".into(), format!("trusted-registries:\n{}", each(n, |i| format!("  - a{i}.io\n")))));
        files
    }),
    ("rules in the settings", |n| {
        let mut files = stage("");
        files.push(("skep-lint.yaml".into(), format!("rules:\n{}", each(n, |i| format!("  XX{i}: off\n")))));
        files
    }),
    ("labels that are asked for", |n| {
        let mut files = stage(&each(n, |i| format!("LABEL x{i}=a\n")));
        let schema = each(n, |i| format!("  a{i}: semver\n"));
        files.push(("skep-lint.yaml".into(), format!("strict-labels: true\nlabel-schema:\n{schema}")));
        files
    }),
];

fn revision(files: &Files) -> Revision {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Revision::of(&files)
}

/// The nanoseconds that this thread was on a processor.
#[expect(unsafe_code, reason = "the standard library has no clock of a thread's processor time")]
fn on_processor() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `clock_gettime` writes the one value that it is given, and nothing else.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    #[expect(clippy::cast_precision_loss, reason = "these times are short")]
    let nanoseconds = time.tv_sec as f64 * 1e9 + time.tv_nsec as f64;
    nanoseconds
}

/// The time that reading and checking takes.
fn took(files: &Files) -> f64 {
    let revision = revision(files);
    let start = on_processor();
    drop(revision.wanted());
    drop(check(revision, &BTreeMap::new()));
    on_processor() - start
}

/// How many times as long four times as much takes.
fn growth(make: fn(usize) -> Files) -> f64 {
    let bytes = |files: Files| files.iter().map(|(path, text)| path.len() + text.len()).sum::<usize>();
    let count = (SIZE * 64 / bytes(make(64))).max(16);
    let (small, large) = (make(count), make(count * 4));
    let attempts = (0..ATTEMPTS).map(|_| took(&large) / took(&small));
    let mut least = f64::INFINITY;
    for growth in attempts {
        least = least.min(growth);
        if least <= MOST {
            break;
        }
    }
    least
}

#[track_caller]
fn none_grows_too_fast(shapes: &[Shape]) {
    let mut told = String::new();
    for (name, make) in shapes {
        let growth = growth(*make);
        if growth > MOST {
            writeln!(told, "{name}: four times as much takes {growth:.1} times as long").unwrap();
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn the_work_for_a_dockerfile_grows_with_its_size() {
    none_grows_too_fast(DOCKERFILES);
}

#[test]
fn the_work_for_a_stack_file_grows_with_its_size() {
    none_grows_too_fast(STACKS);
}

#[test]
fn the_work_for_a_revision_grows_with_its_size() {
    none_grows_too_fast(REVISIONS);
}

fn errors(files: &Files) -> String {
    let findings = check(revision(files), &BTreeMap::new()).unwrap_err().findings;
    let errors = findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    let shown = errors.map(|one| format!("{}: {}; {}", one.place.path, one.message, one.help.unwrap_or_default()));
    shown.collect::<Vec<_>>().join("\n")
}

#[test]
fn more_than_is_read_is_refused() {
    insta::assert_snapshot!(errors(&stage(&"RUN a\n".repeat(20_000))), @"Dockerfile: the Dockerfile has more than 10000 instructions, and the rest of it is not read; split it, or COPY a script that does the same");
    let comment = "FROM a:1\n".to_owned() + &"# x\n".repeat(1 << 18);
    let mut large: Files = (1..=4).map(|number| (format!("{number}/Dockerfile"), comment.clone())).collect();
    large.extend(stack("services: { a: { image: 'a:1' } }\n".to_owned()));
    insta::assert_snapshot!(errors(&large), @"4/Dockerfile: it was not read: the Dockerfiles up to here have more than 4 MiB together; make them smaller, or move some of the stacks to another repository");
}

#[test]
fn stack_files_after_too_many_values_are_not_read() {
    let revision = Revision::of(&[("stacks/a/stack.yml", "services: {}"), ("stacks/b/stack.yml", "services: {}")]);
    let mut values = crate::revision::MAX_VALUES - 2;
    let read = revision.stack_files().into_iter().map(|source| {
        let stack = StackFile::of(&revision, source, &Variables::default(), &mut values);
        matches!(stack.read, Err(Unread::TooMany))
    });
    assert_eq!(read.collect::<Vec<_>>(), [true, true]);
}

#[test]
fn what_is_read_counts_as_often_as_it_is_read() {
    let counted = |stack: &str| {
        let revision = Revision::of(&[("stack.yml", stack), ("large", &"x".repeat(1 << 20))]);
        let mut values = 0;
        for source in revision.stack_files() {
            drop(StackFile::of(&revision, source, &Variables::default(), &mut values));
        }
        values
    };
    assert_eq!(counted("services: {}"), 3);
    assert_eq!(counted(&("services: {}\n".to_owned() + &"#".repeat(1 << 16))), 1 << 10);
    let secrets = counted("services: {}\nsecrets: { a: { file: large }, b: { file: large } }");
    assert_eq!(secrets - counted("services: {}\nsecrets: { a: { file: other }, b: { file: other } }"), 2 << 10);
}
