// Submit, evaluate, sign offline, follow events over a checkpoint, and read what an error says: with Fabric's own client library alone.
//
//   node client.mjs [FOLDER]     FOLDER: `organizations` of the network, as Fabric's test network or `heddle dev` writes it
//
// PEER_ENDPOINT and PEER_NAME point to another peer than peer0.org1.example.com on localhost:7051.
import { createPrivateKey } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import * as grpc from '@grpc/grpc-js'
import { checkpointers, connect, EndorseError, hash, signers } from '@hyperledger/fabric-gateway'

const folder = process.argv[2] ?? '.heddle/dev/organizations'
const organization = join(folder, 'peerOrganizations/org1.example.com')
const peer = process.env.PEER_NAME ?? 'peer0.org1.example.com'
const endpoint = process.env.PEER_ENDPOINT ?? 'localhost:7051'

const text = (bytes) => Buffer.from(bytes).toString()
const only = async (path) => readFile(join(path, (await readdir(path))[0]))

const msp = join(organization, 'users/User1@org1.example.com/msp')
const signer = signers.newPrivateKeySigner(createPrivateKey(await only(join(msp, 'keystore'))))
const identity = { mspId: 'Org1MSP', credentials: await only(join(msp, 'signcerts')) }
const client = new grpc.Client(
  endpoint,
  grpc.credentials.createSsl(await readFile(join(organization, 'peers', peer, 'tls/ca.crt'))),
  { 'grpc.ssl_target_name_override': peer },
)
const gateway = connect({ client, identity, signer, hash: hash.sha256 })
const network = gateway.getNetwork('mychannel')
const notes = network.getContract('notes')
const id = `note${Date.now()}`

try {
  await notes.submitTransaction('Write', id, 'hello')
  console.log(`submitted, and reads '${text(await notes.evaluateTransaction('Read', id))}'`)

  // Step by step, with the block that it stands in.
  const commit = await (await notes.newProposal('Write', { arguments: [id, 'hello again'] }).endorse()).submit()
  const status = await commit.getStatus()
  console.log(
    `transaction ${status.transactionId.slice(0, 8)}... is in block ${status.blockNumber}, successful: ${status.successful}`,
  )

  // Where keys are not where the client runs: each step gives bytes and a digest out, and takes a signature in.
  const offline = connect({ client, identity, hash: hash.sha256 })
  const draft = offline
    .getNetwork('mychannel')
    .getContract('notes')
    .newProposal('Write', { arguments: [id, 'signed elsewhere'] })
  const proposal = offline.newSignedProposal(draft.getBytes(), await signer(draft.getDigest()))
  const endorsed = await proposal.endorse()
  const transaction = offline.newSignedTransaction(endorsed.getBytes(), await signer(endorsed.getDigest()))
  const sent = await transaction.submit()
  const signed = offline.newSignedCommit(sent.getBytes(), await signer(sent.getDigest()))
  console.log(`signed offline, successful: ${(await signed.getStatus()).successful}`)
  offline.close()

  // Events: the first listener stops after two of the three, the second goes on where the first was.
  const place = await mkdtemp(join(tmpdir(), 'checkpoint-'))
  const checkpoint = await checkpointers.file(join(place, 'notes.json'))
  const seen = []
  for (const wanted of [2, 1]) {
    const events = await network.getChaincodeEvents('notes', { checkpoint, startBlock: status.blockNumber - 1n })
    let left = wanted
    for await (const event of events) {
      if (text(event.payload) !== id) continue
      seen.push(event.transactionId)
      await checkpoint.checkpointChaincodeEvent(event)
      if (--left === 0) break
    }
    events.close()
  }
  checkpoint.close?.()
  await rm(place, { recursive: true })
  console.log(`events: ${seen.length}, each once: ${new Set(seen).size === 3}`)

  try {
    await notes.submitTransaction('Read', 'nothing')
  } catch (error) {
    if (!(error instanceof EndorseError)) throw error
    console.log(`refused as it should be: ${grpc.status[error.code]}`)
    for (const detail of error.details) console.log(`  ${detail.mspId}: ${detail.message}`)
  }
} finally {
  gateway.close()
  client.close()
}
