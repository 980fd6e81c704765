//! The C library's own functions, looked up once.
#![expect(unsafe_code, reason = "this crate is where the project's unsafe code is")]

use libc::{c_char, c_int, c_long, c_void, size_t, sockaddr, socklen_t, timespec};
use std::{
    cell::Cell,
    ffi::CStr,
    marker::PhantomData,
    sync::atomic::{AtomicPtr, Ordering},
};

pub(crate) type ThreadMain = extern "C" fn(*mut c_void) -> *mut c_void;

pub(crate) static GETRANDOM: Real<unsafe extern "C" fn(*mut c_void, size_t, u32) -> isize> =
    Real::new(c"getrandom");
pub(crate) static GETENTROPY: Real<unsafe extern "C" fn(*mut c_void, size_t) -> c_int> =
    Real::new(c"getentropy");
pub(crate) static SYSCALL: Real<
    unsafe extern "C" fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long,
> = Real::new(c"syscall");
pub(crate) static CLOCK_GETTIME: Real<
    unsafe extern "C" fn(libc::clockid_t, *mut timespec) -> c_int,
> = Real::new(c"clock_gettime");
pub(crate) static GETTIMEOFDAY: Real<
    unsafe extern "C" fn(*mut libc::timeval, *mut c_void) -> c_int,
> = Real::new(c"gettimeofday");
pub(crate) static TIME: Real<unsafe extern "C" fn(*mut libc::time_t) -> libc::time_t> =
    Real::new(c"time");
pub(crate) static BIND: Real<unsafe extern "C" fn(c_int, *const sockaddr, socklen_t) -> c_int> =
    Real::new(c"bind");
pub(crate) static GETSOCKNAME: Real<
    unsafe extern "C" fn(c_int, *mut sockaddr, *mut socklen_t) -> c_int,
> = Real::new(c"getsockname");
pub(crate) static PTHREAD_CREATE: Real<
    unsafe extern "C" fn(
        *mut libc::pthread_t,
        *const libc::pthread_attr_t,
        ThreadMain,
        *mut c_void,
    ) -> c_int,
> = Real::new(c"pthread_create");

/// A function of the C library, of type `F`.
pub(crate) struct Real<F> {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
    of: PhantomData<F>,
}

thread_local! {
    /// A look-up is under way on this thread.
    static LOOKING: Cell<bool> = const { Cell::new(false) };
}

impl<F: Copy> Real<F> {
    const fn new(name: &'static CStr) -> Self {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
        Self { name, found: AtomicPtr::new(std::ptr::null_mut()), of: PhantomData }
    }

    /// The function; none if the C library lacks it, or if the look-up itself asks for it.
    pub(crate) fn get(&self) -> Option<F> {
        let mut found = self.found.load(Ordering::Relaxed);
        if found.is_null() {
            if LOOKING.replace(true) {
                return None;
            }
            let name: *const c_char = self.name.as_ptr();
            // SAFETY: the name is a C string; RTLD_NEXT asks for the definition after ours.
            found = unsafe { libc::dlsym(libc::RTLD_NEXT, name) };
            LOOKING.set(false);
            if found.is_null() {
                return None;
            }
            self.found.store(found, Ordering::Relaxed);
        }
        // SAFETY: `F` is a function pointer, of a pointer's size (asserted in `new`), with the
        // signature that the C library documents for this name (the statics above).
        Some(unsafe { std::mem::transmute_copy::<*mut c_void, F>(&found) })
    }
}

/// The definition that a look-up by name finds in this process.
pub(crate) fn visible(name: &CStr) -> *mut c_void {
    // SAFETY: the name is a C string.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

pub(crate) fn set_errno(code: c_int) {
    // SAFETY: the address of this thread's errno is always valid.
    unsafe { *libc::__errno_location() = code };
}
