//! What tests/test_guest_rust.c runs to check the crate javm, its allocator, and code of the compiler for this target.
//! Each check panics where something is wrong; the panic's message is printed.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::alloc::{alloc, alloc_zeroed, dealloc, realloc};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::alloc::Layout;
use core::hint::black_box;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};
use javm::{Fault, Global, Kind, Outcome, Slot, println};

javm::arena!();
javm::panic_prints!();
javm::stack_size!(128 << 10);
javm::heap_size!(4 << 12);

javm::endpoint!(0, arena_steps);
javm::endpoint!(1, arena_empty);
javm::endpoint!(2, arena_others);
javm::endpoint!(13, double);
javm::endpoint!(3, single);
javm::endpoint!(4, wide);
javm::endpoint!(5, text);
javm::endpoint!(6, shapes);
javm::endpoint!(7, atomics);
javm::endpoint!(8, out_of_bounds);
javm::endpoint!(9, stack);
javm::endpoint!(10, sbrk);
javm::endpoint!(11, reply_early);
javm::endpoint!(12, gas);
javm::endpoint!(20, slots);
javm::endpoint!(21, baked_in);
javm::endpoint!(22, child);
javm::endpoint!(23, mint);
javm::endpoint!(24, yielder);
javm::endpoint!(25, catcher);
javm::endpoint!(26, later);
javm::endpoint!(27, hosts);
javm::endpoint!(28, arguments, 3);
javm::endpoint!(29, same_image);
javm::endpoint!(30, kernel);
javm::endpoint!(31, files_and_types);

static POWERS: [u64; 600] = {
    let mut powers = [1; 600];
    let mut i = 1;
    while i < 600 {
        powers[i] = powers[i - 1] * 3 % 1_000_003;
        i += 1;
    }
    powers
};
javm::pin_data!(2, POWERS);
javm::initial_data!(3, POWERS);
javm::pin_data_file!(4, "rust_checks.rs");
javm::initial_data_file!(5, "rust_checks.rs");
javm::pin_image!(6, concat!(env!("GUESTS"), "/queue.img"));
javm::gas_slot!(7);
javm::quota_slot!(8);
javm::yield_marker_slot!(9);

const QUOTA: Slot = Slot(8);
const MARKER: Slot = Slot(10);
const YIELDER: Slot = Slot(11);

/* ---- the allocator ---- */

struct Block {
    payload: *mut u8,
    layout: Layout,
    fill: u8,
}

static BLOCKS: Global<(Vec<Block>, u64)> = Global::new((Vec::new(), 0));

impl Block {
    fn bytes(&mut self) -> &mut [u8] {
        unsafe { core::slice::from_raw_parts_mut(self.payload, self.layout.size()) }
    }

    fn check(&mut self) {
        let fill = self.fill;
        assert!(self.payload as usize % self.layout.align() == 0, "alignment");
        assert!(self.bytes().iter().all(|byte| *byte == fill), "a block was overwritten");
    }
}

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *state >> 33
}

/// A few small sizes often, large ones seldom.
fn random_layout(state: &mut u64) -> Layout {
    let size = match random(state) % 16 {
        0 => 1 + random(state) % 100_000,
        1..=4 => 1 + random(state) % 3000,
        5..=9 => 1 + random(state) % 100,
        _ => 24,
    };
    let align = if random(state) % 8 == 0 { 1 << (random(state) % 13) } else { 8 };
    Layout::from_size_align(size as usize, align).unwrap()
}

/// Makes, changes and drops blocks at random; all keep their contents. Returns how many there are.
fn arena_steps(seed: u64, steps: u64, most: u64) -> u64 {
    BLOCKS.with(|(blocks, state)| {
        *state ^= seed;
        for _ in 0..steps {
            let fill = random(state) as u8;
            let choice = random(state) % 6;
            if choice < 3 && (blocks.len() as u64) < most {
                let layout = random_layout(state);
                let zeroed = choice == 0;
                let payload = unsafe { if zeroed { alloc_zeroed(layout) } else { alloc(layout) } };
                assert!(!payload.is_null(), "the arena is full");
                let mut block = Block { payload, layout, fill };
                assert!(!zeroed || block.bytes().iter().all(|byte| *byte == 0), "not zero");
                block.bytes().fill(fill);
                blocks.push(block);
            } else if !blocks.is_empty() {
                let at = random(state) as usize % blocks.len();
                let block = &mut blocks[at];
                block.check();
                if choice == 5 {
                    let size = random_layout(state).size();
                    let old = block.layout.size();
                    block.payload = unsafe { realloc(block.payload, block.layout, size) };
                    assert!(!block.payload.is_null(), "the arena is full");
                    block.layout = Layout::from_size_align(size, block.layout.align()).unwrap();
                    let fill = block.fill;
                    block.bytes().iter_mut().skip(old).for_each(|byte| *byte = fill);
                    block.check();
                } else {
                    unsafe { dealloc(block.payload, block.layout) };
                    blocks.swap_remove(at);
                }
            }
        }
        blocks.len() as u64
    })
}

