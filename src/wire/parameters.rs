//! The values of `$1`, `$2`, … as a client sends them.

use super::frame::broken;
use super::incoming::Bind;
use crate::base::value::{Format, Style, read_binary, read_text};
use crate::base::{Error, Kind, Result, Type};
use bytes::Bytes;
use datafusion::common::ScalarValue;

/// The OID with which clients say that they don't know.
const UNKNOWN: u32 = 705;

/// The types that a client gives in Parse.
pub fn hints(oids: &[u32]) -> Result<Vec<Option<Type>>> {
    let hint = |oid: &u32| match *oid {
        0 | UNKNOWN => Ok(None),
        oid => Type::from_oid(oid)
            .map(Some)
            .ok_or_else(|| Error::new(Kind::UndefinedObject, format!("type with OID {oid} does not exist"))),
    };
    oids.iter().map(hint).collect()
}

pub fn formats(codes: &[i16]) -> Result<Vec<Format>> {
    let format = |code: &i16| match code {
        0 => Ok(Format::Text),
        1 => Ok(Format::Binary),
        other => Err(Error::new(Kind::InvalidParameterValue, format!("unsupported format code: {other}"))),
    };
    codes.iter().map(format).collect()
}

/// The values of a Bind for parameters of these types.
pub fn read(bind: &Bind, types: &[Type], style: &Style) -> Result<Vec<ScalarValue>> {
    let count = bind.values.len();
    if count != types.len() {
        let (name, needed) = (&bind.statement, types.len());
        let message =
            format!("bind message supplies {count} parameters, but prepared statement \"{name}\" requires {needed}");
        return Err(broken(message));
    }
    let formats = formats(&bind.formats)?;
    let format = |at: usize| match formats.as_slice() {
        [] => Ok(Format::Text),
        [one] => Ok(*one),
        each if each.len() == count => Ok(each[at]),
        each => Err(broken(format!("bind message has {} parameter formats but {count} parameters", each.len()))),
    };
    let values = bind.values.iter().zip(types).enumerate();
    values.map(|(at, (value, ty))| one(value.as_ref(), format(at)?, ty, style)).collect()
}

fn one(value: Option<&Bytes>, format: Format, ty: &Type, style: &Style) -> Result<ScalarValue> {
    match (value, format) {
        (None, _) => Ok(ScalarValue::try_from(&ty.arrow())?),
        (Some(bytes), Format::Binary) => read_binary(bytes, ty),
        (Some(bytes), Format::Text) => {
            let text = std::str::from_utf8(bytes);
            let invalid = |_| Error::new(Kind::InvalidEncoding, "invalid byte sequence for encoding \"UTF8\"");
            read_text(text.map_err(invalid)?, ty, style)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(formats: &[i16], values: &[Option<&'static [u8]>]) -> Bind {
        Bind {
            portal: String::new(),
            statement: "s".into(),
            formats: formats.to_vec(),
            values: values.iter().map(|value| value.map(Bytes::from_static)).collect(),
            answer_formats: vec![],
        }
    }

    #[test]
    fn values_come_in_the_format_that_was_said() {
        let types = [Type::Int4, Type::Text];
        let style = Style::default();
        let expect = vec![ScalarValue::Int32(Some(7)), ScalarValue::Utf8(None)];
        assert_eq!(read(&bind(&[], &[Some(b"7"), None]), &types, &style), Ok(expect.clone()));
        assert_eq!(read(&bind(&[1], &[Some(b"\0\0\0\x07"), None]), &types, &style), Ok(expect.clone()));
        assert_eq!(read(&bind(&[1, 0], &[Some(b"\0\0\0\x07"), None]), &types, &style), Ok(expect));
        for (bad, kind) in [
            (bind(&[], &[None]), Kind::ProtocolViolation),
            (bind(&[0, 0, 0], &[None, None]), Kind::ProtocolViolation),
            (bind(&[2], &[None, None]), Kind::InvalidParameterValue),
            (bind(&[1], &[Some(b"7"), None]), Kind::InvalidBinary),
            (bind(&[0], &[Some(b"\xff"), None]), Kind::InvalidEncoding),
        ] {
            assert_eq!(read(&bad, &types, &style).unwrap_err().kind, kind, "{bad:?}");
        }
    }
}
