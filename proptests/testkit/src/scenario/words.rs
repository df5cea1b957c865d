//! A line as words, with options that may stand anywhere behind the verb.
use std::collections::VecDeque;

/// Why a line could not be read.
pub(super) type Fault = String;

/// The words of a line that have not been read yet.
#[derive(Clone, Debug)]
pub(super) struct Words(VecDeque<String>);

impl Words {
    /// Splits a line. A comment begins with `#`; what stands in quotes is one word, and so is what
    /// stands in braces.
    pub(super) fn of(line: &str) -> Result<Self, Fault> {
        let mut words = VecDeque::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() && !rest.starts_with('#') {
            let (word, length) = if let Some(quoted) = rest.strip_prefix('"') {
                let end = quoted.find('"').ok_or("a quote is not closed")?;
                (&quoted[..end], end + 2)
            } else {
                let end = word_end(rest);
                (&rest[..end], end)
            };
            words.push_back(word.to_owned());
            rest = rest[length..].trim_start();
        }
        Ok(Self(words))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn next(&mut self, what: &str) -> Result<String, Fault> {
        self.0.pop_front().ok_or_else(|| format!("{what} is missing"))
    }

    /// Takes the word after `name`, wherever the two stand.
    pub(super) fn option(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|word| word == name)?;
        let value = self.0.remove(at + 1)?;
        self.0.remove(at);
        Some(value)
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        let at = self.0.iter().position(|word| word == name);
        at.and_then(|at| self.0.remove(at)).is_some()
    }

    /// Takes all that is left.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = String> {
        std::mem::take(&mut self.0).into_iter()
    }

    /// Takes all up to the word `and`, which goes too.
    pub(super) fn clause(&mut self) -> Self {
        let at = self.0.iter().position(|word| word == "and");
        let tail = at.map(|at| self.0.split_off(at)).unwrap_or_default();
        let clause = std::mem::replace(&mut self.0, tail);
        self.0.pop_front();
        Self(clause)
    }

    /// Refuses words that nobody read.
    pub(super) fn end(&self) -> Result<(), Fault> {
        match self.0.front() {
            None => Ok(()),
            Some(word) => Err(format!("nobody knows what {word:?} is to mean here")),
        }
    }

    /// Returns the words as one text, for digests.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

fn word_end(text: &str) -> usize {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            c if c.is_whitespace() && depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}
