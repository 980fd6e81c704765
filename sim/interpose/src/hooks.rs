//! The replaced functions. Each falls through to the C library's unless its thread simulates.
#![expect(unsafe_code, reason = "this crate is where the project's unsafe code is")]

use crate::{
    EPOCH_UNIX_S, MONOTONIC_BASE_S,
    real::{self, ThreadMain, set_errno},
    state,
};
use libc::{c_int, c_long, c_uint, c_void, size_t, sockaddr, sockaddr_in, socklen_t, timespec};
use std::{
    backtrace::Backtrace,
    net::{Ipv4Addr, SocketAddrV4},
};

/// Whether a look-up by name finds each function of this file; else the name of one that it does not find.
pub(crate) fn check_linked() -> Result<(), &'static str> {
    let ours: [(&std::ffi::CStr, &'static str, *const ()); 9] = [
        (c"getrandom", "getrandom", getrandom as *const ()),
        (c"getentropy", "getentropy", getentropy as *const ()),
        (c"syscall", "syscall", syscall as *const ()),
        (c"clock_gettime", "clock_gettime", clock_gettime as *const ()),
        (c"gettimeofday", "gettimeofday", gettimeofday as *const ()),
        (c"time", "time", time as *const ()),
        (c"bind", "bind", bind as *const ()),
        (c"getsockname", "getsockname", getsockname as *const ()),
        (c"pthread_create", "pthread_create", pthread_create as *const ()),
    ];
    for (name, function, address) in ours {
        if !std::ptr::eq(real::visible(name).cast_const().cast(), address) {
            return Err(function);
        }
    }
    Ok(())
}

/// Fills from the run's entropy.
///
/// # Safety
/// `buffer` is valid for writes of `length` bytes.
unsafe fn fill(buffer: *mut c_void, length: size_t, map_keys: bool) {
    if length > 0 {
        // SAFETY: the caller's promise; zeroed first, so that the slice is of initialised bytes.
        let bytes = unsafe {
            std::ptr::write_bytes(buffer.cast::<u8>(), 0, length);
            std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length)
        };
        state::fill(bytes, map_keys);
    }
}

/// The standard library's request for the keys of hash maps (`hashmap_random_keys`).
fn is_map_keys(length: size_t, flags: c_uint) -> bool {
    length == 16 && flags & libc::GRND_INSECURE != 0
}

/// getrandom(2).
///
/// # Safety
/// As the C function: `buffer` is valid for writes of `length` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: size_t, flags: c_uint) -> isize {
    if state::is_on(state::ENTROPY) {
        // SAFETY: the caller's promise.
        unsafe { fill(buffer, length, is_map_keys(length, flags)) };
        return length.cast_signed();
    }
    match real::GETRANDOM.get() {
        // SAFETY: the arguments are the caller's own.
        Some(real) => unsafe { real(buffer, length, flags) },
        None => missing(),
    }
}

/// getentropy(3).
///
/// # Safety
/// As the C function: `buffer` is valid for writes of `length` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn getentropy(buffer: *mut c_void, length: size_t) -> c_int {
    if state::is_on(state::ENTROPY) {
        if length > 256 {
            set_errno(libc::EIO);
            return -1;
        }
        // SAFETY: the caller's promise.
        unsafe { fill(buffer, length, false) };
        return 0;
    }
    match real::GETENTROPY.get() {
        // SAFETY: the arguments are the caller's own.
        Some(real) => unsafe { real(buffer, length) },
        None => missing(),
    }
}

/// syscall(2). Variadic in C; six integer arguments at most, which the calling conventions of
/// 64-bit Linux pass alike. `ring` asks for randomness this way, past `getrandom`.
///
/// # Safety
/// As the C function: the arguments are valid for the system call `number`.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    if number == libc::SYS_getrandom && state::is_on(state::ENTROPY) {
        let buffer = std::ptr::with_exposed_provenance_mut::<c_void>(a.cast_unsigned() as usize);
        let length = b.cast_unsigned() as size_t;
        // The kernel reads an unsigned int: the low half of the register.
        let flags = (c & 0xffff_ffff) as c_uint;
        // SAFETY: `a` and `b` are the buffer and length of getrandom(2), by the caller's promise.
        unsafe { fill(buffer, length, is_map_keys(length, flags)) };
        return b;
    }
    match real::SYSCALL.get() {
        // SAFETY: the arguments are the caller's own.
        Some(real) => unsafe { real(number, a, b, c, d, e, f) },
        None => missing(),
    }
}

/// What a clock says on a simulating thread; none for the CPU-time clocks and unknown ones.
fn virtual_clock(clock: libc::clockid_t) -> Option<timespec> {
    let base_s = match clock {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE | libc::CLOCK_TAI => EPOCH_UNIX_S,
        libc::CLOCK_MONOTONIC
        | libc::CLOCK_MONOTONIC_COARSE
        | libc::CLOCK_MONOTONIC_RAW
        | libc::CLOCK_BOOTTIME => MONOTONIC_BASE_S,
        _ => return None,
    };
    let elapsed = state::elapsed_ns();
    Some(timespec {
        tv_sec: (base_s + elapsed / 1_000_000_000).cast_signed(),
        tv_nsec: (elapsed % 1_000_000_000).cast_signed(),
    })
}

