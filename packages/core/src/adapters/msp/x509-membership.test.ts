import { createPrivateKey, generateKeyPairSync, sign as nodeSign, verify as nodeVerify } from 'node:crypto'
import type { Name } from '@peculiar/asn1-x509'
import { describe, expect, it } from 'vitest'
import { MSPConfig } from '../../model/messages/msp-config.ts'
import { utf8Bytes } from '../../model/utf8.ts'
import { CertificateAuthority, keyId } from '../ca/certificate-authority.ts'
import { authorityKeyId, basicConstraints, encodeCertificate, encodeName, subjectKeyId } from '../ca/certificate-encoding.ts'
import { mspConfig, serializeIdentity } from '../ca/msp-definition.ts'
import { FIXTURE_NOW, seededAuthority } from '../ca/seeded-authority.fixture.ts'
import { bitString, contentOf, elementsOf, sequence, unsignedInteger } from '../crypto/der.fixture.ts'
import { isLowS, toLowS } from '../crypto/der-signature.ts'
import { nobleCrypto } from '../crypto/noble-crypto.ts'
import { ORDER } from '../crypto/p256.ts'
import { encodePem, pemBlock } from '../crypto/pem.ts'
import { parseCertificate } from './certificate.ts'
import { enrol, membershipOf, provider, rootAuthority, serialized } from './msp.fixture.ts'
import type { X509Identity } from './x509-identity.ts'

const root = rootAuthority()
const org1 = { mspId: 'Org1MSP', roots: [root.certificate] }
const day = 24 * 3_600_000

const refusal = (code: string) => expect.objectContaining({ code })

/** The same certificate with its signature turned to high or low S. */
function turnedOver(pem: string): string {
  const [tbs, algorithm, bits] = elementsOf(pemBlock(pem).bytes) as [Uint8Array, Uint8Array, Uint8Array]
  const [r, low] = elementsOf(contentOf(bits).subarray(1)) as [Uint8Array, Uint8Array]
  const s = BigInt(`0x${Buffer.from(contentOf(low)).toString('hex')}`)
  const other = (BigInt(`0x${Buffer.from(ORDER).toString('hex')}`) - s).toString(16).padStart(64, '0')
  const turned = sequence(r, unsignedInteger(Buffer.from(other, 'hex')))
  return encodePem('CERTIFICATE', sequence(tbs, algorithm, bitString(turned)))
}

