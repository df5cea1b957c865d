//! Who an edge is, kept across restarts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Who an edge is, as the gateway registered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) worker_id: String,
    pub(crate) device_number: String,
    pub(crate) credential: Secret,
}

/// A registration that may have reached the gateway: it is repeated until its answer is kept, so
/// that an answer lost to a crash uses up no second token use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempt {
    pub(crate) device_number: String,
    pub(crate) idempotency_key: String,
}

impl Attempt {
    /// Draws a device number from a name, and a key of its own.
    pub(crate) fn draw(name: &str) -> Self {
        Self {
            device_number: format!("{}-{:08x}", slug(name), rand::rng().random::<u32>()),
            idempotency_key: draw_key(),
        }
    }
}

/// Draws a key that no other request has.
pub(crate) fn draw_key() -> String {
    format!("{:032x}", rand::rng().random::<u128>())
}

/// Returns what of a name suits a device number.
fn slug(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let slug: String = words.join("-").to_ascii_lowercase().chars().take(100).collect();
    if slug.is_empty() { "edge".to_owned() } else { slug }
}

/// The directory in which an edge keeps who it is. One agent holds it at a time.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    _held: File,
}

const IDENTITY: &str = "identity.json";
const ATTEMPT: &str = "registration.json";
const LOCK: &str = "agent.lock";

