//! Reading ahead: frames are read, unpacked and decoded on all cores, commits come in order.
//!
//! The journal is cut into stretches of positions. Worker `w` of `n` has stretches `w`, `w + n`,
//! `w + 2n` and so on, and hands over what is in each in order; whoever reads takes a stretch of
//! each worker in turn. A worker that is far ahead waits.
use std::{
    mem,
    num::NonZero,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    vec,
};

use edge_ledger_core::{Commit, Position};

use crate::{Damage, Frame, JournalError, Link, StoreReader, reader::Trail};

/// How many positions a stretch has.
const STRETCH: u64 = 8_192;

/// How many bytes of commits, encoded, are handed over at once, if no commit is larger.
const HANDFUL: usize = 256 * 1024;

/// How many handfuls a worker may be ahead.
const AHEAD: usize = 4;

/// More workers than this have nothing to do: applying commits takes a core, too.
const WORKERS_MAX: usize = 8;

/// Commits in order, decoded ahead.
#[derive(Debug)]
pub(crate) struct Ahead {
    workers: Vec<Worker>,
    /// Whose turn it is.
    turn: usize,
    trail: Trail,
    /// Where to end.
    end: Position,
    frames: vec::IntoIter<Decoded>,
    commits: vec::IntoIter<Commit>,
    /// What ends the reading, to be told once.
    fault: Option<JournalError>,
    ended: bool,
}

#[derive(Debug)]
struct Worker {
    /// None once nothing more is wanted.
    hands: Option<Receiver<Handed>>,
    thread: Option<JoinHandle<()>>,
}

/// What a worker hands over.
#[derive(Debug)]
enum Handed {
    Frames(Vec<Decoded>),
    Fault(JournalError),
    /// The stretch ends.
    End,
}

/// A frame, and where the chain stands before and after it.
#[derive(Debug)]
struct Decoded {
    before: Link,
    commits: Vec<Commit>,
    link: Link,
}

/// The stretches of one worker.
struct Share<R> {
    store: R,
    /// Where the first frame of all may begin before.
    after: Position,
    first: u64,
    step: u64,
    end: Position,
}

impl Ahead {
    /// Begins to read up to where the store ends now.
    pub(crate) fn start<R: StoreReader>(store: &R, after: Position) -> Self {
        let (end, fault) = match store.last() {
            Ok(last) => (last.map_or(after, |frame| frame.head()), None),
            Err(error) => (after, Some(error)),
        };
        let mut ahead = Self {
            workers: Vec::new(),
            turn: 0,
            trail: Trail::begin(after),
            end,
            frames: Vec::new().into_iter(),
            commits: Vec::new().into_iter(),
            fault,
            ended: false,
        };
        let stretches = end.get().saturating_sub(after.get()).div_ceil(STRETCH);
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let step = stretches.min(cores.min(WORKERS_MAX) as u64);
        for first in 0..step {
            let share = Share { store: store.clone(), after, first, step, end };
            match Worker::start(share) {
                Ok(worker) => ahead.workers.push(worker),
                Err(error) => ahead.fault = Some(error),
            }
        }
        ahead
    }

    /// Takes the next frames; none at the end.
    fn take(&mut self) -> Option<Result<(), JournalError>> {
        if let Some(fault) = self.fault.take() {
            return Some(Err(fault));
        }
        if self.trail.position() >= self.end {
            return None;
        }
        let turn = self.turn;
        let handed = self.workers[turn].hands.as_ref().and_then(|hands| hands.recv().ok());
        match handed {
            Some(Handed::Frames(frames)) => self.frames = frames.into_iter(),
            Some(Handed::Fault(error)) => return Some(Err(error)),
            Some(Handed::End) => self.turn = (turn + 1) % self.workers.len(),
            None => {
                let (position, head) = (self.trail.position(), self.end);
                let damage = Damage::BrokenOff { head };
                return Some(Err(JournalError::Frame { position, damage }));
            }
        }
        Some(Ok(()))
    }
}

