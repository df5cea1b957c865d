//! When an edge looked how alive is told the same by every contact, by spells of them, and by the
//! ledger as it was at any instant.
use std::{collections::BTreeMap, convert::Infallible};

use edge_ledger_core::{
    Cause, CommandId, Commit, CredentialId, EdgeId, Event, Labels, Liveness, Millis, Position,
    Principal, Thresholds, Timestamp, TokenId,
    contacts::{Change, Contacts},
    edge, lifecycle,
    past::{LogEnd, Moment, Past},
    timeline::{Interval, Window},
};
use edge_ledger_journal::{Beats, Link};
use proptest::{collection::vec, prelude::*, test_runner::FileFailurePersistence};
use uuid::Uuid;

const EDGES: u128 = 3;
const RESOLUTION: Millis = Millis::from_secs(30);

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn spells_give_the_same_timeline_as_each_contact(
        steps in vec(step(), 1..80),
        cuts in vec(1..12_usize, 1..20),
        thresholds in thresholds(),
        more in 0..400_000_u64,
    ) {
        let log = log(&steps);
        let until = log.last().expect("has an opening").recorded_at.after(Millis(more));
        let exact = contacts(&log, Millis::ZERO);
        let summarised = summarised(&log, &cuts);

        for edge in (0..EDGES).map(edge) {
            prop_assert_eq!(
                exact.timeline(edge, &thresholds, until),
                summarised.timeline(edge, &thresholds, until)
            );
        }
        let spells = |contacts: &Contacts| contacts.edges().values().map(Vec::len).sum::<usize>();
        prop_assert!(spells(&summarised) <= spells(&exact));
    }

    #[test]
    fn a_timeline_says_of_every_instant_what_the_ledger_said_then(
        steps in vec(step(), 1..40),
        thresholds in thresholds(),
        instants in vec(0..2_000_000_u64, 1..20),
    ) {
        let log = log(&steps);
        let contacts = contacts(&log, RESOLUTION);
        let begin = log[0].recorded_at;
        let until = begin.after(Millis(2_000_000));
        for edge in (0..EDGES).map(edge) {
            let timeline = contacts.timeline(edge, &thresholds, until);
            prop_assert!(timeline.is_sorted_by(|a, b| a.at < b.at), "{:?}", timeline);
            let around = timeline.iter().flat_map(|change| {
                let before = Timestamp::from_millis(change.at.as_millis() - 1);
                [before, change.at]
            });
            let drawn = instants.iter().map(|instant| begin.after(Millis(*instant)));
            for at in drawn.chain(around).filter(|at| *at >= begin) {
                prop_assert_eq!(
                    told(&timeline, at), seen(&log, edge, &thresholds, at),
                    "of {} at {}: {:?}", edge, at, timeline
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn intervals_say_of_every_instant_what_the_ledger_said_then(
        steps in vec(step(), 1..40),
        thresholds in thresholds(),
        bounds in (0..2_000_000_u64, 1..2_000_000_u64),
        instants in vec(0..2_000_000_u64, 1..20),
    ) {
        let log = log(&steps);
        let mut contacts = contacts(&log, Millis::ZERO);
        contacts.abandon();
        let from = log[0].recorded_at.after(Millis(bounds.0));
        let window = Window { from, to: from.after(Millis(bounds.1)) };
        for edge in (0..EDGES).map(edge) {
            let intervals = contacts.intervals(edge, &thresholds, window);
            let gapless = |pair: &[Interval]| {
                pair[0].to == pair[1].from && pair[0].liveness != pair[1].liveness
            };
            prop_assert!(intervals.windows(2).all(gapless), "{:?}", intervals);
            let to = intervals.last().map_or(window.to, |last| last.to);
            prop_assert_eq!(to, window.to, "{:?}", intervals);
            let ends = intervals.iter().flat_map(|interval| [interval.from, interval.to]);
            let around = ends.flat_map(|at| {
                let millis = at.as_millis();
                [millis - 1, millis, millis + 1].map(Timestamp::from_millis)
            });
            let drawn = instants.iter().map(|instant| from.after(Millis(instant % bounds.1)));
            for at in drawn.chain(around).filter(|at| window.from <= *at && *at < window.to) {
                let found = intervals.iter().find(|held| held.from <= at && at < held.to);
                prop_assert_eq!(
                    found.map(|interval| interval.liveness), looked(&log, edge, &thresholds, at),
                    "of {} at {}: {:?}", edge, at, intervals
                );
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// An edge says something.
    Beat(u128),
    Tick,
    Close,
    /// Nothing is said any more, and the next commit opens the ledger.
    Crash,
}

/// A step, and after how many milliseconds it is made: often about the resolution, or a threshold.
fn step() -> impl Strategy<Value = (u64, Step)> {
    let step = prop_oneof![
        12 => (0..EDGES).prop_map(Step::Beat),
        2 => Just(Step::Tick),
        1 => Just(Step::Close),
        1 => Just(Step::Crash),
    ];
    let after = prop_oneof![
        0..20_000_u64,
        29_990..30_010_u64,
        Just(0),
        50_000..70_000_u64,
        200_000..400_000_u64,
    ];
    (after, step)
}

fn thresholds() -> impl Strategy<Value = Thresholds> {
    let online = prop_oneof![Just(30_000_u64), 30_000..30_020_u64, 30_000..300_000_u64];
    let more = prop_oneof![Just(0_u64), 0..10_u64, 0..300_000_u64];
    (online, more).prop_map(|(online, more)| Thresholds {
        online_within: Millis(online),
        stale_within: Millis(online + more),
    })
}

fn log(steps: &[(u64, Step)]) -> Vec<Commit> {
    let mut now = Timestamp::from_millis(1_700_000_000_000);
    let mut log = vec![opened(now)];
    let registered = (0..EDGES).map(|nth| registered(edge(nth))).collect();
    log.push(Commit { after: Position::new(1), ..commit(now, Principal::System, registered) });
    let mut open = true;
    for (after, step) in steps {
        now = now.after(Millis(*after));
        if !open {
            log.push(opened(now));
        }
        let ledger = |what| vec![Event::Ledger(what)];
        log.push(match step {
            Step::Beat(nth) => {
                let credential = CredentialId::from_uuid(Uuid::nil());
                let principal = Principal::Edge { edge: edge(*nth), credential };
                commit(now, principal, ledger(lifecycle::Event::Ticked))
            }
            Step::Tick => commit(now, Principal::System, ledger(lifecycle::Event::Ticked)),
            Step::Close => commit(now, Principal::System, ledger(lifecycle::Event::Closed)),
            Step::Crash => {
                open = false;
                continue;
            }
        });
        open = !matches!(step, Step::Close);
    }
    let mut after = Position::START;
    for commit in &mut log {
        commit.after = after;
        after = commit.head();
    }
    log
}

fn opened(now: Timestamp) -> Commit {
    let opened = lifecycle::Event::Opened { epoch: lifecycle::Epoch::default() };
    commit(now, Principal::System, vec![Event::Ledger(opened)])
}

fn registered(id: EdgeId) -> Event {
    let identity = edge::Identity {
        device_number: id.to_string().into(),
        display_name: "an edge".into(),
        platform: None,
        arch: None,
        version: None,
    };
    let token = TokenId::from_uuid(Uuid::nil());
    let (identity, labels) = (Box::new(identity), Labels::default());
    Event::Edge { id, what: edge::Event::Registered { identity, token, labels } }
}

fn commit(recorded_at: Timestamp, principal: Principal, events: Vec<Event>) -> Commit {
    let command = CommandId::from_uuid(Uuid::nil());
    let cause = Cause { command, principal, idempotency: None };
    Commit { after: Position::START, recorded_at, cause, events }
}

fn edge(nth: u128) -> EdgeId {
    EdgeId::from_uuid(Uuid::from_u128(nth + 1))
}

fn contacts(log: &[Commit], resolution: Millis) -> Contacts {
    let mut contacts = Contacts::new(resolution);
    log.iter().for_each(|commit| contacts.apply(commit));
    contacts
}

/// What is told by summaries of stretches of the log, each written and read.
fn summarised(log: &[Commit], cuts: &[usize]) -> Contacts {
    let mut all = Contacts::new(RESOLUTION);
    let mut rest = log;
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (stretch, later) = rest.split_at((*cut).min(rest.len()));
        let contacts = contacts(stretch, RESOLUTION);
        let beats = Beats { before: Link::START, last: Link::START, contacts };
        let read = Beats::parse(&beats.to_bytes());
        assert_eq!(read.as_ref(), Ok(&beats));
        all.append(beats.contacts);
        rest = later;
    }
    all
}

fn told(timeline: &[Change], at: Timestamp) -> Liveness {
    let past = timeline.iter().take_while(|change| change.at <= at);
    past.last().map_or(Liveness::Offline, |change| change.liveness)
}

fn seen(log: &[Commit], edge: EdgeId, thresholds: &Thresholds, at: Timestamp) -> Liveness {
    let log = log.iter().cloned().map(Ok::<_, Infallible>);
    let past = Past::at(log, Moment::Time(at), LogEnd::Live).expect("a log that folds");
    let edges: BTreeMap<_, _> = past.ledger.edges().collect();
    let silence = edges.get(&edge).and_then(|edge| past.ledger.silence(edge, at));
    Liveness::of(silence, thresholds)
}

/// How an edge looked in a log that nobody serves, once it was heard of.
fn looked(
    log: &[Commit],
    edge: EdgeId,
    thresholds: &Thresholds,
    at: Timestamp,
) -> Option<Liveness> {
    let log = log.iter().cloned().map(Ok::<_, Infallible>);
    let past = Past::at(log, Moment::Time(at), LogEnd::Abandoned).expect("a log that folds");
    let silence = past.ledger.silence(past.ledger.edge(edge)?, at)?;
    Some(Liveness::of(Some(silence), thresholds))
}
