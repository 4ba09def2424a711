//! Folders that import each other in a circle cannot be read one after the other.
//!
//! In every folder of a package its subfolders and files are units; a unit imports another one if
//! any file of it names a path into the other. A circle of files in one folder is allowed; one that
//! goes through a subfolder is not. `mod.rs` and `lib.rs` are maps: their own imports do not count,
//! and names that they export lead to the file that has them.

use std::collections::{BTreeMap, BTreeSet};

use crate::tracked::{File, rust_files};

/// The circles of today, each as its folder and its members. An entry that is none any more fails.
const CIRCLES: [(&str, &[&str]); 1] =
    [("services/drydock/src/cli", &["args", "connect", "objects"])];

/// A module's path from the root of its package.
type Module = Vec<String>;
/// The units of a folder, each with those that it imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_folder_imports_in_a_circle() {
    let found = circles(&rust_files());
    let found: Vec<_> = found.iter().map(|(dir, units)| (dir.as_str(), units.clone())).collect();
    let known = CIRCLES.map(|(dir, units)| (dir, units.join(" ")));
    assert_eq!(found, known, "circles of folders found, and those that are known");
}

/// Every circle that goes through a folder: where it is, and its members.
fn circles(files: &[File]) -> Vec<(String, String)> {
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.is_test()) {
        let Some((root, path)) = file.path.split_once("src/") else { continue };
        packages.entry(root.to_owned()).or_default().add(path, &code(file));
    }
    let mut found = Vec::new();
    for (root, package) in packages {
        for (dir, imports) in package.imports() {
            let place = std::iter::once(format!("{root}src")).chain(dir.iter().cloned());
            let place = place.collect::<Vec<_>>().join("/");
            let is_folder = |unit: &&String| package.has_children(&dir, unit);
            let circles = rings(&imports);
            let folders = circles.iter().filter(|ring| ring.iter().any(|unit| is_folder(&unit)));
            found.extend(folders.map(|ring| (place.clone(), ring.join(" "))));
        }
    }
    found
}

#[derive(Default)]
struct Package {
    modules: BTreeMap<Module, String>,
}

impl Package {
    fn add(&mut self, path: &str, code: &str) {
        let mut module: Module =
            path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        module.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
        self.modules.entry(module).or_default().push_str(code);
    }

    fn has_children(&self, dir: &[String], unit: &str) -> bool {
        let below = |module: &Module| {
            module.len() > dir.len() + 1 && module.starts_with(dir) && module[dir.len()] == unit
        };
        self.modules.keys().any(below)
    }

    fn is_map(&self, module: &[String]) -> bool {
        self.modules.keys().any(|other| other.len() > module.len() && other.starts_with(module))
    }

    /// What the units of each folder import of each other.
    fn imports(&self) -> BTreeMap<Module, Imports> {
        let tests: BTreeSet<Module> = self.modules.iter().flat_map(test_modules).collect();
        let is_test = |module: &Module| (1..=module.len()).any(|n| tests.contains(&module[..n]));
        let mut found: BTreeMap<Module, Imports> = BTreeMap::new();
        for (module, text) in self.modules.iter().filter(|(module, _)| !is_test(module)) {
            for path in paths(text) {
                let Some(target) = self.resolve(module, &path) else { continue };
                let same = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (module.get(same), target.get(same)) {
                    let units = found.entry(module[..same].to_vec()).or_default();
                    units.entry(from.clone()).or_default().insert(to.clone());
                }
            }
        }
        found
    }

    /// The module that a path leads to, through the names that maps export.
    fn resolve(&self, from: &Module, path: &[String]) -> Option<Module> {
        let mut module = from.clone();
        let mut rest = path.iter();
        let mut next = rest.next()?;
        loop {
            match next.as_str() {
                "crate" => module.clear(),
                "super" => drop(module.pop()?),
                "self" => {}
                name => {
                    module.push(name.to_owned());
                    if !self.modules.contains_key(&module) && !self.is_map(&module) {
                        module.pop();
                        return Some(self.exporter(&module, name).unwrap_or(module));
                    }
                }
            }
            let Some(following) = rest.next() else { return Some(module) };
            next = following;
        }
    }

    /// The child from which a map exports a name.
    fn exporter(&self, map: &Module, name: &str) -> Option<Module> {
        if !self.is_map(map) {
            return None;
        }
        uses(self.modules.get(map)?).into_iter().find_map(|path| {
            let mut child = map.clone();
            child.push(path.first()?.clone());
            let exported = path.len() > 1 && path.last().is_some_and(|last| last == name);
            (exported && self.modules.contains_key(&child)).then_some(child)
        })
    }
}

/// The code without comments, and without the tests beside it.
fn code(file: &File) -> String {
    let (lines, _) = file.parts();
    lines.iter().map(|line| line.split("//").next().unwrap_or("").to_owned() + "\n").collect()
}

