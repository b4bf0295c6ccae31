//! Categories that XGBoost 3.1 and later keep in the file: text, or numbers.
use super::doc::View;
use crate::error::FormatError;
use crate::ir::Values;

/// Each feature's categories, where it has any.
pub(super) fn read(booster: &View, features: usize) -> Result<Vec<Option<Values>>, FormatError> {
    let model = booster.find("gbtree").unwrap_or_else(|| booster.clone()).find("model");
    let Some(list) = model.and_then(|model| model.find("cats")).and_then(|cats| cats.find("enc")) else {
        return Ok(vec![]);
    };
    let lists = match list.reals() {
        Ok(empty) if empty.is_empty() => return Ok(vec![]),
        _ => list.items()?,
    };
    match lists.len() {
        count if count == features => lists.iter().map(one).collect(),
        count => Err(list.refuse(&format!("categories of {count} features, there are {features}"))),
    }
}

fn one(entry: &View) -> Result<Option<Values>, FormatError> {
    let values = entry.get("values")?;
    match entry.find("offsets") {
        Some(offsets) => text(&offsets, &values),
        None if values.are_ints() => Ok(Some(Values::Ints(values.ints()?))),
        None => Ok(Some(values.reals()?.iter().map(|real| real.wide).collect())
            .filter(|list: &Vec<f64>| !list.is_empty())
            .map(Values::Floats)),
    }
}

/// All strings' bytes one after another, and where each begins.
fn text(offsets: &View, bytes: &View) -> Result<Option<Values>, FormatError> {
    let places = offsets.reals()?;
    if places.is_empty() {
        return Ok(None);
    }
    let bytes: Vec<u8> = bytes.reals()?.iter().map(|real| real.wide as i64 as u8).collect();
    let word = |pair: &[super::doc::Real]| {
        let word = bytes.get(pair[0].wide as usize..pair[1].wide as usize)?;
        String::from_utf8(word.to_vec()).ok()
    };
    let words: Option<Vec<String>> = places.windows(2).map(word).collect();
    words
        .map(|words| Some(Values::Text(words)))
        .ok_or_else(|| offsets.refuse("a category's name is not within the bytes of names"))
}
