//! A network namespace for a browser, with one cable that ends in the lab.

use super::BrowserError;
use crate::left::is_gone;
use parallax_record::foreign::inline;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::{fs, io, net::Ipv4Addr, os::unix::fs::MetadataExt as _, path::Path, process::Command};

/// What the names of these namespaces begin with; the number of the process that made one follows.
const PREFIX: &str = "parallax-viewer-";
/// And those of the cables' ends in the lab: names of interfaces have 15 bytes at most.
const CABLE: &str = "plx-v";
/// Where `ip` keeps namespaces.
const ALL: &str = "/run/netns";

/// A namespace. Dropped, it is gone, with all processes in it.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) name: String,
    /// The lab's end of its cable.
    pub(super) cable: String,
}

impl Namespace {
    /// Makes one with an address, and a default route over `gateway`.
    pub(super) fn make(
        address: Ipv4Addr,
        gateway: Ipv4Addr,
        prefix: u8,
    ) -> Result<Self, BrowserError> {
        let process = std::process::id();
        let own = Self { name: format!("{PREFIX}{process}"), cable: format!("{CABLE}{process}") };
        let (name, cable) = (own.name.as_str(), own.cable.as_str());
        if exists(name) {
            // Of an earlier process of this number.
            remove(name, cable);
        }
        ip(&["netns", "add", name])?;
        ip(&["link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name])?;
        // Neither the machine nor the browser is to speak IPv6 on it. Where that cannot be said, the port
        // refuses it.
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{cable}/disable_ipv6"), "1");
        let all = "net.ipv6.conf.all.disable_ipv6=1";
        let _ =
            Command::new("ip").args(["netns", "exec", name, "sysctl", "-q", "-w", all]).output();
        ip(&["link", "set", cable, "up"])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        ip(&["-n", name, "link", "set", "eth0", "up"])?;
        ip(&["-n", name, "address", "add", &format!("{address}/{prefix}"), "dev", "eth0"])?;
        ip(&["-n", name, "route", "add", "default", "via", &gateway.to_string()])?;
        Ok(own)
    }

    /// Ends the processes in it.
    pub(super) fn clear(&self) {
        clear(&self.name);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // What is left the next run finds.
        remove(&self.name, &self.cable);
    }
}

/// Removes what benches left that were killed; gives their names.
pub(super) fn sweep() -> Vec<String> {
    let Ok(all) = fs::read_dir(ALL) else { return Vec::new() };
    let names = all.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let left = names.filter_map(|name| Some((maker(&name).filter(|it| is_gone(*it))?, name)));
    let swept = left.filter_map(|(process, name)| {
        remove(&name, &format!("{CABLE}{process}"));
        // Where that is not permitted it stays.
        (!exists(&name)).then_some(name)
    });
    swept.collect()
}

fn exists(name: &str) -> bool {
    Path::new(ALL).join(name).exists()
}

/// The number of the process that made a namespace.
fn maker(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

fn remove(name: &str, cable: &str) {
    clear(name);
    // With either end the cable is gone; with the namespace its end there, but later.
    let _ = ip(&["link", "delete", cable]);
    let _ = ip(&["netns", "delete", name]);
}

/// Ends every process in a namespace, by a descriptor: a number may be another process's by the time of the kill.
fn clear(name: &str) {
    let Ok(namespace) = inode(&Path::new(ALL).join(name)) else { return };
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|number| number.parse().ok());
        let Some(process) = number.and_then(Pid::from_raw) else { continue };
        let Ok(process) = pidfd_open(process, PidfdFlags::empty()) else { continue };
        // What is behind the number now is what the descriptor names, or that has ended, and nothing is sent.
        if inode(&entry.path().join("ns/net")).is_ok_and(|of| of == namespace) {
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

fn ip(words: &[&str]) -> Result<(), BrowserError> {
    let refused = |cause: String| BrowserError::Namespace { words: words.join(" "), cause };
    let done = Command::new("ip").args(words).output().map_err(|e| refused(e.to_string()))?;
    if done.status.success() {
        return Ok(());
    }
    Err(refused(inline(String::from_utf8_lossy(&done.stderr).trim())))
}

/// Whether this process is root.
pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_tells_who_made_it() {
        assert_eq!(maker("parallax-viewer-77"), Some(77));
        assert_eq!(maker("parallax-viewer-"), None);
        assert_eq!(maker("parallax-board"), None);
        let longest = format!("{CABLE}{}", 1_u32 << 22);
        assert!(longest.len() <= 15, "{longest} is no name of an interface");
    }
}
