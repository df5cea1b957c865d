//! Halves of characters: what is left in JSON where a text was cut by UTF-16 units.

/// The sign for a character that cannot be told.
const REPLACEMENT: &str = "\\ufffd";

/// How many bytes an escape like `\ud83d` has.
const ESCAPE: usize = 6;

/// Replaces every escaped half of a character that has lost its other half.
pub(crate) fn mend(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let (kept, length) = match (unit(escape), escape.get(ESCAPE..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (None, 2 * ESCAPE),
            (Some(0xD800..=0xDFFF), _) => (Some(REPLACEMENT), ESCAPE),
            // A backslash and what it escapes, be it another backslash.
            (_, _) => (None, escape.chars().take(2).map(char::len_utf8).sum()),
        };
        let (escape, after) = escape.split_at(length);
        mended.push_str(kept.unwrap_or(escape));
        rest = after;
    }
    mended.push_str(rest);
    mended
}

/// Reads the UTF-16 unit that an escape stands for.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_halves_that_stand_alone_are_replaced() {
        for (text, expected) in [
            (r#""plain""#, r#""plain""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""cut \ud83d""#, r#""cut \ufffd""#),
            (r#""\ude00 began late""#, r#""\ufffd began late""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\n\u00e9é\""#, r#""\n\u00e9é\""#),
            (r#""\ud83""#, r#""\ud83""#),
        ] {
            assert_eq!(mend(text), expected);
        }
    }
}
