//! Visits every state of a world, and says what was seen.
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use edge_ledger_modelcheck::{Bounds, Calm, Checked, Rules, Storm, check};

/// Visit every state that the ledger can come to, and check each.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which world; small, large and calm one after the other if none is named.
    world: Option<Named>,
    /// How many threads to use.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Take worlds that differ by names only for different ones.
    #[arg(long)]
    no_symmetry: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Named {
    /// What every test run visits.
    Small,
    /// Two edges, two tasks, two attempts.
    Large,
    /// One task to which everything is done. Nobody has seen the end of it.
    Deep,
    /// Calm after every short storm.
    Calm,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let named = arguments
        .world
        .map_or_else(|| vec![Named::Small, Named::Large, Named::Calm], |world| vec![world]);
    let mut well = true;
    for world in named {
        let checked = visit(world, &arguments);
        print(world, &checked);
        well &= checked.is_well();
    }
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn visit(world: Named, arguments: &Arguments) -> Checked {
    let (rules, threads) = (Rules::SHIPPED, arguments.threads);
    let storm = |bounds: Bounds| {
        let bounds = Bounds { symmetry: !arguments.no_symmetry, ..bounds };
        check(Storm { bounds, rules }, threads)
    };
    match world {
        Named::Small => storm(Bounds::small()),
        Named::Large => storm(Bounds::large()),
        Named::Deep => storm(Bounds::deep()),
        Named::Calm => {
            let symmetry = !arguments.no_symmetry;
            let bounds = Bounds { lease_ticks: 2, symmetry, ..Bounds::large() };
            check(Calm { bounds, rules, storm: 4, rounds: bounds.rounds() }, threads)
        }
    }
}

#[expect(clippy::print_stdout, reason = "it is what somebody asked to see")]
fn print(world: Named, checked: &Checked) {
    println!("{world:?}: {checked}");
}
