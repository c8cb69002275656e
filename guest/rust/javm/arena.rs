//! The heap of `alloc`. Its memory comes from the guest's arena, which is .bss, so what is in it is kept from call to
//! call. (Its size: option --arena-size.) malloc of a C library may take from the same arena.
//!
//! A block is a header word, then the payload, aligned to 16; block sizes are multiples of 16. Blocks lie side by side
//! up to `top`; above, up to `end`, is memory that no block has, so that no page is touched in vain.
//!
//!     used: | size, flags | payload ...                       |
//!     free: | size, flags | next | previous | ...      | size |     in the list of its bin
//!
//! No two free blocks are neighbours, and a block below `top` is used. Free blocks are in bins by size. The first block
//! of the first bin whose blocks all fit is taken, unless one of the first few of the bin for smaller ones fits. So
//! each operation takes bounded time.
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

const WORD: usize = 8;
const GRAIN: usize = 16;
const BLOCK_MIN: usize = 32;
const FREE: usize = 1;
const FREE_BELOW: usize = 2; // the block below is free: its size stands in the word before this block
const FLAGS: usize = GRAIN - 1;

/// Bins: one for each size below 32 grains, then four for each power of two.
const FINE: usize = 32;
const BINS: usize = 128;
/// So many blocks of a bin are looked at.
const TRIES: usize = 4;
/// The arena is asked for so much at a time, or more.
const CHUNK: usize = 4096;

/// Use it by `arena!()`.
pub struct Arena(UnsafeCell<State>);

// A guest has one thread.
unsafe impl Sync for Arena {}

/// Addresses; 0 in `bins` means none. All zero at first.
struct State {
    top: usize,
    end: usize,
    filled: u128,
    bins: [usize; BINS],
}

/// Makes the arena the heap of `alloc`.
#[macro_export]
macro_rules! arena {
    () => {
        #[global_allocator]
        static ARENA: $crate::Arena = $crate::Arena::new();
    };
}

unsafe extern "C" {
    /// Moves the end of the used part of the arena, and returns the old end, or null if there is no room.
    fn __javm_arena_grow(bytes: isize) -> *mut u8;
}

unsafe fn load(address: usize) -> usize {
    unsafe { *ptr::with_exposed_provenance::<usize>(address) }
}

unsafe fn store(address: usize, word: usize) {
    unsafe { *ptr::with_exposed_provenance_mut::<usize>(address) = word }
}

unsafe fn size_of_block(block: usize) -> usize {
    unsafe { load(block) & !FLAGS }
}

/// The size of a block for a payload, or None if it is too large for any arena.
fn block_for(payload: usize) -> Option<usize> {
    (payload < 1 << 31).then(|| (payload + WORD).next_multiple_of(GRAIN).max(BLOCK_MIN))
}

/// The bin in which a free block of this size is.
fn bin_of(size: usize) -> usize {
    let grains = size / GRAIN;
    if grains < FINE {
        return grains;
    }
    let log = grains.ilog2() as usize;
    FINE + (log - 5) * 4 + (grains >> (log - 2) & 3)
}

/// The first bin all of whose blocks have at least this size.
fn bin_for(size: usize) -> usize {
    let grains = size / GRAIN;
    if grains < FINE {
        return grains;
    }
    bin_of(size + ((1 << (grains.ilog2() - 2)) - 1) * GRAIN)
}

impl State {
    /// Puts a block, which is free from now on, into its bin. The block above is used.
    unsafe fn insert(&mut self, block: usize, size: usize) {
        let bin = bin_of(size);
        let next = self.bins[bin];
        unsafe {
            store(block, size | FREE);
            store(block + WORD, next);
            store(block + 2 * WORD, 0);
            store(block + size - WORD, size);
            store(block + size, load(block + size) | FREE_BELOW);
            if next != 0 {
                store(next + 2 * WORD, block);
            }
        }
        self.bins[bin] = block;
        self.filled |= 1 << bin;
    }

    /// Takes a free block out of its bin; its header is then a used block's. Returns its size.
    unsafe fn remove(&mut self, block: usize) -> usize {
        unsafe {
            let (size, next, previous) = (size_of_block(block), load(block + WORD), load(block + 2 * WORD));
            if next != 0 {
                store(next + 2 * WORD, previous);
            }
            if previous != 0 {
                store(previous + WORD, next);
            } else {
                let bin = bin_of(size);
                self.bins[bin] = next;
                if next == 0 {
                    self.filled &= !(1 << bin);
                }
            }
            store(block, size);
            store(block + size, load(block + size) & !FREE_BELOW);
            size
        }
    }

    /// Gives back a used block, of which only the flags in the header count; joins it with free neighbours.
    unsafe fn free(&mut self, mut block: usize, mut size: usize) {
        unsafe {
            if load(block) & FREE_BELOW != 0 {
                let below = block - load(block - WORD);
                size += self.remove(below);
                block = below;
            }
            let above = block + size;
            if above == self.top {
                self.top = block;
                return;
            }
            if load(above) & FREE != 0 {
                size += self.remove(above);
            }
            self.insert(block, size);
        }
    }

    /// Makes a used block of `size` bytes one of `wanted`, if what is over makes a block.
    unsafe fn trim(&mut self, block: usize, size: usize, wanted: usize) {
        let kept = if size - wanted < BLOCK_MIN { size } else { wanted };
        unsafe {
            store(block, load(block) & FREE_BELOW | kept);
            if kept < size {
                store(block + kept, 0);
                self.free(block + kept, size - kept);
            }
        }
    }