/// Drops all blocks. Then all of the arena is one block again: `bytes` can be had, and a byte more than `bytes` can't.
fn arena_empty(bytes: u64) -> u64 {
    BLOCKS.with(|(blocks, _)| {
        while let Some(mut block) = blocks.pop() {
            block.check();
            unsafe { dealloc(block.payload, block.layout) };
        }
        *blocks = Vec::new();
    });
    let layout = |bytes: u64, align| Layout::from_size_align(bytes as usize, align).unwrap();
    // The compiler may leave out an allocation that nobody looks into, and then takes it for a success.
    let get = |bytes, align| black_box(unsafe { alloc(layout(bytes, align)) });
    let all = get(bytes, 16);
    assert!(!all.is_null(), "the arena is in pieces");
    assert!(get(1, 1).is_null(), "more than there is");
    unsafe { dealloc(all, layout(bytes, 16)) };
    assert!(get(bytes + 1, 16).is_null() && get(1 << 40, 16).is_null(), "more than there is");
    assert!(get(1, 1 << 40).is_null(), "more than there is");
    1
}

unsafe extern "C" {
    fn __javm_arena_grow(bytes: isize) -> *mut u8;
}

static TAKEN: Global<([Option<(*mut u8, u64)>; 64], usize)> = Global::new(([None; 64], 0));

/// Takes from the arena as malloc of a C library would. What was taken so keeps its contents.
fn arena_others(bytes: u64) -> u64 {
    TAKEN.with(|(taken, count)| {
        let start = unsafe { __javm_arena_grow(bytes as isize) };
        assert!(!start.is_null(), "the arena is full");
        taken[*count] = Some((start, bytes));
        *count += 1;
        for (i, (start, bytes)) in taken.iter().flatten().enumerate() {
            let bytes = unsafe { core::slice::from_raw_parts_mut(*start, *bytes as usize) };
            assert!(i + 1 == *count || bytes.iter().all(|byte| *byte == i as u8), "the allocator wrote there");
            bytes.fill(i as u8);
        }
        *count as u64
    })
}

/* ---- what the compiler makes ---- */

fn double(operation: u64, a: u64, b: u64) -> u64 {
    let (x, y) = (f64::from_bits(a), f64::from_bits(b));
    let result = match operation {
        0 => x + y,
        1 => x - y,
        2 => x * y,
        3 => x / y,
        4 => x as f32 as f64,
        5 => return x as i64 as u64,
        6 => a as i64 as f64,
        7 => a as f64,
        _ => return (x < y) as u64 | ((x == y) as u64) << 1 | ((x > y) as u64) << 2,
    };
    result.to_bits()
}

fn single(operation: u64, a: u64, b: u64) -> u64 {
    let (x, y) = (f32::from_bits(a as u32), f32::from_bits(b as u32));
    let result = match operation {
        0 => x + y,
        1 => x - y,
        2 => x * y,
        _ => x / y,
    };
    result.to_bits() as u64
}

/// One half of a 128-bit result of a·2^64 + b and c.
fn wide(operation: u64, a: u64, b: u64, c: u64) -> u64 {
    let x = (a as u128) << 64 | b as u128;
    let y = c as u128 | (c as u128) << 32;
    let result = match operation / 2 {
        0 => x.wrapping_mul(y),
        1 => x / y,
        2 => x % y,
        3 => (x as i128 / -(y as i128 >> 1)) as u128,
        4 => x << (c % 128) | x >> (c % 61),
        _ => u128::from(x.leading_zeros() + x.count_ones() * 1000 + x.trailing_zeros() * 1_000_000),
    };
    (if operation % 2 == 0 { result } else { result >> 64 }) as u64
}

