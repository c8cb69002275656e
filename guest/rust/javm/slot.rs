//! Operations on slots and on what they hold: caps in general, Data, Images, Types.
use crate::operation;

/// Names a slot, by the number that operations take: 0 to 255 is a slot of the root table; `at` leads on into CNodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Slot(pub u64);

impl Slot {
    /// The slot that caller and callee exchange.
    pub const MAILBOX: Slot = Slot(0);

    /// The slot that is `n` (0 to 65534) in the CNode in this slot: `Slot(5).at(9).at(2)`. At most three steps.
    pub const fn at(self, n: u16) -> Slot {
        assert!(n < u16::MAX, "slot 65535 of a CNode has no path");
        let step = n as u64 + 1;
        match self.0 {
            0..=0xff => Slot(self.0 | step << 8),
            0x100..=0xff_ffff => Slot(self.0 | step << 24),
            0x100_0000..=0xff_ffff_ffff => Slot(self.0 | step << 40),
            _ => panic!("a path has at most three steps"),
        }
    }
}

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Empty,
    Instance,
    Image,
    Data,
    CNode,
    Type,
}

/// 1: `dst` becomes what `src` holds.
#[inline(always)]
pub fn copy(src: Slot, dst: Slot) {
    unsafe { operation!(1; in("a0") src.0, in("a1") dst.0) }
}

/// 2: as copy, and empties `src`. Refused: a CNode into itself.
#[inline(always)]
pub fn move_(src: Slot, dst: Slot) {
    unsafe { operation!(2; in("a0") src.0, in("a1") dst.0) }
}

/// 3: empties `slot`, which may be empty.
#[inline(always)]
pub fn drop(slot: Slot) {
    unsafe { operation!(3; in("a0") slot.0) }
}

/// 4: exchanges what two slots hold; either may be empty.
#[inline(always)]
pub fn swap(a: Slot, b: Slot) {
    unsafe { operation!(4; in("a0") a.0, in("a1") b.0) }
}

/// 5: `dst` becomes an empty CNode of 2^size_log slots (size_log at most 16).
#[inline(always)]
pub fn mint_cnode(dst: Slot, size_log: u64) {
    unsafe { operation!(5; in("a0") dst.0, in("a1") size_log) }
}

/// 37: what a slot holds.
#[inline(always)]
pub fn kind_of(src: Slot) -> Kind {
    let kind: u64;
    unsafe { operation!(37; inlateout("a0") src.0 => kind) }
    match kind {
        0 => Kind::Empty,
        1 => Kind::Instance,
        2 => Kind::Image,
        3 => Kind::Data,
        4 => Kind::CNode,
        _ => Kind::Type,
    }
}

/// 35: gives the host a copy of the cap, when the whole invocation ends well.
#[inline(always)]
pub fn emit(src: Slot) {
    unsafe { operation!(35; in("a0") src.0) }
}

/// 22: copies from a Data to memory, from `offset` in it, what there is and `to` holds; returns how many bytes.
#[inline(always)]
pub fn read_data(data: Slot, to: &mut [u8], offset: u64) -> usize {
    let copied: usize;
    unsafe {
        operation!(memory 22; inlateout("a0") data.0 => copied, in("a1") to.as_mut_ptr(), in("a2") to.len(),
            in("a3") offset);
    }
    copied
}

/// 23: `dst` becomes a Data of these bytes, filled up with zeros to whole pages; costs their bytes in quota.
#[inline(always)]
pub fn mint_data(from: &[u8], quota: Slot, dst: Slot) {
    unsafe { operation!(memory 23; in("a0") from.as_ptr(), in("a1") from.len(), in("a2") quota.0, in("a3") dst.0) }
}

/// 24: `dst` becomes the Data of a file.
#[inline(always)]
pub fn open(file: Slot, dst: Slot) {
    unsafe { operation!(24; in("a0") file.0, in("a1") dst.0) }
}

/// 25: `dst` becomes a handle of a new file with that Data; costs quota.
#[inline(always)]
pub fn save(data: Slot, quota: Slot, dst: Slot) {
    unsafe { operation!(25; in("a0") data.0, in("a1") quota.0, in("a2") dst.0) }
}

/// 18: `dst` becomes a new Instance of an Image with the CNode's 256 slots; the CNode is consumed.
#[inline(always)]
pub fn derive_spawn(image: Slot, cnode: Slot, dst: Slot) {
    unsafe { operation!(18; in("a0") image.0, in("a1") cnode.0, in("a2") dst.0) }
}

/// 19: `dst` becomes the Image whose serialized form these bytes are. What it bakes in must be in your root slots.
#[inline(always)]
pub fn make_image(from: &[u8], dst: Slot) {
    unsafe { operation!(memory 19; in("a0") from.as_ptr(), in("a1") from.len(), in("a2") dst.0) }
}

/// 20: are two Instances of one lineage?
#[inline(always)]
pub fn same_type(a: Slot, b: Slot) -> bool {
    let same: u64;
    unsafe { operation!(20; inlateout("a0") a.0 => same, in("a1") b.0) }
    same != 0
}

/// 21: `dst` becomes the Type of an Instance.
#[inline(always)]
pub fn type_of(instance: Slot, dst: Slot) {
    unsafe { operation!(21; in("a0") instance.0, in("a1") dst.0) }
}

/// 32: is a's lineage that of b, extended by those Images, at most 256?
#[inline(always)]
pub fn same_type_as(a: Slot, b: Slot, images: &[Slot]) -> bool {
    let same: u64;
    unsafe {
        operation!(memory 32; inlateout("a0") a.0 => same, in("a1") b.0, in("a2") images.as_ptr(),
            in("a3") images.len());
    }
    same != 0
}

/// 33: `dst` becomes a Type extended by those Images, at most 256.
#[inline(always)]
pub fn subtype(of: Slot, images: &[Slot], dst: Slot) {
    unsafe {
        operation!(memory 33; in("a0") of.0, in("a1") images.as_ptr(), in("a2") images.len(), in("a3") dst.0);
    }
}

/// 34: are two Types equal?
#[inline(always)]
pub fn type_eq(a: Slot, b: Slot) -> bool {
    let equal: u64;
    unsafe { operation!(34; inlateout("a0") a.0 => equal, in("a1") b.0) }
    equal != 0
}
