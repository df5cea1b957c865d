//! Text from elsewhere, made safe to print.

use std::borrow::Cow;

/// Returns a text in which nothing can steer a terminal or turn its reading direction: such
/// characters are shown by their number, and line breaks as spaces.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for found in text.chars() {
        match found {
            '\n' | '\t' | '\r' => safe.push(' '),
            found if is_unsafe(found) => safe.extend(found.escape_unicode()),
            found => safe.push(found),
        }
    }
    Cow::Owned(safe)
}

/// Returns a JSON document with the same meaning in which nothing can steer a terminal. The line
/// breaks and tabs between its values stay.
pub(crate) fn plain_json(json: String) -> String {
    let steers = |found: char| is_unsafe(found) && !matches!(found, '\n' | '\t' | '\r');
    if !json.contains(steers) {
        return json;
    }
    let mut safe = String::with_capacity(json.len());
    for found in json.chars() {
        match steers(found) {
            // Everything unsafe that JSON allows unescaped is inside a string, and below U+10000.
            true => safe.push_str(&format!("\\u{:04x}", u32::from(found))),
            false => safe.push(found),
        }
    }
    safe
}

fn is_unsafe(found: char) -> bool {
    found.is_control()
        || matches!(found, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_steers_a_terminal() {
        for (text, shown) in [
            ("rack 7, Über, 日本", "rack 7, Über, 日本"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("bell\u{7}", "bell\\u{7}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("two\nlines\tand a tab", "two lines and a tab"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("\u{7f}", "\\u{7f}"),
        ] {
            assert_eq!(plain(text), shown, "{text:?}");
        }
    }

    #[test]
    fn json_means_the_same_after_it_was_made_safe() {
        let meant = serde_json::json!({"name": "a\u{9b}2J\u{202e}\u{1b}[0m b", "n": [1, 2]});
        let text = serde_json::to_string_pretty(&meant).unwrap();

        let safe = plain_json(text);

        assert!(!safe.contains(|c: char| is_unsafe(c) && c != '\n'), "{safe:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), meant);
    }
}
