//! Constants and attributes, taken out of their messages.
use super::proto;
use crate::ir::{Kind, Values};

/// Element types of ONNX that columns and constants may have.
pub(super) fn kind(element: i32) -> Option<Kind> {
    match element {
        1 => Some(Kind::F32),
        11 => Some(Kind::F64),
        2..=7 | 9 => Some(Kind::I64),
        8 => Some(Kind::Text),
        _ => None,
    }
}

#[derive(Debug, Clone)]
pub(super) struct Constant {
    pub dims: Vec<usize>,
    pub values: Values,
}

impl Constant {
    pub(super) fn read(tensor: &proto::Tensor) -> Result<Self, String> {
        if tensor.data_location != 0 {
            return Err("weights kept in another file are not read; save the model as one file".into());
        }
        let dims: Option<Vec<usize>> = tensor.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
        let dims = dims.ok_or("a dimension is negative")?;
        let values = values(tensor)?;
        let count = dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
        match count == Some(values.len()) {
            true => Ok(Self { dims, values }),
            false => {
                Err(format!("the constant \"{}\" has {} values, its shape says otherwise", tensor.name, values.len()))
            }
        }
    }

    pub(super) fn floats(&self) -> Result<Vec<f64>, String> {
        match &self.values {
            Values::Floats(v) => Ok(v.clone()),
            Values::Ints(v) => Ok(v.iter().map(|v| *v as f64).collect()),
            Values::Text(_) => Err("numbers are expected in a constant".into()),
        }
    }

    pub(super) fn ints(&self) -> Result<&[i64], String> {
        match &self.values {
            Values::Ints(v) => Ok(v),
            Values::Floats(_) | Values::Text(_) => Err("integers are expected in a constant".into()),
        }
    }
}

fn values(tensor: &proto::Tensor) -> Result<Values, String> {
    let raw = &tensor.raw_data;
    fn chunks<const N: usize, T>(raw: &[u8], f: impl Fn([u8; N]) -> T) -> Vec<T> {
        raw.as_chunks::<N>().0.iter().map(|chunk| f(*chunk)).collect()
    }
    let narrow = |v: Vec<f32>| Values::Floats(v.into_iter().map(f64::from).collect());
    Ok(match (tensor.data_type, raw.is_empty()) {
        (1, false) => narrow(chunks(raw, f32::from_le_bytes)),
        (1, true) => narrow(tensor.float_data.clone()),
        (11, false) => Values::Floats(chunks(raw, f64::from_le_bytes)),
        (11, true) => Values::Floats(tensor.double_data.clone()),
        (7, false) => Values::Ints(chunks(raw, i64::from_le_bytes)),
        (7, true) => Values::Ints(tensor.int64_data.clone()),
        (6, false) => Values::Ints(chunks(raw, |b| i64::from(i32::from_le_bytes(b)))),
        (2 | 9, false) => Values::Ints(raw.iter().map(|v| i64::from(*v)).collect()),
        (2..=6 | 9, true) => Values::Ints(tensor.int32_data.iter().map(|v| i64::from(*v)).collect()),
        (8, _) => Values::Text(texts(&tensor.string_data)?),
        (other, _) => return Err(format!("constants of ONNX element type {other} are not supported")),
    })
}

fn texts(list: &[Vec<u8>]) -> Result<Vec<String>, String> {
    let all: Result<Vec<String>, _> = list.iter().map(|bytes| String::from_utf8(bytes.clone())).collect();
    all.map_err(|_| "a string is not UTF-8".into())
}

/// A node's attributes by name.
pub(super) struct Attributes<'a>(pub &'a proto::Node);

impl Attributes<'_> {
    fn find(&self, name: &str) -> Option<&proto::Attribute> {
        self.0.attributes.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.find(name).map_or(default, |attribute| attribute.i)
    }

    pub(super) fn float(&self, name: &str, default: f32) -> f64 {
        f64::from(self.find(name).map_or(default, |attribute| attribute.f))
    }

    pub(super) fn text(&self, name: &str, default: &str) -> String {
        self.find(name).map_or(default.into(), |attribute| String::from_utf8_lossy(&attribute.s).into_owned())
    }

    pub(super) fn ints(&self, name: &str) -> &[i64] {
        self.find(name).map_or(&[], |attribute| &attribute.ints)
    }

    /// Floats, or the double tensor that later opsets put beside them.
    pub(super) fn floats(&self, name: &str) -> Result<Vec<f64>, String> {
        match self.constant(&format!("{name}_as_tensor"))? {
            Some(tensor) => tensor.floats(),
            None => {
                Ok(self.find(name).map_or(vec![], |attribute| attribute.floats.iter().map(|v| f64::from(*v)).collect()))
            }
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        self.find(name).map_or(Ok(vec![]), |attribute| texts(&attribute.strings))
    }

    pub(super) fn constant(&self, name: &str) -> Result<Option<Constant>, String> {
        self.find(name).and_then(|attribute| attribute.t.as_ref()).map(Constant::read).transpose()
    }

    /// `{prefix}_strings`, `_int64s` or `_floats`, whichever is there, or `_tensor`.
    pub(super) fn values(&self, prefix: &str) -> Result<Option<Values>, String> {
        let name = |suffix: &str| format!("{prefix}_{suffix}");
        if let Some(tensor) = self.constant(&name("tensor"))? {
            return Ok(Some(tensor.values));
        }
        let texts = self.texts(&name("strings"))?;
        Ok(match (texts.is_empty(), self.ints(&name("int64s")), self.floats(&name("floats"))?) {
            (false, _, _) => Some(Values::Text(texts)),
            (true, [], floats) if floats.is_empty() => None,
            (true, [], floats) => Some(Values::Floats(floats)),
            (true, ints, _) => Some(Values::Ints(ints.to_vec())),
        })
    }
}
