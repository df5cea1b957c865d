//! Which commits can change the answer to an expression: those about what it names.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, IdedExpr as Node, LiteralValue, operators};
use edge_ledger_core::{
    Commit, EdgeId, Event, TaskId, contacts, edge, enrollment, lifecycle, task,
};

use super::views::{OF_COUNTS, OF_EDGE, OF_TASK, VARIABLES};

/// What an expression looks at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Touches {
    /// Whether it looks at what every commit changes.
    everything: bool,
    counts: bool,
    /// Whether it looks at what edges hold.
    holds: bool,
    edges: Named<EdgeId>,
    tasks: Named<TaskId>,
}

/// Which of them an expression looks at.
#[derive(Debug, PartialEq, Eq)]
enum Named<K> {
    These(BTreeSet<K>),
    All,
}

/// Something in an expression that can never be there.
#[derive(Debug)]
pub(super) struct Bad {
    /// The node of it.
    pub(super) node: u64,
    /// Whether it is what the node selects.
    pub(super) is_field: bool,
    pub(super) told: String,
}

/// Finds out what an expression looks at.
///
/// # Errors
///
/// Says which name in it nothing has.
pub(super) fn of(root: &Node) -> Result<Touches, Bad> {
    let mut reading = Reading { touches: Touches::default(), scope: Vec::new() };
    let kind = reading.read(root)?;
    reading.escapes(kind);
    Ok(reading.touches)
}

impl<K: Ord> Named<K> {
    fn name(&mut self, key: K) {
        match self {
            Self::These(keys) => drop(keys.insert(key)),
            Self::All => {}
        }
    }

    fn has(&self, key: &K) -> bool {
        match self {
            Self::These(keys) => keys.contains(key),
            Self::All => true,
        }
    }
}

impl<K: Ord> Default for Named<K> {
    fn default() -> Self {
        Self::These(BTreeSet::new())
    }
}

impl Touches {
    /// Returns whether a commit can change what is looked at.
    pub(super) fn by(&self, commit: &Commit) -> bool {
        self.everything
            || contacts::contact(commit).is_some_and(|edge| self.edges.has(&edge))
            || commit.events.iter().any(|event| self.by_event(event))
    }

    fn by_event(&self, event: &Event) -> bool {
        match event {
            Event::Ledger(lifecycle::Event::TasksArchived { tasks }) => {
                self.counts || tasks.iter().any(|task| self.tasks.has(task))
            }
            Event::Ledger(
                lifecycle::Event::Opened { .. }
                | lifecycle::Event::Ticked
                | lifecycle::Event::Closed,
            ) => false,
            Event::Token { what: enrollment::Event::Created(_), .. } => self.counts,
            Event::Token { what: enrollment::Event::Used | enrollment::Event::Revoked, .. } => {
                false
            }
            Event::Edge { id, what } => {
                let registers = matches!(what, edge::Event::Registered { .. });
                (self.counts && registers) || self.edges.has(id)
            }
            Event::Task { id, what } => {
                let submits = matches!(what, task::Event::Submitted(_));
                (self.counts && submits) || self.holds || self.tasks.has(id)
            }
        }
    }
}

/// What part of an expression is, as far as that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counts,
    Edges,
    Tasks,
    Edge,
    Task,
    Other,
}

/// An expression, while it is read.
struct Reading<'e> {
    touches: Touches,
    /// The variables of the comprehensions around.
    scope: Vec<&'e str>,
}

impl<'e> Reading<'e> {
    fn read(&mut self, node: &'e Node) -> Result<Kind, Bad> {
        match &node.expr {
            Expr::Ident(name) => self.name(node, name.as_str()),
            Expr::Select(select) => {
                let of = self.read(&select.operand)?;
                self.select(node, of, &select.field, true)
            }
            Expr::Call(call) => match (call.func_name.as_str(), &call.args[..]) {
                (operators::INDEX | operators::OPT_INDEX, [of, key]) => self.index(of, key),
                (operators::OPT_SELECT, [of, key]) => self.index(of, key),
                (operators::IN, [key, of]) => self.index(of, key).map(|_| Kind::Other),
                (_, arguments) => self.all(call.target.as_deref().into_iter().chain(arguments)),
            },
            Expr::List(list) => self.all(&list.elements),
            Expr::Map(map) => self.entries(&map.entries),
            Expr::Struct(made) => self.entries(&made.entries),
            Expr::Comprehension(over) => {
                let range = self.read(&over.iter_range)?;
                match range {
                    // What is gone through is the ids.
                    Kind::Edges => self.touches.edges = Named::All,
                    Kind::Counts | Kind::Tasks | Kind::Edge | Kind::Task | Kind::Other => {
                        self.escapes(range);
                    }
                }
                self.all([&over.accu_init])?;
                let depth = self.scope.len();
                self.scope.extend([over.iter_var.as_str(), &over.accu_var]);
                self.scope.extend(over.iter_var2.as_deref());
                let read = self.all([&over.loop_cond, &over.loop_step, &over.result]);
                self.scope.truncate(depth);
                read
            }
            Expr::Literal(_) | Expr::Unspecified => Ok(Kind::Other),
        }
    }

    fn name(&mut self, node: &Node, name: &'e str) -> Result<Kind, Bad> {
        const TYPES: [&str; 10] = [
            "bool",
            "bytes",
            "double",
            "int",
            "list",
            "map",
            "null_type",
            "string",
            "type",
            "uint",
        ];
        match name {
            name if self.scope.contains(&name) => Ok(Kind::Other),
            "position" | "time" => {
                self.touches.everything = true;
                Ok(Kind::Other)
            }
            "counts" => {
                self.touches.counts = true;
                Ok(Kind::Counts)
            }
            "edges" => Ok(Kind::Edges),
            "tasks" => Ok(Kind::Tasks),
            name if TYPES.contains(&name) || name.starts_with('@') => Ok(Kind::Other),
            name => Err(Bad {
                node: node.id,
                is_field: false,
                told: format!("nothing is called {name}; there are {}", VARIABLES.join(", ")),
            }),
        }
    }

