import { ConfigError, printableConfig, readConfig } from '../private/config.ts'
import { serve } from './serve.ts'

const HELP = `sessiongraph: a session service for API backends

  sessiongraph [serve]   run the service (the default)
  sessiongraph config    print the settings in force, secrets masked
  sessiongraph help      print this

Settings are environment variables, such as PORT=8080 sessiongraph serve.
The README lists them all.`

const commands: Record<string, () => void | Promise<void>> = {
  serve: () => serve(readConfig(process.env)),
  config: printConfig,
  help: () => console.log(HELP),
  '--help': () => console.log(HELP),
  '-h': () => console.log(HELP),
}

function printConfig(): void {
  for (const [name, value] of Object.entries(printableConfig(readConfig(process.env)))) {
    console.log(`${name}=${value}`)
  }
}

function fail(message: string, code: number): never {
  console.error(message)
  process.exit(code)
}

const [name = 'serve', ...others] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) && others.length === 0 ? commands[name] : undefined
if (!command) fail(`sessiongraph: no such command. "sessiongraph help" lists them.`, 2)
try {
  await command()
} catch (error) {
  if (error instanceof ConfigError) {
    fail(error.mistakes.map((mistake) => `sessiongraph: ${mistake}`).join('\n'), 1)
  }
  fail(`sessiongraph: ${(error as Error).message}`, 1)
}
