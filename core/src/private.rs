//! Makes files and folders that only their owner can read: modes 0600 and 0700, under any umask.
//!
//! Everything that the product makes holds names or secrets. It is made with these functions; what
//! libraries make stands in a folder that was.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;

/// Options to open a file; one that is made is for its owner only.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE);
    options
}

/// Makes a folder and those above it that are missing. One that is there is left as it is.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// Writes a file; one that is there is overwritten, and closed to others.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = options().write(true).create(true).truncate(true).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE))?;
    file.write_all(content)
}

/// Closes to others what an older version has made. What is missing is no error.
pub fn restrict(path: &Path) -> io::Result<()> {
    let there = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        there => there?,
    };
    let mode = if there.is_dir() { FOLDER } else { FILE };
    if there.is_symlink() || there.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let (outer, inner) = (dir.path().join("outer"), dir.path().join("outer/inner"));
        create_dir_all(&inner).unwrap();
        assert_eq!((mode(&outer), mode(&inner)), (FOLDER, FOLDER));
        let (first, second) = (inner.join("first"), inner.join("second"));
        write(&first, b"1").unwrap();
        options().write(true).create_new(true).open(&second).unwrap();
        assert_eq!((mode(&first), mode(&second)), (FILE, FILE));
    }

    #[test]
    fn what_an_older_version_made_is_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, file) = (dir.path().join("folder"), dir.path().join("file"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(&file, "").unwrap();
        for path in [&folder, &file] {
            std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
            restrict(path).unwrap();
        }
        assert_eq!((mode(&folder), mode(&file)), (FOLDER, FILE));
        restrict(&dir.path().join("missing")).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        write(&file, b"1").unwrap();
        assert_eq!(mode(&file), FILE);
    }
}
