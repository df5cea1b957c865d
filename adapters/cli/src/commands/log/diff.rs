//! `log diff`: where two logs part, and how.

mod fields;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use edge_ledger_core::{Commit, Position};
use edge_ledger_journal::Link;
use edge_ledger_wire::operator::Event;
use serde_json::{Value, json};

use crate::{
    events::Lines,
    exit::Exit,
    output::{Cell, Output, Progress, Table, note},
    source::{Commits, Source},
};
use fields::{Difference, differences};

/// Compare two logs, commit by commit: the same, one longer, or forked, and from where on.
///
/// Ends with 0 if they are the same and with 1 if they are not. How the commits are packed into
/// blocks is no difference; that the hashes then differ is said.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A data directory, an archive, or an export.
    a: PathBuf,
    /// Another one.
    b: PathBuf,
}

pub(super) fn run(args: &DiffArgs, output: Output) -> Result<Exit> {
    let sides = Sides { a: Source::open(&args.a)?, b: Source::open(&args.b)? };
    let compared = sides.compare()?;
    match output.is_json() {
        true => output.json(&compared.json(&sides)?)?,
        false => compared.show(&sides, output)?,
    }
    match compared.relation {
        Relation::Same => Ok(Exit::Ok),
        Relation::Longer { .. } | Relation::Forked { .. } => Ok(Exit::Failure),
    }
}

struct Sides {
    a: Source,
    b: Source,
}

/// What comparing two logs came to.
struct Compared {
    /// The position before the first one that both have.
    after: Position,
    /// The last one up to which they are the same.
    same: Position,
    relation: Relation,
}

enum Relation {
    Same,
    /// One ends where the other goes on.
    Longer {
        side: Side,
        next: Box<Commit>,
    },
    /// Both go on, and not in the same way.
    Forked {
        position: Position,
        commits: Box<(Commit, Commit)>,
    },
}

#[derive(Clone, Copy)]
enum Side {
    A,
    B,
}

impl Sides {
    fn compare(&self) -> Result<Compared> {
        let after = self.a.begin()?.position.max(self.b.begin()?.position);
        let mut same = after;
        let mut progress = Progress::new("commits");
        let (mut a, mut b) = (self.a.commits(after)?, self.b.commits(after)?);
        let relation = loop {
            progress.add(1);
            match (next(&mut a)?, next(&mut b)?) {
                (None, None) => break Relation::Same,
                (Some(next), None) => {
                    break Relation::Longer { side: Side::A, next: Box::new(next) };
                }
                (None, Some(next)) => {
                    break Relation::Longer { side: Side::B, next: Box::new(next) };
                }
                (Some(a), Some(b)) if a == b => same = a.head(),
                (Some(a), Some(b)) => {
                    let position = first_difference(&a, &b).max(same.plus(1));
                    break Relation::Forked { position, commits: Box::new((a, b)) };
                }
            }
        };
        let same = match &relation {
            Relation::Forked { position, .. } => Position::new(position.get() - 1),
            Relation::Same | Relation::Longer { .. } => same,
        };
        Ok(Compared { after, same, relation })
    }
}

fn next(commits: &mut Commits<'_>) -> Result<Option<Commit>> {
    commits.next().transpose()
}

/// Returns the first position at which two commits say something else.
fn first_difference(a: &Commit, b: &Commit) -> Position {
    let of_commit = a.after != b.after || a.recorded_at != b.recorded_at || a.cause != b.cause;
    let same = a.events.iter().zip(&b.events).take_while(|(a, b)| a == b).count();
    let same = if of_commit { 0 } else { same as u64 };
    a.after.min(b.after).plus(same + 1)
}

impl Compared {
    fn json(&self, sides: &Sides) -> Result<Value> {
        let side = |source: &Source| -> Result<Value> {
            let end = source.end()?;
            Ok(json!({ "log": source.path(), "begin": source.begin()?, "end": end }))
        };
        let mut json = json!({ "a": side(&sides.a)?, "b": side(&sides.b)?, "same": self.same });
        match &self.relation {
            Relation::Same => json["relation"] = "same".into(),
            Relation::Longer { side, next } => {
                json["relation"] = "longer".into();
                json["longer"] = side.name().into();
                json["position"] = json!(next.after.plus(1));
                json["next"] = shown(next);
            }
            Relation::Forked { position, commits } => {
                let (a, b) = &**commits;
                json["relation"] = "forked".into();
                json["position"] = json!(position);
                json["differences"] = json!(differences(a, b));
                json["a"]["events"] = shown(a);
                json["b"]["events"] = shown(b);
            }
        }
        Ok(json)
    }

    fn show(&self, sides: &Sides, output: Output) -> Result<()> {
        let (a, b) = (&sides.a, &sides.b);
        if self.after > Position::START {
            let first = self.after.plus(1);
            note(&format!("compared from position {first} on: what is before is not in both"));
        }
        match &self.relation {
            Relation::Same => {
                output.text(&format!("the same up to position {}, where both end", self.same))?;
                note_hashes(a.end()?, b.end()?);
                Ok(())
            }
            Relation::Longer { side, next } => {
                let (longer, shorter) = match side {
                    Side::A => (a, b),
                    Side::B => (b, a),
                };
                let (name, other) = (longer.path().display(), shorter.path().display());
                let more = match longer.end()? {
                    Some(end) => format!("{} more events", end.position.get() - self.same.get()),
                    None => "more events".to_owned(),
                };
                output.text(&format!(
                    "the same up to position {}, where {other} ends; {name} has {more}, the next \
                     of them:",
                    self.same
                ))?;
                rows(next, output)
            }
            Relation::Forked { position, commits } => {
                let (of_a, of_b) = &**commits;
                output.text(&format!("forked: they differ from position {position} on"))?;
                let mut table = Table::new(["FIELD", "A", "B"]);
                for Difference { field, a, b } in differences(of_a, of_b) {
                    table.row([Cell::new(field), Cell::maybe(a).bad(), Cell::maybe(b).good()]);
                }
                output.table(&table, "only how payloads are spaced differs")?;
                output.text(&format!("A is {}:", a.path().display()))?;
                rows(of_a, output)?;
                output.text(&format!("B is {}:", b.path().display()))?;
                rows(of_b, output)
            }
        }
    }
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

fn shown(commit: &Commit) -> Value {
    json!(commit.envelopes().map(Event::from).collect::<Vec<_>>())
}

fn rows(commit: &Commit, output: Output) -> Result<()> {
    let mut lines = Lines::new(output);
    commit.envelopes().map(Event::from).try_for_each(|event| lines.add(&event))?;
    lines.finish()?;
    Ok(())
}

fn note_hashes(a: Option<Link>, b: Option<Link>) {
    if let (Some(a), Some(b)) = (a, b)
        && a != b
    {
        note(&format!(
            "their hashes differ, {} and {}: the same commits in other blocks",
            a.hash, b.hash
        ));
    }
}
