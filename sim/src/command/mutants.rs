//! Breaks the product on purpose: every oracle must be able to fail.
//!
//! A mutant is a patch file. The lines before the patch say, as `# about:` what it breaks, and as
//! `# caught by:` what must see it: `suite`, `suite SCENARIO…` or `test CARGO-TEST-ARGUMENTS…`.
//! Each is applied to a copy of the tree, which is kept with its target directory: what two mutants
//! have in common is built once.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use drydock_core::env::{Clock, SystemClock};
use drydock_harness::fleet::exit::{self, FINE, Failure, SIMULATOR, VIOLATED};
use drydock_harness::fleet::output;
use tokio::process::Command;

use super::args::MutantArgs;
use super::suite::package_folder;

/// Cheap to build: most of the time that a mutant takes goes into that.
const PROFILE: &str = "mutant";

pub struct Mutant {
    pub name: String,
    /// What it breaks.
    pub about: String,
    catcher: Catcher,
    patch: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Catcher {
    /// Scenarios, all if there are none.
    Suite(Vec<String>),
    /// Arguments of `cargo test`.
    Test(Vec<String>),
}

/// The mutants of a folder, by name; all if none is named.
pub fn read(folder: &Path, names: &[String]) -> Result<Vec<Mutant>, Failure> {
    let mut patches = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            patches.push(path);
        }
    }
    patches.sort();
    let mut mutants = Vec::new();
    for patch in patches {
        let mutant = parse(&patch, &std::fs::read_to_string(&patch)?)?;
        if names.is_empty() || names.contains(&mutant.name) {
            mutants.push(mutant);
        }
    }
    let missing = names.iter().find(|name| mutants.iter().all(|m| m.name != **name));
    match missing {
        Some(name) => Err(Failure::Usage(format!("there is no mutant `{name}`"))),
        None => Ok(mutants),
    }
}

fn parse(patch: &Path, text: &str) -> Result<Mutant, Failure> {
    let file = patch.display();
    let line = |wanted: &str| {
        let mut head = text.lines().take_while(|line| line.starts_with('#'));
        let found = head.find_map(|line| line.strip_prefix(wanted));
        let missing = || Failure::Usage(format!("mutant `{file}` has no line `{wanted}`"));
        found.map(str::trim).ok_or_else(missing)
    };
    let about = line("# about:")?.to_owned();
    let mut words = line("# caught by:")?.split_whitespace().map(str::to_owned);
    let catcher = match words.next().as_deref() {
        Some("suite") => Catcher::Suite(words.collect()),
        Some("test") => Catcher::Test(words.collect()),
        _ => {
            let problem = "is caught by neither `suite` nor `test`";
            return Err(Failure::Usage(format!("mutant `{file}` {problem}")));
        }
    };
    let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Mutant { name, about, catcher, patch: patch.to_owned() })
}

pub async fn run(args: &MutantArgs) -> Result<u8, Failure> {
    let folder = args.dir.clone().unwrap_or_else(|| package_folder().join("mutants"));
    let mutants = read(&folder, &args.names)?;
    if mutants.is_empty() {
        let folder = folder.display();
        return Err(Failure::Nothing(format!("there is no mutant in `{folder}`")));
    }
    let tree = std::fs::canonicalize(package_folder().join(".."))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").filter(|path| !path.is_empty()).map(PathBuf::from);
    let target = target.unwrap_or_else(|| tree.join("target")).join("mutants");
    let copy = target.join("tree");
    std::fs::create_dir_all(&copy)?;
    let _lock = lock(&target)?;
    let mut worst = FINE;
    for mutant in mutants {
        sync_tree(&tree, &listed(&tree).await?, &copy)?;
        let result = try_one(&mutant, &copy, &target, args.time).await;
        let (line, code) = match result {
            Ok(Fate::Caught(how)) => (format!("caught, {how}"), FINE),
            Ok(Fate::Survived(how)) => (format!("SURVIVED, {how}"), VIOLATED),
            Err(problem) => (format!("ERROR, {problem}"), SIMULATOR),
        };
        output::line(format_args!("{:<28} {line}\n  {}", mutant.name, mutant.about))?;
        worst = worst.max(code);
    }
    Ok(worst)
}

enum Fate {
    Caught(String),
    Survived(String),
}

async fn try_one(
    mutant: &Mutant,
    copy: &Path,
    target: &Path,
    time: Duration,
) -> Result<Fate, Failure> {
    let patch = std::fs::canonicalize(&mutant.patch)?;
    let mut apply = Command::new("git");
    apply.args(["apply", "--whitespace=nowarn"]).arg(patch).current_dir(copy);
    // A copy inside another repository must not be taken for that one.
    apply.env("GIT_CEILING_DIRECTORIES", copy);
    let (status, text) = quiet(apply).await?;
    if status != Some(0) {
        let text = text.trim();
        return Err(Failure::Simulator(format!("the patch no longer applies: {text}")));
    }
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.args(arguments).current_dir(copy).env("CARGO_TARGET_DIR", target);
        // What cargo tells this process concerns the unbroken tree.
        cargo.env_remove("CARGO_MANIFEST_DIR");
        cargo
    };
    let clock = SystemClock::default();
    match &mutant.catcher {
        Catcher::Suite(scenarios) => {
            let build = cargo(&["build", "--profile", PROFILE, "--quiet", "-p", "drydock-sim"]);
            built(quiet(build).await?)?;
            let mut suite = Command::new(target.join(PROFILE).join("drydock-sim"));
            suite.current_dir(copy).env_remove("CARGO_MANIFEST_DIR");
            suite.args(["run", "--fidelity", "direct", "--until-failure", "--no-shrink", "--time"]);
            suite.arg(format!("{}s", time.as_secs()));
            match scenarios.is_empty() {
                true => suite.arg("all"),
                false => suite.args(scenarios),
            };
            let start = clock.monotonic();
            let (status, text) = quiet(suite).await?;
            let seconds = (clock.monotonic() - start).as_secs_f64();
            judged(status, &text, seconds)
        }
        Catcher::Test(arguments) => {
            let mut build = cargo(&["test", "--quiet", "--no-run"]);
            build.args(arguments);
            built(quiet(build).await?)?;
            let mut test = cargo(&["test", "--quiet"]);
            test.args(arguments);
            let start = clock.monotonic();
            let (status, _) = quiet(test).await?;
            let seconds = (clock.monotonic() - start).as_secs_f64();
            let how = format!("by `cargo test {}` in {seconds:.1} s", arguments.join(" "));
            Ok(match status {
                Some(0) => Fate::Survived(how),
                _ => Fate::Caught(how),
            })
        }
    }
}

