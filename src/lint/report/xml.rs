//! The two formats in XML that build servers read: `JUnit`'s and checkstyle's.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::report::excerpt::Sources;
use crate::lint::report::{Texts, address, help_below, short};

const BEGIN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A file element for each file, an error element for each finding.
pub(super) fn checkstyle(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    let mut xml = format!("{BEGIN}<checkstyle version=\"4.3\">\n");
    for of_file in findings.chunk_by(|one, next| one.place.path == next.place.path) {
        line(&mut xml, format_args!("  <file name=\"{}\">", escaped(&address(&of_file[0].place))));
        for finding in of_file {
            let (start, _) = sources.positions(&finding.place);
            line(
                &mut xml,
                format_args!(
                    "    <error line=\"{}\" column=\"{}\" severity=\"{}\" message=\"{}\" source=\"{}\"/>",
                    start.line,
                    start.column,
                    if finding.severity == Severity::Style { "info" } else { finding.severity.name() },
                    escaped(&finding.message),
                    finding.id(),
                ),
            );
        }
        xml.push_str("  </file>\n");
    }
    xml + "</checkstyle>\n"
}

/// A suite with a failed test for each finding; one test that passes if there is none.
pub(super) fn junit(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    let (count, failures) = (findings.len().max(1), findings.len());
    let mut xml = format!("{BEGIN}<testsuites>\n");
    line(
        &mut xml,
        format_args!(
            "  <testsuite name=\"skep lint\" tests=\"{count}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">"
        ),
    );
    if findings.is_empty() {
        xml.push_str("    <testcase name=\"no findings\" classname=\"skep\"/>\n");
    }
    for finding in findings {
        failed_test(&mut xml, finding, &sources);
    }
    xml + "  </testsuite>\n</testsuites>\n"
}

fn failed_test(xml: &mut String, finding: &Diagnostic, sources: &Sources<'_>) {
    let (start, _) = sources.positions(&finding.place);
    let file = escaped(&address(&finding.place));
    let name = format_args!("{} at {file}:{}:{}", finding.id(), start.line, start.column);
    line(xml, format_args!("    <testcase name=\"{name}\" classname=\"{file}\">"));
    let (message, kind) = (escaped(&finding.message), finding.severity.name());
    let text = escaped(&(short::line(finding, sources) + &help_below(finding)));
    line(xml, format_args!("      <failure message=\"{message}\" type=\"{kind}\">{text}</failure>"));
    xml.push_str("    </testcase>\n");
}

fn line(xml: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(xml, "{text}").expect("a text takes what is written");
}

/// A text between tags or quotes. Characters that XML does not allow are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}
