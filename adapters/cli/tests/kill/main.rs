//! The process is killed at any moment under load, again and again: everything it answered is
//! there when it comes back, exactly once; and so it is when a backup comes back in its place.
//!
//! `EDGE_LEDGER_KILLS` says how often; twenty times if it does not.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
mod answered;
mod load;
mod restored;
mod server;

use std::time::Duration;

use answered::Answered;
use load::{Edge, load};
use server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_before_a_kill_is_there_after_it() {
    let kills = std::env::var("EDGE_LEDGER_KILLS").map_or(20, |text| text.parse().unwrap());
    let data = tempfile::tempdir().unwrap();
    let mut answered = Answered::default();
    let mut edges = Vec::new();
    for kill in 0..kills {
        let server = Server::start(data.path()).await;
        if edges.is_empty() {
            edges = Edge::register_all(&server, 4).await;
        }
        answered.check(&server).await;
        let loads: Vec<_> = edges.iter().map(|edge| load(&server, edge.clone(), kill)).collect();
        // Whenever it is: no two rounds are killed at the same point.
        tokio::time::sleep(Duration::from_millis(150 + kill * 97 % 400)).await;
        server.kill();
        for load in loads {
            answered.add(load.await.unwrap());
        }
    }

    let server = Server::start(data.path()).await;
    answered.check(&server).await;
    assert!(answered.completed() >= 5 * usize::try_from(kills).unwrap(), "{answered:?}");
    let live = server.digest().await;
    server.kill();
    assert_eq!(live, server::digest_of_log(data.path()), "the log alone gives the same ledger");
}
