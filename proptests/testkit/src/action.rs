//! What a random history may do next.
//!
//! Subjects are picked when a step is taken, from those that then exist, so that most steps mean
//! something; and small numbers of keys, devices and rows make sure that they meet.
use std::fmt;

use edge_ledger_core::{
    Labels,
    edge::{Change, Report, RuntimeState},
    task::{Backoff, Terms},
    time::Millis,
};
use proptest::{prelude::*, sample::Index};

/// One step of a history.
#[derive(Clone)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// The idempotency key it comes with.
    pub key: Option<u8>,
    /// How its sender is not the usual one.
    pub twist: Option<Twist>,
}

/// Takes one line, so that a failing history can be read.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, key, twist } = self;
        let key = key.map(|key| format!(" key {key}")).unwrap_or_default();
        let twist = twist.as_ref().map(|twist| format!(" as {twist:?}")).unwrap_or_default();
        f.write_str(&format!("{action:?}{key}{twist}"))
    }
}

/// A sender who is not the usual one.
#[derive(Clone, Debug)]
pub enum Twist {
    /// An operator.
    Operator,
    /// The ledger's own process.
    System,
    /// Any machine with any token.
    Enrollee(Index),
    /// Any edge.
    Edge(Index),
    /// The same edge, with any credential that it ever had.
    Credential(Index),
}

/// Something that can be done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Let time pass.
    Wait(Millis),
    /// Let time pass until something falls due, or a millisecond less or more.
    WaitForDue(i64),
    /// Note that the ledger is open.
    Tick,
    /// Close the ledger, or let it crash, and open it after a while, perhaps from a backup.
    Outage {
        /// Whether it is closed in good order.
        closes: bool,
        /// How long it lasts.
        lasts: Millis,
        /// Whether it ends with a restore.
        restored: bool,
    },
    /// Open the ledger though nobody closed it, perhaps in an epoch that has passed.
    Open {
        /// How many epochs ago.
        epochs_ago: u16,
    },
    /// Make a token.
    CreateToken {
        /// An id that another one may have.
        id: Option<Index>,
        /// How many uses it has.
        uses: u32,
        /// How long it lasts.
        lasts: Millis,
        /// The device it is for.
        device: Option<u8>,
        /// The labels it gives.
        labels: Labels,
    },
    /// End a token.
    RevokeToken(Index),
    /// Turn a machine into an edge.
    Register {
        /// Under which token.
        token: Index,
        /// Which device it is; if none, the one that the token is for.
        device: Option<u8>,
        /// An id that another edge has.
        id: Option<Index>,
    },
    /// Ask something of an edge, or of none that there is.
    Edge(Index, EdgeWish),
    /// An edge reports its health.
    Report(Index, Report),
    /// An edge asks for work.
    Poll {
        /// Which edge.
        edge: Index,
        /// What it says it holds.
        holding: Holding,
        /// How much it wants.
        capacity: u32,
    },
    /// Submit tasks.
    Submit(Vec<Work>),
    /// An edge reports about a task.
    Holder {
        /// Which task, of those that such an edge has to do with.
        task: Index,
        /// Which edge.
        by: By,
        /// Under which fence.
        fence: Shown,
        /// What it reports.
        word: Word,
    },
    /// Keep rows that were refused.
    Late {
        /// Of which task.
        task: Index,
        /// From which edge.
        by: By,
        /// Which rows.
        rows: Vec<u8>,
    },
    /// Ask something of a task: of one that may grant it, or of any.
    Task(Aim, TaskWish),
    /// Let tasks leave for the archive: some that are finished, or any.
    Archive(Vec<Aim>),
    /// Let those leave that have been finished for so long, if there are any.
    ArchiveFinished(Millis),
    /// Send an earlier request again.
    Again(Index),
}

/// Which subject is meant.
#[derive(Clone, Debug)]
pub enum Aim {
    /// One of those that fit.
    Fit(Index),
    /// Any.
    Any(Index),
}

/// What an operator may wish of an edge.
#[derive(Clone, Debug)]
pub enum EdgeWish {
    /// Have it refused everywhere.
    Disable,
    /// Let it work again.
    Enable,
    /// Lift its quarantine.
    Release,
    /// Replace its labels.
    SetLabels(Labels),
    /// Set the most leases it may hold at once.
    SetCapacity(u32),
    /// Give it a new credential.
    Rotate {
        /// How long the old ones live on.
        overlap: Millis,
        /// An id that it had before, as no adapter would mint it.
        taken: Option<Index>,
    },
    /// End one of the credentials it ever had, or all.
    Revoke(Option<Index>),
}

/// What an operator may wish of a task.
#[derive(Clone, Debug)]
pub enum TaskWish {
    /// End it, unfinished.
    Cancel,
    /// Begin a new run.
    Retry,
    /// Mean it for one edge, or for any.
    Reassign(Option<Index>),
    /// Adopt all that is kept aside, or some of it; what was never kept if there is none.
    Adopt(Option<Index>),
}