/// clock_gettime(2).
///
/// # Safety
/// As the C function: `to` is valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, to: *mut timespec) -> c_int {
    if state::is_on(state::CLOCK)
        && !to.is_null()
        && let Some(now) = virtual_clock(clock)
    {
        // SAFETY: not null, and valid by the caller's promise.
        unsafe { to.write(now) };
        return 0;
    }
    match real::CLOCK_GETTIME.get() {
        // SAFETY: the arguments are the caller's own.
        Some(real) => unsafe { real(clock, to) },
        None => missing(),
    }
}

/// gettimeofday(2). C and C++ code (codecs) still uses it.
///
/// # Safety
/// As the C function: `to` is null or valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn gettimeofday(to: *mut libc::timeval, zone: *mut c_void) -> c_int {
    if state::is_on(state::CLOCK)
        && !to.is_null()
        && let Some(now) = virtual_clock(libc::CLOCK_REALTIME)
    {
        let now = libc::timeval { tv_sec: now.tv_sec, tv_usec: now.tv_nsec / 1_000 };
        // SAFETY: not null, and valid by the caller's promise.
        unsafe { to.write(now) };
        return 0;
    }
    match real::GETTIMEOFDAY.get() {
        // SAFETY: the arguments are the caller's own.
        Some(real) => unsafe { real(to, zone) },
        None => missing(),
    }
}

/// time(2).
///
/// # Safety
/// As the C function: `to` is null or valid for a write.
#[unsafe(no_mangle)]
unsafe extern "C" fn time(to: *mut libc::time_t) -> libc::time_t {
    if state::is_on(state::CLOCK)
        && let Some(now) = virtual_clock(libc::CLOCK_REALTIME)
    {
        if !to.is_null() {
            // SAFETY: not null, and valid by the caller's promise.
            unsafe { to.write(now.tv_sec) };
        }
        return now.tv_sec;
    }
    match real::TIME.get() {
        // SAFETY: the arguments are the caller's own.
        Some(real) => unsafe { real(to) },
        None => missing(),
    }
}

/// bind(2). On a simulating thread an IPv4 UDP socket is as good as bound, to any address, and
/// every other socket is refused: nothing may reach the operating system's network.
///
/// # Safety
/// As the C function: `address` is valid for reads of `length` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn bind(socket: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    if !state::is_on(state::BIND) {
        return match real::BIND.get() {
            // SAFETY: the arguments are the caller's own.
            Some(real) => unsafe { real(socket, address, length) },
            None => missing(),
        };
    }
    // SAFETY: the caller's promise.
    let asked = unsafe { read_address(address, length) };
    let Some(asked) = asked.filter(|_| is_datagram(socket)) else {
        state::refuse("bind of a socket that is not an IPv4 UDP one".to_owned());
        set_errno(libc::EAFNOSUPPORT);
        return -1;
    };
    if state::bind(socket, *asked.ip(), asked.port()).is_none() {
        state::refuse(format!("bind of {asked} outside of any simulated host"));
        set_errno(libc::EADDRNOTAVAIL);
        return -1;
    }
    0
}

/// getsockname(2).
///
/// # Safety
/// As the C function: `length` is valid, and `address` for writes of as many bytes as it says.
#[unsafe(no_mangle)]
unsafe extern "C" fn getsockname(
    socket: c_int,
    address: *mut sockaddr,
    length: *mut socklen_t,
) -> c_int {
    if state::is_on(state::BIND)
        && let Some(bound) = state::bound(socket)
    {
        // SAFETY: the caller's promise.
        return unsafe { write_address(bound, address, length) };
    }
    match real::GETSOCKNAME.get() {
        // SAFETY: the arguments are the caller's own.
        Some(real) => unsafe { real(socket, address, length) },
        None => missing(),
    }
}

/// pthread_create(3). A thread that a simulating one starts would have real clock and entropy.
///
/// # Safety
/// As the C function.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    main: ThreadMain,
    argument: *mut c_void,
) -> c_int {
    if state::is_on(state::THREADS) {
        let from = Backtrace::force_capture();
        state::refuse(format!("starting a thread, from:\n{from}"));
        return libc::EAGAIN;
    }
    match real::PTHREAD_CREATE.get() {
        // SAFETY: the arguments are the caller's own.
        Some(real) => unsafe { real(thread, attributes, main, argument) },
        None => libc::ENOSYS,
    }
}

/// The C library lacks the function.
fn missing<T: From<i8>>() -> T {
    set_errno(libc::ENOSYS);
    T::from(-1)
}

