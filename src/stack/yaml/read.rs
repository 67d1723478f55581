//! From granit-parser's events to the tree, within a budget.

use std::collections::{HashMap, HashSet};

use granit_parser::{
    ErrorKind, Event, Parser, ScalarStyle, ScanError, Span as Extent, StrInput, StructureStyle, Tag, options,
};

use super::{Mark, Node, Scalar, Value, words};
use crate::diagnostic::{Diagnostic, Span};

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// The most nodes of a file with its aliases expanded; 64 bytes of text count as one.
const MAX_NODES: usize = 100_000;
/// How deeply lists and maps may be nested.
const MAX_DEPTH: usize = 64;

/// Parses a YAML file with a single document.
pub fn parse(text: &[u8]) -> Result<Node, Diagnostic<Span>> {
    if text.len() > MAX_BYTES {
        let megabytes = text.len() / 1_000_000;
        return Err(error(0..0, format!("the file has {megabytes} MB, more than the 1 MiB that is read")));
    }
    let text = std::str::from_utf8(text).map_err(|invalid| {
        let at = invalid.valid_up_to();
        error(at..at + 1, "this is not UTF-8 text; save the file as UTF-8".to_owned())
    })?;
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let shift = text.len() - body.len();
    Reader::new(body, shift).document()
}

fn error(span: Span, message: String) -> Diagnostic<Span> {
    Diagnostic::new(span, message)
}

/// A node with an anchor, and the cost of repeating it.
struct Anchored {
    node: Node,
    cost: usize,
    height: usize,
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    text: &'a str,
    /// The number of bytes removed before the text.
    shift: usize,
    anchors: HashMap<usize, Anchored>,
    budget: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, shift: usize) -> Self {
        let events = Parser::new_from_str_with_options(text, options! { emit_comments: false });
        Self { events, text, shift, anchors: HashMap::new(), budget: MAX_NODES, depth: 0 }
    }

    fn document(mut self) -> Result<Node, Diagnostic<Span>> {
        let mut document = None;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => break,
                (Event::DocumentStart(..), span) if document.is_some() => {
                    let message = "a second document begins here, but only one is read; write one stack per file";
                    return Err(error(span, message.to_owned()));
                }
                (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
                (event, span) => document = Some(self.node(event, span)?),
            }
        }
        document.ok_or_else(|| error(0..0, "the file is empty".to_owned()))
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Diagnostic<Span>> {
        match self.events.next_event() {
            Some(Ok((event, extent))) => Ok((event, self.place(extent))),
            Some(Err(wrong)) => {
                let at = wrong.marker().byte_offset().unwrap_or(0).min(self.text.len());
                let (at, message) = in_words(&wrong, self.text, at);
                Err(error(at + self.shift..at + self.shift, message))
            }
            None => Ok((Event::StreamEnd, self.text.len()..self.text.len())),
        }
    }

    fn place(&self, extent: Extent) -> Span {
        let range = extent.byte_range().unwrap_or(0..0);
        range.start + self.shift..range.end + self.shift
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Diagnostic<Span>> {
        let budget = self.budget;
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let (mark, tag) = marked(tag.as_deref());
                let plain = plain(style, tag, &span)?;
                self.spend(1 + text.len() / 64, &span)?;
                (anchor, Node { span, value: Value::Scalar { text: text.into_owned(), plain }, mark })
            }
            Event::SequenceStart(style, anchor, tag) => {
                let (mark, tag) = marked(tag.as_deref());
                refuse(tag, "seq", &span)?;
                (anchor, Node { mark, ..self.nested(span, |reader, span| reader.sequence(style, span))? })
            }
            Event::MappingStart(style, anchor, tag) => {
                let (mark, tag) = marked(tag.as_deref());
                refuse(tag, "map", &span)?;
                (anchor, Node { mark, ..self.nested(span, |reader, span| reader.mapping(style, span))? })
            }
            Event::Alias(target) => return self.alias(target, span),
            _ => return Err(error(span, "a value was expected here".to_owned())),
        };
        if anchor != 0 {
            let cost = budget - self.budget;
            self.spend(cost, &node.span)?;
            self.anchors.insert(anchor, Anchored { height: height(&node), node: node.clone(), cost });
        }
        Ok(node)
    }

    fn spend(&mut self, cost: usize, span: &Span) -> Result<(), Diagnostic<Span>> {
        let too_large =
            || error(span.clone(), format!("the file has more than {MAX_NODES} values once its aliases are expanded"));
        self.budget = self.budget.checked_sub(cost).ok_or_else(too_large)?;
        Ok(())
    }

    fn nested(
        &mut self,
        span: Span,
        read: impl FnOnce(&mut Self, Span) -> Result<Node, Diagnostic<Span>>,
    ) -> Result<Node, Diagnostic<Span>> {
        self.spend(1, &span)?;
        deeper(self.depth + 1, &span)?;
        self.depth += 1;
        let node = read(self, span);
        self.depth -= 1;
        node
    }

    fn alias(&mut self, target: usize, span: Span) -> Result<Node, Diagnostic<Span>> {
        let Some(anchored) = self.anchors.get(&target) else {
            return Err(error(span, "this alias is inside of the value that it repeats".to_owned()));
        };
        let (cost, height) = (anchored.cost, anchored.height);
        self.spend(cost, &span)?;
        deeper(self.depth + height, &span)?;
        let value = self.anchors[&target].node.value.clone();
        Ok(Node::new(span, value))
    }

    fn sequence(&mut self, style: StructureStyle, mut span: Span) -> Result<Node, Diagnostic<Span>> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                span.end = end(style, &span, items.last(), &at);
                return Ok(Node::new(span, Value::Sequence(items)));
            }
            items.push(self.node(event, at)?);
        }
    }

    fn mapping(&mut self, style: StructureStyle, mut span: Span) -> Result<Node, Diagnostic<Span>> {
        let mut entries = Vec::new();
        let mut merges = Vec::new();
        let mut lines = HashMap::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                span.end = end(style, &span, entries.last().map(|(_, value)| value), &at);
                merge(&mut entries, merges)?;
                return Ok(Node::new(span, Value::Mapping(entries)));
            }
            let key = self.node(event, at)?;
            check_key(&key)?;
            self.check_unique(&key, &mut lines)?;
            let (event, at) = self.next()?;
            let value = self.node(event, at)?;
            match key.value {
                Value::Scalar { ref text, plain: true } if text == "<<" => merges.push(value),
                _ => entries.push((key, value)),
            }
        }
    }

    fn check_unique(&self, key: &Node, seen: &mut HashMap<String, usize>) -> Result<(), Diagnostic<Span>> {
        let Some(first) = seen.insert(key.raw().to_owned(), key.span.start) else { return Ok(()) };
        let line = self.text[..first - self.shift].matches('\n').count() + 1;
        let instead =
            if key.raw() == "<<" { "merge several with `<<: [*one, *other]`" } else { "remove one of the two" };
        Err(error(key.span.clone(), format!("key \"{}\" is already defined at line {line}; {instead}", key.raw())))
    }
}

