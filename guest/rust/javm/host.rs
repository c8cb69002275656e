//! Host functions, and printing by host function 64.
use core::arch::asm;
use core::fmt;

/// What a host function gives. What it doesn't set is undefined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Results {
    /// a0
    pub value: u64,
    /// a1
    pub second: u64,
}

/// The number of the host function that `write` calls.
pub const HOST_WRITE: u32 = 64;
pub const STDOUT: u64 = 1;
pub const STDERR: u64 = 2;

/// Calls the embedder's function N, from 64 to 2^20 - 1, with up to six operands: `host_call::<70, _>([a, b])`.
///
/// # Safety
/// The function may read and write memory and slots, as the embedder says.
#[inline(always)]
pub unsafe fn host_call<const N: u32, const COUNT: usize>(operands: [u64; COUNT]) -> Results {
    const { assert!(N >= 64 && N < 1 << 20, "host functions have numbers from 64 to 2^20 - 1") }
    const { assert!(COUNT <= 6, "host functions have at most six operands") }
    let x = |i: usize| operands[i];
    let (value, second): (u64, u64);
    macro_rules! call {
        ($($registers:tt)*) => {
            asm!(".insn u 0x0b, x0, {n}", options(nostack, preserves_flags), n = const N, $($registers)*)
        };
    }
    macro_rules! call_from_2 {
        ($($more:tt)*) => {
            call!(inlateout("a0") x(0) => value, inlateout("a1") x(1) => second, $($more)*)
        };
    }
    // Registers that are not operands are left alone.
    unsafe {
        match COUNT {
            0 => call!(lateout("a0") value, lateout("a1") second),
            1 => call!(inlateout("a0") x(0) => value, lateout("a1") second),
            2 => call_from_2!(),
            3 => call_from_2!(in("a2") x(2)),
            4 => call_from_2!(in("a2") x(2), in("a3") x(3)),
            5 => call_from_2!(in("a2") x(2), in("a3") x(3), in("a4") x(4)),
            _ => call_from_2!(in("a2") x(2), in("a3") x(3), in("a4") x(4), in("a5") x(5)),
        }
    }
    Results { value, second }
}

/// Any operation or host function by a number that is known only at run time (`ecall`). The number travels in a4, where
/// the fifth operand would be: so there are four. (`call` has six and can't be made this way.)
///
/// # Safety
/// As the operation or function is.
#[inline(always)]
pub unsafe fn ecall(number: u64, operands: [u64; 4]) -> Results {
    let (value, second);
    unsafe {
        asm!("ecall", inlateout("a0") operands[0] => value, inlateout("a1") operands[1] => second,
            in("a2") operands[2], in("a3") operands[3], in("a4") number, options(nostack, preserves_flags));
    }
    Results { value, second }
}

/// Host function 64, as `javm run` provides it: writes to descriptor 1 (stdout) or 2 (stderr); gives the bytes written.
/// Embedders may have none (the call then ends as a trap), or another, under this number.
#[inline(always)]
pub fn write(descriptor: u64, from: &[u8]) -> Option<usize> {
    let operands = [descriptor, from.as_ptr() as u64, from.len() as u64];
    let written = unsafe { host_call::<HOST_WRITE, _>(operands) }.value;
    (written != u64::MAX).then_some(written as usize)
}

/// A descriptor as `core::fmt::Write` wants it. Each piece of text is a host call.
pub struct Output(pub u64);

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match write(self.0, rest) {
                Some(written) if written > 0 => rest = rest.get(written..).ok_or(fmt::Error)?,
                _ => return Err(fmt::Error),
            }
        }
        Ok(())
    }
}

/// For the macros below. What can't be written is lost.
#[doc(hidden)]
pub fn print_to(descriptor: u64, text: fmt::Arguments) {
    let _ = fmt::Write::write_fmt(&mut Output(descriptor), text);
}

/// Prints to stdout by host function 64.
#[macro_export]
macro_rules! print {
    ($($text:tt)*) => { $crate::print_to($crate::STDOUT, ::core::format_args!($($text)*)) };
}

#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($format:literal $($text:tt)*) => { $crate::print!("{}\n", ::core::format_args!($format $($text)*)) };
}

/// Prints to stderr by host function 64.
#[macro_export]
macro_rules! eprint {
    ($($text:tt)*) => { $crate::print_to($crate::STDERR, ::core::format_args!($($text)*)) };
}

#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($format:literal $($text:tt)*) => { $crate::eprint!("{}\n", ::core::format_args!($format $($text)*)) };
}

/// Makes a panic a fault (trap), without a message. A guest has this or `panic_prints!`, once.
#[macro_export]
macro_rules! panic_traps {
    () => {
        #[panic_handler]
        fn panic(_: &::core::panic::PanicInfo) -> ! {
            $crate::trap()
        }
    };
}

/// Makes a panic print its message to stderr, by host function 64, and then a fault (trap).
#[macro_export]
macro_rules! panic_prints {
    () => {
        #[panic_handler]
        fn panic(panic: &::core::panic::PanicInfo) -> ! {
            $crate::eprintln!("{}", panic);
            $crate::trap()
        }
    };
}
