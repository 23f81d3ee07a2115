//! The nearest name.

/// The candidate nearest to `name` by edit distance (a transposition counts as one edit, case does not
/// count), if it is near enough to be what was meant: one edit in up to four characters, two in up to
/// seven, otherwise three. Of equally near ones one with the same first letter wins, then the first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    let lower = name.to_lowercase();
    let length = lower.chars().count();
    if !(2..=LONGEST).contains(&length) {
        return None;
    }
    let limit = match length {
        0..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, candidate)| (*distance, first(candidate) != first(&lower)))
        .map(|(_, candidate)| candidate)
}

/// The first letter, in lower case.
fn first(name: &str) -> Option<char> {
    name.chars().next().and_then(|c| c.to_lowercase().next())
}
