import { parseArgs } from 'node:util'
import { AuthError } from '../error.ts'
import { KeySetError } from '../key-set.ts'
import type { Operator } from '../operator.ts'
import { type Command, commands, type Options, type Surroundings } from './commands.ts'
import type { Outcome } from './outcome.ts'

/** Exit codes that scripts may rely on. */
export const EXIT = { done: 0, refused: 1, usage: 2, unavailable: 3 } as const

interface Terminal extends Surroundings {
  out(text: string): void
  error(text: string): void
}

/** Opens what the commands act on; `close` lets go of it. */
export type Connect = () => Promise<{ operator: Operator; close(): Promise<void> }>

/** Runs one command of the operator and gives its exit code. */
export async function runCommand(
  argv: string[],
  connect: Connect,
  terminal: Terminal,
): Promise<number> {
  const parsed = parse(argv)
  if (typeof parsed === 'string') {
    terminal.error(`sessiongraph: ${parsed}`)
    return EXIT.usage
  }
  const { command, args, options, json, help } = parsed
  if (help) {
    terminal.out(helpOf(command))
    return EXIT.done
  }
  try {
    const outcome =
      'runAlone' in command
        ? await command.runAlone(args, options, terminal)
        : await onGraph(connect, (operator) => command.run(operator, args, options, terminal))
    terminal.out(json ? JSON.stringify(outcome.json) : outcome.text)
    return outcome.exitCode
  } catch (error) {
    return report(error, json, terminal)
  }
}

async function onGraph(
  connect: Connect,
  work: (operator: Operator) => Promise<Outcome>,
): Promise<Outcome> {
  const { operator, close } = await connect()
  try {
    return await work(operator)
  } finally {
    await close()
  }
}

function report(error: unknown, json: boolean, { out, error: complain }: Terminal): number {
  if (error instanceof KeySetError) {
    const { message, mistakes } = error
    if (json) out(JSON.stringify({ message, mistakes }))
    for (const mistake of mistakes) complain(`sessiongraph: ${mistake}`)
    return EXIT.refused
  }
  if (!(error instanceof AuthError)) {
    complain(`sessiongraph: ${(error as Error).message}`)
    return EXIT.unavailable
  }
  const { code, message, detail, cause } = error
  if (json) out(JSON.stringify({ code, message, detail }))
  const why = cause instanceof Error ? ` (${cause.message})` : ''
  complain(`sessiongraph: ${message}. ${detail}${why}`)
  return error.status >= 500 ? EXIT.unavailable : EXIT.refused
}

interface Parsed {
  command: Command
  args: string[]
  options: Options
  json: boolean
  help: boolean
}

const known = {
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  'password-file': { type: 'string' },
  tenant: { type: 'string' },
  session: { type: 'string' },
  except: { type: 'string' },
  scopes: { type: 'string' },
  overlap: { type: 'string' },
  certificate: { type: 'boolean' },
  'secret-file': { type: 'string' },
  alg: { type: 'string' },
  'issued-before': { type: 'string' },
  user: { type: 'string' },
  force: { type: 'boolean' },
} as const

/** The options of every command. */
const EVERYWHERE = ['json', 'help']

function parse(argv: string[]): Parsed | string {
  const words = argv.filter((word) => !word.startsWith('--')).join(' ')
  const command = commands.find((one) => words === one.words || words.startsWith(`${one.words} `))
  if (!command) return `no such command. "sessiongraph help" lists them.`
  try {
    const { values, positionals } = parseArgs({
      args: joined(argv),
      allowPositionals: true,
      options: known,
    })
    // One that would do nothing may have been meant to narrow down what is done.
    const given = Object.keys(values).filter((name) => !EVERYWHERE.includes(name))
    if (given.some((name) => !command.options.includes(`--${name}`))) return usageOf(command)
    const args = positionals.slice(command.words.split(' ').length)
    if (!values.help && args.length !== command.takes.length) return usageOf(command)
    if (!values.help && requiredOf(command).some((name) => !given.includes(name))) {
      return usageOf(command)
    }
    return {
      command,
      args,
      options: {
        'dry-run': values['dry-run'] ?? false,
        'password-file': values['password-file'],
        tenant: values.tenant,
        session: values.session,
        except: values.except,
        scopes: values.scopes,
        overlap: values.overlap,
        certificate: values.certificate ?? false,
        'secret-file': values['secret-file'],
        alg: values.alg,
        'issued-before': values['issued-before'],
        user: values.user,
        force: values.force ?? false,
      },
      json: values.json ?? false,
      help: values.help ?? false,
    }
  } catch (error) {
    return (error as Error).message
  }
}

// An id may begin with a dash, which would be taken for an option.
function joined(argv: string[]): string[] {
  return argv.flatMap((word, i) => {
    const before = argv[i - 1] ?? ''
    if (takesDash(before, word)) return []
    const next = argv[i + 1]
    return next !== undefined && takesDash(word, next) ? [`${word}=${next}`] : [word]
  })
}

function takesDash(option: string, value: string): boolean {
  const name = option.slice(2) as keyof typeof known
  return option.startsWith('--') && known[name]?.type === 'string' && /^-[^-]/.test(value)
}

function requiredOf({ options }: Command): string[] {
  const required = options.replaceAll(/\[.*?\]/g, '').matchAll(/--([a-z-]+)/g)
  return Array.from(required, ([, name = '']) => name)
}

function usageOf({ words, takes, options }: Command): string {
  return ['usage: sessiongraph', words, ...takes, options, '[--json]'].filter(Boolean).join(' ')
}

function helpOf(command: Command): string {
  return `${usageOf(command)}\n\n${command.summary}\n\nexample: ${command.example}`
}

/** A line for each command. */
export function commandList(): string {
  const calls = commands.map(({ words, takes, options }) =>
    [words, ...takes, options].filter(Boolean).join(' '),
  )
  const width = Math.max(...calls.map((call) => call.length))
  return commands.map(({ summary }, i) => `  ${calls[i]?.padEnd(width)}  ${summary}`).join('\n')
}
