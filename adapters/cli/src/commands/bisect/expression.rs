//! An expression over a ledger: parsed, checked, and asked.

use std::{fmt, sync::Arc};

use cel::{
    Context, Env, ExecutionError, ParseErrors, Program, Value,
    common::{
        ast::{Expr, IdedExpr as Node, operators},
        types::CelBool,
    },
};
use edge_ledger_core::{Commit, Ledger, Thresholds};

use super::{
    touches::{self, Touches},
    views::{self, Variables},
};

/// An expression over a ledger.
pub(super) struct Expression {
    source: String,
    program: Program,
    env: Arc<Env>,
    touches: Touches,
    thresholds: Thresholds,
    /// What it named that was not there, when it was last asked.
    missing: Option<String>,
    answered: bool,
}

/// What is wrong with an expression, and where.
#[derive(Debug, thiserror::Error)]
pub(super) struct Fault {
    told: String,
    line: String,
    /// Counted from one.
    row: usize,
    /// Counted from one, in characters.
    column: usize,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { told, line, row, column } = self;
        let caret = " ".repeat(column.saturating_sub(1));
        write!(f, "in the expression, line {row}, column {column}: {told}\n  {line}\n  {caret}^")
    }
}

impl Expression {
    /// Parses an expression, and sees that what it names can be there.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, and where.
    pub(super) fn parse(source: &str, thresholds: Thresholds) -> Result<Self, Fault> {
        let mut env = Env::stdlib();
        views::declare_time(&mut env).expect("nothing else declares instants");
        let program = env.compile(source).map_err(|errors| unparsed(source, &errors))?;
        let touches = touches::of(program.expression()).map_err(|bad| {
            let start = offset(&program, bad.node).unwrap_or_default();
            let start = if bad.is_field { field_at(source, start) } else { start };
            at_offset(source, start, bad.told)
        })?;
        Ok(Self {
            source: source.to_owned(),
            program,
            env: Arc::new(env),
            touches,
            thresholds,
            missing: None,
            answered: false,
        })
    }

    /// Returns whether a commit can change the answer.
    pub(super) fn is_touched_by(&self, commit: &Commit) -> bool {
        self.touches.by(commit)
    }

    /// Returns what it named that was not there, if it was not at any place where it was asked.
    pub(super) fn never_there(&self) -> Option<&str> {
        self.missing.as_deref().filter(|_| !self.answered)
    }

    /// Asks it of a ledger. Where something that it names is not there it is not true.
    ///
    /// # Errors
    ///
    /// Says why it has no answer, and at which place in it.
    pub(super) fn ask(&mut self, ledger: &Ledger) -> Result<bool, Fault> {
        let variables = Variables::new(ledger, &self.thresholds);
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.set_variable_resolver(&variables);
        let root = self.program.expression();
        match Value::resolve_val(root, &context) {
            Ok(answer) => match answer.downcast_ref::<CelBool>() {
                Some(answer) => {
                    self.answered = true;
                    Ok(*answer.inner())
                }
                None => {
                    let found = answer.get_type().name();
                    let told = format!("expected true or false, found a value of type {found}");
                    Err(self.fault(root, told))
                }
            },
            Err(ExecutionError::NoSuchKey(key)) => {
                self.missing = Some(key.to_string());
                Ok(false)
            }
            Err(error) => Err(self.fault(deepest(root, &context), told(&error))),
        }
    }

    fn fault(&self, node: &Node, told: String) -> Fault {
        at_offset(&self.source, offset(&self.program, node.id).unwrap_or_default(), told)
    }
}

/// Finds the smallest part of an expression that has no answer.
fn deepest<'e>(node: &'e Node, context: &Context<'_, '_>) -> &'e Node {
    let fails = |part: &&Node| match Value::resolve_val(part, context) {
        Ok(_) | Err(ExecutionError::NoSuchKey(_)) => false,
        Err(_) => true,
    };
    match parts(node, context).into_iter().find(fails) {
        Some(part) => deepest(part, context),
        None => node,
    }
}

/// Lists the parts that are evaluated where the whole is.
fn parts<'e>(node: &'e Node, context: &Context<'_, '_>) -> Vec<&'e Node> {
    match &node.expr {
        Expr::Call(call) => match (call.func_name.as_str(), &call.args[..]) {
            (operators::CONDITIONAL, [condition, then, otherwise]) => {
                let holds = Value::resolve_val(condition, context);
                let holds =
                    holds.ok().and_then(|is| is.downcast_ref().map(|is: &CelBool| *is.inner()));
                let branch = match holds {
                    Some(true) => Some(then),
                    Some(false) => Some(otherwise),
                    None => None,
                };
                [condition].into_iter().chain(branch).collect()
            }
            (_, arguments) => call.target.as_deref().into_iter().chain(arguments).collect(),
        },
        Expr::Select(select) => vec![&select.operand],
        // What is inside has variables that are not there outside.
        Expr::Comprehension(all) => vec![&all.iter_range, &all.accu_init],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(_) | Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {
            vec![]
        }
    }
}

