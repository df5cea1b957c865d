//! What is decided is recorded once it is durable, and never if it is not.
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use edge_ledger_core::{
    Position,
    decisions::{Again, Answer, Line},
};
use edge_ledger_engine::{Beginning, Options, Recorder, Recording, Stop};

use crate::{
    asked::{ask, ask_under, create_token, submit, tick},
    gate::{Fate, Rig},
};

/// What was written.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn lines(&self) -> Vec<Line> {
        let bytes = self.0.lock().expect("nobody panics").clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(|line| Line::parse(line).expect("a line")).collect()
    }

    /// Returns what was answered, in a word each.
    fn answers(&self) -> Vec<&'static str> {
        let answer = |line| match line {
            Line::Begins(_) => "begins",
            Line::Ends(_) => "ends",
            Line::Decided(decided) => match decided.answer {
                Answer::Events(_) => "events",
                Answer::AlreadySo => "already so",
                Answer::Repeated { .. } => "repeated",
                Answer::Refused { .. } => "refused",
                Answer::TooLarge { .. } => "too large",
            },
        };
        self.lines().into_iter().map(answer).collect()
    }
}

fn recorded(append_max: usize) -> (Rig, Arc<Recording>, Written) {
    let written = Written::default();
    let recording = Arc::new(Recording::start(written.clone()).expect("a thread"));
    let recorder = Some(Arc::clone(&recording) as Arc<dyn Recorder>);
    let beginning = Beginning { recorder, ..Beginning::default() };
    (Rig::start_from(append_max, beginning, Options::default()), recording, written)
}

#[test]
fn a_decision_is_recorded_once_all_that_it_rests_on_is_durable() {
    let (rig, recording, written) = recorded(usize::MAX);
    let first = ask(&rig.handle, submit("first", "one")).decided();
    rig.gate.arrival();
    let refused = ask(&rig.handle, submit("first", "other"));
    let already = ask(&rig.handle, submit("first", "one")).decided();
    assert_eq!(first_two(&written), ["begins", "events"], "nothing else is durable");
    rig.gate.decide(Fate::Append);
    first.outcome().expect("told");
    refused.outcome().expect_err("refused");
    already.outcome().expect("told");
    let lost = ask(&rig.handle, submit("lost", "one")).decided();
    let on_top = ask(&rig.handle, submit("lost", "other"));
    rig.gate.arrival();
    rig.gate.decide(Fate::Lose);
    lost.outcome().expect_err("lost");
    on_top.outcome().expect_err("never durable");
    assert!(matches!(rig.engine.close(), Stop::Failed { .. }));

    recording.end();

    assert_eq!(written.answers(), ["begins", "events", "events", "refused", "already so"]);
}

/// Waits until the opening is written: on a thread of its own, nobody says when.
fn first_two(written: &Written) -> Vec<&'static str> {
    for _ in 0..1_000 {
        if written.answers().len() >= 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    written.answers()
}

#[test]
fn what_is_recorded_is_decided_again_as_it_was_whatever_was_answered() {
    let (rig, recording, written) = recorded(400);
    let commands = [
        ask_under(&rig.handle, "key", create_token()),
        ask_under(&rig.handle, "key", create_token()),
        ask(&rig.handle, create_token()),
        ask(&rig.handle, submit("large", &"x".repeat(400))),
        ask(&rig.handle, tick()),
        ask(&rig.handle, submit("job", "one")),
        ask(&rig.handle, submit("job", "other")),
    ];
    let Rig { gate, handle, engine, inner } = rig;
    drop(gate); // from here on everything is appended
    for asked in commands {
        drop(asked.outcome());
    }
    drop(handle);
    assert_eq!(engine.close(), Stop::Closed);
    recording.end();

    let mut again = Again::default();
    for line in written.lines() {
        match line {
            Line::Begins(header) => {
                assert_eq!(header.after, Position::START);
                again.begin(&header).expect("from the beginning");
            }
            Line::Decided(decided) => {
                assert_eq!(again.decide(&decided).expect("it follows"), None);
            }
            Line::Ends(end) => panic!("{end:?}"),
        }
    }

    let log = edge_ledger_core::Journal::reader(&inner);
    assert_eq!(again.ledger(), &edge_ledger_engine::replay(&log).expect("folds"));
    assert_eq!(
        written.answers()[1..],
        [
            "events",
            "events",
            "repeated",
            "already so",
            "too large",
            "events",
            "events",
            "refused",
            "events"
        ]
    );
}
