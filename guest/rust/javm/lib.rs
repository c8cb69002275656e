//! javm for guests in Rust: every operation of the VM as a function, host functions, and the macros that declare what
//! the Image has besides its code. The counterpart of guest/javm.h, with the same names; the page about guests is
//! docs/guests.md.
//!
//! ```
//! #![no_std]
//! #![no_main]
//!
//! static COUNT: javm::Global<u64> = javm::Global::new(0); // kept from call to call, as all statics and the arena
//!
//! fn add(n: u64) -> u64 {
//!     COUNT.with(|count| {
//!         *count += n;
//!         *count
//!     })
//! }
//!
//! javm::endpoint!(0, add);
//! javm::panic_traps!();
//! ```
//!
//! What always holds:
//! - An operation that is refused (a slot out of range, empty or pinned, a cap of the wrong kind, ...) ends the call as
//!   a trap and has changed nothing; so no operation here returns an error.
//! - There is one thread. Atomics cost what plain loads and stores do.
#![no_std]

mod arena;
mod call;
mod declare;
mod global;
mod host;
mod kernel;
mod slot;

pub use arena::Arena;
pub use call::*;
pub use declare::*;
pub use global::Global;
pub use host::*;
pub use kernel::*;
pub use slot::*;

/// Makes an operation: `operation!(number; registers)`, the registers as `asm!` operands. Memory is touched only by
/// those of the `memory` form.
macro_rules! operation {
    (memory $number:expr; $($registers:tt)*) => {
        core::arch::asm!(".insn u 0x0b, x0, {n}", options(nostack, preserves_flags), n = const $number, $($registers)*)
    };
    ($number:expr; $($registers:tt)*) => {
        core::arch::asm!(".insn u 0x0b, x0, {n}", options(nomem, nostack, preserves_flags), n = const $number,
            $($registers)*)
    };
}
pub(crate) use operation;
