//! The two files that Tencent Cloud's own tools keep a key pair in: the SDKs' INI file and a tccli profile's JSON.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;
use tokio::io::AsyncReadExt;

use super::pair::{Credentials, CredentialsError};

/// Longest file that is read; real ones have under a kilobyte, but a session token may be long.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What a place holds.
#[derive(Debug, PartialEq)]
pub(super) enum FileContents {
    Pair(Credentials),
    /// Nothing, and what there is instead.
    Nothing(String),
}

/// Which of the two a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileFormat {
    Sdk,
    Profile,
}

pub(super) async fn read(path: &Path, format: FileFormat) -> Result<FileContents, CredentialsError> {
    let unusable = |reason: String| CredentialsError::Unusable { place: path.display().to_string(), reason };
    let file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(FileContents::Nothing("not there".to_owned()));
        }
        // A service is often shut out of all home folders: then the file is as good as not there, unlike one that is.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && tokio::fs::metadata(path).await.is_err() => {
            return Ok(FileContents::Nothing("its folder may not be entered".to_owned()));
        }
        Err(error) => return Err(unusable(format!("cannot be read ({error})"))),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).await.map_err(|error| unusable(error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(unusable(format!("is longer than {FILE_BYTES_MAX} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| unusable("is no UTF-8 text".to_owned()))?;
    match format {
        FileFormat::Sdk => sdk(&text),
        FileFormat::Profile => profile(&text),
    }
    .map_err(unusable)
}

/// `secret_id`, `secret_key` and perhaps `token` of section `[default]`. The INI crates worth having need a licence that
/// our policy leaves out, and this is all that the SDKs read of the format.
fn sdk(text: &str) -> Result<FileContents, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut section = "";
    let (mut id, mut key, mut token) = (None, None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if section == "default"
            && let Some((name, value)) = line.split_once(['=', ':'])
        {
            let value = value.trim().to_owned();
            match name.trim().to_ascii_lowercase().as_str() {
                "secret_id" => id = Some(value),
                "secret_key" => key = Some(value),
                "token" => token = Some(value),
                _ => {}
            }
        }
    }
    pair([("secret_id", id), ("secret_key", key), ("token", token)], "no secret_id in a section [default]")
}

/// A profile may stand for something else than the pair in it; what we cannot action as is refused, not passed over.
fn profile(text: &str) -> Result<FileContents, String> {
    // The parser's own words would quote the file.
    let profile: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON (line {})", error.line()))?;
    let field = |name: &str| profile[name].as_str().filter(|value| !value.is_empty()).map(str::to_owned);
    if field("role-arn").is_some() {
        return Err("names a role to assume (role-arn), which refreshd does not do; give it keys of its own".to_owned());
    }
    if field("type").is_some_and(|kind| kind == "cvm-role") {
        return Ok(FileContents::Nothing("says type cvm-role, the instance role".to_owned()));
    }
    let parts = [("secretId", field("secretId")), ("secretKey", field("secretKey")), ("token", field("token"))];
    pair(parts, "no secretId in it")
}

/// Half a pair is a mistake in this very place, not a reason to look at the next.
pub(super) fn pair(parts: [(&str, Option<String>); 3], none: &str) -> Result<FileContents, String> {
    let [(id_name, id), (key_name, key), (token_name, token)] = parts;
    let part = |part: Option<String>| part.filter(|value| !value.is_empty());
    match (part(id), part(key)) {
        (None, None) => Ok(FileContents::Nothing(none.to_owned())),
        (Some(_), None) => Err(format!("{id_name} is set and {key_name} is not")),
        (None, Some(_)) => Err(format!("{key_name} is set and {id_name} is not")),
        (Some(id), Some(key)) => {
            let named = |part: &str| match part {
                "secret_id" => id_name.to_owned(),
                "secret_key" => key_name.to_owned(),
                _ => token_name.to_owned(),
            };
            Credentials::new(id, key.into(), part(token).map(Into::into)).map(FileContents::Pair).map_err(|error| {
                match error {
                    CredentialsError::Malformed(part) => {
                        format!("{} has a space or a control character in it; copy it again without them", named(part))
                    }
                    other => other.to_string(),
                }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn summary(contents: Result<FileContents, String>) -> String {
        match contents {
            Ok(FileContents::Pair(pair)) => {
                let token = pair.token().map(|token| token.expose_secret().to_owned());
                format!("{} {} {}", pair.secret_id(), pair.secret_key().expose_secret(), token.unwrap_or_default())
            }
            Ok(FileContents::Nothing(reason)) => format!("nothing: {reason}"),
            Err(reason) => format!("refused: {reason}"),
        }
    }

    #[test]
    fn the_sdk_file_is_read_as_the_sdks_read_it() {
        let file = "\u{feff}# mine\r\n[other]\nsecret_id = X\nsecret_key = Y\r\n[default]\r\n  Secret_Id = AKID1\r\n; no\nsecret_key: k=1\r\ntoken=t\n";
        assert_eq!(summary(sdk(file)), "AKID1 k=1 t");
        assert_eq!(summary(sdk("[default]\nsecret_id=a\nsecret_key=b\ntoken =\n")), "a b ");
        for nothing in ["", "[other]\nsecret_id=a\nsecret_key=b", "secret_id=a\nsecret_key=b", "[default]\nsecret_id="]
        {
            assert_eq!(summary(sdk(nothing)), "nothing: no secret_id in a section [default]", "{nothing:?}");
        }
    }

    #[test]
    fn a_tccli_profile_is_read_and_what_it_stands_for_is_respected() {
        assert_eq!(summary(profile(r#"{"secretId":"a","secretKey":"b","token":"t","type":"oauth"}"#)), "a b t");
        assert_eq!(summary(profile(r#"{"secretId":"a","secretKey":"b","token":null}"#)), "a b ");
        assert_eq!(
            summary(profile(r#"{"type":"cvm-role","secretId":"a","secretKey":"b"}"#)),
            "nothing: says type cvm-role, the instance role"
        );
        assert!(
            summary(profile(r#"{"secretId":"a","secretKey":"b","role-arn":"qcs::x"}"#))
                .starts_with("refused: names a role")
        );
        assert_eq!(summary(profile("{}")), "nothing: no secretId in it");
        assert_eq!(summary(profile("[]")), "nothing: no secretId in it");
    }

    #[test]
    fn half_a_pair_and_stray_spaces_are_refused_and_never_quoted() {
        for (contents, reason) in [
            (sdk("[default]\nsecret_id=hush"), "refused: secret_id is set and secret_key is not"),
            (profile(r#"{"secretKey":"hush"}"#), "refused: secretKey is set and secretId is not"),
            (sdk("[default]\nsecret_id=a\nsecret_key=hu sh"), "refused: secret_key has a space"),
            (profile(r#"{"secretId":"a","secretKey":"b","token":"hu sh"}"#), "refused: token has a space"),
            (profile(r#"{"secretId":"hush""#), "refused: is no JSON (line 1)"),
        ] {
            let text = summary(contents);
            assert!(text.starts_with(reason) && !text.contains("hush") && !text.contains("hu sh"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_there_but_unreadable_is_no_missing_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        assert_eq!(read(&path, FileFormat::Sdk).await, Ok(FileContents::Nothing("not there".to_owned())));
        assert_eq!(
            read(Path::new("/dev/null/x"), FileFormat::Sdk).await,
            Ok(FileContents::Nothing("not there".to_owned()))
        );
        for bad in [vec![0xff, 0xfe], vec![b'x'; 70_000]] {
            std::fs::write(&path, bad).expect("a file");
            assert!(matches!(read(&path, FileFormat::Sdk).await, Err(CredentialsError::Unusable { .. })));
        }
        assert!(matches!(read(folder.path(), FileFormat::Profile).await, Err(CredentialsError::Unusable { .. })));
    }
}
