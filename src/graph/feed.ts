import type { Feed, FeedPage, Fence } from '../store.ts'
import { ENTRY, entryOf, LOCK_FEED } from './blacklist.ts'
import type { GraphClock } from './clock.ts'
import type { Engine } from './engine.ts'
import { integer, rows, text } from './row.ts'

export function createFeed(engine: Engine, clock: GraphClock): Feed {
  return {
    needsHeartbeat: engine.needsHeartbeat,
    read: (after, limit) => read(engine, clock, after, limit),
    fence: () => fence(engine),
    heartbeat: () => heartbeat(engine),
  }
}

async function read(
  engine: Engine,
  clock: GraphClock,
  after: number,
  limit: number,
): Promise<FeedPage> {
  const [row] = await engine.read(
    `MATCH (feed:Feed {name: 'blacklist'})
     CALL {
       MATCH (entry:BlacklistEntry) WHERE entry.seq > $after
       WITH entry ORDER BY entry.seq LIMIT $limit
       RETURN collect(${ENTRY}) AS entries
     }
     RETURN feed.seq AS seq, feed.epoch AS epoch, timestamp() AS now, entries`,
    { after, limit },
  )
  if (!row) throw new TypeError('the graph has no feed: was it changed by hand?')
  clock.observe(integer(row, 'now'))
  const entries = rows(row, 'entries').map(entryOf)
  return {
    seq: integer(row, 'seq'),
    epoch: text(row, 'epoch'),
    entries: entries.sort((a, b) => a.seq - b.seq),
  }
}

async function fence(engine: Engine): Promise<Fence> {
  const [row] = await engine.write(
    `${LOCK_FEED}
     RETURN feed.seq AS seq, feed.epoch AS epoch`,
  )
  if (!row) throw new TypeError('the graph has no feed: was it changed by hand?')
  return { seq: integer(row, 'seq'), epoch: text(row, 'epoch') }
}

async function heartbeat(engine: Engine): Promise<void> {
  await engine.write(`MERGE (lease:Lease {name: 'heartbeat'}) SET lease.at = timestamp()`)
}
