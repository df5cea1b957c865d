//! The signals by which people and supervisors end a command.

/// Returns once one of them has come.
pub(crate) async fn interrupted() {
    let listening = tokio::signal::ctrl_c();
    tokio::select! {
        heard = listening => if heard.is_err() { std::future::pending().await },
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
