//! SQL inside a statement of ours: taken as text, its brackets balanced.

use super::Cursor;
use crate::base::Result;
use crate::base::sql::Kinds;
use crate::catalog::workflow::Fragment;

impl Cursor<'_> {
    /// `( … )`: the text between the parentheses, however much nests in it.
    pub fn parenthesised(&mut self) -> Result<Fragment> {
        self.expect_token(&Kinds::LParen)?;
        let first = self.at;
        self.skip_balanced(|cursor| cursor.sees_token(&Kinds::RParen))?;
        let inside = self.slice(first, self.at);
        self.expect_token(&Kinds::RParen)?;
        if inside.text.is_empty() {
            self.at -= 1;
            return Err(self.unexpected());
        }
        Ok(inside)
    }

    /// The text up to where `stop` holds outside parentheses, or to a comma, a closing parenthesis or the end.
    pub fn until(&mut self, stop: impl Fn(&Cursor) -> bool) -> Result<Fragment> {
        let first = self.at;
        self.skip_balanced(|cursor| {
            cursor.sees_token(&Kinds::Comma) || cursor.sees_token(&Kinds::RParen) || stop(cursor)
        })?;
        if self.at == first { Err(self.expected("an expression")) } else { Ok(self.slice(first, self.at)) }
    }

    /// Everything up to the end, or to where `stop` holds outside parentheses.
    pub fn rest(&mut self, stop: impl Fn(&Cursor) -> bool) -> Result<Fragment> {
        let first = self.at;
        self.skip_balanced(stop)?;
        if self.at == first { Err(self.expected("a query")) } else { Ok(self.slice(first, self.at)) }
    }

    /// `( item, … )`
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect_token(&Kinds::LParen)?;
        let items = self.several(&mut item)?;
        self.expect_token(&Kinds::RParen)?;
        Ok(items)
    }

    /// `item, …`
    pub fn several<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_token(&Kinds::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn skip_balanced(&mut self, stop: impl Fn(&Cursor) -> bool) -> Result<()> {
        let mut open = vec![];
        while let Some(token) = self.token(0) {
            if open.is_empty() && stop(self) {
                return Ok(());
            }
            match token {
                Kinds::LParen => open.push(Kinds::RParen),
                Kinds::LBracket => open.push(Kinds::RBracket),
                Kinds::RParen | Kinds::RBracket if open.pop().as_ref() != Some(token) => return Err(self.unexpected()),
                _ => {}
            }
            self.at += 1;
        }
        if open.is_empty() { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> Fragment {
        let (Some(first), Some(last)) = (self.tokens.get(from), self.tokens.get(to.wrapping_sub(1))) else {
            return Fragment { text: String::new(), offset: self.text.len() };
        };
        match from < to {
            true => Fragment { text: self.text[first.start..last.end].to_string(), offset: first.start },
            false => Fragment { text: String::new(), offset: first.start },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::sql::tokenize;

    fn on<T>(text: &str, read: impl FnOnce(&mut Cursor) -> Result<T>) -> Result<T> {
        read(&mut Cursor::new(text, &tokenize(text)?))
    }

    #[test]
    fn a_fragment_is_balanced_text() {
        let text = "( a, (b) /* ) */ || ') $$' || $$ ) $$ -- )\n, c[1] ) x";
        let inside = on(text, |cursor| cursor.parenthesised()).unwrap();
        assert_eq!((inside.text.as_str(), inside.offset), (&text[2..text.len() - 4], 2));
        for (text, at) in [("()", 1), ("( a", 3), ("(a])", 2), ("((a)", 4), ("x", 0)] {
            assert_eq!(on(text, |cursor| cursor.parenthesised()).unwrap_err().offset, Some(at), "{text}");
        }
    }
}
