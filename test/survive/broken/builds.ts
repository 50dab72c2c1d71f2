import type { Build } from './build.ts'

/** Defects that somebody could really make, each of which a campaign must catch. */
export const builds: Build[] = [
  {
    name: 'by-text',
    about: 'a log-out ends the token text that was sent, and not its session',
    patches: [
      {
        file: 'src/service/blacklist.ts',
        from: "const ended = await tools.store.sessions.end(token, { operation, scope, reason: 'logout' })",
        to: "const ended = await tools.store.sessions.end(token, { operation, scope: 'token', reason: 'logout' })",
      },
    ],
    caughtBy: ['I1'],
    plan: { engine: 'embedded', mix: { verify: 20, refresh: 30, login: 10, end: 10, register: 5 } },
  },
  {
    name: 'own-memory',
    about: 'a log-out is remembered by the process that was asked, and by nobody else',
    patches: [
      {
        file: 'src/service/live-paths.ts',
        from: 'return remembered(await sessions.end(token, how))',
        to: `const at = store.now()
        const id = how.scope === 'session' ? token.sessions[0] : token.id
        return remembered({ ...how, id, seq: -Math.random(), generation: null, kind: 'ended', at,
          from: at, until: token.expiresAt })`,
      },
    ],
    caughtBy: ['I1'],
    plan: { engine: 'neo4j' },
  },
  {
    name: 'cursor-at-counter',
    about:
      "a follower goes on from the feed's counter, and not from the last entry that it has seen",
    patches: [
      {
        file: 'src/service/follower.ts',
        from: 'if (entry.seq !== cursor + 1) return false\n',
        to: '\n',
      },
      {
        file: 'src/service/follower.ts',
        from: 'if (page.entries.length < PAGE) return true\n',
        to: 'cursor = Math.max(cursor, page.seq)\n      if (page.entries.length < PAGE) return true\n',
      },
    ],
    caughtBy: ['I1', 'I3'],
    plan: {
      engine: 'neo4j',
      seconds: 20,
      workers: 32,
      paceMs: 10,
      settings: { BLACKLIST_POLL_MS: '10' },
      mix: { verify: 5, refresh: 20, login: 20, end: 30, register: 5 },
    },
  },
  {
    name: 'login-unchecked',
    about: 'a log-in opens its session without asking whether the password was changed meanwhile',
    patches: [
      {
        file: 'src/service/login.ts',
        from: '      user,\n      token: tools.newId(),',
        to: '      user: (await tools.store.users.find(key)) ?? user,\n      token: tools.newId(),',
      },
    ],
    caughtBy: ['I6'],
    plan: {
      engine: 'embedded',
      settings: { BCRYPT_COST: '6' },
      mix: { verify: 20, login: 5, register: 10, 'race-change': 30 },
    },
  },
  {
    name: 'refresh-not-atomic',
    about: "a refresh looks for a successor first, and takes the feed's lock after",
    patches: [
      {
        file: 'src/graph/tokens.ts',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a file
        from: '`${LOCK_FEED}\nUNWIND $rows AS row',
        to: "`MATCH (feed:Feed {name: 'blacklist'})\nWITH feed, timestamp() AS now\nUNWIND $rows AS row",
      },
      {
        file: 'src/graph/tokens.ts',
        from: 'SET feed.seq = feed.seq + count\n',
        to: 'SET feed.locked = true\nWITH feed, now, seen, count\nSET feed.seq = feed.seq + count\n',
      },
    ],
    caughtBy: ['I3'],
    plan: { engine: 'neo4j', mix: { verify: 5, login: 20, register: 5, 'race-refresh': 40 } },
  },
  {
    name: 'mints-again',
    about: 'a refresh of a token within its grace makes another successor',
    patches: [
      {
        file: 'src/graph/tokens.ts',
        from: 'size(successors) = 0 AND old.expiresAt > now',
        to: 'old.expiresAt > now',
      },
      {
        file: 'src/graph/tokens.ts',
        from: "const [successor] = rows(row, 'successors')",
        to: "const successor = rows(row, 'successors').at(-1)",
      },
    ],
    caughtBy: ['I3'],
    plan: { engine: 'embedded' },
  },
  {
    name: 'prune-unchecked',
    about: 'prune takes candidates from a generous look, and removes them without looking again',
    patches: [
      {
        file: 'src/graph/pruning.ts',
        from: 'MATCH (token:Token) WHERE token.expiresAt < $before RETURN',
        to: 'MATCH (token:Token) WHERE token.expiresAt < $before + 3600000 RETURN',
      },
      {
        file: 'src/graph/pruning.ts',
        from: 'WITH session, token WHERE token.expiresAt < $before\n',
        to: '',
      },
    ],
    caughtBy: ['I7'],
    plan: {
      engine: 'embedded',
      settings: { PRUNE_SCHEDULE: '*/2 * * * * *', KNOWN_TOKENS_MAX: '10' },
    },
  },
  {
    name: 'valid-when-silent',
    about: 'memory is trusted however old it is',
    patches: [
      {
        file: 'src/service/follower.ts',
        from: 'isTrusted: () => !overflow && age() <= maxStalenessMs',
        to: 'isTrusted: () => !overflow',
      },
    ],
    caughtBy: ['I8'],
    plan: { engine: 'neo4j', faults: ['silence'], gapSeconds: [1, 2], longestSeconds: 4 },
  },
  {
    name: 'register-again',
    about: 'a registration that is repeated after a lost reply does not know its own work',
    patches: [
      {
        file: 'src/graph/users.ts',
        from: '     MERGE (user:User {key: $key})\n',
        to: '     OPTIONAL MATCH (before:User {key: $key})\n     MERGE (user:User {key: $key})\n',
      },
      {
        file: 'src/graph/users.ts',
        from: 'WITH tenant, user, coalesce(user.id = $id, false) AS mine',
        to: 'WITH tenant, user, before IS NULL AS mine',
      },
    ],
    caughtBy: ['I4'],
    plan: {
      engine: 'neo4j',
      faults: ['swallow'],
      gapSeconds: [1, 1],
      longestSeconds: 5,
      mix: { verify: 10, register: 60 },
    },
  },
  {
    name: 'generation-unchecked',
    about: "an entry about a user's sessions is not looked at",
    patches: [
      {
        file: 'src/blacklist.ts',
        from: 'return entry.id === token.user.id && isOver(entry, token, token.user.generation)',
        to: 'return false',
      },
    ],
    caughtBy: ['I6'],
    plan: { engine: 'embedded', mix: { verify: 20, login: 10, register: 10, change: 20 } },
  },
  {
    name: 'age-from-the-end',
    about: 'the age of memory is counted from the end of a poll, and not from its beginning',
    patches: [
      {
        file: 'src/service/follower.ts',
        from: 'freshAt = feed.needsHeartbeat ? provedAt : began',
        to: 'freshAt = feed.needsHeartbeat ? provedAt : monotonic()',
      },
    ],
    caughtBy: ['I1'],
    plan: {
      engine: 'neo4j',
      seconds: 40,
      stalenessMs: 300,
      faults: ['delay'],
      gapSeconds: [0.2, 0.5],
      longestSeconds: 6,
      settings: { BLACKLIST_POLL_MS: '50' },
      mix: { verify: 60, login: 20, end: 30, register: 5 },
    },
  },
  {
    name: 'dropped-early',
    about: 'memory lets go of entries whose tokens are not over yet',
    patches: [
      {
        file: 'src/service/memory.ts',
        from: 'const SPENT_MS = 60_000',
        to: 'const SPENT_MS = -3_600_000',
      },
      {
        file: 'src/service/follower.ts',
        from: 'const SWEEP_MS = 10_000',
        to: 'const SWEEP_MS = 1_000',
      },
    ],
    caughtBy: ['I1', 'I2'],
    plan: { engine: 'embedded' },
  },
]
