//! Universal Binary JSON (draft 12), as XGBoost writes it.
use super::doc::{DEPTH_MAX, Doc, Real};
use crate::error::FormatError;

pub(super) fn read(bytes: &[u8]) -> Result<Doc, FormatError> {
    let mut reader = Reader { bytes, at: 0 };
    let marker = reader.byte()?;
    reader.value(marker, 0)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn refuse(&self, message: &str) -> FormatError {
        FormatError::new(message).at(format!("byte {}", self.at))
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.refuse("the file ends too early: it is truncated"))?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let mut out = [0; N];
        out.copy_from_slice(self.slice(N)?);
        Ok(out)
    }

    fn byte(&mut self) -> Result<u8, FormatError> {
        Ok(self.array::<1>()?[0])
    }

    fn int(&mut self, marker: u8) -> Result<i64, FormatError> {
        Ok(match marker {
            b'i' => i64::from(self.byte()? as i8),
            b'U' => i64::from(self.byte()?),
            b'I' => i64::from(i16::from_be_bytes(self.array()?)),
            b'l' => i64::from(i32::from_be_bytes(self.array()?)),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return Err(self.refuse("an integer is expected here")),
        })
    }

    fn length(&mut self) -> Result<usize, FormatError> {
        let marker = self.byte()?;
        let length = self.int(marker)?;
        usize::try_from(length).map_err(|_| self.refuse("a length is negative"))
    }

    fn text(&mut self) -> Result<String, FormatError> {
        let length = self.length()?;
        let bytes = self.slice(length)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| self.refuse("a string is not UTF-8"))
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Doc, FormatError> {
        match marker {
            _ if depth > DEPTH_MAX => Err(self.refuse("values are nested too deep")),
            b'{' => self.map(depth),
            b'[' => self.list(depth),
            b'S' => self.text().map(Doc::Text),
            b'C' => Ok(Doc::Text(char::from(self.byte()?).to_string())),
            b'T' => Ok(Doc::Bool(true)),
            b'F' => Ok(Doc::Bool(false)),
            b'Z' => Ok(Doc::Null),
            b'd' | b'D' => self.real(marker).map(Doc::Real),
            b'i' | b'U' | b'I' | b'l' | b'L' => self.int(marker).map(Doc::Int),
            _ => Err(self.refuse("this is not a value of universal binary JSON")),
        }
    }

    fn real(&mut self, marker: u8) -> Result<Real, FormatError> {
        match marker {
            b'd' => {
                let narrow = f32::from_be_bytes(self.array()?);
                Ok(Real { wide: f64::from(narrow), narrow })
            }
            _ => Ok(f64::from_be_bytes(self.array()?).into()),
        }
    }

    /// `$` announces one type for all, `#` how many there are.
    fn announced(&mut self) -> Result<(Option<u8>, Option<usize>), FormatError> {
        let mut kind = None;
        if self.bytes.get(self.at) == Some(&b'$') {
            self.at += 1;
            kind = Some(self.byte()?);
        }
        if self.bytes.get(self.at) != Some(&b'#') {
            return match kind {
                Some(_) => Err(self.refuse("a typed list without a count")),
                None => Ok((None, None)),
            };
        }
        self.at += 1;
        let count = self.length()?;
        // Then every element has a byte at least, and a count cannot ask for more than the file has.
        if matches!(kind, Some(b'T' | b'F' | b'Z' | b'N')) {
            return Err(self.refuse("a list of nothing but constants"));
        }
        if count > self.bytes.len() - self.at {
            return Err(self.refuse("a list is longer than the file: it is truncated"));
        }
        Ok((kind, Some(count)))
    }

    fn list(&mut self, depth: usize) -> Result<Doc, FormatError> {
        match self.announced()? {
            (Some(kind @ (b'd' | b'D')), Some(count)) => {
                Ok(Doc::Reals((0..count).map(|_| self.real(kind)).collect::<Result<_, _>>()?))
            }
            (Some(kind @ (b'i' | b'U' | b'I' | b'l' | b'L')), Some(count)) => {
                Ok(Doc::Ints((0..count).map(|_| self.int(kind)).collect::<Result<_, _>>()?))
            }
            (kind, count) => self.items(kind, count, depth).map(Doc::list),
        }
    }

    fn items(&mut self, kind: Option<u8>, count: Option<usize>, depth: usize) -> Result<Vec<Doc>, FormatError> {
        let mut items = vec![];
        while count.is_none_or(|count| items.len() < count) {
            let marker = if let Some(kind) = kind { kind } else { self.byte()? };
            if count.is_none() && marker == b']' {
                break;
            }
            items.push(self.value(marker, depth + 1)?);
        }
        Ok(items)
    }

    fn map(&mut self, depth: usize) -> Result<Doc, FormatError> {
        let (kind, count) = self.announced()?;
        let mut entries = vec![];
        while count.is_none_or(|count| entries.len() < count) {
            if count.is_none() && self.bytes.get(self.at) == Some(&b'}') {
                self.at += 1;
                break;
            }
            let key = self.text()?;
            let marker = if let Some(kind) = kind { kind } else { self.byte()? };
            entries.push((key, self.value(marker, depth + 1)?));
        }
        Ok(Doc::Map(entries))
    }
}
