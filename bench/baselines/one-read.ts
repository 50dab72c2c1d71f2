// A graph behind every call: node:http, a checked signature, and one indexed read (auto-commit).
import { createSecretKey } from 'node:crypto'
import jwt from 'jsonwebtoken'
import neo4j from 'neo4j-driver'
import { listen } from './listen.ts'

const { NEO4J_URI = '', NEO4J_USERNAME, NEO4J_PASSWORD = '', JWT_SECRET = '' } = process.env
const auth = NEO4J_USERNAME ? neo4j.auth.basic(NEO4J_USERNAME, NEO4J_PASSWORD) : undefined
const driver = neo4j.driver(NEO4J_URI, auth, { disableLosslessIntegers: true })
const key = createSecretKey(Buffer.from(JWT_SECRET))

listen(async (request, response) => {
  try {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
    const { jti } = jwt.verify(token, key, { algorithms: ['HS256'] }) as { jti: string }
    const session = driver.session({ database: 'neo4j', defaultAccessMode: neo4j.session.READ })
    const { records } = await session.run(
      `MATCH (token:Token {id: $jti})<-[:ISSUED]-(session:Session)<-[:OPENED]-(user:User)
       RETURN user.username AS username, session.id AS session,
         token.issuedAt AS issuedAt, token.expiresAt AS expiresAt`,
      { jti },
    )
    await session.close()
    answer(records[0] ? 200 : 401, records[0]?.toObject() ?? { message: 'Token is invalid' })
  } catch (error) {
    answer(401, { message: (error as Error).message })
  }

  function answer(status: number, body: object): void {
    const text = JSON.stringify(body)
    response.writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
    })
    response.end(text)
  }
})
