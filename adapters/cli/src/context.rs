//! What every command gets.

use crate::{config::File, output::Output};

/// What a command gets beside its own flags.
#[derive(Debug)]
pub(crate) struct Context {
    /// What the configuration file says.
    pub(crate) file: File,
    /// How to say what was found.
    pub(crate) output: Output,
}
