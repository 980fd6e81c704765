//! A program's network namespace: a TAP interface with address and route, its own table of mounts.

use crate::{error::ProgramError, message::NamespacePlan};
use nix::sched::{CloneFlags, unshare};
use rtnetlink::{LinkUnspec, RouteMessageBuilder, new_connection};
use rustix::{
    mount::{MountPropagationFlags, mount_bind, mount_change},
    process::{getegid, geteuid},
};
use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

/// As on most boards.
const INTERFACE: &str = "eth0";
/// Locally administered; the same after each boot.
const ETHERNET_ADDRESS: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];
/// Number of `lo` in each namespace.
const LOOPBACK: u32 = 1;

/// Moves this process into a namespace of its own, and makes its Ethernet port.
pub(crate) fn make(plan: &NamespacePlan) -> Result<SyncDevice, ProgramError> {
    if let Err(error) = fs::metadata("/dev/net/tun") {
        return Err(ProgramError::NoTun(error));
    }
    enter().map_err(ProgramError::NoNamespace)?;
    // What is mounted here is seen by the program alone.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(set_up("keep its mounts to itself"))?;
    // Its Ethernet carries IPv4 alone. Where that cannot be said, the lab refuses the other frames.
    let _ = fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    let tap = DeviceBuilder::new()
        .name(INTERFACE)
        .layer(Layer::L2)
        .mac_addr(ETHERNET_ADDRESS)
        .ipv4(plan.address, plan.prefix, None)
        .build_sync();
    let tap = tap.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound => ProgramError::NoTun(error),
        _ => set_up("make its Ethernet port")(error),
    })?;
    tap.set_nonblocking(true).map_err(set_up("make its Ethernet port"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(set_up("talk to the kernel"))?;
    runtime.block_on(route(plan.gateway)).map_err(set_up("set its route"))?;
    if let Some(file) = &plan.resolv_conf {
        // A system without the file, or that keeps it elsewhere, asks other servers, which are not there.
        let _ = mount_bind(file, Path::new("/etc/resolv.conf"));
    }
    Ok(tap)
}

/// New namespaces for network and mounts; for users as well, where this process may not make them otherwise.
fn enter() -> io::Result<()> {
    let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    let (user, group) = (geteuid(), getegid());
    if user.is_root() && unshare(own).is_ok() {
        return Ok(());
    }
    unshare(own | CloneFlags::CLONE_NEWUSER)?;
    // The program's user is `root` in there, and no other user is.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {} 1", user.as_raw()))?;
    fs::write("/proc/self/gid_map", format!("0 {} 1", group.as_raw()))
}

/// The loopback interface, and the way to everywhere.
async fn route(gateway: Ipv4Addr) -> io::Result<()> {
    let (connection, handle, _) = new_connection()?;
    let connection = tokio::spawn(connection);
    let loopback = LinkUnspec::new_with_index(LOOPBACK).up().build();
    handle.link().set(loopback).execute().await.map_err(io::Error::other)?;
    let default_route = RouteMessageBuilder::<IpAddr>::new()
        .destination_prefix(Ipv4Addr::UNSPECIFIED.into(), 0)
        .and_then(|route| route.gateway(gateway.into()))
        .map_err(io::Error::other)?;
    handle.route().add(default_route.build()).execute().await.map_err(io::Error::other)?;
    connection.abort();
    Ok(())
}

fn set_up<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> ProgramError {
    move |cause| ProgramError::SetUp { what, cause: cause.into() }
}
