//! The register of problems: every code, what it means, and how it is written wrong and right.

/// One kind of problem, as the manual shows it.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The short word, for example `unknown-key`.
    pub code: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// YAML that raises it.
    pub wrong: &'static str,
    /// The same, mended.
    pub right: &'static str,
}

/// Every code that loading can raise, by the order of its word.
pub const CODES: &[Code] = &[];

/// The entry of a code.
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|entry| entry.code == code)
}

/// The registered code of a problem in an expression, whose own words have `_` for `-`.
pub fn of_expression(code: &str) -> &'static str {
    let same = |entry: &&Code| entry.code.bytes().eq(code.bytes().map(|byte| if byte == b'_' { b'-' } else { byte }));
    CODES.iter().find(same).map_or("expression", |entry| entry.code)
}
