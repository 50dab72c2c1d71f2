#!/usr/bin/env node
// Plain JavaScript that any Node can read, so that one that is too old is told so in a line.
var major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    'sessiongraph needs Node.js 24 or newer; this is ' +
      process.version +
      '. Install a newer one, or use "npm start", which brings its own.',
  )
  process.exit(1)
}
// Left to itself, V8 gives new objects 128 MB and lets the old ones grow to four times what is in use:
// 160 MB of tokens took more than 800. And it collects the new ones with helpers, for which a verify has to
// wait when hashing or a database has the cores: 15 ms instead of 5. It is told so only at its start, so
// the process starts anew in its own place; whoever sets one of the sizes (NODE_OPTIONS, or before the
// program's name) is left alone.
var heap = ['--max-semi-space-size=16', '--heap-growing-percent=60', '--no-parallel-scavenge']
var given = process.execArgv.concat(process.env.NODE_OPTIONS || []).join(' ')
var serves = process.argv.length < 3 || process.argv[2] === 'serve'
if (serves && process.platform !== 'win32' && !/semi.space|heap.growing/.test(given)) {
  process.execve(
    process.execPath,
    [process.execPath].concat(heap, process.execArgv, process.argv.slice(1)),
    process.env,
  )
}
// Node strips types from files of a checkout, but not inside node_modules: there it is built.
var installed = /[\\/]node_modules[\\/]/.test(import.meta.url)
await import(installed ? '../dist/bin/sessiongraph.js' : './sessiongraph.ts')