/// What an edge says it holds.
#[derive(Clone, Debug)]
pub enum Holding {
    /// It does not say.
    Unsaid,
    /// All that it holds.
    All,
    /// All but one, and one that it may not hold.
    AllBut(Index, Index),
}

/// Which edge speaks of a task.
#[derive(Clone, Debug)]
pub enum By {
    /// The one that holds it, if one does.
    Holder,
    /// One that has held it, if one has.
    Past(Index),
    /// Any.
    Any(Index),
}

/// The fence that an edge shows.
#[derive(Clone, Debug)]
pub enum Shown {
    /// None.
    None,
    /// The present one.
    Current,
    /// Any that ever was.
    Any(Index),
    /// One that never was.
    Wild(u64),
}

/// What an edge says of a task.
#[derive(Clone, Debug)]
pub enum Word {
    /// It is at work.
    Heartbeat(u64),
    /// It has rows.
    Results(Vec<u8>),
    /// It is done.
    Complete {
        /// The best rows.
        best: Vec<u8>,
        /// How much is done.
        processed: u64,
    },
    /// It could not do it.
    Fail {
        /// Whether another attempt may go better.
        retryable: bool,
    },
}

/// A task to be submitted.
#[derive(Clone, Debug)]
pub struct Work {
    /// An id that others may have.
    pub id: Option<Index>,
    /// A key that others may have.
    pub dedupe_key: Option<u8>,
    /// Tells its content from that of others.
    pub payload: u8,
    /// The edge it is meant for.
    pub assigned_to: Option<Index>,
    /// How long after now it may begin.
    pub not_before: Option<Millis>,
    /// Everything else.
    pub terms: Terms,
}

/// Any step.
pub fn step() -> impl Strategy<Value = Step> {
    let key = prop_oneof![9 => Just(None), 1 => (0..3_u8).prop_map(Some)];
    let twist = prop_oneof![30 => Just(None), 1 => twist().prop_map(Some)];
    (action(), key, twist).prop_map(|(action, key, twist)| Step { action, key, twist })
}

/// Any step that leaves the ledger open, and does not ask when the end of a task was noticed.
pub fn step_without_outage() -> impl Strategy<Value = Step> {
    step().prop_filter("no outages", |step| {
        !matches!(
            step.action,
            Action::Outage { .. } | Action::Open { .. } | Action::ArchiveFinished(_)
        )
    })
}

fn twist() -> impl Strategy<Value = Twist> {
    prop_oneof![
        1 => Just(Twist::Operator),
        1 => Just(Twist::System),
        1 => any::<Index>().prop_map(Twist::Enrollee),
        2 => any::<Index>().prop_map(Twist::Edge),
        4 => any::<Index>().prop_map(Twist::Credential),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => time(),
        2 => enrollment(),
        4 => (any::<Index>(), edge_wish()).prop_map(|(at, wish)| Action::Edge(at, wish)),
        1 => (any::<Index>(), report()).prop_map(|(at, report)| Action::Report(at, report)),
        9 => poll(),
        4 => prop::collection::vec(work(), 1..3).prop_map(Action::Submit),
        14 => holder(),
        2 => (any::<Index>(), by(), rows())
            .prop_map(|(task, by, rows)| Action::Late { task, by, rows }),
        4 => (aim(), task_wish()).prop_map(|(aim, wish)| Action::Task(aim, wish)),
        2 => archive(),
        1 => any::<Index>().prop_map(Action::Again),
    ]
}

fn archive() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => prop::collection::vec(aim(), 0..3).prop_map(Action::Archive),
        1 => (0..60_000_u64).prop_map(|span| Action::ArchiveFinished(Millis(span))),
    ]
}

fn time() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0..20_000_u64).prop_map(|span| Action::Wait(Millis(span))),
        1 => Just(Action::Wait(Millis::from_secs(24 * 60 * 60))),
        6 => (-1..=1_i64).prop_map(Action::WaitForDue),
        1 => Just(Action::Tick),
        1 => (0..2_u16).prop_map(|epochs_ago| Action::Open { epochs_ago }),
        2 => (any::<bool>(), 0..200_000_u64, prop::bool::weighted(0.2)).prop_map(
            |(closes, lasts, restored)| Action::Outage { closes, lasts: Millis(lasts), restored }
        ),
    ]
}

fn enrollment() -> impl Strategy<Value = Action> {
    let device = || prop::option::weighted(0.4, 0..6_u8);
    prop_oneof![
        2 => (rarely(), 1..4_u32, 0..200_000_u64, device(), labels()).prop_map(
            |(id, uses, lasts, device, labels)| Action::CreateToken {
                id,
                uses, lasts: Millis(lasts), device, labels,
            }
        ),
        1 => any::<Index>().prop_map(Action::RevokeToken),
        6 => (any::<Index>(), prop::option::weighted(0.6, 0..6_u8), rarely())
            .prop_map(|(token, device, id)| Action::Register { token, device, id }),
    ]
}

