//! A file that no `mod` names is compiled by nobody, and its tests never run.

use std::path::Path;

use crate::tracked::{File, rust_files};

#[test]
fn every_file_is_a_module() {
    let files = rust_files();
    let forgotten: Vec<_> = files
        .iter()
        .filter(|file| !is_root(file) && !is_declared(file, &files))
        .map(|file| &file.path)
        .collect();
    assert_eq!(forgotten, [""; 0], "files that no `mod` names");
}

fn is_root(file: &File) -> bool {
    let path = Path::new(&file.path);
    path.ends_with("main.rs") || path.ends_with("src/lib.rs") || path.ends_with("build.rs")
}

fn is_declared(file: &File, files: &[File]) -> bool {
    let path = Path::new(&file.path);
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    // The folder in which the module's name stands for it, and that name.
    let (dir, name) = match stem(path) {
        Some(name) if name == "mod" => (file.dir(), stem(&file.dir())),
        name => (file.dir().join("x"), name),
    };
    let (Some(dir), Some(name)) = (dir.parent(), name) else { return false };
    let parents = ["mod.rs", "lib.rs", "main.rs"].map(|parent| dir.join(parent));
    let sibling = dir.with_extension("rs");
    files.iter().any(|parent| {
        let path = Path::new(&parent.path);
        (parents.iter().any(|it| it == path) || sibling == path) && declares(&parent.text, &name)
    })
}

fn declares(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        let line = line.strip_prefix("pub").map_or(line, |rest| match rest.split_once(") ") {
            Some((_, rest)) => rest,
            None => rest.trim_start(),
        });
        line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) == Some(name)
    })
}

#[test]
fn declarations_are_recognised_in_every_visibility() {
    for line in ["mod a;", "pub mod a;", "pub(crate) mod a;", "    mod a;"] {
        assert!(declares(line, "a"), "{line}");
    }
    for line in ["mod ab;", "// mod a;", "mod a {"] {
        assert!(!declares(line, "a"), "{line}");
    }
}

/// `mod.rs` and `lib.rs` are maps: they name things, and what is done is elsewhere. These do more.
const MAPS_WITH_LOGIC: [&str; 3] =
    ["core/src/coord/mod.rs", "core/src/db/mod.rs", "sim/src/command/mod.rs"];

#[test]
fn maps_hold_no_logic() {
    let is_map = |file: &&File| {
        let path = Path::new(&file.path);
        path.ends_with("mod.rs") || path.ends_with("src/lib.rs")
    };
    let with_logic = |file: &&File| {
        let loops = ["for ", "while ", "loop ", "match "];
        let (code, _) = file.parts();
        !file.is_test()
            && code.iter().any(|line| loops.iter().any(|word| line.trim().starts_with(word)))
    };
    let found: Vec<_> =
        rust_files().iter().filter(is_map).filter(with_logic).map(|it| it.path.clone()).collect();
    assert_eq!(found, MAPS_WITH_LOGIC);
}
