import { describe, it } from 'vitest'
import { InlineRuntime } from '../../core/src/adapters/chaincode-inline/inline-runtime.ts'
import { WorkerRuntime } from '../../core/src/adapters/chaincode-worker/worker-runtime.ts'
import { systemClock } from '../../core/src/adapters/environment/clock.ts'
import type { ChaincodeRuntime } from '../../core/src/ports/chaincode.ts'
import { chaincodeRuntimeConformance } from '../src/chaincode-runtime-conformance/suite.ts'

const runtimes: readonly (readonly [string, boolean, () => ChaincodeRuntime])[] = [
  ['inline', false, () => new InlineRuntime('Org1MSP')],
  ['worker', true, () => new WorkerRuntime('Org1MSP', systemClock)],
]
for (const [name, isolated, open] of runtimes) {
  chaincodeRuntimeConformance(
    { describe, it },
    {
      name,
      isolated,
      create() {
        const runtime = open()
        return { runtime, dispose: () => runtime.stop() }
      },
    },
  )
}
