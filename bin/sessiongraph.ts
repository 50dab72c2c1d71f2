import { ConfigError, printableConfig, readConfig, settings } from '../private/config.ts'
import { keyFileAt } from '../private/key-file.ts'
import { commandList, EXIT, runCommand } from '../src/cli/run.ts'
import { createArchive } from './backup.ts'
import { connect } from './connect.ts'
import { serve } from './serve.ts'
import { createTerminal } from './terminal.ts'

const HELP = `sessiongraph: a session service for API backends

  serve    run the service (the default)
  config   print the settings in force, secrets masked
  help     print this
${commandList()}

Every command takes --json, and --help for an example. Exit codes: 0 done, 1 refused,
2 wrong usage, 3 the graph or the service cannot be reached.
Settings are environment variables: PORT=8080 sessiongraph serve. The README lists them.`

async function main(argv: string[]): Promise<number | undefined> {
  const [name = 'serve', ...others] = argv
  if (['help', '--help', '-h'].includes(name)) console.log(HELP)
  else if (name === 'config') printConfig(others.includes('--json'))
  else if (name === 'serve' && others.length === 0) await serve(readConfig(process.env))
  else return command(argv)
  return undefined
}

function command(argv: string[]): Promise<number> {
  const keys = keyFileAt(process.env[settings.jwtKeysFile.variable] ?? '')
  const config = () => readConfig(process.env)
  const terminal = { ...createTerminal(process), keys, archive: createArchive(config) }
  return runCommand(argv, () => connect(config()), terminal)
}

function printConfig(json: boolean): void {
  const values = printableConfig(readConfig(process.env))
  if (json) console.log(JSON.stringify(values))
  else for (const [name, value] of Object.entries(values)) console.log(`${name}=${value}`)
}

try {
  const exitCode = await main(process.argv.slice(2))
  if (exitCode !== undefined) {
    // A pipe takes what was written piece by piece: an exit now would cut the rest off.
    await new Promise((resolve) => process.stdout.write('', resolve))
    process.exit(exitCode)
  }
} catch (error) {
  const lines = error instanceof ConfigError ? error.mistakes : [(error as Error).message]
  for (const line of lines) console.error(`sessiongraph: ${line}`)
  process.exit(EXIT.refused)
}
