import type { Random } from '../random.ts'

/** What a client knows of a user. */
export interface HeldUser {
  name: string
  /** The password that is set, by its number. */
  password: number
  /** How many passwords have been tried for it: the next has this number. */
  passwords: number
  /** Set while its password is being changed, and for good when nobody knows whether it was. */
  isChanging: boolean
}

/** What a client was given by a log-in or a refresh. */
export interface HeldToken {
  id: string
  text: string
  session: HeldSession
  at: number
}

export interface HeldSession {
  /** The id of its first token. */
  id: string
  user: HeldUser
  tokens: HeldToken[]
  at: number
  /** Whether a client has asked to end it. */
  isEnded: boolean
}

/** What all workers hold together: any of them may send a token that another was given. */
export interface Holdings {
  newUser(): HeldUser
  /** Puts a registered user in with the others. */
  addUser(user: HeldUser): void
  user(): HeldUser | undefined
  addSession(session: HeldSession): void
  /** Mostly one that lives. */
  session(now: number): HeldSession | undefined
  /** Mostly the newest of its tokens. */
  token(session: HeldSession): HeldToken
}

const MOST_USERS = 60
const MOST_SESSIONS = 400
const MOST_TOKENS = 24

/** `sessionMs`: how long a session is looked at before it is forgotten. */
export function createHoldings(name: string, sessionMs: number, random: Random): Holdings {
  const users: HeldUser[] = []
  let sessions: HeldSession[] = []
  let made = 0

  function livesStill(now: number): (session: HeldSession) => boolean {
    return ({ at }) => now - at < sessionMs
  }

  return {
    newUser() {
      made += 1
      return { name: `${name}-${made}`, password: 0, passwords: 1, isChanging: false }
    },
    addUser(user) {
      users.push(user)
      if (users.length > MOST_USERS) users.shift()
    },
    user: () => (users.length === 0 ? undefined : random.pick(users)),
    addSession(session) {
      sessions.push(session)
      if (sessions.length > MOST_SESSIONS) sessions = sessions.filter(livesStill(session.at))
      if (sessions.length > MOST_SESSIONS) sessions.shift()
    },
    session(now) {
      if (sessions.length === 0) return undefined
      const drawn = Array.from({ length: 4 }, () => random.pick(sessions))
      const good = drawn.find((session) => !session.isEnded && livesStill(now)(session))
      return random.chance(0.8) ? (good ?? drawn[0]) : drawn[0]
    },
    token({ tokens }) {
      if (tokens.length > MOST_TOKENS) tokens.splice(0, tokens.length - MOST_TOKENS)
      const newest = tokens[tokens.length - 1] as HeldToken
      return random.chance(0.7) ? newest : random.pick(tokens)
    },
  }
}
