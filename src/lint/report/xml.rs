//! The two formats in XML that build servers read: `JUnit`'s and checkstyle's.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::diagnostic::render::excerpt::Sources;
use crate::diagnostic::render::{self, Texts};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::report::{address, help_below};

type Xml = Writer<Vec<u8>>;

/// A file element for each file, an error element for each finding.
pub(super) fn checkstyle(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    document(|xml| {
        xml.create_element("checkstyle").with_attribute(("version", "4.3")).write_inner_content(|xml| {
            findings
                .chunk_by(|one, next| one.place.path == next.place.path)
                .try_for_each(|of_file| file(xml, of_file, &sources))
        })?;
        Ok(())
    })
}

fn file(xml: &mut Xml, findings: &[Diagnostic], sources: &Sources<'_>) -> io::Result<()> {
    let name = valid(&address(&findings[0].place));
    let file = xml.create_element("file").with_attribute(("name", &*name));
    file.write_inner_content(|xml| findings.iter().try_for_each(|finding| error(xml, finding, sources)))?;
    Ok(())
}

fn error(xml: &mut Xml, finding: &Diagnostic, sources: &Sources<'_>) -> io::Result<()> {
    let (start, _) = sources.positions(&finding.place);
    let severity = if finding.severity == Severity::Style { Severity::Info } else { finding.severity };
    xml.create_element("error")
        .with_attribute(("line", &*start.line.to_string()))
        .with_attribute(("column", &*start.column.to_string()))
        .with_attribute(("severity", severity.name()))
        .with_attribute(("message", &*valid(&finding.message)))
        .with_attribute(("source", finding.id()))
        .write_empty()?;
    Ok(())
}

/// A suite with a failed test for each finding; one test that passes if there is none.
pub(super) fn junit(findings: &[Diagnostic], texts: &Texts) -> String {
    let sources = Sources::of(findings, texts);
    document(|xml| {
        xml.create_element("testsuites").write_inner_content(|xml| suite(xml, findings, &sources))?;
        Ok(())
    })
}

fn suite(xml: &mut Xml, findings: &[Diagnostic], sources: &Sources<'_>) -> io::Result<()> {
    let suite = xml
        .create_element("testsuite")
        .with_attribute(("name", "skep lint"))
        .with_attribute(("tests", &*findings.len().max(1).to_string()))
        .with_attribute(("failures", &*findings.len().to_string()))
        .with_attribute(("errors", "0"))
        .with_attribute(("skipped", "0"));
    suite.write_inner_content(|xml| {
        if findings.is_empty() {
            let test = xml.create_element("testcase").with_attribute(("name", "no findings"));
            test.with_attribute(("classname", "skep")).write_empty()?;
        }
        findings.iter().try_for_each(|finding| failed_test(xml, finding, sources))
    })?;
    Ok(())
}

fn failed_test(xml: &mut Xml, finding: &Diagnostic, sources: &Sources<'_>) -> io::Result<()> {
    let (start, _) = sources.positions(&finding.place);
    let file = valid(&address(&finding.place));
    let name = format!("{} at {file}:{}:{}", finding.id(), start.line, start.column);
    let said = valid(&(render::line(finding, sources) + &help_below(finding)));
    let test = xml.create_element("testcase").with_attribute(("name", &*name)).with_attribute(("classname", &*file));
    test.write_inner_content(|xml| {
        xml.create_element("failure")
            .with_attribute(("message", &*valid(&finding.message)))
            .with_attribute(("type", finding.severity.name()))
            .write_text_content(BytesText::new(&said))?;
        Ok(())
    })?;
    Ok(())
}

fn document(write: impl FnOnce(&mut Xml) -> io::Result<()>) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    let begun = xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    begun.and_then(|()| write(&mut xml)).expect("a buffer takes what is written");
    String::from_utf8_lossy(&xml.into_inner()).into_owned() + "\n"
}

/// A text with a mark for each character that XML does not have, however it is written.
fn valid(text: &str) -> String {
    let is_valid = |c: char| matches!(c, '\n' | '\t') || !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if is_valid(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;

    fn hostile() -> [Diagnostic; 2] {
        let at = |path: &str| Place { path: path.parse().unwrap(), span: 0..0 };
        let message = "there is no `<a>` & \"b\" 'c'\n\u{1}\u{fffe}";
        [
            Diagnostic::new(at("a<b>.yml"), message).code("SK1003").help("write `&amp;`"),
            Diagnostic::new(at("web/Dockerfile"), "write it in capitals").code("DL0001").rated(Severity::Style),
        ]
    }

    #[test]
    fn what_xml_cannot_hold_is_written_otherwise() {
        insta::assert_snapshot!(checkstyle(&hostile(), &Texts::new()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <checkstyle version="4.3">
          <file name="a&lt;b&gt;.yml">
            <error line="1" column="1" severity="error" message="there is no `&lt;a&gt;` &amp; &quot;b&quot; &apos;c&apos;&#10;��" source="SK1003"/>
          </file>
          <file name="web/Dockerfile">
            <error line="1" column="1" severity="info" message="write it in capitals" source="DL0001"/>
          </file>
        </checkstyle>
        "#);
        insta::assert_snapshot!(junit(&hostile(), &Texts::new()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="skep lint" tests="2" failures="2" errors="0" skipped="0">
            <testcase name="SK1003 at a&lt;b&gt;.yml:1:1" classname="a&lt;b&gt;.yml">
              <failure message="there is no `&lt;a&gt;` &amp; &quot;b&quot; &apos;c&apos;&#10;��" type="error">a&lt;b&gt;.yml:1:1: error[SK1003]: there is no `&lt;a&gt;` &amp; &quot;b&quot; &apos;c&apos;\n^A�
        write `&amp;amp;`</failure>
            </testcase>
            <testcase name="DL0001 at web/Dockerfile:1:1" classname="web/Dockerfile">
              <failure message="write it in capitals" type="style">web/Dockerfile:1:1: style[DL0001]: write it in capitals</failure>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
        insta::assert_snapshot!(checkstyle(&[], &Texts::new()) + &junit(&[], &Texts::new()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <checkstyle version="4.3">
        </checkstyle>
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="skep lint" tests="1" failures="0" errors="0" skipped="0">
            <testcase name="no findings" classname="skep"/>
          </testsuite>
        </testsuites>
        "#);
    }
}