/// The children of a module that are compiled for tests only.
fn test_modules((module, text): (&Module, &String)) -> Vec<Module> {
    let lines: Vec<_> = text.lines().collect();
    let is_cfg = |line: &str| line.starts_with("#[cfg(test") || line.starts_with("#[cfg(any(test");
    let names = lines.windows(2).filter(|it| is_cfg(it[0])).filter_map(|it| {
        let declared = it[1].strip_suffix(';')?;
        Some(declared.split_once("mod ")?.1.to_owned())
    });
    names.map(|name| [module.as_slice(), &[name]].concat()).collect()
}

/// The paths that a file imports or names from its own package.
fn paths(text: &str) -> Vec<Module> {
    let mut found = uses(text);
    for root in ["crate::", "super::"] {
        for (at, _) in text.match_indices(root) {
            let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            let before = text[..at].chars().next_back();
            let end = text[at..].find(|c| !is_path(c)).map_or(text.len(), |end| at + end);
            if before.is_none_or(|c| !is_path(c)) {
                let path = text[at..end].trim_end_matches(':');
                found.push(path.split("::").map(str::to_owned).collect());
            }
        }
    }
    found.retain(|path| path.len() > 1 && ["crate", "super", "self"].contains(&path[0].as_str()));
    found
}

/// Every path of every `use`, its braces expanded.
fn uses(text: &str) -> Vec<Module> {
    let statements = text.match_indices("use ").filter_map(|(at, _)| {
        let line = text[..at].rsplit('\n').next().unwrap_or("").trim();
        let begins = line.is_empty() || line.starts_with("pub");
        begins.then(|| text[at + 4..].split(';').next().unwrap_or("").replace(" as ", "::"))
    });
    statements.flat_map(|tree| expand(&[], &tree.split_whitespace().collect::<String>())).collect()
}

fn expand(before: &[String], tree: &str) -> Vec<Module> {
    let Some((path, group)) = tree.split_once('{') else {
        let parts = tree.split("::").filter(|part| !part.is_empty()).map(str::to_owned);
        return vec![before.iter().cloned().chain(parts).collect()];
    };
    let path: Module = path.split("::").filter(|it| !it.is_empty()).map(str::to_owned).collect();
    let path = [before, &path].concat();
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices().chain([(group.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.extend(expand(&path, &group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// The groups of at least two units of which each imports every other one, also by others.
fn rings(imports: &Imports) -> BTreeSet<Vec<String>> {
    let reached = |from: &String| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(unit) = open.pop() {
            for next in imports.get(unit).into_iter().flatten() {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<_, _> = imports.keys().map(|unit| (unit, reached(unit))).collect();
    let ring = |unit: &String| {
        let back = |other: &&String| reached.get(*other).is_some_and(|it| it.contains(unit));
        reached[unit].iter().copied().filter(back).cloned().collect::<Vec<_>>()
    };
    imports.keys().map(ring).filter(|ring| ring.len() > 1).collect()
}

fn planted(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let file = |(path, text): &(&str, &str)| File {
        path: format!("core/src/{path}"),
        text: (*text).to_owned(),
    };
    circles(&files.iter().map(file).collect::<Vec<_>>())
}

#[test]
fn a_planted_circle_is_found_however_it_is_written() {
    let there = ("low/x.rs", "use crate::{env::Env, high::y::{Y, Z}};\n");
    for back in [
        "use crate::low::x::X;\n",
        "use super::super::low::x;\n",
        "fn f() -> crate::low::x::X {}\n",
        "pub(crate) use crate::low::X;\n",
    ] {
        let map = ("low/mod.rs", "mod x;\npub use x::{W, X};\n");
        let circle = ("core/src".to_owned(), "high low".to_owned());
        assert_eq!(planted(&[there, map, ("high/y.rs", back)]), [circle], "{back}");
    }
}

#[test]
fn a_circle_by_way_of_a_third_folder_is_found() {
    let files = [
        ("a/x.rs", "use crate::b::x;\n"),
        ("b/x.rs", "use crate::c;\n"),
        ("c.rs", "use crate::a::x;\n"),
    ];
    assert_eq!(planted(&files), [("core/src".to_owned(), "a b c".to_owned())]);
}

#[test]
fn a_name_that_a_map_exports_leads_to_its_file() {
    let files = [
        ("a/mod.rs", "mod sub;\nmod state;\npub use state::State;\n"),
        ("a/state.rs", "use super::sub::x::X;\n"),
        ("a/sub/x.rs", "use crate::a::State;\n"),
    ];
    assert_eq!(planted(&files), [("core/src/a".to_owned(), "state sub".to_owned())]);
}

#[test]
fn files_of_one_folder_and_tests_and_comments_may_refer_to_each_other() {
    let files = [
        ("a/mod.rs", "mod x;\n#[cfg(test)]\nmod losses;\n"),
        ("a/x.rs", "use super::y;\nuse crate::b::z;\n"),
        ("a/y.rs", "use super::x;\n"),
        ("a/losses.rs", "use crate::c::w;\n"),
        ("b/z.rs", "//! See [`crate::a::x`].\n#[cfg(test)]\nmod tests {\nuse crate::a::x;\n}\n"),
        ("c/w.rs", "use crate::a::x;\n"),
    ];
    assert_eq!(planted(&files), []);
}
