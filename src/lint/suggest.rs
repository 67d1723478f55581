//! "Did you mean": the nearest of the known words.

use std::borrow::Cow;

/// Longer words are not typing mistakes, and comparing takes time by the square of their length.
const LONGEST: usize = 40;
/// How many known words are compared.
const MOST: usize = 500;

/// The most similar known word, if one is near: up to a third of the letters may differ.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    known
        .into_iter()
        .take(MOST)
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance > 0 && distance <= length / 3)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// A text from a file, at most 60 characters of it, for use in a message.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_word_is_suggested() {
        let known = ["COPY", "CMD", "FROM"];
        let of = |word| nearest(word, known);
        assert_eq!(
            [of("COYP"), of("FORM"), of("COPYY"), of("XYZ"), of("C"), of(""), of("COPY")],
            [Some("COPY"), Some("FROM"), Some("COPY"), None, None, None, None]
        );
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(cut("ü"), "ü");
        assert_eq!(cut(&"ü".repeat(61)), format!("{}…", "ü".repeat(60)));
    }
}
