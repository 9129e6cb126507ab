import { describe, it } from 'vitest'
import { DeliverDissemination } from '../../core/src/adapters/dissemination-deliver/deliver-dissemination.ts'
import { disseminationConformance } from '../src/dissemination-conformance/suite.ts'

disseminationConformance(
  { describe, it },
  {
    name: 'deliver',
    create() {
      const dissemination = new DeliverDissemination()
      return { dissemination, dispose: () => dissemination.stop() }
    },
  },
)
