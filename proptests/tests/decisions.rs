//! Decisions that were recorded are decided again as they were, and any that is not is named.
use std::fs;

use edge_ledger_core::{
    Event, Ledger, Millis,
    decisions::{Again, Answer, Apart, BadLine, Decided, Differs, Header, Line},
    task,
};
use edge_ledger_proptests::{
    action::{Step, step},
    history::{History, Timers},
    scenario,
};
use proptest::{collection::vec, prelude::*};

/// Writes decisions as a file has them.
fn written(decisions: &[Decided]) -> String {
    let begins = Line::Begins(Header::of(&Ledger::default()));
    let decided = decisions.iter().map(|decided| Line::Decided(Box::new(decided.clone())));
    [begins].into_iter().chain(decided).map(|line| line.to_text() + "\n").collect()
}

/// Decides again what a file has.
fn again(file: &str) -> Vec<Differs> {
    let mut again = Again::default();
    let mut differ = Vec::new();
    for line in file.lines() {
        match Line::parse(line).expect("a line") {
            Line::Begins(header) => again.begin(&header).expect("it begins with nothing"),
            Line::Decided(decided) => differ.extend(again.decide(&decided).expect("it follows")),
            Line::Ends(_) => {}
        }
    }
    differ
}

#[test]
fn the_decisions_of_every_scenario_are_made_again_as_they_were() {
    for file in fs::read_dir("../fixtures/scenarios").expect("scenarios") {
        let path = file.expect("a file").path();
        let run = scenario::run(&fs::read_to_string(&path).expect("a script"));
        let file = written(run.book.decisions());
        assert_eq!(again(&file), [], "{}", path.display());
    }
}

proptest! {
    #[test]
    fn decisions_of_any_history_are_read_and_made_again_as_they_were(steps in vec(step(), 0..80)) {
        let decisions = decisions(&steps)?;
        let file = written(&decisions);
        let read: Vec<_> = file.lines().skip(1).map(|line| Line::parse(line).expect("a line")).collect();
        let decided = decisions.into_iter().map(|decided| Line::Decided(Box::new(decided)));
        prop_assert_eq!(read, decided.collect::<Vec<_>>());
        prop_assert_eq!(again(&file), []);
    }
}

fn decisions(steps: &[Step]) -> Result<Vec<Decided>, TestCaseError> {
    let mut history = History::begin(Timers::Late)?;
    for step in steps {
        history.take_step(step)?;
    }
    Ok(history.decisions().to_vec())
}

#[test]
fn a_lease_that_is_a_millisecond_longer_is_named_and_nothing_after_it() {
    let script = include_str!("../../fixtures/scenarios/a_task_is_reassigned.txt");
    let mut decisions = scenario::run(script).book.decisions().to_vec();
    let leased = decisions.iter().position(|decided| lease_of(&decided.answer).is_some());
    let leased = leased.expect("a task is leased");
    let after = decisions[leased].after;
    let Answer::Events(events) = &mut decisions[leased].answer else { unreachable!("a lease") };
    for event in events {
        if let Event::Task { what: task::Event::Leased { expires_at, .. }, .. } = event {
            *expires_at = expires_at.after(Millis(1));
        }
    }

    let differ = again(&written(&decisions));

    let [differs] = &differ[..] else { panic!("one differs: {differ:#?}") };
    assert_eq!(differs.recorded, decisions[leased]);
    let told = differs.to_string();
    assert!(told.starts_with(&format!("the decision after position {after}, ")), "{told}");
    assert!(told.contains("answer.events[0].task.what.leased.expires_at\n  expected: "), "{told}");
}

fn lease_of(answer: &Answer) -> Option<&Event> {
    let Answer::Events(events) = answer else { return None };
    events.iter().find(|event| event.name() == "task.leased")
}

#[test]
fn a_refusal_that_becomes_another_is_named() {
    let run = scenario::run("ledger open\nsubmit job\ntask job retry");
    let mut decisions = run.book.decisions().to_vec();
    let last = decisions.last_mut().expect("a refusal");
    let Answer::Refused { code, .. } = &mut last.answer else { panic!("{last:#?}") };
    assert_eq!(&**code, "task_wrong_status");
    *code = "task_unknown".into();

    let differ = again(&written(&decisions));

    let told = differ.first().expect("one differs").to_string();
    assert!(told.contains("answer.refused.code\n  expected: \"task_unknown\""), "{told}");
}

#[test]
fn a_payload_with_line_breaks_stays_on_one_line_and_as_it_is() {
    let run = scenario::run("ledger open\nsubmit job payload {}");
    let decided = run.book.decisions().last().expect("a submission").clone();
    let line = Line::Decided(Box::new(decided)).to_text();
    let broken = line.replace("\"payload\":{}", "\"payload\":{\n\t\"a\":\r\n1}");
    assert_ne!(broken, line);
    let read = Line::parse(&broken).expect("JSON");

    let text = read.to_text();

    assert!(!text.contains(['\n', '\r']) && text.starts_with('"'), "{text}");
    assert_eq!(Line::parse(&text).expect("a line"), read);
}

#[test]
fn decisions_are_not_made_on_another_ledger_than_theirs() {
    let run = scenario::run("ledger open\nsubmit job\nsubmit other");
    let decisions = run.book.decisions();
    let mut gap = Again::default();
    gap.decide(&decisions[0]).expect("the first");
    let told = gap.decide(&decisions[2]).expect_err("the second is missing");
    assert!(matches!(told, Apart::Elsewhere { .. }), "{told}");

    let header = Header { digest: run.book.ledger().digest(), ..Header::of(&Ledger::default()) };
    let told = Again::default().begin(&header).expect_err("another ledger");
    assert!(matches!(told, Apart::Other { .. }), "{told}");

    let newer = Header { decisions: 2, ..header };
    let told = Line::parse(&Line::Begins(newer).to_text());
    assert!(matches!(told, Err(BadLine::TooNew(2))), "{told:?}");
}
