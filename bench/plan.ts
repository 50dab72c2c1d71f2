/** How much is measured: a full run, or a short one that only shows that everything works. */
export interface Plan {
  name: 'full' | 'quick'
  rounds: number
  warmUpSeconds: number
  seconds: number
  warmTokens: number
  firstSights: number
  refreshChains: number
  /** Verifies a second while latencies are looked at. */
  pace: number
  loginSeconds: number
  floodSeconds: number
  propagationSeconds: number
  propagations: number
  manySessions: number
  manyUsers: number
  fewSessions: number
  expired: number
  pruneRounds: number
  seen: number
  settleSeconds: number
  entries: number
}

export const full: Plan = {
  name: 'full',
  rounds: 3,
  warmUpSeconds: 2,
  seconds: 5,
  warmTokens: 10_000,
  firstSights: 50_000,
  refreshChains: 5_000,
  pace: 2_000,
  loginSeconds: 8,
  floodSeconds: 10,
  propagationSeconds: 75,
  propagations: 300,
  manySessions: 1_000_000,
  manyUsers: 20_000,
  fewSessions: 1_000,
  expired: 200_000,
  pruneRounds: 1,
  seen: 1_000_000,
  settleSeconds: 5,
  entries: 100_000,
}

export const quick: Plan = {
  name: 'quick',
  rounds: 1,
  warmUpSeconds: 0.5,
  seconds: 1,
  warmTokens: 2_000,
  firstSights: 3_000,
  refreshChains: 500,
  pace: 2_000,
  loginSeconds: 1,
  floodSeconds: 2,
  propagationSeconds: 5,
  propagations: 20,
  manySessions: 50_000,
  manyUsers: 1_000,
  fewSessions: 1_000,
  expired: 4_000,
  pruneRounds: 1,
  seen: 20_000,
  settleSeconds: 1,
  entries: 5_000,
}
