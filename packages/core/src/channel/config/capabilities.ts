import { ChannelError } from '../errors.ts'

export type CapabilitySection = 'channel' | 'orderer' | 'application'

/** As Fabric's common/capabilities names them. */
const KNOWN: Readonly<Record<CapabilitySection, ReadonlySet<string>>> = {
  channel: new Set(['V1_1', 'V1_3', 'V1_4_2', 'V1_4_3', 'V2_0', 'V3_0']),
  orderer: new Set(['V1_1', 'V1_4_2', 'V2_0']),
  application: new Set([
    'V1_1',
    'V1_2',
    'V1_3',
    'V1_4_2',
    'V2_0',
    'V2_5',
    'V1_1_PVTDATA_EXPERIMENTAL',
    'V1_1_RESOURCETREE_EXPERIMENTAL',
  ]),
}

/**
 * One of these has to be on: below them Fabric validates by rules (old lifecycle, MSPs without NodeOU roles) that are not
 * implemented here.
 */
const REQUIRED: Readonly<Record<CapabilitySection, readonly string[]>> = {
  channel: ['V1_4_3', 'V2_0', 'V3_0'],
  orderer: ['V1_4_2', 'V2_0'],
  application: ['V2_0', 'V2_5'],
}

/** @throws ChannelError CHANNEL_UNKNOWN_CAPABILITY, CHANNEL_CAPABILITY_TOO_OLD */
export function checkCapabilities(section: CapabilitySection, names: ReadonlySet<string>): void {
  for (const name of names) {
    if (KNOWN[section].has(name)) continue
    throw new ChannelError('CHANNEL_UNKNOWN_CAPABILITY', `the channel requires the unknown ${section} capability ${name}`, {
      section,
      capability: name,
    })
  }
  if (REQUIRED[section].some((name) => names.has(name))) return
  throw new ChannelError(
    'CHANNEL_CAPABILITY_TOO_OLD',
    `the channel has none of the ${section} capabilities ${REQUIRED[section].join(', ')}`,
    {
      section,
      capabilities: [...names],
      required: REQUIRED[section],
    },
  )
}
