//! Code of hosts, as long as they have power.

use crate::error::LabError;
use parallax_network::HostId;
use parallax_peer::BoxedTask;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::runtime::{Builder, Runtime};

/// Stack of a host's threads, bytes: futures of peers are deep in a build without optimisation.
const STACK: usize = 32 << 20;

/// Makes the code of one boot. The flag is true until the host loses its power; at the end of a run it is true.
type Boot = Box<dyn Fn(Arc<AtomicBool>) -> BoxedTask + Send>;

/// Hosts with code. Each has threads of its own, which end with its power.
#[derive(Default)]
pub(crate) struct Powered(BTreeMap<HostId, PoweredHost>);

struct PoweredHost {
    boot: Boot,
    power: Arc<AtomicBool>,
    runtime: Option<Runtime>,
}

impl Powered {
    /// Adds a host without power.
    pub(crate) fn add(
        &mut self,
        host: HostId,
        boot: impl Fn(Arc<AtomicBool>) -> BoxedTask + Send + 'static,
    ) {
        let power = Arc::default();
        self.0.insert(host, PoweredHost { boot: Box::new(boot), power, runtime: None });
    }

    /// Switches all hosts on.
    pub(crate) fn all_on(&mut self) -> Result<(), LabError> {
        self.0.values_mut().try_for_each(PoweredHost::on)
    }

    /// Switches a host on, if it is one of these.
    pub(crate) fn on(&mut self, host: HostId) -> Result<(), LabError> {
        self.0.get_mut(&host).map_or(Ok(()), PoweredHost::on)
    }

    /// Switches a host off, if it is one of these.
    pub(crate) fn off(&mut self, host: HostId) {
        if let Some(host) = self.0.get_mut(&host) {
            // First, so that code that sees its connections end finds the reason.
            host.power.store(false, Ordering::SeqCst);
            host.end();
        }
    }
}

impl PoweredHost {
    fn on(&mut self) -> Result<(), LabError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_stack_size(STACK)
            .enable_time()
            .build()
            .map_err(LabError::system("start a peer's threads"))?;
        // Each boot has its own: tasks of the one before must not take it for theirs.
        self.power = Arc::new(AtomicBool::new(true));
        runtime.spawn((self.boot)(Arc::clone(&self.power)));
        self.runtime = Some(runtime);
        Ok(())
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for PoweredHost {
    fn drop(&mut self) {
        self.end();
    }
}
