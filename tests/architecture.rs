//! The rules of the house that no lint can say: the order of the modules, complete tables, nothing unfinished.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test, with its message")]

use std::fs;
use std::path::{Path, PathBuf};

/// The groups of the list in `src/lib.rs`: what a module of each may use.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Group {
    /// Pure modules listed above it.
    Pure,
    /// Every pure module, and of the edges only those that several need ([`SHARED`]).
    Edges,
    /// Everything listed above it.
    Assembly,
}

/// The edges that other edges may use: the one transport to the engine, and whose login goes where.
const SHARED: [&str; 2] = ["engine", "registry"];

/// A line of the list in `src/lib.rs`.
struct Module {
    name: String,
    group: Group,
}

#[test]
fn a_module_uses_only_modules_that_its_place_in_the_list_allows() {
    let list = listed_modules();
    let wrong: Vec<String> = rust_files(Path::new("src")).iter().flat_map(|file| forbidden_uses(file, &list)).collect();
    assert!(wrong.is_empty(), "the list in src/lib.rs does not allow this:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_list() {
    let listed: Vec<String> = listed_modules().into_iter().map(|module| module.name).collect();
    let text = fs::read_to_string("src/lib.rs").unwrap();
    let declared = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut declared: Vec<&str> = declared.collect();
    declared.sort_unstable_by_key(|name| listed.iter().position(|other| other == name));
    assert_eq!(declared, listed);
}

#[test]
fn the_order_is_enforced() {
    let list = listed_modules();
    let allowed = |module: &str, other: &str| may_use(&list, position(&list, module).unwrap(), other);
    assert!(allowed("plan", "stack") && allowed("plan", "plan"), "below, and itself");
    assert!(!allowed("stack", "plan"), "above");
    assert!(!allowed("release", "store"), "a pure module and an edge");
    assert!(
        allowed("store", "release") && allowed("store", "engine") && allowed("build", "registry"),
        "what edges may use"
    );
    assert!(!allowed("store", "swarm") && !allowed("swarm", "source"), "one edge and another");
    assert!(allowed("http", "controller") && !allowed("controller", "http"), "the assembly in its order");
    assert!(!allowed("cli", "{"), "a braced import, which would hide what it uses");
}

#[test]
fn nothing_is_left_to_do() {
    let unfinished = ["todo!(", "unimplemented!("];
    let files = rust_files(Path::new("src"));
    let wrong: Vec<_> = files.iter().filter(|file| unfinished.iter().any(|word| code(file).contains(word))).collect();
    assert!(wrong.is_empty(), "unfinished: {wrong:?}");
}

#[test]
fn a_lease_is_taken_only_by_the_controller_and_by_commands_without_one() {
    let without_tests = |text: String| text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
    let takes = |file: &PathBuf| !stem(file).ends_with("tests") && without_tests(code(file)).contains("Lease::of_");
    let found: Vec<PathBuf> = rust_files(Path::new("src")).into_iter().filter(takes).collect();
    let allowed = ["src/cli/performer.rs", "src/cli/serve.rs", "src/cli/stack_deploy.rs"].map(PathBuf::from);
    assert_eq!(found, allowed);
}

#[test]
fn every_lint_rule_is_in_the_table() {
    let makes_a_rule = |file: &PathBuf| code(file).lines().any(|line| line == "rule! {");
    let is_listed = |file: &PathBuf| {
        let table = file.with_file_name("mod.rs");
        table.exists() && code(&table).contains(&format!("&{}::RULE", stem(file)))
    };
    let rules = rust_files(Path::new("src/lint/rules")).into_iter().filter(makes_a_rule);
    let (listed, missing): (Vec<_>, Vec<_>) = rules.partition(is_listed);
    assert!(missing.is_empty(), "declared, but in no table: {missing:?}");
    assert!(!listed.is_empty(), "no rule is looked at");
}

#[test]
fn every_folder_in_stacks_is_a_stack() {
    let folders = fs::read_dir("stacks").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let missing: Vec<_> = folders.filter(|folder| !folder.join("stack.yml").is_file()).collect();
    assert!(missing.is_empty(), "without a stack.yml: {missing:?}");
}

/// The modules of the linter, lowest first: each uses only those before it, so that rules know nothing of the table that they are in.
const LINTER: [&str; 18] = [
    "found",
    "dockerfile",
    "shell",
    "elsewhere",
    "traefik",
    "settings",
    "subject",
    "rule",
    "rules",
    "applied",
    "buildkit",
    "suppress",
    "report",
    "shellcheck",
    "check",
    "live",
    "touched",
    "fixed",
];

#[test]
fn no_module_of_the_linter_uses_one_above_it() {
    let files = rust_files(Path::new("src/lint"));
    let wrong: Vec<String> = files.iter().flat_map(|file| linter_uses_above(file)).collect();
    assert!(wrong.is_empty(), "the order of LINTER does not allow this:\n{}", wrong.join("\n"));
}

#[test]
fn the_linter_could_be_a_crate_of_its_own() {
    let below = ["lint", "name", "text", "mask", "diagnostic", "stack", "sops", "revision", "render"];
    let others = |file: &PathBuf| {
        let text = code(file);
        let used = modules_used(&text).filter(|used| !below.contains(used)).map(str::to_owned);
        used.map(|used| format!("{}: `{used}`", file.display())).collect::<Vec<_>>()
    };
    let wrong: Vec<String> = rust_files(Path::new("src/lint")).iter().flat_map(others).collect();
    assert!(wrong.is_empty(), "the linter uses more than {below:?}:\n{}", wrong.join("\n"));
}

/// One sentence for each module of the linter that a file of a lower one uses, tests left out.
fn linter_uses_above(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix("src/lint").unwrap();
    let module = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
    let Some(place) = LINTER.iter().position(|known| *known == module) else { return Vec::new() };
    if stem(file).ends_with("tests") {
        return Vec::new();
    }
    let text = code(file);
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let used = text.split("crate::lint::").skip(1).flat_map(|rest| {
        let list = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split('}').next())
            .unwrap_or(rest.split([';', '(', ' ', ',']).next().unwrap_or(""));
        list.split(',').map(|path| path.trim().split("::").next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    });
    let above = used.filter(|used| LINTER.iter().position(|known| known == used).is_some_and(|other| other > place));
    above.map(|used| format!("{}: `{module}` may not use `{used}`", file.display())).collect()
}

/// The modules in the list at the top of `src/lib.rs`, lowest first.
fn listed_modules() -> Vec<Module> {
    let mut group = None;
    let mut modules = Vec::new();
    for line in fs::read_to_string("src/lib.rs").unwrap().lines() {
        match line {
            "//! Pure:" => group = Some(Group::Pure),
            "//! Edges:" => group = Some(Group::Edges),
            "//! Assembly:" => group = Some(Group::Assembly),
            _ => modules.extend(listed_name(line).zip(group).map(|(name, group)| Module { name, group })),
        }
    }
    modules
}

fn listed_name(line: &str) -> Option<String> {
    line.strip_prefix("//! - [`mod@")?.split('`').next().map(String::from)
}

/// One sentence for each use in a file that its module's place does not allow.
fn forbidden_uses(file: &Path, list: &[Module]) -> Vec<String> {
    let Some(module) = list.iter().position(|listed| belongs_to(file, &listed.name)) else { return Vec::new() };
    let text = code(file);
    let wrong = modules_used(&text).filter(|used| !may_use(list, module, used));
    wrong.map(|used| format!("{}: `{}` may not use `{used}`", file.display(), list[module].name)).collect()
}

/// Whether the module at a place of the list may use one of this name.
fn may_use(list: &[Module], module: usize, used: &str) -> bool {
    let Some(other) = position(list, used) else { return false };
    match (list[module].group, list[other].group) {
        (Group::Edges, Group::Edges) => module == other || SHARED.contains(&list[other].name.as_str()),
        _ => other <= module,
    }
}

fn position(list: &[Module], name: &str) -> Option<usize> {
    list.iter().position(|module| module.name == name)
}

/// Whether a file is the module's own, or in its folder.
fn belongs_to(file: &Path, module: &str) -> bool {
    file == Path::new("src").join(module).with_extension("rs") || file.starts_with(Path::new("src").join(module))
}

/// The first path segment after every `crate::` (and `{`, so that a braced import is reported).
fn modules_used(text: &str) -> impl Iterator<Item = &str> {
    text.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end.max(1)]
    })
}

/// A file without the lines that are comments: what the documentation links to is no use.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n")
}

/// Every `.rs` file below a folder; none if there is no such folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let here = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    here.chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}

fn stem(file: &Path) -> &str {
    file.file_stem().and_then(|stem| stem.to_str()).unwrap()
}
