//! What a log tells of times past, read in one pass: who was heard of when, who held what, and what
//! everybody was called.

use std::collections::BTreeMap;

use anyhow::Result;
use edge_ledger_core::{
    Commit, EdgeId, Event, Millis, Position, TaskId, Timestamp, contacts::Contacts, edge,
    leases::Leases, task, timeline::Window,
};
use edge_ledger_journal::{Archive, Beats, RESOLUTION};

use crate::{
    exit::{Exit, Failure},
    journal,
    output::Progress,
    source::Source,
};

/// What a log tells of times past.
#[derive(Debug)]
pub(crate) struct Chronicle {
    /// Who was heard of, and when the ledger was open: from the log itself, and from what stands for
    /// the part of it that was moved away.
    pub(crate) contacts: Contacts,
    /// Who held what, as far as the log itself is there.
    pub(crate) leases: Leases,
    /// Up to where only summaries are there, and when that was.
    pub(crate) summarised: Option<(Position, Timestamp)>,
    /// Where the first commit stands that is known at all, be it by a summary.
    pub(crate) begin: Position,
    /// Every contact in the log itself, where `contacts` are coarser.
    exact: Option<Contacts>,
    edges: BTreeMap<EdgeId, Box<str>>,
    tasks: BTreeMap<TaskId, Box<str>>,
}

impl Chronicle {
    /// Reads a log, and the summaries that remain of what was moved away before it. The log is taken
    /// for one that nobody serves.
    pub(crate) fn read(source: &Source) -> Result<Self> {
        let begin = source.begin()?;
        let mut read = Self {
            contacts: Contacts::new(Millis::ZERO),
            leases: Leases::default(),
            summarised: None,
            begin: begin.position,
            exact: None,
            edges: BTreeMap::new(),
            tasks: BTreeMap::new(),
        };
        let mut progress = Progress::new("commits");
        for commit in source.commits(begin.position)? {
            read.apply(&commit?);
            progress.add(1);
        }
        if begin.position > Position::START {
            let archive = Archive::open(journal::archive_place(source.path()));
            let archive = archive.map_err(|error| journal::explain(&error))?;
            let beats = archive.beats_left(Some(begin));
            read.precede(beats.map_err(|error| journal::explain(&error))?, source)?;
        }
        read.contacts.abandon();
        Ok(read)
    }

    /// Returns who was heard of when in the log itself, every contact kept.
    pub(crate) fn exact(&self) -> &Contacts {
        self.exact.as_ref().unwrap_or(&self.contacts)
    }

    /// Returns what an edge was called last, if the log says so.
    pub(crate) fn name_of(&self, edge: EdgeId) -> Option<&str> {
        self.edges.get(&edge).map(|name| &**name)
    }

    /// Returns what a task is called, if the log says so.
    pub(crate) fn task_name(&self, task: &TaskId) -> Option<&str> {
        self.tasks.get(task).map(|name| &**name)
    }

    /// Lists the edges that were heard of: all of them, or the one that is asked for.
    ///
    /// # Errors
    ///
    /// Fails if the one was never heard of.
    pub(crate) fn edges(&self, only: Option<EdgeId>) -> Result<Vec<EdgeId>> {
        let all = self.contacts.edges().keys().copied();
        let edges: Vec<_> = all.filter(|edge| only.is_none_or(|only| *edge == only)).collect();
        match (only, edges.is_empty()) {
            (Some(edge), true) => {
                let told = format!("edge {edge} was never heard of in this log");
                let next = "`edge-ledger log show` names the edges that were";
                Err(Failure::new(Exit::NotFound, told).next(next).into())
            }
            (Some(_) | None, _) => Ok(edges),
        }
    }

    /// Settles a stretch of time: from the first commit that is known to the last, where it is not
    /// said otherwise.
    ///
    /// # Errors
    ///
    /// Fails if it is empty.
    pub(crate) fn window(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Window> {
        let first = self.contacts.openings().first().map(|opening| opening.began);
        let from = from.or(first).unwrap_or(Timestamp::EPOCH);
        let to = to.or_else(|| self.contacts.last()).unwrap_or(Timestamp::EPOCH);
        if from < to {
            return Ok(Window { from, to });
        }
        let told = format!("there is no time from {from} to {to}");
        Err(Failure::usage(told).next("name a time after the other, with --from or --to").into())
    }

    /// Refuses thresholds that what is known is too coarse for.
    pub(crate) fn can_tell(&self, online_within: Millis) -> Result<()> {
        match self.summarised {
            Some((position, _)) if online_within < RESOLUTION => {
                let told = format!(
                    "of the log up to position {position} only summaries are there, which tell \
                     silences apart from {} s on: they cannot tell what is online within {} ms",
                    RESOLUTION.0 / 1_000,
                    online_within.0
                );
                let next = "bring the files of the archive back, or ask by 30s or more";
                Err(Failure::new(Exit::Refused, told).next(next).into())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn apply(&mut self, commit: &Commit) {
        self.contacts.apply(commit);
        self.leases.apply(commit);
        for event in &commit.events {
            match event {
                Event::Edge { id, what: edge::Event::Registered { identity, .. } }
                | Event::Edge { id, what: edge::Event::Reregistered { identity, .. } } => {
                    self.edges.insert(*id, identity.display_name.clone());
                }
                Event::Task { id, what: task::Event::Submitted(submitted) } => {
                    self.tasks.insert(id.clone(), submitted.spec.name.clone());
                }
                Event::Ledger(_)
                | Event::Token { .. }
                | Event::Edge { .. }
                | Event::Task { .. } => {}
            }
        }
    }

    /// Takes in what summaries tell of the time before; the last one may reach into the log.
    fn precede(&mut self, beats: Vec<Beats>, source: &Source) -> Result<()> {
        let (Some(first), Some(last)) = (beats.first(), beats.last()) else { return Ok(()) };
        self.begin = first.before.position;
        let until = last.last.position;
        let mut contacts = Contacts::new(RESOLUTION);
        for stretch in beats {
            contacts.append(stretch.contacts);
        }
        self.summarised = contacts.last().map(|last| (until, last));
        let mut rest = Contacts::new(Millis::ZERO);
        for commit in source.commits(until)? {
            rest.apply(&commit?);
        }
        contacts.append(rest);
        self.exact = Some(std::mem::replace(&mut self.contacts, contacts));
        Ok(())
    }
}
