//! The pepper's file: 32 random bytes beside the database, for its owner alone.
//!
//! Beside and not inside: a person with a copy of the database (a backup, a bundle, a stolen disk image of it) has the
//! hashes and nothing to check them with. Lost, all tokens must be made anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::store::Pepper;

const BYTES: usize = 32;

/// None if there is no pepper yet.
pub(crate) fn read(database: &Path) -> io::Result<Option<Pepper>> {
    let bytes = match fs::read(beside(database, "pepper")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let key: [u8; BYTES] =
        bytes.try_into().map_err(|_| io::Error::new(ErrorKind::InvalidData, "the pepper file has not 32 bytes"))?;
    Ok(Some(Pepper::new(key)))
}

/// The pepper, made first if there is none. Two who make it at once end with the same one.
pub(crate) fn read_or_make(database: &Path) -> io::Result<Pepper> {
    if let Some(pepper) = read(database)? {
        return Ok(pepper);
    }
    make(database)?;
    read(database)?.ok_or_else(|| io::Error::new(ErrorKind::NotFound, "the pepper file vanished"))
}

/// Written whole under another name, then linked into place, which fails if someone was first.
fn make(database: &Path) -> io::Result<()> {
    let mut key = [0; BYTES];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    let draft = beside(database, &format!("pepper.{}", uuid::Uuid::new_v4()));
    let place = beside(database, "pepper");
    let written = write(&draft, &key, database).and_then(|()| match fs::hard_link(&draft, &place) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written.and(removed)?;
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn write(draft: &Path, key: &[u8], database: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(key)?;
    file.sync_all()?;
    // Made by root for a daemon that is another user: the owner of the database must be able to read it.
    let (owner, mine) = (fs::metadata(database)?, file.metadata()?);
    if (owner.uid(), owner.gid()) != (mine.uid(), mine.gid()) {
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(format!(".{ending}"));
    PathBuf::from(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::domain::{Token, TokenId};

    #[test]
    fn the_pepper_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("x.db");
        File::create(&database).expect("a file");
        assert!(read(&database).expect("readable").is_none());
        let token = Token::of(TokenId::from_u64(1), [3; 32]);
        let hashes: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..8).map(|_| scope.spawn(|| read_or_make(&database).expect("a pepper"))).collect();
            handles.into_iter().map(|handle| handle.join().expect("a thread").hash(&token)).collect()
        });
        assert!(hashes.iter().all(|hash| *hash == hashes[0]), "everybody got the same one");
        let mode = fs::metadata(beside(&database, "pepper")).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "no draft is left");
    }

    #[test]
    fn a_pepper_of_another_length_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("x.db");
        fs::write(beside(&database, "pepper"), b"short").expect("written");
        assert_eq!(read(&database).expect_err("too short").kind(), ErrorKind::InvalidData);
    }
}