describe('an identity', () => {
  it('of a certificate that the root issued is valid, with its role, units and attributes', () => {
    const enrolment = root.issue({
      enrolmentId: 'alice',
      role: 'client',
      affiliation: 'org1.trade',
      attributes: { limit: '1000' },
    })
    const identity = membershipOf(org1).identity(serialized(enrolment))
    expect(identity).toMatchObject({ mspId: 'Org1MSP', organizationalUnits: ['client', 'org1', 'trade'] })
    expect(identity.attributes).toEqual({
      limit: '1000',
      'hf.Affiliation': 'org1.trade',
      'hf.EnrollmentID': 'alice',
      'hf.Type': 'client',
    })
    expect(identity.publicKey).toBe(provider.keyOf(serialized(enrolment)))
  })

  it('is the same object each time it is asked for, and so is its refusal', () => {
    const membership = membershipOf(org1)
    const bytes = serialized(enrol(root))
    expect(membership.identity(Uint8Array.from(bytes))).toBe(membership.identity(bytes))
    const bad = serialized(enrol(rootAuthority('other')))
    const caught = (): unknown => {
      try {
        return membership.identity(bad)
      } catch (error) {
        return error
      }
    }
    expect(caught()).toBe(caught())
  })

  it('has one id for both forms of the signature on its certificate', () => {
    const { certificate } = enrol(root)
    const turned = turnedOver(certificate)
    const membership = membershipOf(org1)
    expect(isLowS(parseCertificate(pemBlock(turned).bytes).signature)).toBe(false)
    const identity = membership.identity(serialized({ certificate: turned }))
    expect(identity.id).toBe(membership.identity(serialized({ certificate })).id)
    expect(identity.bytes).toEqual(serialized({ certificate: turned }))
  })

  it('of an MSP that is no member is refused', () => {
    expect(() => membershipOf(org1).identity(serialized(enrol(root), 'Org9MSP'))).toThrow(refusal('IDENTITY_UNKNOWN_MSP'))
  })

  it('that made its certificate itself is refused', () => {
    const own = CertificateAuthority.createRoot({ commonName: 'mallory' }, seededAuthority('mallory'))
    expect(() => membershipOf(org1).identity(serialized(enrol(own)))).toThrow(refusal('IDENTITY_NOT_TRUSTED'))
    expect(() => membershipOf(org1).identity(serialized(own))).toThrow(refusal('IDENTITY_NOT_TRUSTED'))
  })

  it('of another authority with the same name is refused', () => {
    const impostor = rootAuthority('ca.org1', seededAuthority('another key'))
    expect(() => membershipOf(org1).identity(serialized(enrol(impostor)))).toThrow(refusal('IDENTITY_NOT_TRUSTED'))
  })

  it('with the certificate of an authority is refused, the root itself included', () => {
    expect(() => membershipOf(org1).identity(serialized(root))).toThrow(refusal('IDENTITY_NOT_TRUSTED'))
  })

  it('whose certificate was altered is refused', () => {
    const { bytes } = pemBlock(enrol(root).certificate)
    const altered = Uint8Array.from(bytes)
    altered[20] = altered[20]! ^ 1
    const certificate = encodePem('CERTIFICATE', altered)
    expect(() => membershipOf(org1).identity(serialized({ certificate }))).toThrow(refusal('IDENTITY_NOT_TRUSTED'))
  })

  it('that has expired is still known: expiry counts at ingress, by expiresAt', () => {
    const expired = root.issue({ enrolmentId: 'expired', role: 'client' }, { notBefore: FIXTURE_NOW, lifetime: day })
    const identity = membershipOf(org1).identity(serialized(expired))
    expect(identity.expiresAt).toBe(FIXTURE_NOW + day)
  })

  it('that is not valid yet is known, as in Fabric: clocks differ', () => {
    const early = root.issue({ enrolmentId: 'early', role: 'client' }, { notBefore: FIXTURE_NOW + day })
    expect(membershipOf(org1).identity(serialized(early))).toMatchObject({ validFrom: FIXTURE_NOW + day })
  })

  it('that begins after its authority has ended is refused', () => {
    const short = CertificateAuthority.createRoot({ commonName: 'short', lifetime: day }, seededAuthority('short'))
    const key = nobleCrypto.generateKeyPair()
    const late = encodeCertificate(
      {
        serialNumber: Uint8Array.of(1),
        issuer: encodeName({ commonName: 'short' }),
        subject: encodeName({ commonName: 'late', organizationalUnits: ['client'] }),
        notBefore: FIXTURE_NOW + 2 * day,
        notAfter: FIXTURE_NOW + 3 * day,
        publicKey: key.publicKey.raw,
        extensions: [basicConstraints(false)],
      },
      (tbs) => nobleCrypto.sign(key, tbs),
    )
    const membership = membershipOf({ mspId: 'Org1MSP', roots: [short.certificate] })
    const certificate = encodePem('CERTIFICATE', late)
    expect(() => membership.identity(serialized({ certificate }))).toThrow(refusal('IDENTITY_NOT_TRUSTED'))
  })

  it.each([
    ['nothing', new Uint8Array(0), 'IDENTITY_UNKNOWN_MSP'],
    ['what is no protobuf', Uint8Array.of(0xff, 0xff, 0xff), 'IDENTITY_MALFORMED'],
    ['no PEM', serializeIdentity('Org1MSP', 'certificate'), 'IDENTITY_MALFORMED'],
    ['PEM that ends early', serializeIdentity('Org1MSP', root.certificate.slice(0, 300)), 'IDENTITY_MALFORMED'],
    [
      'PEM with something else inside',
      serializeIdentity('Org1MSP', encodePem('CERTIFICATE', utf8Bytes('x'))),
      'IDENTITY_MALFORMED',
    ],
    ['an empty certificate', serializeIdentity('Org1MSP', ''), 'IDENTITY_MALFORMED'],
    ['a megabyte', serializeIdentity('Org1MSP', 'x'.repeat(1 << 20)), 'IDENTITY_MALFORMED'],
  ])('that is %s is refused', (_, bytes, code) => {
    expect(() => membershipOf(org1).identity(bytes)).toThrow(refusal(code))
    expect(provider.keyOf(bytes)).toBeUndefined()
  })
})

/** Place of the key among the elements of a certificate's signed part. */
const KEY = 6