impl Iterator for Ahead {
    type Item = Result<Commit, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(commit) = self.commits.next() {
                return Some(Ok(commit));
            }
            if self.ended {
                return None;
            }
            let stepped = match self.frames.next() {
                Some(frame) => {
                    self.commits = frame.commits.into_iter();
                    Some(self.trail.step(frame.before, frame.link))
                }
                None => self.take(),
            };
            match stepped {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    self.ended = true;
                    self.commits = Vec::new().into_iter();
                    return Some(Err(error));
                }
                None => self.ended = true,
            }
        }
    }
}

impl Drop for Ahead {
    /// Ends the threads, so that nothing holds the store any more.
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.hands = None;
        }
        for thread in self.workers.iter_mut().filter_map(|worker| worker.thread.take()) {
            // What it panicked with is on stderr, and the reading ended with an error.
            drop(thread.join());
        }
    }
}

impl Worker {
    fn start<R: StoreReader>(share: Share<R>) -> Result<Self, JournalError> {
        let (hand, hands) = sync_channel(AHEAD);
        let thread = thread::Builder::new().name("reads ahead".to_owned());
        match thread.spawn(move || share.work(&hand)) {
            Ok(thread) => Ok(Self { hands: Some(hands), thread: Some(thread) }),
            Err(error) => Err(JournalError::Store {
                told: "a thread to read the journal with could not be started".to_owned(),
                source: Some(error.into()),
            }),
        }
    }
}

impl<R: StoreReader> Share<R> {
    /// Hands everything over, until nobody wants more.
    fn work(&self, hand: &SyncSender<Handed>) {
        let mut nth = self.first;
        loop {
            let begin = self.after.plus(nth * STRETCH);
            if begin >= self.end {
                return;
            }
            let last = match self.stretch(nth, begin, hand) {
                Ok(()) => Handed::End,
                Err(Stop::Fault(error)) => Handed::Fault(error),
                Err(Stop::Unwanted) => return,
            };
            if hand.send(last).is_err() {
                return;
            }
            nth += self.step;
        }
    }

    /// Hands over the frames that begin in a stretch, and in the first one the frame that holds
    /// the first event.
    fn stretch(&self, nth: u64, begin: Position, hand: &SyncSender<Handed>) -> Result<(), Stop> {
        let end = begin.plus(STRETCH).min(self.end);
        let ours = |frame: &Frame| nth == 0 || frame.before().position >= begin;
        let mut handful = Handful { frames: Vec::new(), size: 0, hand };
        for frame in self.store.frames(begin) {
            let decoded = match frame {
                Ok(frame) if frame.before().position >= end => break,
                Ok(frame) if !ours(&frame) => continue,
                Ok(frame) => Decoded::of(&frame).map(|decoded| (decoded, frame.unpacked_len())),
                Err(error) => Err(error),
            };
            match decoded {
                Ok((decoded, size)) => handful.add(decoded, size)?,
                Err(error) => {
                    handful.hand_over()?;
                    return Err(Stop::Fault(error));
                }
            }
        }
        handful.hand_over()
    }
}

/// Frames that are handed over together.
struct Handful<'a> {
    frames: Vec<Decoded>,
    size: usize,
    hand: &'a SyncSender<Handed>,
}

impl Handful<'_> {
    fn add(&mut self, frame: Decoded, size: usize) -> Result<(), Stop> {
        self.frames.push(frame);
        self.size += size;
        if self.size >= HANDFUL { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&mut self) -> Result<(), Stop> {
        self.size = 0;
        let frames = mem::take(&mut self.frames);
        self.hand.send(Handed::Frames(frames)).map_err(|_| Stop::Unwanted)
    }
}

impl Decoded {
    fn of(frame: &Frame) -> Result<Self, JournalError> {
        let before = frame.before();
        match frame.commits() {
            Ok((commits, link)) => Ok(Self { before, commits, link }),
            Err(damage) => Err(JournalError::Frame { position: before.position, damage }),
        }
    }
}

/// Why a stretch was not handed over whole.
enum Stop {
    Fault(JournalError),
    /// Nobody reads any more.
    Unwanted,
}
