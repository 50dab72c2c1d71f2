import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describeApi } from '../../src/http/openapi.ts'
import type { Answer } from './http-client.ts'

interface Described {
  description: string
  headers: Record<string, { $ref: string }>
  /** None where there is no body. */
  content?: Record<string, { schema: object }>
}

interface Operation {
  responses: Record<string, Described | { $ref: string }>
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, object>
    responses: Record<string, Described>
    headers: Record<string, { required: boolean; schema: { type?: string } }>
  }
}

/** The description of the API that answers are held against. */
export const document = describeApi() as unknown as Document
const { paths, components } = document

const ajv = new Ajv2020({ strict: true, allErrors: true })
// Words of OpenAPI that say nothing about what is valid.
ajv.addVocabulary(['discriminator'])
addFormats.default(ajv)
ajv.addSchema({ $id: 'openapi', $defs: components.schemas })

const validators = new Map<object, ValidateFunction>()

function validatorOf(schema: object): ValidateFunction {
  let validator = validators.get(schema)
  if (validator === undefined) {
    const text = JSON.stringify(schema).replaceAll('"#/components/schemas/', '"openapi#/$defs/')
    validator = ajv.compile(JSON.parse(text))
    validators.set(schema, validator)
  }
  return validator
}

// Those of HTTP itself, which OpenAPI leaves out.
const OF_HTTP = new Set([
  'content-type',
  'content-length',
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
])

/** Throws where an answer is not what the description of the API says about method, path and status. */
export function requireDescribed(method: string, target: string, answer: Answer): void {
  const path = target.replace(/^https?:\/\/[^/?]*/, '').replace(/\?.*$/s, '')
  const deviations = deviationsOf(method, path, answer)
  if (deviations.length === 0) return
  const told = deviations.map((line) => `\n  ${line}`).join('')
  throw new Error(
    `${method} ${path} was answered ${answer.status} otherwise than described:${told}\n${answer.text}`,
  )
}

function deviationsOf(method: string, path: string, answer: Answer): string[] {
  const described = responseFor(method, path, answer.status)
  if (described === undefined) return ['no such status']
  return [
    ...wrongHeaders(described, answer),
    ...wrongAllow(path, answer),
    ...wrongContent(described, method, answer),
  ]
}

function responseFor(method: string, path: string, status: number): Described | undefined {
  const operation = paths[path]?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
  const { NotFound, MethodNotAllowed, Options, TooSlow, HeadersTooLarge } = components.responses
  const elsewhere: Record<string, Described | undefined> = {
    ...(paths[path] && (method === 'OPTIONS' ? { 204: Options } : { 405: MethodNotAllowed })),
    408: TooSlow,
    431: HeadersTooLarge,
  }
  // The figures may have a port of their own, and then no path is on both.
  if (status === 404) return NotFound
  const found = (operation?.responses ?? elsewhere)[status]
  if (found === undefined || !('$ref' in found)) return found
  return components.responses[found.$ref.replace('#/components/responses/', '')]
}

interface HeaderRule {
  required: boolean
  validate(value: string): boolean
}

const headerRules = new Map<Described, Map<string, HeaderRule>>()

/** What is said of each header, by its name in lower case; put together once for each response. */
function headerRulesOf(described: Described): Map<string, HeaderRule> {
  let rules = headerRules.get(described)
  if (rules === undefined) {
    rules = new Map(
      Object.entries(described.headers).map(([name, { $ref }]) => [
        name.toLowerCase(),
        ruleOf($ref),
      ]),
    )
    headerRules.set(described, rules)
  }
  return rules
}

function ruleOf(ref: string): HeaderRule {
  const found = components.headers[ref.split('/').at(-1) as string]
  if (found === undefined) throw new Error(`${ref} is not described`)
  const { required, schema } = found
  const validator = validatorOf(schema)
  const isNumber = schema.type === 'integer'
  return { required, validate: (value) => validator(isNumber ? Number(value) : value) }
}

function wrongHeaders(described: Described, { headers }: Answer): string[] {
  const rules = headerRulesOf(described)
  const wrong: string[] = []
  for (const name in headers) {
    if (!rules.has(name) && !OF_HTTP.has(name)) wrong.push(`header ${name}: not described`)
  }
  for (const [name, { required, validate }] of rules) {
    const value = headers[name]
    if (value === undefined) {
      if (required) wrong.push(`header ${name}: missing`)
    } else if (!validate(String(value))) wrong.push(`header ${name}: ${value}`)
  }
  return wrong
}

function wrongAllow(path: string, { status, headers }: Answer): string[] {
  if (status !== 204 && status !== 405) return []
  const described = Object.keys(paths[path] ?? {}).map((method) => method.toUpperCase())
  const methods = [...described, ...(described.includes('GET') ? ['HEAD'] : []), 'OPTIONS']
  const same = methods.toSorted().join() === headers.allow?.split(', ').toSorted().join()
  return same ? [] : [`header allow: ${headers.allow}, and not ${methods}`]
}

function wrongContent(described: Described, method: string, answer: Answer): string[] {
  const { status, headers, text, json } = answer
  if (described.content === undefined) return text === '' ? [] : ['a body']
  const [type = '', ...attributes] = (headers['content-type'] ?? '').split(/; */)
  const content = described.content[type]
  if (content === undefined) return [`content type ${type}: not described`]
  if (!attributes.includes('charset=utf-8')) return ['content type: not in UTF-8']
  if (method === 'HEAD') return text === '' ? [] : ['HEAD with a body']
  const validate = validatorOf(content.schema)
  const isJson = type.endsWith('json')
  const wrong = validate(isJson ? json : text)
    ? []
    : [ajv.errorsText(validate.errors, { dataVar: 'body' })]
  if (type === 'application/problem+json' && json.status !== status) {
    wrong.push(`body/status: ${json.status}`)
  }
  return wrong
}