fn text(n: u64) -> u64 {
    let words: Vec<String> = (0..3).map(|i| format!("{:>1$}", n + i, 8 + i as usize)).collect();
    println!("{n} {:#x} {:+} {:?} {}", n, n as i64 as f64 / 8.0, words, 'ß');
    println!();
    words.iter().map(|word| word.len() as u64).sum()
}

trait Shape {
    fn area(&self) -> u64;
    fn name(&self) -> &'static str {
        "shape"
    }
}
struct Square(u64);
struct Rectangle(u64, u64);
impl Shape for Square {
    fn area(&self) -> u64 {
        self.0.wrapping_mul(self.0)
    }
    fn name(&self) -> &'static str {
        "square"
    }
}
impl Shape for Rectangle {
    fn area(&self) -> u64 {
        self.0.wrapping_mul(self.1)
    }
}

/// Calls through tables of functions, and a jump table.
fn shapes(kind: u64, a: u64, b: u64) -> u64 {
    let shape: Box<dyn Shape> = if kind % 2 == 0 { Box::new(Square(a)) } else { Box::new(Rectangle(a, b)) };
    let functions: [fn(u64, u64) -> u64; 3] = [u64::wrapping_add, u64::wrapping_sub, u64::wrapping_mul];
    let x = black_box(functions)[(kind % 3) as usize](shape.area(), shape.name().len() as u64);
    match black_box(kind) {
        0 => x,
        1 => x / 3,
        2 => x.rotate_left(7),
        3 => x.swap_bytes(),
        4 => x.count_ones() as u64,
        5 => x.leading_zeros() as u64,
        6 => x ^ b,
        7 => x.wrapping_mul(x),
        _ => 0,
    }
}

static BYTE: AtomicU8 = AtomicU8::new(200);
static WORD: AtomicU64 = AtomicU64::new(5);

/// Returns what the words held and hold.
fn atomics(n: u64) -> u64 {
    fence(Ordering::SeqCst);
    let byte = BYTE.fetch_add(n as u8, Ordering::SeqCst) as u64;
    let old = WORD.swap(n, Ordering::AcqRel);
    let exchanged = WORD.compare_exchange(n, n + 1, Ordering::SeqCst, Ordering::Relaxed).is_ok() as u64;
    let refused = WORD.compare_exchange(n, 0, Ordering::SeqCst, Ordering::Relaxed).is_err() as u64;
    let most = WORD.fetch_max(1000, Ordering::Relaxed);
    byte | old << 8 | exchanged << 24 | refused << 25 | most << 32
}

fn out_of_bounds(index: u64) -> u64 {
    let table = black_box([1u64, 2, 3]);
    table[index as usize]
}

fn stack(depth: u64) -> u64 {
    let frame = black_box([depth; 100]);
    if depth == 0 { frame[7] } else { stack(depth - 1) + frame[(depth % 100) as usize] }
}

/// The heap has 16 KiB, fresh in each call.
fn sbrk() -> u64 {
    let start = javm::sbrk(5000);
    assert!(!start.is_null() && javm::sbrk(0) as usize == start as usize + 5000);
    assert!(javm::sbrk(16384).is_null());
    unsafe {
        assert!(*start == 0 && *start.add(4999) == 0, "the heap was kept");
        start.add(4999).write(1);
        *start.add(4999) as u64
    }
}

fn reply_early(value: u64) -> u64 {
    javm::unlikely();
    if value % 2 == 1 {
        javm::reply(value * 10);
    }
    value
}

fn gas() -> u64 {
    let before = javm::gas_left();
    let after = javm::gas_left();
    assert!(before > after && after > 0);
    before - after
}

/* ---- operations ---- */

