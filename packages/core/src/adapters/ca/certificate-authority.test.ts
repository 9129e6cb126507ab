import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { nobleCrypto } from '../crypto/noble-crypto.ts'
import { encodePem, pemBlock } from '../crypto/pem.ts'
import { parseCertificate } from '../msp/certificate.ts'
import { parseRevocationList } from '../msp/revocation-list.ts'
import { CertificateAuthority, signingRequest } from './certificate-authority.ts'
import { FIXTURE_NOW, seededAuthority } from './seeded-authority.fixture.ts'

const year = 8760 * 3_600_000
const refusal = (code: string) => expect.objectContaining({ code })

const environment = seededAuthority('ca test')
const root = CertificateAuthority.createRoot({ commonName: 'ca.org1', organization: 'org1' }, environment)
const inter = root.createIntermediate({ commonName: 'ica.org1' })

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

describe.skipIf(!hasOpenssl())('openssl (skipped only where the openssl command is not installed)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-ca-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const openssl = (...args: string[]): string => execFileSync('openssl', args, { stdio: 'pipe' }).toString()
  const rootFile = file('root.pem', root.certificate)
  const interFile = file('inter.pem', inter.certificate)
  const at = ['-attime', String(FIXTURE_NOW / 1000)]
  const chain = ['-x509_strict', ...at, '-CAfile', rootFile, '-untrusted', interFile]

  it('accepts the chain of a member, of a TLS server and of an intermediate authority, strictly', () => {
    const member = inter.issue({ enrolmentId: 'openssl member', role: 'peer', attributes: { a: '1' } }, { hosts: ['peer0'] })
    const tls = root.issueTls('peer0.org1', ['peer0.org1', '127.0.0.1', '::1'])
    expect(openssl('verify', ...chain, file('member.pem', member.certificate))).toContain('OK')
    expect(openssl('verify', ...chain, '-purpose', 'sslserver', file('tls.pem', tls.certificate))).toContain('OK')
    expect(openssl('verify', '-x509_strict', ...at, '-CAfile', rootFile, interFile)).toContain('OK')
  })

  it('refuses a member once the revocation list has it, and accepts the list', () => {
    const ca = CertificateAuthority.createRoot({ commonName: 'ca.crl' }, environment)
    const [kept, gone] = [ca.issue({ enrolmentId: 'kept', role: 'client' }), ca.issue({ enrolmentId: 'gone', role: 'client' })]
    ca.revoke(gone.certificate)
    const options = [
      ...at,
      '-crl_check',
      '-CAfile',
      file('crlca.pem', ca.certificate),
      '-CRLfile',
      file('crl.pem', ca.revocationList()),
    ]
    expect(openssl('verify', ...options, file('kept.pem', kept.certificate))).toContain('OK')
    expect(() => openssl('verify', ...options, file('gone.pem', gone.certificate))).toThrow(/certificate revoked/)
  })

  it('its requests are enrolled: the private key stays where it was made', () => {
    const key = join(folder, 'own.key')
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key)
    const request = openssl('req', '-new', '-sha256', '-key', key, '-subj', '/CN=whatever/OU=admin')
    const enrolment = inter.issue({ enrolmentId: 'own key', role: 'client' }, { request })
    expect(enrolment.privateKey).toBeUndefined()
    const publicKey = openssl('ec', '-in', key, '-pubout')
    const certificate = new X509Certificate(enrolment.certificate)
    expect(certificate.publicKey.export({ format: 'pem', type: 'spki' })).toBe(publicKey)
    // Registration decides on the subject, the request does not.
    expect(parseCertificate(pemBlock(enrolment.certificate).bytes).subject.organizationalUnits).toEqual(['client'])
  })

  it('a request for a P-384 key is refused', () => {
    const key = join(folder, 'p384.key')
    openssl('ecparam', '-name', 'secp384r1', '-genkey', '-noout', '-out', key)
    const request = openssl('req', '-new', '-sha256', '-key', key, '-subj', '/CN=x')
    expect(() => inter.issue({ enrolmentId: 'p384', role: 'client' }, { request })).toThrow(refusal('CA_BAD_REQUEST'))
  })
})

