/** One random operation on a keyspace and its model. */
import type { Random } from '../support/fuzz.js';
import type { KeyspaceModel } from './model.js';

/** Some keys share a slot by their tag, so that its table grows; some are long enough for the long form of the header. */
export function randomKey(random: Random): string {
  const n = random.below(300);
  switch (random.below(40)) {
    case 0:
      return `${'k'.repeat(65_530 + random.below(10))}${n}`;
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
      return `{tag}${n}`;
    default:
      return `key:${n}`;
  }
}

function randomText(random: Random): string {
  const length = random.oneIn(50) ? random.below(200_000) : random.below(random.oneIn(5) ? 500 : 30);
  return String.fromCharCode(97 + random.below(26)).repeat(length);
}

function randomExpiry(random: Random, model: KeyspaceModel): number {
  return random.oneIn(2) ? 0 : model.space.nowMs + random.below(2000);
}

export function randomOperation(random: Random, model: KeyspaceModel): void {
  const index = random.below(model.databases.length);
  const key = randomKey(random);
  switch (random.below(13)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return model.set(index, key, randomText(random), randomExpiry(random, model));
    case 4:
    case 5:
      return model.remove(index, key);
    case 6:
      return model.expire(index, key, randomExpiry(random, model));
    case 7:
      return model.resize(index, key, random.oneIn(3) ? '' : randomText(random));
    case 8:
      return model.transfer(index, key, index, randomKey(random));
    case 9:
      return model.transfer(index, key, random.below(model.databases.length), key);
    case 10:
      return model.copy(index, key, random.below(model.databases.length), randomKey(random));
    case 11:
      if (random.oneIn(60)) model.flush(index);
      else if (random.oneIn(20)) model.swap(index, random.below(model.databases.length));
      return;
    default:
      model.space.setNow(model.space.nowMs + random.below(20));
  }
}
