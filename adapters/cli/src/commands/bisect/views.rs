//! The ledger as an expression sees it: built of what is looked at, as it is looked at.

use std::{any::Any, cmp::Ordering, collections::HashMap, fmt, sync::OnceLock};

use cel::{
    Env, ExecutionError, Value,
    common::{
        traits::{Comparer, Container, Indexer, Iterable, Iterator as Elements, Sizer, Subtractor},
        types::{CelInt, CelString, MAP_TYPE, STRING_TYPE, Type},
        value::{CowVal, StaticVal, Val},
    },
    context::VariableResolver,
};
use edge_ledger_core::{
    EdgeId, Ledger, Liveness, TaskId, Thresholds, Timestamp,
    edge::{Edge, Standing},
    task::{FailReason, Outcome, State, Task},
};

/// What an expression may name.
pub(super) const VARIABLES: [&str; 5] = ["position", "time", "counts", "edges", "tasks"];

/// What `counts` has.
pub(super) const OF_COUNTS: [&str; 4] = ["archived", "edges", "tasks", "tokens"];

/// What an edge has.
pub(super) const OF_EDGE: [&str; 17] = [
    "arch",
    "capacity",
    "changes",
    "credentials",
    "device_number",
    "failures",
    "holds",
    "id",
    "labels",
    "last_seen_at",
    "liveness",
    "name",
    "platform",
    "registered",
    "registered_at",
    "silence_ms",
    "status",
];

/// What a task has.
pub(super) const OF_TASK: [&str; 27] = [
    "assigned_to",
    "attempt",
    "attempts",
    "changes",
    "deadline_at",
    "dedupe_key",
    "error",
    "expires_at",
    "fence",
    "finished_at",
    "holder",
    "id",
    "late_results",
    "lease_ms",
    "leased_at",
    "lost_by",
    "max_attempts",
    "name",
    "priority",
    "ready_at",
    "reason",
    "redeliveries",
    "rows",
    "run",
    "status",
    "submitted",
    "submitted_at",
];

/// The variables of an expression.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variables<'l> {
    ledger: &'l Ledger,
    thresholds: &'l Thresholds,
}

impl<'l> Variables<'l> {
    pub(super) const fn new(ledger: &'l Ledger, thresholds: &'l Thresholds) -> Self {
        Self { ledger, thresholds }
    }

    fn view(self, what: What<'l>) -> View<'l> {
        View { of: self, what, keys: OnceLock::new() }
    }
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        match name {
            "position" => Some(CowVal::owned(CelInt::from(int(self.ledger.head().get())))),
            "time" => Some(CowVal::owned(Time(self.ledger.recorded_at()))),
            "counts" => Some(CowVal::owned(self.view(What::Counts))),
            "edges" => Some(CowVal::owned(self.view(What::Edges))),
            "tasks" => Some(CowVal::owned(self.view(What::Tasks))),
            _ => None,
        }
    }
}

/// Part of a ledger, of which nothing is built before it is asked for.
struct View<'l> {
    of: Variables<'l>,
    what: What<'l>,
    /// The ids of what is in it, once they are gone through.
    keys: OnceLock<Vec<CelString<'static>>>,
}

#[derive(Clone, Copy)]
enum What<'l> {
    Counts,
    Edges,
    Tasks,
    Edge(EdgeId, &'l Edge),
    Task(&'l TaskId, &'l Task),
}

/// What a field of a view holds.
enum Field {
    Value(Value),
    Time(Timestamp),
}

static COUNTS: Type = Type::new_unspecified_type("counts");
static EDGE: Type = Type::new_unspecified_type("edge");
static TASK: Type = Type::new_unspecified_type("task");
static MAP: Type = MAP_TYPE;

impl<'l> View<'l> {
    fn keys(&self) -> &[CelString<'static>] {
        self.keys.get_or_init(|| match self.what {
            What::Edges => {
                let ids = self.of.ledger.edges().map(|(id, _)| id.to_string());
                ids.map(CelString::from).collect()
            }
            What::Tasks => {
                self.of.ledger.tasks().map(|(id, _)| CelString::from(id.to_string())).collect()
            }
            What::Counts | What::Edge(..) | What::Task(..) => Vec::new(),
        })
    }

