//! `completions`: what a shell needs to complete commands and flags.

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::Shell;

use crate::{context::Context, exit::Exit};

/// Print what a shell needs to complete commands and flags.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  edge-ledger completions bash > ~/.local/share/bash-completion/completions/edge-ledger
  edge-ledger completions zsh > \"${fpath[1]}/_edge-ledger\"
  edge-ledger completions fish > ~/.config/fish/completions/edge-ledger.fish")]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

/// Prints it for a tree of commands.
pub(crate) fn run(args: CompletionsArgs, tree: &mut Command, context: &Context) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, tree, "edge-ledger", &mut script);
    context.output.text(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Ok)
}
