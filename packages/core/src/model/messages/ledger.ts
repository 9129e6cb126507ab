// Messages of common/ledger.proto.
import { bytes, uint64 } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

/** Height and last two hashes of a chain. */
export const BlockchainInfo = message('common.BlockchainInfo', {
  height: uint64(1),
  currentBlockHash: bytes(2),
  previousBlockHash: bytes(3),
})
export type BlockchainInfo = Infer<typeof BlockchainInfo>
