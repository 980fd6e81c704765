//! Chromium's sandbox: an unprivileged user that runs the browser, and whether its pages are confined then.
//!
//! Chromium confines its pages by user namespaces and seccomp, and refuses to do so for root. A bench that is root
//! starts it as a user of its own; where the machine allows no such user a namespace, it runs without.

use crate::state::is_program;
use parallax_files as files;
use serde_json::Value;
use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, chown},
    path::Path,
    process::Command,
};

/// From here on user numbers are free: systemd's containers end below it. The bench's process number is added.
const OWN_USERS: u32 = 0x7000_0000;
/// Where user numbers are few, as in a container: `nobody`.
const NOBODY: u32 = 65_534;
/// Ends with 3 where there are no user namespaces, with 4 where the profile's folder cannot be reached.
const PROBE: &str = "unshare --user --map-root-user true || exit 3; test -w \"$0\" || exit 4";

/// The user that is to run the browser, to whom the folder `profile` is given then; or why there is none.
pub(super) fn user(profile: &Path) -> Result<u32, String> {
    for program in ["setpriv", "unshare"] {
        if !is_program(program) {
            return Err(format!("there is no `{program}` (util-linux)"));
        }
    }
    let mut why = String::new();
    for user in [OWN_USERS + std::process::id(), NOBODY] {
        match tried(user, profile) {
            Ok(()) => return Ok(user),
            Err(cause) => why = cause,
        }
    }
    // It is root's again.
    let _ = chown(profile, Some(0), Some(0));
    Err(why)
}

/// Whether a program of that user could confine itself.
fn tried(user: u32, profile: &Path) -> Result<(), String> {
    chown(profile, Some(user), Some(user)).map_err(|error| error.to_string())?;
    let words = as_user(user);
    let (program, words) = words.split_first().ok_or("there is no program")?;
    let mut probe = Command::new(program);
    let probe = probe.args(words).args(["sh", "-c", PROBE]).arg(profile);
    let ended = probe.output().map_err(|error| format!("setpriv: {error}"))?;
    match ended.status.code() {
        Some(0) => Ok(()),
        Some(3) => Err("the kernel allows unprivileged users no user namespaces (sysctl \
                        user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)"
            .to_owned()),
        Some(4) => Err(format!("unprivileged users do not reach {} (TMPDIR)", profile.display())),
        _ => Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned()),
    }
}

/// What starts a program as that user, who cannot become another.
pub(super) fn as_user(user: u32) -> [String; 5] {
    let id = |key: &str| format!("--{key}={user}");
    let words = ["setpriv".to_owned(), id("reuid"), id("regid")];
    let [program, user, group] = words;
    [program, user, group, "--clear-groups".to_owned(), "--no-new-privs".to_owned()]
}

/// Whether the processes that show pages are confined, by what the browser says of its processes.
pub(super) fn seen(processes: &Value) -> Result<(), String> {
    let all = processes["processInfo"].as_array().ok_or("it does not name its processes")?;
    let renderers = all.iter().filter(|process| process["type"] == "renderer");
    let ids: Vec<u64> = renderers.filter_map(|process| process["id"].as_u64()).collect();
    if ids.is_empty() {
        return Err("none of its processes shows a page".to_owned());
    }
    let confined = |id: &u64| is_confined(Path::new("/proc"), *id).unwrap_or(false);
    match ids.iter().all(confined) {
        true => Ok(()),
        false => {
            Err("the processes of its pages have no user namespace and seccomp filter of their own"
                .to_owned())
        }
    }
}

fn is_confined(proc: &Path, id: u64) -> io::Result<bool> {
    let of = |process: &str| {
        fs::metadata(proc.join(process).join("ns/user")).map(|found| (found.dev(), found.ino()))
    };
    let own = of(&id.to_string())? != of("self")?;
    let status = proc.join(id.to_string()).join("status");
    let status = files::text(&status, files::WRITTEN_MOST)?;
    Ok(own && status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};
    use tempfile::TempDir;

    #[test]
    fn a_page_is_confined_by_a_namespace_and_a_filter() {
        let proc = TempDir::new().expect("a folder");
        for (id, filter) in [("self", 0), ("7", 2), ("8", 0)] {
            let folder = proc.path().join(id);
            fs::create_dir_all(folder.join("ns")).expect("a folder");
            fs::write(folder.join("ns/user"), "").expect("a file");
            fs::write(folder.join("status"), format!("Name:\tx\nSeccomp:\t{filter}\n"))
                .expect("a file");
        }
        assert!(is_confined(proc.path(), 7).expect("it is there"));
        assert!(!is_confined(proc.path(), 8).expect("it is there"), "no filter");
        let own = proc.path().join("7/ns/user");
        fs::remove_file(&own).expect("it was there");
        fs::hard_link(proc.path().join("self/ns/user"), &own).expect("a link");
        assert!(!is_confined(proc.path(), 7).expect("it is there"), "no namespace of its own");
        assert!(is_confined(proc.path(), 9).is_err());
    }

    #[test]
    fn a_browser_whose_pages_are_not_seen_to_be_confined_is_told() {
        let own = std::process::id();
        let of = |kind: &str| json!({ "processInfo": [{ "type": kind, "id": own }] });
        assert!(
            seen(&of("renderer"))
                .expect_err("it is this very process")
                .contains("no user namespace")
        );
        assert!(
            seen(&of("browser")).expect_err("it shows nothing").contains("none of its processes")
        );
        assert!(seen(&json!({})).is_err());
    }

    #[test]
    fn a_user_that_cannot_reach_its_folder_is_none() {
        let folder = TempDir::new().expect("a folder");
        let profile = folder.path().join("profile");
        fs::create_dir(&profile).expect("a folder");
        // The folder above lets no other user through.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("it is ours");
        // Of who is not root, the system says so.
        assert!(!user(&profile).expect_err("nobody gets there").is_empty());
        let of = |path: &Path| fs::metadata(path).expect("it is there").uid();
        assert_eq!(of(&profile), of(Path::new("/proc/self")), "it is given back");
    }
}
