//! Usage errors and help.

use crate::support::binary::{Ended, refreshd};

#[test]
fn usage_errors_have_the_code_of_their_kind() {
    for (words, code) in [
        (&["purge"][..], 2),
        (&["purge", "https://h/a", "--dry-walk"], 2),
        (&["job", "42"], 2),
        (&["nonsense"], 2),
        (&[], 2),
        (&["serve", "--nonsense"], 64),
        (&["sandbox"], 64),
        (&["sandbox", "--listen", "127.0.0.1:0", "--session-token", "of nobody"], 64),
        (&["serve", "--help"], 0),
        (&["--version"], 0),
    ] {
        let ended = Ended::of(refreshd("http://127.0.0.1:1").args(words).output().expect("it runs"));
        ended.expect(code);
        assert_eq!(ended.out.is_empty(), code != 0, "{words:?}: requested help is data");
    }
}
