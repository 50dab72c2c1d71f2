/** A row of an answer: by column, null, booleans, numbers, text, lists and maps of these. */
export type Row = Record<string, unknown>

/** Values of the statement's $parameters; a value is never built into the text. */
export type Parameters = Record<string, unknown>

/**
 * A property graph that speaks Cypher. Both engines take the same statements; what differs between
 * them stays inside each engine's file.
 */
export interface Engine {
  /** What it is, for people: `embedded graph in ./data`. */
  readonly description: string
  /** Whether only a committed write proves that reads are of the present: a leader may be cut off. */
  readonly needsHeartbeat: boolean
  /**
   * Runs one statement that changes nothing, over all that was acknowledged before. Throws
   * service_unavailable when the graph does not answer within the deadline.
   */
  read(statement: string, parameters?: Parameters): Promise<Row[]>
  /**
   * Runs one statement as one transaction; it is durable when this resolves. It may be run again after
   * a conflict or a lost reply, so it must recognise its own work. Throws service_unavailable when that
   * does not succeed within the deadline: then it was done or not.
   */
  write(statement: string, parameters?: Parameters): Promise<Row[]>
  /** Makes sure that a property is unique among the nodes of a label, and that look-ups by it are fast. */
  requireUnique(label: string, property: string): Promise<void>
  /** Makes look-ups by a property fast. */
  requireIndex(label: string, property: string): Promise<void>
  /**
   * Copies the graph's files, as they are between two writes, into a new folder and gives it;
   * request_is_invalid where the graph is a server's.
   */
  copy(): Promise<string>
  /** Ends what runs and lets go of the graph. */
  close(): Promise<void>
}
