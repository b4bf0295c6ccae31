//! What values a setting takes, and the one form in which each is kept and shown.

use crate::base::value::Zone;
use crate::base::{Error, Kind, Result, quote_identifier};

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Flag,
    /// A number between two others, with the unit of a bare one.
    Number(f64, f64, Unit),
    Words(&'static [&'static str]),
    Text,
    /// A list of identifiers.
    Names,
    Zone,
    DateStyle,
    Encoding,
    /// Never changed by a statement.
    Fixed,
}

/// What a bare number counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    None,
    Ms,
    Seconds,
    Kb,
    /// Blocks of 8 kB.
    Blocks,
}

impl Shape {
    /// The value in the form that `SHOW` prints.
    pub(super) fn normal(&self, name: &str, value: &str) -> Result<String> {
        match self {
            Shape::Flag => flag(value)
                .map(|on| if on { "on" } else { "off" }.to_string())
                .ok_or_else(|| invalid(format!("parameter \"{name}\" requires a Boolean value"))),
            Shape::Number(min, max, unit) => numeric(name, value, *min, *max, *unit),
            Shape::Words(words) => words
                .iter()
                .find(|word| word.eq_ignore_ascii_case(value))
                .map(|word| word.to_string())
                .ok_or_else(|| wrong(name, value).hint(format!("available values: {}", words.join(", ")))),
            Shape::Text => Ok(value.to_string()),
            Shape::Names => {
                let names = identifiers(value).ok_or_else(|| wrong(name, value))?;
                Ok(names.iter().map(|name| quote_identifier(name)).collect::<Vec<_>>().join(", "))
            }
            Shape::Zone => Zone::parse(value).map(|zone| zone.to_string()).ok_or_else(|| wrong(name, value)),
            Shape::DateStyle => date_style(value).ok_or_else(|| {
                wrong(name, value).hint("only the ISO style is supported, with MDY, DMY or YMD".to_string())
            }),
            // As PostgreSQL, which compares letters and digits alone: a driver sends quotes with the name.
            Shape::Encoding => match value.replace(|c: char| !c.is_ascii_alphanumeric(), "").to_lowercase().as_str() {
                "utf8" | "unicode" => Ok("UTF8".into()),
                _ => Err(wrong(name, value).hint("only UTF8 is supported".to_string())),
            },
            Shape::Fixed => Err(fixed(name)),
        }
    }
}

pub(super) fn fixed(name: &str) -> Error {
    Error::new(Kind::CannotChange, format!("parameter \"{name}\" cannot be changed"))
}

fn invalid(message: String) -> Error {
    Error::new(Kind::InvalidParameterValue, message)
}

fn wrong(name: &str, value: &str) -> Error {
    invalid(format!("invalid value for parameter \"{name}\": \"{value}\""))
}

/// `on`, `true`, `yes`, `1` and what begins like one of them and like no other.
fn flag(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if text == "1" || begins("true", 1) || begins("yes", 1) || begins("on", 2) {
        Some(true)
    } else if text == "0" || begins("false", 1) || begins("no", 1) || begins("off", 2) {
        Some(false)
    } else {
        None
    }
}

/// Names of units with what one is in the base unit of the family, larger ones first.
const TIMES: &[(&str, f64)] =
    &[("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1_000.0), ("ms", 1.0), ("us", 0.001)];
const SIZES: &[(&str, f64)] =
    &[("TB", (1u64 << 30) as f64), ("GB", (1 << 20) as f64), ("MB", 1024.0), ("kB", 1.0), ("B", 1.0 / 1024.0)];

impl Unit {
    fn family(self) -> (&'static [(&'static str, f64)], f64) {
        match self {
            Unit::None => (&[], 1.0),
            Unit::Ms => (TIMES, 1.0),
            Unit::Seconds => (TIMES, 1_000.0),
            Unit::Kb => (SIZES, 1.0),
            Unit::Blocks => (SIZES, 8.0),
        }
    }

    fn show(self, number: f64) -> String {
        let (units, one) = self.family();
        let base = number * one;
        let whole = units.iter().find(|(_, size)| *size >= 1.0 && base % size == 0.0);
        match whole {
            Some((unit, size)) if number > 0.0 => format!("{}{unit}", base / size),
            _ => number.to_string(),
        }
    }
}

/// A number with or without a unit, counted in `unit`.
pub(super) fn number(text: &str, unit: Unit) -> Option<f64> {
    let text = text.trim();
    let digits = text.find(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')).unwrap_or(text.len());
    let number: f64 = text[..digits].trim().parse().ok().filter(|number: &f64| number.is_finite())?;
    let (units, one) = unit.family();
    match text[digits..].trim() {
        "" => Some(number),
        named => units.iter().find(|(name, _)| *name == named).map(|(_, size)| number * size / one),
    }
}

fn numeric(name: &str, value: &str, min: f64, max: f64, unit: Unit) -> Result<String> {
    let units = unit.family().0;
    let number = number(value, unit).ok_or_else(|| {
        let names: Vec<_> = units.iter().rev().map(|(name, _)| *name).collect();
        wrong(name, value).hint((!names.is_empty()).then(|| format!("valid units are {}", names.join(", "))))
    })?;
    // What is counted is whole; only costs and fractions are not, and those have no unit.
    let number = if units.is_empty() { number } else { number.round() };
    if number < min || number > max {
        let range = format!("{value} is outside the valid range for parameter \"{name}\" ({min} .. {max})");
        return Err(invalid(range));
    }
    Ok(unit.show(number))
}

/// `ISO`, `DMY`, `iso, ymd`: the order of fields, ISO being the only style.
fn date_style(text: &str) -> Option<String> {
    let mut order = "MDY";
    for word in text.split(',').map(|word| word.trim().to_ascii_lowercase()) {
        match word.as_str() {
            "iso" => {}
            "mdy" | "us" | "noneuro" | "noneuropean" => order = "MDY",
            "dmy" | "euro" | "european" => order = "DMY",
            "ymd" => order = "YMD",
            _ => return None,
        }
    }
    Some(format!("ISO, {order}"))
}

/// The identifiers of a list, folded to lower case unless quoted.
pub(super) fn identifiers(text: &str) -> Option<Vec<String>> {
    let mut names = vec![];
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = identifier(rest)?;
        names.push(name);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => break,
            None => return None,
        }
        if rest.is_empty() {
            return None;
        }
    }
    Some(names)
}

fn identifier(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t', '\n']).unwrap_or(text.len());
        return Some((text[..end].to_lowercase(), &text[end..])).filter(|(name, _)| !name.contains('"'));
    };
    let mut name = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                name.push('"');
            }
            '"' => return Some((name, &quoted[at + 1..])),
            c => name.push(c),
        }
    }
    None
}
