//! Where things are kept unless somebody says otherwise.

use std::{env, path::PathBuf};

/// Returns where a gateway keeps its ledger: the same for whoever asks as the same user, so that
/// the command line finds the operator's token.
pub(crate) fn default_data() -> PathBuf {
    state_home().join("data")
}

/// Returns where the agent of a name keeps who it is.
pub(crate) fn default_agent_state(name: &str) -> PathBuf {
    let folder: String = name
        .chars()
        .map(|found| if found.is_ascii_alphanumeric() || found == '-' { found } else { '_' })
        .collect();
    state_home().join("agents").join(folder)
}

/// Returns the user's place for state: `$XDG_STATE_HOME`, else `~/.local/state`, on Windows
/// `%LOCALAPPDATA%`, and the present directory for those who have none.
fn state_home() -> PathBuf {
    let named = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    named("XDG_STATE_HOME")
        .or_else(|| named("LOCALAPPDATA"))
        .or_else(|| named("HOME").map(|home| home.join(".local").join("state")))
        .unwrap_or_default()
        .join("edge-ledger")
}
