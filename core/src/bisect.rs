//! Where in a log something came to be true of the ledger: found by halving, or as the first such
//! place by looking everywhere.
//!
//! A question is any predicate of a ledger. It need not stay true once it is: then there are many
//! places where it turns, and halving finds one of them.
use std::fmt::Debug;

use crate::{Commit, Corruption, Ledger, Position};

/// What became of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Where the question turned, if that was found.
    pub turn: Option<Turn>,
    /// How often the question was asked.
    pub asked: u64,
    /// Whether the answer was yes at the position from which the search began.
    pub began_true: bool,
    /// How far the log was folded. Nothing is known of what follows.
    pub head: Position,
}

/// A place where the answer to a question turned from no to yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The commit that did it: just before it the answer is no, just after it is yes.
    pub commit: Commit,
}

/// A search came to no end.
#[derive(Debug, thiserror::Error)]
pub enum SearchError<E: Debug, Q: Debug> {
    /// The log could not be read.
    #[error("the log could not be read")]
    Unreadable(E),
    /// It does not fold.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// It was another log when it was read again.
    #[error("the log changed while it was searched: read again, it ends at position {0}")]
    Changed(Position),
    /// The question has no answer there.
    #[error("the question has no answer at position {at}")]
    Unanswerable {
        /// Where.
        at: Position,
        /// Why.
        why: Q,
    },
}

/// Folds a log from a ledger on, asks after each commit that `touches` the question, and returns
/// the first that turns the answer from no to yes. If the answer was yes to begin with, it has to
/// become no first.
///
/// # Errors
///
/// Fails if the log cannot be read or does not fold, or the question has no answer somewhere.
pub fn first<E: Debug, Q: Debug>(
    mut ledger: Ledger,
    log: impl IntoIterator<Item = Result<Commit, E>>,
    mut touches: impl FnMut(&Commit) -> bool,
    question: impl FnMut(&Ledger) -> Result<bool, Q>,
) -> Result<Search, SearchError<E, Q>> {
    let mut questions = Questions { question, asked: 0 };
    let began_true = questions.ask(&ledger)?;
    let mut is_true = began_true;
    let mut turn = None;
    for commit in log {
        let commit = commit.map_err(SearchError::Unreadable)?;
        ledger.apply(&commit)?;
        if !touches(&commit) {
            continue;
        }
        let was_true = std::mem::replace(&mut is_true, questions.ask(&ledger)?);
        if is_true && !was_true {
            turn = Some(Turn { commit });
            break;
        }
    }
    Ok(Search { turn, asked: questions.asked, began_true, head: ledger.head() })
}

/// Finds a commit that turns the answer from no to yes, by halving.
///
/// Goes forward in steps that double, until a no is followed by a yes, and then halves what lies
/// between. Two ledgers at most are in memory. If it finds none, the answer was yes at none of the
/// places it looked at that follow a no; in between it may have been.
///
/// # Errors
///
/// As [`first`]; and if the log is another one when it is read again. `read` reads it from the
/// commit after a position on.
pub fn halve<E: Debug, Q: Debug, L>(
    ledger: Ledger,
    mut read: impl FnMut(Position) -> L,
    question: impl FnMut(&Ledger) -> Result<bool, Q>,
) -> Result<Search, SearchError<E, Q>>
where
    L: IntoIterator<Item = Result<Commit, E>>,
{
    let mut questions = Questions { question, asked: 0 };
    let began_true = questions.ask(&ledger)?;
    let begin = ledger.head();
    let (head, found) = stride(ledger, read(begin), began_true, &mut questions)?;
    let Some((mut no, mut commits)) = found else {
        return Ok(Search { turn: None, asked: questions.asked, began_true, head });
    };
    while commits > 1 {
        let half = commits / 2;
        let mut middle = no.clone();
        let log = read(no.head());
        let mut taken = 0;
        for commit in log.into_iter().take(half) {
            middle.apply(&commit.map_err(SearchError::Unreadable)?)?;
            taken += 1;
        }
        if taken < half {
            return Err(SearchError::Changed(middle.head()));
        }
        if questions.ask(&middle)? {
            commits = half;
        } else {
            no = middle;
            commits -= half;
        }
    }
    let commit = read(no.head()).into_iter().next();
    let commit = commit.transpose().map_err(SearchError::Unreadable)?;
    let commit = commit.filter(|commit| commit.after == no.head());
    let commit = commit.ok_or_else(|| SearchError::Changed(no.head()))?;
    Ok(Search { turn: Some(Turn { commit }), asked: questions.asked, began_true, head })
}

/// How far a log was folded; and if a no was followed by a yes, the ledger of the no and how many
/// commits later the yes is.
type Strides = (Position, Option<(Ledger, usize)>);

