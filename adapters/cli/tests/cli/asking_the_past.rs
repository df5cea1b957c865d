//! Timelines, counterfactuals and bisection, of logs that were made for it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use edge_ledger_core::{
    Cause, Command, CommandId, Commit, CredentialId, Decision, Digest, EdgeId, Journal as _,
    Labels, Ledger, Principal, Timestamp, TokenId,
    edge::{Identity, Registration},
    enrollment::{self, Grant},
    lifecycle::{self, Epoch},
    task::{self, Completion, HolderCommand, Payload, Poll, Progress, Spec, Submission, Terms},
};
use serde_json::{Value, json, value::RawValue};
use uuid::Uuid;

use crate::house::{House, Outcome, edge_ledger, eventually, outcome, task};

#[test]
fn a_timeline_says_what_liveness_says_at_every_instant_of_it() {
    let past = Past::of_a_lost_edge();

    let timeline = past.ask(&["liveness", "--from", &at(0), "--json"]).json();

    let edges = timeline["items"].as_array().unwrap();
    assert_eq!(edges.len(), 2);
    for edge in edges {
        let intervals = edge["intervals"].as_array().unwrap();
        for interval in intervals {
            let (from, to) = (instant(&interval["from"]), instant(&interval["to"]));
            for at in [from, to - 1] {
                let at = Timestamp::from_millis(at).to_string();
                let then = past.ask(&["liveness", "--at", &at, "--json"]).json();
                let of_edge = |item: &&Value| item["id"] == edge["edge"];
                let found = then["items"].as_array().unwrap().iter().find(of_edge).unwrap();
                assert_eq!(found["liveness"], interval["liveness"], "{edge} at {at}");
            }
        }
    }
    let states = |edge: &Value| -> Vec<_> {
        let intervals = edge["intervals"].as_array().unwrap().iter();
        intervals.map(|held| held["liveness"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(&edges[0]), ["ONLINE", "STALE", "ONLINE", "STALE", "OFFLINE"]);
    let leases = |edge: &Value| -> Vec<_> {
        let leases = edge["leases"].as_array().unwrap().iter();
        leases.map(|lease| (lease["task"].clone(), lease["outcome"].clone())).collect()
    };
    let (lapsed, completed) = (json!("lapsed"), json!("completed"));
    assert_eq!(leases(&edges[0]), [(json!("job"), lapsed), (json!("other"), completed)]);
    assert_eq!(leases(&edges[1]), [(json!("job"), json!("failed"))]);
    // The ledger was not open from its crash until it came back.
    let closed = (&timeline["open"][0]["to"], &timeline["open"][1]["from"]);
    assert_eq!(closed, (&json!(at(300)), &json!(at(2_000))));

    let part = past.ask(&["liveness", "--from", &at(100), "--to", &at(110), "--edge", EDGES[0]]);
    let table = part.text();
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(
        table.contains("STALE") && table.contains(&at(100)) && table.contains(&at(110)),
        "{table}"
    );
}

#[test]
fn the_picture_of_a_timeline_is_a_document_whatever_edges_are_called() {
    let past = Past::of_a_lost_edge();
    let file = past.house.path("timeline.svg");

    past.ask(&["liveness", "--svg", file.to_str().unwrap()]).text();

    let svg = fs::read_to_string(&file).unwrap();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "), "{svg}");
    assert!(nested(&svg), "{svg}");
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;rack"), "{svg}");
    for told in
        ["shelf OFFLINE for ", "work (job), lease ", ": failed, from ", "was not open from "]
    {
        assert!(svg.contains(told), "{told}: {svg}");
    }
}

#[test]
fn other_thresholds_flip_edges_and_another_lease_keeps_or_ends_leases() {
    let past = Past::of_a_lost_edge();
    let what_if = |args: &[&str]| past.ask_of_log("what-if", args);

    let longer = what_if(&["--lease", "200s", "--json"]).json();
    let shorter = what_if(&["--lease", "15s", "--json"]).json();
    let flipped = what_if(&["--stale-after", "45s", "--offline-after", "10m", "--json"]).json();
    let none = what_if(&["--online-within", "1m", "--lease", "60s", "--json"]).json();

    let of = |answer: &Value, key: &str| answer["leases"][key].as_u64().unwrap();
    let counts = |answer: &Value| {
        let keys = ["granted", "lapsed", "wouldNotHaveLapsed", "wouldHaveLapsed", "unknown"];
        keys.map(|key| of(answer, key))
    };
    assert_eq!(counts(&longer), [3, 1, 1, 0, 1], "{longer}");
    assert_eq!(longer["leases"]["items"][0]["wouldBeAt"], at(150), "{longer}");
    // The one of the other task would have been lost between two signs of life.
    assert_eq!(counts(&shorter), [3, 1, 0, 1, 1], "{shorter}");
    assert_eq!(counts(&none), [3, 1, 0, 0, 0], "{none}");
    assert_eq!(none["liveness"]["edges"][0]["flips"], 0);
    let edge = &flipped["liveness"]["edges"][0];
    assert_eq!(edge["edge"], EDGES[0]);
    assert_eq!(edge["differences"][0]["was"], "ONLINE");
    assert_eq!(edge["differences"][0]["wouldBe"], "STALE");
    assert!(edge["flips"].as_u64().unwrap() >= 2, "{flipped}");
    assert!(flipped["leases"].is_null());
    let told = what_if(&["--lease", "90s"]).text();
    assert!(told.contains("\nknown: ") && told.contains("\nunknown: "), "{told}");
    let nothing = what_if(&[]);
    assert_eq!(nothing.code, Some(2), "{nothing:#?}");
}

#[test]
fn the_commit_that_made_something_true_is_found() {
    let past = Past::of_a_lost_edge();
    let failed = past.position_of("task.failed");

    for when in [
        "tasks['job'].status == 'FAILED'",
        "tasks.exists(id, tasks[id].status == 'FAILED' && tasks[id].reason == 'reported')",
        &format!("edges['{}'].failures > 0", EDGES[1]),
    ] {
        for first in [&["--first"][..], &[]] {
            let found = past.bisect(when, first).json();

            assert_eq!(found["position"].as_u64(), Some(failed), "{when}: {found}");
            let events = found["events"].as_array().unwrap();
            assert!(events.iter().any(|event| event["event"]["type"] == "task.failed"), "{found}");
            let method = if first.is_empty() { "halving" } else { "first" };
            assert_eq!(found["method"], method);
        }
    }
    let stale = past.bisect(&format!("edges['{}'].liveness == 'STALE'", EDGES[0]), &["--first"]);
    let then = stale.json();
    let shown = ["liveness", "--at", &then["position"].to_string(), "--json"];
    assert_eq!(past.ask(&shown).json()["items"][0]["liveness"], "STALE");
    let text = past.ask_of_log("bisect", &["--when", "counts.tasks >= 2"]);
    assert!(text.stderr.contains("found by halving"), "{text:#?}");
    assert!(text.text().contains("task.submitted"));
}

#[test]
fn what_never_comes_to_be_true_ends_with_3_and_says_what_was_looked_at() {
    let past = Past::of_a_lost_edge();

    let first = past.bisect("tasks['nope'].status == 'FAILED'", &["--first"]);
    let halved = past.bisect("tasks['job'].run > 7", &[]);

    assert_eq!((first.code, halved.code), (Some(3), Some(3)), "{first:#?} {halved:#?}");
    let answer: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!((&answer["neverThere"], &answer["position"]), (&json!("nope"), &Value::Null));
    let answer: Value = serde_json::from_str(&halved.stdout).unwrap();
    assert!(answer["meaning"].as_str().unwrap().contains("in between it may have been"));
}

#[test]
fn an_expression_that_is_not_right_is_pointed_into() {
    let past = Past::of_a_lost_edge();

    let misspelt = past.bisect("counts.tasks > 0 &&\n  tasks['job'].stauts == 'FAILED'", &[]);
    let unanswered = past.bisect("tasks['job'].run > 'one'", &["--first"]);

    assert_eq!((misspelt.code, unanswered.code), (Some(2), Some(2)));
    let told = "line 2, column 16: a task has no stauts";
    assert!(misspelt.stderr.contains(told), "{misspelt:#?}");
    let drawn = "\n    tasks['job'].stauts == 'FAILED'\n                 ^\n";
    assert!(misspelt.stderr.contains(drawn), "{}", misspelt.stderr);
    assert!(unanswered.stderr.contains("no answer at position"), "{unanswered:#?}");
    assert!(unanswered.stderr.contains("`>` does not go with int and string"), "{unanswered:#?}");
}

#[test]
fn what_was_moved_away_is_told_from_its_summaries_at_their_resolution() {
    let mut house = House::served();
    house.agent("rack", &[]);
    house.submit(&task("first")).json();
    house.done("first");
    house.end_agents();
    house.stop("TERM");
    house.serve_with(&["--retention-size", "0"]);
    let archive = house.data().join("archive");
    let archived = |suffix: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(&archive).into_iter().flatten();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_string_lossy().ends_with(suffix)).collect()
    };
    eventually("the log is archived", || archived(".beats").len() == 1);
    house.stop("TERM");
    let timeline = || house.look(&["liveness", "--from", "2020-01-01T00:00:00Z", "--json"]);
    let exact = timeline().json();

    for archive in archived(".archive") {
        fs::remove_file(archive).unwrap();
    }
    let summarised = timeline().json();
    let finer =
        house.look(&["liveness", "--from", "2020-01-01T00:00:00Z", "--online-within", "29s"]);

    assert_eq!((&exact["resolutionMs"], &summarised["resolutionMs"]), (&json!(0), &json!(30_000)));
    let intervals = |timeline: &Value| timeline["items"][0]["intervals"].clone();
    assert_eq!(intervals(&exact), intervals(&summarised));
    assert_eq!(exact["open"], summarised["open"]);
    assert!(summarised["summarised"]["untilPosition"].as_u64() > Some(0), "{summarised}");
    assert_eq!(finer.code, Some(4), "{finer:#?}");
    assert!(finer.stderr.contains("only summaries are there"), "{finer:#?}");
}

