// The types of values, as the specification writes them (and docs/formats.md, for what is private), for @chainsafe/ssz
// with BLAKE2b-256 in the place of SHA-256.
import { blake2b } from "@noble/hashes/blake2b";
import * as tree from "@chainsafe/persistent-merkle-tree";
import { hasher as stock } from "@chainsafe/persistent-merkle-tree/hasher/noble";

export const hash = (bytes) => blake2b(bytes, { dkLen: 32 });

const digest64 = (a, b) => {
  const both = new Uint8Array(64);
  both.set(a);
  both.set(b, 32);
  return hash(both);
};

function hashInto(input, output) {
  for (let i = 0; i < input.length; i += 64) output.set(hash(input.subarray(i, i + 64)), i / 2);
}

const block = new Uint8Array(4 * 64);
const digestObjects = (left, right) =>
  tree.uint8ArrayToHashObject(digest64(tree.hashObjectToUint8Array(left), tree.hashObjectToUint8Array(right)));

tree.setHasher({
  ...stock,
  name: "blake2b-256",
  hashInto,
  digest64,
  digest64Into: (a, b, output) => output.set(digest64(a, b)),
  digest64HashObjects: (left, right, parent) => Object.assign(parent, digestObjects(left, right)),
  merkleizeBlocksBytes: (bytes, padFor, output, offset) => tree.doMerkleizeBlocksBytes(bytes, padFor, output, offset, hashInto),
  merkleizeBlockArray: (blocks, limit, padFor, output, offset) =>
    tree.doMerkleizeBlockArray(blocks, limit, padFor, output, offset, hashInto, block),
  digestNLevel: (data, levels) => tree.doDigestNLevel(data, levels, hashInto),
  executeHashComputations: (levels) => {
    for (let i = levels.length - 1; i >= 0; i--)
      for (const { src0, src1, dest } of levels[i]) dest.applyHash(digestObjects(src0, src1));
  },
});

// The library computes its zero hashes by SHA-256 whatever the hasher is; what it keeps of them is exchanged in place.
for (let level = 1; level <= 64; level++) {
  const below = tree.zeroHash(level - 1);
  tree.zeroHash(level).set(digest64(below, below));
}

const ssz = await import("@chainsafe/ssz");
const { ByteListType, ByteVectorType, ContainerType, UintBigintType, UintNumberType, UnionType } = ssz;
const u8 = new UintNumberType(1);
const u32 = new UintNumberType(4);
const u64 = new UintBigintType(8);
export const Hash = new ByteVectorType(32);
const list = (type, limit) =>
  type.isBasic ? new ssz.ListBasicType(type, limit) : new ssz.ListCompositeType(type, limit);
const vector = (type, length) =>
  type.isBasic ? new ssz.VectorBasicType(type, length) : new ssz.VectorCompositeType(type, length);

export const Data = new ContainerType({ pages: list(Hash, 2 ** 20) });
export const CNode = new ContainerType({ size_log: u8, slots: vector(Hash, 2 ** 16) });
export const Type = new ContainerType({ image_hash_chain: Hash });
const Endpoint = new ContainerType({
  index: u8, entry_pc: u32, arg_registers: u8, arg_cnode_size: u8, initial_regs: vector(u64, 13),
});
const Mapping = new ContainerType({ start: u32, size: u64, kind: u8, source: list(u32, 8) });
const SlotCap = new ContainerType({ slot: u32, cap: Hash });
export const Image = new ContainerType({
  instruction_set: u8, code: new ByteListType(2 ** 24), bitmask: new ByteListType(2 ** 21),
  jump_table: list(u32, 2 ** 20), endpoints: list(Endpoint, 256), mappings: list(Mapping, 64),
  gas_slots: list(u32, 16), quota_slots: list(u32, 16), pinned: list(SlotCap, 256), initial: list(SlotCap, 256),
  yield_marker_slot: list(u32, 1),
});
const Overlay = new ContainerType({ start: u32, pages: list(Hash, 2 ** 20) });
export const Instance = new ContainerType({
  image_hash_chain: Hash, image_hash: Hash, root_cnode: Hash, rw_overlays: list(Overlay, 64), mem_size: u32,
  heap_end: u32, regs: vector(u64, 13), pc: u64, gas_remaining: u64, paused: Hash,
});
export const Cap = new UnionType([Instance, Image, Data, CNode, Type]);

const Entry = new ContainerType({ kind: u8, instance: Hash, callee_slot: u64, target: u32 });
export const Continuation = new ContainerType({ marker: Hash, entries: list(Entry, 256) });
const Effect = new ContainerType({ kind: u8, a: Hash, b: Hash, id: u64, amount: u64 });
export const Frame = new ContainerType({
  called: Hash, pages: vector(Hash, 2 ** 20), heap_end: u64, flags: u8, budget: u64, effects: list(Effect, 2 ** 16),
});

// The two vectors that are serialized sparsely: as lists of index and hash.
const Sparse = (limit) => list(new ContainerType({ index: u32, hash: Hash }), limit);
export const SparseCNode = new ContainerType({ size_log: u8, slots: Sparse(2 ** 16) });
export const SparseFrame = new ContainerType({
  called: Hash, pages: Sparse(2 ** 20), heap_end: u64, flags: u8, budget: u64, effects: list(Effect, 2 ** 16),
});

export { tree };
