//! The register of problems: every code, what it means, and how it is written wrong and right.
//!
//! A code that is raised anywhere stands here; a test compares. The examples are whole files: the wrong one raises its
//! code, the right one loads clean. A process or decision alone is judged with [`EXAMPLE_LIBRARY`]; several files are parted by
//! lines `# file: name.yaml`.

mod decision;
mod expressions;
mod files;
mod library;
mod process;
mod text;

/// One kind of problem, as the manual shows it.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The short word, for example `unknown-key`.
    pub code: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// A file that raises it; empty when no text can show it, as with a file that is missing.
    pub wrong: &'static str,
    /// The same, mended.
    pub right: &'static str,
}

/// The library that the examples of processes talk about.
pub const EXAMPLE_LIBRARY: &str = include_str!("codes/example.yaml");

/// All codes, by what they are about.
pub const GROUPS: &[(&str, &[Code])] = &[
    ("Files", files::CODES),
    ("The text", text::CODES),
    ("Libraries", library::CODES),
    ("Expressions", expressions::CODES),
    ("Processes", process::CODES),
    ("Decisions", decision::CODES),
];

/// Every code that loading can raise.
pub fn all() -> impl Iterator<Item = &'static Code> {
    GROUPS.iter().flat_map(|(_, codes)| codes.iter())
}

/// The entry of a code.
///
/// ```
/// let entry = stageflow::load::codes::find("duplicate-key").unwrap();
/// assert_eq!(entry.meaning, "A key is written twice in one mapping.");
/// ```
pub fn find(code: &str) -> Option<&'static Code> {
    all().find(|entry| entry.code == code)
}

/// The registered code of a problem in an expression, whose own words have `_` for `-`.
pub fn of_expression(code: &str) -> &'static str {
    let dashed = code.replace('_', "-");
    find(&dashed).map_or("expression", |entry| entry.code)
}