impl StateDir {
    /// Opens the directory, making it if need be, and holds it until dropped.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        let at = |file: &Path| unusable(file.to_owned());
        make_private(path).map_err(at(path))?;
        let lock = path.join(LOCK);
        let held = File::create(&lock).map_err(at(&lock))?;
        match held.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _held: held }),
            Err(fs::TryLockError::WouldBlock) => Err(StateError::InUse { path: path.to_owned() }),
            Err(fs::TryLockError::Error(error)) => Err(at(&lock)(error)),
        }
    }

    /// Returns who the edge is, if it was registered.
    pub(crate) fn identity(&self) -> Result<Option<Identity>, StateError> {
        Ok(self.read::<Kept>(IDENTITY)?.map(Identity::from))
    }

    /// Keeps who the edge is, durably, before it is used.
    pub(crate) fn keep_identity(&self, identity: &Identity) -> Result<(), StateError> {
        self.write(IDENTITY, &Kept::from(identity))?;
        match fs::remove_file(self.path.join(ATTEMPT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(unusable(self.path.join(ATTEMPT))(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Returns the registration that may have reached the gateway, if there is one.
    pub(crate) fn attempt(&self) -> Result<Option<Attempt>, StateError> {
        self.read(ATTEMPT)
    }

    /// Keeps a registration, durably, before it is sent.
    pub(crate) fn keep_attempt(&self, attempt: &Attempt) -> Result<(), StateError> {
        self.write(ATTEMPT, attempt)
    }

    /// Returns where the identity is kept.
    pub(crate) fn identity_path(&self) -> PathBuf {
        self.path.join(IDENTITY)
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<Option<T>, StateError> {
        let path = self.path.join(name);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(unusable(path.clone()))?,
        };
        refuse_others(&path)?;
        match serde_json::from_str(&text) {
            Ok(read) => Ok(Some(read)),
            // The error of a parser would quote what it read.
            Err(error) => {
                Err(StateError::Unreadable { path, line: error.line(), column: error.column() })
            }
        }
    }

    /// Writes a file whole or not at all, readable to nobody else.
    fn write(&self, name: &str, content: &impl Serialize) -> Result<(), StateError> {
        let path = self.path.join(name);
        let written = || -> io::Result<()> {
            // Born 0600 and renamed into place.
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            serde_json::to_writer(&mut file, content)?;
            file.flush()?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            sync_directory(&self.path)
        };
        written().map_err(unusable(path.clone()))
    }
}

/// The identity as its file has it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    worker_id: String,
    device_number: String,
    credential: String,
}

impl From<&Identity> for Kept {
    fn from(identity: &Identity) -> Self {
        Self {
            worker_id: identity.worker_id.clone(),
            device_number: identity.device_number.clone(),
            credential: identity.credential.expose().to_owned(),
        }
    }
}

impl From<Kept> for Identity {
    fn from(kept: Kept) -> Self {
        let Kept { worker_id, device_number, credential } = kept;
        Self { worker_id, device_number, credential: Secret::new(&credential) }
    }
}

/// Why an edge cannot know who it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A file or directory cannot be read or written.
    #[error("cannot use {}", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another agent holds the directory.
    #[error(
        "another agent is at work in {}: give each agent a state directory of its own",
        path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error(
        "{} has mode {mode:04o}, so others may read the edge's credential: expected 0600; set it \
         with chmod 600, and rotate the credential if somebody did read it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file is not as the agent writes it.
    #[error(
        "{} is damaged at line {line}, column {column}: put back a copy, or move it away and \
         register anew",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
    },
}

fn unusable(path: PathBuf) -> impl FnOnce(io::Error) -> StateError {
    move |source| StateError::Unusable { path, source }
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(unix)]
fn refuse_others(path: &Path) -> Result<(), StateError> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = fs::metadata(path).map_err(unusable(path.to_owned()))?;
    match metadata.permissions().mode() & 0o7777 {
        mode if mode & 0o077 == 0 => Ok(()),
        mode => Err(StateError::Exposed { path: path.to_owned(), mode }),
    }
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(not(unix))]
fn refuse_others(_: &Path) -> Result<(), StateError> {
    Ok(())
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn identity() -> Identity {
        Identity {
            worker_id: "0190".to_owned(),
            device_number: "rack-7".to_owned(),
            credential: Secret::new("wk_live_abc"),
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn an_identity_is_there_again_after_a_restart_and_private() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/state");
        let state = StateDir::open(&path).unwrap();
        assert_eq!(state.identity().unwrap(), None);
        state.keep_attempt(&Attempt::draw("rack")).unwrap();

        state.keep_identity(&identity()).unwrap();
        drop(state);

        let state = StateDir::open(&path).unwrap();
        assert_eq!(state.identity().unwrap(), Some(identity()));
        assert_eq!(state.attempt().unwrap(), None);
        assert_eq!((mode(&path), mode(&state.identity_path())), (0o700, 0o600));
        let left = fs::read_dir(&path).unwrap().count();
        assert_eq!(left, 2, "the identity and the lock");
    }

    #[test]
    fn an_identity_that_others_may_read_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(root.path()).unwrap();
        state.keep_identity(&identity()).unwrap();

        fs::set_permissions(state.identity_path(), fs::Permissions::from_mode(0o640)).unwrap();

        let refused = state.identity().unwrap_err().to_string();
        assert!(refused.contains("identity.json has mode 0640"), "{refused}");
    }

    #[test]
    fn a_damaged_identity_is_refused_without_a_word_of_it() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::open(root.path()).unwrap();
        state.keep_identity(&identity()).unwrap();

        fs::write(state.identity_path(), r#"{"workerId":"a","credential":wk_live_abc"#).unwrap();

        let refused = state.identity().unwrap_err();
        assert!(matches!(refused, StateError::Unreadable { line: 1, .. }));
        assert!(!format!("{refused} {refused:?}").contains("abc"));
    }

    #[test]
    fn a_state_directory_has_one_agent() {
        let root = tempfile::tempdir().unwrap();
        let first = StateDir::open(root.path()).unwrap();

        assert!(matches!(StateDir::open(root.path()), Err(StateError::InUse { .. })));
        drop(first);
        assert!(StateDir::open(root.path()).is_ok());
    }

    #[test]
    fn a_registration_under_way_is_the_same_after_a_restart() {
        let root = tempfile::tempdir().unwrap();
        let attempt = Attempt::draw("rack");

        StateDir::open(root.path()).unwrap().keep_attempt(&attempt).unwrap();

        assert_eq!(StateDir::open(root.path()).unwrap().attempt().unwrap(), Some(attempt));
    }

    #[test]
    fn a_device_number_is_the_name_and_something_random() {
        let drawn = Attempt::draw("  Rack 7/Über  ").device_number;

        assert!(drawn.starts_with("rack-7-ber-") && drawn.len() == "rack-7-ber-".len() + 8);
        assert_ne!(Attempt::draw("rack"), Attempt::draw("rack"));
        assert!(Attempt::draw("日本").device_number.starts_with("edge-"));
        assert!(Attempt::draw(&"x".repeat(300)).device_number.len() <= 128);
    }
}
