import type { UserName } from '../directory.ts'
import type { GraphCommand, Options } from './commands.ts'
import { DONE, listed, told } from './outcome.ts'
import { time } from './print.ts'

const TENANT_OPTION = '[--tenant TENANT]'
const PASSWORD_OPTION = `${TENANT_OPTION} [--password-file FILE]`

/** The commands about users and their sessions. */
export const userCommands: GraphCommand[] = [
  {
    words: 'user add',
    takes: ['USER'],
    options: PASSWORD_OPTION,
    summary: 'register a user; the password comes from standard input or a file',
    example: 'sessiongraph user add ada < password.txt',
    run: settingPassword('addUser', 'Password'),
  },
  {
    words: 'user password',
    takes: ['USER'],
    options: PASSWORD_OPTION,
    summary: "set a user's password and end all of the user's sessions",
    example: 'sessiongraph user password ada --password-file /run/secrets/ada',
    run: settingPassword('setPassword', 'New password'),
  },
  {
    words: 'user show',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: 'who a user is, and how many sessions are live',
    example: 'sessiongraph user show ada',
    async run(operator, [username = ''], options) {
      const user = await operator.showUser(userOf(username, options))
      return told({ ...user, createdAt: time(user.createdAt) }, user)
    },
  },
  {
    words: 'user suspend',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: "end all of a user's sessions and refuse log-ins",
    example: 'sessiongraph user suspend ada',
    run: doing('suspendUser'),
  },
  {
    words: 'user reinstate',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: 'let a suspended user log in anew',
    example: 'sessiongraph user reinstate ada',
    run: doing('reinstateUser'),
  },
  {
    words: 'user delete',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: "end all of a user's sessions and forget the user; the name is free",
    example: 'sessiongraph user delete ada',
    run: doing('deleteUser'),
  },
  {
    words: 'sessions list',
    takes: ['USER'],
    options: TENANT_OPTION,
    summary: "a user's sessions, the newest first",
    example: 'sessiongraph sessions list ada',
    async run(operator, [username = ''], options) {
      const sessions = await operator.listSessions(userOf(username, options))
      const rows = sessions.map(({ id, state, reason, createdAt, expiresAt, tokens }) => ({
        session: id,
        state,
        reason: reason ?? '',
        created: time(createdAt),
        expires: time(expiresAt),
        tokens,
      }))
      return listed(rows, 'no sessions', sessions)
    },
  },
  {
    words: 'sessions end',
    takes: ['USER'],
    options: `${TENANT_OPTION} [--session ID | --except ID]`,
    summary: 'end every session of a user, or one, or all but one',
    example: 'sessiongraph sessions end ada --except CDKiw4wOShw7yPFjMP-Eeg',
    async run(operator, [username = ''], options) {
      const { session, except } = options
      await operator.endSessions({
        ...userOf(username, options),
        ...(session !== undefined && { session }),
        ...(except !== undefined && { except }),
      })
      return DONE
    },
  },
]

/** Does what needs the user's name and a password. */
function settingPassword(verb: 'addUser' | 'setPassword', prompt: string): GraphCommand['run'] {
  return async (operator, [username = ''], options, { secret }) => {
    const password = await secret(prompt, options['password-file'])
    await operator[verb]({ ...userOf(username, options), password })
    return DONE
  }
}

/** Does what needs nothing but the user's name. */
function doing(verb: 'suspendUser' | 'reinstateUser' | 'deleteUser'): GraphCommand['run'] {
  return async (operator, [username = ''], options) => {
    await operator[verb](userOf(username, options))
    return DONE
  }
}

function userOf(username: string, { tenant }: Options): UserName {
  return tenant === undefined ? { username } : { tenant, username }
}
