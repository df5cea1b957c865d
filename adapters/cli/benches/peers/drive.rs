//! A closed loop: each connection asks again once it is answered.
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use tokio::task::{JoinSet, LocalSet};

/// A connection to a peer, with one request in flight.
pub(crate) trait Peer: 'static {
    /// Puts a task into the queue.
    async fn submit(&mut self) -> Result<()>;

    /// Leases a task and completes it, one after the other. False if there was none.
    async fn pair(&mut self) -> Result<bool>;
}

/// What a measurement came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Submissions a second.
    pub(crate) submissions: f64,
    /// Pairs of a lease and a completion a second.
    pub(crate) pairs: f64,
    /// Half of the pairs took no longer, in microseconds.
    pub(crate) p50_us: f64,
    /// All pairs but one in a hundred took no longer, in microseconds.
    pub(crate) p99_us: f64,
    /// What a raw `fdatasync` took in the same minute, in microseconds, if it was measured.
    pub(crate) fdatasync_us: Option<f64>,
}

/// Measures submissions, and then pairs over what was submitted.
pub(crate) async fn measure<P: Peer>(peers: Vec<P>, time: Duration) -> Result<Figures> {
    let (peers, submitted) = put(peers, time, Work::Submit).await?;
    let (_, paired) = put(peers, time, Work::Pair).await?;
    let micros = |percent| paired.spans.value_at_percentile(percent) as f64 / 1e3;
    Ok(Figures {
        submissions: submitted.per_second(),
        pairs: paired.per_second(),
        p50_us: micros(50.0),
        p99_us: micros(99.0),
        fdatasync_us: None,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Submit,
    Pair,
}

struct Done {
    spans: Histogram<u64>,
    seconds: f64,
}

impl Done {
    fn per_second(&self) -> f64 {
        self.spans.len() as f64 / self.seconds
    }
}

async fn put<P: Peer>(peers: Vec<P>, time: Duration, work: Work) -> Result<(Vec<P>, Done)> {
    let spans = Rc::new(RefCell::new(Histogram::new(3)?));
    let empty = Rc::new(Cell::new(false));
    let (local, mut working) = (LocalSet::new(), JoinSet::new());
    let began = Instant::now();
    for mut peer in peers {
        let (spans, empty) = (Rc::clone(&spans), Rc::clone(&empty));
        let asking = async move {
            while began.elapsed() < time && !empty.get() {
                let since = Instant::now();
                match work {
                    Work::Submit => peer.submit().await?,
                    Work::Pair if !peer.pair().await? => {
                        // What was submitted is done before the time is over: that ends it.
                        empty.set(true);
                        break;
                    }
                    Work::Pair => {}
                }
                let took = u64::try_from(since.elapsed().as_nanos())?;
                spans.borrow_mut().record(took.max(1))?;
            }
            anyhow::Ok(peer)
        };
        working.spawn_local_on(asking, &local);
    }
    let peers = local.run_until(async {
        let mut peers = Vec::new();
        while let Some(peer) = working.join_next().await {
            peers.push(peer??);
        }
        anyhow::Ok(peers)
    });
    let peers = peers.await?;
    let seconds = began.elapsed().as_secs_f64();
    let spans = spans.borrow().clone();
    if spans.is_empty() {
        bail!("nothing was done within {time:?}: {work:?}");
    }
    Ok((peers, Done { spans, seconds }))
}