/// When everything begins.
const BEGAN: i64 = 1_700_000_000_000;
const EDGES: [&str; 2] =
    ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"];

/// A time so many seconds after the beginning.
fn at(secs: i64) -> String {
    Timestamp::from_millis(BEGAN + secs * 1_000).to_string()
}

fn instant(text: &Value) -> i64 {
    text.as_str().unwrap().parse::<Timestamp>().unwrap().as_millis()
}

/// A log that is made command by command, in a data directory.
struct Past {
    house: House,
    ledger: Ledger,
    log: Vec<Commit>,
}

impl Past {
    /// The first edge loses a task by 90 seconds of silence, and the second one fails it; both are
    /// leased for a minute. The first has another task, which it completes. In between the ledger
    /// crashes and comes back.
    fn of_a_lost_edge() -> Self {
        let mut past = Self { house: House::empty(), ledger: Ledger::default(), log: vec![] };
        past.open(0);
        let grant = Grant {
            name: "all".into(),
            secret: Digest::of(b"token"),
            max_uses: 9,
            expires_at: Timestamp::from_millis(i64::MAX),
            device_number: None,
            labels: Labels::default(),
        };
        let create = enrollment::Command::Create(Box::new(grant));
        past.execute(0, Principal::System, Command::Token(token(), create));
        past.register(1, 0, "<script>rack</script> & co");
        past.register(1, 1, "shelf");
        past.submit(2, "job");
        past.poll(10, 0);
        past.work(20, 0, "job");
        past.poll(75, 1); // nothing waits yet, and nothing is appended
        past.tick(80); // by then the lease has lapsed
        past.submit(85, "other");
        past.report(150, 0);
        past.poll(160, 1);
        past.work(180, 1, "job");
        let error = "it broke".into();
        past.hold(190, 1, "job", HolderCommand::Fail { error, retryable: false });
        past.report(210, 0);
        past.poll(220, 0);
        past.work(230, 0, "other");
        past.work(250, 0, "other");
        let completion = Completion { best: Box::default(), processed: 0, total: 0 };
        past.hold(260, 0, "other", HolderCommand::Complete(completion));
        past.tick(300);
        past.open(2_000);
        past.tick(2_500);
        let data = past.house.data();
        fs::create_dir(&data).unwrap();
        edge_ledger_sled::open(data.join("journal")).unwrap().append(&past.log).unwrap();
        past
    }

