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
// Node strips types from files of a checkout, but not inside node_modules: there it is built.
var installed = /[\\/]node_modules[\\/]/.test(import.meta.url)
await import(installed ? '../dist/bin/sessiongraph.js' : './sessiongraph.ts')
