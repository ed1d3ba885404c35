//! "Did you mean …?": the nearest of the names that exist.

/// The candidate nearest to `word`, when one is near enough to be meant.
///
/// ```
/// use stageflow::model::suggest::nearest;
/// assert_eq!(nearest("acount", ["account", "contact"]), Some("account"));
/// assert_eq!(nearest("zebra", ["account", "contact"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = fold(word);
    let far = 1 + word.len() / 4;
    let near = |candidate: &&str| candidate.chars().take(64).count().abs_diff(word.len()) <= far;
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter(near)
        .map(|candidate| (distance(&word, &fold(candidate), far), candidate))
        .filter(|(away, _)| *away <= far)
        .min_by_key(|(away, _)| *away)
        .map(|(_, candidate)| candidate)
}

/// Most candidates that are looked at: a library full of names must not make its unknown ones costly.
const MAX_CANDIDATES: usize = 500;

/// A help text "did you mean `x`?", when there is a near candidate.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}

/// Case, spaces, dashes and underscores are what people mix up most; at most 64 characters are looked at.
fn fold(word: &str) -> Vec<char> {
    let plain = |c: char| if matches!(c, ' ' | '-') { '_' } else { c };
    word.chars().take(64).flat_map(char::to_lowercase).map(plain).collect()
}

/// The least number of changed, added, dropped or swapped characters; anything over `far` when there are more.
fn distance(a: &[char], b: &[char], far: usize) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        if row.iter().chain(&last).all(|away| *away > far) {
            return far.saturating_add(1);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}
