// All that the package exports, with the kernels in Wasm and every method, but no GPU.
import * as polyak from 'polyak';

console.log(Object.keys(polyak).length, polyak.tensor([1, 2]).add(1).data());
