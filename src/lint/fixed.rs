//! A revision after its safe fixes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Fix, apply};
use crate::lint::{Settings, findings};
use crate::name::RepoPath;
use crate::revision::Revision;

/// The most rounds: a fix may enable another one, but not endlessly.
const MAX_ROUNDS: usize = 20;

/// Applies the safe fixes of a revision until there are none left, and returns the changed files.
pub fn fixed(revision: &mut Revision, variables: &BTreeMap<String, String>, given: &Settings) -> Vec<RepoPath> {
    let before = revision.texts.clone();
    for _ in 0..MAX_ROUNDS {
        let changed = round(revision, &findings(revision, variables, given));
        if changed.is_empty() {
            break;
        }
        revision.texts.extend(changed);
    }
    let is_other = |(path, text): &(&RepoPath, &Arc<[u8]>)| before.get(*path) != Some(*text);
    revision.texts.iter().filter(is_other).map(|(path, _)| path.clone()).collect()
}

fn round(revision: &Revision, findings: &[Diagnostic]) -> Vec<(RepoPath, Arc<[u8]>)> {
    let mut fixes: BTreeMap<&RepoPath, Vec<&Fix>> = BTreeMap::new();
    for finding in findings {
        let safe = finding.fix.as_deref().filter(|fix| fix.safe);
        fixes.entry(&finding.place.path).or_default().extend(safe);
    }
    let apply = |(path, fixes): (&RepoPath, Vec<&Fix>)| {
        let text = apply(revision.texts.get(path)?, fixes.into_iter())?;
        Some((path.clone(), text.into()))
    };
    fixes.into_iter().filter_map(apply).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lint::dockerfile::Dockerfile;
    use crate::lint::shell;

    /// The bytes of a Dockerfile after its safe fixes.
    fn mended(text: &str) -> String {
        let mut revision = Revision::of(&[("Dockerfile", text)]);
        fixed(&mut revision, &BTreeMap::new(), &Settings::default());
        String::from_utf8(revision.texts[&"Dockerfile".parse().unwrap()].to_vec()).unwrap()
    }

    /// The commands of its scripts, in the words of those who know no fix; none where a script cannot be read.
    fn commands(text: &str) -> Option<Vec<String>> {
        let file = Dockerfile::parse(text.as_bytes());
        let scripts = shell::scripts(text.as_bytes(), &file);
        let mut commands = Vec::new();
        for script in &scripts {
            if script.code.problem.is_some() {
                return None;
            }
            for command in script.commands() {
                let words: Vec<&str> =
                    command.words.iter().filter(|word| !word.has_expansion()).map(|word| word.text.as_str()).collect();
                commands.push(words.join(" ").replace("egrep", "grep -E").replace("==", "="));
            }
        }
        Some(commands)
    }

    #[test]
    fn scripts_are_mended_where_they_surely_mean_the_same() {
        let cases = [
            ("A=`b c`", "A=$(b c)"),
            ("echo \"`b c`\"", "echo \"$(b c)\""),
            ("egrep x y|egrep -v z", "grep -E x y|grep -E -v z"),
            ("if [ \"$A\" == b ]; then c; fi", "if [ \"$A\" = b ]; then c; fi"),
            ("([ -f a ])||b", "[ -f a ] ||b"),
            ("a && ( [ -f b ] ) && c", "a &&  [ -f b ]  && c"),
        ];
        let shown = |script: &str| format!("FROM debian:12\nRUN {script}\n");
        for (before, after) in cases {
            assert_eq!(mended(&shown(before)), shown(after), "{before}");
        }
        let alike = [
            "A=`b \\`c\\``",
            "A=`(b)`",
            "A=`b # c`",
            "A=$`b`",
            "A=\"`b \"c\"`\"",
            "A=`case b in c) d;; esac`",
            "/bin/egrep x",
            "grep() { egrep x; }; grep",
            "([ -f \"${a:=b}\" ])",
            "cd /a; b",
        ];
        for same in alike {
            assert_eq!(mended(&shown(same)), shown(same));
        }
    }

    proptest! {
        #[test]
        fn mended_scripts_have_the_same_commands_and_are_mended_once(
            pieces in prop::collection::vec(0..PIECES.len(), 0..12),
        ) {
            let script: String = pieces.iter().map(|&piece| PIECES[piece]).collect();
            let text = format!("FROM debian:12\nRUN {script}\nUSER 1000\n");
            let after = mended(&text);
            prop_assert_eq!(&mended(&after), &after);
            if let Some(before) = commands(&text) {
                prop_assert_eq!(commands(&after), Some(before), "{}", after);
            }
        }
    }

    const PIECES: [&str; 22] = [
        "`",
        "a",
        " ",
        "$",
        "(",
        ")",
        "[ -f a ]",
        "[ a == b ]",
        "egrep x",
        ";",
        "&&",
        "||",
        "|",
        "\"",
        "'",
        "\\\n  ",
        "# b",
        "then",
        "if ",
        "fi",
        "${c}",
        "\\",
    ];
}
