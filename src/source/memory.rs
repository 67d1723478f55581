//! A limit for single allocations of libgit2.
//!
//! A small received pack may contain a delta whose result has any size, and libgit2 allocates memory for the result
//! while it receives. It has no limit for that, but its allocation functions can be replaced, and it handles a failed
//! allocation.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Once;

use super::objects::MAX_OBJECT;

/// The largest allocation in bytes: an object, and what libgit2 adds to it.
const MAX_PIECE: u64 = MAX_OBJECT + (1 << 20);

/// `git_allocator` of libgit2's `git2/sys/alloc.h`.
#[repr(C)]
struct Allocator {
    allocate: extern "C" fn(usize, *const c_char, c_int) -> *mut c_void,
    reallocate: extern "C" fn(*mut c_void, usize, *const c_char, c_int) -> *mut c_void,
    free: extern "C" fn(*mut c_void),
}

static BOUNDED: Allocator = Allocator { allocate, reallocate, free };

/// Limits the allocations of this process's libgit2, which has been initialized.
pub(super) fn bound() {
    static SET: Once = Once::new();
    SET.call_once(set);
}

#[expect(unsafe_code, reason = "libgit2 takes its allocator only so")]
fn set() {
    // SAFETY: libgit2 copies the three functions, which have the types of its header. It does not matter which of them,
    // old or new, a piece of memory goes through: both are the C library's.
    let set =
        unsafe { libgit2_sys::git_libgit2_opts(libgit2_sys::GIT_OPT_SET_ALLOCATOR.cast_signed(), &raw const BOUNDED) };
    assert_eq!(set, 0, "libgit2 has this setting since 0.27");
}

fn is_too_large(size: usize) -> bool {
    size as u64 > MAX_PIECE
}

#[expect(unsafe_code, reason = "the C library's own function, behind a limit")]
extern "C" fn allocate(size: usize, _file: *const c_char, _line: c_int) -> *mut c_void {
    if is_too_large(size) {
        return std::ptr::null_mut();
    }
    // SAFETY: any size is allowed.
    unsafe { libc::malloc(size) }
}

#[expect(unsafe_code, reason = "the C library's own function, behind a limit")]
extern "C" fn reallocate(piece: *mut c_void, size: usize, _file: *const c_char, _line: c_int) -> *mut c_void {
    if is_too_large(size) {
        return std::ptr::null_mut();
    }
    // SAFETY: libgit2 gives back only what it got from these functions, or null.
    unsafe { libc::realloc(piece, size) }
}

#[expect(unsafe_code, reason = "the C library's own function")]
extern "C" fn free(piece: *mut c_void) {
    // SAFETY: libgit2 gives back only what it got from these functions, or null.
    unsafe { libc::free(piece) }
}
