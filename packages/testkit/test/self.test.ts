import { createPublicKey, verify as opensslVerify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { InlineRuntime } from '../../core/src/adapters/chaincode-inline/inline-runtime.ts'
import { opensslCrypto } from '../../core/src/adapters/crypto/openssl-crypto.ts'
import { encodeSpki } from '../../core/src/adapters/crypto/p256.ts'
import { DeliverDissemination } from '../../core/src/adapters/dissemination-deliver/deliver-dissemination.ts'
import { InlineSignaturePool } from '../../core/src/adapters/signature-pool/inline-signature-pool.ts'
import { MemoryStateDB } from '../../core/src/adapters/state-memory/memory-state-db.ts'
import type { ChaincodeInstance, ChaincodeRuntime } from '../../core/src/ports/chaincode.ts'
import type { CryptoProvider, SignaturePool } from '../../core/src/ports/crypto-provider.ts'
import type { Dissemination, PeerChannelHost } from '../../core/src/ports/dissemination.ts'
import type { IdentityProvider, Membership } from '../../core/src/ports/identity.ts'
import type { StateDB } from '../../core/src/ports/state-db.ts'
import { chaincodeRuntimeConformance } from '../src/chaincode-runtime-conformance/suite.ts'
import { signaturePoolConformance } from '../src/crypto-conformance/signature-pool.ts'
import { cryptoConformance } from '../src/crypto-conformance/suite.ts'
import { disseminationConformance } from '../src/dissemination-conformance/suite.ts'
import { identityConformance } from '../src/identity-conformance/suite.ts'
import { stateDbConformance } from '../src/state-db-conformance/suite.ts'
import { registerSuite, type TestApi } from '../src/test-api.ts'
import { collector, like } from './collect.fixture.ts'
import { proves } from './proves.fixture.ts'
import { x509Subject } from './x509-identity.fixture.ts'

/** Milliseconds that a mutant which never answers is waited for. */
const PATIENCE = 1000

proves<CryptoProvider>(
  'crypto providers',
  (api, broken) => cryptoConformance(api, { name: 'mutant', create: () => broken(opensslCrypto) }),
  [
    [
      'takes high s and lax DER, as OpenSSL does',
      /no signature verifies whose/,
      (good) => {
        const handles = new Map<string, ReturnType<typeof createPublicKey>>()
        return like(good, {
          verify(key, message, signature) {
            const id = Buffer.from(key.raw).toString('hex')
            const handle =
              handles.get(id) ?? createPublicKey({ key: Buffer.from(encodeSpki(key.raw)), format: 'der', type: 'spki' })
            handles.set(id, handle)
            return opensslVerify('sha256', message, handle, signature)
          },
        })
      },
    ],
    [
      'passes over bytes after the signature',
      /any other encoding than DER/,
      (good) =>
        like(good, {
          verify: (key, message, signature) => good.verify(key, message, signature.subarray(0, (signature[1] ?? 0) + 2)),
        }),
    ],
    [
      'throws where it should say no',
      /./,
      (good) =>
        like(good, {
          verify(key, message, signature) {
            if (signature.length === 0) throw new Error('no signature')
            return good.verify(key, message, signature)
          },
        }),
    ],
    ['says yes to everything', /another encoding|any other encoding/, (good) => like(good, { verify: () => true })],
    ['says no to everything', /good signatures verify/, (good) => like(good, { verify: () => false })],
    [
      'does not check points',
      /a point that is off the curve/,
      (good) =>
        like(good, {
          importPublicKey: (point) => (point.length === 65 ? { provider: 'openssl', raw: point } : good.importPublicKey(point)),
        }),
    ],
    [
      'keeps the bytes that it was given',
      /a key does not change/,
      (good) => like(good, { importPublicKey: (point) => like(good.importPublicKey(point), { raw: point }) }),
    ],
    [
      'signs with bytes to spare',
      /signatures are strict DER/,
      (good) => like(good, { sign: (key, message) => Uint8Array.of(...good.sign(key, message), 0) }),
    ],
    [
      'has one key for all',
      /generated keys differ/,
      (good) => {
        const key = good.generateKeyPair()
        return like(good, { generateKeyPair: () => key })
      },
    ],
  ],
)

proves<SignaturePool>(
  'signature pools',
  (api, broken) =>
    signaturePoolConformance(api, {
      name: 'mutant',
      patience: PATIENCE * 20,
      create() {
        const pool = new InlineSignaturePool()
        return { pool: broken(pool), crypto: opensslCrypto, dispose: () => pool.close() }
      },
    }),
  [
    [
      'gives verdicts backwards',
      /verdicts come in the order/,
      (good) => like(good, { verifyAll: async (jobs) => [...(await good.verifyAll(jobs))].reverse() }),
    ],
    [
      'answers for the first job only',
      /many jobs at once/,
      (good) => like(good, { verifyAll: async (jobs) => await good.verifyAll(jobs.slice(0, 1)) }),
    ],
    [
      'lets one bad signature spoil the rest',
      /leaves the others alone/,
      (good) =>
        like(good, {
          verifyAll: async (jobs) => {
            const verdicts = await good.verifyAll(jobs)
            return verdicts.includes(false) ? verdicts.map(() => false) : verdicts
          },
        }),
    ],
    [
      'counts nothing',
      /work is counted/,
      (good) => like(good, { work: { signatures: 0, verifications: 0, busyNanoseconds: 0 } }),
    ],
    ['signs something else', /what it signs verifies/, (good) => like(good, { sign: (key) => good.sign(key, Uint8Array.of(0)) })],
  ],
)

const membershipLike = (good: IdentityProvider, change: (membership: Membership) => Partial<Membership>): IdentityProvider =>
  like(good, {
    createMembership(configs) {
      const membership = good.createMembership(configs)
      return like(membership, change(membership))
    },
  })

proves<IdentityProvider>(
  'identity providers',
  (api, broken) =>
    identityConformance(api, {
      name: 'mutant',
      create() {
        const subject = x509Subject()
        return { ...subject, provider: broken(subject.provider) }
      },
    }),
  [
    ['takes every signature', /do not verify/, (good) => like(good, { verifyAll: (items) => items.map(() => true) })],
    ['gives everybody every role', /roles are satisfied/, (good) => membershipLike(good, () => ({ satisfies: () => true }))],
    ['gives nobody a role', /roles are satisfied/, (good) => membershipLike(good, () => ({ satisfies: () => false }))],
    [
      'throws for a principal that it cannot read',
      /a principal that cannot be read/,
      (good) =>
        membershipLike(good, (membership) => ({
          satisfies(identity, principal) {
            if (principal.principalClassification > 4) throw new Error('unknown principal')
            return membership.satisfies(identity, principal)
          },
        })),
    ],
    [
      'knows an identity by its MSP',
      /ids are equal/,
      (good) =>
        membershipLike(good, (membership) => ({
          identity(bytes) {
            const identity = membership.identity(bytes)
            return like(identity, { id: identity.mspId })
          },
        })),
    ],
    [
      'keeps members of an earlier configuration',
      /a new configuration/,
      (good) => {
        let first: Membership | undefined
        return like(good, {
          createMembership(configs) {
            first ??= good.createMembership(configs)
            return first
          },
        })
      },
    ],
    [
      'gives keys to garbage',
      /have no key/,
      (good) => {
        const key = opensslCrypto.generateKeyPair().publicKey
        return like(good, { keyOf: (bytes) => good.keyOf(bytes) ?? key })
      },
    ],
    [
      'takes revoked members',
      /does not trust/,
      (good) =>
        membershipLike(good, (membership) => ({
          identity(bytes) {
            try {
              return membership.identity(bytes)
            } catch (error) {
              if ((error as { code?: string }).code === 'IDENTITY_REVOKED') return { mspId: 'Org1MSP' } as never
              throw error
            }
          },
        })),
    ],
  ],
)

const instanceLike = (
  good: ChaincodeRuntime,
  change: (instance: ChaincodeInstance) => Partial<ChaincodeInstance>,
): ChaincodeRuntime =>
  like(good, {
    async load(name, source) {
      const instance = await good.load(name, source)
      return like(instance, change(instance))
    },
  })

proves<ChaincodeRuntime>(
  'chaincode runtimes',
  (api, broken) =>
    chaincodeRuntimeConformance(api, {
      name: 'mutant',
      isolated: false,
      patience: PATIENCE,
      create() {
        const runtime = new InlineRuntime('Org1MSP')
        return { runtime: broken(runtime), dispose: () => runtime.stop() }
      },
    }),
  [
    [
      'rejects with what chaincode throws',
      /what chaincode throws/,
      (good) =>
        instanceLike(good, (instance) => ({
          async invoke(invocation, ledger, signal) {
            const response = await instance.invoke(invocation, ledger, signal)
            if (response.status === 500) throw new Error(response.message)
            return response
          },
        })),
    ],
    [
      'answers for garbage',
      /garbage is no answer/,
      (good) =>
        instanceLike(good, (instance) => ({
          invoke: async (invocation, ledger, signal) => {
            try {
              return await instance.invoke(invocation, ledger, signal)
            } catch {
              return { status: 200, message: '', payload: new Uint8Array(0) }
            }
          },
        })),
    ],
    [
      'runs one invocation after another',
      /concurrent invocations/,
      (good) =>
        instanceLike(good, (instance) => {
          let last: Promise<unknown> = Promise.resolve()
          return {
            invoke(invocation, ledger, signal) {
              const answer = last.then(() => instance.invoke(invocation, ledger, signal))
              last = answer.catch(() => {})
              return answer
            },
          }
        }),
    ],
    [
      'loses the codes of errors',
      /reaches the chaincode with its code/,
      (good) =>
        instanceLike(good, (instance) => ({
          invoke: (invocation, ledger, signal) =>
            instance.invoke(
              invocation,
              like(ledger, {
                async getState(key) {
                  try {
                    return await ledger.getState(key)
                  } catch (error) {
                    throw new Error((error as Error).message)
                  }
                },
              }),
              signal,
            ),
        })),
    ],
    [
      'reads only the first page of a range',
      /through its cursor/,
      (good) =>
        instanceLike(good, (instance) => ({
          invoke: (invocation, ledger, signal) =>
            instance.invoke(
              invocation,
              like(ledger, {
                getStateByRange: async (start, end, page) => ({
                  ...(await ledger.getStateByRange(start, end, page)),
                  cursor: undefined,
                }),
              }),
              signal,
            ),
        })),
    ],
    [
      'never closes queries',
      /closed early/,
      (good) =>
        instanceLike(good, (instance) => ({
          invoke: (invocation, ledger, signal) => instance.invoke(invocation, like(ledger, { queryClose: () => {} }), signal),
        })),
    ],
    [
      'shares one instance',
      /an instance of its own/,
      (good) => {
        let first: Promise<ChaincodeInstance> | undefined
        return like(good, { load: (name, source) => (first ??= good.load(name, source)) })
      },
    ],
    ['goes on after stop', /a stopped runtime/, (good) => like(good, { stop: async () => {} })],
  ],
)

const hostLike = (good: Dissemination, change: (host: PeerChannelHost) => Partial<PeerChannelHost>): Dissemination =>
  like(good, { join: (host) => good.join(like(host, change(host))) })

proves<Dissemination>(
  'dissemination',
  (api, broken) =>
    disseminationConformance(api, {
      name: 'mutant',
      patience: PATIENCE,
      create() {
        const dissemination = new DeliverDissemination()
        return { dissemination: broken(dissemination), dispose: () => dissemination.stop() }
      },
    }),
  [
    [
      'starts at the genesis block',
      /goes on at its height/,
      (good) => {
        let asked = false
        return hostLike(good, (host) => ({
          orderers: () =>
            host.orderers().map((orderer) =>
              like(orderer, {
                deliver(from, signal) {
                  const first = asked ? from : 0
                  asked = true
                  return orderer.deliver(first, signal)
                },
              }),
            ),
        }))
      },
    ],
    [
      'does not wait for room',
      /without room/,
      (good) =>
        hostLike(good, (host) => ({
          receive: async (block, from) => {
            void host.receive(block, from)
            return 'accepted'
          },
        })),
    ],
    [
      'stays with the first orderer',
      /left for another/,
      (good) => hostLike(good, (host) => ({ orderers: () => host.orderers().slice(0, 1) })),
    ],
    [
      'remembers the orderers of the start',
      /configuration as it is now/,
      (good) =>
        hostLike(good, (host) => {
          const first = [...host.orderers()]
          return { orderers: () => first }
        }),
    ],
    [
      'says nothing of refused blocks',
      /told in the log/,
      (good) =>
        hostLike(good, (host) => {
          const quiet = { ...host.environment.logger, warn: () => {}, error: () => {}, child: () => quiet }
          return { environment: like(host.environment, { logger: quiet }) }
        }),
    ],
    ['does not end its requests', /leaving ends the request/, (good) => like(good, { leave: async () => {} })],
    ['goes on after stop', /stopping while blocks come/, (good) => like(good, { stop: async () => {} })],
    [
      'never pauses',
      /it waits and tries again/,
      (good) =>
        hostLike(good, (host) => {
          const clock = like(host.environment.clock, {
            setTimer(_delay, task) {
              const timer = setImmediate(task)
              return { cancel: () => clearImmediate(timer) }
            },
          })
          return { environment: like(host.environment, { clock }) }
        }),
    ],
  ],
)

proves<StateDB>(
  'state databases',
  (api, broken) =>
    stateDbConformance(api, {
      name: 'mutant',
      async create() {
        const db = new MemoryStateDB()
        await db.open()
        return { db: broken(db), dispose: () => db.close() }
      },
    }),
  [
    ['forgets its save point', /./, (good) => like(good, { savePoint: () => undefined })],
    [
      'leaves deleted keys',
      /deletion/,
      (good) =>
        like(good, {
          commit: (writes, height) =>
            good.commit(
              writes.filter(({ value }) => value !== undefined),
              height,
            ),
        }),
    ],
    [
      'has the end in its ranges',
      /not its end/,
      (good) => like(good, { range: (namespace, start, end) => good.range(namespace, start, end === '' ? '' : `${end}\u0000`) }),
    ],
    ['mixes namespaces', /namespaces do not mix/, (good) => like(good, { get: (_namespace, key) => good.get('a', key) })],
    [
      'answers getMany in any order',
      /getMany/,
      (good) => like(good, { getMany: async (namespace, keys) => [...(await good.getMany(namespace, keys))].reverse() }),
    ],
  ],
)

describe('skips', () => {
  it('a skip that names no test is refused, so that skips cannot rot', () => {
    const skips = [{ test: 'no such rule', reason: 'none' }]
    expect(() =>
      registerSuite(
        collector().api,
        'suite',
        () => 1,
        () => {},
        { rule: () => {} },
        skips,
      ),
    ).toThrow(/no test is called/)
  })

  it('a skipped rule stays in the report with its reason', () => {
    const names: string[] = []
    const api: TestApi = { describe: (_name, body) => body(), it: (name) => void names.push(name) }
    registerSuite(
      api,
      'suite',
      () => 1,
      () => {},
      { rule: () => {} },
      [{ test: 'rule', reason: 'it has no clock' }],
    )
    expect(names).toEqual(['rule (does not apply: it has no clock)'])
  })
})
