//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file, its path relative to the repository's root.
pub struct File {
    pub path: String,
    pub text: String,
}

pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Runs a command in the root; answers what it printed.
///
/// # Panics
/// If it fails.
pub fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("`{program}` does not run: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{program} {}`: {errors}", args.join(" "));
    String::from_utf8(output.stdout).expect("the output is a text")
}

/// Every file that is, or is about to be, under version control, and is a text.
pub fn files() -> Vec<File> {
    let listed = run("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let mut paths: Vec<_> = listed.split_terminator('\0').map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).ok()?;
        Some(File { path, text })
    };
    paths.into_iter().filter_map(read).collect()
}

pub fn rust_files() -> Vec<File> {
    files().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

impl File {
    pub fn dir(&self) -> PathBuf {
        Path::new(&self.path).parent().unwrap_or(Path::new("")).to_owned()
    }

    /// Whether all of it is tests or what only tests use.
    pub fn is_test(&self) -> bool {
        let path = &self.path;
        path.starts_with("tests/")
            || path.contains("/tests/")
            || path.contains("/conformance/")
            || path.ends_with("/tests.rs")
            || path.ends_with("/testkit.rs")
            || path.contains("/testkit/")
            || TEST_MODULES.contains(&path.as_str())
    }

    /// The lines before the module of tests, and those of it.
    pub fn parts(&self) -> (Vec<&str>, Vec<&str>) {
        let lines: Vec<_> = self.text.lines().collect();
        let begins = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1] == "mod tests {";
        match lines.windows(2).position(begins) {
            Some(at) => (lines[..at].to_vec(), lines[at..].to_vec()),
            None => (lines, Vec::new()),
        }
    }
}

/// Tests whose names do not say so.
const TEST_MODULES: [&str; 1] = ["core/src/coord/memory/model.rs"];

#[test]
fn the_listing_finds_this_very_file() {
    let path = "tests/tidy/tracked.rs";
    let this = files().into_iter().find(|file| file.path == path).expect("it is listed");
    assert!(this.is_test() && this.text.contains("finds_this_very_file"));
}
