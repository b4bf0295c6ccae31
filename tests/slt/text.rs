//! Binary values as the text that Postgres shows, read by nothing of ours: what the binary protocol sends must
//! mean what the text protocol says.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use std::error::Error;
use tokio_postgres::types::{FromSql, Kind, Type};

pub struct Text(pub String);

type Outcome = Result<String, Box<dyn Error + Sync + Send>>;

impl<'a> FromSql<'a> for Text {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        text(ty, raw).map(Text)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn text(ty: &Type, raw: &[u8]) -> Outcome {
    match ty.kind() {
        Kind::Array(element) => return array(element, raw),
        Kind::Range(element) => return range(element, raw),
        Kind::Multirange(element) => {
            let mut rest = &raw[4..];
            let mut parts = vec![];
            while !rest.is_empty() {
                parts.push(range(element, sized(&mut rest))?);
            }
            return Ok(format!("{{{}}}", parts.join(",")));
        }
        _ => {}
    }
    Ok(match *ty {
        Type::BOOL => if raw == [1] { "t" } else { "f" }.into(),
        Type::INT2 => i16::from_be_bytes(raw.try_into()?).to_string(),
        Type::INT4 => i32::from_be_bytes(raw.try_into()?).to_string(),
        Type::INT8 => i64::from_be_bytes(raw.try_into()?).to_string(),
        Type::OID | Type::REGCLASS | Type::REGTYPE | Type::REGPROC => u32::from_be_bytes(raw.try_into()?).to_string(),
        Type::FLOAT4 => {
            let value = f32::from_be_bytes(raw.try_into()?);
            float(value.is_nan(), value.into(), &format!("{value:e}"), 6)
        }
        Type::FLOAT8 => {
            let value = f64::from_be_bytes(raw.try_into()?);
            float(value.is_nan(), value, &format!("{value:e}"), 15)
        }
        Type::NUMERIC => numeric(raw)?,
        Type::BYTEA => format!("\\x{}", raw.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        Type::DATE => (epoch() + TimeDelta::days(i32::from_be_bytes(raw.try_into()?).into())).to_string(),
        Type::TIME => {
            let micros = TimeDelta::microseconds(i64::from_be_bytes(raw.try_into()?));
            (NaiveTime::MIN + micros).format("%H:%M:%S").to_string() + &fraction(micros.num_microseconds().unwrap())
        }
        Type::TIMESTAMP => timestamp(raw)?,
        Type::TIMESTAMPTZ => timestamp(raw)? + "+00",
        Type::INTERVAL => interval(raw)?,
        Type::UUID => {
            let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        }
        Type::TIMETZ => {
            let clock = text(&Type::TIME, &raw[..8])?;
            let east = -i32::from_be_bytes(raw[8..].try_into()?);
            let minutes = if east % 3600 == 0 { String::new() } else { format!(":{:02}", east.abs() / 60 % 60) };
            format!("{clock}{}{:02}{minutes}", if east < 0 { '-' } else { '+' }, east.abs() / 3600)
        }
        Type::INET | Type::CIDR => {
            let address = match raw[3] {
                4 => std::net::IpAddr::from(<[u8; 4]>::try_from(&raw[4..])?),
                _ => std::net::IpAddr::from(<[u8; 16]>::try_from(&raw[4..])?),
            };
            match raw[1] == raw[3] * 8 && *ty == Type::INET {
                true => address.to_string(),
                false => format!("{address}/{}", raw[1]),
            }
        }
        Type::MACADDR | Type::MACADDR8 => raw.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
        Type::BIT | Type::VARBIT => {
            let bits: String = raw[4..].iter().map(|byte| format!("{byte:08b}")).collect();
            bits[..u32::from_be_bytes(raw[..4].try_into()?) as usize].to_string()
        }
        Type::XID | Type::CID => u32::from_be_bytes(raw.try_into()?).to_string(),
        Type::XID8 => u64::from_be_bytes(raw.try_into()?).to_string(),
        Type::TID => {
            let (block, row) = (u32::from_be_bytes(raw[..4].try_into()?), u16::from_be_bytes(raw[4..].try_into()?));
            format!("({block},{row})")
        }
        Type::PG_LSN => {
            format!("{:X}/{:X}", u32::from_be_bytes(raw[..4].try_into()?), u32::from_be_bytes(raw[4..].try_into()?))
        }
        Type::JSONB | Type::JSONPATH => String::from_utf8(raw[1..].to_vec())?,
        _ => String::from_utf8(raw.to_vec())?,
    })
}

fn epoch() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap()
}

fn timestamp(raw: &[u8]) -> Outcome {
    let micros = i64::from_be_bytes(raw.try_into()?);
    if micros == i64::MAX || micros == i64::MIN {
        return Ok(if micros > 0 { "infinity" } else { "-infinity" }.into());
    }
    let at = DateTime::from_timestamp_micros(micros + 946_684_800_000_000).ok_or("a timestamp outside the calendar")?;
    Ok(at.format("%Y-%m-%d %H:%M:%S").to_string() + &fraction(micros.rem_euclid(1_000_000)))
}

/// `.25` for 250,000 microseconds.
fn fraction(micros: i64) -> String {
    match micros % 1_000_000 {
        0 => String::new(),
        rest => format!(".{rest:06}").trim_end_matches('0').to_string(),
    }
}

fn interval(raw: &[u8]) -> Outcome {
    let micros = i64::from_be_bytes(raw[..8].try_into()?);
    let (days, months) = (i32::from_be_bytes(raw[8..12].try_into()?), i32::from_be_bytes(raw[12..].try_into()?));
    let mut parts = vec![];
    for (count, one) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count != 0 {
            parts.push(format!("{count} {one}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if micros != 0 || parts.is_empty() {
        let (sign, rest) = (if micros < 0 { "-" } else { "" }, micros.abs());
        let (seconds, part) = (rest / 1_000_000, fraction(rest));
        parts.push(format!("{sign}{:02}:{:02}:{:02}{part}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    }
    Ok(parts.join(" "))
}

/// Digits in groups of four.
fn numeric(raw: &[u8]) -> Outcome {
    let word = |at: usize| i16::from_be_bytes([raw[2 * at], raw[2 * at + 1]]);
    let (groups, weight, sign, scale) = (word(0), word(1), word(2) as u16, word(3) as usize);
    if sign == 0xC000 {
        return Ok("NaN".into());
    }
    let group = |at: i16| if (0..groups).contains(&at) { word(4 + at as usize) } else { 0 };
    let mut whole: String = (0..=weight).map(|at| format!("{:04}", group(at))).collect();
    whole = whole.trim_start_matches('0').to_string();
    let parts: String = (0..=scale as i16 / 4).map(|at| format!("{:04}", group(weight + 1 + at))).collect();
    let sign = if sign == 0x4000 { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { &whole };
    Ok(if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &parts[..scale]) })
}

/// The shortest digits, with an exponent where Postgres writes one; `science` is `1.5e20`.
fn float(is_nan: bool, value: f64, science: &str, digits: i32) -> String {
    if is_nan || value.is_infinite() {
        return if is_nan {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .into();
    }
    let (mantissa, exponent) = science.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    if value != 0.0 && (exponent < -4 || exponent >= digits) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let all: String = mantissa.chars().filter(|c| *c != '.').collect();
    let point = exponent + 1;
    match usize::try_from(point) {
        Ok(point) if point >= all.len() => format!("{sign}{all}{}", "0".repeat(point - all.len())),
        Ok(point) if point > 0 => format!("{sign}{}.{}", &all[..point], &all[point..]),
        _ => format!("{sign}0.{}{all}", "0".repeat(point.unsigned_abs() as usize)),
    }
}

/// Takes bytes with their length before them.
fn sized<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = i32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
    let taken = &rest[4..4 + length];
    *rest = &rest[4 + length..];
    taken
}

fn range(element: &Type, raw: &[u8]) -> Outcome {
    let flag = |bit: u8| raw[0] & bit != 0;
    if flag(1) {
        return Ok("empty".into());
    }
    let mut rest = &raw[1..];
    let mut bound = |nowhere: bool| -> Outcome {
        if nowhere {
            return Ok(String::new());
        }
        let value = text(element, sized(&mut rest))?;
        Ok(if value.contains(' ') { format!("\"{value}\"") } else { value })
    };
    let (from, to) = (bound(flag(8))?, bound(flag(16))?);
    Ok(format!("{}{from},{to}{}", if flag(2) { '[' } else { '(' }, if flag(4) { ']' } else { ')' }))
}

fn array(element: &Type, raw: &[u8]) -> Outcome {
    let int = |at: usize| i32::from_be_bytes(raw[at..at + 4].try_into().unwrap());
    if int(0) == 0 {
        return Ok("{}".into());
    }
    let dimensions = int(0) as usize;
    let lengths: Vec<usize> = (0..dimensions).map(|at| int(12 + 8 * at) as usize).collect();
    let (mut items, mut at) = (vec![], 12 + 8 * dimensions);
    for _ in 0..lengths.iter().product() {
        let length = int(at);
        at += 4;
        if length < 0 {
            items.push("NULL".to_string());
            continue;
        }
        let item = text(element, &raw[at..at + length as usize])?;
        at += length as usize;
        let special = |c: char| c.is_whitespace() || "{},\"\\".contains(c);
        let quoted = item.is_empty() || item.eq_ignore_ascii_case("null") || item.contains(special);
        items.push(if quoted { format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\"")) } else { item });
    }
    for length in lengths.iter().rev() {
        items = items.chunks(*length).map(|part| format!("{{{}}}", part.join(","))).collect();
    }
    Ok(items.concat())
}
