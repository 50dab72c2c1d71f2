import type { Bench } from './bench.ts'
import type { Findings } from './part.ts'
import { callers } from './parts/callers.ts'
import { firstSight } from './parts/first-sight.ts'
import { flood } from './parts/flood.ts'
import { growth } from './parts/growth.ts'
import { login } from './parts/login.ts'
import { memory } from './parts/memory.ts'
import { oldWay } from './parts/old-way.ts'
import { propagation } from './parts/propagation.ts'
import { prune } from './parts/prune.ts'
import { refresh } from './parts/refresh.ts'
import { verify } from './parts/verify.ts'
import { workers } from './parts/workers.ts'

/** Every part by name, in the order in which all are run. */
export const parts: { name: string; title: string; run(bench: Bench): Promise<Findings> }[] = [
  { name: 'verify', title: 'Verify, warm', run: verify },
  { name: 'callers', title: 'Verify with callers that say who they are', run: callers },
  { name: 'old-way', title: 'Verify, the old way', run: oldWay },
  { name: 'first-sight', title: 'Verify, first sight', run: firstSight },
  { name: 'refresh', title: 'Refresh', run: refresh },
  { name: 'login', title: 'Log-in', run: login },
  { name: 'flood', title: 'Verify under a flood of log-ins', run: flood },
  { name: 'propagation', title: 'Propagation', run: propagation },
  { name: 'workers', title: 'Workers', run: workers },
  { name: 'prune', title: 'Prune', run: prune },
  { name: 'growth', title: 'Growth', run: growth },
  { name: 'memory', title: 'Memory', run: memory },
]
