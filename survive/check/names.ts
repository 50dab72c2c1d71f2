import {
  firstFrom,
  isDone,
  isOpen,
  type Joined,
  mayHaveHappened,
  type Op,
  type Violation,
} from './joined.ts'

/** Registrations, passwords and log-ins, name by name: I4, I5. */
export function checkNames({ byUser }: Joined): Violation[] {
  return [...byUser.values()].flatMap(checkName)
}

function checkName(operations: Op[]): Violation[] {
  const registrations = operations.filter(({ verb }) => verb === 'register')
  const changes = operations.filter((op) => op.verb === 'change' && mayHaveHappened(op))
  const logins = operations.filter(({ verb }) => verb === 'login')
  const [first, second] = registrations.filter(isDone).sort((a, b) => a.end - b.end)
  if (first && second) {
    return [violation('I4', second, 'a name was registered twice', first)]
  }
  const taken = registrations.find(({ code }) => code === 'user_already_exists')
  if (!first) {
    if (!taken || registrations.some(isOpen)) return []
    const what = 'a name was said to be taken, but nobody was told to have it'
    return [violation('I4', taken, what)]
  }
  return [
    ...afterRegistration(first, registrations, changes, logins),
    ...afterChange(changes, logins),
  ]
}

// The winner's password, and no other's, logs in until it is changed.
function afterRegistration(
  registered: Op,
  registrations: Op[],
  changes: Op[],
  logins: Op[],
): Violation[] {
  const changedAt = changes[0]?.at ?? Number.POSITIVE_INFINITY
  for (const login of logins) {
    if (login.at <= registered.end) continue
    if (login.code === 'user_does_not_exist') {
      return [violation('I5', login, 'a user who had been registered was not known', registered)]
    }
    const isOwn = login.password === registered.password
    if (isOwn && login.code === 'bad_credentials' && login.end < changedAt) {
      return [violation('I4', login, 'the password of a registration did not log in', registered)]
    }
    const isLosers = registrations.some(({ password }) => password === login.password)
    const isSet = changes.some(({ password }) => password === login.password)
    if (!isOwn && isLosers && !isSet && isDone(login)) {
      const what = 'the password of a registration that was refused logged in'
      return [violation('I4', login, what, registered)]
    }
  }
  return []
}

// The last password that was set for certain logs in, and those before it do not.
function afterChange(changes: Op[], logins: Op[]): Violation[] {
  const unsure = changes.find(isOpen)?.at ?? Number.POSITIVE_INFINITY
  const done = changes.filter(isDone)
  const byEnd = done.toSorted((a, b) => a.end - b.end)
  for (const login of logins) {
    if (login.end >= unsure) continue
    const last = byEnd[firstFrom(byEnd, ({ end }) => end >= login.at) - 1]
    if (!last) continue
    // Another that was under way with it or with the log-in: which of them counts is not known.
    const isAlone = !done.some((one) => one !== last && one.end > last.at && one.at < login.end)
    if (!isAlone) continue
    const isOwn = login.password === last.password
    if (isOwn && login.code === 'bad_credentials') {
      return [violation('I5', login, 'a password that had been set did not log in', last)]
    }
    if (!isOwn && isDone(login)) {
      return [violation('I5', login, 'a password that had been changed logged in', last)]
    }
  }
  return []
}

function violation(invariant: 'I4' | 'I5', op: Op, what: string, ...promised: Op[]): Violation {
  return { invariant, at: op.end, what, lines: [...promised.map(({ line }) => line), op.line] }
}