describe('enrolment', () => {
  it('needs a registration and its secret, and ends with its limit', () => {
    const secret = root.register({ enrolmentId: 'dave', role: 'client', maxEnrolments: 1 })
    expect(() => root.register({ enrolmentId: 'dave', role: 'client' })).toThrow(refusal('CA_ALREADY_REGISTERED'))
    expect(() => root.enrol('erin', secret)).toThrow(refusal('CA_UNKNOWN_REGISTRATION'))
    expect(() => root.enrol('dave', 'guess')).toThrow(refusal('CA_WRONG_SECRET'))
    expect(root.enrol('dave', secret).certificate).toContain('BEGIN CERTIFICATE')
    expect(() => root.enrol('dave', secret)).toThrow(refusal('CA_ENROLMENTS_EXHAUSTED'))
  })

  it('with a request that its key did not sign, or that is none, is refused', () => {
    const key = nobleCrypto.generateKeyPair()
    const bytes = Uint8Array.from(pemBlock(signingRequest('x', key, nobleCrypto)).bytes)
    bytes[bytes.length - 1] = bytes.at(-1)! ^ 1
    for (const request of [encodePem('CERTIFICATE REQUEST', bytes), 'nonsense'])
      expect(() => root.issue({ enrolmentId: `bad ${request.length}`, role: 'client' }, { request })).toThrow(
        refusal('CA_BAD_REQUEST'),
      )
  })

  it('lasts a year unless told otherwise, and never longer than its authority', () => {
    const usual = parseCertificate(pemBlock(root.issue({ enrolmentId: 'usual', role: 'client' }).certificate).bytes)
    expect(usual.notAfter - usual.notBefore).toBe(year)
    const long = root.issue({ enrolmentId: 'long', role: 'client' }, { lifetime: 100 * year })
    const authority = parseCertificate(pemBlock(root.certificate).bytes)
    expect(parseCertificate(pemBlock(long.certificate).bytes).notAfter).toBe(authority.notAfter)
  })

  it('ends when the authority has expired', () => {
    let now = FIXTURE_NOW
    const clock = { now: () => now }
    const short = CertificateAuthority.createRoot({ commonName: 'short', lifetime: 1000 }, { ...environment, clock })
    now += year
    expect(() => short.issue({ enrolmentId: 'late', role: 'client' })).toThrow(refusal('CA_EXPIRED'))
  })

  it('dates after 2049 are written as GeneralizedTime and read back', () => {
    const clock = { now: () => Date.UTC(2049, 11, 31, 23, 30) }
    const ca = CertificateAuthority.createRoot({ commonName: 'future' }, { ...environment, clock })
    const { notBefore, notAfter } = parseCertificate(pemBlock(ca.certificate).bytes)
    expect(new Date(notBefore).toISOString()).toBe('2049-12-31T22:30:00.000Z')
    expect(notAfter - notBefore).toBe(15 * year)
    expect(new Date(new X509Certificate(ca.certificate).validTo).getTime()).toBe(notAfter)
  })
})

describe('a revocation list', () => {
  it('holds exactly what was revoked, each once', () => {
    const ca = CertificateAuthority.createRoot({ commonName: 'ca.list' }, environment)
    const issued = ['a', 'b', 'c'].map((enrolmentId) => ca.issue({ enrolmentId, role: 'client' }))
    expect(parseRevocationList(Buffer.from(ca.revocationList())).revoked.size).toBe(0)
    ca.revoke(issued[0]!.serialNumber)
    ca.revoke(issued[2]!.certificate)
    ca.revoke(issued[2]!.certificate)
    const list = parseRevocationList(Buffer.from(ca.revocationList()))
    expect(list.revoked).toEqual(new Set([issued[0]!.serialNumber, issued[2]!.serialNumber]))
    expect(list.authorityKeyId).toEqual(parseCertificate(pemBlock(ca.certificate).bytes).subjectKeyId)
  })

  it('takes no certificate of another authority', () => {
    const stranger = inter.issue({ enrolmentId: 'stranger', role: 'client' })
    expect(() => root.revoke(stranger.certificate)).toThrow(refusal('CA_UNKNOWN_CERTIFICATE'))
  })
})

describe('a deterministic authority', () => {
  it('gives the same certificates for the same seed, and others for another', () => {
    const make = (seed: string): string[] => {
      const ca = CertificateAuthority.createRoot({ commonName: 'ca' }, seededAuthority(seed, { deterministic: true }))
      const member = ca.issue({ enrolmentId: 'alice', role: 'client' })
      return [ca.certificate, member.certificate, member.privateKey!]
    }
    expect(make('one')).toEqual(make('one'))
    for (const [i, text] of make('two').entries()) expect(text).not.toBe(make('one')[i])
  })
})