fn is_datagram(socket: c_int) -> bool {
    let mut kind: c_int = 0;
    let mut length = size_of::<c_int>() as socklen_t;
    // SAFETY: `kind` and `length` are valid for writes, and `length` is the size of `kind`.
    let failed = unsafe {
        libc::getsockopt(
            socket,
            libc::SOL_SOCKET,
            libc::SO_TYPE,
            (&raw mut kind).cast(),
            &raw mut length,
        )
    };
    failed == 0 && kind == libc::SOCK_DGRAM
}

/// # Safety
/// `address` is valid for reads of `length` bytes.
unsafe fn read_address(address: *const sockaddr, length: socklen_t) -> Option<SocketAddrV4> {
    if address.is_null() || (length as usize) < size_of::<sockaddr_in>() {
        return None;
    }
    // SAFETY: not null and long enough; read unaligned, since C promises nothing.
    let address = unsafe { address.cast::<sockaddr_in>().read_unaligned() };
    (c_int::from(address.sin_family) == libc::AF_INET).then(|| {
        let ip = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
        SocketAddrV4::new(ip, u16::from_be(address.sin_port))
    })
}

/// # Safety
/// `length` is valid, and `to` is valid for writes of as many bytes as it says.
unsafe fn write_address(from: SocketAddrV4, to: *mut sockaddr, length: *mut socklen_t) -> c_int {
    if to.is_null() || length.is_null() {
        set_errno(libc::EFAULT);
        return -1;
    }
    let address = sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: from.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*from.ip()).to_be() },
        sin_zero: [0; 8],
    };
    let whole = size_of::<sockaddr_in>();
    // SAFETY: not null, and valid by the caller's promise; no more is written than fits, and the
    // length told is the whole one, as getsockname(2) has it.
    unsafe {
        let fits = whole.min(*length as usize);
        std::ptr::copy_nonoverlapping((&raw const address).cast::<u8>(), to.cast::<u8>(), fits);
        *length = whole as socklen_t;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, enter, set_elapsed};

    fn all() -> Settings {
        Settings { entropy: Some([1; 32]), clock: true, ..Settings::default() }
    }

    fn clock(id: libc::clockid_t) -> (i64, i64) {
        let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is valid for a write.
        assert_eq!(unsafe { libc::clock_gettime(id, &raw mut now) }, 0);
        (now.tv_sec, now.tv_nsec)
    }

    #[test]
    fn every_wall_clock_of_the_c_library_is_virtual() {
        let _guard = enter(all()).expect("enter");
        set_elapsed(2_000_003_000);
        let epoch = EPOCH_UNIX_S.cast_signed();
        let base = MONOTONIC_BASE_S.cast_signed();
        for id in [libc::CLOCK_REALTIME, libc::CLOCK_REALTIME_COARSE, libc::CLOCK_TAI] {
            assert_eq!(clock(id), (epoch + 2, 3_000));
        }
        for id in [libc::CLOCK_MONOTONIC, libc::CLOCK_MONOTONIC_RAW, libc::CLOCK_BOOTTIME] {
            assert_eq!(clock(id), (base + 2, 3_000));
        }
        let mut day = libc::timeval { tv_sec: 0, tv_usec: 0 };
        let mut seconds: libc::time_t = 0;
        // SAFETY: both are valid for a write.
        unsafe {
            assert_eq!(libc::gettimeofday(&raw mut day, std::ptr::null_mut()), 0);
            assert_eq!(libc::time(&raw mut seconds), epoch + 2);
        }
        assert_eq!((day.tv_sec, day.tv_usec), (epoch + 2, 3));
        assert_eq!(seconds, epoch + 2);
    }

    #[test]
    fn cpu_time_stays_real() {
        let _guard = enter(all()).expect("enter");
        for id in [libc::CLOCK_THREAD_CPUTIME_ID, libc::CLOCK_PROCESS_CPUTIME_ID] {
            let start = clock(id);
            assert!(start.0 < EPOCH_UNIX_S.cast_signed().min(MONOTONIC_BASE_S.cast_signed()));
            while clock(id) == start {
                std::hint::spin_loop();
            }
        }
    }

    #[test]
    fn getentropy_follows_the_seed_and_knows_its_limit() {
        let draw = || {
            let _guard = enter(all()).expect("enter");
            let mut bytes = [0_u8; 256];
            // SAFETY: `bytes` is valid for writes of its length.
            assert_eq!(unsafe { libc::getentropy(bytes.as_mut_ptr().cast(), bytes.len()) }, 0);
            bytes
        };
        assert_eq!(draw(), draw());
        assert_ne!(draw(), [0; 256]);
        let _guard = enter(all()).expect("enter");
        let mut bytes = [0_u8; 257];
        // SAFETY: as above.
        assert_eq!(unsafe { libc::getentropy(bytes.as_mut_ptr().cast(), bytes.len()) }, -1);
    }

    #[test]
    fn other_system_calls_pass_through() {
        let _guard = enter(all()).expect("enter");
        // SAFETY: getpid has no arguments.
        let pid = unsafe { libc::syscall(libc::SYS_getpid) };
        assert_eq!(pid, i64::from(std::process::id()));
    }
}