    /// Looks up one of the subjects in it.
    fn subject(&self, key: &str) -> Option<What<'l>> {
        match self.what {
            What::Edges => {
                let id = key.parse().ok()?;
                self.of.ledger.edge(id).map(|edge| What::Edge(id, edge))
            }
            What::Tasks => {
                let id = key.parse().ok()?;
                self.of.ledger.task_entry(&id).map(|(id, task)| What::Task(id, task))
            }
            What::Counts | What::Edge(..) | What::Task(..) => None,
        }
    }

    fn look_up<'b>(&'b self, key: &str) -> Result<CowVal<'b, 'l>, ExecutionError> {
        let (field, known) = match self.what {
            What::Edges | What::Tasks => {
                let subject = self.subject(key).ok_or_else(|| ExecutionError::no_such_key(key))?;
                return Ok(CowVal::owned(self.of.view(subject)));
            }
            What::Counts => (self.count(key), OF_COUNTS.contains(&key)),
            What::Edge(id, edge) => (self.edge(id, edge, key), OF_EDGE.contains(&key)),
            What::Task(id, task) => (of_task(id, task, key), OF_TASK.contains(&key)),
        };
        match (field, known) {
            (Some(Field::Time(time)), _) => Ok(CowVal::owned(Time(time))),
            (Some(Field::Value(value)), _) => Ok(CowVal::Owned(value.try_into()?)),
            (None, true) => Err(ExecutionError::no_such_key(key)),
            (None, false) => Err(ExecutionError::undeclared_reference(key)),
        }
    }

    fn count(&self, key: &str) -> Option<Field> {
        let counts = self.of.ledger.counts();
        match key {
            "archived" => Some(number(counts.archived)),
            "edges" => Some(number(counts.edges as u64)),
            "tasks" => Some(number(counts.tasks as u64)),
            "tokens" => Some(number(counts.tokens as u64)),
            _ => None,
        }
    }

    fn edge(&self, id: EdgeId, edge: &Edge, key: &str) -> Option<Field> {
        let identity = edge.identity();
        let silence = || self.of.ledger.silence(edge, self.of.ledger.recorded_at());
        let field = match key {
            "arch" => text(identity.arch.as_deref()?),
            "capacity" => number(edge.capacity().into()),
            "changes" => number(edge.changes().into()),
            "credentials" => number(edge.credentials().len() as u64),
            "device_number" => text(&identity.device_number),
            "failures" => number(edge.failures().into()),
            "holds" => list(self.of.ledger.held_by(id).map(|(task, _)| task.to_string())),
            "id" => text(&id.to_string()),
            "labels" => {
                let labels = edge.labels().0.iter();
                let labels = labels.map(|(name, value)| (name.clone(), value.clone()));
                Field::Value(labels.collect::<HashMap<_, _>>().into())
            }
            "last_seen_at" => Field::Time(edge.contact()?.at),
            "liveness" => text(&Liveness::of(silence(), self.of.thresholds).to_string()),
            "name" => text(&identity.display_name),
            "platform" => text(identity.platform.as_deref()?),
            "registered" => number(edge.registered_position().get()),
            "registered_at" => Field::Time(edge.registered_at()),
            "silence_ms" => number(silence()?.0),
            "status" => text(match edge.standing() {
                Standing::Active => "ACTIVE",
                Standing::Quarantined { .. } => "QUARANTINED",
                Standing::Disabled { .. } => "DISABLED",
            }),
            _ => return None,
        };
        Some(field)
    }
}

fn of_task(id: &TaskId, task: &Task, key: &str) -> Option<Field> {
    let field = match key {
        "assigned_to" => text(&task.terms().assigned_to?.to_string()),
        "attempt" => number(task.lease()?.attempt.into()),
        "attempts" => number(task.attempts().into()),
        "changes" => number(task.changes().into()),
        "deadline_at" => Field::Time(task.deadline_at()?),
        "dedupe_key" => text(task.dedupe_key()?),
        "error" => text(task.last_error()?),
        "expires_at" => Field::Time(task.lease()?.expires_at),
        "fence" => number(task.lease()?.fence.get()),
        "finished_at" => Field::Time(task.finished_at()?),
        "holder" => text(&task.lease()?.edge.to_string()),
        "id" => text(&id.to_string()),
        "late_results" => number(task.late_results().len() as u64),
        "lease_ms" => number(task.terms().lease_time.0),
        "leased_at" => Field::Time(task.lease()?.leased_at),
        "lost_by" => list(task.lost().iter().map(|(edge, _)| edge.to_string())),
        "max_attempts" => number(task.terms().max_attempts.into()),
        "name" => text(task.name()),
        "priority" => Field::Value(Value::Int(task.terms().priority.into())),
        "ready_at" => match task.state() {
            State::Awaiting { ready_at } => Field::Time((*ready_at)?),
            State::Leased(_) | State::Finished { .. } => return None,
        },
        "reason" => text(reason(task)?),
        "redeliveries" => number(task.lease()?.redeliveries.into()),
        "rows" => number(task.row_count() as u64),
        "run" => number(task.run().into()),
        "status" => text(&task.status().to_string()),
        "submitted" => number(task.submitted_position().get()),
        "submitted_at" => Field::Time(task.submitted_at()),
        _ => return None,
    };
    Some(field)
}

