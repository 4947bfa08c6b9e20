/** The tree of ranks against a sorted array, in every order of insertion. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../../src/memory/arena.js';
import { type ItemOrder, RankTree } from '../../src/memory/rank-tree.js';
import { fuzzSeed, Random } from '../support/fuzz.js';

interface Element {
  readonly score: number;
  readonly member: number;
  readonly item: Ref;
}

/** Items are blocks of four bytes: the member, big-endian, so that bytes are ordered as numbers are. */
class Members implements ItemOrder {
  readonly bytes = new Uint8Array(4);
  constructor(private readonly arena: Arena) {}

  create(member: number): Ref {
    const item = this.arena.allocate(4);
    this.arena.words[item >>> CHUNK_INDEX_SHIFT][(item & UNIT_MASK) << 1] = member;
    return item;
  }

  bytesOf(member: number): Uint8Array {
    new DataView(this.bytes.buffer).setUint32(0, member);
    return this.bytes;
  }

  compare(item: Ref, bytes: Uint8Array, start: number): number {
    const member = this.arena.words[item >>> CHUNK_INDEX_SHIFT][(item & UNIT_MASK) << 1];
    return member - new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(0);
  }
}

const before = (a: Element, b: Element): number => a.score - b.score || a.member - b.member;

function itemsOf(trees: RankTree, tree: Ref): Ref[] {
  const items: Ref[] = [];
  trees.seekRank(tree, 0);
  for (let { leaf } = trees; leaf !== 0; leaf = trees.nextLeaf(leaf))
    for (let i = 0; i < trees.cellCount(leaf); i++) items.push(trees.itemAt(leaf, i));
  return items;
}

function dissolve(trees: RankTree, tree: Ref): void {
  for (let leaf = trees.dissolve(tree); leaf !== 0; ) leaf = trees.dropLeaf(leaf);
}