/// `full` holds something, `empty` nothing; both are as before in the end, and a copy of `full` is emitted.
fn slots(full: u64, empty: u64) -> u64 {
    let (full, empty) = (Slot(full), Slot(empty));
    let kind = javm::kind_of(full);
    assert!(kind != Kind::Empty && javm::kind_of(empty) == Kind::Empty);
    javm::copy(full, empty);
    assert!(javm::kind_of(empty) == kind && javm::kind_of(full) == kind);
    javm::drop(empty);
    javm::move_(full, empty);
    assert!(javm::kind_of(empty) == kind && javm::kind_of(full) == Kind::Empty);
    javm::swap(full, empty);
    assert!(javm::kind_of(empty) == Kind::Empty && javm::kind_of(full) == kind);
    javm::emit(full);

    javm::mint_cnode(Slot(100), 4);
    assert!(javm::kind_of(Slot(100)) == Kind::CNode);
    javm::copy(Slot(100), Slot(100).at(15));
    javm::copy(Slot(100).at(15), Slot(100).at(15).at(2));
    javm::copy(full, Slot(100).at(15).at(2).at(7));
    assert!(javm::kind_of(Slot(100).at(15).at(2).at(7)) == kind);
    assert!(javm::kind_of(Slot(100).at(15).at(7)) == Kind::Empty);
    javm::drop(Slot(100));
    1
}

/// What is pinned or initial in slots 2 to 6.
fn baked_in() -> u64 {
    for slot in [2, 3] {
        let mut bytes = [0; 8];
        for (i, power) in POWERS.iter().enumerate() {
            assert!(javm::read_data(Slot(slot), &mut bytes, 8 * i as u64) == 8);
            assert!(u64::from_le_bytes(bytes) == *power);
        }
    }
    for slot in [4, 5] {
        let mut bytes = [0; 30];
        assert!(javm::read_data(Slot(slot), &mut bytes, 0) == 30);
        assert!(bytes == *b"//! What tests/test_guest_rust");
    }
    assert!(javm::read_data(Slot(2), &mut [0; 300], 8000) == 192, "two pages end there");
    assert!(javm::kind_of(Slot(6)) == Kind::Image);
    1
}

/// Makes an Instance of the Image in slot 6 (examples/queue.rs) and uses it.
fn child() -> u64 {
    let (queue, copy, of_type) = (Slot(20), Slot(21), Slot(22));
    javm::mint_cnode(Slot(23), 8);
    javm::derive_spawn(Slot(6), Slot(23), queue);
    javm::copy(queue, copy);
    assert!(javm::call(queue, 0, [5, 77, 0, 0]) == Outcome::Answer(1));
    assert!(javm::call(queue, 0, [6, 88, 0, 0]) == Outcome::Answer(2));
    assert!(javm::call(queue, 1, [0; 4]) == Outcome::Answer(88));
    assert!(javm::call(copy, 1, [0; 4]) == Outcome::Faulted(Fault::Trap), "the copy has no task");
    assert!(javm::call(queue, 1, [0; 4]) == Outcome::Answer(77));
    assert!(javm::same_type(queue, copy));
    javm::type_of(queue, of_type);
    assert!(javm::kind_of(of_type) == Kind::Type);
    [queue, copy, of_type].into_iter().for_each(javm::drop);
    1
}

/// Makes a Data of `length` bytes in slot 12.
fn mint(length: u64) -> u64 {
    let bytes: Vec<u8> = (0..length).map(|i| (i * 7) as u8).collect();
    javm::mint_data(&bytes, QUOTA, Slot(12));
    let mut back = [0; 100];
    let copied = javm::read_data(Slot(12), &mut back, length - 1);
    assert!(back[0] == bytes[length as usize - 1] && back[1..].iter().all(|byte| *byte == 0));
    copied as u64
}

/// Yields `times` times.
fn yielder(times: u64) -> u64 {
    for _ in 0..times {
        javm::yield_(MARKER);
    }
    times * 2
}

/// Calls the yielder; resumes it up to `most` times, then drops it. Returns its answer, or 1000 + how often it resumed.
fn catcher(times: u64, most: u64) -> u64 {
    let mut outcome = javm::call(YIELDER, 24, [times, 0, 0, 0]);
    for resumed in 0.. {
        match outcome {
            Outcome::Answer(answer) => return answer,
            Outcome::Faulted(fault) => panic!("{fault:?}"),
            Outcome::Paused(marker) => {
                assert!(marker == 0);
                if resumed == most {
                    javm::drop_yield();
                    return 1000 + resumed;
                }
                outcome = javm::resume_yield();
            }
        }
    }
    unreachable!()
}

/// Operations that this version refuses, by number.
fn later(operation: u64) -> u64 {
    match operation {
        29 => javm::keep_yield(Slot(40)),
        30 => return (javm::call_resume(Slot(2)) == Outcome::Answer(0)) as u64,
        31 => javm::drop_paused(Slot(2)),
        _ => panic!("not a later operation"),
    }
    1
}

