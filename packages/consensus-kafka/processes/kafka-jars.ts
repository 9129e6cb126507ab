import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url))
const CACHE = fileURLToPath(new URL('../../../.cache/kafka', import.meta.url))
const STAMP = 'pom.xml'

/** What the machine lacks to run a broker: one sentence for the user. */
export class NoKafka extends Error {}

/**
 * The class path of Apache Kafka, from the cache or through Maven.
 *
 * @throws NoKafka without Java or Maven
 */
export function kafkaClassPath(say: (line: string) => void): string {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const version = Number(/version "(\d+)/.exec(java.stderr ?? '')?.[1] ?? 0)
  if (java.error !== undefined || version < 17) {
    throw new NoKafka(
      `a real Kafka needs Java 17 or later (${version === 0 ? 'none is' : `${version} is`} here): install openjdk-17-jre-headless`,
    )
  }
  const jars = join(CACHE, 'jars')
  const pom = readFileSync(POM, 'utf8')
  const isCurrent = existsSync(join(jars, STAMP)) && readFileSync(join(jars, STAMP), 'utf8') === pom
  if (!isCurrent) download(jars, pom, say)
  return readdirSync(jars)
    .filter((name) => name.endsWith('.jar'))
    .map((name) => join(jars, name))
    .join(':')
}

function download(jars: string, pom: string, say: (line: string) => void): void {
  if (spawnSync('mvn', ['-v']).status !== 0)
    throw new NoKafka('a real Kafka comes through Maven, which is not here: install maven')
  say('fetching Apache Kafka through Maven, once')
  // Aside first: an interrupted download must not look like a whole one.
  const aside = `${jars}.${process.pid}`
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside, { recursive: true })
  const args = ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${aside}`]
  const { status, stdout, stderr } = spawnSync('mvn', args, { encoding: 'utf8' })
  if (status !== 0) throw new NoKafka(`Maven could not fetch Apache Kafka: ${`${stdout}${stderr}`.trim().split('\n')[0] ?? ''}`)
  writeFileSync(join(aside, STAMP), pom)
  rmSync(jars, { recursive: true, force: true })
  renameSync(aside, jars)
}
