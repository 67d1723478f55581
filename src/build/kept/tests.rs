use jiff::SignedDuration;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn logs() -> (tempfile::TempDir, BuildLogs) {
    let folder = tempfile::tempdir().unwrap();
    let logs = BuildLogs::below(folder.path());
    (folder, logs)
}

fn shop() -> StackName {
    "shop".parse().unwrap()
}

fn build(stack: &str, digit: &str, second: i64) -> Record {
    let (stack, commit) = (stack.parse().unwrap(), digit.repeat(40).parse().unwrap());
    Record::Build { stack, repository: "shop".into(), commit, author: "Ada <ada@example.com>".into(), at: at(second) }
}

fn line(text: &str) -> Record {
    Record::Line { at: at(7), service: "web".parse().unwrap(), text: text.to_owned() }
}

/// A build that wrote one line.
fn built(logs: &BuildLogs, stack: &str, digit: &str, second: i64, release: Option<u64>) {
    let mut log = logs.begin(&build(stack, digit, second)).unwrap().unwrap();
    log.add(&line("#1 DONE")).unwrap();
    log.end(at(second + 1), release.map(ReleaseId)).unwrap();
}

fn found(logs: &BuildLogs, wanted: &Wanted) -> String {
    logs.find(&shop(), wanted).map_or_else(|error| error.to_string(), |log| log.to_string())
}

