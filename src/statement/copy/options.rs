//! The options of `COPY`.

use crate::base::{Error, Kind, Result};
use crate::connect::records::Dialect;
use crate::statement::target::folded;
use datafusion::sql::sqlparser::ast::{CopyLegacyCsvOption, CopyLegacyOption, CopyOption};

/// How rows are written in a file or stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Csv,
    Binary,
    Parquet,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub format: Format,
    pub delimiter: u8,
    pub null: String,
    pub quote: u8,
    pub escape: u8,
    pub header: bool,
    /// Columns of csv whose values always stand in quotes; `None` is all of them.
    pub force_quote: Option<Vec<String>>,
}

/// What was said, before the format's own defaults.
#[derive(Default)]
struct Said {
    format: Option<Format>,
    delimiter: Option<char>,
    null: Option<String>,
    quote: Option<char>,
    escape: Option<char>,
    header: Option<bool>,
    force_quote: Option<Option<Vec<String>>>,
}

impl Options {
    /// Reads the options. Without a format, a file's name decides, and text is the last resort as in Postgres.
    pub fn new(options: &[CopyOption], legacy: &[CopyLegacyOption], file: Option<&str>) -> Result<Options> {
        let mut said = Said::default();
        for option in options {
            said.option(option)?;
        }
        for option in legacy {
            said.legacy(option)?;
        }
        said.options(file)
    }

    /// How the records of text and csv are written.
    pub fn dialect(&self) -> Dialect {
        Dialect {
            csv: self.format == Format::Csv,
            delimiter: self.delimiter,
            null: self.null.clone(),
            quote: self.quote,
            escape: self.escape,
            header: self.header,
        }
    }
}

impl Said {
    fn option(&mut self, option: &CopyOption) -> Result<()> {
        match option {
            CopyOption::Format(format) => set(&mut self.format, by_name(&format.value)?),
            CopyOption::Delimiter(c) => set(&mut self.delimiter, *c),
            CopyOption::Null(text) => set(&mut self.null, text.clone()),
            CopyOption::Header(header) => set(&mut self.header, *header),
            CopyOption::Quote(c) => set(&mut self.quote, *c),
            CopyOption::Escape(c) => set(&mut self.escape, *c),
            CopyOption::Freeze(_) => Ok(()),
            CopyOption::Encoding(name) => encoding(name),
            CopyOption::ForceQuote(columns) => set(&mut self.force_quote, Some(columns.iter().map(folded).collect())),
            other @ (CopyOption::ForceNotNull(_) | CopyOption::ForceNull(_)) => {
                Err(Error::unsupported(format!("COPY option {other} is not supported")))
            }
        }
    }

    fn legacy(&mut self, option: &CopyLegacyOption) -> Result<()> {
        match option {
            CopyLegacyOption::Csv(options) => {
                set(&mut self.format, Format::Csv)?;
                for option in options {
                    match option {
                        CopyLegacyCsvOption::Header => set(&mut self.header, true)?,
                        CopyLegacyCsvOption::ForceQuote(columns) => {
                            set(&mut self.force_quote, Some(columns.iter().map(folded).collect()))?
                        }
                        CopyLegacyCsvOption::Quote(c) => set(&mut self.quote, *c)?,
                        CopyLegacyCsvOption::Escape(c) => set(&mut self.escape, *c)?,
                        other => return Err(Error::unsupported(format!("COPY option {other} is not supported"))),
                    }
                }
                Ok(())
            }
            CopyLegacyOption::Parquet => set(&mut self.format, Format::Parquet),
            CopyLegacyOption::Binary => set(&mut self.format, Format::Binary),
            CopyLegacyOption::Delimiter(c) => set(&mut self.delimiter, *c),
            CopyLegacyOption::Null(text) => set(&mut self.null, text.clone()),
            CopyLegacyOption::Header => set(&mut self.header, true),
            other => Err(Error::unsupported(format!("COPY option {other} is not supported"))),
        }
    }

