/** As long as an answer of the service. */
export const BODY = JSON.stringify({
  username: 'somebody.with.a.name',
  session: 'AAAAAAAAAAAAAAAAAAAAAA',
  issuedAt: 1_700_000_000_000,
  expiresAt: 1_700_000_900_000,
  refreshAfter: 1_700_000_700_000,
})
