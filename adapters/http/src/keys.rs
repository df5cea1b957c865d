//! The two secrets of a gateway itself, in its data directory: the key of all hashes, and the
//! operator's token.
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use edge_ledger_core::Digest;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::secret::{Kind, Secret};

/// The key under which secrets are hashed, and the hash of the operator's token.
#[derive(Clone)]
pub struct Keys {
    key: [u8; 32],
    operator: Digest,
}

/// The secrets of a gateway could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file could not be read or written.
    #[error("{} could not be {wish}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        wish: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Others may read a file.
    #[error(
        "{} has mode {mode:03o}, so others than its owner may get at it: `chmod 600` it, and \
         consider what it holds as leaked if others could log in here",
        path.display()
    )]
    Open {
        /// Which file.
        path: PathBuf,
        /// Who may do what to it.
        mode: u32,
    },
    /// A file does not hold what it should.
    #[error("{} holds {found}, expected {expected}: put the file from your backup there", path.display())]
    Unfit {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// The operating system gives no random bits.
    #[error("no secret could be made")]
    Random(#[from] getrandom::Error),
}

/// Returns where a data directory keeps the key under which secrets are hashed.
#[must_use]
pub fn secret_key_path(directory: &Path) -> PathBuf {
    directory.join("secret.key")
}

/// Returns where a data directory keeps the operator's token.
#[must_use]
pub fn operator_token_path(directory: &Path) -> PathBuf {
    directory.join("operator.token")
}

impl Keys {
    /// Reads the secrets of a data directory, or makes those that are not there yet, readable by
    /// nobody but their owner.
    ///
    /// # Errors
    ///
    /// Fails if a file is readable by others, holds something else, or cannot be read or made.
    /// What is there is left as it is.
    pub fn open_or_create(directory: &Path) -> Result<Self, KeysError> {
        let path = secret_key_path(directory);
        let key = read_or_create(&path, || {
            let mut key = vec![0; 32];
            getrandom::fill(&mut key).map(|()| key)
        })?;
        let key = <[u8; 32]>::try_from(key).map_err(|found| KeysError::Unfit {
            path,
            expected: "a key of 32 bytes",
            found: format!("{} bytes", found.len()),
        })?;
        let path = operator_token_path(directory);
        let token = read_or_create(&path, || {
            let token = Secret::mint(Kind::OperatorToken, &Uuid::now_v7())?;
            Ok(format!("{}\n", token.expose()).into_bytes())
        })?;
        let token = Secret::shown(String::from_utf8_lossy(&token).trim());
        if token.id(Kind::OperatorToken).is_none() {
            let (expected, found) =
                ("an operator's token (op_live_…)", "something else".to_owned());
            return Err(KeysError::Unfit { path, expected, found });
        }
        Ok(Self { key, operator: Digest::keyed(&key, token.expose().as_bytes()) })
    }

    /// Returns the hash that is kept of a secret.
    #[must_use]
    pub fn digest(&self, secret: &Secret) -> Digest {
        Digest::keyed(&self.key, secret.expose().as_bytes())
    }

    /// Returns a hash of several texts that nobody without the key can repeat. Where one text ends
    /// and the next begins is part of it.
    #[must_use]
    pub(crate) fn digest_of(&self, texts: &[&[u8]]) -> Digest {
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(*text);
        }
        Digest::keyed(&self.key, &bytes)
    }

    /// Returns whether a secret is the one of which a hash was kept. It takes as long whether or
    /// not there is such a hash.
    #[must_use]
    pub(crate) fn recognise(&self, shown: &Secret, kept: Option<&Digest>) -> bool {
        let stranger = Digest::from_bytes([0; 32]);
        let same = self.digest(shown).as_bytes().ct_eq(kept.unwrap_or(&stranger).as_bytes());
        bool::from(same) && kept.is_some()
    }

    /// Returns whether a secret is the operator's token.
    #[must_use]
    pub(crate) fn is_operator(&self, shown: &Secret) -> bool {
        self.recognise(shown, Some(&self.operator))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

fn read_or_create(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, getrandom::Error>,
) -> Result<Vec<u8>, KeysError> {
    let failed = |wish| {
        let path = path.to_owned();
        move |source| KeysError::Io { path, wish, source }
    };
    match File::open(path) {
        Ok(mut file) => {
            refuse_open(path, &file).map_err(failed("examined"))??;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(failed("read"))?;
            Ok(bytes)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let bytes = make()?;
            create(path, &bytes).map_err(failed("written"))?;
            Ok(bytes)
        }
        Err(error) => Err(failed("read")(error)),
    }
}

/// Writes a file whole or not at all, and so that it survives a power cut: a key that is lost
/// takes every credential with it.
fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A left-over may have been open to others.
        drop(fs::remove_file(&half));
        options.mode(0o600);
    }
    let mut file = options.open(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn refuse_open(path: &Path, file: &File) -> io::Result<Result<(), KeysError>> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(Ok(()));
    }
    Ok(Err(KeysError::Open { path: path.to_owned(), mode }))
}

#[cfg(not(unix))]
fn refuse_open(_: &Path, _: &File) -> io::Result<Result<(), KeysError>> {
    Ok(Ok(()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_a_first_start_makes_a_second_one_reads() {
        let directory = tempfile::tempdir().unwrap();

        let first = Keys::open_or_create(directory.path()).unwrap();
        let second = Keys::open_or_create(directory.path()).unwrap();

        let token = fs::read_to_string(operator_token_path(directory.path())).unwrap();
        let token = Secret::shown(token.trim());
        assert!(first.is_operator(&token));
        assert!(second.is_operator(&token));
        assert!(!second.is_operator(&Secret::shown("op_live_")));
        for path in [secret_key_path(directory.path()), operator_token_path(directory.path())] {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for path in [secret_key_path, operator_token_path] {
            let directory = tempfile::tempdir().unwrap();
            Keys::open_or_create(directory.path()).unwrap();
            let path = path(directory.path());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();

            let refusal = Keys::open_or_create(directory.path()).unwrap_err();

            assert!(matches!(refusal, KeysError::Open { mode: 0o640, .. }), "{refusal}");
        }
    }

    #[test]
    fn a_file_that_holds_something_else_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        for path in [secret_key_path, operator_token_path] {
            Keys::open_or_create(directory.path()).unwrap();
            let path = path(directory.path());
            fs::write(&path, "short").unwrap();

            let refusal = Keys::open_or_create(directory.path()).unwrap_err();

            assert!(matches!(refusal, KeysError::Unfit { .. }), "{refusal}");
            fs::remove_file(path).unwrap();
        }
    }
}
