// Recomputes roots and proofs that our library printed (values.c) with @chainsafe/ssz. Arguments: the program `values`, and
// how many of each kind. The last line is `N passed, N failed`.
import assert from "node:assert/strict";
import { spawnSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as t from "./types.mjs";
import { decodeProof, encodeProof, leavesOf } from "./proof.mjs";

const [program, count] = process.argv.slice(2);
const { tree, hash } = t;
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytesOf = (text) => new Uint8Array(Buffer.from(text, "hex"));
const names = ["Instance", "Image", "Data", "CNode", "Type", "", "Continuation", "Frame"];
const passed = {};
let failed = 0;

function test(name, body) {
  try {
    body();
    passed[name] = (passed[name] ?? 0) + 1;
  } catch (error) {
    if (failed++ < 10) console.log(`${name}: ${error.message.slice(0, 1000)}`);
  }
}

// -------------------------------------------------------------------------------------------------------- values

// The tree of one value, and where in it the hashes of others are, as gindices.
function nodeOf(bytes) {
  const [kind, body] = [bytes[0], bytes.subarray(1)];
  const refs = [];
  const at = (type, ...path) => refs.push(type.getPathInfo(path).gindex);
  const plain = (type) => {
    const value = type.deserialize(body);
    assert.deepEqual(type.serialize(value), body);
    return [type.value_toTree(value), value];
  };
  // A vector that is nearly all zeros: the library's own subtree of zeros, and what differs from that.
  const sparse = (type, sparseType, field) => {
    const { [field]: items, ...rest } = sparseType.deserialize(body);
    const vector = type.getPathInfo([field]);
    const empty = tree.setNode(tree.zeroNode(type.depth), vector.gindex, tree.zeroNode(vector.type.depth));
    const view = type.getViewDU(empty);
    for (const [name, value] of Object.entries(rest)) view[name] = type.fields[name].isBasic ? value : type.fields[name].toViewDU(value);
    for (const { index, hash } of items) {
      view[field].set(index, hash);
      at(type, field, index);
    }
    view.commit();
    return [view.node, rest];
  };
  let node, value;
  if (kind === 0) {
    [node, value] = plain(t.Instance);
    for (const field of ["image_hash", "root_cnode", "paused"]) at(t.Instance, field);
  } else if (kind === 1) [node] = plain(t.Image);
  else if (kind === 2) [node] = plain(t.Data);
  else if (kind === 3) [node] = sparse(t.CNode, t.SparseCNode, "slots");
  else if (kind === 4) [node] = plain(t.Type);
  else if (kind === 6) {
    [node, value] = plain(t.Continuation);
    value.entries.forEach((_, i) => at(t.Continuation, "entries", i, "instance"));
  } else if (kind === 7) [node] = sparse(t.Frame, t.SparseFrame, "pages");
  else assert.fail(`kind ${kind}`);
  if (kind > 4) return { node, refs };
  const selector = tree.LeafNode.fromRoot(t.Hash.defaultValue().map((_, i) => (i === 0 ? kind : 0)));
  const value_at = t.Cap.getPropertyGindex("value");
  return { node: new tree.BranchNode(node, selector), refs: refs.map((g) => tree.concatGindices([value_at, g])) };
}

function checkValue(kind, root, bytes) {
  test(`${names[kind]}: root`, () => {
    assert.equal(bytes[0], kind);
    assert.equal(hex(nodeOf(bytes).node.root), root);
  });
  // What the library can do without help from here, it does: all of Cap but the sparse form. Of CNodes, the first few.
  if (kind <= 4 && kind !== 3)
    test(`${names[kind]}: hash_tree_root of Cap`, () =>
      assert.equal(hex(t.Cap.hashTreeRoot(t.Cap.deserialize(bytes))), root));
  else if (kind === 6)
    test("Continuation: hash_tree_root", () =>
      assert.equal(hex(t.Continuation.hashTreeRoot(t.Continuation.deserialize(bytes.subarray(1)))), root));
  else if (kind === 3 && (passed["CNode: hash_tree_root of Cap, all slots"] ?? 0) < 5)
    test("CNode: hash_tree_root of Cap, all slots", () => {
      const { size_log, slots } = t.SparseCNode.deserialize(bytes.subarray(1));
      const all = Array(2 ** 16).fill(new Uint8Array(32));
      for (const { index, hash } of slots) all[index] = hash;
      assert.equal(hex(t.Cap.hashTreeRoot({ selector: 3, value: { size_log, slots: all } })), root);
    });
}

// -------------------------------------------------------------------------------------------------------- proofs

// The tree under an Instance's hash with all that the bundle has in the places of the hashes.
function wholeTree(bundle) {
  const values = new Map();
  const pages = new Map();
  assert.equal(Buffer.from(bundle.subarray(0, 8)).toString("latin1"), "JAVMBDL\x01");
  let first;
  for (let at = 8; at < bundle.length; ) {
    const size = new DataView(bundle.buffer, bundle.byteOffset + at + 1, 4).getUint32(0, true);
    const body = bundle.subarray(at + 5, at + 5 + size);
    if (bundle[at] === 0) pages.set(hex(hash(body)), body);
    else {
      const { node, refs } = nodeOf(body);
      first ??= hex(node.root);
      values.set(hex(node.root), { node, refs });
    }
    at += 5 + size;
  }
  const whole = (key) => {
    const value = values.get(key);
    if (!value) return undefined;
    let { node } = value;
    for (const g of value.refs) {
      const part = whole(hex(tree.getNode(node, g).root));
      if (part) node = tree.setNode(node, g, part);
    }
    return node;
  };
  return { root: first, node: whole(first), pages };
}

const made = []; // proofs made of the library's, to be verified by ours: { line, want }

function checkProof(root, bundle, proof) {
  test("proofs of ours that verify with the library", () => {
    const { claims, helpers } = decodeProof(proof);
    const leaves = new Map();
    for (const claim of claims) for (const [g, leaf] of leavesOf(claim)) {
      if (leaves.has(g)) assert.deepEqual(leaves.get(g), leaf);
      leaves.set(g, leaf);
    }
    const all = [...leaves.keys()].sort((a, b) => (a < b ? 1 : -1));
    // The library leaves out leaves that have others below them, so those are looked up afterwards.
    const gindices = all.filter((g) => !all.some((other) => other > g && isBelow(other, g)));
    const node = tree.createNodeFromProof({
      type: tree.ProofType.multi, gindices, leaves: gindices.map((g) => leaves.get(g)), witnesses: helpers,
    });
    assert.equal(hex(node.root), root);
    for (const [g, leaf] of leaves) assert.equal(hex(tree.getNode(node, g).root), hex(leaf));
  });
  test("proofs of the library that are ours, byte for byte", () => {
    const whole = wholeTree(bundle);
    assert.equal(whole.root, root);
    assert.equal(hex(whole.node.root), root);
    const { claims } = decodeProof(proof);
    // What the claims say comes out of the tree, not out of our proof: only their kinds and places are taken over.
    const said = claims.map((claim) => claimFrom(whole, claim));
    const gindices = [...new Set(said.flatMap((claim) => leavesOf(claim).map(([g]) => g)))];
    const { witnesses } = tree.createProof(whole.node, { type: tree.ProofType.multi, gindices });
    const bytes = encodeProof(said, witnesses);
    assert.equal(hex(bytes), hex(proof));
    made.push({ line: `${root} ${hex(bytes)}`, want: said.flatMap(told).join(" ") });
  });
}

const isBelow = (g, above) => g.toString(2).startsWith(above.toString(2));

// A claim with the same kind and place, its values taken from the tree.
function claimFrom(whole, claim) {
  const said = { ...claim };
  for (const [g, , field, size] of leavesOf(claim)) {
    if (field === undefined) continue;
    const leaf = tree.getNode(whole.node, g).root;
    if (field === "bytes") said.bytes = whole.pages.get(hex(leaf)) ?? assert.fail("a page that is not in the bundle");
    else if (Array.isArray(field)) said.sizes = said.sizes.map((s, i) => (i === field[1] ? leaf[0] : s));
    else if (size === undefined) said[field] = leaf;
    else said[field] = field === "regs" ? leaf.slice(0, size) : BigInt("0x" + hex(leaf.slice(0, size).reverse()));
  }
  return said;
}

// What `values check` prints of a claim.
function told(claim) {
  const line = (place, number, h) =>
    `${claim.kind} ${claim.entry === 0 ? -1 : claim.entry - 1} ${place} ${claim.page} ${number} ${hex(h)}`;
  const zero = new Uint8Array(32);
  if (claim.kind === 0)
    return Array.from({ length: claim.regs.length / 8 }, (_, i) =>
      line(4n * claim.place + BigInt(i), new DataView(claim.regs.buffer, claim.regs.byteOffset).getBigUint64(8 * i, true), zero));
  if (claim.bytes) return [line(claim.place, 0, hash(claim.bytes))];
  return [line(claim.place, claim.number ?? 0, claim.hash ?? zero)];
}

function verifyMade() {
  const { stdout, status } = spawnSync(program, ["check"], {
    input: made.map(({ line }) => line + "\n").join(""), maxBuffer: 2 ** 30, encoding: "utf8",
  });
  const answers = stdout.trimEnd().split("\n");
  made.forEach(({ want }, i) =>
    test("proofs of the library that verify with ours", () => {
      assert.equal(status, 0);
      assert.equal(answers[i], `0 ${want}`);
    }));
}

// ----------------------------------------------------------------------------------------------------------- all

const values = spawn(program, [count], { stdio: ["ignore", "pipe", "inherit"] });
for await (const line of createInterface({ input: values.stdout })) {
  const [what, ...words] = line.split(" ");
  if (what === "value") checkValue(Number(words[0]), words[1], bytesOf(words[2]));
  else checkProof(words[0], bytesOf(words[1]), bytesOf(words[2]));
}
verifyMade();
for (const [name, number] of Object.entries(passed)) console.log(`${name}: ${number}`);
if (values.exitCode) failed++;
const sum = Object.values(passed).reduce((a, b) => a + b, 0);
console.log(`${sum} passed, ${failed} failed`);
process.exit(failed || sum === 0 ? 1 : 0);
