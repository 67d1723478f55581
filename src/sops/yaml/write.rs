//! From branches to nodes, which have their comments at three places, as SOPS hangs them there.

use secrecy::zeroize::Zeroizing;

use super::emit::Emitter;
use crate::sops::error::Error;
use crate::sops::tree::{Branch, Comment, Entry, Text, Value};

/// A node of YAML.
#[derive(Default)]
pub(super) struct Node<'a> {
    /// Comments above it, with their `#`.
    pub(super) head: Text,
    /// A comment after it.
    pub(super) line: Text,
    /// Comments below it.
    pub(super) foot: Text,
    pub(super) content: Content<'a>,
}

pub(super) enum Content<'a> {
    Scalar(Scalar<'a>),
    Sequence(Vec<Node<'a>>),
    Mapping(Vec<(Node<'a>, Node<'a>)>),
}

/// A scalar whose style is still to be chosen.
pub(super) enum Scalar<'a> {
    /// A text, in quotes where it needs some.
    Text(&'a [u8]),
    /// A number, date or boolean: what it means follows from how it looks.
    Plain(Text),
}

impl Default for Content<'_> {
    fn default() -> Self {
        Self::Scalar(Scalar::Text(b""))
    }
}

/// The file.
pub(in crate::sops) fn write(branches: &[Branch]) -> Result<Text, Error> {
    let mut emitter = Emitter::default();
    for (number, branch) in branches.iter().enumerate() {
        emitter.document(&mapping(branch)?, number == 0);
    }
    Ok(emitter.finish())
}

fn node(value: &Value) -> Result<Node<'_>, Error> {
    let scalar = match value {
        Value::Map(branch) => return mapping(branch),
        Value::List(items) => return sequence(items),
        Value::Text(text) => Scalar::Text(text),
        Value::Time(text) => Scalar::Plain(text.clone()),
        Value::Null => Scalar::Plain(Zeroizing::new(b"null".to_vec())),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Scalar::Plain(plain(value)),
        Value::Comment(_) => return Err(Error::Unwritable("a comment as a value")),
    };
    Ok(Node { content: Content::Scalar(scalar), ..Node::default() })
}

fn plain(value: &Value) -> Text {
    Zeroizing::new(match value {
        Value::Bool(value) => value.to_string().into_bytes(),
        Value::Float(value) => match crate::stack::yaml::go_float(*value).as_str() {
            "+Inf" => b".inf".to_vec(),
            "-Inf" => b"-.inf".to_vec(),
            "NaN" => b".nan".to_vec(),
            text => text.as_bytes().to_vec(),
        },
        other => return other.bytes().unwrap_or_default(),
    })
}

/// Comments that wait for the value they stand in front of.
#[derive(Default)]
struct Waiting<'a> {
    own: Vec<&'a Comment>,
    inline: Vec<&'a Comment>,
}

impl<'a> Waiting<'a> {
    fn add(&mut self, comment: &'a Comment) {
        if comment.inline { self.inline.push(comment) } else { self.own.push(comment) }
    }

    fn take_own(&mut self) -> Text {
        joined(&std::mem::take(&mut self.own))
    }

    fn take_inline(&mut self) -> Text {
        joined(&std::mem::take(&mut self.inline))
    }

    fn take_all(&mut self) -> Text {
        self.own.append(&mut self.inline);
        self.take_own()
    }
}

/// Comments in lines, each with its `#`.
fn joined(comments: &[&Comment]) -> Text {
    let mut text = Zeroizing::new(Vec::new());
    for (number, comment) in comments.iter().enumerate() {
        if number > 0 {
            text.push(b'\n');
        }
        text.push(b'#');
        text.extend_from_slice(&comment.text);
    }
    text
}

fn above(node: &mut Node<'_>, comment: &Text) {
    if comment.is_empty() {
        return;
    }
    let below = std::mem::replace(&mut node.head, comment.clone());
    if !below.is_empty() {
        node.head.push(b'\n');
        node.head.extend_from_slice(&below);
    }
}

fn mapping(branch: &Branch) -> Result<Node<'_>, Error> {
    let (mut entries, mut waiting, mut whole) =
        (Vec::<(Node<'_>, Node<'_>)>::new(), Waiting::default(), Node::default());
    for entry in branch {
        match entry {
            Entry::Comment(comment) => waiting.add(comment),
            Entry::Value(name, value) => {
                if entries.is_empty() {
                    above(&mut whole, &waiting.take_own());
                }
                let scalar = Scalar::Text(name.as_bytes());
                let key = Node { head: waiting.take_own(), content: Content::Scalar(scalar), ..Node::default() };
                let mut value = node(value)?;
                value.line = waiting.take_inline();
                entries.push((key, value));
            }
        }
    }
    let rest = waiting.take_all();
    match entries.last_mut() {
        Some((key, _)) => key.foot = rest,
        None => above(&mut whole, &rest),
    }
    Ok(Node { content: Content::Mapping(entries), ..whole })
}

fn sequence(values: &[Value]) -> Result<Node<'_>, Error> {
    let (mut items, mut waiting, mut whole) = (Vec::<Node<'_>>::new(), Waiting::default(), Node::default());
    for value in values {
        if let Value::Comment(comment) = value {
            waiting.add(comment);
            continue;
        }
        if items.is_empty() {
            above(&mut whole, &waiting.take_own());
        }
        let mut item = node(value)?;
        above(&mut item, &waiting.take_own());
        item.line = waiting.take_inline();
        items.push(item);
    }
    let rest = waiting.take_all();
    match items.last_mut() {
        Some(item) => item.foot = rest,
        None => above(&mut whole, &rest),
    }
    Ok(Node { content: Content::Sequence(items), ..whole })
}
