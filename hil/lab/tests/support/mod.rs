//! Tests in a network namespace of their own.

use std::{io::Write as _, process::Command};

/// Set where a test runs in a namespace of its own.
const INSIDE: &str = "PARALLAX_TEST_NAMESPACE";

/// Whether the test `name` is to do its work: in a network namespace of its own, where it is run again
/// for that. Interfaces are root's to make; in CI they have to be.
pub(crate) fn inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        return true;
    }
    if permitted() {
        let program = std::env::current_exe().expect("it runs");
        let mut again = Command::new("unshare");
        again.arg("--net").arg(program).args([name, "--exact", "--nocapture"]).env(INSIDE, "1");
        let done = again.output().expect("unshare is there");
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(done.status.success() && said.contains("1 passed"), "{said}");
    }
    false
}

fn permitted() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let tool = |name, flag| Command::new(name).arg(flag).output().is_ok();
    if root && tool("ip", "-V") && tool("unshare", "-V") {
        return true;
    }
    let text = "not run: needs root and iproute2";
    writeln!(std::io::stderr(), "{text}").expect("it is there");
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{text}");
    false
}

/// Runs `ip`.
pub(crate) fn ip(arguments: &str) {
    let done = Command::new("ip").args(arguments.split(' ')).output().expect("ip is there");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "ip {arguments}: {said}");
}
