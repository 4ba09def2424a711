//! Shows what there is.

use crate::check::ORACLES;
use crate::command::mutants;
use crate::command::suite::package_folder;
use crate::exit::{FINE, Failure};
use crate::run::probes::PROBES;
use crate::scenario::{ALL, Scenario};

pub fn run() -> Result<u8, Failure> {
    section("scenarios", ALL.iter().map(described));
    section("oracles", ORACLES.iter().copied());
    section("faults", crate::plan::fault::KINDS.iter().copied());
    section("probes", PROBES.iter().copied());
    let mutants = mutants::read(&package_folder().join("mutants"), &[])?;
    let mutants: Vec<_> =
        mutants.iter().map(|mutant| (mutant.name.as_str(), mutant.about.as_str())).collect();
    section("mutants", mutants.into_iter());
    Ok(FINE)
}

fn described(scenario: &Scenario) -> (&'static str, &'static str) {
    (scenario.name, scenario.about)
}

fn section<'a>(title: &str, items: impl Iterator<Item = (&'a str, &'a str)>) {
    anstream::println!("{title}:");
    for (name, about) in items {
        anstream::println!("  {name:<26} {about}");
    }
}