    fn index(&mut self, of: &'e Node, key: &'e Node) -> Result<Kind, Bad> {
        let kind = self.read(of)?;
        if let Expr::Literal(LiteralValue::String(name)) = &key.expr {
            return self.select(key, kind, name.inner(), false);
        }
        let by = self.read(key)?;
        self.escapes(by);
        Ok(match kind {
            Kind::Edges => {
                self.touches.edges = Named::All;
                Kind::Edge
            }
            Kind::Tasks => {
                self.touches.tasks = Named::All;
                Kind::Task
            }
            Kind::Edge => {
                self.escapes(kind);
                Kind::Other
            }
            Kind::Counts | Kind::Task | Kind::Other => Kind::Other,
        })
    }

    fn select(&mut self, node: &Node, of: Kind, field: &str, is_field: bool) -> Result<Kind, Bad> {
        let bad = |told| Err(Bad { node: node.id, is_field, told });
        let among = |fields: &[&str]| fields.contains(&field);
        match of {
            Kind::Edges => match field.parse() {
                Ok(id) => {
                    self.touches.edges.name(id);
                    Ok(Kind::Edge)
                }
                Err(_) => bad(format!("no edge has the id {field:?}: name it as `edge list` does")),
            },
            Kind::Tasks => match field.parse() {
                Ok(id) => {
                    self.touches.tasks.name(id);
                    Ok(Kind::Task)
                }
                Err(why) => bad(format!("no task has the id {field:?}: {why}")),
            },
            Kind::Edge => match field {
                "holds" => {
                    self.touches.holds = true;
                    Ok(Kind::Other)
                }
                "liveness" | "silence_ms" => {
                    self.touches.everything = true;
                    Ok(Kind::Other)
                }
                _ if among(&OF_EDGE) => Ok(Kind::Other),
                _ => bad(format!("an edge has no {field}; it has {}", OF_EDGE.join(", "))),
            },
            Kind::Task if among(&OF_TASK) => Ok(Kind::Other),
            Kind::Task => bad(format!("a task has no {field}; it has {}", OF_TASK.join(", "))),
            Kind::Counts if among(&OF_COUNTS) => Ok(Kind::Other),
            Kind::Counts => {
                bad(format!("there are no counts of {field}, but of {}", OF_COUNTS.join(", ")))
            }
            Kind::Other => Ok(Kind::Other),
        }
    }

    fn all(&mut self, nodes: impl IntoIterator<Item = &'e Node>) -> Result<Kind, Bad> {
        for node in nodes {
            let kind = self.read(node)?;
            self.escapes(kind);
        }
        Ok(Kind::Other)
    }

    fn entries(&mut self, entries: &'e [IdedEntryExpr]) -> Result<Kind, Bad> {
        for entry in entries {
            match &entry.expr {
                EntryExpr::StructField(field) => self.all([&field.value])?,
                EntryExpr::MapEntry(pair) => self.all([&pair.key, &pair.value])?,
            };
        }
        Ok(Kind::Other)
    }

    /// Notes that something goes where what is looked at of it does not show.
    fn escapes(&mut self, kind: Kind) {
        match kind {
            Kind::Edges => {
                self.touches.edges = Named::All;
                self.touches.everything = true;
            }
            Kind::Tasks => self.touches.tasks = Named::All,
            Kind::Edge => self.touches.everything = true,
            Kind::Counts | Kind::Task | Kind::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_looks_at_what_it_names() {
        let task = |id: &str| Touches { tasks: these([id.parse().unwrap()]), ..Touches::default() };
        let all = || Touches { tasks: Named::All, ..Touches::default() };
        let uuid = "00000000-0000-0000-0000-000000000007";
        let edge = || Touches { edges: these([uuid.parse().unwrap()]), ..Touches::default() };
        for (source, touches) in [
            ("tasks['a'].status == 'FAILED'", task("a")),
            ("tasks.a.status == 'FAILED' && 'a' in tasks && has(tasks.a.holder)", task("a")),
            ("tasks.?a.?holder.orValue('') != ''", task("a")),
            ("tasks.exists(id, tasks[id].status == 'FAILED')", all()),
            ("tasks['a' + 'b'].run > 1", all()),
            ("size(tasks) > 3", all()),
            ("counts.tasks > 3", Touches { counts: true, ..Touches::default() }),
            ("position > 3", Touches { everything: true, ..Touches::default() }),
            (&format!("edges['{uuid}'].failures > 2"), edge()),
            (&format!("edges['{uuid}'].holds.size() > 2"), Touches { holds: true, ..edge() }),
            (
                &format!("edges['{uuid}'].liveness == 'STALE'"),
                Touches { everything: true, ..edge() },
            ),
            (
                &format!("[edges['{uuid}']].exists(e, e.liveness == 'STALE')"),
                Touches { everything: true, ..edge() },
            ),
            (
                "edges.exists(id, edges[id].status == 'QUARANTINED')",
                Touches { edges: Named::All, ..Touches::default() },
            ),
        ] {
            let program = cel::Env::stdlib().compile(source).unwrap();

            assert_eq!(of(program.expression()).unwrap(), touches, "{source}");
        }
    }

    fn these<K: Ord>(keys: impl IntoIterator<Item = K>) -> Named<K> {
        Named::These(keys.into_iter().collect())
    }
}
