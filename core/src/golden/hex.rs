//! Bytes as hex digits, for files and snapshots that people compare.

/// Writes two lower-case digits a byte.
#[must_use]
pub fn write(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what [`write()`] wrote; nothing if it is no hex.
#[must_use]
pub fn read(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_back_as_they_were_written() {
        let bytes: Vec<_> = (0..=u8::MAX).collect();
        assert_eq!(read(&write(&bytes)), Some(bytes));
        assert_eq!(read("0"), None);
        assert_eq!(read("0g"), None);
    }
}
