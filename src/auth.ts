/** What a log-in and a refresh give. Times are ms. */
export interface Grant {
  /** The signed token: for its holder only. */
  text: string
  /** The token's id, for logs. */
  id: string
  user: string
  expiresAt: number
  refreshAfter: number
}

/** Who was registered or changed, for logs. */
export interface Affected {
  user: string
}

/** Whose token was ended, for logs. */
export interface Ended {
  id: string
  user: string
}

/** What a valid token says. Times are ms; `issuedAt` and `expiresAt` are whole seconds. */
export interface Verified {
  id: string
  user: string
  username: string
  session: string
  issuedAt: number
  expiresAt: number
  refreshAfter: number
}

/**
 * What memory alone knows to be valid now, in the form in which it is shown; undefined for everything else,
 * a token of another tenant than the one whose id is given included.
 */
export type Recall<Shown> = (token: string, within?: string) => Shown | undefined

/**
 * The same by the graph's word, for a token that memory has not seen; undefined where memory is not to be
 * trusted, or has had its say. Rejects for whatever is not valid.
 */
export type FirstSight<Shown> = (token: string, within?: string) => Promise<Shown> | undefined

export interface Credentials {
  /** The tenant's name; the default one where it is left out. */
  tenant?: string
  username: string
  password: string
  /** The address that they come from, where wrong ones are to be counted. */
  source?: string
}

export interface PasswordChange extends Credentials {
  currentPassword?: string
}

/**
 * The verbs of the service. Each throws an AuthError and nothing else on purpose; any of them may throw
 * service_unavailable, after which the same call may be repeated: what was done is recognised.
 * `within` is the id of the tenant that the caller is bound to: a token of another is token_is_invalid.
 */
export interface Auth {
  /**
   * Registers a user, exactly once however many ask: username_validation_failed,
   * password_validation_failed, user_already_exists, tenant_does_not_exist, tenant_is_suspended.
   */
  register(credentials: Credentials): Promise<Affected>
  /**
   * Sets another password and ends every session of the user: the two validation failures,
   * user_does_not_exist, bad_credentials (the current password is wrong), too_many_attempts.
   */
  changePassword(change: PasswordChange): Promise<Affected>
  /**
   * Opens a session: username_validation_failed, user_does_not_exist, bad_credentials,
   * user_is_suspended, tenant_is_suspended, and after too many wrong ones too_many_attempts.
   */
  login(credentials: Credentials): Promise<Grant>
  /** Says whose token it is: token_is_invalid, token_is_expired, token_is_blacklisted. */
  verify(token: string, within?: string): Promise<Verified>
  /**
   * Gives the token's one successor, the same one for the length of the grace; the failures of verify.
   * A token that comes back after its grace ends its session.
   */
  refresh(token: string, within?: string): Promise<Grant>
  /** Ends the token's session, or that token alone; the failures of verify. */
  blacklist(token: string, scope: 'session' | 'token', within?: string): Promise<Ended>
}
