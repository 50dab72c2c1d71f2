/** Something that those who look into a break-in need to know. Nothing in it is a token or a secret. */
export interface AuditEvent {
  /** What was tried: the verb in snake case, such as `login`. */
  event: string
  result: 'success' | 'refused' | 'failed'
  /** Why it was refused or failed. */
  code?: string
  /** Whom it concerns, by ids: a name that was sent is whatever the sender typed, passwords too. */
  user?: string
  jti?: string
  /** The address that it came from. */
  source?: string
  /** The caller that proved itself. */
  caller?: string
  requestId?: string
  /** Further ids and names, of operators' doings. */
  [more: string]: string | number | boolean | null | undefined
}

/** Where events are written down, in the order in which they come; it never throws. */
export interface Audit {
  write(event: AuditEvent): void
}

/** For those who write nothing down. */
export const noAudit: Audit = { write: () => undefined }