/// What the suite's end means for the mutant.
fn judged(status: Option<i32>, text: &str, seconds: f64) -> Result<Fate, Failure> {
    let seeds = text.lines().rev().find_map(|line| line.split_once(" seeds in "));
    let seeds = seeds.map_or("?", |(seeds, _)| seeds);
    let what = text.lines().find(|line| line.starts_with("FAIL "));
    let what = what.unwrap_or("nothing failed");
    let how = format!("{seeds} seeds, {seconds:.1} s: {what}");
    let found = [exit::VIOLATED, exit::STUCK].map(|code| Some(i32::from(code)));
    if status == Some(i32::from(FINE)) {
        Ok(Fate::Survived(how))
    } else if found.contains(&status) {
        Ok(Fate::Caught(how))
    } else {
        Err(Failure::Simulator(format!("the suite ended with {status:?}: {}", text.trim())))
    }
}

fn built((status, text): (Option<i32>, String)) -> Result<(), Failure> {
    match status {
        Some(0) => Ok(()),
        _ => Err(Failure::Simulator(format!("it does not build: {}", text.trim()))),
    }
}

/// Keeps others from the copy and from what is built of it, as long as it is open.
fn lock(target: &Path) -> Result<File, Failure> {
    let lock = File::create(target.join("lock"))?;
    let taken = |_| Failure::Simulator("`mutants` is running already".to_owned());
    lock.try_lock().map_err(taken)?;
    Ok(lock)
}

/// The names of the files that git knows or would add.
async fn listed(tree: &Path) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = list.current_dir(tree).stdin(Stdio::null()).output().await?;
    if !listed.status.success() {
        let tree = tree.display();
        return Err(Failure::Simulator(format!("git cannot list the files of `{tree}`")));
    }
    let names = listed.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let names = names.map(|name| PathBuf::from(&*String::from_utf8_lossy(name)));
    Ok(names.filter(|name| tree.join(name).is_file()).collect())
}

/// Makes `copy` hold these files of `tree` and no others. Files that are equal already are left
/// alone, with their times, so that cargo builds only what differs from the build before.
fn sync_tree(tree: &Path, names: &BTreeSet<PathBuf>, copy: &Path) -> Result<(), Failure> {
    let mut folders = vec![copy.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.strip_prefix(copy).is_ok_and(|name| !names.contains(name)) {
                std::fs::remove_file(path)?;
            }
        }
    }
    for name in names {
        let (from, to) = (tree.join(name), copy.join(name));
        if std::fs::read(&to).ok() != Some(std::fs::read(&from)?) {
            std::fs::create_dir_all(to.parent().unwrap_or(copy))?;
            std::fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// Runs a command; its exit code and everything it said.
async fn quiet(mut command: Command) -> Result<(Option<i32>, String), Failure> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output.status.code(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_tree_changes_where_the_tree_differs_only() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, copy) = (folder.path().join("tree"), folder.path().join("copy"));
        for (path, text) in [("tree/a/equal", "1"), ("tree/b", "2"), ("tree/c", "3")] {
            std::fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(path), text).unwrap();
        }
        let all = ["a/equal", "b", "c"].map(PathBuf::from).into();
        std::fs::create_dir(&copy).unwrap();
        sync_tree(&tree, &all, &copy).unwrap();
        let epoch = std::time::SystemTime::UNIX_EPOCH;
        let equal = File::options().write(true).open(copy.join("a/equal")).unwrap();
        equal.set_modified(epoch).unwrap();
        std::fs::write(copy.join("b"), "broken").unwrap();
        std::fs::write(copy.join("a/left-over"), "").unwrap();
        sync_tree(&tree, &["a/equal", "b"].map(PathBuf::from).into(), &copy).unwrap();
        assert_eq!(std::fs::metadata(copy.join("a/equal")).unwrap().modified().unwrap(), epoch);
        assert_eq!(std::fs::read_to_string(copy.join("b")).unwrap(), "2");
        assert!(!copy.join("c").exists() && !copy.join("a/left-over").exists());
    }

    #[test]
    fn a_mutant_says_what_it_breaks_and_what_must_see_it() {
        let text = "# about: commits ignore the mode\n# caught by: suite feed-gap\n\n--- a\n";
        let mutant = parse(Path::new("sim/mutants/mode.patch"), text).unwrap();
        assert_eq!((&*mutant.name, &*mutant.about), ("mode", "commits ignore the mode"));
        assert_eq!(mutant.catcher, Catcher::Suite(vec!["feed-gap".to_owned()]));
        let silent = parse(Path::new("x.patch"), "# about: something\n--- a\n");
        assert!(silent.is_err_and(|error| error.to_string().contains("`# caught by:`")));
    }
}