    fn ask(&self, args: &[&str]) -> Outcome {
        self.house.look(args)
    }

    fn ask_of_log(&self, command: &str, args: &[&str]) -> Outcome {
        outcome(edge_ledger().arg(command).arg(self.house.data()).args(args))
    }

    fn bisect(&self, when: &str, more: &[&str]) -> Outcome {
        let data: &Path = &self.house.data();
        let mut command = edge_ledger();
        outcome(command.arg("bisect").arg(data).args(["--json", "--when", when]).args(more))
    }

    fn position_of(&self, name: &str) -> u64 {
        let commits = self.log.iter();
        let mut named = commits.filter(|commit| commit.events.iter().any(|of| of.name() == name));
        named.next().unwrap().head().get()
    }

    fn open(&mut self, secs: i64) {
        let open = lifecycle::Command::Open { epoch: Epoch(0) };
        self.execute(secs, Principal::System, Command::Ledger(open));
    }

    fn register(&mut self, secs: i64, edge: usize, name: &str) {
        let registration = Registration {
            edge: id(edge),
            identity: Identity {
                device_number: format!("device-{edge}").into(),
                display_name: name.into(),
                platform: None,
                arch: None,
                version: None,
            },
            credential: credential(edge),
            secret: Digest::of(b"secret"),
        };
        let enrollee = Principal::Enrollee { token: token() };
        self.execute(secs, enrollee, Command::Register(Box::new(registration)));
    }

