//! Shows what there is.

use drydock_harness::fleet::exit::{FINE, Failure};
use drydock_harness::fleet::output;
use serde::Serialize;

use crate::check::{ORACLES, runs};
use crate::command::args::ListArgs;
use crate::command::mutants;
use crate::command::suite::package_folder;
use crate::plan::fault;
use crate::run::probes;
use crate::scenario::ALL;

/// Everything that has a name, by what it is.
#[derive(Serialize)]
struct Listed {
    scenarios: Vec<Item>,
    oracles: Vec<Item>,
    faults: Vec<Item>,
    probes: Vec<Item>,
    mutants: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    name: String,
    about: String,
}

impl Item {
    fn new((name, about): (impl Into<String>, impl Into<String>)) -> Item {
        Item { name: name.into(), about: about.into() }
    }
}

pub fn run(args: &ListArgs) -> Result<u8, Failure> {
    let mutants = mutants::read(&package_folder().join("mutants"), &[])?;
    let listed = Listed {
        scenarios: ALL.iter().map(|it| Item::new((it.name, it.about))).collect(),
        oracles: ORACLES.iter().chain(runs::ORACLES).copied().map(Item::new).collect(),
        faults: fault::about().map(|it| Item::new(counted(it))).collect(),
        probes: probes::all().map(Item::new).collect(),
        mutants: mutants.into_iter().map(|it| Item::new((it.name, it.about))).collect(),
    };
    if args.json {
        output::line(serde_json::to_string(&listed).expect("names are plain data"))?;
        return Ok(FINE);
    }
    section("scenarios", &listed.scenarios)?;
    section("oracles", &listed.oracles)?;
    section("faults", &listed.faults)?;
    section("probes", &listed.probes)?;
    section("mutants", &listed.mutants)?;
    Ok(FINE)
}

/// A fault's meaning, and what counts as its hits.
fn counted(about: &fault::About) -> (&'static str, String) {
    (about.label, format!("{}; counts {}", about.meaning, about.hits))
}

fn section(title: &str, items: &[Item]) -> Result<(), Failure> {
    output::line(format_args!("{title}:"))?;
    for Item { name, about } in items {
        output::line(format_args!("  {name:<26} {about}"))?;
    }
    Ok(())
}