/// Says in our words why there is no answer.
fn told(error: &ExecutionError) -> String {
    if let ExecutionError::NoSuchOverload(error) = error {
        let operator = error.function().replace(['_', '@'], "");
        let types = error.argument_types().join(" and ");
        return format!("`{operator}` does not go with {types}");
    }
    if let ExecutionError::UndeclaredReference(name) = error {
        return format!("there is no {name} here");
    }
    error.to_string()
}

fn unparsed(source: &str, errors: &ParseErrors) -> Fault {
    let Some(first) = errors.errors.first() else {
        return at_offset(source, 0, "it cannot be read".to_owned());
    };
    let place = |number: isize| usize::try_from(number).unwrap_or_default().max(1);
    let (row, column) = (place(first.pos.0), place(first.pos.1));
    let told = first.msg.strip_prefix("Syntax error: ").unwrap_or(&first.msg).to_owned();
    let line = source.lines().nth(row - 1).unwrap_or_default().to_owned();
    Fault { told, line, row, column }
}

fn offset(program: &Program, id: u64) -> Option<usize> {
    program.source_info().offset_for(id).map(|(start, _)| start as usize)
}

/// Returns where a field stands that is selected at a place: behind the dot.
fn field_at(source: &str, start: usize) -> usize {
    let behind = source.chars().skip(start).take_while(|found| matches!(found, '.' | '?' | ' '));
    start + behind.count()
}

fn at_offset(source: &str, offset: usize, told: String) -> Fault {
    let before: String = source.chars().take(offset).collect();
    let row = before.matches('\n').count();
    let column = before.chars().rev().take_while(|found| *found != '\n').count();
    let line = source.split('\n').nth(row).unwrap_or_default().to_owned();
    Fault { told, line, row: row + 1, column: column + 1 }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (source, column, told) in [
            ("tasks['a'].stauts == 'FAILED'", 12, "a task has no stauts"),
            (
                "edges['00000000-0000-0000-0000-000000000007'].liveliness == 'ONLINE'",
                47,
                "an edge has no liveliness",
            ),
            ("counts.task > 3", 8, "there are no counts of task"),
            ("position > 3 && tsaks['a'].run > 1", 17, "nothing is called tsaks"),
            ("tasks.exists(id, tasks[id].sttaus == 'DONE')", 28, "a task has no sttaus"),
            ("position > ", 12, ""),
            ("edges['no edge'].name == 'x'", 7, "no edge has the id"),
            ("tasks['no task'].name == 'x'", 7, "no task has the id"),
        ] {
            let fault = fault_of(source);

            assert_eq!((fault.row, fault.column), (1, column), "{source}: {fault}");
            assert!(fault.told.contains(told), "{source}: {fault}");
        }
    }

    #[test]
    fn what_has_no_answer_is_pointed_at() {
        for (source, (row, column), told) in [
            ("position + 3", (1, 10), "expected true or false, found a value of type int"),
            ("position == 0 &&\n  (time > 3)", (2, 9), "`>` does not go with time and int"),
            ("time > timestamp('noon')", (1, 17), "expected a time as in"),
            ("counts.tasks / 0 == 1", (1, 14), "ivision by zero"),
        ] {
            let fault = parse(source).unwrap().ask(&Ledger::default()).unwrap_err();

            assert_eq!((fault.row, fault.column), (row, column), "{source}: {fault}");
            assert!(fault.told.contains(told), "{source}: {fault}");
        }
        let fault = parse("position == 0 &&\n  (time > 3)").unwrap().ask(&Ledger::default());
        let drawn =
            "line 2, column 9: `>` does not go with time and int\n    (time > 3)\n          ^";
        assert!(fault.unwrap_err().to_string().ends_with(drawn));
    }

    #[test]
    fn what_is_not_there_makes_an_expression_untrue_and_is_told() {
        for (source, is_true, missing) in [
            ("tasks['a'].status == 'FAILED'", false, Some("a")),
            ("!(tasks['a'].status == 'FAILED')", false, Some("a")),
            ("tasks.a.status == 'FAILED' || position == 0", true, None),
            ("!('a' in tasks) && size(tasks) == 0 && counts.tasks == 0", true, None),
            ("!has(tasks.a) && tasks.all(id, tasks[id].run > 7)", true, None),
            ("time == timestamp('1970-01-01T00:00:00Z')", true, None),
            ("time - timestamp('1969-12-31T23:59:59Z') == 1000", true, None),
            ("string(time).startsWith('1970') && position < 1", true, None),
        ] {
            let mut expression = parse(source).unwrap();

            assert_eq!(expression.ask(&Ledger::default()).unwrap(), is_true, "{source}");
            assert_eq!(expression.never_there(), missing, "{source}");
        }
    }

    #[test]
    fn every_field_is_named_once() {
        for fields in [&views::OF_TASK[..], &views::OF_EDGE, &views::OF_COUNTS] {
            assert!(fields.is_sorted(), "{fields:?}");
            assert_eq!(fields.iter().collect::<HashSet<_>>().len(), fields.len());
        }
    }

    fn parse(source: &str) -> Result<Expression, Fault> {
        Expression::parse(source, Thresholds::default())
    }

    fn fault_of(source: &str) -> Fault {
        parse(source).err().unwrap_or_else(|| panic!("{source} is right"))
    }
}
