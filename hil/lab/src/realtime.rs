//! Real-time priority for the threads whose delay is the network's.
//!
//! A thread has the priority of the one that started it: so no thread that has it may start a peer's.

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Above all that is ordinary, below the kernel's threads for interrupts, which have 50: the frames come
/// from there.
const PRIORITY: u8 = 20;
const FIFO: ThreadSchedulePolicy =
    ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);

/// Gives it to the calling thread for as long as that lasts.
///
/// # Errors
/// Why not, in words: the thread goes on as it was.
pub(crate) fn raise() -> Result<(), String> {
    let priority = ThreadPriority::Crossplatform(ThreadPriorityValue::try_from(PRIORITY)?);
    set_thread_priority_and_policy(thread_native_id(), priority, FIFO).map_err(
        |error| match error {
            thread_priority::Error::OS(number) => {
                std::io::Error::from_raw_os_error(number).to_string()
            }
            other => other.to_string(),
        },
    )
}

/// What a record says of it.
pub(crate) fn told(raised: &Result<(), String>) -> String {
    match raised {
        Ok(()) => format!("its threads for the network have real-time priority {PRIORITY}"),
        Err(why) => format!(
            "its threads for the network have no real-time priority ({why}): `sudo setcap \
             cap_sys_nice+ep` on the program gives it"
        ),
    }
}