fn edge_wish() -> impl Strategy<Value = EdgeWish> {
    prop_oneof![
        1 => Just(EdgeWish::Disable),
        4 => Just(EdgeWish::Enable),
        3 => Just(EdgeWish::Release),
        3 => labels().prop_map(EdgeWish::SetLabels),
        3 => (1..4_u32).prop_map(EdgeWish::SetCapacity),
        3 => (0..100_000_000_u64, prop::option::weighted(0.1, any::<Index>()))
            .prop_map(|(overlap, taken)| EdgeWish::Rotate { overlap: Millis(overlap), taken }),
        1 => prop::option::of(any::<Index>()).prop_map(EdgeWish::Revoke),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let state = prop::option::of(prop_oneof![
        Just(RuntimeState::Idle),
        Just(RuntimeState::Busy),
        Just(RuntimeState::Error)
    ]);
    let version = prop::option::of((0..3_u8).prop_map(|n| format!("1.{n}").into()));
    (state, version, change(), change()).prop_map(
        |(runtime_state, version, active_task, last_error)| Report {
            runtime_state,
            version,
            active_task,
            last_error,
            ..Report::default()
        },
    )
}

fn change() -> impl Strategy<Value = Change<Box<str>>> {
    prop_oneof![
        Just(Change::Keep),
        Just(Change::Clear),
        (0..3_u8).prop_map(|n| Change::Set(format!("v{n}").into())),
    ]
}

fn poll() -> impl Strategy<Value = Action> {
    let holding = prop_oneof![
        2 => Just(Holding::Unsaid),
        3 => Just(Holding::All),
        1 => any::<(Index, Index)>().prop_map(|(but, and)| Holding::AllBut(but, and)),
    ];
    (any::<Index>(), holding, 1..4_u32).prop_map(|(edge, holding, capacity)| Action::Poll {
        edge,
        holding,
        capacity,
    })
}

fn work() -> impl Strategy<Value = Work> {
    (
        rarely(),
        prop::option::weighted(0.2, 0..4_u8),
        0..2_u8,
        prop::option::weighted(0.2, any::<Index>()),
        prop::option::weighted(0.2, (0..40_000_u64).prop_map(Millis)),
        terms(),
    )
        .prop_map(|(id, dedupe_key, payload, assigned_to, not_before, terms)| Work {
            id,
            dedupe_key,
            payload,
            assigned_to,
            not_before,
            terms,
        })
}

fn terms() -> impl Strategy<Value = Terms> {
    (
        -1..=1_i32,
        labels(),
        prop_oneof![Just(Millis(10_000)), Just(Millis(30_000))],
        1..4_u32,
        prop::option::weighted(0.3, (1..90_000_u64).prop_map(Millis)),
        prop_oneof![Just(0_u64), Just(5_000)],
    )
        .prop_map(|(priority, requires, lease_time, max_attempts, run_time, base)| Terms {
            priority,
            requires,
            lease_time,
            max_attempts,
            run_time,
            backoff: Backoff { base: Millis(base), max: Millis(8_000) },
            ..Terms::default()
        })
}

fn holder() -> impl Strategy<Value = Action> {
    let fence = prop_oneof![
        5 => Just(Shown::None),
        5 => Just(Shown::Current),
        2 => any::<Index>().prop_map(Shown::Any),
        1 => any::<u64>().prop_map(Shown::Wild),
    ];
    let word = prop_oneof![
        4 => (0..10_u64).prop_map(Word::Heartbeat),
        4 => rows().prop_map(Word::Results),
        4 => (prop::collection::vec(0..6_u8, 0..2), 0..12_u64)
            .prop_map(|(best, processed)| Word::Complete { best, processed }),
        3 => any::<bool>().prop_map(|retryable| Word::Fail { retryable }),
    ];
    (any::<Index>(), by(), fence, word).prop_map(|(task, by, fence, word)| Action::Holder {
        task,
        by,
        fence,
        word,
    })
}

fn aim() -> impl Strategy<Value = Aim> {
    prop_oneof![4 => any::<Index>().prop_map(Aim::Fit), 1 => any::<Index>().prop_map(Aim::Any)]
}

fn rarely() -> impl Strategy<Value = Option<Index>> {
    prop::option::weighted(0.1, any::<Index>())
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        7 => Just(By::Holder),
        2 => any::<Index>().prop_map(By::Past),
        1 => any::<Index>().prop_map(By::Any),
    ]
}

fn rows() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..6_u8, 0..4)
}

fn task_wish() -> impl Strategy<Value = TaskWish> {
    prop_oneof![
        2 => Just(TaskWish::Cancel),
        3 => Just(TaskWish::Retry),
        2 => prop::option::of(any::<Index>()).prop_map(TaskWish::Reassign),
        3 => prop::option::of(any::<Index>()).prop_map(TaskWish::Adopt),
    ]
}

fn labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map("[ab]", "[xy]", 0..2).prop_map(Labels)
}
