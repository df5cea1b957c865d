//! Bounds that take more than a scenario's few lines to reach.
use edge_ledger_core::{
    Command, Event, Millis, Principal, Rejection, TaskId, Timestamp,
    task::{
        self, Command::Holder, Command::Operator, Command::System, HolderCommand, LATE_ROWS_MAX,
        LateResultsKept, OperatorCommand, Payload, ROWS_MAX, Row, SystemCommand, Task,
    },
};
use edge_ledger_testkit::{
    book::{Book, Outcome},
    scenario,
};

#[test]
fn a_run_has_a_quarter_of_a_million_rows_at_most() {
    let (mut book, rack) = book();
    let mut sent = 0;
    while sent < ROWS_MAX {
        let results = HolderCommand::StoreResults(rows(sent..sent + 10_000));
        ask(&mut book, &rack, Holder(None, results)).expect("room for more");
        sent += 10_000;
    }

    let one_more = HolderCommand::StoreResults(rows(sent..sent + 1));
    let refused = ask(&mut book, &rack, Holder(None, one_more)).expect_err("no room");
    let (stored, max) = (ROWS_MAX, ROWS_MAX);
    let too_many = task::Rejection::TooManyRows { stored, sent: 1, max };
    assert_eq!(refused, Rejection::Task(too_many.clone()));

    let known = HolderCommand::StoreResults(rows(0..10));
    assert_eq!(ask(&mut book, &rack, Holder(None, known)), Ok(Outcome::Appended), "none is new");

    let now = book.ledger().recorded_at();
    let lapses = now.after(Millis::from_secs(60));
    let due: Vec<_> = book.ledger().due(lapses).collect();
    for command in due {
        let cause = book.own_cause();
        book.execute(command, cause, lapses).expect("a lapse");
    }
    let late = keep_late(rack_id(&rack), rows(sent..sent + 1));
    ask(&mut book, &Principal::System, late).expect("kept aside");
    let adopt = Operator(OperatorCommand::AdoptLateResults { kept_at: None });
    let refused = ask(&mut book, &Principal::System, adopt).expect_err("no room");
    assert_eq!(refused, Rejection::Task(too_many));
}

#[test]
fn late_rows_are_kept_up_to_their_bound() {
    let (mut book, rack) = book();
    let reassign = Operator(OperatorCommand::Reassign { to: None });
    ask(&mut book, &Principal::System, reassign).expect("the lease ends");

    let (most, edge) = (LATE_ROWS_MAX, rack_id(&rack));
    let kept = |book: &mut Book, rows| {
        let asked = ask(book, &Principal::System, keep_late(edge, rows));
        asked.map(|outcome| (outcome == Outcome::Appended).then(|| last_kept(book)))
    };
    assert_eq!(kept(&mut book, rows(0..most - 1)), Ok(Some((most - 1, 0))));
    assert_eq!(kept(&mut book, rows(most - 2..most + 1)), Ok(Some((1, 2))), "one known, one more");
    assert_eq!(kept(&mut book, rows(most + 1..most + 2)), Ok(None), "full");
    let held: usize = task(&book).late_results().iter().map(|late| late.config_ids.len()).sum();
    assert_eq!(held, most);
}

#[test]
fn an_idempotency_key_is_forgotten_after_a_day() {
    let remembered = |script: &str| {
        let run = scenario::run(&format!("ledger open\nsubmit a key k\n{script}\nledger tick"));
        let ledger = serde_json::to_value(run.book.ledger()).expect("a ledger is JSON");
        let answered = &ledger["answered"];
        let count = answered["keys"].as_object().expect("keys").len();
        assert_eq!(answered["oldest"].as_array().expect("a list").len(), count);
        count
    };
    assert_eq!(remembered("at 86399999ms"), 1);
    assert_eq!(remembered("at 24h"), 0);
    assert_eq!(remembered("at 24h\nsubmit b key k"), 1, "the new one");
}

/// A task held by one edge.
fn book() -> (Book, Principal) {
    let run = scenario::run(
        "ledger open
         token site create
         rack registers d1 by site
         submit job lease 60s
         rack polls",
    );
    let (edge, known) = run.book.ledger().edges().next().expect("an edge");
    let credential = known.credentials()[0].id;
    (run.book.clone(), Principal::Edge { edge, credential })
}

fn ask(book: &mut Book, who: &Principal, command: task::Command) -> Result<Outcome, Rejection> {
    let cause = edge_ledger_core::Cause { principal: who.clone(), ..book.own_cause() };
    let now: Timestamp = book.ledger().recorded_at();
    book.execute(Command::Task(job(), command), cause, now)
}

fn keep_late(edge: edge_ledger_core::EdgeId, rows: Vec<Row>) -> task::Command {
    System(SystemCommand::KeepLateResults { edge, rows })
}

fn last_kept(book: &Book) -> (usize, u32) {
    match book.last().events.as_slice() {
        [Event::Task { what: task::Event::LateResultsKept(kept), .. }] => {
            let LateResultsKept { rows, dropped, .. } = &**kept;
            (rows.len(), *dropped)
        }
        events => panic!("{events:?}"),
    }
}

fn rack_id(rack: &Principal) -> edge_ledger_core::EdgeId {
    match rack {
        Principal::Edge { edge, .. } => *edge,
        Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => {
            panic!("an edge")
        }
    }
}

fn rows(range: std::ops::Range<usize>) -> Vec<Row> {
    let object: Payload = Payload::new(serde_json::from_str("{}").expect("JSON"));
    let row = |at: usize| Row {
        config_id: format!("c{at}").into(),
        strategy_config: object.clone(),
        metrics: object.clone(),
        result_folder: None,
    };
    range.map(row).collect()
}

fn task(book: &Book) -> &Task {
    book.ledger().task(&job()).expect("a task")
}

fn job() -> TaskId {
    "job".parse().expect("an id")
}
