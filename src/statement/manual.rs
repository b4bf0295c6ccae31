//! The manual, written from what the code says.

/// What the manual says of one statement.
#[derive(Clone, Copy, Debug)]
pub struct Manual {
    /// `CREATE WORKFLOW`
    pub title: &'static str,
    pub synopsis: &'static str,
    pub about: &'static str,
    pub example: &'static str,
}

/// The reference, as Markdown.
pub fn manual() -> String {
    String::new()
}