/// Calls the kernel's Instances in slots 60 to 64.
fn kernel() -> u64 {
    assert!(javm::set_gas_meter(Slot(60), 5, 70) == 0 && javm::set_gas_meter(Slot(60), 5, 80) == 70);
    assert!(javm::set_storage_quota(Slot(61), 5, 90) == 0 && javm::set_storage_quota(Slot(61), 5, 100) == 90);
    javm::mint_gas(Slot(62), 5);
    javm::move_(Slot::MAILBOX, Slot(70));
    javm::mint_quota(Slot(63), 5);
    javm::move_(Slot::MAILBOX, Slot(71));
    assert!(!javm::same_type(Slot(70), Slot(71)));
    let catcher = Slot(65);
    javm::create_yield_catcher(Slot(64));
    javm::move_(Slot::MAILBOX, catcher);
    assert!(!javm::catcher_add(catcher) && !javm::catcher_remove(catcher), "slot 0 is empty");
    let mut keys = [0; 64];
    javm::copy(Slot(2), Slot::MAILBOX);
    assert!(javm::catcher_add(catcher));
    javm::catcher_read(catcher);
    assert!(javm::read_data(Slot::MAILBOX, &mut keys, 0) == 64);
    assert!(keys[..32] != [0; 32] && keys[32..] == [0; 32]);
    javm::copy(Slot(2), Slot::MAILBOX);
    assert!(javm::catcher_remove(catcher));
    javm::catcher_read(catcher);
    assert!(javm::read_data(Slot::MAILBOX, &mut keys, 0) == 0);
    javm::drop(Slot::MAILBOX);
    1
}

/// Saves and opens a file; continues lineages; makes an Image, at last, of what is none.
fn files_and_types() -> u64 {
    javm::save(Slot(2), QUOTA, Slot(40));
    javm::open(Slot(40), Slot(41));
    let (mut saved, mut opened) = ([0; 200], [0; 200]);
    assert!(javm::read_data(Slot(2), &mut saved, 0) == 200 && javm::read_data(Slot(41), &mut opened, 0) == 200);
    assert!(saved == opened);
    let (a, b, of_a, same, more) = (Slot(42), Slot(43), Slot(44), Slot(45), Slot(46));
    for to in [a, b] {
        javm::mint_cnode(Slot(23), 8);
        javm::derive_spawn(Slot(6), Slot(23), to);
    }
    assert!(javm::same_type_as(a, b, &[]) && !javm::same_type_as(a, b, &[Slot(6)]));
    javm::type_of(a, of_a);
    javm::subtype(of_a, &[], same);
    javm::subtype(of_a, &[Slot(6), Slot(6)], more);
    assert!(javm::type_eq(of_a, same) && !javm::type_eq(of_a, more));
    javm::make_image(b"image", Slot(47));
    1
}

/// Host function 100 + n answers (the sum of i·operand i for its n operands from 1, n).
fn hosts() -> u64 {
    let expect = |results: javm::Results, sum, count| assert!(results.value == sum && results.second == count);
    unsafe {
        expect(javm::host_call::<100, _>([]), 0, 0);
        expect(javm::host_call::<101, _>([7]), 7, 1);
        expect(javm::host_call::<102, _>([7, 1]), 9, 2);
        expect(javm::host_call::<103, _>([7, 1, 2]), 15, 3);
        expect(javm::host_call::<104, _>([7, 1, 2, 3]), 27, 4);
        expect(javm::host_call::<105, _>([7, 1, 2, 3, 4]), 47, 5);
        expect(javm::host_call::<106, _>([7, 1, 2, 3, 4, 5]), 77, 6);
        expect(javm::ecall(104, [7, 1, 2, 3]), 27, 4);
    }
    assert!(javm::write(3, b"no such descriptor").is_none());
    1
}

fn arguments(a: u64, b: u64, c: u64, d: u64) -> u64 {
    a + 10 * b + 100 * c + 1000 * d
}

/// Goes on in the Image in slot 13, which is this one.
fn same_image() -> u64 {
    WORD.store(17, Ordering::Relaxed);
    unsafe { javm::set_image(Slot(13)) };
    WORD.load(Ordering::Relaxed)
}
