// Runs a task of this repository on a fresh clone: installs from the lockfile, goes on under the Node that the lockfile names, builds what
// changed, then starts the task. Needs nothing but Node 18 and npm. Each step says one line on standard error; standard output is the task's.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const [task, ...args] = process.argv.slice(2)
// npm runs scripts in the root; paths that a user types are relative to where the user stands.
const userFolder = process.env.INIT_CWD ?? process.cwd()

const say = (line) => process.stderr.write(`heddle: ${line}\n`)
const fail = (line) => {
  say(line)
  process.exit(1)
}

/** An option that not every Node which `engines` allows knows: an unknown one would end it. */
const recent = '--external-memory-accounted-in-global-limit'

// Thousands of transactions under way outlive a small young generation: with Node's default of 16 MiB most of them are copied twice, and
// more while it grows. Four collector threads beside the signature workers contend for two cores. And bytes outside the heap, of which
// each transaction makes some 25 KB, count like those inside: by default 64 MB of them make the collector look through the whole heap.
const underLoad = ['--min-semi-space-size=64', '--max-semi-space-size=128', '--v8-pool-size=2', recent]

function known(options) {
  if (!options.includes(recent)) return options
  const { stdout } = spawnSync(node, ['--v8-options'], { encoding: 'utf8' })
  return stdout.includes(recent) ? options : options.filter((option) => option !== recent)
}

/** Each task: the programs that it runs one after another, as [file or folder, arguments], and whether it needs the build. */
const tasks = {
  build: { about: 'compile every package', steps: () => [] },
  start: {
    about: 'run the letter of credit',
    steps: () => [['examples/letter-of-credit/dist/main.js', args, { nodeArgs: underLoad }]],
  },
  test: {
    about: 'lint, type-check and run the tests that need nothing but npm',
    steps: () => [
      [
        'node_modules/@biomejs/biome/bin/biome',
        ['ci', '--diagnostic-level=error', '--reporter=summary', '.'],
        { quiet: true, say: 'lint and format' },
      ],
      ['node_modules/typescript/bin/tsc', ['-p', 'tsconfig.test.json'], { say: 'type-check the tests' }],
      ['node_modules/vitest/vitest.mjs', ['run', ...args], { say: 'tests', cwd: root }],
    ],
  },
  lint: {
    about: 'report what lint and format find',
    build: false,
    steps: () => [['node_modules/@biomejs/biome/bin/biome', ['check', ...or(args, '.')]]],
  },
  format: {
    about: 'format the sources',
    build: false,
    steps: () => [['node_modules/@biomejs/biome/bin/biome', ['check', '--write', ...or(args, '.')]]],
  },
  bench: { about: 'run a benchmark: npm run bench -- NAME [--json]', steps: bench },
  fuzz: { about: 'feed the decoders a million mutated inputs', steps: () => [['packages/core/fuzz/main.ts', args]] },
  sim: { about: 'prove ordering plugins in the deterministic simulator', steps: () => [['packages/testkit/sim/main.ts', args]] },
  verify: { about: 'validate a folder of blocks from block 0', steps: () => [['packages/core/dist/verify/main.js', args]] },
  docs: { about: 'write the API pages from the docstrings', build: false, steps: () => [['docs/tooling/typedoc.mjs', args]] },
  'docs:errors': { about: 'write docs/errors.md from the code', steps: () => [['scripts/error-docs.ts', args]] },
  'test:raft': {
    about: 'kill orderer processes under load, at least 30 times',
    steps: () => [['packages/consensus-raft/processes/main.ts', args]],
  },
  'test:kafka': {
    about: 'order through Apache Kafka itself, and kill brokers and orderers',
    steps: () => [['packages/consensus-kafka/processes/main.ts', args]],
  },
  'test:gossip': {
    about: 'ten peers on gossip; leaders die, peers restart, one is added',
    steps: () => [['packages/gossip/processes/main.ts', args]],
  },
  'test:processes': {
    about: 'run a network as processes, and kill each of them',
    steps: () => [['packages/testkit/processes/main.ts', args]],
  },
  'test:crash': { about: 'kill a node under load, at least 50 times', steps: () => [['packages/testkit/crash/main.ts', args]] },
}

