//! Splits lists into their elements as they arrive, so that a long list is never in memory as a whole.

/// The longest element that is read, in bytes: a config holds less than 1000 KiB, and base64 adds a third.
const MAX_ELEMENT: usize = 4 << 20;

/// Splits the text of a JSON array into its elements, regardless of the chunks that it arrives in.
///
/// It only counts brackets: the reader of an element checks its JSON.
#[derive(Debug, Default)]
pub(super) struct Elements {
    element: Vec<u8>,
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    is_closed: bool,
}

impl Elements {
    /// Takes the next chunk, and passes every complete element to `read`.
    pub(super) fn take(
        &mut self,
        piece: &[u8],
        mut read: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        for &byte in piece {
            let ends = self.put(byte)?;
            if ends && !self.element.is_empty() {
                read(&self.element)?;
                self.element.clear();
            }
        }
        if self.element.len() > MAX_ELEMENT {
            return Err(format!("an element is longer than {} MiB", MAX_ELEMENT >> 20));
        }
        Ok(())
    }

    /// Fails unless the array is complete.
    pub(super) fn end(&self) -> Result<(), String> {
        if self.is_closed { Ok(()) } else { Err("the list breaks off".into()) }
    }

    /// Takes a byte; returns whether an element ends before it.
    fn put(&mut self, byte: u8) -> Result<bool, String> {
        if self.in_text {
            self.element.push(byte);
            self.in_text = byte != b'"' || self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            return Ok(false);
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return Ok(false),
            b'[' if self.depth == 0 && !self.is_closed => self.depth = 1,
            _ if self.depth == 0 => return Err("it is not a list".into()),
            b',' if self.depth == 1 => return Ok(true),
            b']' if self.depth == 1 => {
                (self.depth, self.is_closed) = (0, true);
                return Ok(true);
            }
            b'}' if self.depth == 1 => return Err("it is not a list".into()),
            _ => {
                match byte {
                    b'[' | b'{' => self.depth += 1,
                    b']' | b'}' => self.depth -= 1,
                    b'"' => self.in_text = true,
                    _ => {}
                }
                self.element.push(byte);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn cut(pieces: &[&[u8]]) -> Result<Vec<String>, String> {
        let (mut elements, mut found) = (Elements::default(), Vec::new());
        for piece in pieces {
            elements.take(piece, |element| {
                found.push(String::from_utf8_lossy(element).into_owned());
                Ok(())
            })?;
        }
        elements.end().map(|()| found)
    }

    #[test]
    fn elements_come_one_by_one() {
        assert_eq!(cut(&[b"[]"]), Ok(vec![]));
        assert_eq!(cut(&[b" [ 1, \"a, ]\" ,{\"b\": [2]} ]\n"]).unwrap(), ["1", "\"a, ]\"", "{\"b\":[2]}"]);
        assert_eq!(cut(&[br#"["\"", "\\"]"#]).unwrap(), [r#""\"""#, r#""\\""#]);
    }

    #[test]
    fn what_is_no_whole_list_is_refused() {
        assert_eq!(cut(&[b"[{}"]), Err("the list breaks off".into()));
        assert_eq!(cut(&[b"{\"message\": 1}"]), Err("it is not a list".into()));
        assert_eq!(cut(&[b"[] []"]), Err("it is not a list".into()));
        assert_eq!(cut(&[b"[}"]), Err("it is not a list".into()));
        let endless = [b"[\"".to_vec(), vec![b'a'; MAX_ELEMENT + 1]].concat();
        assert_eq!(cut(&[&endless]), Err("an element is longer than 4 MiB".into()));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[\\[\\]{}\",\\\\a-z\u{e9} ]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z\",]{0,3}", inner, 0..4).prop_map(|fields| json!(fields)),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_list_has_the_same_elements_however_it_arrives(
            values in prop::collection::vec(any_json(), 0..6),
            size in 1_usize..9,
        ) {
            let text = serde_json::to_string_pretty(&values).unwrap();
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let read = |element: &String| serde_json::from_str::<Value>(element).unwrap();
            let found: Vec<Value> = cut(&pieces).unwrap().iter().map(read).collect();
            prop_assert_eq!(found, values);
        }
    }
}
