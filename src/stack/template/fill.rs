//! Applies a template: fills the values into a body.

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, context, filters};

use super::{lines, tags};
use crate::diagnostic::{Diagnostic, Span};

/// The largest body, in bytes.
const MAX_BODY: usize = 64 << 10;
/// The largest result, in bytes.
const MAX_OUTPUT: usize = 256 << 10;
/// The most steps of the engine.
const FUEL: u64 = 50_000;
/// The deepest nesting of loops and other blocks.
const MAX_DEPTH: usize = 64;

/// Fills a body. Returns the text, and for each of its lines the line of the body it was made from (both counted from 0).
///
/// A value is written as JSON, which is valid YAML: text in quotes, lists and maps on one line, so that no value can
/// change the structure of the file, and none needs indenting.
pub(super) fn fill(body: &[u8], values: &Value) -> Result<(String, Vec<usize>), Diagnostic<Span>> {
    let body = text(body)?;
    let tags = tags::tags(body)?;
    let filled = run(body, values, MAX_OUTPUT).map_err(|error| problem(&error, body))?;
    // Marks add a few bytes per line; if they change the result otherwise, there is no line mapping.
    let marked = run(&lines::marked(body, &tags), values, MAX_OUTPUT * 4).ok();
    let lines = marked.and_then(|marked| lines::read(&marked, &filled)).unwrap_or_default();
    Ok((filled, lines))
}

fn text(body: &[u8]) -> Result<&str, Diagnostic<Span>> {
    let wrong = |message: String| Diagnostic::new(0..0, message);
    if body.len() > MAX_BODY {
        return Err(wrong(format!("the template is larger than {} KiB", MAX_BODY >> 10)));
    }
    std::str::from_utf8(body).map_err(|_| wrong("the template is not UTF-8".to_owned()))
}

fn run(body: &str, values: &Value, limit: usize) -> Result<String, Error> {
    let mut environment = Environment::empty();
    environment
        .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(MAX_DEPTH);
    environment.set_debug(true);
    environment.set_formatter(emit);
    environment.add_filter("items", filters::items);
    environment.add_filter("text", inside_quotes);
    let mut output = Bounded { text: Vec::new(), limit };
    environment.template_from_str(body)?.render_captured_to(context! { values => values }, &mut output)?;
    Ok(String::from_utf8(output.text).expect("the engine writes text"))
}

/// A writer with a size limit.
struct Bounded {
    text: Vec<u8>,
    limit: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a value piece by piece, so that the size limit also applies within it.
fn emit(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Undefined => return Err(ErrorKind::UndefinedError.into()),
        ValueKind::None => output.write_str("null")?,
        ValueKind::String if value.is_safe() => output.write_str(value.as_str().unwrap_or_default())?,
        ValueKind::String => output.write_str(&json(value.as_str().unwrap_or_default()))?,
        ValueKind::Bool => output.write_str(if value.is_true() { "true" } else { "false" })?,
        ValueKind::Number => write!(output, "{value}")?,
        ValueKind::Map => return emit_map(output, state, value),
        _ => return emit_list(output, state, value),
    }
    Ok(())
}

fn emit_list(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    output.write_str("[")?;
    for (number, item) in value.try_iter()?.enumerate() {
        output.write_str(if number == 0 { "" } else { ", " })?;
        emit(output, state, &item)?;
    }
    Ok(output.write_str("]")?)
}

fn emit_map(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    output.write_str("{")?;
    for (number, key) in value.try_iter()?.enumerate() {
        output.write_str(if number == 0 { "" } else { ", " })?;
        emit(output, state, &key)?;
        output.write_str(": ")?;
        emit(output, state, &value.get_item(&key)?)?;
    }
    Ok(output.write_str("}")?)
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The filter `text`: escapes a value for use inside double quotes.
fn inside_quotes(value: &Value) -> Result<Value, Error> {
    let text = match value.kind() {
        ValueKind::String | ValueKind::Number => json(&value.to_string()),
        kind => {
            let message = format!("`text` is for a text or a number, but this is a {kind}");
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
    };
    Ok(Value::from_safe_string(text[1..text.len() - 1].to_owned()))
}

fn problem(error: &Error, body: &str) -> Diagnostic<Span> {
    let line = error.line().map(|line| super::expansion::line_of(body.as_bytes(), line - 1).0);
    let span: Span = error.range().filter(|range| body.get(range.clone()).is_some()).or(line).unwrap_or(0..0);
    let written = body[span.clone()].trim();
    let (message, help) = match error.kind() {
        ErrorKind::UndefinedError => (
            format!("the template uses `{written}`, which is not one of its values"),
            "write it into values.yml with its default",
        ),
        ErrorKind::OutOfFuel => (format!("the template takes more than {FUEL} steps"), "loop over less"),
        ErrorKind::WriteFailure => (
            format!("the result of the template has more than {} KiB", MAX_OUTPUT >> 10),
            "a stack file is a few kilobytes of text",
        ),
        kind => (format!("the template cannot be applied: {}", error.detail().unwrap_or(&kind.to_string())), ""),
    };
    Diagnostic { help: Some(help.to_owned()).filter(|help| !help.is_empty()), ..Diagnostic::new(span, message) }
}
