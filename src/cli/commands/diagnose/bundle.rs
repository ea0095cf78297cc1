//! The bundle's file: taken before the daemon is asked, whole or not at all, and never in the place of another.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::error::CliError;
use crate::cli::output::terminal;

/// Where the bundle will be.
pub(super) struct BundleDestination {
    path: PathBuf,
    /// In the same folder, so that giving it its name cannot fail half-way.
    draft: NamedTempFile,
}

impl BundleDestination {
    /// # Errors
    /// There is a file already, or none can be made there.
    pub(super) fn take(path: &Path) -> Result<Self, CliError> {
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = NamedTempFile::with_prefix_in(".refreshd-", folder).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), draft })
    }

    /// # Errors
    /// It cannot be written, or somebody else made a file there meanwhile.
    pub(super) fn fill(mut self, bytes: &[u8]) -> Result<(), CliError> {
        let written = self.draft.write_all(bytes).and_then(|()| self.draft.as_file().sync_all());
        written.map_err(|error| unwritable(&self.path, &error))?;
        self.draft.persist_noclobber(&self.path).map_err(|fault| match fault.error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&self.path),
            _ => unwritable(&self.path, &fault.error),
        })?;
        terminal::note(&format!("the bundle is in {}; read it before you send it on", self.path.display()));
        Ok(())
    }
}

fn exists(path: &Path) -> CliError {
    CliError::Usage(format!("--bundle: {} exists already and is left as it is; name another file", path.display()))
}

fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::Usage(format!("--bundle: {} cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_never_takes_anothers_place_and_leaves_no_draft() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ticket.zip");
        let late = BundleDestination::take(&path).expect("a place");
        BundleDestination::take(&path).expect("a place").fill(b"first").expect("written");
        let text = late.fill(b"second").expect_err("a file is there").to_string();
        assert!(text.contains("exists already"), "{text}");
        assert!(BundleDestination::take(&path).is_err());
        assert_eq!(std::fs::read(&path).expect("the file"), b"first");
        assert_eq!(folder.path().read_dir().expect("the folder").count(), 1);
        assert!(BundleDestination::take(&folder.path().join("nowhere/ticket.zip")).is_err());
    }
}