    fn options(self, file: Option<&str>) -> Result<Options> {
        let format = self.format.or_else(|| file.and_then(by_extension)).unwrap_or(Format::Text);
        let refuse = |present: bool, option: &str, wanted: &str| match present {
            true => Err(invalid(format!("COPY {option} is for {wanted} only"))),
            false => Ok(()),
        };
        let csv = format == Format::Csv;
        refuse(!csv && self.quote.is_some(), "QUOTE", "csv")?;
        refuse(!csv && self.escape.is_some(), "ESCAPE", "csv")?;
        if format == Format::Parquet {
            let said = self.delimiter.is_some() || self.null.is_some() || self.header.is_some();
            refuse(said, "DELIMITER, NULL or HEADER", "csv and text")?;
        }
        refuse(!csv && self.force_quote.is_some(), "force quote", "csv")?;
        if format == Format::Binary {
            let refuse = |said: bool, option: &str| match said {
                true => Err(Error::new(Kind::Syntax, format!("cannot specify {option} in BINARY mode"))),
                false => Ok(()),
            };
            refuse(self.delimiter.is_some(), "DELIMITER")?;
            refuse(self.null.is_some(), "NULL")?;
            refuse(self.header == Some(true), "HEADER")?;
        }
        let tabs = file.is_some_and(|file| extension(file) == "tsv");
        let delimiter = byte("delimiter", self.delimiter.unwrap_or(if csv && !tabs { ',' } else { '\t' }))?;
        let quote = byte("quote", self.quote.unwrap_or('"'))?;
        let escape = self.escape.map_or(Ok(quote), |c| byte("escape", c))?;
        let null = self.null.unwrap_or_else(|| if csv { String::new() } else { "\\N".to_string() });
        if null.contains(['\n', '\r']) || null.contains(delimiter as char) {
            return Err(invalid("COPY NULL must not have the delimiter or a line's end in it"));
        }
        if csv && quote == delimiter {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        if !csv && b"\\.abcdefghijklmnopqrstuvwxyz0123456789".contains(&delimiter) {
            return Err(invalid(format!("COPY delimiter cannot be \"{}\"", delimiter as char)));
        }
        let force_quote = self.force_quote.unwrap_or(Some(vec![]));
        Ok(Options { format, delimiter, null, quote, escape, header: self.header.unwrap_or(false), force_quote })
    }
}

fn set<T>(option: &mut Option<T>, value: T) -> Result<()> {
    match option.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(Kind::Syntax, "conflicting or redundant options")),
    }
}

fn by_name(name: &str) -> Result<Format> {
    match name.to_lowercase().as_str() {
        "text" => Ok(Format::Text),
        "csv" => Ok(Format::Csv),
        "parquet" => Ok(Format::Parquet),
        "binary" => Ok(Format::Binary),
        other => Err(invalid(format!("COPY format \"{other}\" not recognized"))
            .hint("formats are text, csv, binary and parquet".to_string())),
    }
}

fn extension(file: &str) -> String {
    file.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default()
}

fn by_extension(file: &str) -> Option<Format> {
    match extension(file).as_str() {
        "csv" | "tsv" => Some(Format::Csv),
        "parquet" => Some(Format::Parquet),
        _ => None,
    }
}

fn encoding(name: &str) -> Result<()> {
    match name.to_lowercase().replace('-', "").as_str() {
        "utf8" | "unicode" => Ok(()),
        _ => Err(Error::unsupported(format!("COPY encoding \"{name}\" is not supported"))
            .hint("files must be UTF-8".to_string())),
    }
}

fn byte(option: &str, c: char) -> Result<u8> {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(byte),
        _ => Err(invalid(format!("COPY {option} must be a single one-byte character"))),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_decides_where_nothing_is_said() {
        let options = |file| Options::new(&[], &[], file).unwrap();
        assert_eq!(options(None).format, Format::Text);
        assert_eq!(options(Some("a.parquet")).format, Format::Parquet);
        assert_eq!((options(Some("a.CSV")).format, options(Some("a.CSV")).delimiter), (Format::Csv, b','));
        assert_eq!((options(Some("a.tsv")).format, options(Some("a.tsv")).delimiter), (Format::Csv, b'\t'));
    }

    #[test]
    fn options_that_contradict_are_refused() {
        let kind = |options: &[CopyOption]| Options::new(options, &[], None).unwrap_err().kind;
        let csv = CopyOption::Format("csv".into());
        assert_eq!(kind(&[csv.clone(), csv.clone()]), Kind::Syntax);
        assert_eq!(kind(&[csv, CopyOption::Delimiter('"')]), Kind::InvalidParameterValue);
        assert_eq!(kind(&[CopyOption::Quote('"')]), Kind::InvalidParameterValue);
        assert_eq!(kind(&[CopyOption::Delimiter('ä')]), Kind::InvalidParameterValue);
        assert_eq!(kind(&[CopyOption::Format("binary".into()), CopyOption::Null("".into())]), Kind::Syntax);
    }
}
