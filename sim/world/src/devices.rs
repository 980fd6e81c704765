//! The devices of a run: all on one turmoil host, each with tasks of its own.
//!
//! A turmoil host for each would cost more the more there are: in each step turmoil looks at every
//! pair of hosts, although nothing goes through its network. Here a device costs nothing in a step
//! in which none of its tasks has anything to do.

use crate::lock;
use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};
use tokio::task::LocalSet;

/// What a device runs, from power on until it is dropped.
pub(crate) type Code = Pin<Box<dyn Future<Output = ()>>>;

/// Makes what a device runs, once per boot.
pub(crate) type Boot<'a> = Box<dyn Fn() -> Code + 'a>;

/// All devices, in the order in which they were added.
pub(crate) struct Devices<'a> {
    boots: Vec<Boot<'a>>,
    running: Running,
}

/// Which of the devices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeviceId(usize);

impl<'a> Devices<'a> {
    /// None yet, on a turmoil host of `sim`.
    pub(crate) fn on(sim: &mut turmoil::Sim<'a>) -> Self {
        let running = Running::default();
        let on_host = running.clone();
        // Turmoil asks for it once: this host of its own never loses its power.
        sim.host("devices", move || {
            let on_host = on_host.clone();
            async move {
                on_host.await;
                Ok(())
            }
        });
        Self { boots: Vec::new(), running }
    }

    /// Adds a device, and switches it on.
    pub(crate) fn add(&mut self, boot: Boot<'a>) -> DeviceId {
        let id = DeviceId(self.boots.len());
        let waker = Arc::new(DeviceWaker {
            woken: AtomicBool::new(false),
            all: Arc::clone(&self.running.all),
        });
        self.running.devices.borrow_mut().push(Device { tasks: None, waker });
        self.boots.push(boot);
        self.switch_on(id);
        id
    }

    /// Starts a device's software from its beginning. To be called while the device is off.
    pub(crate) fn switch_on(&mut self, DeviceId(index): DeviceId) {
        let tasks = LocalSet::new();
        tasks.spawn_local(self.boots[index]());
        let waker = {
            let device = &mut self.running.devices.borrow_mut()[index];
            device.tasks = Some(tasks);
            Arc::clone(&device.waker)
        };
        waker.wake();
    }

    /// Drops all tasks of a device where they stand.
    pub(crate) fn switch_off(&mut self, DeviceId(index): DeviceId) {
        let tasks = self.running.devices.borrow_mut()[index].tasks.take();
        // With nothing borrowed: what is dropped may wake tasks of other devices.
        drop(tasks);
    }
}

/// The tasks of all devices, as a future that never completes. Clones are the same devices.
#[derive(Clone, Default)]
struct Running {
    devices: Rc<RefCell<Vec<Device>>>,
    all: Arc<Mutex<Option<Waker>>>,
}

struct Device {
    /// None while it is off.
    tasks: Option<LocalSet>,
    waker: Arc<DeviceWaker>,
}

impl Future for Running {
    type Output = ();

    /// Device by device, in their order, until none has anything left to do.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let before = lock(&self.all).replace(context.waker().clone());
        drop(before);
        loop {
            let mut any = false;
            let count = self.devices.borrow().len();
            for index in 0..count {
                any |= self.run(index);
            }
            if !any {
                return Poll::Pending;
            }
        }
    }
}

impl Running {
    /// Runs a device until none of its tasks has anything to do; says whether there was anything.
    fn run(&self, index: usize) -> bool {
        let waker = Arc::clone(&self.devices.borrow()[index].waker);
        let mut any = false;
        while waker.woken.swap(false, Ordering::Relaxed) {
            // Taken out meanwhile: a task may do anything but switch a device on or off, which is
            // the world's to do, between steps.
            let Some(mut tasks) = self.devices.borrow_mut()[index].tasks.take() else { break };
            any = true;
            let as_waker = Waker::from(Arc::clone(&waker));
            // Not ready as long as the software runs, and that is for as long as the device is on.
            let _ = Pin::new(&mut tasks).poll(&mut Context::from_waker(&as_waker));
            self.devices.borrow_mut()[index].tasks = Some(tasks);
        }
        any
    }
}

/// Notes that a device has something to do, and has all of them looked at.
struct DeviceWaker {
    woken: AtomicBool,
    all: Arc<Mutex<Option<Waker>>>,
}

impl Wake for DeviceWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::Relaxed) {
            let all = lock(&self.all).clone();
            if let Some(all) = all {
                all.wake();
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tasks of a device")]
mod tests {
    use super::*;
    use std::time::Duration;

    type Log = Arc<Mutex<Vec<String>>>;

    /// Says `name` whenever it is woken by one of `wakers`, and in a task of its own as it starts.
    fn device<'a>(name: &'static str, log: &Log, wakers: &Arc<Mutex<Vec<Waker>>>) -> Boot<'a> {
        let (log, wakers) = (Arc::clone(log), Arc::clone(wakers));
        Box::new(move || {
            let (log, wakers) = (Arc::clone(&log), Arc::clone(&wakers));
            Box::pin(async move {
                let second = Arc::clone(&log);
                tokio::task::spawn_local(async move {
                    lock(&second).push(format!("{name}, its second task"));
                });
                let held = Held(name, Arc::clone(&log));
                std::future::poll_fn(move |context| {
                    lock(&wakers).push(context.waker().clone());
                    lock(&held.1).push(held.0.to_owned());
                    Poll::Pending
                })
                .await
            })
        })
    }

    struct Held(&'static str, Log);

    impl Drop for Held {
        fn drop(&mut self) {
            lock(&self.1).push(format!("{} dropped", self.0));
        }
    }

    #[test]
    fn devices_run_in_their_order_and_one_without_power_has_no_tasks() {
        let mut sim = turmoil::Builder::new().tick_duration(Duration::from_millis(1)).build();
        let (log, wakers) = (Log::default(), [(); 2].map(|()| Arc::default()));
        let mut devices = Devices::on(&mut sim);
        let [first, second] = [("first", &wakers[0]), ("second", &wakers[1])]
            .map(|(name, wakers)| devices.add(device(name, &log, wakers)));
        let mut step = |devices: &mut Devices<'_>, act: fn(&mut Devices<'_>, [DeviceId; 2])| {
            act(devices, [first, second]);
            sim.step().expect("a step");
            std::mem::take(&mut *lock(&log))
        };
        let started = ["first", "first, its second task", "second", "second, its second task"];
        assert_eq!(step(&mut devices, |_, _| ()), started);
        assert!(step(&mut devices, |_, _| ()).is_empty(), "nobody was woken");
        for wakers in wakers.iter().rev() {
            lock(wakers)[0].wake_by_ref();
        }
        assert_eq!(step(&mut devices, |_, _| ()), ["first", "second"]);
        let off = step(&mut devices, |devices, [first, _]| devices.switch_off(first));
        assert_eq!(off, ["first dropped"]);
        for wakers in &wakers {
            lock(wakers)[0].wake_by_ref();
        }
        assert_eq!(step(&mut devices, |_, _| ()), ["second"], "a task that is gone is not woken");
        let on = step(&mut devices, |devices, [first, _]| devices.switch_on(first));
        assert_eq!(on, ["first", "first, its second task"], "it starts over");
    }
}
