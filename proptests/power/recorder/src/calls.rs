//! The functions of libc that this library stands in for.
//!
//! # Safety
//!
//! Each asks of its caller what libc's does, and hands it on to the kernel.
use libc::{
    AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, EINVAL, ENOSYS, F_GETFL, FALLOC_FL_PUNCH_HOLE,
    FALLOC_FL_ZERO_RANGE, O_ACCMODE, O_APPEND, O_CREAT, O_DSYNC, O_RDONLY, O_TRUNC, O_WRONLY,
    SEEK_CUR, SYS_copy_file_range, SYS_fallocate, SYS_fcntl, SYS_fdatasync, SYS_fsync,
    SYS_ftruncate, SYS_linkat, SYS_lseek, SYS_mkdirat, SYS_newfstatat, SYS_openat, SYS_pread64,
    SYS_pwrite64, SYS_read, SYS_renameat2, SYS_sendfile, SYS_sync, SYS_sync_file_range, SYS_syncfs,
    SYS_unlinkat, SYS_write, c_char, c_int, c_long, c_uint, c_void, iovec, mode_t, off64_t, size_t,
    ssize_t, stat64, syscall,
};

use crate::{
    fault::{Call, Fault},
    record::Record,
    watch::{Opened, Watch, status, watch},
};

#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { open_at(AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { open_at(AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { open_at(at, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat64(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    unsafe { open_at(at, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn creat(path: *const c_char, mode: mode_t) -> c_int {
    unsafe { open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn creat64(path: *const c_char, mode: mode_t) -> c_int {
    unsafe { open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode) }
}

unsafe fn open_at(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    let really = || unsafe { syscall(SYS_openat, at, path, flags, mode) as c_int };
    let Some((watch, name)) = watch().and_then(|it| Some((it, unsafe { it.named(at, path) }?)))
    else {
        return really();
    };
    let _turn = watch.turn();
    let call = if flags & O_ACCMODE == O_RDONLY { Call::Open } else { Call::Create };
    if let Some(error) = refused(watch, call, &name) {
        return error;
    }
    let existed = unsafe { exists(at, path) };
    let fd = really();
    if fd < 0 {
        return fd; // and nothing more, which would have an error number of its own
    }
    if let Some(Opened { file, path, is_directory: false }) = watch.opened(fd) {
        if flags & O_CREAT != 0 && !existed {
            watch.note(&Record::Create { file, path });
        } else if flags & O_TRUNC != 0 {
            watch.note(&Record::Resize { file, len: 0 });
        }
    }
    fd
}