describe('a key other than ECDSA on P-256', () => {
  const foreign = (publicSpki: Buffer): string => {
    // A certificate whose key was put in after signing: the key is looked at before the chain.
    const [tbs, algorithm, signature] = elementsOf(pemBlock(enrol(root).certificate).bytes) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    return encodePem('CERTIFICATE', sequence(sequence(...elementsOf(tbs).with(KEY, publicSpki)), algorithm, signature))
  }

  it.each([
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey],
    ['Ed25519', generateKeyPairSync('ed25519').publicKey],
  ])('is refused: %s', (_, key) => {
    const certificate = foreign(key.export({ format: 'der', type: 'spki' }))
    expect(() => membershipOf(org1).identity(serialized({ certificate }))).toThrow(refusal('IDENTITY_UNSUPPORTED_KEY'))
    expect(provider.keyOf(serialized({ certificate }))).toBeUndefined()
  })

  it('is allowed for an authority: P-384 above members on P-256', () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    const spki = pair.publicKey.export({ format: 'der', type: 'spki' })
    const id = keyId(contentOf(elementsOf(spki)[1]!).subarray(1))
    const name = encodeName({ commonName: 'ca384' })
    const build = (subject: Name, spkiBytes: Uint8Array, isCA: boolean): string => {
      // The encoder writes P-256 keys and SHA-256; both are exchanged, then signed.
      const draft = encodeCertificate(
        {
          serialNumber: Uint8Array.of(isCA ? 1 : 2),
          issuer: name,
          subject,
          notBefore: FIXTURE_NOW,
          notAfter: FIXTURE_NOW + day,
          publicKey: new Uint8Array(65),
          extensions: [basicConstraints(isCA), ...(isCA ? [subjectKeyId(id)] : []), authorityKeyId(id)],
        },
        () => new Uint8Array(1),
      )
      const parts = elementsOf(elementsOf(draft)[0]!).with(KEY, spkiBytes)
      const tbs = sequence(...parts)
      const algorithm = parts[2]!
      const signature = nodeSign('sha256', tbs, createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })))
      return encodePem('CERTIFICATE', sequence(tbs, algorithm, bitString(signature)))
    }
    const ca = build(name, spki, true)
    const member = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({ format: 'der', type: 'spki' })
    const certificate = build(encodeName({ commonName: 'm', organizationalUnits: ['peer'] }), member, false)
    const membership = membershipOf({ mspId: 'Org1MSP', roots: [ca] })
    expect(membership.identity(serialized({ certificate })).organizationalUnits).toEqual(['peer'])

    // Its signatures are brought to low S as well; every second one needs it, so a high one turns up soon.
    const half = 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n / 2n
    const sOf = (signature: Uint8Array) => BigInt(`0x${Buffer.from(contentOf(elementsOf(signature)[1]!)).toString('hex')}`)
    for (let turned = 0; turned < 3; ) {
      const made = build(encodeName({ commonName: 'm', organizationalUnits: ['peer'] }), member, false)
      if (sOf(parseCertificate(pemBlock(made).bytes).signature) > half) turned++
      const { tbs, signature } = (membership.identity(serialized({ certificate: made })) as X509Identity).certificate
      expect(sOf(signature) <= half).toBe(true)
      expect(nodeVerify('sha256', tbs, pair.publicKey, signature)).toBe(true)
    }
  })
})

describe('revocation', () => {
  it('by the root counts from the configuration that carries the list', () => {
    const ca = rootAuthority('ca.revoking')
    const [kept, revoked] = [enrol(ca), enrol(ca)]
    ca.revoke(revoked.certificate)
    const before = membershipOf({ mspId: 'Org1MSP', roots: [ca.certificate] })
    expect(before.identity(serialized(revoked)).mspId).toBe('Org1MSP')
    const after = membershipOf({ mspId: 'Org1MSP', roots: [ca.certificate], revocationLists: [ca.revocationList()] })
    expect(() => after.identity(serialized(revoked))).toThrow(refusal('IDENTITY_REVOKED'))
    expect(after.identity(serialized(kept)).mspId).toBe('Org1MSP')
  })

  it('by an intermediate authority counts for its own members', () => {
    const ca = rootAuthority('ca.above')
    const inter = ca.createIntermediate({ commonName: 'inter' })
    const member = enrol(inter)
    inter.revoke(member.serialNumber)
    const definition = { mspId: 'Org1MSP', roots: [ca.certificate], intermediates: [inter.certificate] }
    expect(membershipOf(definition).identity(serialized(member)).mspId).toBe('Org1MSP')
    const after = membershipOf({ ...definition, revocationLists: [inter.revocationList()] })
    expect(() => after.identity(serialized(member))).toThrow(refusal('IDENTITY_REVOKED'))
  })

  it('by a list that the authority did not sign is passed over', () => {
    const ca = rootAuthority('ca.genuine')
    const member = enrol(ca)
    ca.revoke(member.serialNumber)
    const { bytes } = pemBlock(ca.revocationList())
    const forged = Uint8Array.from(bytes)
    forged[forged.length - 1] = forged.at(-1)! ^ 1
    const membership = membershipOf({
      mspId: 'Org1MSP',
      roots: [ca.certificate],
      revocationLists: [encodePem('X509 CRL', forged)],
    })
    expect(membership.identity(serialized(member)).mspId).toBe('Org1MSP')
  })
})