for (const [name, isGrowing] of [
  ['a growing tree', 0.7],
  ['a shrinking tree', 0.3],
] as const) {
  const seed = fuzzSeed();
  test(`${name} answers as a sorted array does (seed ${seed})`, () => {
    const random = new Random(seed);
    const arena = new Arena();
    const members = new Members(arena);
    const trees = new RankTree(arena, members);
    const tree = trees.create();
    const model: Element[] = [];
    const removed = new Int32Array(40);
    let nextMember = 0;
    const randomScore = (): number => (random.below(8) === 0 ? random.below(3) : random.below(2000) / 4 - 250);
    const addToModel = (element: Element): void => {
      let at = model.findIndex((other) => before(other, element) > 0);
      if (at < 0) at = model.length;
      model.splice(at, 0, element);
    };
    const add = (): void => {
      const score = randomScore();
      const member = (nextMember++ * 7919) % 1000003;
      const element = { score, member, item: members.create(member) };
      trees.insert(tree, score, element.item, members.bytesOf(member), 0, 4);
      addToModel(element);
    };
    /** Some elements at once that are behind all others: many of them, or with the score of the last one. */
    const append = (): void => {
      const last = model.at(-1);
      const added = Array.from({ length: random.below(random.below(4) === 0 ? 300 : 10) }, (_, i) => {
        const member = 2_000_000 + nextMember++;
        const score = (last?.score ?? 0) + random.below(2) * i;
        return { score, member, item: members.create(member) };
      }).sort(before);
      const scores = Float64Array.from(added, ({ score }) => score);
      const items = Int32Array.from(added, ({ item }) => item);
      trees.appendAll(tree, scores, items, added.length);
      model.push(...added);
    };
    const rescore = (): void => {
      const [element] = model.splice(random.below(model.length), 1) as [Element];
      const score = random.below(2) === 0 ? randomScore() : element.score + (random.below(9) - 4) / 4;
      trees.rescore(tree, element.score, score, element.item, members.bytesOf(element.member), 0, 4);
      addToModel({ ...element, score });
    };
    const sweep = (): void => {
      const isRare = random.below(2) === 0;
      const [first, last] = [random.below(model.length), random.below(model.length)];
      const gone = new Set<Ref>();
      model.forEach(({ item }, rank) => {
        if (isRare ? random.below(100) === 0 : (rank - first) * (rank - last) < 0) gone.add(item);
      });
      trees.sweep(tree, { takes: (item) => gone.has(item) });
      for (const item of gone) arena.free(item);
      model.splice(0, model.length, ...model.filter(({ item }) => !gone.has(item)));
    };
    if (isGrowing < 0.5) for (let i = 0; i < 4000; i++) add();
    for (let step = 0; step < 6000; step++) {
      if (random.below(300) === 0 && model.length > 0) sweep();
      if (random.below(400) === 0) append();
      if (model.length === 0 || random.below(100) < isGrowing * 100) {
        add();
      } else if (random.below(3) === 0) {
        rescore();
      } else {
        const rank = random.below(model.length);
        if (random.below(2) === 0) {
          const { score, member, item } = model.splice(rank, 1)[0]!;
          trees.remove(tree, score, item, members.bytesOf(member), 0, 4);
          arena.free(item);
        } else {
          const wanted = 1 + random.below(random.below(20) === 0 ? removed.length : 2);
          const count = trees.removeFrom(tree, rank, wanted, removed);
          assert.ok(count > 0 && count <= wanted);
          for (const [i, { item }] of model.splice(rank, count).entries()) {
            assert.equal(removed[i], item);
            arena.free(item);
          }
        }
      }
      assert.equal(trees.count(tree), model.length);
      if (model.length === 0) continue;
      const rank = random.below(model.length);
      const { score, member, item } = model[rank]!;
      trees.seekRank(tree, rank);
      assert.equal(trees.itemAt(trees.leaf, trees.index), item);
      assert.equal(trees.scoreAt(trees.leaf, trees.index), score);
      assert.equal(trees.rankOf(tree, score, item, members.bytesOf(member), 0, 4), rank);
      if (step % 50 !== 0) continue;
      assert.equal(trees.countByScore(tree, score, false), model.filter((other) => other.score < score).length);
      assert.equal(trees.countByScore(tree, score, true), model.filter((other) => other.score <= score).length);
      assert.deepEqual(
        itemsOf(trees, tree),
        model.map((element) => element.item),
      );
    }
    for (const { item } of model) arena.free(item);
    dissolve(trees, tree);
    assert.equal(arena.blockCount, new Arena().blockCount, 'every block was given back');
  });
}

test('infinities, negative scores and both zeros are in the order of numbers', () => {
  const arena = new Arena();
  const members = new Members(arena);
  const trees = new RankTree(arena, members);
  const tree = trees.create();
  const scores = [
    Number.NEGATIVE_INFINITY,
    -1e300,
    -2,
    -1.5,
    -5e-324,
    -0,
    0,
    5e-324,
    1,
    1e300,
    Number.POSITIVE_INFINITY,
  ];
  const items = scores.map((_, member) => members.create(member));
  for (const member of [5, 3, 9, 0, 10, 1, 7, 6, 2, 8, 4])
    trees.insert(tree, scores[member]!, items[member]!, members.bytesOf(member), 0, 4);
  assert.deepEqual(itemsOf(trees, tree), items);
  const told = scores.map((_, index) => trees.scoreAt(trees.leaf, index));
  assert.deepEqual(
    told,
    scores.map((score) => score + 0),
    'zeros are told without their sign',
  );
  assert.equal(trees.countByScore(tree, 0, false), 5);
  assert.equal(trees.countByScore(tree, -0, true), 7);
});

test('elements that come in order, from either side, fill the leaves', () => {
  for (const isAscending of [true, false]) {
    const arena = new Arena();
    const members = new Members(arena);
    const trees = new RankTree(arena, members);
    const tree = trees.create();
    const empty = arena.usedBytes;
    for (let i = 0; i < 20000; i++) {
      const member = isAscending ? i : 20000 - i;
      trees.insert(tree, member, members.create(member), members.bytesOf(member), 0, 4);
    }
    const perElement = (arena.usedBytes - empty) / 20000 - 8;
    assert.ok(perElement < 13.5, `${perElement} bytes per element`);
  }
});
