//! Puts work on callers and takes the time: in a closed loop, where each asks again once it is
//! answered, or in an open one, where work comes at its own pace.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, LocalSet},
};

use super::{
    caller::{Caller, Payloads},
    tally::Tally,
};

/// How work comes to the callers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// As soon as a caller is free.
    Closed,
    /// So many pieces a second, whether or not a caller is free. What waits for one is measured from
    /// when it came, so that a server that stalls is not spared what came meanwhile.
    Open { per_second: f64 },
}

/// One piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Lease a task, start it and complete it: three durable answers.
    Pair,
    /// Submit so many tasks in one request: one durable answer.
    Submit { batch: usize },
}

/// A round of work: so many pieces, put on all callers.
pub(super) struct Round<'a, C> {
    pub(super) callers: &'a mut Vec<C>,
    pub(super) work: Work,
    pub(super) pieces: u64,
    pub(super) pace: Pace,
    pub(super) payloads: &'a Rc<RefCell<Payloads>>,
    pub(super) tally: &'a Rc<RefCell<Tally>>,
}

impl<C: Caller> Round<'_, C> {
    /// Has the work done, and returns how long all of it took.
    ///
    /// # Errors
    ///
    /// The first refusal ends the round: figures of refused work mean nothing.
    pub(super) async fn run(self) -> Result<Duration> {
        let tickets = Rc::new(Tickets::new(self.pieces, self.pace));
        let local = LocalSet::new();
        let mut working = JoinSet::new();
        for mut caller in self.callers.drain(..) {
            let (tickets, tally) = (Rc::clone(&tickets), Rc::clone(self.tally));
            let (payloads, work) = (Rc::clone(self.payloads), self.work);
            let working_on = async move {
                while let Some(since) = tickets.take().await {
                    piece(&mut caller, work, since, &payloads, &tally).await?;
                }
                anyhow::Ok(caller)
            };
            working.spawn_local_on(working_on, &local);
        }
        tickets.begin();
        let began = Instant::now();
        let callers = local.run_until(async {
            let mut callers = Vec::new();
            while let Some(caller) = working.join_next().await {
                callers.push(caller??);
            }
            anyhow::Ok(callers)
        });
        let callers = callers.await?;
        let took = began.elapsed();
        self.callers.extend(callers);
        Ok(took)
    }
}

/// Does one piece of work. Everything is noted under its name; `answer` is each durable answer,
/// whatever was asked.
async fn piece<C: Caller>(
    caller: &mut C,
    work: Work,
    since: Instant,
    payloads: &RefCell<Payloads>,
    tally: &RefCell<Tally>,
) -> Result<()> {
    let mut last = since;
    let mut note = |what| {
        let now = Instant::now();
        let mut tally = tally.borrow_mut();
        tally.note(what, now - last);
        tally.note("answer", now - last);
        last = now;
    };
    match work {
        Work::Pair => {
            let Some(leased) = caller.lease().await? else { bail!("no task waits to be leased") };
            note("lease");
            caller.start(&leased).await?;
            note("start");
            caller.complete(&leased).await?;
            note("complete");
            tally.borrow_mut().note("pair", since.elapsed());
        }
        Work::Submit { batch } => {
            let payloads = payloads.borrow_mut().batch(batch);
            caller.submit(&payloads).await?;
            note("submit");
        }
    }
    Ok(())
}

/// Leave to begin the next piece of work.
struct Tickets {
    pieces: u64,
    taken: Cell<u64>,
    began: Cell<Instant>,
    due: Option<Due>,
}

/// When pieces come by themselves.
struct Due {
    every: Duration,
    come: Arc<Semaphore>,
}

impl Tickets {
    fn new(pieces: u64, pace: Pace) -> Self {
        let due = match pace {
            Pace::Closed => None,
            Pace::Open { per_second } => Some(Due {
                every: Duration::from_secs_f64(1.0 / per_second),
                come: Arc::new(Semaphore::new(0)),
            }),
        };
        Self { pieces, taken: Cell::new(0), began: Cell::new(Instant::now()), due }
    }

    /// Has the first piece come now, and the others after it.
    fn begin(&self) {
        self.began.set(Instant::now());
        if let Some(due) = &self.due {
            let (every, come) = (due.every, Arc::downgrade(&due.come));
            let (began, pieces) = (self.began.get(), self.pieces);
            // A thread of its own: timers of the runtime are a millisecond wide.
            thread::spawn(move || {
                for piece in 0..pieces {
                    let at = began + every.mul_f64(piece as f64);
                    thread::sleep(at.saturating_duration_since(Instant::now()));
                    let Some(come) = come.upgrade() else { return };
                    come.add_permits(1);
                }
            });
        }
    }

    /// Waits for the next piece, and returns since when it counts. None once all are taken.
    async fn take(&self) -> Option<Instant> {
        let piece = self.taken.get();
        if piece == self.pieces {
            return None;
        }
        self.taken.set(piece + 1);
        match &self.due {
            None => Some(Instant::now()),
            Some(due) => {
                due.come.acquire().await.ok()?.forget();
                Some(self.began.get() + due.every.mul_f64(piece as f64))
            }
        }
    }
}
