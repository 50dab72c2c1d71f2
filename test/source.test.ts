import test from 'ava'
import { type Networks, networkOf, parseNetworks, sourceOf } from '../src/source.ts'

const PROXIES = parseNetworks('10.0.0.0/8, 192.168.1.1, fd00::/8, ::1') as Networks

function source(peer: string | undefined, forwarded?: string): string {
  return sourceOf(peer, forwarded, PROXIES)
}

test('the peer is the source where nobody is trusted', (t) => {
  const nobody = parseNetworks('') as Networks
  t.is(sourceOf('10.0.0.1', '203.0.113.9', nobody), '10.0.0.1')
  t.is(sourceOf('203.0.113.1', undefined, nobody), '203.0.113.1')
  t.is(sourceOf(undefined, '203.0.113.9', nobody), 'unknown')
})

test('X-Forwarded-For from a peer that is not trusted says nothing', (t) => {
  for (const forged of ['1.2.3.4', '1.2.3.4, 10.0.0.1', '::1', '127.0.0.1', 'unknown', '']) {
    t.is(source('203.0.113.1', forged), '203.0.113.1', forged)
    t.is(source(undefined, forged), 'unknown', forged)
  }
})

test('a trusted peer is believed, and so are trusted hops, up to the first that is not', (t) => {
  for (const [forwarded, expected] of [
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['203.0.113.9,10.1.2.3,192.168.1.1', '203.0.113.9'],
    ['203.0.113.9, 192.168.1.2', '192.168.1.2'],
    ['10.9.9.9, 10.1.2.3', '10.9.9.9'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['203.0.113.9:4711', '203.0.113.9'],
  ] as const) {
    t.is(source('10.0.0.1', forwarded), expected, forwarded)
    t.is(source('::1', forwarded), expected, forwarded)
  }
})

test('what a client wrote itself stands left of its own address and changes nothing', (t) => {
  for (const forged of ['1.2.3.4', '10.0.0.1', 'junk', '', ',,,', '"<script>', '1.2.3.4, junk']) {
    t.is(source('10.0.0.1', `${forged}, 203.0.113.9`), '203.0.113.9', forged)
  }
})

test('a header that is broken where it counts leaves the peer', (t) => {
  const broken = [
    '',
    ' ',
    'unknown',
    '_hidden',
    '1.2.3',
    '1.2.3.4.5',
    '300.1.1.1',
    '1.2.3.4:x',
    ':1',
  ]
  for (const one of [
    ...broken,
    '[::1',
    '203.0.113.9,',
    '203.0.113.9, junk',
    '203.0.113.9 10.0.0.2',
  ]) {
    t.is(source('10.0.0.1', one), '10.0.0.1', one)
  }
  t.is(source('10.0.0.1', 'junk, 10.1.2.3'), '10.0.0.1')
})

test('IPv4 that came over an IPv6 socket is IPv4', (t) => {
  t.is(source('::ffff:203.0.113.1'), '203.0.113.1')
  t.is(source('::ffff:10.0.0.1', '203.0.113.9'), '203.0.113.9')
  t.is(source('10.0.0.1', '::ffff:203.0.113.9'), '203.0.113.9')
  t.is(source('10.0.0.1', '203.0.113.9, ::FFFF:0a00:0001'), '203.0.113.9')
})

test('an address has one spelling', (t) => {
  t.is(source('FE80::1%eth0'), 'fe80::1')
  t.is(source('2001:0db8:0000:0000:0000:0000:0000:0001'), '2001:db8::1')
})

test('IPv4 is counted by address, IPv6 by /64', (t) => {
  t.is(networkOf('203.0.113.9'), '203.0.113.9')
  t.is(networkOf('unknown'), 'unknown')
  t.is(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  t.is(networkOf('2001:db8:1:2::6'), '2001:db8:1:2::/64')
  t.is(networkOf('2001:db8::6'), '2001:db8:0:0::/64')
  t.is(networkOf('::1'), '0:0:0:0::/64')
  t.not(networkOf('2001:db8:0:1::6'), networkOf('2001:db8::6'))
})

test('networks are addresses and CIDR blocks', (t) => {
  for (const text of ['', '10.0.0.1', '10.0.0.0/8', '::1,fd00::/8 , 10.0.0.1/32', '0.0.0.0/0']) {
    t.truthy(parseNetworks(text), text)
  }
  const broken = ['x', '10.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '::1/129', '10.0.0.1,']
  for (const text of [...broken, '10.0.0.0/8/8', 'fe80::1%eth0', 'localhost', '10.0.0.0/1e1']) {
    t.is(parseNetworks(text), undefined, text)
  }
})
