//! The allocator of the benchmarks: mimalloc, as a program that cares for speed would take it, with a count of the bytes that are held.
#![allow(dead_code, reason = "only one benchmark counts")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libmimalloc_sys::{mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned};

/// An allocator with a count of the bytes that are held. It is mimalloc, which a program that cares for speed would take.
struct Counting;

/// What every block of mimalloc is aligned to: asking for no more than that is its fast way.
const ALIGNED: usize = 16;

/// The bytes that are held, counted while they are asked for.
pub static HELD: AtomicUsize = AtomicUsize::new(0);
/// Counting costs time: only while memory is measured.
pub static COUNTS: AtomicBool = AtomicBool::new(false);

fn count(more: usize, less: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        HELD.fetch_add(more.wrapping_sub(less), Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the allocator unchanged; only a number is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        unsafe {
            match layout.align() <= ALIGNED {
                true => mi_malloc(layout.size()).cast(),
                false => mi_malloc_aligned(layout.size(), layout.align()).cast(),
            }
        }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        unsafe { mi_free(pointer.cast()) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        unsafe {
            match layout.align() <= ALIGNED {
                true => mi_realloc(pointer.cast(), size).cast(),
                false => mi_realloc_aligned(pointer.cast(), size, layout.align()).cast(),
            }
        }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
