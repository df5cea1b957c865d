//! What a program did to its files, as strace saw it.
use std::{collections::HashMap, fs, path::Path, process::Command};

/// Something the program said, and how a file stood just then.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) line: usize,
    /// How many writes to the file had been made.
    pub(crate) written: usize,
    /// How many of them no later sync had covered.
    pub(crate) unsynced: usize,
}

/// Runs a program under strace, and returns the calls that matter; or why it cannot.
pub(crate) fn trace(program: Command, dir: &Path) -> Result<String, String> {
    let out = dir.join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "64", "-o"]).arg(&out);
    strace.args(["-e", "trace=pwrite64,sync_file_range,fdatasync,fsync,write"]);
    strace.arg(program.get_program()).args(program.get_args());
    strace.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = strace.output().map_err(|error| format!("strace does not run ({error})"))?;
    let trace = fs::read_to_string(&out).unwrap_or_default();
    if output.status.success() && !trace.is_empty() {
        Ok(trace)
    } else {
        Err(format!("strace failed: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Finds what the program said on its standard output, and for each how the file stood.
///
/// A sync covers the writes that had returned when it began. Calls of several threads are told
/// apart by the number at the start of a line; one that takes long is on two lines.
pub(crate) fn answers(trace: &str, file: &Path, prefix: &str) -> Vec<Answer> {
    let on_file = format!("<{}>", file.display());
    let said = format!("\"{prefix}");
    let mut began: HashMap<&str, (Call, usize)> = HashMap::new();
    let (mut written, mut synced) = (0, 0);
    let mut answers = Vec::new();
    for (line, text) in (1..).zip(trace.lines()) {
        let Some((thread, text)) = text.split_once(' ') else { continue };
        let text = text.trim_start();
        let (call, ends) = match text.strip_prefix("<... ") {
            Some(_) => (began.remove(thread), true),
            None => {
                let call = Call::parse(text, &on_file, &said).map(|call| (call, written));
                let ends = !text.ends_with("<unfinished ...>");
                if !ends && let Some(call) = call {
                    began.insert(thread, call);
                }
                (call, ends)
            }
        };
        match call {
            Some((Call::Write, _)) if ends => written += 1,
            Some((Call::Sync, covered)) if ends => synced = synced.max(covered),
            Some((Call::Answer, _)) if !text.starts_with("<... ") => {
                answers.push(Answer { line, written, unsynced: written - synced });
            }
            Some((Call::Write | Call::Sync | Call::Answer, _)) | None => {}
        }
    }
    answers
}

#[derive(Clone, Copy)]
enum Call {
    Write,
    Sync,
    Answer,
}

impl Call {
    fn parse(text: &str, on_file: &str, said: &str) -> Option<Self> {
        let (name, arguments) = text.split_once('(')?;
        match name {
            "pwrite64" if arguments.contains(on_file) => Some(Self::Write),
            "fdatasync" | "fsync" if arguments.contains(on_file) => Some(Self::Sync),
            "write" if arguments.starts_with("1<") && arguments.contains(said) => {
                Some(Self::Answer)
            }
            _ => None,
        }
    }
}
