import { describe, it } from 'vitest'
import { InlineRuntime } from '../../core/src/adapters/chaincode-inline/inline-runtime.ts'
import { chaincodeRuntimeConformance } from '../src/chaincode-runtime-conformance/suite.ts'

chaincodeRuntimeConformance(
  { describe, it },
  {
    name: 'inline',
    isolated: false,
    create() {
      const runtime = new InlineRuntime('Org1MSP')
      return { runtime, dispose: () => runtime.stop() }
    },
  },
)
