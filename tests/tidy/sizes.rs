use crate::tracked::{File, rust_files};

const FILE_LINES: usize = 400;
const FILE_WITH_TESTS_LINES: usize = 600;
const TESTS_BESIDE_CODE_LINES: usize = 300;
const COLUMNS: usize = 100;

/// Files above a limit.
const TOO_LONG: [&str; 0] = [];

fn too_long(file: &File) -> bool {
    let (code, tests) = file.parts();
    let limit = if file.is_test() { FILE_WITH_TESTS_LINES } else { FILE_LINES };
    code.len() >= limit
        || tests.len() > TESTS_BESIDE_CODE_LINES
        || code.len() + tests.len() >= FILE_WITH_TESTS_LINES
}

#[test]
fn files_are_short() {
    let long: Vec<_> = rust_files().into_iter().filter(too_long).map(|file| file.path).collect();
    assert_eq!(
        long, TOO_LONG,
        "code stays under {FILE_LINES} lines, its tests beside it under \
         {TESTS_BESIDE_CODE_LINES}, a whole file under {FILE_WITH_TESTS_LINES}"
    );
}

#[test]
fn lines_are_short() {
    let mut wide = Vec::new();
    for file in rust_files() {
        for (number, line) in file.text.lines().enumerate() {
            let is_table = line.trim_start().starts_with("//! |");
            if line.chars().count() > COLUMNS && !is_table {
                wide.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    assert_eq!(wide, [""; 0], "lines of more than {COLUMNS} columns");
}
