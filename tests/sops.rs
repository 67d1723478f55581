//! Encrypted files beside the real `sops`: what it encrypts we decrypt, byte for byte as it does itself.
//!
//! The binary is the one in the PATH, or the one that `scripts/sops.sh build` made.
#![expect(clippy::unwrap_used, reason = "a failed preparation fails the test, with its message")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it skips, and how much it compared")]
#![expect(clippy::disallowed_methods, reason = "the tests start the real sops, which they look for in the environment")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs};

use skep::sops::{Document, Keys};

/// The key that is for these tests only.
const KEY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sops/key.txt");
/// How many files of each kind are made up.
const FILES: u64 = 25;

/// The real program; none, and a loud word about it, where it is not and cannot be built.
fn sops() -> Option<PathBuf> {
    let folders = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let cache = env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from).join("skep");
    let built = fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path());
    let built =
        built.filter(|folder| folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"sops-v")));
    let found = folders.into_iter().chain(built).map(|folder| folder.join("sops")).find(|file| file.is_file());
    assert!(found.is_some() || env::var_os("CI").is_none(), "there is no sops: run scripts/sops.sh build");
    if found.is_none() {
        eprintln!("SKIPPED, THERE IS NO SOPS: run scripts/sops.sh build");
    }
    found
}

fn recipient() -> String {
    let text = fs::read_to_string(KEY_FILE).unwrap();
    text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned()
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

/// Texts that are not easy to write down.
const TEXTS: [&str; 62] = [
    "",
    "a",
    "hunter2",
    "two words",
    " leading",
    "trailing ",
    "yes",
    "Off",
    "y",
    "null",
    "~",
    "true",
    "1",
    "0x1F",
    "1e3",
    "1.5",
    "-1",
    "+5",
    "08",
    "1_000",
    "2024-01-02",
    "2024-01-02T03:04:05Z",
    "1:30",
    "<<",
    "=",
    "-",
    "- a",
    "-a",
    "---",
    "--- a",
    "...",
    "?",
    "? a",
    "?a",
    ":",
    ": a",
    ":a",
    "a: b",
    "a:",
    "a #b",
    "a#b",
    "#a",
    "@a",
    "`a",
    "%a",
    "!a",
    "&a",
    "*a",
    "|",
    ">",
    "[a]",
    "{a: b}",
    "a, b",
    "'quoted'",
    "\"quoted\"",
    "back\\slash",
    "tab\there",
    "bell\u{7}",
    "é",
    "日本",
    "🐝",
    "\u{a0}x",
];
const LINES: [&str; 12] = [
    "a\nb",
    "a\nb\n",
    "a\n\nb\n\n",
    "\na",
    "  a\nb",
    "a \nb",
    "a\n b",
    "\n",
    "\n\n",
    "a\tb\nc",
    "a\r\nb",
    "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
];
const SCALARS: [&str; 22] = [
    "1",
    "0",
    "-7",
    "0x1F",
    "9007199254740993",
    "1.5",
    "1.0",
    "1e21",
    "1e-7",
    "123456789.5",
    ".inf",
    "-.inf",
    "true",
    "False",
    "null",
    "~",
    "2024-01-02",
    "2024-01-02T03:04:05Z",
    "2024-01-02T03:04:05.25+01:00",
    "plain",
    "plain words",
    "0.1",
];

/// A YAML file that is made up: with everything that SOPS has an opinion on, comments at all places among it.
fn yaml(dice: &mut Dice) -> String {
    let mut text = String::new();
    if dice.roll(4) == 0 {
        text.push_str("---\n");
    }
    if dice.roll(3) == 0 {
        text.push_str("# at the top\n\n");
    }
    yaml_map(dice, &mut text, 0, 3);
    if dice.roll(6) == 0 {
        text.push_str("---\nsecond: document # it is\n");
    }
    text
}

fn yaml_map(dice: &mut Dice, text: &mut String, indent: usize, depth: u64) {
    let pad = " ".repeat(indent);
    for number in 0..=dice.roll(4) {
        comments(dice, text, &pad);
        let name = dice.pick(&[
            "name",
            "password",
            "list",
            "yes",
            "with space",
            "a:b",
            "port_unencrypted",
            "api_secret",
            "é",
            "x",
        ]);
        write!(text, "{pad}{}:", json(&format!("{name}{number}"))).unwrap();
        yaml_value(dice, text, indent, depth);
    }
    if dice.roll(8) == 0 {
        writeln!(text, "{pad}# at the end of the map").unwrap();
    }
}

fn yaml_value(dice: &mut Dice, text: &mut String, indent: usize, depth: u64) {
    let pad = " ".repeat(indent + 2);
    match if depth == 0 { dice.roll(6) } else { dice.roll(10) } {
        0..=2 => writeln!(text, " {}{}", json(dice.pick(&TEXTS)), line_comment(dice)).unwrap(),
        3 => writeln!(text, " {}{}", json(dice.pick(&LINES)), line_comment(dice)).unwrap(),
        4 => writeln!(text, " {}{}", dice.pick(&SCALARS), line_comment(dice)).unwrap(),
        5 => writeln!(text, " {}", dice.pick(&["{}", "[]", "[1, two, [3]]", "{a: b, c: {d: e}}"])).unwrap(),
        6 | 7 => {
            text.push('\n');
            yaml_map(dice, text, indent + 2, depth - 1);
        }
        _ => {
            text.push('\n');
            for _ in 0..=dice.roll(3) {
                comments(dice, text, &pad);
                match dice.roll(4) {
                    0 if depth > 0 => {
                        writeln!(text, "{pad}- first: 1").unwrap();
                        yaml_map(dice, text, indent + 4, depth - 1);
                    }
                    1 => writeln!(text, "{pad}- {}{}", dice.pick(&SCALARS), line_comment(dice)).unwrap(),
                    _ => writeln!(text, "{pad}- {}{}", json(dice.pick(&TEXTS)), line_comment(dice)).unwrap(),
                }
            }
        }
    }
}

fn comments(dice: &mut Dice, text: &mut String, pad: &str) {
    match dice.roll(12) {
        0 => writeln!(text, "{pad}# above").unwrap(),
        1 => writeln!(text, "\n{pad}# two lines\n{pad}#above").unwrap(),
        2 => writeln!(text, "{pad}# below the last one\n").unwrap(),
        3 => text.push('\n'),
        _ => {}
    }
}

fn line_comment(dice: &mut Dice) -> &'static str {
    dice.pick(&["", "", "", "", "", " # behind", " #behind"])
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn json_file(dice: &mut Dice) -> String {
    fn value(dice: &mut Dice, depth: u64) -> String {
        match if depth == 0 { dice.roll(6) } else { dice.roll(9) } {
            0..=2 => json(dice.pick(&TEXTS)),
            3 => json(dice.pick(&LINES)),
            4 => dice
                .pick(
                    &[
                        "1",
                        "-7",
                        "1.5",
                        "1e21",
                        "1e-7",
                        "0.000001",
                        "9007199254740993",
                        "true",
                        "false",
                        "null",
                        "1e400",
                    ][..10],
                )
                .to_owned(),
            5 => dice.pick(&["{}", "[]", "\"</script>&\u{2028}\""]).to_owned(),
            6 => format!("[{}, {}]", value(dice, depth - 1), value(dice, depth - 1)),
            _ => map(dice, depth - 1),
        }
    }
    fn map(dice: &mut Dice, depth: u64) -> String {
        let names = ["a", "z", "b c", "port_unencrypted", "é<"];
        let entries: Vec<String> = (0..=dice.roll(4))
            .map(|number| format!("{}: {}", json(&format!("{}{number}", dice.pick(&names))), value(dice, depth)))
            .collect();
        format!("{{{}}}", entries.join(","))
    }
    map(dice, 3)
}

fn dotenv(dice: &mut Dice) -> String {
    let mut text = String::new();
    for number in 0..=dice.roll(6) {
        match dice.roll(5) {
            0 => text.push_str("# a comment\n"),
            1 => text.push('\n'),
            _ => writeln!(text, "NAME_{number}={}", dice.pick(&TEXTS)).unwrap(),
        }
    }
    text + "LAST=a\\nb\n"
}

fn ini(dice: &mut Dice) -> String {
    let mut text = String::new();
    if dice.roll(2) == 0 {
        text.push_str("top = 1\n");
    }
    for section in 0..=dice.roll(2) {
        text.push_str(dice.pick(&["", "; about it\n", "# about it\n# in two lines\n"]));
        writeln!(text, "[section {section}]").unwrap();
        for number in 0..=dice.roll(3) {
            text.push_str(dice.pick(&["", "", "; about a key\n"]));
            let value = dice.pick(&[
                "",
                "a",
                "two words",
                "a=b",
                "a:b",
                "\"quoted\"",
                "`a;b#c`",
                "1.5",
                "`a\"b`",
                "\"\"\"a\nb\"\"\"",
            ]);
            writeln!(
                text,
                "{} = {value}",
                dice.pick(&["key", "much_longer_key", "k.d-e"]).to_owned() + &number.to_string()
            )
            .unwrap();
        }
    }
    text
}

fn binary(dice: &mut Dice) -> Vec<u8> {
    (0..dice.roll(400)).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect()
}

/// What is encrypted, by the rules that the real program reads.
const RULES: [&str; 8] = [
    "",
    "",
    "encrypted_suffix: _secret",
    "unencrypted_suffix: '1'",
    "encrypted_regex: ^(pass|list)",
    "unencrypted_regex: '[0-2]$'",
    "encrypted_comment_regex: above",
    "unencrypted_comment_regex: ^ above$",
];

struct Bench {
    sops: PathBuf,
    folder: tempfile::TempDir,
    keys: Keys,
    recipient: String,
    /// How many files the real one does not encrypt, and in how many it leaves a comment encrypted.
    refused: AtomicU64,
    misplaced: AtomicU64,
}

impl Bench {
    fn new() -> Option<Self> {
        let keys = Keys::parse(&fs::read_to_string(KEY_FILE).unwrap().into()).unwrap();
        Some(Self {
            sops: sops()?,
            folder: tempfile::tempdir().unwrap(),
            keys,
            recipient: recipient(),
            refused: AtomicU64::new(0),
            misplaced: AtomicU64::new(0),
        })
    }

    fn run(&self, arguments: &[&str], file: &Path) -> Output {
        let mut command = Command::new(&self.sops);
        command.args(arguments).arg(file).env("SOPS_AGE_KEY_FILE", KEY_FILE).current_dir(self.folder.path());
        command.output().unwrap()
    }

    /// What is different, if something is.
    fn compare(&self, name: &str, plain: &[u8], rule: &str, mac_only_encrypted: bool) -> Option<String> {
        let (file, rules) = (self.folder.path().join(name), self.folder.path().join(format!("rules-{name}")));
        fs::write(&file, plain).unwrap();
        let recipient = &self.recipient;
        let rule =
            format!("creation_rules: [{{ age: {recipient}, mac_only_encrypted: {mac_only_encrypted}, {rule} }}]\n");
        fs::write(&rules, &rule).unwrap();
        let encrypted = self.run(&["--config", rules.to_str().unwrap(), "encrypt"], &file);
        if !encrypted.status.success() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        fs::write(&file, &encrypted.stdout).unwrap();
        let theirs = self.run(&["decrypt"], &file);
        let document = Document::read(&name.parse().unwrap(), &encrypted.stdout);
        let ours = document.and_then(|document| document.unwrap().decrypt(&self.keys, &[]));
        let told = |what: &str| {
            let encrypted = String::from_utf8_lossy(&encrypted.stdout).into_owned();
            Some(format!(
                "--- {name} {rule}\n{}\n--- encrypted\n{encrypted}\n--- {what}",
                String::from_utf8_lossy(plain)
            ))
        };
        match ours {
            // Where the program itself cannot place a comment it leaves it encrypted.
            _ if theirs.stdout.windows(4).any(|window| window == b"ENC[") => {
                self.misplaced.fetch_add(1, Ordering::Relaxed);
                None
            }
            Ok(ours) if ours.expose() == Some(&theirs.stdout) => None,
            Ok(ours) => told(&format!(
                "theirs\n{}\n--- ours\n{}",
                String::from_utf8_lossy(&theirs.stdout),
                String::from_utf8_lossy(ours.expose().unwrap_or_default())
            )),
            Err(_) if !theirs.status.success() => None,
            Err(error) => told(&format!("ours: it {error}")),
        }
    }
}

/// Makes up files of a kind and compares; several at once, for the real program takes its time.
fn differential(ending: &str, make: impl Fn(&mut Dice) -> Vec<u8> + Sync) {
    let Some(bench) = Bench::new() else { return };
    let files = env::var("SKEP_TEST_SOPS_FILES").ok().and_then(|count| count.parse().ok()).unwrap_or(FILES);
    let compare = |number: u64| {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (number + 1).wrapping_mul(0xD129_0E8B_1D0B_C0A7));
        (0..20).for_each(|_| {
            dice.roll(2);
        });
        let plain = make(&mut dice);
        let (rule, only) = (dice.pick(&RULES), dice.roll(3) == 0);
        bench.compare(&format!("file{number}{ending}"), &plain, rule, only)
    };
    let (bench_numbers, workers) = ((0..files).collect::<Vec<_>>(), 4);
    let different: Vec<String> = std::thread::scope(|scope| {
        let chunks = bench_numbers.chunks(bench_numbers.len().div_ceil(workers));
        let threads: Vec<_> =
            chunks.map(|chunk| scope.spawn(|| chunk.iter().copied().filter_map(compare).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let (refused, misplaced) = (bench.refused.into_inner(), bench.misplaced.into_inner());
    println!("{files} files, {refused} that sops does not encrypt, {misplaced} in which it leaves a comment encrypted");
    assert!(refused + misplaced < files / 2, "most files should be compared");
    assert!(
        different.is_empty(),
        "{} of {files} differ:\n{}",
        different.len(),
        different.iter().take(5).cloned().collect::<String>()
    );
}

#[test]
fn yaml_is_as_the_real_one_decrypts_it() {
    differential(".yaml", |dice| yaml(dice).into_bytes());
}

#[test]
fn json_is_as_the_real_one_decrypts_it() {
    differential(".json", |dice| json_file(dice).into_bytes());
}

#[test]
fn variables_are_as_the_real_one_decrypts_them() {
    differential(".env", |dice| dotenv(dice).into_bytes());
}

#[test]
fn ini_is_as_the_real_one_decrypts_it() {
    differential(".ini", |dice| ini(dice).into_bytes());
}

#[test]
fn anything_is_as_the_real_one_decrypts_it() {
    differential(".bin", binary);
}
