//! What the recorder writes down, and how it is read again.

/// One thing that a process did to files below the root, or said of itself.
///
/// Files have the number of their inode; paths begin below the root, which itself is `""`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<B> {
    /// A file that was not there was created.
    Create {
        /// The file.
        file: u64,
        /// Its name.
        path: String,
    },
    /// A directory was made.
    MakeDirectory {
        /// Its name.
        path: String,
    },
    /// A file was given one more name.
    Link {
        /// The file.
        file: u64,
        /// The name.
        path: String,
    },
    /// A file or directory got another name, and what had that name is gone.
    Rename {
        /// Its name before.
        from: String,
        /// Its name since.
        to: String,
    },
    /// A name was removed.
    Remove {
        /// The name.
        path: String,
    },
    /// Bytes were written.
    Write {
        /// To which file.
        file: u64,
        /// From which offset on.
        at: u64,
        /// What.
        bytes: B,
        /// Whether the file was opened so that writes are synced.
        synced: bool,
    },
    /// A file was cut, or filled up with zeros.
    Resize {
        /// The file.
        file: u64,
        /// Its length, in bytes.
        len: u64,
    },
    /// A file was given room, and is at least as long.
    Reserve {
        /// The file.
        file: u64,
        /// Where the room ends.
        end: u64,
    },
    /// A part of a file was made zero.
    Clear {
        /// The file.
        file: u64,
        /// Where the part begins.
        at: u64,
        /// How long it is, in bytes.
        len: u64,
    },
    /// Pages were handed to the device. Says nothing about its cache, nor about the file's length.
    Flush {
        /// The file.
        file: u64,
    },
    /// A file or directory was synced.
    Sync {
        /// The file.
        file: u64,
        /// Its name at that time.
        path: String,
    },
    /// Everything was synced.
    SyncAll,
    /// The process said something: a promise, most often.
    Say {
        /// What.
        line: String,
    },
}

/// A tag, three numbers, and how many bytes follow.
const HEAD: usize = 1 + 3 * 8 + 4;

impl<B: AsRef<[u8]>> Record<B> {
    /// Returns its bytes, to be written at once behind those before.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Create { file, path } => encode(b'C', [*file, 0, 0], path.as_bytes()),
            Self::MakeDirectory { path } => encode(b'D', [0; 3], path.as_bytes()),
            Self::Link { file, path } => encode(b'L', [*file, 0, 0], path.as_bytes()),
            Self::Rename { from, to } => {
                encode(b'N', [from.len() as u64, 0, 0], format!("{from}{to}").as_bytes())
            }
            Self::Remove { path } => encode(b'U', [0; 3], path.as_bytes()),
            Self::Write { file, at, bytes, synced } => {
                encode(b'W', [*file, *at, u64::from(*synced)], bytes.as_ref())
            }
            Self::Resize { file, len } => encode(b'T', [*file, *len, 0], &[]),
            Self::Reserve { file, end } => encode(b'R', [*file, *end, 0], &[]),
            Self::Clear { file, at, len } => encode(b'Z', [*file, *at, *len], &[]),
            Self::Flush { file } => encode(b'F', [*file, 0, 0], &[]),
            Self::Sync { file, path } => encode(b'S', [*file, 0, 0], path.as_bytes()),
            Self::SyncAll => encode(b'A', [0; 3], &[]),
            Self::Say { line } => encode(b'!', [0; 3], line.as_bytes()),
        }
    }
}

impl<'a> Record<&'a [u8]> {
    /// Reads the first of many; none if it is not there whole. Returns what is behind it too.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let number = |nth: usize| {
            let bytes = head[1 + 8 * nth..][..8].try_into();
            u64::from_le_bytes(bytes.expect("eight bytes are eight bytes"))
        };
        let len = u32::from_le_bytes(head[25..].try_into().expect("four bytes are four bytes"));
        let (bytes, rest) = rest.split_at_checked(len as usize)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (a, b, c) = (number(0), number(1), number(2));
        let record = match head[0] {
            b'C' => Self::Create { file: a, path: text(bytes) },
            b'D' => Self::MakeDirectory { path: text(bytes) },
            b'L' => Self::Link { file: a, path: text(bytes) },
            b'N' => {
                let (from, to) = bytes.split_at_checked(usize::try_from(a).ok()?)?;
                Self::Rename { from: text(from), to: text(to) }
            }
            b'U' => Self::Remove { path: text(bytes) },
            b'W' => Self::Write { file: a, at: b, bytes, synced: c != 0 },
            b'T' => Self::Resize { file: a, len: b },
            b'R' => Self::Reserve { file: a, end: b },
            b'Z' => Self::Clear { file: a, at: b, len: c },
            b'F' => Self::Flush { file: a },
            b'S' => Self::Sync { file: a, path: text(bytes) },
            b'A' => Self::SyncAll,
            b'!' => Self::Say { line: text(bytes) },
            _ => return None,
        };
        Some((record, rest))
    }
}

fn encode(tag: u8, numbers: [u64; 3], bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("no call writes 4 GiB at once");
    let mut record = Vec::with_capacity(HEAD + bytes.len());
    record.push(tag);
    record.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    record.extend(len.to_le_bytes());
    record.extend(bytes);
    record
}
