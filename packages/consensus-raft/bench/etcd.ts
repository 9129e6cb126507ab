// Three etcd nodes on loopback with mutual TLS, as the reference for Raft ordering.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CertificateAuthority, systemClock, systemRandom } from '@heddle/core'
import { freePorts } from '../processes/cluster-plan.ts'
import { GrpcClient } from './grpc-client.ts'

const PLACES = ['etcd', '/usr/bin/etcd', '/usr/local/bin/etcd', '/usr/sbin/etcd']
const PATIENCE = 30_000

/** Path and version of an etcd on this machine; undefined when there is none. */
export function findEtcd(): { readonly path: string; readonly version: string } | undefined {
  for (const path of PLACES) {
    if (path.includes('/') && !existsSync(path)) continue
    try {
      const text = execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      return { path, version: /etcd Version: (\S+)/.exec(text)?.[1] ?? 'of unknown version' }
    } catch {}
  }
  return undefined
}

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)])

/** A field of a protobuf message that holds bytes. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes])
}

/** etcdserverpb.PutRequest. */
export const putRequest = (key: string, value: Uint8Array): Uint8Array =>
  Buffer.concat([field(1, Buffer.from(key)), field(2, value)])

/** etcdserverpb.TxnRequest that makes all puts: field `success`, of RequestOp, whose field 2 is a put. */
export const txnRequest = (puts: readonly Uint8Array[]): Uint8Array => Buffer.concat(puts.map((put) => field(2, field(2, put))))

export class EtcdCluster {
  readonly #children: ChildProcess[]
  readonly clients: readonly GrpcClient[]

  private constructor(children: ChildProcess[], clients: readonly GrpcClient[]) {
    this.#children = children
    this.clients = clients
  }

  /** Starts the nodes in a folder and connects to each, once. */
  static async start(path: string, folder: string, nodes = 3): Promise<EtcdCluster> {
    mkdirSync(folder, { recursive: true })
    const ca = CertificateAuthority.createRoot({ commonName: 'etcd' }, { clock: systemClock, random: systemRandom() })
    const { certificate, privateKey } = ca.issue({ enrolmentId: 'etcd', role: 'client' }, { hosts: ['127.0.0.1', 'localhost'] })
    const file = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    }
    const caFile = file('ca.pem', ca.certificate)
    const certFile = file('cert.pem', certificate)
    const keyFile = file('key.pem', privateKey!)
    const ports = await freePorts(2 * nodes)
    const names = Array.from({ length: nodes }, (_, i) => `etcd${i}`)
    const peer = (i: number): string => `https://127.0.0.1:${ports[nodes + i]}`
    const client = (i: number): string => `https://127.0.0.1:${ports[i]}`
    const initial = names.map((name, i) => `${name}=${peer(i)}`).join(',')
    const children = names.map((name, i) =>
      spawn(
        path,
        [
          ...['--name', name, '--data-dir', join(folder, name), '--initial-cluster', initial, '--initial-cluster-state', 'new'],
          ...['--listen-peer-urls', peer(i), '--initial-advertise-peer-urls', peer(i)],
          ...['--listen-client-urls', client(i), '--advertise-client-urls', client(i)],
          ...['--cert-file', certFile, '--key-file', keyFile, '--trusted-ca-file', caFile, '--client-cert-auth'],
          ...[
            '--peer-cert-file',
            certFile,
            '--peer-key-file',
            keyFile,
            '--peer-trusted-ca-file',
            caFile,
            '--peer-client-cert-auth',
          ],
          // More than a run writes.
          ...['--quota-backend-bytes', String(8 * 2 ** 30), '--logger', 'zap', '--log-level', 'error'],
        ],
        { stdio: 'ignore' },
      ),
    )
    const clients: GrpcClient[] = []
    try {
      for (let i = 0; i < nodes; i++)
        clients.push(await connectPatiently(client(i), { ca: ca.certificate, cert: certificate, key: privateKey! }))
      const cluster = new EtcdCluster(children, clients)
      await cluster.#serves()
      return cluster
    } catch (error) {
      for (const child of children) child.kill('SIGKILL')
      throw error
    }
  }

  put(to: number, key: string, value: Uint8Array): Promise<Uint8Array> {
    return this.clients[to % this.clients.length]!.call('/etcdserverpb.KV/Put', putRequest(key, value))
  }

  txn(to: number, puts: readonly Uint8Array[]): Promise<Uint8Array> {
    return this.clients[to % this.clients.length]!.call('/etcdserverpb.KV/Txn', txnRequest(puts))
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()))
    await Promise.all(
      this.#children.map((child) => {
        if (child.exitCode !== null || child.signalCode !== null) return undefined
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGKILL')
        return gone
      }),
    )
  }

  async #serves(): Promise<void> {
    for (const end = performance.now() + PATIENCE; ; ) {
      try {
        for (let i = 0; i < this.clients.length; i++) await this.put(i, 'ready', Buffer.from('yes'))
        return
      } catch (error) {
        if (performance.now() > end) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }
}

async function connectPatiently(url: string, tls: Parameters<typeof GrpcClient.connect>[1]): Promise<GrpcClient> {
  for (const end = performance.now() + PATIENCE; ; ) {
    try {
      return await GrpcClient.connect(url, tls)
    } catch (error) {
      if (performance.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
