//! Tables: framed and fitted on a terminal, a line a row and nothing cut elsewhere.

use comfy_table::{Attribute, Color, ContentArrangement, presets};

use super::plain;

/// Rows under the names of their columns.
#[derive(Debug, Default)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// One value, and how it is to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

/// How a value is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Neutral,
    Good,
    Fair,
    Bad,
}

impl Table {
    /// Begins a table.
    pub(crate) fn new<N: Into<String>>(header: impl IntoIterator<Item = N>) -> Self {
        Self { header: header.into_iter().map(N::into).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Begins a table of facts, a line each, without the names of columns.
    pub(crate) fn facts(facts: impl IntoIterator<Item = (&'static str, Cell)>) -> Self {
        let mut table = Self::default();
        for (name, value) in facts {
            table.fact(name, value);
        }
        table
    }

    /// Adds a fact.
    pub(crate) fn fact(&mut self, name: &'static str, value: Cell) {
        self.row([Cell::new(name), value]);
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn render(&self, terminal: bool, colored: bool) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(match terminal {
            true => ContentArrangement::Dynamic,
            false => ContentArrangement::Disabled,
        });
        match colored {
            true => table.enforce_styling(),
            false => table.force_no_tty(),
        };
        let bold = |name: &String| comfy_table::Cell::new(name).add_attribute(Attribute::Bold);
        if !self.header.is_empty() {
            table.set_header(self.header.iter().map(bold).collect::<Vec<_>>());
        }
        table.add_rows(self.rows.iter().map(|row| row.iter().map(Cell::styled)));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.trim_fmt()
    }
}

impl Cell {
    /// Makes a cell of a value from anywhere.
    pub(crate) fn new(value: impl ToString) -> Self {
        Self { text: plain(&value.to_string()).into_owned(), tone: Tone::Neutral }
    }

    /// Makes a cell of a value that may be missing.
    pub(crate) fn maybe(value: Option<impl ToString>) -> Self {
        value.map_or_else(|| Self::new("-"), Self::new)
    }

    /// Marks a value as well.
    pub(crate) const fn good(mut self) -> Self {
        self.tone = Tone::Good;
        self
    }

    /// Marks a value as neither well nor ill.
    pub(crate) const fn fair(mut self) -> Self {
        self.tone = Tone::Fair;
        self
    }

    /// Marks a value as ill.
    pub(crate) const fn bad(mut self) -> Self {
        self.tone = Tone::Bad;
        self
    }

    fn styled(&self) -> comfy_table::Cell {
        let cell = comfy_table::Cell::new(&self.text);
        match self.tone {
            Tone::Neutral => cell,
            Tone::Good => cell.fg(Color::Green),
            Tone::Fair => cell.fg(Color::Yellow),
            Tone::Bad => cell.fg(Color::Red),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["NAME", "STATE"]);
        table.row([Cell::new("rack \u{1b}[31m7"), Cell::new("ONLINE").good()]);
        table.row([Cell::maybe(None::<&str>), Cell::new("OFFLINE").bad()]);
        table
    }

    #[test]
    fn a_piped_table_is_a_line_a_row_without_colour_or_escapes() {
        let text = table().render(false, false);

        let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().last()).collect();
        assert_eq!(lines, [Some("STATE"), Some("ONLINE"), Some("OFFLINE")]);
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn only_our_own_colours_reach_a_terminal() {
        let text = table().render(true, true);

        assert!(text.contains("\u{1b}[38;5;10mONLINE"), "{text:?}");
        assert!(!text.contains("\u{1b}[31m"), "{text:?}");
    }
}
