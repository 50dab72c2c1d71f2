import type { Engine } from '../../src/graph/engine.ts'

const OF_USER = `MATCH (user:User {username: $username})
OPTIONAL MATCH (user)-[:OPENED]->(session:Session)
OPTIONAL MATCH (session)-[:ISSUED]->(token:Token)
OPTIONAL MATCH (entry:BlacklistEntry)-[:BLACKLISTS]->(target)
WHERE target = user OR target = session OR target = token
RETURN count(DISTINCT session) AS sessions, count(DISTINCT token) AS tokens,
  count(DISTINCT entry) AS entries`

/**
 * What the graph holds of a user; on the embedded graph, which a test file has for itself, also how many
 * nodes and relationships there are in all.
 */
export async function counted(engine: Engine, username: string): Promise<Record<string, unknown>> {
  const [ofUser] = await engine.read(OF_USER, { username })
  return { ...ofUser, ...(await countedInAll(engine)) }
}

/** How many nodes and relationships there are; none are counted on a Neo4j that others write to. */
export async function countedInAll(engine: Engine): Promise<Record<string, unknown>> {
  if (!engine.description.startsWith('embedded')) return {}
  const [nodes] = await engine.read('MATCH (node) RETURN count(node) AS nodes')
  const [links] = await engine.read('MATCH ()-[link]->() RETURN count(link) AS links')
  return { ...nodes, ...links }
}