describe('intermediate authorities', () => {
  const top = rootAuthority('ca.top')
  const lower = top.createIntermediate({ commonName: 'ca.lower' })
  const definition = { mspId: 'Org1MSP', roots: [top.certificate], intermediates: [lower.certificate] }

  it('issue members, their root no longer does', () => {
    const membership = membershipOf(definition)
    expect(membership.identity(serialized(enrol(lower))).mspId).toBe('Org1MSP')
    expect(() => membership.identity(serialized(enrol(top)))).toThrow(refusal('IDENTITY_NOT_TRUSTED'))
  })

  it('that the MSP does not name issue no members', () => {
    const membership = membershipOf({ mspId: 'Org1MSP', roots: [top.certificate] })
    expect(() => membership.identity(serialized(enrol(lower)))).toThrow(refusal('IDENTITY_NOT_TRUSTED'))
  })

  it('in high-S form give the same chains', () => {
    const turned = { ...definition, roots: [turnedOver(top.certificate)], intermediates: [turnedOver(lower.certificate)] }
    const bytes = serialized(enrol(lower))
    expect(membershipOf(turned).identity(bytes).id).toBe(membershipOf(definition).identity(bytes).id)
  })

  it('may not issue authorities below themselves unless allowed', () => {
    expect(() => lower.createIntermediate({ commonName: 'third' })).toThrow(refusal('CA_PATH_LENGTH'))
  })
})

describe('an MSP definition is refused', () => {
  const inter = root.createIntermediate({ commonName: 'revoked inter' })
  const revoking = rootAuthority('ca.revokes-inter')
  const gone = revoking.createIntermediate({ commonName: 'gone' })
  revoking.revoke(gone.certificate)
  it.each([
    ['without an identifier', { ...org1, mspId: '' }],
    ['without roots', { ...org1, roots: [] }],
    ['with a root that is no certificate', { ...org1, roots: ['nonsense'] }],
    ['with a root that is no authority', { ...org1, roots: [enrol(root).certificate] }],
    ['with an intermediate as root', { ...org1, roots: [inter.certificate] }],
    [
      'with an intermediate of another root',
      { ...org1, roots: [rootAuthority('x').certificate], intermediates: [inter.certificate] },
    ],
    ['with a member as intermediate', { ...org1, intermediates: [enrol(root).certificate] }],
    [
      'with a revoked intermediate',
      {
        mspId: 'M',
        roots: [revoking.certificate],
        intermediates: [gone.certificate],
        revocationLists: [revoking.revocationList()],
      },
    ],
    ['with a list that is none', { ...org1, revocationLists: ['nonsense'] }],
    ['without administrators and without NodeOUs', { ...org1, nodeOus: false as const }],
    [
      'with an administrator of another authority',
      { ...org1, nodeOus: false as const, admins: [enrol(rootAuthority('y')).certificate] },
    ],
    ['with an administrator whose unit is peer', { ...org1, admins: [enrol(root, 'peer').certificate] }],
    [
      'with a unit certified by a stranger',
      { ...org1, nodeOus: { client: 'client', admin: 'admin', certifier: rootAuthority('z').certificate } },
    ],
    ['with a TLS authority that is none', { ...org1, tlsRoots: [enrol(root).certificate] }],
  ])('%s', (_, definition) => {
    expect(() => membershipOf(definition)).toThrow(refusal('IDENTITY_BAD_MSP_CONFIG'))
  })

  it('of another type, with unreadable bytes, or given twice with different content', () => {
    const idemix = MSPConfig.encode({ type: 1, config: new Uint8Array(0) })
    for (const configs of [
      [idemix],
      [Uint8Array.of(0xff)],
      [mspConfig(org1), mspConfig({ ...org1, roots: [rootAuthority('w').certificate] })],
    ])
      expect(() => provider.createMembership(configs)).toThrow(refusal('IDENTITY_BAD_MSP_CONFIG'))
    expect(provider.createMembership([mspConfig(org1), mspConfig(org1)]).mspIds).toEqual(['Org1MSP'])
  })
})

it('a signer signs what its identity verifies, and refuses the key of another', async () => {
  const [mine, other] = [enrol(root), enrol(root)]
  const keyOf = (enrolment: typeof mine): Uint8Array => pemBlock(enrolment.privateKey!).bytes
  const signer = provider.signer(serialized(mine), keyOf(mine))
  const data = utf8Bytes('hello')
  const signature = await signer.sign(data)
  expect(toLowS(signature)).toEqual(signature)
  const key = provider.keyOf(signer.identity)!
  expect(
    await provider.verifyAll([
      { key, data, signature },
      { key, data: utf8Bytes('bye'), signature },
    ]),
  ).toEqual([true, false])
  expect(() => provider.signer(serialized(mine), keyOf(other))).toThrow(refusal('CRYPTO_BAD_KEY'))
})