fn deeper(depth: usize, span: &Span) -> Result<(), Diagnostic<Span>> {
    if depth > MAX_DEPTH { Err(error(span.clone(), too_deep())) } else { Ok(()) }
}

/// The end of a list or map: for a block that of its last value, which excludes empty lines after it.
fn end(style: StructureStyle, span: &Span, last: Option<&Node>, closing: &Span) -> usize {
    match (style, last) {
        (StructureStyle::Block, Some(last)) => last.span.end.max(span.end),
        _ => closing.end.max(span.end),
    }
}

fn check_key(key: &Node) -> Result<(), Diagnostic<Span>> {
    match key.scalar() {
        Some(Scalar::Text(_)) => Ok(()),
        Some(Scalar::Null) => Err(error(key.span.clone(), "a key is missing here".to_owned())),
        Some(_) => {
            let message = format!("the key {0} is {1}, not text; write it in quotes: \"{0}\"", key.raw(), key.kind());
            Err(error(key.span.clone(), message))
        }
        None => Err(error(key.span.clone(), format!("a key must be text, but this is {}", key.kind()))),
    }
}

/// Adds the entries of `<<`: explicit keys take precedence, then those of the first map in a list.
fn merge(entries: &mut Vec<(Node, Node)>, merges: Vec<Node>) -> Result<(), Diagnostic<Span>> {
    if merges.is_empty() {
        return Ok(());
    }
    let mut known: HashSet<String> = entries.iter().map(|(key, _)| key.raw().to_owned()).collect();
    for source in merges.into_iter().flat_map(sources) {
        let Value::Mapping(more) = source.value else {
            let message = format!("`<<` takes a map or a list of maps, but this is {}", source.kind());
            return Err(error(source.span, message));
        };
        entries.extend(more.into_iter().filter(|(key, _)| known.insert(key.raw().to_owned())));
    }
    Ok(())
}

