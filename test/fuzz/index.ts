// npm run fuzz [-- TIMES [SEED [WORDS]]]: reads changed files of every format, 10,000 of each. They are read or refused with an error of ours, in little time and
// memory. Words select the formats whose name contains one of them.
import { formats } from './formats.ts';
import { fuzz, mostMegabytes } from './run.ts';

const MOST_MEGABYTES = 1500;

const [times = '10000', seed = '1', ...wanted] = process.argv.slice(2);
let bad = 0;
for (const format of formats) {
  if (wanted.length > 0 && !wanted.some((word) => format.name.includes(word))) continue;
  const { name, read, refused, faults, slowestMs } = await fuzz(format, Number(times), Number(seed));
  console.log(`${faults.length === 0 ? 'ok     ' : 'FAILED '} ${name}: ${read} read, ${refused} refused, slowest ${Math.round(slowestMs)} ms${faults.map((fault) => `\n        ${fault}`).join('')}`);
  bad += faults.length;
}
const most = mostMegabytes();
console.log(`${most} MB at most`);
process.exitCode = bad === 0 && most < MOST_MEGABYTES ? 0 : 1;
