import { peer } from '@hyperledger/fabric-protos'
import { expect, it } from 'vitest'
import { TxValidationCode, validationCodeName } from './validation-code.ts'

it('has the names and numbers of Fabric, all of them', () => {
  expect(TxValidationCode).toEqual({ ...peer.TxValidationCode })
})

it('names every code, and shows the number of one that Fabric does not define', () => {
  for (const [name, code] of Object.entries(TxValidationCode)) expect(validationCodeName(code)).toBe(name)
  expect(validationCodeName(77)).toBe('UNKNOWN_77')
})
