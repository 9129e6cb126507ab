// Messages of msp/msp_config.proto.
import { bool, bytes, embed, int32, int64, repeated, string } from '../protobuf/field.ts'
import { type Infer, message } from '../protobuf/message.ts'

export const MSPConfig = message('msp.MSPConfig', {
  type: int32(1),
  config: bytes(2),
})
export type MSPConfig = Infer<typeof MSPConfig>

export const KeyInfo = message('msp.KeyInfo', {
  keyIdentifier: string(1),
  keyMaterial: bytes(2),
})
export type KeyInfo = Infer<typeof KeyInfo>

export const SigningIdentityInfo = message('msp.SigningIdentityInfo', {
  publicSigner: bytes(1),
  privateSigner: embed(2, KeyInfo),
})
export type SigningIdentityInfo = Infer<typeof SigningIdentityInfo>

export const FabricOUIdentifier = message('msp.FabricOUIdentifier', {
  certificate: bytes(1),
  organizationalUnitIdentifier: string(2),
})
export type FabricOUIdentifier = Infer<typeof FabricOUIdentifier>

export const FabricCryptoConfig = message('msp.FabricCryptoConfig', {
  signatureHashFamily: string(1),
  identityIdentifierHashFunction: string(2),
})
export type FabricCryptoConfig = Infer<typeof FabricCryptoConfig>

export const FabricNodeOUs = message('msp.FabricNodeOUs', {
  enable: bool(1),
  clientOuIdentifier: embed(2, FabricOUIdentifier),
  peerOuIdentifier: embed(3, FabricOUIdentifier),
  adminOuIdentifier: embed(4, FabricOUIdentifier),
  ordererOuIdentifier: embed(5, FabricOUIdentifier),
})
export type FabricNodeOUs = Infer<typeof FabricNodeOUs>

export const FabricMSPConfig = message('msp.FabricMSPConfig', {
  name: string(1),
  rootCerts: repeated(bytes(2)),
  intermediateCerts: repeated(bytes(3)),
  admins: repeated(bytes(4)),
  revocationList: repeated(bytes(5)),
  signingIdentity: embed(6, SigningIdentityInfo),
  organizationalUnitIdentifiers: repeated(embed(7, FabricOUIdentifier)),
  cryptoConfig: embed(8, FabricCryptoConfig),
  tlsRootCerts: repeated(bytes(9)),
  tlsIntermediateCerts: repeated(bytes(10)),
  fabricNodeOus: embed(11, FabricNodeOUs),
})
export type FabricMSPConfig = Infer<typeof FabricMSPConfig>

export const IdemixMSPSignerConfig = message('msp.IdemixMSPSignerConfig', {
  cred: bytes(1),
  sk: bytes(2),
  organizationalUnitIdentifier: string(3),
  role: int32(4),
  enrollmentId: string(5),
  credentialRevocationInformation: bytes(6),
})
export type IdemixMSPSignerConfig = Infer<typeof IdemixMSPSignerConfig>

export const IdemixMSPConfig = message('msp.IdemixMSPConfig', {
  name: string(1),
  ipk: bytes(2),
  signer: embed(3, IdemixMSPSignerConfig),
  revocationPk: bytes(4),
  epoch: int64(5),
})
export type IdemixMSPConfig = Infer<typeof IdemixMSPConfig>
