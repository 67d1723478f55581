//! "Did you mean": the nearest of the known words.

/// Longer words are not typing mistakes, and comparing takes time by the square of their length.
const LONGEST: usize = 40;
/// How many known words are compared.
const MOST: usize = 500;

/// The known word that was probably meant: up to a third of its letters, or one in a short word, may be wrong, missing,
/// added or swapped with a neighbour; case is ignored. `None` if no word is near enough, or if it is a known word.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if !(2..=LONGEST).contains(&length) {
        return None;
    }
    let (wanted, most) = (word.to_lowercase(), length.max(3) / 3);
    known
        .into_iter()
        .take(MOST)
        .filter(|candidate| candidate.len() <= LONGEST && *candidate != word)
        .map(|candidate| (strsim::osa_distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= most)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// The question whether the nearest known word was meant; `None` if there is none.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_word_is_suggested() {
        let known = ["COPY", "CMD", "FROM", "build", "labels"];
        let of = |word| nearest(word, known);
        assert_eq!(
            [of("COYP"), of("FORM"), of("COPYY"), of("cmd")].map(Option::unwrap),
            ["COPY", "FROM", "COPY", "CMD"]
        );
        assert_eq!([of("Build"), of("biuld"), of("lebals")].map(Option::unwrap), ["build", "build", "labels"]);
        assert_eq!([of("XYZ"), of("C"), of(""), of("COPY"), of("bolt")], [None; 5]);
    }

    #[test]
    fn a_suggestion_is_a_question() {
        assert_eq!(did_you_mean("serivce", ["service", "secret"]).as_deref(), Some("did you mean `service`?"));
        assert_eq!(did_you_mean(&"a".repeat(1 << 20), ["service"]), None);
    }
}
