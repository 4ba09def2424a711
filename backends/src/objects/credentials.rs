//! Credentials in a file, as AWS's own tools write it.
//!
//! The file is read for every request that is signed, so replacing it needs no restart.
//! Absent on purpose: profiles that take another role, and programs that print credentials.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;

/// One profile of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsFile {
    pub path: PathBuf,
    pub profile: String,
}

/// A file without usable credentials.
#[derive(Debug, thiserror::Error)]
#[error("credentials file `{}` {problem}", path.display())]
pub struct CredentialsError {
    path: PathBuf,
    problem: String,
}

impl CredentialsFile {
    /// Reads the credentials that the file holds now.
    pub fn read(&self) -> Result<AwsCredential, CredentialsError> {
        let failed = |problem| CredentialsError { path: self.path.clone(), problem };
        let text = std::fs::read_to_string(&self.path)
            .map_err(|error| failed(format!("cannot be read: {error}")))?;
        let value = |key: &str| value(&text, &self.profile, key);
        let needed = |key: &str| {
            let missing = || failed(format!("has no `{key}` in profile `{}`", self.profile));
            value(key).ok_or_else(missing)
        };
        Ok(AwsCredential {
            key_id: needed("aws_access_key_id")?,
            secret_key: needed("aws_secret_access_key")?,
            token: value("aws_session_token"),
        })
    }
}

#[async_trait]
impl CredentialProvider for CredentialsFile {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let read = self.read().map(Arc::new);
        read.map_err(|error| object_store::Error::Generic { store: "S3", source: error.into() })
    }
}

/// The value of a key below the head `[profile]`.
fn value(text: &str, profile: &str, key: &str) -> Option<String> {
    let mut within = false;
    for line in text.lines().map(str::trim) {
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            within = head.trim() == profile;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| within)
            && name.trim() == key
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, profile: &str) -> (tempfile::TempDir, CredentialsFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        std::fs::write(&path, text).unwrap();
        (folder, CredentialsFile { path, profile: profile.to_owned() })
    }

    const TEXT: &str = "# comment = none\n[default]\naws_access_key_id = A\n\
                        aws_secret_access_key=S+/=\n\n[ other ]\naws_access_key_id = B\n\
                        aws_secret_access_key = T\naws_session_token = U\n";

    #[test]
    fn each_profile_has_its_own_keys_and_a_replaced_file_counts_at_once() {
        let (_folder, default) = file(TEXT, "default");
        let read = default.read().unwrap();
        assert_eq!((&*read.key_id, &*read.secret_key, read.token), ("A", "S+/=", None));
        let other = CredentialsFile { profile: "other".to_owned(), ..default.clone() };
        let read = other.read().unwrap();
        assert_eq!((&*read.key_id, read.token.as_deref()), ("B", Some("U")));
        let later = TEXT.replace("= A", "= C");
        std::fs::write(&default.path, later).unwrap();
        assert_eq!(default.read().unwrap().key_id, "C");
    }

    #[test]
    fn an_unusable_file_is_named_with_the_missing_key() {
        let (folder, missing) = file(TEXT, "production");
        let said = missing.read().unwrap_err().to_string();
        assert!(said.contains("`aws_access_key_id` in profile `production`"), "{said}");
        drop(folder);
        let said = missing.read().unwrap_err().to_string();
        assert!(said.contains("cannot be read"), "{said}");
    }
}
