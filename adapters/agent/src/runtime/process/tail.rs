//! The end of what a program writes to its stderr.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

/// Follows a stream and keeps its last bytes.
#[derive(Debug)]
pub(super) struct Tail {
    kept: Arc<Mutex<VecDeque<u8>>>,
    reader: JoinHandle<()>,
}

/// How long a stream may stay open after the program's end: a child that left the group may hold
/// it for ever.
const CLOSED_WITHIN: Duration = Duration::from_millis(500);

impl Tail {
    pub(super) fn follow(stream: impl AsyncRead + Unpin + Send + 'static, bytes: usize) -> Self {
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let reader = tokio::spawn(read(stream, Arc::clone(&kept), bytes));
        Self { kept, reader }
    }

    /// Returns the last bytes as text, once the stream is closed.
    pub(super) async fn end(mut self) -> String {
        // Late or broken, what was read until then is what there is.
        let _ = tokio::time::timeout(CLOSED_WITHIN, &mut self.reader).await;
        self.reader.abort();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(kept.make_contiguous()).trim().to_owned()
    }
}

async fn read(mut stream: impl AsyncRead + Unpin, kept: Arc<Mutex<VecDeque<u8>>>, bytes: usize) {
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&chunk[..read]);
        let over = kept.len().saturating_sub(bytes);
        kept.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_last_bytes_of_a_stream_are_kept() {
        let text = format!("{}the end", "x".repeat(10_000));

        let tail = Tail::follow(std::io::Cursor::new(text.into_bytes()), 9);

        assert_eq!(tail.end().await, "xxthe end");
    }
}
