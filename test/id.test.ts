import test from 'ava'
import { isId, newId } from '../src/id.ts'

test('an id is 128 bits as 22 base64url characters', (t) => {
  const id = newId()
  t.regex(id, /^[A-Za-z0-9_-]{22}$/)
  const bytes = Buffer.from(id, 'base64url')
  t.is(bytes.length, 16)
  t.is(bytes.toString('base64url'), id)
})

test('ids do not repeat', (t) => {
  t.is(new Set(Array.from({ length: 20_000 }, newId)).size, 20_000)
})

test('every bit of an id takes both values', (t) => {
  const ever = Buffer.alloc(16, 0)
  const always = Buffer.alloc(16, 255)
  for (let i = 0; i < 200; i += 1) {
    for (const [place, byte] of Buffer.from(newId(), 'base64url').entries()) {
      ever.writeUInt8(ever.readUInt8(place) | byte, place)
      always.writeUInt8(always.readUInt8(place) & byte, place)
    }
  }
  t.is(ever.toString('hex'), 'f'.repeat(32))
  t.is(always.toString('hex'), '0'.repeat(32))
})

test('what is made here has the form of an id', (t) => {
  for (let i = 0; i < 200; i += 1) t.true(isId(newId()))
})

test('what is not 22 base64url characters of text has not', (t) => {
  const id = 'AAAAAAAAAAAAAAAAAAAAAA'
  t.true(isId(id))
  const texts = ['', id.slice(1), `${id}A`, `${id}\n`, `\n${id}`, `${id}=`, ` ${id.slice(1)}`]
  const others = ['+', '/', '=', '.', ' ', 'é', 'Ａ', '\0'].map((one) => one + id.slice(1))
  for (const text of [...texts, ...others]) t.false(isId(text), JSON.stringify(text))
  for (const value of [undefined, null, 22, true, [id], { id }, new String(id), Symbol(id)]) {
    t.false(isId(value))
  }
})
