//! Which files are watched, and where the records go.
use std::{
    env,
    ffi::{CStr, CString, OsString},
    mem,
    os::unix::ffi::OsStringExt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use libc::{
    AT_FDCWD, O_APPEND, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_PATH, O_WRONLY, S_IFDIR, S_IFMT,
    S_IFREG, SYS_close, SYS_fstat, SYS_openat, SYS_readlinkat, SYS_write, c_char, c_int, stat64,
    syscall,
};

use crate::{
    fault::{self, Call, Fault},
    record::Record,
};

/// What the environment asks for; none if it asks for nothing.
pub(crate) fn watch() -> Option<&'static Watch> {
    static WATCH: OnceLock<Option<Watch>> = OnceLock::new();
    WATCH.get_or_init(Watch::from_environment).as_ref()
}

/// A directory that is watched.
pub(crate) struct Watch {
    root: String,
    log: Option<c_int>,
    faults: Option<CString>,
    turn: Mutex<()>,
}

/// An open file below the root.
pub(crate) struct Opened {
    pub(crate) path: String,
    pub(crate) file: u64,
    pub(crate) is_directory: bool,
}

impl Watch {
    fn from_environment() -> Option<Self> {
        let variable =
            |name: &str| env::var_os(name).map(OsString::into_vec).filter(|it| !it.is_empty());
        let path = |name| variable(name).and_then(|path| CString::new(path).ok());
        let root = String::from_utf8(variable("EDGE_LEDGER_POWER_ROOT")?).ok()?;
        let log = path("EDGE_LEDGER_POWER_LOG").map(|path| {
            let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
            // SAFETY: the path ends with a zero.
            unsafe { syscall(SYS_openat, AT_FDCWD, path.as_ptr(), flags, 0o600) as c_int }
        });
        let faults = path("EDGE_LEDGER_POWER_FAULTS");
        Some(Self { root, log, faults, turn: Mutex::new(()) })
    }

    /// Waits until no other call is between what it does and its record.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether records are written, and nothing is really synced.
    pub(crate) const fn records(&self) -> bool {
        self.log.is_some()
    }

    /// Writes a record, or ends the process: a log with a hole says nothing.
    pub(crate) fn note(&self, record: &Record<&[u8]>) {
        let Some(log) = self.log else { return };
        let bytes = record.encode();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // SAFETY: the bytes are ours.
            let written = unsafe { syscall(SYS_write, log, rest.as_ptr(), rest.len()) };
            match usize::try_from(written) {
                Ok(written) if written > 0 => rest = &rest[written..],
                Ok(_) | Err(_) => std::process::abort(),
            }
        }
    }

    /// Returns how a call is to fail, if it is.
    pub(crate) fn fault(&self, call: Call, path: &str) -> Option<Fault> {
        self.faults.as_ref().and_then(|rules| fault::look_up(rules, call, path))
    }

    /// Returns an open file if it is below the root.
    pub(crate) fn opened(&self, fd: c_int) -> Option<Opened> {
        let stat = status(fd)?;
        let kind = stat.st_mode & S_IFMT;
        if kind != S_IFREG && kind != S_IFDIR {
            return None;
        }
        let path = path_of(fd)?;
        let path = self.below(path.strip_suffix(" (deleted)").unwrap_or(&path))?;
        Some(Opened { path, file: stat.st_ino, is_directory: kind == S_IFDIR })
    }

    /// Returns what a path names below the root, whatever way leads to its directory.
    ///
    /// # Safety
    ///
    /// The path ends with a zero.
    pub(crate) unsafe fn named(&self, at: c_int, path: *const c_char) -> Option<String> {
        // SAFETY: the caller's.
        let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?.trim_end_matches('/');
        let (parent, name) = match path.rsplit_once('/') {
            Some(("", name)) => ("/", name),
            Some((parent, name)) => (parent, name),
            None => (".", path),
        };
        let parent = CString::new(parent).ok()?;
        let flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
        // SAFETY: the path ends with a zero.
        let directory = unsafe { syscall(SYS_openat, at, parent.as_ptr(), flags) as c_int };
        let parent = path_of(directory);
        // SAFETY: nobody else knows of it.
        unsafe { syscall(SYS_close, directory) };
        self.below(&format!("{}/{name}", parent?.trim_end_matches('/')))
    }

    fn below(&self, path: &str) -> Option<String> {
        match path.strip_prefix(&self.root)? {
            "" => Some(String::new()),
            rest => rest.strip_prefix('/').map(str::to_owned),
        }
    }
}

pub(crate) fn status(fd: c_int) -> Option<stat64> {
    // SAFETY: zeros are a status, and the kernel fills it in.
    unsafe {
        let mut stat: stat64 = mem::zeroed();
        (syscall(SYS_fstat, fd, &raw mut stat) == 0).then_some(stat)
    }
}

fn path_of(fd: c_int) -> Option<String> {
    let link = CString::new(format!("/proc/self/fd/{fd}")).ok()?;
    let mut bytes = [0_u8; 4096];
    // SAFETY: the path ends with a zero, and the kernel writes within the buffer.
    let len = unsafe {
        syscall(SYS_readlinkat, AT_FDCWD, link.as_ptr(), bytes.as_mut_ptr(), bytes.len())
    };
    String::from_utf8(bytes[..usize::try_from(len).ok()?].to_vec()).ok()
}
