//! What the allocator of glibc keeps of freed memory.
#![expect(
    unsafe_code,
    reason = "mallopt(3) and malloc_trim(3), which no crate has as safe functions"
)]

use nix::libc::{M_MMAP_THRESHOLD, malloc_trim, mallopt};

/// Blocks of this size, in bytes, are returned to the system when they are freed: the table of each snapshot, which is read
/// once a second. By itself glibc raises this size to that of the largest block that was freed (up to 32 MiB), and keeps such
/// blocks.
const LARGE: i32 = 256 << 10;

/// Lets large blocks be returned when they are freed. For programs that run for long.
pub fn return_large_blocks() {
    // SAFETY: it takes no pointer, and any thread may call it at any time.
    unsafe {
        mallopt(M_MMAP_THRESHOLD, LARGE);
    }
}

/// Returns what is free between used blocks, in whole pages.
pub fn return_free_memory() {
    // SAFETY: it takes no pointer, and any thread may call it at any time.
    unsafe {
        malloc_trim(0);
    }
}
