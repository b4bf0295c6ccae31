//! Errors and notices as psql shows them: message, the line with a caret below the culprit, detail, hint.

use crate::base::Error;
use crate::session::Notice;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Columns of a line that are shown.
const LINE_MAX: usize = 100;

/// An error as lines of text; `text` is what its position is in.
pub fn report(severity: &str, error: &Error, text: Option<&str>) -> String {
    let mut report = format!("{severity}:  {}\n", error.message);
    if let (Some(text), Some(offset)) = (text, error.offset) {
        report += &pointed(text, offset);
    }
    for (label, fact) in [("DETAIL", &error.detail), ("HINT", &error.hint)] {
        if let Some(fact) = fact {
            let _ = writeln!(report, "{label}:  {fact}");
        }
    }
    report
}

pub fn notice(notice: &Notice) -> String {
    let hint = notice.hint.as_ref().map(|hint| format!("HINT:  {hint}\n")).unwrap_or_default();
    format!("{}:  {}\n{hint}", notice.severity, notice.message)
}

/// `LINE 3: SELECT idd` and a caret below `idd`.
fn pointed(text: &str, offset: usize) -> String {
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let number = text[..offset].matches('\n').count() + 1;
    let line = text[start..].lines().next().unwrap_or_default();
    let (shown, before) = window(line, offset - start);
    let label = format!("LINE {number}: ");
    format!("{label}{shown}\n{}^\n", " ".repeat(label.len() + before))
}

/// The part of a line around a byte offset, and how many columns of it are before that.
fn window(line: &str, offset: usize) -> (String, usize) {
    let line = line.replace('\t', " ");
    let offset = offset.min(line.len());
    let chars: Vec<_> = line.chars().collect();
    let at = line[..offset].chars().count();
    if chars.len() <= LINE_MAX {
        return (line.clone(), line[..offset].width());
    }
    let first = at.saturating_sub(LINE_MAX / 2).min(chars.len() - LINE_MAX);
    let last = first + LINE_MAX;
    let (head, tail) = (if first > 0 { "..." } else { "" }, if last < chars.len() { "..." } else { "" });
    let middle: String = chars[first..last].iter().collect();
    let before: String = chars[first..at].iter().collect();
    (format!("{head}{middle}{tail}"), head.len() + before.width())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Kind;

    fn check(text: &str, offset: usize, expected: &str) {
        let error = Error::new(Kind::UndefinedColumn, "no").at(offset).hint("do".to_string());
        assert_eq!(report("ERROR", &error, Some(text)), format!("ERROR:  no\n{expected}HINT:  do\n"));
    }

    #[test]
    fn the_caret_stands_below_the_culprit() {
        check("SELECT x", 7, "LINE 1: SELECT x\n               ^\n");
        check("SELECT 1;\n\nSELECT 'ü', x\nFROM t", 24, "LINE 3: SELECT 'ü', x\n                    ^\n");
        check("SELECT\t'日本', x", 17, "LINE 1: SELECT '日本', x\n                       ^\n");
        check("SELECT", 99, "LINE 1: SELECT\n              ^\n");
    }

    #[test]
    fn a_long_line_is_cut_around_the_culprit() {
        let text = format!("{}x{}", "a".repeat(300), "b".repeat(300));
        let (shown, before) = window(&text, 300);
        assert_eq!((shown.len(), &shown[before..before + 1]), (106, "x"));
    }
}
