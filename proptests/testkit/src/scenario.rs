//! Scenarios: one command a line, and what each makes happen.
//!
//! Names stand for ids, and every time is told from the beginning of the scenario. A command is
//! the last thing on a line that may be followed by `under CREDENTIAL` (an edge shows its newest
//! one otherwise), `as WHO` (`operator`, `ledger`, `edge:rack`, `token:site`) and
//! `key K` (an idempotency key; the rest of the line is its body). Nothing falls due by itself:
//! `due` executes what is due, as a writer does before each command, and `archive` what the planner
//! of archives proposes.
//!
//! ```text
//! at 1m30s
//! due
//! archive keep SPAN
//! ledger open [epoch N] | restore | tick | close | archive J…
//! token T create [uses N] [until TIME] [device D] [labels a=b,c=d] | revoke
//! edge E disable WHY | enable | release | labels a=b | capacity N | rotate [overlap SPAN] | revoke [C]
//! submit J [priority N] [to E] [requires a=b] [not_before TIME] [lease SPAN] [attempts N]
//!          [within SPAN] [backoff SPAN..SPAN] [dedupe K] [payload JSON] {and J …}
//! task J cancel WHY | retry | reassign E|any | adopt [POSITION] | late E ROW…
//! E registers D by T [name N] [platform P] [arch A] [version V]
//! E reports [state S] [task J|none] [uptime N] [error WHY|none] [version V] [upgrade S] [reason WHY]
//! E polls [holding J,…|nothing] [capacity N]
//! E heartbeats J N/M [config C] [progress P] [fence F]
//! E sends J ROW… [fence F]
//! E completes J N/M [best C,…] [fence F]
//! E fails J WHY [retryable] [fence F]
//! why J | task J | edge E | liveness | archived
//! ```
mod line;
mod names;
mod report;
mod values;
mod views;
mod words;

use std::{fmt::Write, mem};

use edge_ledger_core::{
    Cause, Command, Event, Millis, Principal, Rejection, Timestamp, edge, plan, task,
};

use crate::book::{Book, Outcome};
use line::{Ask, Line};
use names::Names;

/// A scenario that has been run.
#[derive(Debug)]
pub struct Run {
    /// The script with what each line made happen.
    pub transcript: String,
    /// The ledger it ended with, and its log.
    pub book: Book,
}

/// Runs a script.
///
/// # Panics
///
/// Panics if a line cannot be read.
#[must_use]
pub fn run(script: &str) -> Run {
    let (run, unreadable) = run_as_far_as_it_reads(script);
    assert_eq!(unreadable, None);
    run
}

/// Runs a script up to the first line that cannot be read, and says which that is and why.
#[must_use]
pub fn run_as_far_as_it_reads(script: &str) -> (Run, Option<String>) {
    let mut stage = Stage::default();
    let mut unreadable = None;
    for (number, line) in script.lines().enumerate() {
        if let Err(fault) = stage.play(line) {
            unreadable = Some(format!("line {}: {line}\n{fault}", number + 1));
            break;
        }
    }
    let Stage { book, transcript, .. } = stage;
    (Run { transcript, book }, unreadable)
}

/// What lines have come to.
#[derive(Debug, Default)]
pub(crate) struct Came {
    pub(crate) events: Vec<Event>,
    /// The last one.
    pub(crate) refusal: Option<Rejection>,
}

/// A ledger, as lines happen to it.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    book: Book,
    names: Names,
    now: Option<Timestamp>,
    transcript: String,
    came: Came,
}

impl Stage {
    pub(crate) const fn book(&self) -> &Book {
        &self.book
    }

    pub(crate) fn transcript(&self) -> &str {
        &self.transcript
    }

    /// Returns what came of all lines since this was asked last.
    pub(crate) fn listen(&mut self) -> Came {
        mem::take(&mut self.came)
    }

    /// Executes a command that no line can say.
    pub(crate) fn ask_as(&mut self, command: Command, principal: Principal) {
        self.say(&format!("{command:?}"));
        self.ask(Ask { command, principal, idempotency: None });
    }

    /// Says a line, and lets it happen.
    pub(crate) fn play(&mut self, line: &str) -> Result<(), words::Fault> {
        self.say(line);
        self.act(line)
    }

    fn act(&mut self, line: &str) -> Result<(), words::Fault> {
        match line::read(line, &mut self.names, self.book.ledger())? {
            Line::Nothing => {}
            Line::At(time) => self.now = Some(time),
            Line::Due => self.due(),
            Line::Archive(keep) => self.archive(keep),
            Line::Ask(ask) => self.ask(ask),
            Line::See(view) => {
                let seen = views::see(&view, self.book.ledger(), self.now())?;
                seen.iter().for_each(|line| self.tell(&format!("| {line}")));
            }
        }
        Ok(())
    }

    fn ask(&mut self, ask: Ask) {
        let mut cause = self.book.own_cause();
        cause.principal = ask.principal;
        cause.idempotency = ask.idempotency;
        self.execute(ask.command, cause);
    }

    fn due(&mut self) {
        let due = |stage: &Self| stage.book.ledger().due(stage.now()).next();
        while let Some(command) = due(self) {
            if let Command::Task(id, task::Command::System(wish)) = &command {
                self.tell(&format!("? {id} {wish:?}"));
            }
            let cause = self.book.own_cause();
            if !self.execute(command, cause) {
                return;
            }
        }
    }

    fn archive(&mut self, keep: Millis) {
        match plan::archive_finished(self.book.ledger(), self.now(), keep) {
            None => self.tell("? nothing"),
            Some(command) => {
                self.execute(command, self.book.own_cause());
            }
        }
    }

    /// Tells what a command comes to; returns whether it was appended.
    fn execute(&mut self, command: Command, cause: Cause) -> bool {
        let outcome = self.book.execute(command, cause, self.now());
        match &outcome {
            Err(refusal) => {
                self.tell(&format!("! {}: {refusal}", refusal.code()));
                self.came.refusal = Some(refusal.clone());
            }
            Ok(Outcome::AlreadySo) => self.tell("= already so"),
            Ok(Outcome::Repeated(after)) => self.tell(&format!("~ repeated after {after}")),
            Ok(Outcome::Appended) => {
                let commit = self.book.last().clone();
                self.came.events.extend(commit.events.iter().cloned());
                for envelope in commit.envelopes() {
                    if let Event::Edge { id, what: edge::Event::CredentialIssued { .. } } =
                        envelope.event
                    {
                        self.names.was_given_credential(*id);
                    }
                    self.tell(&format!("> {} {}", envelope.position, shown(envelope.event)));
                }
            }
        }
        outcome == Ok(Outcome::Appended)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now.unwrap_or(Timestamp::EPOCH)
    }

    fn say(&mut self, line: &str) {
        writeln!(self.transcript, "{line}").expect("a string takes text");
    }

    fn tell(&mut self, outcome: &str) {
        let line = format!("  {}", self.names.shown(outcome));
        self.say(&line);
    }
}

fn shown(event: &Event) -> String {
    serde_json::to_string(event).expect("events are JSON")
}
