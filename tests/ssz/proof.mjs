// Our proofs as bytes (docs/proofs.md), and where the leaves of a claim are, by the library's own generalized indices.
import * as t from "./types.mjs";

const { tree } = t;
const under = (type, ...path) => type.getPathInfo(path).gindex;
const concat = (...gindices) => tree.concatGindices(gindices);
const value = t.Cap.getPropertyGindex("value");
const selector = t.Cap.getPropertyGindex("selector");
const length = (list) => concat(list, 3n); // the number that is mixed into a list
const fields = [
  [], ["pc", 8], ["gas_remaining", 8], ["image_hash_chain", 32], ["image_hash", 32], ["root_cnode", 32],
  ["mem_size", 4], ["heap_end", 4], ["paused", 32],
];
const [REGISTER, SLOT, PAGE, DATA_PAGE, WRITTEN_PAGE] = [0, 9, 10, 11, 12];

export const chunk = (number) => {
  const out = new Uint8Array(32);
  new DataView(out.buffer).setBigUint64(0, BigInt(number), true);
  return out;
};
const padded = (bytes) => {
  const out = new Uint8Array(32);
  out.set(bytes);
  return out;
};

// A slot operand: a slot, then up to three of 1 + slot.
function slotsOf(operand) {
  const slots = [Number(operand & 0xffn)];
  for (let rest = operand >> 8n; rest; rest >>= 16n) slots.push(Number(rest & 0xffffn) - 1);
  return slots;
}

// [gindex, leaf, and for what is not known from the claim's kind and place: its name and size in the claim].
export function leavesOf(claim) {
  const leaves = [];
  const kindIs = (at, kind) => leaves.push([concat(at, selector), chunk(kind)]);
  const number = (at, name, size) => leaves.push([at, chunk(claim[name]), name, size]);
  let instance = value;
  kindIs(1n, 0);
  if (claim.entry > 0) {
    const entries = concat(instance, under(t.Instance, "paused"), under(t.Continuation, "entries"));
    number(length(entries), "entries", 2);
    const entry = [concat(instance, under(t.Instance, "paused")), claim.entry - 1];
    const of = (field) => concat(entry[0], under(t.Continuation, "entries", entry[1], field));
    leaves.push([of("kind"), chunk(0)]);
    kindIs(of("instance"), 0);
    instance = concat(of("instance"), value);
  }
  const field = (...path) => concat(instance, under(t.Instance, ...path));
  const page = (at) => leaves.push([at, t.hash(claim.bytes), "bytes"]);
  const pageOfList = (list, of, index) => {
    number(length(list), "pages", 4);
    page(of(index));
  };
  const slot = () => {
    let at = field("root_cnode");
    slotsOf(claim.place).forEach((index, i) => {
      kindIs(at, 3);
      leaves.push([concat(at, value, under(t.CNode, "size_log")), chunk(claim.sizes[i]), ["sizes", i], 1]);
      at = concat(at, value, under(t.CNode, "slots", index));
    });
    return at;
  };
  if (claim.kind === REGISTER) leaves.push([field("regs", 4 * Number(claim.place)), padded(claim.regs), "regs", claim.regs.length]);
  else if (claim.kind === SLOT) leaves.push([slot(), claim.hash, "hash"]);
  else if (claim.kind === DATA_PAGE) {
    const data = slot();
    kindIs(data, 2);
    pageOfList(concat(data, value, under(t.Data, "pages")), (i) => concat(data, value, under(t.Data, "pages", i)), claim.page);
  } else if (claim.kind === PAGE) {
    const index = Number((claim.place - claim.start) / 4096n);
    number(length(field("rw_overlays")), "overlays", 1);
    number(field("rw_overlays", claim.overlay, "start"), "start", 4);
    pageOfList(field("rw_overlays", claim.overlay, "pages"), (i) => field("rw_overlays", claim.overlay, "pages", i), index);
  } else if (claim.kind === WRITTEN_PAGE)
    page(concat(field("paused"), under(t.Frame, "pages", Number(claim.place >> 12n))));
  else {
    const [name, size] = fields[claim.kind];
    if (size === 32) leaves.push([field(name), claim.hash, "hash"]);
    else number(field(name), "number", size);
  }
  return leaves;
}

// What stands behind the head of a claim: [name, size in bytes], in order.
function* partsOf(claim) {
  if (claim.entry > 0) yield ["entries", 2];
  if (claim.kind === REGISTER) yield ["regs", claim.place < 3n ? 32 : 8];
  else if (claim.kind === SLOT || claim.kind === DATA_PAGE) {
    yield ["sizes", slotsOf(claim.place).length];
    if (claim.kind === SLOT) yield ["hash", 32];
    else yield* [["pages", 4], ["bytes", 4096]];
  } else if (claim.kind === PAGE) yield* [["overlays", 1], ["overlay", 1], ["start", 4], ["pages", 4], ["bytes", 4096]];
  else if (claim.kind === WRITTEN_PAGE) yield ["bytes", 4096];
  else yield [fields[claim.kind][1] === 32 ? "hash" : "number", fields[claim.kind][1]];
}
const isBytes = (name) => ["regs", "sizes", "hash", "bytes"].includes(name);
const magic = Buffer.from("JAVMPRF\x01", "latin1");

export function decodeProof(bytes) {
  let at = 0;
  const take = (size) => {
    if (at + size > bytes.length) throw new Error("the proof ends too early");
    at += size;
    return bytes.subarray(at - size, at);
  };
  const number = (size) => take(size).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (Buffer.compare(Buffer.from(take(8)), magic) !== 0) throw new Error("no proof");
  const claims = Array.from({ length: Number(number(2)) }, () => {
    const claim = { entry: Number(number(2)), kind: Number(number(1)), place: number(8), page: Number(number(4)) };
    for (const [name, size] of partsOf(claim)) claim[name] = isBytes(name) ? take(size) : number(size);
    if (claim.overlay !== undefined) claim.overlay = Number(claim.overlay);
    if (claim.sizes) claim.sizes = [...claim.sizes];
    return claim;
  });
  const helpers = [];
  while (at < bytes.length) {
    const [level] = take(1);
    helpers.push(level === 255 ? take(32) : tree.zeroHash(level));
  }
  return { claims, helpers };
}

export function encodeProof(claims, helpers) {
  const zeros = Array.from({ length: 41 }, (_, level) => Buffer.from(tree.zeroHash(level)).toString("hex"));
  const parts = [magic];
  const number = (value, size) => parts.push(chunk(value).subarray(0, size));
  number(claims.length, 2);
  for (const claim of claims) {
    number(claim.entry, 2);
    number(claim.kind, 1);
    number(claim.place, 8);
    number(claim.page, 4);
    for (const [name, size] of partsOf(claim)) {
      if (isBytes(name)) parts.push(Uint8Array.from(claim[name]));
      else number(claim[name], size);
    }
  }
  for (const helper of helpers) {
    const level = zeros.indexOf(Buffer.from(helper).toString("hex"));
    if (level >= 0) parts.push([level]);
    else parts.push([255], helper);
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}