/// Why a run ended without success.
fn reason(task: &Task) -> Option<&str> {
    match task.state() {
        State::Finished { outcome, .. } => match outcome {
            Outcome::Completed(_) => None,
            Outcome::Failed { reason: FailReason::Reported, .. } => Some("reported"),
            Outcome::Failed { reason: FailReason::AttemptsExhausted, .. } => {
                Some("attempts_exhausted")
            }
            Outcome::Failed { reason: FailReason::DeadlineMissed, .. } => Some("deadline_missed"),
            Outcome::Cancelled { reason } => Some(reason),
        },
        State::Awaiting { .. } | State::Leased(_) => None,
    }
}

fn text(value: &str) -> Field {
    Field::Value(value.into())
}

fn list(values: impl Iterator<Item = String>) -> Field {
    Field::Value(values.collect::<Vec<_>>().into())
}

fn number(value: u64) -> Field {
    Field::Value(Value::Int(int(value)))
}

/// CEL's own whole numbers are signed.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get_type().name())
    }
}

impl Val for View<'_> {
    fn get_type(&self) -> &Type {
        match self.what {
            What::Edges | What::Tasks => &MAP,
            What::Counts => &COUNTS,
            What::Edge(..) => &EDGE,
            What::Task(..) => &TASK,
        }
    }

    fn cel_type() -> &'static Type {
        &MAP
    }

    fn as_container(&self) -> Option<&dyn Container> {
        matches!(self.what, What::Edges | What::Tasks).then_some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        match self.what {
            What::Edges | What::Tasks => Some(self),
            What::Counts | What::Edge(..) | What::Task(..) => None,
        }
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        matches!(self.what, What::Edges | What::Tasks).then_some(self)
    }

    fn equals(&self, _other: &dyn Val) -> bool {
        false
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.of.view(self.what))
    }
}

impl Indexer for View<'_> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.look_up(key_of(key)?)
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let found = self.look_up(key_of(key)?)?;
        Ok(found.into_owned())
    }
}

impl Container for View<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.subject(key_of(key)?).is_some())
    }
}

impl Sizer for View<'_> {
    fn size(&self) -> CelInt {
        let counts = self.of.ledger.counts();
        let size = match self.what {
            What::Edges => counts.edges,
            What::Tasks => counts.tasks,
            What::Counts | What::Edge(..) | What::Task(..) => 0,
        };
        CelInt::from(int(size as u64))
    }
}

impl Iterable for View<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Elements<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Keys(self.keys().iter()))
    }
}

struct Keys<'b>(std::slice::Iter<'b, CelString<'static>>);

impl<'b, 'v> Elements<'b, 'v> for Keys<'b> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|key| key as &(dyn Val + 'v))
    }
}

fn key_of(key: &dyn Val) -> Result<&str, ExecutionError> {
    key.downcast_ref::<CelString<'_>>().map(CelString::inner).ok_or_else(|| {
        let got = key.get_type().name().to_owned();
        ExecutionError::UnexpectedType { got, want: "string".to_owned() }
    })
}

/// An instant. Instants are compared, and their difference is milliseconds.
#[derive(Clone, Copy, Debug)]
struct Time(Timestamp);

const TIME: Type = Type::new_unspecified_type("time");
static OF_TIME: Type = TIME;

/// Declares `timestamp('2026-01-31T09:14:00Z')`, and `string` of an instant.
pub(super) fn declare_time(env: &mut Env) -> Result<(), cel::DeclarationError> {
    env.add_overload("timestamp", "time_of_text", vec![STRING_TYPE], |arguments| {
        let text = arguments.first().and_then(|text| text.downcast_ref::<CelString<'_>>());
        let text = text.map(CelString::inner).unwrap_or_default();
        let time = text.parse().map_err(|bad| ExecutionError::function_error("timestamp", bad));
        time.map(|time| CowVal::owned(Time(time)))
    })?;
    env.add_overload("string", "text_of_time", vec![TIME], |arguments| {
        let time = arguments.first().and_then(|time| time.downcast_ref::<Time>());
        let text = time.map(|Time(time)| time.to_string()).unwrap_or_default();
        Ok(CowVal::owned(CelString::from(text)))
    })
}

fn time_of(value: &dyn Val) -> Result<Timestamp, ExecutionError> {
    value.downcast_ref::<Time>().map(|Time(time)| *time).ok_or_else(|| {
        let got = value.get_type().name().to_owned();
        ExecutionError::UnexpectedType { got, want: "time".to_owned() }
    })
}

impl Val for Time {
    fn get_type(&self) -> &Type {
        &OF_TIME
    }

    fn cel_type() -> &'static Type {
        &OF_TIME
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn as_subtractor<'b, 'v>(&'b self) -> Option<&'b (dyn Subtractor + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Time {}

impl Comparer for Time {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        Ok(self.0.cmp(&time_of(other)?))
    }
}

impl Subtractor for Time {
    fn sub<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let other = time_of(other)?.as_millis();
        Ok(CowVal::owned(CelInt::from(self.0.as_millis().saturating_sub(other))))
    }
}
