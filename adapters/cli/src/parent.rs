//! Processes that must not outlive who started them.

use std::{io, thread};

use tokio::sync::oneshot;

/// Returns once the process that started this one is gone, which is when the pipe ends that it
/// holds our stdin by; never if nobody asked for that.
pub(crate) async fn parent_gone(with_parent: bool) {
    if !with_parent {
        return std::future::pending().await;
    }
    let (tell, told) = oneshot::channel::<()>();
    // A thread of its own: a runtime would wait for it before it ends.
    thread::spawn(move || {
        drop(io::copy(&mut io::stdin(), &mut io::sink()));
        drop(tell);
    });
    drop(told.await);
}