#[test]
fn a_log_can_be_read_while_it_is_written_and_after_its_end() {
    let (_folder, logs) = logs();
    let mut log = logs.begin(&build("shop", "1", 5)).unwrap().unwrap();
    log.add(&line("#1 [1/2] FROM x")).unwrap();
    let open = logs.read(&shop(), &Wanted::Newest).unwrap();
    log.add(&line("#1 DONE")).unwrap();
    log.end(at(9), Some(ReleaseId(2))).unwrap();
    let whole = logs.read(&shop(), &Wanted::Release(ReleaseId(2))).unwrap();
    assert!(whole.starts_with(&open) && open.ends_with("FROM x\"}\n"), "{open}");
    insta::assert_snapshot!(whole, @r##"
    {"kind":"build","stack":"shop","repository":"shop","commit":"1111111111111111111111111111111111111111","author":"Ada <ada@example.com>","at":"1970-01-01T00:00:05Z"}
    {"kind":"line","at":"1970-01-01T00:00:07Z","service":"web","text":"#1 [1/2] FROM x"}
    {"kind":"line","at":"1970-01-01T00:00:07Z","service":"web","text":"#1 DONE"}
    {"kind":"end","at":"1970-01-01T00:00:09Z","release":2}
    "##);
}

#[test]
fn a_log_is_found_by_release_and_by_commit_and_else_the_newest() {
    let (_folder, logs) = logs();
    insta::assert_snapshot!(found(&logs, &Wanted::Newest), @"no log of a build of shop is kept: nothing was built for it, or its log is gone (kept are the newest 20 of a stack, 30 days, 64 MiB in all)");
    built(&logs, "shop", "1", 5, Some(1));
    built(&logs, "shop", "2", 6, None);
    built(&logs, "blog", "3", 7, Some(1));
    let wanted = [
        Wanted::Newest,
        Wanted::Release(ReleaseId(1)),
        Wanted::Commit("222".into()),
        Wanted::Release(ReleaseId(7)),
        Wanted::Commit("333".into()),
    ];
    insta::assert_snapshot!(wanted.map(|wanted| found(&logs, &wanted)).join("\n"), @"
    2222222 (no release)
    1111111 (r1)
    2222222 (no release)
    no log of a build of shop for r7 is kept: nothing was built for it, because its images were there already, or its log is gone (kept are the newest 20 of a stack, 30 days, 64 MiB in all); the newest are those of 2222222 (no release), 1111111 (r1)
    no log of a build of shop for the commit 333 is kept: nothing was built for it, because its images were there already, or its log is gone (kept are the newest 20 of a stack, 30 days, 64 MiB in all); the newest are those of 2222222 (no release), 1111111 (r1)
    ");
}

#[test]
fn a_long_log_keeps_its_beginning_and_its_end() {
    let (_folder, logs) = logs();
    let mut log = logs.begin(&build("shop", "1", 5)).unwrap().unwrap();
    (0..20_000).for_each(|number| log.add(&line(&format!("{number} {}", "x".repeat(100)))).unwrap());
    log.end(at(9), None).unwrap();
    let text = logs.read(&shop(), &Wanted::Newest).unwrap();
    assert!(text.len() < 600 << 10, "{} bytes", text.len());
    let records: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let left_out = records.iter().position(|record| matches!(record, Record::LeftOut { .. })).unwrap();
    let Record::LeftOut { lines } = records[left_out] else { panic!() };
    assert_eq!(lines + records.len() as u64 - 3, 20_000, "the first line, the end, and what is left out are no lines");
    assert!(text.contains("\"0 xxx") && text.contains("\"19999 xxx"));
}

#[test]
fn what_is_more_than_may_be_kept_goes_oldest_first() {
    let (folder, logs) = logs();
    (0..25).for_each(|nth| built(&logs, "busy", "1", 1_000 + nth, None));
    built(&logs, "shop", "1", 10, None);
    built(&logs, "old", "1", 1, None);
    fs::write(folder.path().join("build-logs/old/x.new"), "cut off").unwrap();
    logs.sweep(at(2 + BOUNDS.age.as_secs()));
    let count = |stack: &str| in_folder(&folder.path().join("build-logs").join(stack)).len();
    assert_eq!((count("busy"), count("shop"), count("old")), (BOUNDS.of_stack, 1, 0));
    assert!(!folder.path().join("build-logs/old").exists());
    let small = BuildLogs { bounds: Bounds { bytes: 1, ..BOUNDS }, ..logs.clone() };
    small.sweep(at(1_000));
    assert_eq!((count("busy"), count("shop")), (0, 0));
}

#[test]
fn what_is_kept_is_bounded_in_every_way() {
    let kept = |stack: &str, second: i64, bytes: u64| Kept { stack: stack.into(), begun: at(second), bytes };
    let logs = [kept("a", 1, 10), kept("a", 9, 10), kept("b", 3, 10), kept("b", 8, 10), kept("a", 7, 10)];
    let logs: Vec<&Kept> = logs.iter().collect();
    let all = Bounds { bytes: 100, of_stack: 9, logs: 9, age: SignedDuration::from_secs(100) };
    let gone = |bounds| excess(&logs, at(10), &bounds);
    assert_eq!(gone(all), [0_usize; 0]);
    assert_eq!(gone(Bounds { bytes: 30, ..all }), [2, 0]);
    assert_eq!(gone(Bounds { logs: 2, ..all }), [4, 2, 0]);
    assert_eq!(gone(Bounds { of_stack: 1, ..all }), [4, 2, 0]);
    assert_eq!(gone(Bounds { age: SignedDuration::from_secs(2), ..all }), [4, 2, 0]);
}

#[test]
fn a_full_disk_ends_a_log_and_nothing_else() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else { return };
    let (_folder, logs) = logs();
    let mut log = logs.begin(&build("shop", "1", 5)).unwrap().unwrap();
    log.break_with(full);
    assert!(log.add(&line("one")).is_err());
    assert!(log.add(&line("two")).is_ok(), "it is told once");
    assert!(log.end(at(9), Some(ReleaseId(2))).is_ok());
    assert!(logs.read(&shop(), &Wanted::Release(ReleaseId(2))).is_ok());
}

#[test]
fn half_a_line_is_not_shown_and_other_files_are_no_logs() {
    assert_eq!(whole_lines(b"one\ntwo\nthr"), "one\ntwo\n");
    let of = |name: &str| BuildLog::of(Path::new(name)).is_some();
    let commit = "1".repeat(40);
    assert!(of(&format!("/x/000000000005000-{commit}.jsonl")) && of(&format!("5-{commit}-r2.jsonl")));
    assert!(!of("notes.txt") && !of(&format!("5-{commit}.new")) && !of(&format!("x-{commit}.jsonl")));
}
