/**
 * The cells of an IdTree as they were at one moment, read in parts while the tree goes on changing: copy-on-write by cell.
 *
 * Before a cell comes, changes or goes for the first time, what the ID had at the moment is noted in a second tree, the *overlay*:
 *
 *   cell of the overlay = | ID | 1 = it had a cell, 0 = it had none | value words of then |
 *
 * Where both trees have an ID, the overlay tells. So what is kept is what was written since; IDs that come behind the last one of the moment, as those
 * of new deliveries do, are not even noted.
 *
 * Invariants: (1) an unread ID is as it was at the moment in the overlay if that has it, in the tree otherwise; (2) the tree lives until `end`, though
 * its owner may have given it up.
 */
import type { Ref } from '../memory/arena.js';
import type { IdTree } from '../memory/id-tree.js';
import { compareIds, StreamId, writeIdAt } from '../memory/stream-id.js';

const WAS_THERE = 0;
const VALUE = 1;

export class FrozenIds {
  /** Of cells at the moment. */
  readonly count: number;
  readonly tree: Ref;
  private readonly ids: IdTree;
  private readonly overlays: IdTree;
  /** 0 = nothing has been noted. */
  private overlay: Ref = 0;
  /** All cells before this ID have been read, and there are none behind `last`. */
  private readonly next = new StreamId();
  private readonly last = new StreamId();
  private isOver: boolean;
  private isGivenUp = false;

  /** @param overlays a kind of tree with one value word more than `ids` has */
  constructor(ids: IdTree, overlays: IdTree, tree: Ref) {
    this.ids = ids;
    this.overlays = overlays;
    this.tree = tree;
    this.count = ids.count(tree);
    this.isOver = !ids.seekLast(tree);
    if (!this.isOver) ids.readId(this.last);
  }

  get cellWords(): number {
    return this.ids.cellWords;
  }

  /** The cell of this ID is about to come, to change or to go. The place in the tree is there then, or at nothing. */
  note(id: StreamId): void {
    if (this.isOver || compareIds(id, this.next) < 0 || compareIds(id, this.last) > 0) return;
    const { ids, overlays } = this;
    if (this.overlay === 0) this.overlay = overlays.create();
    if (overlays.find(this.overlay, id)) return;
    overlays.insert(this.overlay, id);
    const wasThere = ids.find(this.tree, id);
    overlays.setValue(WAS_THERE, wasThere ? 1 : 0);
    for (let word = 0; word < ids.valueWords; word++) overlays.setValue(VALUE + word, wasThere ? ids.value(word) : 0);
  }

  /** Reads the next cells, each as ID and value words. @returns how many; 0 if all have been read */
  read(cells: Int32Array): number {
    const { ids, overlays, overlay, next } = this;
    if (this.isOver) return 0;
    const end = cells.length - (cells.length % ids.cellWords);
    let isInTree = ids.seekFrom(this.tree, next) && ids.compare(this.last) <= 0;
    let isNoted = overlay !== 0 && overlays.seekFrom(overlay, next);
    let at = 0;
    while ((isInTree || isNoted) && at < end) {
      if (isInTree) ids.readId(treeId);
      if (isNoted) overlays.readId(notedId);
      const order = !isNoted ? -1 : !isInTree ? 1 : compareIds(treeId, notedId);
      next.copy(order < 0 ? treeId : notedId);
      if (order < 0) at = this.copy(cells, at, ids, 0);
      else if (overlays.value(WAS_THERE) === 1) at = this.copy(cells, at, overlays, VALUE);
      if (order <= 0) isInTree = ids.next() && ids.compare(this.last) <= 0;
      if (order >= 0) isNoted = overlays.next();
    }
    this.isOver = (!isInTree && !isNoted) || !next.increment();
    return at / ids.cellWords;
  }

  /** Reads the value words of an ID that had a cell at the moment; for one who does not `read`. */
  readValue(id: StreamId, value: Int32Array): void {
    const { ids, overlays, overlay } = this;
    const isNoted = overlay !== 0 && overlays.find(overlay, id);
    if (!isNoted) ids.find(this.tree, id);
    for (let word = 0; word < ids.valueWords; word++)
      value[word] = isNoted ? overlays.value(VALUE + word) : ids.value(word);
  }

  /** Nobody else refers to the tree any more. */
  giveUp(): void {
    this.isGivenUp = true;
  }

  /** Nothing more is read. @returns the first blocks of trees whose leaves are to be dropped, of either kind; 0 = there is none */
  end(): readonly [Ref, Ref] {
    const { overlay } = this;
    this.isOver = true;
    this.overlay = 0;
    return [overlay === 0 ? 0 : this.overlays.dissolve(overlay), this.isGivenUp ? this.ids.dissolve(this.tree) : 0];
  }

  /** Copies the cell at the place in a tree. @returns where the next one goes */
  private copy(cells: Int32Array, at: number, from: IdTree, firstWord: number): number {
    const { valueWords, cellWords } = this.ids;
    writeIdAt(cells, at, this.next);
    for (let word = 0; word < valueWords; word++)
      cells[at + cellWords - valueWords + word] = from.value(firstWord + word);
    return at + cellWords;
  }
}

const treeId = new StreamId();
const notedId = new StreamId();