unsafe fn exists(at: c_int, path: *const c_char) -> bool {
    let mut stat: stat64 = unsafe { std::mem::zeroed() };
    unsafe { syscall(SYS_newfstatat, at, path, &raw mut stat, 0) == 0 }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn read(fd: c_int, bytes: *mut c_void, len: size_t) -> ssize_t {
    if let Some(error) = reading_refused(fd) {
        return error;
    }
    unsafe { syscall(SYS_read, fd, bytes, len) as ssize_t }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pread64(fd: c_int, bytes: *mut c_void, len: size_t, at: off64_t) -> ssize_t {
    if let Some(error) = reading_refused(fd) {
        return error;
    }
    unsafe { syscall(SYS_pread64, fd, bytes, len, at) as ssize_t }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pread(fd: c_int, bytes: *mut c_void, len: size_t, at: off64_t) -> ssize_t {
    unsafe { pread64(fd, bytes, len, at) }
}

fn reading_refused(fd: c_int) -> Option<ssize_t> {
    let (watch, opened) = watched(fd)?;
    refused(watch, Call::Read, &opened.path).map(|error| error as ssize_t)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, len: size_t) -> ssize_t {
    let really = |len: size_t| unsafe { syscall(SYS_write, fd, bytes, len) as ssize_t };
    let Some((watch, opened)) = watched(fd) else { return really(len) };
    let _turn = watch.turn();
    let at = if flags_of(fd) & O_APPEND != 0 {
        status(fd).map_or(0, |stat| stat.st_size)
    } else {
        unsafe { syscall(SYS_lseek, fd, 0, SEEK_CUR) }
    };
    unsafe { written(watch, fd, &opened, at, bytes, len, really) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(
    fd: c_int,
    bytes: *const c_void,
    len: size_t,
    at: off64_t,
) -> ssize_t {
    let really = |len: size_t| unsafe { syscall(SYS_pwrite64, fd, bytes, len, at) as ssize_t };
    let Some((watch, opened)) = watched(fd) else { return really(len) };
    let _turn = watch.turn();
    unsafe { written(watch, fd, &opened, at, bytes, len, really) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(fd: c_int, bytes: *const c_void, len: size_t, at: off64_t) -> ssize_t {
    unsafe { pwrite64(fd, bytes, len, at) }
}

unsafe fn written(
    watch: &Watch,
    fd: c_int,
    opened: &Opened,
    at: off64_t,
    bytes: *const c_void,
    len: size_t,
    really: impl Fn(size_t) -> ssize_t,
) -> ssize_t {
    let len = match watch.fault(Call::Write, &opened.path) {
        None => len,
        Some(Fault::Short) => len.div_ceil(2),
        Some(Fault::Error(error)) => return fail(error) as ssize_t,
    };
    let taken = really(len);
    if let Ok(taken @ 1..) = usize::try_from(taken) {
        // SAFETY: so many bytes were just read there.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), taken) };
        let (file, at) = (opened.file, u64::try_from(at).unwrap_or_default());
        watch.note(&Record::Write { file, at, bytes, synced: flags_of(fd) & O_DSYNC != 0 });
    }
    taken
}

/// In parts: whoever asks for many at once has to expect that only some are taken.
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    if watched(fd).is_none() {
        return unsafe { syscall(libc::SYS_writev, fd, parts, count) as ssize_t };
    }
    unsafe { each(parts, count, |part, _| write(fd, part.iov_base, part.iov_len)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev64(
    fd: c_int,
    parts: *const iovec,
    count: c_int,
    at: off64_t,
) -> ssize_t {
    unsafe {
        each(parts, count, |part, before| {
            pwrite64(fd, part.iov_base, part.iov_len, at + before as off64_t)
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev(fd: c_int, parts: *const iovec, count: c_int, at: off64_t) -> ssize_t {
    unsafe { pwritev64(fd, parts, count, at) }
}

unsafe fn each(
    parts: *const iovec,
    count: c_int,
    write: impl Fn(&iovec, ssize_t) -> ssize_t,
) -> ssize_t {
    let count = usize::try_from(count).unwrap_or_default();
    let mut sum = 0;
    for part in unsafe { std::slice::from_raw_parts(parts, count) } {
        let taken = if part.iov_len == 0 { 0 } else { write(part, sum) };
        match usize::try_from(taken) {
            Err(_) if sum == 0 => return taken,
            Err(_) => return sum,
            Ok(whole) if whole == part.iov_len => sum += taken,
            Ok(_) => return sum + taken,
        }
    }
    sum
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate64(fd: c_int, len: off64_t) -> c_int {
    let really = || unsafe { syscall(SYS_ftruncate, fd, len) as c_int };
    let Some((watch, opened)) = watched(fd) else { return really() };
    let len = u64::try_from(len).unwrap_or_default();
    let record = Record::Resize { file: opened.file, len };
    done(watch, Call::Resize, &opened.path, really, record)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate(fd: c_int, len: off64_t) -> c_int {
    unsafe { ftruncate64(fd, len) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fallocate64(fd: c_int, mode: c_int, at: off64_t, len: off64_t) -> c_int {
    let really = || unsafe { syscall(SYS_fallocate, fd, mode, at, len) as c_int };
    let Some((watch, opened)) = watched(fd) else { return really() };
    let file = opened.file;
    let (at, len) = (u64::try_from(at).unwrap_or_default(), u64::try_from(len).unwrap_or_default());
    let record = if mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) != 0 {
        Record::Clear { file, at, len }
    } else if mode == 0 {
        Record::Reserve { file, end: at + len }
    } else {
        Record::Flush { file }
    };
    done(watch, Call::Resize, &opened.path, really, record)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fallocate(fd: c_int, mode: c_int, at: off64_t, len: off64_t) -> c_int {
    unsafe { fallocate64(fd, mode, at, len) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_fallocate64(fd: c_int, at: off64_t, len: off64_t) -> c_int {
    match unsafe { fallocate64(fd, 0, at, len) } {
        0 => 0,
        _ => unsafe { *libc::__errno_location() },
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_fallocate(fd: c_int, at: off64_t, len: off64_t) -> c_int {
    unsafe { posix_fallocate64(fd, at, len) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    synced(fd, SYS_fsync)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    synced(fd, SYS_fdatasync)
}

fn synced(fd: c_int, number: c_long) -> c_int {
    let really = || unsafe { syscall(number, fd) as c_int };
    let Some((watch, Opened { path, file, .. })) = watched(fd) else { return really() };
    let record = Record::Sync { file, path: path.clone() };
    done(watch, Call::Sync, &path, || unless_recorded(watch, really), record)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sync_file_range(fd: c_int, at: off64_t, len: off64_t, flags: c_uint) -> c_int {
    let really = || unsafe { syscall(SYS_sync_file_range, fd, at, len, flags) as c_int };
    let Some((watch, Opened { path, file, .. })) = watched(fd) else { return really() };
    done(watch, Call::Flush, &path, || unless_recorded(watch, really), Record::Flush { file })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn syncfs(fd: c_int) -> c_int {
    let really = || unsafe { syscall(SYS_syncfs, fd) as c_int };
    let Some((watch, Opened { path, .. })) = watched(fd) else { return really() };
    done(watch, Call::Sync, &path, || unless_recorded(watch, really), Record::SyncAll)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sync() {
    let really = || unsafe { syscall(SYS_sync) as c_int };
    match watch() {
        None => really(),
        Some(it) => done(it, Call::Sync, "", || unless_recorded(it, really), Record::SyncAll),
    };
}

/// A disk is slow, and what is durable is whose the records are to say.
fn unless_recorded(watch: &Watch, really: impl FnOnce() -> c_int) -> c_int {
    if watch.records() { 0 } else { really() }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    unsafe { renameat2(AT_FDCWD, from, AT_FDCWD, to, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn renameat(
    at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
) -> c_int {
    unsafe { renameat2(at, from, to_at, to, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn renameat2(
    at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    let really = || unsafe { syscall(SYS_renameat2, at, from, to_at, to, flags) as c_int };
    let Some((watch, from)) = (unsafe { named(at, from) }) else { return really() };
    let Some(to) = (unsafe { watch.named(to_at, to) }) else { return really() };
    done(watch, Call::Name, &from.clone(), really, Record::Rename { from, to })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    unsafe { unlinkat(AT_FDCWD, path, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    unsafe { unlinkat(AT_FDCWD, path, AT_REMOVEDIR) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlinkat(at: c_int, path: *const c_char, flags: c_int) -> c_int {
    let really = || unsafe { syscall(SYS_unlinkat, at, path, flags) as c_int };
    let Some((watch, path)) = (unsafe { named(at, path) }) else { return really() };
    done(watch, Call::Name, &path.clone(), really, Record::Remove { path })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    unsafe { mkdirat(AT_FDCWD, path, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdirat(at: c_int, path: *const c_char, mode: mode_t) -> c_int {
    let really = || unsafe { syscall(SYS_mkdirat, at, path, mode) as c_int };
    let Some((watch, path)) = (unsafe { named(at, path) }) else { return really() };
    done(watch, Call::Name, &path.clone(), really, Record::MakeDirectory { path })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn link(from: *const c_char, to: *const c_char) -> c_int {
    unsafe { linkat(AT_FDCWD, from, AT_FDCWD, to, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn linkat(
    at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    let really = || unsafe { syscall(SYS_linkat, at, from, to_at, to, flags) as c_int };
    let Some((watch, path)) = (unsafe { named(to_at, to) }) else { return really() };
    let mut stat: stat64 = unsafe { std::mem::zeroed() };
    unsafe { syscall(SYS_newfstatat, at, from, &raw mut stat, AT_SYMLINK_NOFOLLOW) };
    done(watch, Call::Name, &path.clone(), really, Record::Link { file: stat.st_ino, path })
}

/// Not there for watched files, so that whoever copies one reads and writes it instead.
#[unsafe(no_mangle)]
unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_at: *mut off64_t,
    to: c_int,
    to_at: *mut off64_t,
    len: size_t,
    flags: c_uint,
) -> ssize_t {
    match watched(to) {
        Some(_) => fail(ENOSYS) as ssize_t,
        None => unsafe {
            syscall(SYS_copy_file_range, from, from_at, to, to_at, len, flags) as ssize_t
        },
    }
}

/// As [`copy_file_range`].
#[unsafe(no_mangle)]
unsafe extern "C" fn sendfile64(to: c_int, from: c_int, at: *mut off64_t, len: size_t) -> ssize_t {
    match watched(to) {
        Some(_) => fail(EINVAL) as ssize_t,
        None => unsafe { syscall(SYS_sendfile, to, from, at, len) as ssize_t },
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sendfile(to: c_int, from: c_int, at: *mut off64_t, len: size_t) -> ssize_t {
    unsafe { sendfile64(to, from, at, len) }
}

/// Makes a call and its record one, unless it is to fail.
fn done(
    watch: &Watch,
    call: Call,
    path: &str,
    really: impl FnOnce() -> c_int,
    record: Record<&[u8]>,
) -> c_int {
    let _turn = watch.turn();
    if let Some(error) = refused(watch, call, path) {
        return error;
    }
    let outcome = really();
    if outcome == 0 {
        watch.note(&record);
    }
    outcome
}

fn refused(watch: &Watch, call: Call, path: &str) -> Option<c_int> {
    match watch.fault(call, path)? {
        Fault::Error(error) => Some(fail(error)),
        Fault::Short => None,
    }
}

fn fail(error: c_int) -> c_int {
    // SAFETY: it is this thread's.
    unsafe { *libc::__errno_location() = error };
    -1
}

unsafe fn named(at: c_int, path: *const c_char) -> Option<(&'static Watch, String)> {
    let watch = watch()?;
    Some((watch, unsafe { watch.named(at, path) }?))
}

fn watched(fd: c_int) -> Option<(&'static Watch, Opened)> {
    let watch = watch()?;
    Some((watch, watch.opened(fd)?))
}

fn flags_of(fd: c_int) -> c_int {
    unsafe { syscall(SYS_fcntl, fd, F_GETFL) as c_int }
}