if (task === undefined || !(task in tasks)) {
  const width = Math.max(...Object.keys(tasks).map((name) => name.length))
  fail(
    `unknown task ${task ?? '(none)'}; there are:\n${Object.entries(tasks)
      .map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`)
      .join('\n')}`,
  )
}
install()
const node = chooseNode()
if (tasks[task].build !== false) build()
await runSteps(tasks[task].steps())

function or(list, ...otherwise) {
  return list.length > 0 ? list : otherwise
}

/** `npm ci`, unless what is installed comes from this very lockfile. */
function install() {
  const lock = join(root, 'package-lock.json')
  const stamp = join(root, 'node_modules', '.heddle-installed')
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('installing from the lockfile')
  const npm = process.env.npm_execpath
  const command = npm === undefined ? ['npm', []] : [process.execPath, [npm]]
  const { status, error, stdout, stderr } = spawnSync(
    command[0],
    [...command[1], 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      encoding: 'utf8',
      shell: npm === undefined && process.platform === 'win32',
    },
  )
  if (status !== 0) fail(`npm ci failed\n${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`)
  writeFileSync(stamp, wanted)
}

/** The Node of the lockfile; where there is none for this machine, its own, if `engines` allows it. */
function chooseNode() {
  const binary = process.platform === 'win32' ? 'node.exe' : 'node'
  for (const file of [`node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`]) {
    const path = join(root, 'node_modules', file, 'bin', binary)
    if (existsSync(path) && spawnSync(path, ['--version']).status === 0) return path
  }
  const [major, minor] = process.versions.node.split('.').map(Number)
  if ((major === 22 && minor >= 22) || (major === 24 && minor >= 6) || major > 24) return process.execPath
  return fail(
    `this machine has Node ${process.versions.node}, and no Node 24 comes with the packages for ${process.platform}-${process.arch}: install Node 24.6 or later`,
  )
}

function build() {
  const started = Date.now()
  const { status, stdout, stderr } = spawnSync(node, [join(root, 'node_modules/typescript/bin/tsc'), '-b', root], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) fail(`the build failed\n${stdout}${stderr}`)
  say(`built (${((Date.now() - started) / 1000).toFixed(1)} s)`)
}

/** Finds the benchmark among the `bench/` folders. */
function bench() {
  const found = new Map()
  for (const parent of ['packages', 'examples']) {
    for (const name of readdirSync(join(root, parent))) {
      const folder = join(root, parent, name, 'bench')
      if (!existsSync(folder)) continue
      for (const file of readdirSync(folder))
        if (/^[a-z-]+\.bench\.ts$/.test(file)) found.set(file.slice(0, -'.bench.ts'.length), join(folder, file))
    }
  }
  const [name, ...rest] = args
  const file = found.get(name)
  if (file === undefined)
    fail(`which benchmark? npm run bench -- NAME [--json], with NAME one of: ${[...found.keys()].sort().join(', ')}`)
  return [[file, rest, { nodeArgs: ['--expose-gc', ...underLoad] }]]
}

async function runSteps(steps) {
  const path = `${dirname(node)}${delimiter}${process.env.PATH}`
  for (const [file, stepArgs, options = {}] of steps) {
    if (options.say !== undefined) say(options.say)
    const child = spawn(node, [...known(options.nodeArgs ?? []), resolve(root, file), ...stepArgs], {
      cwd: options.cwd ?? (task === 'test' || task === 'lint' || task === 'format' ? root : userFolder),
      stdio: ['inherit', options.quiet ? 2 : 'inherit', 'inherit'],
      env: { ...process.env, PATH: path, HEDDLE_ROOT: root },
    })
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
    const status = await new Promise((done) => child.on('exit', (code, signal) => done(signal === null ? code : 128)))
    if (status !== 0) process.exit(status)
  }
}
