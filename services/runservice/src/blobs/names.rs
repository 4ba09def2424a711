//! The names of blobs, below the folder of the service: `<folder>/<attempt>/…`.

use drydock_api::runservice::types::AttemptId;

/// The folder of logs.
pub const LOGS: &str = "logs";
/// The folder of archives, as attempts name it, too.
pub const ARCHIVES: &str = "archives";
/// The folder of caches, as entries name it, too.
pub const CACHES: &str = "caches";

/// What the names of parts of logs end with.
pub const PART: &str = ".part";
/// What the names of complete logs end with.
pub const SEALED: &str = ".log.zst";
/// What the names of archives and of caches end with.
pub const ARCHIVE: &str = ".tar.zst";

/// The folder and the attempt of a blob. `None`: that is no name of a blob.
pub fn parse(name: &str) -> Option<(&str, AttemptId)> {
    let parts: Vec<&str> = name.split('/').collect();
    let (folder, attempt) = match parts[..] {
        [LOGS, attempt, parts, name] if parts.ends_with(".parts") && name.ends_with(PART) => {
            (LOGS, attempt)
        }
        [LOGS, attempt, name] if name.ends_with(SEALED) => (LOGS, attempt),
        [folder @ (ARCHIVES | CACHES), attempt, name] if name.ends_with(ARCHIVE) => {
            (folder, attempt)
        }
        _ => return None,
    };
    Some((folder, attempt.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_name_says_the_folder_and_the_attempt() {
        let attempt = AttemptId(Uuid::max());
        for (folder, rest) in [
            (LOGS, "003.parts/0000000000000005-0000000000000070-0.part"),
            (LOGS, "003-0.log.zst"),
            (ARCHIVES, "1-0.tar.zst"),
            (CACHES, "0.tar.zst"),
        ] {
            assert_eq!(parse(&format!("{folder}/{attempt}/{rest}")), Some((folder, attempt)));
            assert_eq!(parse(&format!("{folder}/one/{rest}")), None);
            assert_eq!(parse(&format!("other/{attempt}/{rest}")), None);
            assert_eq!(parse(&format!("{folder}/{attempt}/more/{rest}.txt")), None);
        }
        assert_eq!(parse(&format!("{ARCHIVES}/{attempt}/003-0.log.zst")), None);
        assert_eq!(parse(&format!("{LOGS}/{attempt}")), None);
    }
}