    fn submit(&mut self, secs: i64, id: &str) {
        let payload = Payload::new(RawValue::from_string("{}".to_owned()).unwrap());
        let spec = Spec { name: "work".into(), payload, dedupe_key: None, terms: Terms::default() };
        let spec = Box::new(spec);
        let submission = Submission { id: id.parse().unwrap(), spec, archived: None };
        self.execute(secs, Principal::System, Command::Submit(vec![submission]));
    }

    fn poll(&mut self, secs: i64, edge: usize) {
        self.execute(secs, asking(edge), Command::Poll(Poll { holding: None, capacity: 1 }));
    }

    fn report(&mut self, secs: i64, edge: usize) {
        let report = edge_ledger_core::edge::Report {
            uptime_seconds: Some(secs.unsigned_abs()),
            ..Default::default()
        };
        self.execute(secs, asking(edge), Command::Report(Box::new(report)));
    }

    fn work(&mut self, secs: i64, edge: usize, id: &str) {
        self.hold(secs, edge, id, HolderCommand::Heartbeat(Progress::default()));
    }

    fn hold(&mut self, secs: i64, edge: usize, id: &str, command: HolderCommand) {
        let command = task::Command::Holder(None, command);
        self.execute(secs, asking(edge), Command::Task(id.parse().unwrap(), command));
    }

    fn tick(&mut self, secs: i64) {
        self.execute(secs, Principal::System, Command::Ledger(lifecycle::Command::Tick));
    }

    /// Does what is due, and then what is asked.
    fn execute(&mut self, secs: i64, principal: Principal, command: Command) {
        let now = Timestamp::from_millis(BEGAN + secs * 1_000);
        let opens = matches!(command, Command::Ledger(lifecycle::Command::Open { .. }));
        let next = |ledger: &Ledger| ledger.due(now).next().filter(|_| !opens);
        while let Some(due) = next(&self.ledger) {
            self.decide(now, Principal::System, due);
        }
        self.decide(now, principal, command);
    }

    fn decide(&mut self, now: Timestamp, principal: Principal, command: Command) {
        let command_id = CommandId::from_uuid(Uuid::from_u128(self.log.len() as u128));
        let cause = Cause { command: command_id, principal, idempotency: None };
        let Decision::Events(events) = self.ledger.decide(command, &cause, now).unwrap() else {
            return;
        };
        let commit = Commit { after: self.ledger.head(), recorded_at: now, cause, events };
        self.ledger.apply(&commit).unwrap();
        self.log.push(commit);
    }
}

fn asking(edge: usize) -> Principal {
    Principal::Edge { edge: id(edge), credential: credential(edge) }
}

fn id(edge: usize) -> EdgeId {
    EDGES[edge].parse().unwrap()
}

fn credential(edge: usize) -> CredentialId {
    CredentialId::from_uuid(Uuid::from_u128(edge as u128 + 100))
}

fn token() -> TokenId {
    TokenId::from_uuid(Uuid::from_u128(200))
}

/// Returns whether every tag of a document is closed where it was opened.
fn nested(document: &str) -> bool {
    let mut open = Vec::new();
    for tag in document.split('<').skip(1) {
        let Some((tag, _)) = tag.split_once('>') else { return false };
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) if open.pop() != Some(name) => return false,
            (true, _) | (false, true) => {}
            (false, false) => open.push(name),
        }
    }
    open.is_empty()
}