    /// A free block of at least this size, or 0.
    unsafe fn find(&self, size: usize) -> usize {
        let mut block = self.bins[bin_of(size)];
        for _ in 0..TRIES {
            if block == 0 || unsafe { size_of_block(block) } >= size {
                break;
            }
            block = unsafe { load(block + WORD) };
        }
        if block != 0 && unsafe { size_of_block(block) } >= size {
            return block;
        }
        let bin = bin_for(size);
        match self.filled >> bin {
            0 => 0,
            filled => self.bins[bin + filled.trailing_zeros() as usize],
        }
    }

    /// Makes room above `top` for a block of `size` bytes and the header of the next. May move `top` elsewhere.
    unsafe fn reserve(&mut self, size: usize) -> bool {
        if self.top != 0 && self.top + size + WORD <= self.end {
            return true;
        }
        let missing = if self.top == 0 { size + GRAIN } else { self.top + size + WORD - self.end };
        for bytes in [missing.max(CHUNK), missing] {
            let start = unsafe { __javm_arena_grow(bytes as isize) } as usize;
            if start != 0 && start == self.end {
                self.end += bytes;
                return true;
            }
            if start != 0 {
                return unsafe { self.go_on_at(start, bytes, size) };
            }
        }
        false
    }

    /// The first time, or when others have taken what came behind `end`: from `start` on there are `bytes` bytes, and
    /// if they are not enough for `size` there may be more.
    unsafe fn go_on_at(&mut self, start: usize, bytes: usize, size: usize) -> bool {
        let skew = start.wrapping_neg() % GRAIN;
        let more = (size + GRAIN).saturating_sub(bytes) + skew;
        unsafe {
            if more > 0 && __javm_arena_grow(more as isize).is_null() {
                __javm_arena_grow(-(bytes as isize));
                return false;
            }
            if self.top != 0 {
                // What is left below becomes a block, with the header of a used one behind it for ever.
                let left = self.end - WORD - self.top;
                if left >= BLOCK_MIN {
                    store(self.end - WORD, 0);
                    self.insert(self.top, left);
                } else {
                    store(self.top, 0);
                }
            }
        }
        self.top = start + skew + GRAIN - WORD; // so that payloads are aligned
        self.end = start + bytes + more;
        true
    }

    /// A used block of this size or a little more, or 0.
    unsafe fn take(&mut self, size: usize) -> usize {
        unsafe {
            let block = self.find(size);
            if block != 0 {
                let found = self.remove(block);
                self.trim(block, found, size);
                return block;
            }
            if !self.reserve(size) {
                return 0;
            }
            let block = self.top;
            self.top += size;
            store(block, size);
            block
        }
    }

    /// The payload of a new block, or 0. `align` is more than GRAIN: what is over below the payload becomes a block.
    unsafe fn take_aligned(&mut self, size: usize, align: usize) -> usize {
        unsafe {
            let block = self.take(size + align + GRAIN);
            if block == 0 {
                return 0;
            }
            let mut payload = (block + WORD).next_multiple_of(align);
            if payload - WORD - block == GRAIN {
                payload += align;
            }
            let (over, found) = (payload - WORD - block, size_of_block(block));
            if over > 0 {
                store(payload - WORD, 0);
                self.free(block, over);
            }
            self.trim(payload - WORD, found - over, size);
            payload
        }
    }

    /// Makes the used block larger where it is, if there is room above it.
    unsafe fn grow(&mut self, block: usize, wanted: usize) -> bool {
        unsafe {
            let size = size_of_block(block);
            let above = block + size;
            if above == self.top {
                let fits = self.reserve(wanted - size) && above == self.top;
                if fits {
                    self.top = block + wanted;
                    store(block, load(block) & FREE_BELOW | wanted);
                }
                return fits;
            }
            let fits = load(above) & FREE != 0 && size + size_of_block(above) >= wanted;
            if fits {
                let more = self.remove(above);
                self.trim(block, size + more, wanted);
            }
            fits
        }
    }
}

impl Arena {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Arena {
        Arena(UnsafeCell::new(State { top: 0, end: 0, filled: 0, bins: [0; BINS] }))
    }

    #[allow(clippy::mut_from_ref)]
    unsafe fn state(&self) -> &mut State {
        unsafe { &mut *self.0.get() }
    }
}

unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (Some(size), true) = (block_for(layout.size()), layout.align() < 1 << 31) else {
            return ptr::null_mut();
        };
        unsafe {
            let payload = if layout.align() > GRAIN {
                self.state().take_aligned(size, layout.align())
            } else {
                match self.state().take(size) {
                    0 => 0,
                    block => block + WORD,
                }
            };
            ptr::with_exposed_provenance_mut(payload)
        }
    }

    unsafe fn dealloc(&self, payload: *mut u8, _: Layout) {
        unsafe {
            let block = payload as usize - WORD;
            self.state().free(block, size_of_block(block));
        }
    }

    unsafe fn realloc(&self, payload: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(wanted) = block_for(new_size) else {
            return ptr::null_mut();
        };
        unsafe {
            let block = payload as usize - WORD;
            let size = size_of_block(block);
            if wanted <= size {
                self.state().trim(block, size, wanted);
                return payload;
            }
            if self.state().grow(block, wanted) {
                return payload;
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(payload, layout.size());
                self.dealloc(payload, layout);
            }
            moved
        }
    }
}
