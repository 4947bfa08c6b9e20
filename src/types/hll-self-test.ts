/** PFSELFTEST: checks on this machine, with random numbers, that registers keep what they are given and that estimates are as good as promised. */
import { elementHash, hashElement, REGISTER_COUNT } from './hll-hash.js';
import {
  countDense,
  countRegisters,
  DENSE_REGISTER_BYTES,
  estimate,
  getRegister,
  setRegister,
} from './hll-registers.js';
import { CHANGED, mergeSparse, SPARSE_COUNT_MAX, SPARSE_EMPTY, SparseChange } from './hll-sparse.js';

const ROUNDS = 20;
const ELEMENTS = 200_000;
/** Up to so many elements the sparse form is built, too: each costs a walk. */
const SPARSE_ELEMENTS = 1000;
/** Six standard errors of 1.04 / √m: one run in some hundred million fails by chance. */
const ERROR_MAX = (6 * 1.04) / Math.sqrt(REGISTER_COUNT);

/** @returns null, or what is wrong */
export function testHyperLogLog(): string | null {
  return testRegisters() ?? testEstimates();
}

function testRegisters(): string | null {
  const dense = new Uint8Array(DENSE_REGISTER_BYTES);
  const plain = new Uint8Array(REGISTER_COUNT);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < REGISTER_COUNT; i++) {
      plain[i] = Math.floor(Math.random() * 64);
      setRegister(dense, 0, i, plain[i]);
    }
    for (let i = 0; i < REGISTER_COUNT; i++) {
      const value = getRegister(dense, 0, i);
      if (value !== plain[i]) return `Register ${i} should be ${plain[i]} but is ${value}`;
    }
  }
  return null;
}

function testEstimates(): string | null {
  const dense = new Uint8Array(DENSE_REGISTER_BYTES);
  const sparse = new SparseForm();
  const element = new Uint8Array(8);
  crypto.getRandomValues(element);
  let checkpoint = 1;
  for (let count = 1; count <= ELEMENTS; count++) {
    for (let i = 0; i < 4; i++) element[i] = count >> (i << 3);
    hashElement(element, 0, element.length);
    if (elementHash.count > getRegister(dense, 0, elementHash.register))
      setRegister(dense, 0, elementHash.register, elementHash.count);
    if (count <= SPARSE_ELEMENTS) sparse.raise(elementHash.register, elementHash.count);
    if (count !== checkpoint) continue;
    checkpoint *= 10;
    countDense(dense, 0);
    const estimated = estimate();
    if (Math.abs(estimated - count) > Math.max(1, Math.ceil(ERROR_MAX * count)))
      return `Too big error. card:${count} abserr:${Math.abs(estimated - count)}`;
    if (count <= SPARSE_ELEMENTS && sparse.estimate() !== estimated)
      return `sparse and dense differ: ${sparse.estimate()} ${estimated}`;
  }
  return null;
}

/** Registers in the sparse form, with room for all. */
class SparseForm {
  private readonly bytes = new Uint8Array(2 * REGISTER_COUNT);
  private end = SPARSE_EMPTY.length;
  private readonly change = new SparseChange();
  /** Registers with values that the form does not have: so rare that they do not matter to it. */
  private readonly large = new Uint8Array(REGISTER_COUNT);

  constructor() {
    this.bytes.set(SPARSE_EMPTY);
  }

  raise(register: number, count: number): void {
    if (count > SPARSE_COUNT_MAX) this.large[register] = Math.max(this.large[register], count);
    else if (this.change.plan(this.bytes, 0, this.end, register, count) === CHANGED)
      this.end = this.change.apply(this.bytes, 0, this.end);
  }

  estimate(): number {
    const registers = this.large.slice();
    if (!mergeSparse(this.bytes, 0, this.end, registers)) return -1;
    countRegisters(registers);
    return estimate();
  }
}
