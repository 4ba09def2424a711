//! Real folders, and archives that no honest packer makes.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, Cursor, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::budget::{Budget, MAX_UNPACKED_BYTES};
use super::cache::{MAX_LOOKS, Patience};
use super::error::ArchiveError;
use super::unpack::unpack_within;
use super::{pack, unpack};
use crate::attempt::Frame;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap()
}

fn packed(root: &Path, patterns: &[&str]) -> Result<(Vec<u8>, Vec<String>), ArchiveError> {
    let patterns: Vec<OsString> = patterns.iter().map(OsString::from).collect();
    let mut archive = Vec::new();
    let packed = pack::pack(root, &patterns, &mut archive)?;
    Ok((archive, packed.left_out))
}

/// The names of the entries of an archive, in their order.
fn names(archive: &[u8]) -> Vec<String> {
    let tar = zstd::stream::decode_all(archive).unwrap();
    let mut tar = tar::Archive::new(&tar[..]);
    let name = |entry: io::Result<tar::Entry<'_, _>>| {
        String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap()
    };
    tar.entries().unwrap().map(name).collect()
}

/// Archives with the tasks that have saved them, and the tasks above those.
fn framed(archives: &[(&str, &[&str], &[u8])]) -> Cursor<Vec<u8>> {
    let mut input = Vec::new();
    for (task, above, archive) in archives {
        let above = above.iter().map(|name| name.parse().unwrap()).collect();
        let task = task.parse().unwrap();
        input.extend(Frame { task, above, size: archive.len() as u64 }.line());
        input.extend(*archive);
    }
    Cursor::new(input)
}

fn unpacked(root: &Path, archive: &[u8]) -> Result<unpack::Unpacked, ArchiveError> {
    unpack::unpack(root, &mut framed(&[("a", &[], archive)]))
}