/// Folds a log and asks after 1, 3, 7, … commits and at its end, until a no is followed by a yes.
fn stride<E: Debug, Q: Debug, F: FnMut(&Ledger) -> Result<bool, Q>>(
    mut ledger: Ledger,
    log: impl IntoIterator<Item = Result<Commit, E>>,
    began_true: bool,
    questions: &mut Questions<F>,
) -> Result<Strides, SearchError<E, Q>> {
    let mut log = log.into_iter().peekable();
    let mut no = (!began_true).then(|| ledger.clone());
    let (mut stride, mut taken) = (1, 0);
    while let Some(commit) = log.next() {
        ledger.apply(&commit.map_err(SearchError::Unreadable)?)?;
        taken += 1;
        if taken < stride && log.peek().is_some() {
            continue;
        }
        match (questions.ask(&ledger)?, no.take()) {
            (true, Some(no)) => return Ok((ledger.head(), Some((no, taken)))),
            (true, None) => {}
            (false, _) => no = Some(ledger.clone()),
        }
        stride = stride.saturating_mul(2);
        taken = 0;
    }
    Ok((ledger.head(), None))
}

struct Questions<F> {
    question: F,
    asked: u64,
}

impl<Q: Debug, F: FnMut(&Ledger) -> Result<bool, Q>> Questions<F> {
    fn ask<E: Debug>(&mut self, ledger: &Ledger) -> Result<bool, SearchError<E, Q>> {
        self.asked += 1;
        let at = ledger.head();
        (self.question)(ledger).map_err(|why| SearchError::Unanswerable { at, why })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use uuid::Uuid;

    use super::*;
    use crate::{Cause, CommandId, Event, Principal, Timestamp, lifecycle};

    #[test]
    fn the_first_turn_is_found_and_any_turn_is_one() {
        for truth in 0..1_u32 << 9 {
            let is_true = |position: u64| truth & (1 << position) != 0;
            let turns: Vec<_> = (1..9).filter(|&at| is_true(at) && !is_true(at - 1)).collect();
            let ask = |ledger: &Ledger| Ok::<_, Infallible>(is_true(ledger.head().get()));

            let first = first(Ledger::default(), log(8, 0), |_| true, ask).unwrap();
            let read = |after: Position| log(8, after.get());
            let halved = halve(Ledger::default(), read, ask).unwrap();

            let place = |search: &Search| search.turn.as_ref().map(|turn| turn.commit.head().get());
            assert_eq!(place(&first), turns.first().copied(), "{truth:09b}");
            assert_eq!(first.began_true, is_true(0));
            let at = place(&halved);
            assert!(at.is_none_or(|at| turns.contains(&at)), "{truth:09b}: {at:?}");
            let once_and_for_all = turns.len() == 1 && is_true(8) && !is_true(0);
            assert!(!once_and_for_all || at.is_some(), "{truth:09b}: nothing found");
        }
    }

    #[test]
    fn halving_asks_a_logarithm_of_the_log() {
        let ask = |ledger: &Ledger| Ok::<_, Infallible>(ledger.head().get() >= 700);

        let found = halve(Ledger::default(), |after| log(1_000, after.get()), ask).unwrap();

        assert_eq!(found.turn.unwrap().commit.head(), Position::new(700));
        assert!(found.asked <= 20, "{}", found.asked);
    }

    #[test]
    fn a_commit_that_does_not_touch_the_question_is_not_asked_about() {
        let ask = |ledger: &Ledger| Ok::<_, Infallible>(ledger.head().get() >= 7);
        let touches = |commit: &Commit| commit.head().get() % 5 == 0;

        let found = first(Ledger::default(), log(100, 0), touches, ask).unwrap();

        assert_eq!(found.turn.unwrap().commit.head(), Position::new(10));
        assert_eq!(found.asked, 3);
    }

    #[test]
    fn a_log_that_is_shorter_when_it_is_read_again_is_an_error() {
        let ask = |ledger: &Ledger| Ok::<_, Infallible>(ledger.head().get() >= 7);
        let read = |after: Position| {
            let length = if after == Position::START { 8 } else { 5 };
            log(length, after.get())
        };

        let failed = halve(Ledger::default(), read, ask).unwrap_err();

        assert!(matches!(failed, SearchError::Changed(_)), "{failed}");
    }

    /// A log of ticks, read from the one after a position on.
    fn log(length: u64, after: u64) -> impl Iterator<Item = Result<Commit, Infallible>> {
        (after..length).map(|at| {
            let command = CommandId::from_uuid(Uuid::nil());
            let cause = Cause { command, principal: Principal::System, idempotency: None };
            Ok(Commit {
                after: Position::new(at),
                recorded_at: Timestamp::EPOCH,
                cause,
                events: vec![Event::Ledger(lifecycle::Event::Ticked)],
            })
        })
    }
}
