//! The whole.

use core::net::Ipv4Addr;

use crate::{
    HostId, Ledger, LinkConfig, LinkId, LossError, Output, Packet, SiteConfig, SiteId, Time,
    TopologyError,
};

/// The network of a run.
#[derive(Debug)]
pub struct Network;

#[expect(missing_docs, unused_variables, clippy::unimplemented, reason = "signatures first")]
impl Network {
    pub fn new(seed: u64) -> Self {
        unimplemented!()
    }
    pub fn add_site(&mut self, name: &str, config: SiteConfig) -> Result<SiteId, TopologyError> {
        unimplemented!()
    }
    pub fn add_host(
        &mut self,
        name: &str,
        site: SiteId,
        address: Ipv4Addr,
    ) -> Result<HostId, TopologyError> {
        unimplemented!()
    }
    pub fn add_service(&mut self, name: &str, address: Ipv4Addr) -> Result<HostId, TopologyError> {
        unimplemented!()
    }
    pub fn handle(&mut self, now: Time, from: HostId, packet: Packet) {
        unimplemented!()
    }
    pub fn poll(&mut self, now: Time) -> Option<Output> {
        unimplemented!()
    }
    pub fn next_deadline(&self) -> Option<Time> {
        unimplemented!()
    }
    pub fn ledger(&self) -> Ledger {
        unimplemented!()
    }
    pub fn host_name(&self, host: HostId) -> &str {
        unimplemented!()
    }
    pub fn host_address(&self, host: HostId) -> Ipv4Addr {
        unimplemented!()
    }
    pub fn site_name(&self, site: SiteId) -> &str {
        unimplemented!()
    }
    pub fn up_link(&self, site: SiteId) -> Option<LinkId> {
        unimplemented!()
    }
    pub fn down_link(&self, site: SiteId) -> Option<LinkId> {
        unimplemented!()
    }
    pub fn set_link(
        &mut self,
        now: Time,
        link: LinkId,
        config: LinkConfig,
    ) -> Result<(), LossError> {
        unimplemented!()
    }
    pub fn reboot_gateway(&mut self, now: Time, site: SiteId) {
        unimplemented!()
    }
    pub fn cut(&mut self, now: Time, host: HostId) {
        unimplemented!()
    }
    pub fn restore(&mut self, now: Time, host: HostId) {
        unimplemented!()
    }
}
