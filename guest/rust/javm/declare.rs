//! What the Image declares besides its code: endpoints, baked-in values, special slots, sizes. Each macro stands at
//! module level and makes a record in section .javm.meta, which `javm link` reads and which is not in guest memory.

/// A record as `javm link` reads it.
#[doc(hidden)]
#[repr(C, align(8))]
pub struct Record {
    kind: u32,
    index: u32,
    address: *const (),
    size: u64,
    a: u32,
    b: u32,
}

const _: () = assert!(size_of::<Record>() == 32);
unsafe impl Sync for Record {}

impl Record {
    const fn new(kind: u32, index: u64, address: *const (), size: usize) -> Record {
        assert!(index <= 255, "endpoints and slots have numbers from 0 to 255");
        Record { kind, index: index as u32, address, size: size as u64, a: 0, b: 0 }
    }

    pub const fn endpoint(index: u64, entry: *const (), arg_registers: u32, arg_cnode_size: u32) -> Record {
        Record { a: arg_registers, b: arg_cnode_size, ..Record::new(1, index, entry, 0) }
    }

    pub const fn object<T: ?Sized>(kind: u32, slot: u64, object: &'static T) -> Record {
        Record::new(kind, slot, object as *const T as *const (), size_of_val(object))
    }

    pub const fn slot(kind: u32, slot: u64) -> Record {
        Record::new(kind, slot, core::ptr::null(), 0)
    }
}

/// Functions that can be endpoints: of none to four u64, returning u64. `Arguments` is the tuple of their types.
#[diagnostic::on_unimplemented(message = "an endpoint is a function of none to four u64 that returns u64")]
pub trait Endpoint<Arguments>: Copy {
    const ARG_REGISTERS: u32;
    fn enter(self, args: [u64; 4]) -> u64;
}

macro_rules! endpoints {
    ($($count:literal: $($argument:ident)*;)*) => { $(
        impl<F: Fn($(word!($argument)),*) -> u64 + Copy> Endpoint<($(word!($argument),)*)> for F {
            const ARG_REGISTERS: u32 = $count;
            #[inline(always)]
            fn enter(self, args: [u64; 4]) -> u64 {
                let [$($argument,)* ..] = args;
                self($($argument),*)
            }
        }
    )* };
}
macro_rules! word {
    ($argument:ident) => {
        u64
    };
}
endpoints! { 0: ; 1: a; 2: a b; 3: a b c; 4: a b c d; }

#[doc(hidden)]
pub const fn arg_registers<Arguments, F: Endpoint<Arguments>>(_: F) -> u32 {
    F::ARG_REGISTERS
}

/// `endpoint!(index, function)`: makes endpoint 0 to 255 of a function of none to four u64 that returns u64; a third
/// argument is the Image's arg_cnode_size.
#[macro_export]
macro_rules! endpoint {
    ($index:expr, $function:path) => {
        $crate::endpoint!($index, $function, 0);
    };
    ($index:expr, $function:path, $arg_cnode_size:expr) => {
        const _: () = {
            #[unsafe(export_name = concat!(module_path!(), "::", stringify!($function)))]
            extern "C" fn entry(a0: u64, a1: u64, a2: u64, a3: u64) -> u64 {
                $crate::Endpoint::enter($function, [a0, a1, a2, a3])
            }
            $crate::record!($crate::Record::endpoint(
                $index,
                entry as *const (),
                $crate::arg_registers($function),
                $arg_cnode_size
            ));
        };
    };
}

/// `pin_data!(slot, STATIC)`: pins a Data of the static's initial bytes, filled up with zeros to whole pages.
#[macro_export]
macro_rules! pin_data {
    ($slot:expr, $object:path) => {
        $crate::record!($crate::Record::object(2, $slot, &$object));
    };
}

/// `initial_data!(slot, STATIC)`: the same as what the slot of a new Instance holds at first.
#[macro_export]
macro_rules! initial_data {
    ($slot:expr, $object:path) => {
        $crate::record!($crate::Record::object(4, $slot, &$object));
    };
}

/// `pin_data_file!(slot, "file")`: as `pin_data!`, with the bytes of a file, found as by `include_bytes!`.
#[macro_export]
macro_rules! pin_data_file {
    ($slot:expr, $file:expr) => {
        $crate::file_record!(2, $slot, $file);
    };
}

/// `initial_data_file!(slot, "file")`: as `initial_data!`, with the bytes of a file, found as by `include_bytes!`.
#[macro_export]
macro_rules! initial_data_file {
    ($slot:expr, $file:expr) => {
        $crate::file_record!(4, $slot, $file);
    };
}

/// `pin_image!(slot, "child.img")`: pins the Image in that file (a bundle, or an encoded Image).
#[macro_export]
macro_rules! pin_image {
    ($slot:expr, $file:expr) => {
        $crate::file_record!(3, $slot, $file);
    };
}

/// The slots where the VM looks for a gas handle, a quota handle and a yield catcher (docs/guests.md).
#[macro_export]
macro_rules! gas_slot {
    ($slot:expr) => {
        $crate::record!($crate::Record::slot(5, $slot));
    };
}

#[macro_export]
macro_rules! quota_slot {
    ($slot:expr) => {
        $crate::record!($crate::Record::slot(6, $slot));
    };
}

#[macro_export]
macro_rules! yield_marker_slot {
    ($slot:expr) => {
        $crate::record!($crate::Record::slot(7, $slot));
    };
}

/// Bytes of stack (1 MiB without this). The option --stack-size wins over it.
#[macro_export]
macro_rules! stack_size {
    ($bytes:expr) => {
        ::core::arch::global_asm!(".globl __javm_stack_size", ".set __javm_stack_size, {}", const $bytes);
    };
}

/// Bytes of heap for `sbrk` (none without this). The option --heap-size wins over it.
#[macro_export]
macro_rules! heap_size {
    ($bytes:expr) => {
        ::core::arch::global_asm!(".globl __javm_heap_size", ".set __javm_heap_size, {}", const $bytes);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! record {
    ($record:expr) => {
        const _: () = {
            #[used]
            #[unsafe(link_section = ".javm.meta")]
            static RECORD: $crate::Record = $record;
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! file_record {
    ($kind:expr, $slot:expr, $file:expr) => {
        const _: () = {
            #[unsafe(link_section = ".javm.blob")]
            static BYTES: [u8; include_bytes!($file).len()] = *include_bytes!($file);
            $crate::record!($crate::Record::object($kind, $slot, &BYTES));
        };
    };
}
