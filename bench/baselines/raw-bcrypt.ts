// bcrypt and nothing else: compares at once, cost, seconds.
import bcrypt from 'bcrypt'

const [atOnce = 1, cost = 10, seconds = 1] = process.argv.slice(2).map(Number)
const hash = await bcrypt.hash('correct horse battery', cost)
const begun = performance.now()
let done = 0
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    while (performance.now() - begun < seconds * 1000) {
      await bcrypt.compare('correct horse battery', hash)
      done += 1
    }
  }),
)
console.log(`\nRESULT ${(done * 1000) / (performance.now() - begun)}`)
