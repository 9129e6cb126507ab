/** A default and why it is what it is. */
export interface Default {
  readonly value: unknown
  readonly reason: string
}

/** Every default of a network's configuration, by its path; `heddle config defaults` prints this table. */
export const DEFAULTS = {
  name: { value: 'heddle', reason: 'Appears in logs and metrics only.' },
  'organizations.mspId': { value: 'NAME + "MSP"', reason: "The naming of Fabric's samples, which their tools and docs assume." },
  'organizations.peers': { value: 1, reason: 'The least that endorses and commits.' },
  'organizations.clients': { value: ['client'], reason: 'One identity to submit with; an admin exists besides.' },
  orderers: { value: 1, reason: 'What solo, the default ordering, takes; other consensus needs more.' },
  'orderers.organization': {
    value: 'Orderer',
    reason: 'Orderers belong to an organisation of their own, so that no bank orders its own transactions.',
  },
  'orderers.nodes': { value: 1, reason: 'See `orderers`.' },
  channels: { value: { main: {} }, reason: 'One channel that all organisations share.' },
  'channels.organizations': { value: 'all', reason: 'A channel with fewer members has to be asked for.' },
  'channels.batch.maxMessages': { value: 500, reason: "Fabric's default. Batches adapt to load: this is only the upper bound." },
  'channels.batch.preferredMaxBytes': { value: 2 * 1024 * 1024, reason: "Fabric's default." },
  'channels.batch.absoluteMaxBytes': { value: 10 * 1024 * 1024, reason: "Fabric's default; a larger transaction is refused." },
  'channels.batch.timeout': {
    value: 2000,
    reason:
      "Fabric's default, milliseconds. A batch is cut as soon as the ordering pipeline is free; this is only the upper bound.",
  },
  'chaincodes.version': { value: '1.0', reason: 'Any text will do; it is stored in the definition.' },
  'chaincodes.endorsement': {
    value: '/Channel/Application/Endorsement',
    reason: "Fabric's default: a majority of the organisations.",
  },
  'chaincodes.initRequired': { value: false, reason: "Fabric's default: chaincode needs no initialising call." },
  'chaincodes.timeout': { value: 30_000, reason: "Fabric's execute timeout, milliseconds." },
  'ordering.use': {
    value: '@heddle/consensus-solo',
    reason:
      'One orderer without consensus: the simplest that is durable. The only plugin that core knows by name, and only here.',
  },
  'stateDb.use': { value: 'memory | level', reason: 'Memory where storage is memory, LevelDB where it is a folder.' },
  'identity.use': { value: 'x509', reason: "Certificates, as Fabric's MSPs." },
  'chaincodeRuntime.use': {
    value: 'inline | worker',
    reason:
      'Inline in code and tests, where the chaincode is your own; worker from a file, so that an endless loop stops only the chaincode.',
  },
  'dissemination.use': {
    value: 'deliver',
    reason: 'Each peer pulls its blocks from the orderers; gossip pays only with many peers.',
  },
  'blockStore.use': { value: 'files', reason: 'Append-only files with checksums, on the disk that `storage` names.' },
  storage: {
    value: 'memory | { folder: ./data }',
    reason: 'Memory in code, so that a test leaves nothing behind; a folder beside the file that configures it.',
  },
  'log.level': { value: 'warn', reason: 'A network in a test should be silent until something is wrong.' },
  'operations.host': { value: '127.0.0.1', reason: 'Metrics and health are for this machine unless somebody says otherwise.' },
  'limits.concurrentEndorsements': { value: 2500, reason: "Fabric's gateway and endorser limit." },
  'limits.pendingBlocks': { value: 8, reason: 'Enough to hide validation behind signature checks; more only holds memory.' },
} as const satisfies Record<string, Default>
