/** The table of interests against Maps and arrays, through many comings and goings; what has gone refers to nothing any more. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Interest, Interests, InterestTable, Subject } from '../../src/server/interests.js';
import { fuzzSeed, Random } from '../support/fuzz.js';

interface Owner {
  readonly id: number;
  readonly interests: Interests<Subject<Owner>, Owner>;
}

type Link = Interest<Subject<Owner>, Owner>;

const nameOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const keyOf = ({ space, name }: Subject<Owner>): string => `${space}:${Buffer.from(name).toString()}`;
const makeOwner = (id: number): Owner => ({ id, interests: new Interests() });

class Model {
  readonly table = new InterestTable<Subject<Owner>, Owner>();
  readonly owners = Array.from({ length: 20 }, (_, id) => makeOwner(id));
  /** All interests as `space:name`, owner, in the order in which they came. */
  readonly pairs: { readonly key: string; readonly owner: Owner; readonly link: Link }[] = [];

  join(space: number, text: string, owner: Owner): void {
    const bytes = nameOf(`xx${text}yy`);
    let subject = this.table.find(space, bytes, 2, bytes.length - 4);
    if (subject === null) {
      subject = new Subject<Owner>(space, nameOf(text));
      this.table.add(subject);
    }
    const key = keyOf(subject);
    const known = this.pairs.find((pair) => pair.key === key && pair.owner === owner);
    const link = this.table.interestIn(subject, owner, owner.interests);
    assert.equal(link, known?.link ?? null);
    if (link === null) this.pairs.push({ key, owner, link: this.table.join(subject, owner, owner.interests) });
  }

  leave(index: number): void {
    const [{ owner, link }] = this.pairs.splice(index, 1) as [(typeof this.pairs)[number]];
    this.table.leave(link, owner.interests);
    assert.deepEqual(
      [link.previous, link.next, link.previousOfOwner, link.nextOfOwner],
      [null, null, null, null],
      'what has gone refers to nothing',
    );
  }

  leaveAll(owner: Owner): void {
    this.table.leaveAll(owner.interests);
    for (let i = this.pairs.length - 1; i >= 0; i--) if (this.pairs[i]!.owner === owner) this.pairs.splice(i, 1);
  }

  check(): void {
    const seen = new Set<string>();
    for (let subject = this.table.begin(); subject !== null; subject = this.table.advance()) {
      const key = keyOf(subject);
      seen.add(key);
      assert.equal(this.table.find(subject.space, subject.name, 0, subject.name.length), subject);
      const owners: number[] = [];
      for (let link = subject.begin(); link !== null; link = subject.advance()) owners.push(link.owner.id);
      assert.deepEqual(
        owners,
        this.pairs.filter((pair) => pair.key === key).map((pair) => pair.owner.id),
      );
      assert.equal(subject.count, owners.length);
    }
    assert.deepEqual(seen, new Set(this.pairs.map((pair) => pair.key)));
    assert.equal(this.table.size, seen.size);
    for (const owner of this.owners) {
      const keys: string[] = [];
      for (let link = owner.interests.first; link !== null; link = link.nextOfOwner) keys.push(keyOf(link.subject));
      assert.deepEqual(
        keys,
        this.pairs.filter((pair) => pair.owner === owner).map((pair) => pair.key),
      );
      assert.equal(owner.interests.count, keys.length);
    }
  }
}

suite('interests', () => {
  test('are what Maps and arrays would hold, in the same order', () => {
    const random = new Random(fuzzSeed());
    const model = new Model();
    for (let round = 0; round < 300; round++) {
      const isGrowing = random.oneIn(2);
      for (let step = random.below(60); step > 0; step--) {
        if (model.pairs.length === 0 || random.below(3) > (isGrowing ? 0 : 1)) {
          model.join(random.below(2), `n${random.below(60)}`, random.pick(model.owners));
        } else if (random.oneIn(20)) {
          model.leaveAll(random.pick(model.owners));
        } else {
          model.leave(random.below(model.pairs.length));
        }
      }
      model.check();
    }
  });

  test('any of them may end while somebody goes through them', () => {
    for (const gone of [[0], [1], [1, 2], [0, 1, 2, 3, 4], [4], [3, 4]]) {
      const table = new InterestTable<Subject<Owner>, Owner>();
      const owners = Array.from({ length: 5 }, (_, id) => makeOwner(id));
      for (const text of ['a', 'b', 'c']) {
        const subject = new Subject<Owner>(0, nameOf(text));
        table.add(subject);
        for (const owner of owners) table.join(subject, owner, owner.interests);
      }
      const seen: string[] = [];
      for (let subject = table.begin(); subject !== null; subject = table.advance()) {
        for (let link = subject.begin(); link !== null; link = subject.advance()) {
          seen.push(`${Buffer.from(subject.name)}${link.owner.id}`);
          if (seen.length === 1) for (const id of gone) table.leaveAll(owners[id]!.interests);
        }
      }
      const expected = ['a0'];
      for (const text of ['a', 'b', 'c'])
        for (const { id } of owners) if (`${text}${id}` !== 'a0' && !gone.includes(id)) expected.push(`${text}${id}`);
      assert.deepEqual(seen, expected);
    }
  });

  test('subjects may go while somebody goes through them', () => {
    const table = new InterestTable<Subject<Owner>, Owner>();
    const owner = makeOwner(0);
    const links: Link[] = [];
    for (let i = 0; i < 200; i++) {
      const subject = new Subject<Owner>(0, nameOf(String(i)));
      table.add(subject);
      links.push(table.join(subject, owner, owner.interests));
    }
    const seen: number[] = [];
    for (let subject = table.begin(); subject !== null; subject = table.advance()) {
      const index = Number(Buffer.from(subject.name).toString());
      seen.push(index);
      for (const at of [index, index + 1]) table.leave(links[at]!, owner.interests);
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 100 }, (_, i) => 2 * i),
    );
    assert.equal(table.size, 0);
  });
});