/// An archive of entries as they are given: kind, name, link, mode, bytes.
fn forged(entries: &[(EntryType, &str, &str, u32, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (kind, name, link, mode, bytes) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        // Not by the setters, which refuse such names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_mode(*mode);
        header.set_size(bytes.len() as u64);
        header.set_mtime(1);
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    zstd::bulk::compress(&tar.into_inner().unwrap(), 1).unwrap()
}

const FILE: EntryType = EntryType::Regular;
const LINK: EntryType = EntryType::Symlink;

#[test]
fn what_is_packed_is_laid_out_the_same() {
    let (from, to) = (folder(), folder());
    write(from.path(), "target/app", "program");
    write(from.path(), "target/deep/er/data", &"x".repeat(100_000));
    write(from.path(), &format!("target/{}/end", "long/".repeat(60)), "far away");
    write(from.path(), "target/empty", "");
    write(from.path(), "other", "not this");
    let app = from.path().join("target/app");
    fs::set_permissions(&app, Permissions::from_mode(0o4755)).unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::open(&app).unwrap().set_modified(long_ago).unwrap();
    fs::set_permissions(from.path().join("target/deep"), Permissions::from_mode(0o755)).unwrap();
    symlink("deep/er", from.path().join("target/link")).unwrap();
    fs::create_dir(from.path().join("target/nothing")).unwrap();

    let (archive, left_out) = packed(from.path(), &["target"]).unwrap();
    assert_eq!(left_out, [""; 0]);
    let tar = zstd::stream::decode_all(&archive[..]).unwrap();
    let mode = |entry: io::Result<tar::Entry<'_, _>>| entry.unwrap().header().mode().unwrap();
    let modes = tar::Archive::new(&tar[..]).entries().unwrap().map(mode).max();
    assert!(modes.is_some_and(|mode| mode <= 0o777), "no right of another user is packed");
    let unpacked = unpacked(to.path(), &archive).unwrap();
    assert_eq!((unpacked.archives, unpacked.conflicts), (1, Vec::new()));
    assert_eq!(read(to.path(), "target/app"), "program");
    assert_eq!(read(to.path(), "target/link/data").len(), 100_000);
    assert_eq!(read(to.path(), &format!("target/{}/end", "long/".repeat(60))), "far away");
    assert!(to.path().join("target/nothing").is_dir());
    assert!(!to.path().join("other").exists());
    let metadata = |path: &str| to.path().join(path).metadata().unwrap();
    assert_eq!(metadata("target/app").mode() & 0o7777, 0o755, "nor laid out");
    assert_eq!(metadata("target/app").mtime(), 1_000_000_000);
    assert_eq!(metadata("target/deep").mode() & 0o7777, 0o755);
}

#[test]
fn an_archive_is_sorted_and_says_nothing_of_owners() {
    let from = folder();
    for path in ["b", "a/z", "a/b", "a-b", "c"] {
        write(from.path(), path, path);
    }
    let (archive, _) = packed(from.path(), &["*"]).unwrap();
    assert_eq!(names(&archive), ["a", "a-b", "a/b", "a/z", "b", "c"].map(str::to_owned).sorted());
    let tar = zstd::stream::decode_all(&archive[..]).unwrap();
    for entry in tar::Archive::new(&tar[..]).entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        assert_eq!(header.username().unwrap(), Some(""));
    }
    assert_eq!(packed(from.path(), &["*"]).unwrap().0, archive, "the same bytes each time");
}

/// Names as the tar file has them: a folder, and then what is in it.
trait Sorted {
    fn sorted(self) -> Vec<String>;
}

impl<const N: usize> Sorted for [String; N] {
    fn sorted(self) -> Vec<String> {
        let mut names = self.to_vec();
        names.sort_by_key(|name| name.split('/').map(str::to_owned).collect::<Vec<_>>());
        names
    }
}

#[test]
fn patterns_choose_files_and_whole_folders() {
    let from = folder();
    for path in ["a/x.txt", "a/y.bin", "a/sub/z.txt", "b/x.txt", "top.txt", ".hidden/h"] {
        write(from.path(), path, path);
    }
    for (patterns, expected) in [
        (&["a/*.txt"][..], &["a/x.txt"][..]),
        (&["**/*.txt"], &["a/sub/z.txt", "a/x.txt", "b/x.txt", "top.txt"]),
        (&["./a/sub/", "top.txt"], &["a/sub", "a/sub/z.txt", "top.txt"]),
        (&["b", "b/x.txt"], &["b", "b/x.txt"]),
        (&["{a,b}/x.txt"], &["a/x.txt", "b/x.txt"]),
    ] {
        let (archive, _) = packed(from.path(), patterns).unwrap();
        assert_eq!(names(&archive), expected, "{patterns:?}");
    }
    let (archive, _) = packed(from.path(), &["."]).unwrap();
    assert_eq!(names(&archive).len(), 10, "{:?}", names(&archive));
    for (patterns, error) in [
        (&["nothing"][..], "`nothing` matches nothing"),
        (&["a", "b/*.bin"], "`b/*.bin` matches nothing"),
        (&["a["], "`a[` is no pattern of paths"),
    ] {
        let refused = packed(from.path(), patterns).unwrap_err().to_string();
        assert!(refused.starts_with(error), "{refused}");
    }
}

#[test]
fn what_leads_out_or_is_no_file_is_left_out_with_a_word() {
    let (from, secret) = (folder(), folder());
    write(secret.path(), "key", "the executor's");
    write(from.path(), "out/file", "mine");
    symlink(secret.path().join("key"), from.path().join("out/absolute")).unwrap();
    symlink("../../key", from.path().join("out/up")).unwrap();
    symlink("../out/file", from.path().join("out/inside")).unwrap();
    let _socket = UnixListener::bind(from.path().join("out/socket")).unwrap();
    let (archive, left_out) = packed(from.path(), &["out"]).unwrap();
    assert_eq!(names(&archive), ["out", "out/file", "out/inside"]);
    assert_eq!(left_out.len(), 3, "{left_out:?}");
    let tar = zstd::stream::decode_all(&archive[..]).unwrap();
    assert!(!tar.windows(14).any(|bytes| bytes == b"the executor's"), "no link is followed");
    for nth in 0..30 {
        symlink("/", from.path().join(format!("out/root{nth}"))).unwrap();
    }
    assert_eq!(packed(from.path(), &["out"]).unwrap().1.len(), 20, "a word for each of the first");
}

#[test]
fn no_more_is_packed_than_may_be() {
    let from = folder();
    // It takes no room on the disk, and is too large all the same.
    let large = File::create(from.path().join("large")).unwrap();
    large.set_len(MAX_UNPACKED_BYTES + 1).unwrap();
    assert!(matches!(packed(from.path(), &["large"]), Err(ArchiveError::TooLarge)));
}

#[test]
fn no_entry_leaves_the_folder() {
    let long = format!("{}/x", "y".repeat(60));
    let attacks: [(&str, Vec<u8>); 14] = [
        ("an absolute name", forged(&[(FILE, "/evil", "", 0o644, b"x")])),
        ("a name that leads up", forged(&[(FILE, "../evil", "", 0o644, b"x")])),
        ("one that leads up later", forged(&[(FILE, "a/../../evil", "", 0o644, b"x")])),
        ("an absolute link", forged(&[(LINK, "l", "/etc", 0o777, b"")])),
        ("a link that leads up", forged(&[(LINK, "l", "..", 0o777, b"")])),
        ("a deep one", forged(&[(LINK, "a/b/l", "../../../x", 0o777, b"")])),
        ("one that leads up by another", {
            forged(&[(LINK, "a/b/up", "../..", 0o777, b""), (LINK, "l", "a/b/up/..", 0o777, b"")])
        }),
        ("a file below a link", {
            forged(&[(LINK, "l", "a", 0o777, b""), (FILE, "l/evil", "", 0o644, b"x")])
        }),
        ("a folder in place of a link", {
            forged(&[(LINK, "l", "a", 0o777, b""), (EntryType::Directory, "l", "", 0o755, b"")])
        }),
        ("a hard link", forged(&[(EntryType::Link, "l", "/etc/passwd", 0o644, b"")])),
        ("a device", forged(&[(EntryType::Char, "null", "", 0o666, b"")])),
        ("a pipe", forged(&[(EntryType::Fifo, "pipe", "", 0o666, b"")])),
        ("a file in place of a folder", {
            forged(&[(EntryType::Directory, "d", "", 0o755, b""), (FILE, "d", "", 0o644, b"x")])
        }),
        ("a file that is a folder", {
            forged(&[(FILE, "f", "", 0o644, b"x"), (FILE, "f/x", "", 0o644, b"x")])
        }),
    ];
    for (what, archive) in attacks {
        let outer = folder();
        let root = outer.path().join("work");
        fs::create_dir(&root).unwrap();
        let refused = unpacked(&root, &archive);
        assert!(refused.is_err(), "{what}: {refused:?}");
        let names: Vec<_> = fs::read_dir(outer.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{what}: {names:?}");
    }
    let fine = forged(&[
        // As other programs begin.
        (EntryType::Directory, "./", "", 0o755, b""),
        (FILE, &long, "", 0o644, b"x"),
        (LINK, "l", "./a", 0o777, b""),
    ]);
    unpacked(folder().path(), &fine).unwrap();
}

#[test]
fn a_link_that_is_there_already_is_not_followed() {
    let (outer, archive) = (folder(), forged(&[(FILE, "out/evil", "", 0o644, b"x")]));
    let root = outer.path().join("work");
    fs::create_dir(&root).unwrap();
    symlink("..", root.join("out")).unwrap();
    unpacked(&root, &archive).unwrap_err();
    assert!(!outer.path().join("evil").exists());
    // In place of a file it is replaced, and what it leads to stays.
    write(outer.path(), "kept", "kept");
    symlink("../kept", root.join("file")).unwrap();
    unpacked(&root, &forged(&[(FILE, "file", "", 0o644, b"new")])).unwrap();
    assert_eq!((read(&root, "file"), read(outer.path(), "kept")), ("new".into(), "kept".into()));
}

#[test]
fn rights_of_other_users_are_dropped() {
    let root = folder();
    let archive = forged(&[
        (FILE, "app", "", 0o6755, b"x"),
        (EntryType::Directory, "closed", "", 0o1000, b""),
        (FILE, "closed/in", "", 0o400, b"x"),
    ]);
    unpacked(root.path(), &archive).unwrap();
    let mode = |path: &str| root.path().join(path).metadata().unwrap().mode() & 0o7777;
    assert_eq!([mode("app"), mode("closed"), mode("closed/in")], [0o755, 0o700, 0o400]);
}

#[test]
fn no_more_is_unpacked_than_may_be() {
    let archive = forged(&[(FILE, "a", "", 0o644, &[0; 5000]), (FILE, "b", "", 0o644, b"x")]);
    let within = |entries, bytes| {
        let input = &mut framed(&[("a", &[], &archive)]);
        unpack_within(folder().path(), input, Budget::of(entries, bytes)).map(|it| it.entries)
    };
    assert_eq!(within(2, 5001).unwrap(), 2);
    assert!(matches!(within(1, 5001), Err(ArchiveError::TooMany)));
    assert!(matches!(within(2, 5000), Err(ArchiveError::TooLarge)));
    // A name that goes on for ever is no entry, and has to be read all the same.
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(64 << 20);
    header.set_cksum();
    let mut tar = header.as_bytes().to_vec();
    tar.extend(vec![b'x'; 64 << 20]);
    let bomb = zstd::bulk::compress(&tar, 1).unwrap();
    assert!(bomb.len() < 64 << 10, "{}", bomb.len());
    let input = &mut framed(&[("a", &[], &bomb)]);
    let refused = unpack_within(folder().path(), input, Budget::of(10, 1 << 20));
    assert!(refused.unwrap_err().to_string().contains("more than it may"));
}

#[test]
fn later_archives_lie_over_earlier_ones_and_differences_without_an_order_are_told() {
    let of = |entries: &[(&str, &[u8])]| {
        let entries: Vec<_> =
            entries.iter().map(|(name, bytes)| (FILE, *name, "", 0o644, *bytes)).collect();
        forged(&entries)
    };
    let (base, left, right) = (
        of(&[("shared", b"0"), ("same", b"s")]),
        of(&[("shared", b"1"), ("both", b"left"), ("same", b"s")]),
        of(&[("both", b"right"), ("same", b"s")]),
    );
    let root = folder();
    let mut input = framed(&[
        ("base", &[], &base),
        ("left", &["base"], &left),
        ("right", &["base"], &right),
        ("right", &["base"], &of(&[("both", b"again")])),
    ]);
    let unpacked = unpack::unpack(root.path(), &mut input).unwrap();
    assert_eq!((unpacked.archives, unpacked.entries), (4, 8));
    assert_eq!(read(root.path(), "shared"), "1");
    assert_eq!(read(root.path(), "both"), "again");
    let [conflict] = &unpacked.conflicts[..] else { panic!("{:?}", unpacked.conflicts) };
    assert!(conflict.starts_with("`both` differs between the tasks `left` and `right`"));
}

#[test]
fn links_and_the_right_to_execute_are_differences_too() {
    let of = |link: &str, mode| {
        let mut entries =
            vec![(LINK, "link", link, 0o777, &b""[..]), (FILE, "app", "", mode, b"x")];
        let names: Vec<String> = (0..30).map(|nth| format!("n{nth}")).collect();
        entries.extend(names.iter().map(|name| (FILE, &**name, "", mode, &b"x"[..])));
        forged(&entries)
    };
    let told = |left: &[u8], right: &[u8]| {
        let mut input = framed(&[("left", &[], left), ("right", &[], right)]);
        unpack::unpack(folder().path(), &mut input).unwrap().conflicts
    };
    let plain = of("a", 0o644);
    assert_eq!(told(&plain, &of("a", 0o600)), [""; 0], "a umask is none");
    let [link] = &told(&plain, &of("b", 0o644))[..] else { panic!("one differs") };
    assert!(link.starts_with("`link` differs"), "{link}");
    let many = told(&plain, &of("a", 0o755));
    assert!(many[0].starts_with("`app` differs"), "{many:?}");
    assert_eq!(many.len(), 20, "the first are told");
}

#[test]
fn an_archive_that_is_cut_off_or_damaged_is_refused() {
    let from = folder();
    write(from.path(), "a", &"some text ".repeat(1000));
    let (archive, _) = packed(from.path(), &["a"]).unwrap();
    for end in [1, 10, archive.len() / 2, archive.len() - 1] {
        let cut = unpacked(folder().path(), &archive[..end]);
        assert!(cut.is_err(), "{end}: {cut:?}");
    }
    let mut input = framed(&[("a", &[], &archive)]).into_inner();
    input.truncate(input.len() - 1);
    assert!(unpack::unpack(folder().path(), &mut Cursor::new(input)).is_err());
    // One of which a byte is said to follow that does not come.
    let size = archive.len() as u64 + 1;
    let mut input = Frame { task: "a".parse().unwrap(), above: [].into(), size }.line();
    input.extend(&archive);
    assert!(unpack::unpack(folder().path(), &mut Cursor::new(input)).is_err());
    let mut input = b"{\"task\":".to_vec();
    input.write_all(&archive).unwrap();
    assert!(unpack::unpack(folder().path(), &mut Cursor::new(input)).is_err());
}

#[test]
fn an_answer_is_waited_for_as_long_as_it_grows() {
    let mut patience = Patience::default();
    for size in 1..=3 {
        let ends = (0..MAX_LOOKS).filter(|_| patience.ends(size)).count();
        assert_eq!(ends, 0, "it has grown to {size}");
    }
    assert!(patience.ends(3));
}