/// The maps that one `<<` names.
fn sources(merged: Node) -> Vec<Node> {
    match merged.value {
        Value::Sequence(sources) => sources,
        _ => vec![merged],
    }
}

/// The mark of a Compose tag, or the tag if it is another one.
fn marked(tag: Option<&Tag>) -> (Mark, Option<&Tag>) {
    match tag.map(Tag::original).as_deref() {
        Some("!reset") => (Mark::Reset, None),
        Some("!override") => (Mark::Override, None),
        _ => (Mark::None, tag),
    }
}

/// Whether a scalar is plain: without quotes, unless a tag says otherwise.
fn plain(style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<bool, Diagnostic<Span>> {
    match tag.map(|tag| (tag, tag.core_suffix())) {
        None => Ok(style == ScalarStyle::Plain),
        Some((_, Some("str"))) => Ok(false),
        Some((_, Some("int" | "float" | "bool" | "null"))) => Ok(true),
        // The tag of `<<` in YAML 1.1, which programs write.
        Some((tag, _)) if is_merge(tag) => Ok(style == ScalarStyle::Plain),
        Some((tag, _)) => Err(unknown_tag(tag, span)),
    }
}

fn is_merge(tag: &Tag) -> bool {
    ["!!merge", "!<tag:yaml.org,2002:merge>", "tag:yaml.org,2002:merge"].contains(&tag.original().as_str())
}

fn refuse(tag: Option<&Tag>, allowed: &str, span: &Span) -> Result<(), Diagnostic<Span>> {
    match tag {
        Some(tag) if tag.core_suffix() != Some(allowed) => Err(unknown_tag(tag, span)),
        _ => Ok(()),
    }
}

fn unknown_tag(tag: &Tag, span: &Span) -> Diagnostic<Span> {
    error(span.clone(), format!("the tag `{}` is not understood; remove it", tag.original()))
}

fn height(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } => 0,
        Value::Sequence(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Value::Mapping(entries) => 1 + entries.iter().map(|(_, value)| height(value)).max().unwrap_or(0),
    }
}

/// The parser's message and its place, improved for the commonest mistakes.
fn in_words(wrong: &ScanError, text: &str, at: usize) -> (usize, String) {
    if let Some(tab) = tab_in_indentation(text, at) {
        return (tab, "a tab is not allowed as indentation; use spaces".to_owned());
    }
    let message = match wrong.kind() {
        ErrorKind::UnknownAnchor => "this alias has no anchor above it".to_owned(),
        ErrorKind::RecursionLimitExceeded => too_deep(),
        _ => return words::better(&wrong.info(), text, at).unwrap_or_else(|| (at, wrong.info())),
    };
    (at, message)
}

