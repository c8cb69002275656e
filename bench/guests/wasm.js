// Runs a workload in V8: node wasm.js FILE N MILLISECONDS. Prints the checksum; the nanoseconds from the bytes of the module
// to the end of the first call; and those of one of the calls that it then makes for at least MILLISECONDS, after three times
// as long (and four calls) in which V8 compiles anew what is called often.
'use strict';
const [file, n, milliseconds] = process.argv.slice(2);
const least = BigInt(milliseconds) * 1000000n, argument = BigInt(n);
const bytes = require('fs').readFileSync(file);
const imports = { host: { call: (value) => value ^ (value >>> 1) } };
const now = process.hrtime.bigint;

let begin = now();
const workload = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports.workload;
const checksum = workload(argument);
const cold = now() - begin;

function run(leastTime, leastCount) {
  let count = 0n, total = 0n;
  for (begin = now(); total < leastTime || count < leastCount; count++) {
    if (workload(argument) !== checksum) throw new Error('the checksum changes');
    total = now() - begin;
  }
  return total / count;
}
let warm = 0n;
if (least > 0n) {
  run(3n * least, 4n);
  warm = run(least, 1n);
}
console.log(BigInt.asUintN(64, checksum) + ' ' + cold + ' ' + warm);
