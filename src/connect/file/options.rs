//! The formats of files and the options that each understands.

use crate::base::error::did_you_mean;
use crate::base::{Error, Kind, Result};
use crate::connect::kind::{ConnectionOption, option};
use crate::connect::records::Dialect;
use std::collections::BTreeMap;

/// A format of files: what `STORED AS` names. Its comments are the manual's entry.
#[derive(Debug)]
pub struct FileFormat {
    pub name: &'static str,
    pub summary: &'static str,
    /// Endings by which files of the format are found in a folder.
    pub endings: &'static [&'static str],
    pub options: &'static [ConnectionOption],
}

/// Every format of files.
pub const FORMATS: &[FileFormat] = &[
    FileFormat {
        name: "parquet",
        summary: "Apache Parquet. Columns go by name; one that a file lacks is NULL.",
        endings: &["parquet"],
        options: &[],
    },
    FileFormat {
        name: "csv",
        summary: "Text with a delimiter, UTF-8, quoted as by COPY. With a header, columns go by name.",
        endings: &["csv", "tsv"],
        options: &[
            option("header", "true", "Whether the first line names the columns."),
            option("delimiter", ",", "One character between fields; `\\t` is a tab."),
            option("null", "", "What stands for NULL when it is not quoted."),
            option("quote", "\"", "The character around fields that contain the delimiter."),
            option("escape", "the quote", "The character before a quote inside of quotes."),
        ],
    },
    FileFormat {
        name: "json",
        summary: "One JSON object per line. Keys that are no column are skipped; columns without a key are NULL.",
        endings: &["json", "jsonl", "ndjson"],
        options: &[],
    },
];

/// The format of a name; options that it does not have are refused.
pub(super) fn format(name: &str, options: &BTreeMap<String, String>) -> Result<&'static FileFormat> {
    let known = FORMATS.iter().map(|format| format.name);
    let Some(format) = FORMATS.iter().find(|format| format.name == name) else {
        return Err(Error::unsupported(format!("format \"{name}\" is not supported"))
            .hint(format!("the formats are {}", known.clone().collect::<Vec<_>>().join(", ")))
            .hint(did_you_mean(name, known)));
    };
    let known = format.options.iter().map(|option| option.name);
    match options.keys().find(|name| !known.clone().any(|known| known == name.as_str())) {
        None => Ok(format),
        Some(unknown) => {
            let all: Vec<_> = known.clone().collect();
            let all = if all.is_empty() { "it has none".to_string() } else { format!("it has {}", all.join(", ")) };
            let message = format!("unknown option \"{unknown}\" for format {name}");
            Err(Error::new(Kind::InvalidParameterValue, message).hint(all).hint(did_you_mean(unknown, known)))
        }
    }
}

/// How a csv file is written.
pub(super) fn dialect(options: &BTreeMap<String, String>) -> Result<Dialect> {
    let byte = |name: &str, default: u8| match options.get(name).map(String::as_str) {
        None => Ok(default),
        Some("\\t" | "tab") => Ok(b'\t'),
        Some(text) => match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(*byte),
            _ => Err(invalid(format!("option \"{name}\" must be one character, not \"{text}\""))),
        },
    };
    let quote = byte("quote", b'"')?;
    let dialect = Dialect {
        csv: true,
        delimiter: byte("delimiter", b',')?,
        null: options.get("null").cloned().unwrap_or_default(),
        quote,
        escape: byte("escape", quote)?,
        header: match options.get("header").map(|text| text.to_lowercase()).as_deref() {
            None | Some("true" | "on" | "yes" | "1") => true,
            Some("false" | "off" | "no" | "0") => false,
            Some(other) => return Err(invalid(format!("option \"header\" must be true or false, not \"{other}\""))),
        },
    };
    if dialect.delimiter == dialect.quote {
        return Err(invalid("options \"delimiter\" and \"quote\" must be different".to_string()));
    }
    Ok(dialect)
}

fn invalid(message: String) -> Error {
    Error::new(Kind::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn a_wrong_format_or_option_is_refused_with_the_right_one() {
        let check = |name: &str, pairs: &[(&str, &str)], message: &str, hint: &str| {
            let error = format(name, &options(pairs)).unwrap_err();
            assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, Some(hint)));
        };
        check("parket", &[], "format \"parket\" is not supported", "did you mean \"parquet\"?");
        check("csv", &[("headr", "1")], "unknown option \"headr\" for format csv", "did you mean \"header\"?");
        check("json", &[("x", "1")], "unknown option \"x\" for format json", "it has none");
        let error = dialect(&options(&[("delimiter", "ab")])).unwrap_err();
        assert_eq!(error.message, "option \"delimiter\" must be one character, not \"ab\"");
    }

    #[test]
    fn a_dialect_is_what_was_said_over_what_is_usual() {
        let found = dialect(&options(&[("delimiter", "\\t"), ("header", "off"), ("quote", "'")])).unwrap();
        assert_eq!((found.delimiter, found.header, found.quote, found.escape), (b'\t', false, b'\'', b'\''));
    }
}
