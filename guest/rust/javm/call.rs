//! Operations that end, make or suspend calls, and the instructions that only the VM has.
use crate::{Slot, operation};
use core::arch::asm;

/// How a call came back.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It ended well, with this answer.
    Answer(u64),
    /// You caught a yield: the index of its marker in your catcher's list.
    Paused(u64),
    Faulted(Fault),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The host dropped a yielder that you catch.
    Dropped,
    /// Also: an operation was refused.
    Trap,
    Panic,
    OutOfGas,
    PageFault,
    Other(u64),
}

impl Outcome {
    /// From a0 and a1 after the call.
    #[inline(always)]
    fn new(value: u64, status: u64) -> Outcome {
        match status {
            0 => Outcome::Answer(value),
            1 => Outcome::Paused(value),
            _ => Outcome::Faulted(match value {
                0 => Fault::Dropped,
                1 => Fault::Trap,
                2 => Fault::Panic,
                3 => Fault::OutOfGas,
                4 => Fault::PageFault,
                other => Fault::Other(other),
            }),
        }
    }
}

/// 0: ends the call with an answer, from anywhere in it; nothing is dropped. To return from the endpoint ends it, too.
#[inline(always)]
pub fn reply(value: u64) -> ! {
    // What follows is never reached: it says to the linker that the code ends here.
    unsafe { asm!(".insn u 0x0b, x0, 0", "unimp", in("a0") value, options(noreturn, nostack)) }
}

/// Ends the call as a fault (trap): nothing of the call remains.
#[inline(always)]
pub fn trap() -> ! {
    unsafe { asm!("unimp", options(noreturn, nomem, nostack)) }
}

/// 36: the gas that is left.
#[inline(always)]
pub fn gas_left() -> u64 {
    let gas: u64;
    unsafe { operation!(36; lateout("a0") gas) }
    gas
}

/// 26: calls an Instance's endpoint. What you have in slot 0 moves to its slot 0, and back what it leaves there.
#[inline(always)]
pub fn call(instance: Slot, endpoint: u64, args: [u64; 4]) -> Outcome {
    let (value, status);
    unsafe {
        operation!(26; inlateout("a0") instance.0 => value, inlateout("a1") endpoint => status, in("a2") args[0],
            in("a3") args[1], in("a4") args[2], in("a5") args[3]);
    }
    Outcome::new(value, status)
}

/// 16: yields with a marker, a slot with any cap; returns when resumed, with the answer in slot 0.
#[inline(always)]
pub fn yield_(marker: Slot) {
    unsafe { operation!(16; in("a0") marker.0) }
}

/// 27: after a call that came back Paused: gives slot 0 to the yielder and lets it run on. The call goes on with it, so
/// this returns what that call now gives: an answer, a fault, or the next yield.
#[inline(always)]
pub fn resume_yield() -> Outcome {
    let (value, status);
    unsafe { operation!(27; lateout("a0") value, lateout("a1") status) }
    Outcome::new(value, status)
}

/// 28: after a call that came back Paused: abandons the yielder. Nothing that it did remains.
#[inline(always)]
pub fn drop_yield() {
    unsafe { operation!(28;) }
}

/// 29: after a call that came back Paused: `dst` becomes what is paused, as a Paused Instance. Your call is over.
#[inline(always)]
pub fn keep_yield(dst: Slot) {
    unsafe { operation!(29; in("a0") dst.0) }
}

/// 30: resumes a Paused Instance; slot 0 and results as for call. What ends well replaces it in its slot.
#[inline(always)]
pub fn call_resume(paused: Slot) -> Outcome {
    let (value, status);
    unsafe { operation!(30; inlateout("a0") paused.0 => value, lateout("a1") status) }
    Outcome::new(value, status)
}

/// 31: empties a slot that holds a Paused Instance.
#[inline(always)]
pub fn drop_paused(paused: Slot) {
    unsafe { operation!(31; in("a0") paused.0) }
}

/// 17: goes on in a new Image, in this frame, with the same registers and memory, at the same place.
///
/// # Safety
/// The new Image's code must be laid out as this one's, at least here, and its data as this one's.
#[inline(always)]
pub unsafe fn set_image(image: Slot) {
    unsafe { operation!(memory 17; in("a0") image.0) }
}

/// Grows the heap (`heap_size!`) by `bytes` and returns its old end, or null if there is no room; 0 bytes: its current
/// end. The heap's contents are forgotten at the end of the call, unlike what the arena gives.
#[inline(always)]
pub fn sbrk(bytes: u64) -> *mut u8 {
    let old;
    unsafe { asm!(".insn r 0x2b, 0, 0, {}, {}, x0", lateout(reg) old, in(reg) bytes, options(nostack)) }
    old
}

/// Says that this place is seldom reached, so that the paths to it are metered and compiled for the other side.
#[inline(always)]
pub fn unlikely() {
    unsafe { asm!(".insn r 0x2b, 1, 0, x0, x0, x0", options(nomem, nostack, preserves_flags)) }
}
