import { expect, test } from 'vitest'
import { encodePem, pemBlock, pemBlocks } from './pem.ts'

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)
const text = encodePem('CERTIFICATE', bytes)
const line = '-----BEGIN CERTIFICATE-----'

// Each of these was put before a Fabric peer as an endorser's certificate; the peer read the first list and refused the second.
test.each([
  ['text before the block', `hello\n${text}`],
  ['text behind the block', `${text}bye`],
  ['no line feed at the end', text.trimEnd()],
  ['carriage returns', text.replaceAll('\n', '\r\n')],
  ['spaces at the ends of lines', text.replaceAll('\n', ' \n')],
  ['a tab inside', text.replace('\nA', '\n\tA')],
  ['headers', text.replace(`${line}\n`, `${line}\nA: b\n\n`)],
  ['an empty line first', text.replace(`${line}\n`, `${line}\n\n`)],
  ['one long line', text.replace(/(?<=\S)\n(?=[A-Za-z0-9+/=])/g, '').replace(line, `${line}\n`)],
  ['BEGIN twice: the last before END counts', `${line}\n${text}`],
  ['a block that is not base64 before it', `-----BEGIN X-----\n*\n-----END X-----\n${text}`],
  ['a block without its END before it', `-----BEGIN X-----\nAAAA\n${text}`],
  ['bits beyond the last byte', text.replace(/Y2M=|Yw==/, (last) => (last === 'Yw==' ? 'Yx==' : last))],
])('PEM with %s is read as Fabric reads it', (_, pem) => {
  expect(pemBlocks(pem, 1)).toEqual([{ kind: 'CERTIFICATE', bytes }])
})

test.each([
  ['a character behind the END line', `${text.trimEnd()}-`],
  ['a vertical tab behind the END line', `${text.trimEnd()}\v`],
  ['BEGIN that is not at the start of a line', `  ${text}`],
  ['no padding', text.replaceAll('=', '')],
  ['another kind at its END', text.replace('END CERTIFICATE', 'END FOO')],
  ['no END', text.slice(0, text.indexOf('-----END'))],
  ['nothing in it', 'no PEM at all'],
])('PEM with %s is refused, as Fabric refuses it', (_, pem) => {
  expect(() => pemBlock(pem)).toThrow(expect.objectContaining({ code: 'CRYPTO_BAD_PEM' }))
})

test('all blocks are found, in order', () => {
  expect(pemBlocks(`${text}between\n${encodePem('X', Uint8Array.of(1))}`).map(({ kind }) => kind)).toEqual(['CERTIFICATE', 'X'])
})