/// The first tab in the indentation of the line that holds `at`, or of the one after it.
fn tab_in_indentation(text: &str, at: usize) -> Option<usize> {
    let mut start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    for line in text[start..].split_inclusive('\n').take(2) {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indentation].find('\t') {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

fn too_deep() -> String {
    format!("lists and maps are nested more than {MAX_DEPTH} deep")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::line_column;

    fn refused(text: &str) -> String {
        let error = parse(text.as_bytes()).unwrap_err();
        let (line, column) = line_column(text.as_bytes(), error.place.start);
        format!("{line}:{column}: {error}")
    }

    fn texts(node: &Node) -> Vec<String> {
        node.entries().iter().map(|(key, value)| format!("{}={}", key.raw(), value.raw())).collect()
    }

    #[test]
    fn what_is_written_out_wins_over_what_is_merged() {
        let text = b"a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  <<: [*a, *b]\n  x: 5\n";
        let node = parse(text).unwrap();
        assert_eq!(texts(node.get("c").unwrap()), ["x=5", "y=2", "z=4"]);
    }

    #[test]
    fn a_merge_may_have_its_tag() {
        let node =
            parse(b"a: &a {x: 1}\nb:\n  !!merge <<: *a\n  y: 2\nc: {!<tag:yaml.org,2002:merge> <<: [*a]}\n").unwrap();
        assert_eq!(texts(node.get("b").unwrap()), ["y=2", "x=1"]);
        assert_eq!(texts(node.get("c").unwrap()), ["x=1"]);
    }

    #[test]
    fn a_value_has_its_place() {
        let text = "\u{feff}a:\n  - &x é\n  - *x\n\nb: 1\n";
        let node = parse(text.as_bytes()).unwrap();
        let list = node.get("a").unwrap();
        assert_eq!(&text[list.span.clone()], "- &x é\n  - *x");
        assert_eq!(&text[list.items()[0].span.clone()], "é");
        assert_eq!(&text[list.items()[1].span.clone()], "*x");
        assert_eq!(list.items()[1].raw(), "é");
    }

    #[test]
    fn a_tag_may_say_what_a_scalar_is() {
        let node = parse(b"a: !!str 1\nb: '1'\nc: 1").unwrap();
        assert_eq!(node.get("a").unwrap().as_str(), Some("1"));
        assert_eq!(node.get("b").unwrap().as_str(), Some("1"));
        assert_eq!(node.get("c").unwrap().as_int(), Some(1));
    }

    #[test]
    fn a_tag_may_say_how_a_value_is_laid_over_another() {
        let node = parse(b"a: !reset null\nb: !override [1]\nc: !override {d: 1}\ne: 1").unwrap();
        let mark = |key: &str| node.get(key).unwrap().mark;
        assert_eq!(["a", "b", "c", "e"].map(mark), [Mark::Reset, Mark::Override, Mark::Override, Mark::None]);
        assert!(node.get("a").unwrap().is_null() && node.get("b").unwrap().items().len() == 1);
    }

    #[test]
    fn what_is_not_a_file_of_ours_is_refused_with_its_place() {
        insta::assert_snapshot!(refused(""), @"1:1: the file is empty");
        insta::assert_snapshot!(refused("# nothing\n"), @"1:1: the file is empty");
        insta::assert_snapshot!(refused("a: 1\n\tb: 2\n"), @"2:1: a tab is not allowed as indentation; use spaces");
        insta::assert_snapshot!(refused("a: 1\nb: 2\na: 3\n"), @r#"3:1: key "a" is already defined at line 1; remove one of the two"#);
        insta::assert_snapshot!(refused("a: &a { b: 1 }\nc:\n  << : *a\n  <<: *a\n"), @r#"4:3: key "<<" is already defined at line 3; merge several with `<<: [*one, *other]`"#);
        insta::assert_snapshot!(refused("a: 1\n80: x\n"), @r#"2:1: the key 80 is a number, not text; write it in quotes: "80""#);
        insta::assert_snapshot!(refused("[a]: x\n"), @"1:1: a key must be text, but this is a list");
        insta::assert_snapshot!(refused("a: 1\n---\nb: 2\n"), @"2:1: a second document begins here, but only one is read; write one stack per file");
        insta::assert_snapshot!(refused("a: !vault x\n"), @"1:11: the tag `!vault` is not understood; remove it");
        insta::assert_snapshot!(refused("a: *b\n"), @"1:4: this alias has no anchor above it");
        insta::assert_snapshot!(refused("a: &a [*a]\n"), @"1:8: this alias is inside of the value that it repeats");
        insta::assert_snapshot!(refused("<<: 1\n"), @"1:5: `<<` takes a map or a list of maps, but this is a number");
        insta::assert_snapshot!(refused("a: [1, 2\nb: 3\n"), @"1:4: the `[` that begins here is not closed: write `]` at its end");
        insta::assert_snapshot!(refused("a: \"x\n"), @r#"1:4: the quote " that begins here is not closed"#);
        insta::assert_snapshot!(refused(&format!("{}{}", "[".repeat(65), "]".repeat(65))), @"1:65: lists and maps are nested more than 64 deep");
        insta::assert_snapshot!(refused(&"[".repeat(100_000)), @"1:256: lists and maps are nested more than 64 deep");
        insta::assert_snapshot!(parse(b"a: \xff").unwrap_err(), @"this is not UTF-8 text; save the file as UTF-8");
        insta::assert_snapshot!(parse(&vec![b'a'; 100_000_000]).unwrap_err(), @"the file has 100 MB, more than the 1 MiB that is read");
    }

    #[test]
    fn a_billion_laughs_end_in_an_error() {
        let level =
            |level: usize| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", "));
        let levels: Vec<String> = (1..30).map(level).collect();
        let bomb = format!("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n{}", levels.concat());
        insta::assert_snapshot!(refused(&bomb), @"5:9: the file has more than 100000 values once its aliases are expanded");
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), vec!["*a"; 1000].join(", "));
        insta::assert_snapshot!(refused(&long), @"2:45: the file has more than 100000 values once its aliases are expanded");
    }
}
