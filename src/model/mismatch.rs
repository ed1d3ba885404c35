//! A text, JSON value or stored value that does not fit where it is put.

/// What was expected, what was found, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}{}", help.as_ref().map_or(String::new(), |help| format!("; {help}")))]
#[non_exhaustive]
pub struct Mismatch {
    /// What fits.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// What to write instead, for example "did you mean `won`?".
    pub help: Option<String>,
}

impl Mismatch {
    /// A mismatch without help.
    pub fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into(), help: None }
    }

    /// The same with what to write instead.
    pub fn help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }
}
