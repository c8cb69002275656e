//! What holding one of the kernel's Instances gives the right to; each is a call of it (docs/guests.md). Where your slot 0
//! is pinned, nothing gets there.
use crate::{Outcome, Slot, call, trap};

#[inline(always)]
fn ask(instance: Slot, endpoint: u64, args: [u64; 2]) -> u64 {
    match call(instance, endpoint, [args[0], args[1], 0, 0]) {
        Outcome::Answer(value) => value,
        _ => trap(),
    }
}

/// Sets gas meter `id`; returns what it held. Undone if your call ends badly.
#[inline(always)]
pub fn set_gas_meter(setter: Slot, id: u64, value: u64) -> u64 {
    ask(setter, 0, [id, value])
}

/// Likewise for a storage quota.
#[inline(always)]
pub fn set_storage_quota(setter: Slot, id: u64, value: u64) -> u64 {
    ask(setter, 0, [id, value])
}

/// Slot 0 becomes a handle of gas meter `id`.
#[inline(always)]
pub fn mint_gas(mint: Slot, id: u64) {
    ask(mint, 0, [id, 0]);
}

/// Likewise for a storage quota.
#[inline(always)]
pub fn mint_quota(mint: Slot, id: u64) {
    ask(mint, 0, [id, 0]);
}

/// Slot 0 becomes a new yield catcher, with an empty list.
#[inline(always)]
pub fn create_yield_catcher(creator: Slot) {
    ask(creator, 0, [0, 0]);
}

/// Adds the cap in slot 0 to a catcher's list of markers; it stays in slot 0. False: there is none.
#[inline(always)]
pub fn catcher_add(catcher: Slot) -> bool {
    call(catcher, 0, [0; 4]) == Outcome::Answer(0)
}

/// Removes it likewise.
#[inline(always)]
pub fn catcher_remove(catcher: Slot) -> bool {
    call(catcher, 1, [0; 4]) == Outcome::Answer(0)
}

/// Slot 0 becomes a Data of the markers' hashes, 32 bytes each, in order.
#[inline(always)]
pub fn catcher_read(catcher: Slot) {
    ask(catcher, 2, [0, 0]);
}
