//! "Did you mean": the nearest of the words that would have been right.

/// `did you mean ...?` when one of the candidates is near enough to be a slip of the pen.
///
/// ```
/// use stageflow::load::did_you_mean;
/// assert_eq!(did_you_mean("titel", ["title", "fields"]).as_deref(), Some("did you mean `title`?"));
/// assert_eq!(did_you_mean("price", ["title", "fields"]), None);
/// ```
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|found| format!("did you mean `{found}`?"))
}

/// The nearest candidate, if one is within a third of the word's length; the first of equals.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters: Vec<char> = word.chars().take(64).collect();
    let limit = (letters.len() / 3).max(1);
    let near = candidates.into_iter().filter(|candidate| *candidate != word);
    let measured = near.map(|candidate| (distance(&letters, candidate), candidate));
    measured.filter(|(far, _)| *far <= limit).min_by_key(|(far, _)| *far).map(|(_, candidate)| candidate)
}

/// Edits between two words: insert, delete, replace; two neighbours swapped count as one.
fn distance(word: &[char], other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in word.iter().enumerate() {
        let mut row = vec![at + 1];
        for (to, wanted) in other.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let replaced = cell(&last, to) + usize::from(letter != wanted);
            let mut best = replaced.min(cell(&last, to + 1) + 1).min(cell(&row, to) + 1);
            let swapped = at > 0 && to > 0 && word.get(at - 1) == Some(wanted) && other.get(to - 1) == Some(letter);
            if swapped {
                best = best.min(cell(&before, to - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}
