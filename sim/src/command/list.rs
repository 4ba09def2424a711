//! Shows what there is.

use std::fmt::Display;

use drydock_harness::fleet::exit::{FINE, Failure};
use drydock_harness::fleet::output;

use crate::check::{ORACLES, runs};
use crate::command::mutants;
use crate::command::suite::package_folder;
use crate::plan::fault;
use crate::run::probes;
use crate::scenario::{ALL, Scenario};

pub fn run() -> Result<u8, Failure> {
    section("scenarios", ALL.iter().map(described))?;
    section("oracles", ORACLES.iter().chain(runs::ORACLES).copied())?;
    section("faults", fault::about().map(counted))?;
    section("probes", probes::all())?;
    let mutants = mutants::read(&package_folder().join("mutants"), &[])?;
    let mutants: Vec<_> =
        mutants.iter().map(|mutant| (mutant.name.as_str(), mutant.about.as_str())).collect();
    section("mutants", mutants.into_iter())?;
    Ok(FINE)
}

fn described(scenario: &Scenario) -> (&'static str, &'static str) {
    (scenario.name, scenario.about)
}

/// A fault's meaning, and what counts as its hits.
fn counted(about: &fault::About) -> (&'static str, String) {
    (about.label, format!("{}; counts {}", about.meaning, about.hits))
}

fn section<'a>(
    title: &str,
    items: impl Iterator<Item = (&'a str, impl Display)>,
) -> Result<(), Failure> {
    output::line(format_args!("{title}:"))?;
    for (name, about) in items {
        output::line(format_args!("  {name:<26} {about}"))?;
    }
    Ok(())
}
