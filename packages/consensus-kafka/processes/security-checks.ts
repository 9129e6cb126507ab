import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { kafkaLogs } from '../src/cluster/kafka-logs.ts'
import type { KafkaOptions } from '../src/index.ts'
import type { Checks } from './checks.ts'
import { KafkaCluster } from './kafka-cluster.ts'
import { about, environment, errorOf, fresh, take } from './log-checks.ts'

const PASSWORD = 'changeit'
const USER = { username: 'alice', password: 'wonder land' }

/** TLS with certificates on both sides, and SASL, against a broker that asks for all of it. */
export async function securityChecks(checks: Checks, classPath: string, say: (line: string) => void): Promise<void> {
  if (!checks.wants('TLS and SASL')) return
  const folder = mkdtempSync(join(tmpdir(), 'heddle-kafka-tls-'))
  let cluster: KafkaCluster | undefined
  try {
    say('starting a broker with TLS and SASL')
    certificates(folder)
    cluster = await KafkaCluster.start({
      brokers: 1,
      classPath,
      listener: 'SASL_SSL',
      properties: brokerProperties(folder),
      format: ['--add-scram', `SCRAM-SHA-256=[name=${USER.username},password=${USER.password}]`],
    })
    await securedChecks(checks, cluster.addresses, folder)
  } finally {
    await cluster?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function securedChecks(checks: Checks, brokers: readonly string[], folder: string): Promise<void> {
  const tls = { ca: 'broker.pem', certificate: 'client.pem', key: 'client-key.pem' }
  const scram = { mechanism: 'SCRAM-SHA-256', ...USER } as const
  const logs = (options: KafkaOptions) =>
    kafkaLogs(
      { node: 'secure', environment, base: pathToFileURL(`${folder}/`).href },
      { brokers, topicPrefix: fresh(), allowSingleBroker: true, timeouts: { start: 20_000 }, ...options },
    )
  const works = async (options: KafkaOptions): Promise<void> => {
    const provider = logs(options)
    const log = await provider.open('channel', about)
    await log.start()
    await log.append([Buffer.from('secret')])
    assert.deepEqual(
      (await take(log, new Uint8Array(0), 1)).map(({ data }) => Buffer.from(data).toString()),
      ['secret'],
    )
    await log.stop()
    await provider.stop()
  }
  const refused = async (options: KafkaOptions, pattern: RegExp): Promise<string> => {
    const provider = logs(options)
    const began = performance.now()
    const error = await errorOf((await provider.open('channel', about)).start())
    await provider.stop()
    assert.equal(error.code, 'KAFKA_ACCESS_DENIED', error.message)
    assert.match(error.message, pattern)
    assert.ok(performance.now() - began < 15_000, 'a refusal is told at once, not tried again until the time is over')
    return error.message
  }
  await checks.check('TLS and SASL: SCRAM-SHA-256 with certificates on both sides', () => works({ tls, sasl: scram }))
  await checks.check('TLS and SASL: PLAIN, the password from a file', async () => {
    writeFileSync(join(folder, 'password'), `${USER.password}\n`)
    await works({ tls, sasl: { mechanism: 'PLAIN', username: USER.username, password: { file: 'password' } } })
  })
  await checks.check('TLS and SASL: a wrong password is refused', () =>
    refused({ tls, sasl: { ...scram, password: 'wrong' } }, /[Aa]uthentication/),
  )
  await checks.check('TLS and SASL: a mechanism that the broker has not is refused', () =>
    refused({ tls, sasl: { ...scram, mechanism: 'SCRAM-SHA-512' } }, /mechanism|authentication/i),
  )
  await checks.check('TLS and SASL: a broker whose authority is not trusted is refused', () =>
    refused({ tls: { ...tls, ca: 'client.pem' }, sasl: scram }, /certificate|self.signed/i),
  )
  await checks.check('TLS and SASL: a broker under another name is refused', () =>
    refused({ tls: { ...tls, serverName: 'elsewhere.example' }, sasl: scram }, /elsewhere\.example|altnames|Hostname/),
  )
}

function brokerProperties(folder: string): Record<string, string> {
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  const user = `username="admin" password="admin" user_admin="admin" user_${USER.username}="${USER.password}";`
  return {
    'ssl.keystore.location': join(folder, 'broker.p12'),
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': PASSWORD,
    'ssl.truststore.location': join(folder, 'trusted.p12'),
    'ssl.truststore.type': 'PKCS12',
    'ssl.truststore.password': PASSWORD,
    'ssl.client.auth': 'required',
    'ssl.endpoint.identification.algorithm': '',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `${plain} ${user}`,
    'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  }
}

/** A key for the broker and one for the client, each signed by itself. */
function certificates(folder: string): void {
  const keytool = (...args: string[]): void => {
    const { status, stdout, stderr } = spawnSync('keytool', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`keytool ${args[0]} failed: ${stdout}${stderr}`)
  }
  const pair = (alias: string): void =>
    keytool(
      ...['-genkeypair', '-alias', alias, '-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2', '-dname', `CN=${alias}`],
      ...['-ext', 'SAN=ip:127.0.0.1,dns:localhost', '-storetype', 'PKCS12', '-keystore', `${alias}.p12`, '-storepass', PASSWORD],
    )
  const certificate = (alias: string): void =>
    keytool('-exportcert', '-rfc', '-alias', alias, '-keystore', `${alias}.p12`, '-storepass', PASSWORD, '-file', `${alias}.pem`)
  for (const alias of ['broker', 'client']) {
    pair(alias)
    certificate(alias)
    keytool(
      '-importcert',
      '-noprompt',
      '-alias',
      alias,
      '-file',
      `${alias}.pem`,
      '-keystore',
      'trusted.p12',
      '-storetype',
      'PKCS12',
      '-storepass',
      PASSWORD,
    )
  }
  writeFileSync(join(folder, 'client-key.pem'), clientKey(join(folder, 'client.p12')))
}

/** keytool does not hand out private keys; Java itself does. */
function clientKey(keystore: string): string {
  const source = `
    var store = java.security.KeyStore.getInstance(new java.io.File("${keystore}"), "${PASSWORD}".toCharArray());
    var key = store.getKey("client", "${PASSWORD}".toCharArray()).getEncoded();
    System.out.println("-----BEGIN PRIVATE KEY-----");
    System.out.println(java.util.Base64.getMimeEncoder(64, new byte[] {10}).encodeToString(key));
    System.out.println("-----END PRIVATE KEY-----");`
  const file = join(keystore, '..', 'ClientKey.java')
  writeFileSync(file, `class ClientKey { public static void main(String[] a) throws Exception { ${source} } }`)
  const { status, stdout, stderr } = spawnSync('java', [file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the client's key cannot be read: ${stderr}`)
  return stdout
}
